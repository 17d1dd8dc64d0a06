"""Parses a request and bounds it. Pure: no query, no HTTP."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Sequence
from typing import Any

from chatkit import types
from chatkit.server import DEFAULT_PAGE_SIZE
from chatkit.types import (
    ChatKitReq,
    InputTranscribeReq,
    ItemsFeedbackReq,
    ItemsListReq,
    StreamingReq,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsGetByIdReq,
    ThreadsListReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageTextContent,
)
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import BaseModel, TypeAdapter, ValidationError

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import RequestRefused
from chatstore.turns import Turn

_request_adapter: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)
# What a locked or closed thread refuses (V2).
CONTINUES_A_THREAD = (
    ThreadsAddUserMessageReq,
    ThreadsRetryAfterItemReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddClientToolOutputReq,
    ThreadsCustomActionReq,
    ThreadsSyncCustomActionReq,
)
# What a suspended person may do: look at what there is (M6).
READS = (ThreadsGetByIdReq, ThreadsListReq, ItemsListReq)
# What may be served with a thread from the cache (S21): its state decides nothing that is written.
READS_A_THREAD = (ThreadsGetByIdReq, ItemsFeedbackReq)


def begin_turn(request: StreamingReq) -> Turn:
    """Return the turn of a request that is answered by a stream (S20)."""
    is_answer = isinstance(request, (ThreadsAddClientToolOutputReq, ThreadsAddStructuredInputReq))
    return Turn(
        replaces=replaced_message(request),
        is_answer=is_answer,
        is_action=isinstance(request, ThreadsCustomActionReq),
        is_temporary=asks_for_temporary(request),
        # Of a retry, a question's answer or an action; of a message it is known once it is stored.
        after_item_id=getattr(request.params, "item_id", None) or "",
    )


def asks_for_temporary(request: ChatKitReq) -> bool:
    """Tell whether a request creates a thread that is not kept (R6)."""
    return isinstance(request, ThreadsCreateReq) and request.metadata.get("temporary") is True


def replaced_message(request: ChatKitReq) -> str:
    """Return the id of the message that a request edits, and so replaces (V19); else empty."""
    if not isinstance(request, ThreadsAddUserMessageReq):
        return ""
    item_id = request.metadata.get("replaces")
    return item_id if isinstance(item_id, str) else ""


def parse(request: str | bytes | bytearray) -> ChatKitReq:
    """Return the request, its limits capped; RequestRefused for anything but a ChatKit request."""
    try:
        parsed = _request_adapter.validate_json(request)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] != "json_invalid":
            sentence = _("The request is not one of ChatKit's: %(field)s (%(type)s).")
            values = {"field": _field(first["loc"]), "type": first["type"]}
            raise RequestRefused(sentence % values, 400) from None
        try:  # half of an emoji, which JavaScript can send and pydantic does not read (S14)
            parsed = _request_adapter.validate_json(
                json.dumps(codec.replace_unstorable(json.loads(request)))
            )
        except (ValueError, RecursionError):
            raise RequestRefused(_("The request is not JSON."), 400) from None
    params: Any = parsed.params
    if hasattr(params, "limit"):
        if params.limit is not None and params.limit < 1:
            raise RequestRefused(_("The limit must be at least 1."), 400)
        params.limit = min(params.limit or DEFAULT_PAGE_SIZE, settings.max_page_size)
    if isinstance(parsed, ItemsFeedbackReq) and len(params.item_ids) > settings.max_page_size:
        raise RequestRefused(_("That is feedback for too many messages at once."), 400)
    if isinstance(parsed, InputTranscribeReq):
        try:
            base64.b64decode(params.audio_base64)
        except ValueError:
            raise RequestRefused(_("The recording is not encoded as base64."), 400) from None
    _check_length(parsed)
    return parsed


def _field(path: Sequence[str | int]) -> str:
    """Return a field's path, without what the client may have written: keys of its own."""
    known = [str(part) for part in path if isinstance(part, int) or part in _field_names()]
    return ".".join(known) or "type"


@functools.cache
def _field_names() -> frozenset[str]:
    models = [one for one in vars(types).values() if isinstance(one, type)]
    return frozenset(
        name for model in models if issubclass(model, BaseModel) for name in model.model_fields
    )


def _check_length(request: ChatKitReq) -> None:
    """Raise RequestRefused for a title or a message that is too long (V7)."""
    match request:
        case ThreadsUpdateReq():
            limit = settings.max_title_length
            if len(request.params.title) > limit:
                sentence = ngettext(
                    "The title is too long: at most %(limit)d character.",
                    "The title is too long: at most %(limit)d characters.",
                    limit,
                )
                raise RequestRefused(sentence % {"limit": limit}, 400)
            return
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
            length = _message_length(request.params.input)
        case ThreadsAddStructuredInputReq():
            answers = request.params.input.answers.values()
            length = sum(len(value) for answer in answers for value in answer.values)
        case _:
            return
    if length > (limit := settings.max_message_length):
        sentence = ngettext(
            "The message is too long: at most %(limit)d character.",
            "The message is too long: at most %(limit)d characters.",
            limit,
        )
        raise RequestRefused(sentence % {"limit": limit}, 400)


def _message_length(message: UserMessageInput) -> int:
    """Return the characters of a message: its text, what it quotes, and its tags as JSON."""
    return len(message.quoted_text or "") + sum(
        # Empty parts count too: there may be many.
        max(1, len(part.text))
        if isinstance(part, UserMessageTextContent)
        else len(part.model_dump_json())
        for part in message.content
    )
