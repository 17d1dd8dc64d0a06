"""
A model's run as a stream of ChatKit's events; closing the stream stops the model (V4).

The SDK's stream_agent_response does not stop the model.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from typing import Any, cast

from agents import (
    ModelBehaviorError,
    ModelRefusalError,
    RawResponsesStreamEvent,
    RunResultStreaming,
    Usage,
)
from chatkit.agents import AgentContext, ResponseStreamConverter, stream_agent_response
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)
from openai import APIError
from openai.types.responses import (
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputTextAnnotationAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseRefusalDoneEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from pydantic import BaseModel

from chatstore.server.converters import ImageConverter

# The code is OpenAI's; servers with a compatible API say it in their message.
_TOO_LONG_CODE = "context_length_exceeded"
_TOO_LONG = re.compile(f"{_TOO_LONG_CODE}|maximum context length", re.IGNORECASE)


class InputTooLongError(Exception):
    """The model has refused its input for its length, before it has said anything."""


class AgentRun(AsyncIterator[ThreadStreamEvent]):
    """
    What ``ChatServer.run_agent`` returns: iterate it for the events, then ask it for the result.

    Args:
        events: of the run.
        results: where they put the Agents SDK's result; of a run that is tried again, the last.
    """

    def __init__(
        self,
        events: AsyncGenerator[ThreadStreamEvent, None],
        results: Sequence[RunResultStreaming],
    ) -> None:
        self._events = events
        self._results = results

    def __aiter__(self) -> AgentRun:
        return self

    async def __anext__(self) -> ThreadStreamEvent:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Stop the run."""
        await self._events.aclose()

    @property
    def result(self) -> RunResultStreaming | None:
        """The Agents SDK's own result; None until the iteration has begun."""
        return self._results[-1] if self._results else None

    @property
    def final_output(self) -> Any:
        """The agent's last answer: text, or an object of its ``output_type``; None without one."""
        return self.result.final_output if self.result else None

    @property
    def usage(self) -> Usage:
        """Requests and tokens of the run, up to now; zero tokens where the model tells none."""
        return self.result.context_wrapper.usage if self.result else Usage()


async def stream_run(
    context: AgentContext[Any], result: RunResultStreaming, converter: ResponseStreamConverter
) -> AsyncGenerator[ThreadStreamEvent, None]:
    """
    Yield what the run says; closing the generator cancels the run.

    Raises InputTooLongError where the model refuses its input for its length, and nothing has been
    yielded; and what the run raises, but for a refusal by the model, which is an answer too.
    """
    run = _Run(result)
    answer: AssistantMessageItem | None = None  # the newest one
    has_begun = has_ended = False
    try:
        async for event in stream_agent_response(
            context, cast(RunResultStreaming, run), converter=converter
        ):
            has_begun = True
            match event:
                case ThreadItemAddedEvent() | ThreadItemDoneEvent() if isinstance(
                    event.item, AssistantMessageItem
                ):
                    answer = event.item
            yield event
        has_ended = True
    except ModelRefusalError as error:
        # The run has not passed on what was still waiting to be read of the refusal.
        if answer is None or not answer.content or answer.content[0].text != error.refusal:
            yield ThreadItemDoneEvent(item=_refusal(context, answer, error.refusal))
    except Exception as error:
        if not has_begun and _is_too_long(error):
            raise InputTooLongError from error
        raise
    finally:
        run.leave()
        if not has_ended:
            # The SDK has left a task that waits for an event of the agent's tools: this ends it.
            await context.stream(ProgressUpdateEvent(text=""))
        if isinstance(converter, ImageConverter):
            await converter.remove_unfinished()


def _refusal(
    context: AgentContext[Any], begun: AssistantMessageItem | None, text: str
) -> AssistantMessageItem:
    """Return the answer that was begun, or one of its own, with a refusal's text."""
    content = [AssistantMessageContent(text=text)]
    if begun and not begun.content:
        return begun.model_copy(update={"content": content})
    return AssistantMessageItem(
        id=context.generate_id("message"),
        thread_id=context.thread.id,
        created_at=datetime.now(),  # noqa: DTZ005 (naive, as the SDK's are)
        content=content,
    )


class _Run:
    """What stream_agent_response needs of a run, and a way to cancel it that leaves no task."""

    def __init__(self, result: RunResultStreaming) -> None:
        self._result = result
        self._is_left = False

    async def stream_events(self) -> AsyncIterator[Any]:
        async for event in self._result.stream_events():
            if not isinstance(event, RawResponsesStreamEvent):
                yield event
            elif not _is_end_of_incomplete(event.data):
                yield dataclasses.replace(event, data=_as_chatkit_takes_it(event.data))
        if self._is_left:
            # A task of the SDK waits for one more event, and nobody waits for the task: if the
            # iteration ended now, asyncio would log a StopAsyncIteration that was not retrieved.
            yield None

    def leave(self) -> None:
        if not self._result.is_complete:
            self._is_left = True
            self._result.cancel()


def _is_end_of_incomplete(data: Any) -> bool:
    """Tell whether this ends an answer that had no room for all of it, and is to be marked so."""
    return (
        isinstance(data, ResponseOutputItemDoneEvent)
        and isinstance(data.item, ResponseOutputMessage)
        and data.item.status == "incomplete"
    )


def _as_chatkit_takes_it(data: Any) -> Any:
    """Return an event of the model in a form that chatkit's stream_agent_response knows."""
    match data:
        case ResponseOutputTextAnnotationAddedEvent(annotation=BaseModel() as annotation):
            # From openai 3.1 on it is of other classes than an annotation of a whole message:
            # chatkit refuses these, but not a dict.
            return data.model_copy(update={"annotation": annotation.model_dump()})
        case ResponseRefusalDeltaEvent():
            return ResponseTextDeltaEvent.model_construct(
                **{**dict(data), "type": "response.output_text.delta", "logprobs": []}
            )
        case ResponseRefusalDoneEvent(refusal=text):
            return ResponseTextDoneEvent.model_construct(
                **{**dict(data), "type": "response.output_text.done", "logprobs": [], "text": text}
            )
    return data


def _is_too_long(error: Exception) -> bool:
    if isinstance(error, APIError):
        return bool(_TOO_LONG.search(f"{error.code} {error.message}"))
    # So does the Agents SDK put an event that says it.
    return isinstance(error, ModelBehaviorError) and bool(_TOO_LONG.search(str(error)))
