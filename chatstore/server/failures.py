"""
How an answer can fail: of which kind an exception is, what the person is told, and whether asking
again can help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents import (
    AgentsException,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    OutputGuardrailTripwireTriggered,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
    UserError,
)
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from django.utils.translation import gettext as _
from openai import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    OpenAIError,
    RateLimitError,
)

from chatstore.conf import settings
from chatstore.server.model_runs import InputTooLongError, is_too_long

Kind = Literal[
    "input_guardrail",
    "output_guardrail",
    "too_many_turns",
    "tool",
    "rate_limit",
    "quota",
    "too_long",
    "unreachable",
    "api_key",
    "other",
]
# What asking again does not change.
WITHOUT_RETRY = {"input_guardrail", "quota", "too_long", "api_key"}
KEY_HINT = (
    "The model got no valid API key: set the environment variable OPENAI_API_KEY, or give the "
    "agent a model whose client has a key."
)


@dataclass(frozen=True)
class Failure:
    """
    An answer that has failed.

    Args:
        kind: what it failed of.
        message: the sentence for the person; empty for the client's own words.
        allow_retry: whether the client offers to ask again.
        error: the exception, whose message may quote the conversation.
    """

    kind: Kind
    message: str
    allow_retry: bool
    error: BaseException

    def as_stream_error(self) -> CustomStreamError | StreamError:
        """Return what makes ChatKit's error event; while DEBUG is on, it quotes the exception."""
        message = self.message
        if settings.debug:
            hint = [KEY_HINT] if self.kind == "api_key" else []
            words = f"{type(self.error).__name__}: {self.error}"
            message = " ".join([*filter(None, [message]), *hint, words])
        if message:
            return CustomStreamError(message, allow_retry=self.allow_retry)
        return StreamError(ErrorCode.STREAM_ERROR, allow_retry=self.allow_retry)


def make_failure(error: BaseException) -> Failure:
    """Return what an exception from respond() means to the person, in chatstore's own words."""
    kind = kind_of(error)
    return Failure(kind, _messages().get(kind, ""), kind not in WITHOUT_RETRY, error)


def kind_of(error: BaseException) -> Kind:
    """Return what an answer has failed of."""
    match error:
        case InputGuardrailTripwireTriggered():
            return "input_guardrail"
        case (
            OutputGuardrailTripwireTriggered()
            | ToolInputGuardrailTripwireTriggered()
            | ToolOutputGuardrailTripwireTriggered()
        ):
            return "output_guardrail"
        case MaxTurnsExceeded():
            return "too_many_turns"
        case InputTooLongError():
            return "too_long"
        case Exception() if is_too_long(error):
            return "too_long"
        case AgentsException() if _is_of_a_tool(error):
            return "tool"
        case OpenAIError():
            return _kind_of_api_error(error)
    return "other"


def _is_of_a_tool(error: AgentsException) -> bool:
    # The SDK wraps what a tool raises in a UserError; its own errors of tools have names.
    wraps = isinstance(error, UserError) and error.__cause__ is not None
    return wraps or type(error).__name__ in ("ToolTimeoutError", "MCPToolCancellationError")


def _kind_of_api_error(error: OpenAIError) -> Kind:
    match error:
        case AuthenticationError():
            return "api_key"
        case RateLimitError():
            return "quota" if error.code == "insufficient_quota" else "rate_limit"
        case APIConnectionError():
            return "unreachable"
        case APIStatusError():
            return "unreachable" if error.status_code >= 500 else "other"
    # The client raises the base class itself where it finds no key.
    is_without_key = type(error) is OpenAIError and "api_key" in str(error)
    return "api_key" if is_without_key else "other"


def _messages() -> dict[Kind, str]:
    return {
        "input_guardrail": _("The assistant may not answer this message."),
        "output_guardrail": _("The answer was withheld, because the assistant may not say this."),
        "too_many_turns": _("The assistant has not come to an end within the steps it may take."),
        "tool": _("Something that the assistant needs for the answer has failed."),
        "rate_limit": _("The assistant has too much to do. Try again in a minute."),
        "quota": _("The assistant can't answer at the moment, since its budget is used up."),
        "too_long": _("This is too long for the assistant to read."),
        "unreachable": _("The assistant can't be reached at the moment. Try again in a minute."),
        "api_key": _("The assistant is not set up completely. Tell those who run this site."),
    }
