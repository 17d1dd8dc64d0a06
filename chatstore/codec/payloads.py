"""
The values of columns from ChatKit objects, and ChatKit objects from their JSON.

Each row keeps the whole object as JSON text in ``payload`` (S6); the other columns are derived from
it.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_json

from chatstore.codec.ids import validate_id
from chatstore.codec.plain_text import plain_text
from chatstore.codec.storable import REPLACEMENT, replace_unstorable
from chatstore.codec.times import as_utc

with warnings.catch_warnings():
    # The SDK's widgets module raises a DeprecationWarning when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.types import (
        AssistantMessageContent,
        AssistantMessageItem,
        Attachment,
        ClosedStatus,
        LockedStatus,
        ThreadItem,
        ThreadMetadata,
        ThreadStatus,
        WidgetItem,
    )
    from chatkit.widgets import DynamicWidgetRoot, WidgetRoot

Model = TypeVar("Model", bound=BaseModel)
# The item types that add_thread_item never replaces (S8).
IMMUTABLE_TYPES = frozenset(
    {
        "user_message",
        "assistant_message",
        "hidden_context_item",
        "sdk_hidden_context",
        "end_of_turn",
    }
)
_SENDERS = {
    "user_message": "user",
    "client_tool_call": "tool",
    "hidden_context_item": "system",
    "sdk_hidden_context": "system",
    "end_of_turn": "system",
}
# MariaDB rejects JSON with more than 32 levels.
_MAX_JSON_DEPTH = 30
# The query parameter with the signature in the URLs of chatstore.files.signed_urls.
FILE_URL_PARAMETER = "chatstore"
_FILE_URL = re.compile(rf"/(?P<id>[^/?#]+)/\?{FILE_URL_PARAMETER}=")
_thread_adapter: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
_item_adapter: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
_attachment_adapter: TypeAdapter[Attachment] = TypeAdapter(Attachment)


class ModeratedLockedStatus(LockedStatus):
    """A moderator's lock, which loaded threads show instead of the application's status (M1)."""


class ModeratedClosedStatus(ClosedStatus):
    """A moderator's closing, which loaded threads show instead of the application's status (M1)."""


Ending = Literal["stopped", "failed"]


class UnfinishedAnswer(AssistantMessageItem):
    """
    What was said of an answer until it was stopped, or failed (V4).

    Its JSON is that of a plain answer, so that saving it again changes nothing (S6).
    """

    # Declared again: pydantic can't resolve chatkit's forward reference from here.
    content: list[AssistantMessageContent]
    ending: Ending = Field(exclude=True)


class UnfinishedWidget(WidgetItem):
    """The same of a widget."""

    # Declared again: pydantic can't resolve chatkit's forward reference from here.
    widget: WidgetRoot
    ending: Ending = Field(exclude=True)


_MODERATED_STATUSES = {"locked": ModeratedLockedStatus, "closed": ModeratedClosedStatus}


def _encode(instance: Model, load: Callable[[str], Model]) -> tuple[Model, str]:
    """
    Return the object as it will be loaded again, and its JSON.

    Raises ValueError if pydantic can't serialize the object or can't load the JSON (S6); the
    message contains nothing of the object (S18).
    """
    try:
        text = _to_json(instance)
        return load(text), text
    except (ValueError, TypeError, RecursionError) as error:
        kind, cause = type(instance).__name__, type(error).__name__
        raise ValueError(f"This {kind} can't be stored as JSON and read back: {cause}") from None


def _to_json(instance: BaseModel) -> str:
    """Return the object's JSON, with U+FFFD in place of NUL and lone surrogates (S14)."""
    try:
        # Without warnings, which quote values (S18): loading the JSON tests the types.
        text = instance.model_dump_json(warnings=False)
    except ValueError:  # a lone surrogate; or a value that has no JSON, which fails again below
        text = ""
    # U+FFFD too: pydantic writes it three times for a lone surrogate in a key; below it is one.
    if text and "\\u0000" not in text and REPLACEMENT not in text:
        return text
    value = replace_unstorable(instance.model_dump(warnings=False))
    text = to_json(value, inf_nan_mode="null").decode()
    if "\\u0000" in text:  # from a value that to_json has converted to text, such as an enum
        text = to_json(replace_unstorable(json.loads(text))).decode()
    return text


def is_moderated(status: ThreadStatus) -> bool:
    """Tell whether a thread's status is a moderator's, not the application's (M1)."""
    return isinstance(status, (ModeratedLockedStatus, ModeratedClosedStatus))


def session_values(thread: ThreadMetadata) -> dict[str, Any]:
    """Return ChatSession's columns derived from a thread; ValueError as in S6."""
    if type(thread) is not ThreadMetadata:  # a Thread: its items are not stored (S7)
        thread = ThreadMetadata.model_construct(
            **{name: getattr(thread, name) for name in ThreadMetadata.model_fields}
        )
    thread, payload = _encode(thread, load_thread)
    metadata = json.loads(payload)["metadata"]
    return {
        "thread_id": validate_id(thread.id),
        "payload": payload,
        "title": thread.title or "",
        "status": thread.status.type,
        "reason": getattr(thread.status, "reason", None) or "",
        "metadata": metadata if _depth(metadata) <= _MAX_JSON_DEPTH else {},
        "created_at": as_utc(thread.created_at),
    }


def message_values(item: ThreadItem) -> dict[str, Any]:
    """Return ChatMessage's columns derived from an item; ``timestamp`` is its created_at in UTC."""
    item, payload = _encode(item, load_item)
    return {
        "item_id": validate_id(item.id),
        "payload": payload,
        "item_type": item.type,
        "item_status": vars(item).get("status", ""),  # pydantic is slow to say that it has none
        "sender_type": _SENDERS.get(item.type, "assistant"),
        "content": plain_text(item),
        "timestamp": as_utc(item.created_at),
    }


def attachment_values(attachment: Attachment) -> dict[str, Any]:
    """Return ChatAttachment's columns derived from an attachment; ValueError as in S6."""
    attachment, payload = _encode(attachment, load_attachment)
    return {
        "attachment_id": validate_id(attachment.id),
        "payload": payload,
        "name": attachment.name,
        "mime_type": attachment.mime_type,
    }


def attachment_ids(item: ThreadItem) -> set[str]:
    """Return the ids of the attachments that are deleted with the item (A4)."""
    if item.type == "user_message":
        return {attachment.id for attachment in item.attachments}
    if item.type == "generated_image" and item.image:
        attachment_id = attachment_id_from_url(item.image.url)
        return {attachment_id} if attachment_id else set()
    return set()


def attachment_id_from_url(url: object) -> str | None:
    """Return the attachment's id in a URL of chatstore.files.signed_urls; None for other URLs."""
    found = _FILE_URL.search(str(url))
    return found["id"] if found else None


def _depth(value: Any) -> int:
    """Return the levels of nested objects and arrays in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def load_thread(payload: str, moderation: str = "", reason: str = "") -> ThreadMetadata:
    """
    Return a thread from its JSON, with the moderators' status if there is one (M1).

    Args:
        payload: the stored JSON; ValueError (pydantic's) if it can't be decoded.
        moderation: "locked", "closed" or empty.
        reason: the moderator's.
    """
    thread: ThreadMetadata = _thread_adapter.validator.validate_json(payload)
    if moderation:
        thread.status = _MODERATED_STATUSES[moderation](reason=reason or None)
    return thread


def load_item(payload: str, ending: str = "") -> ThreadItem:
    """
    Return an item from its JSON; with an ending as an UnfinishedAnswer or UnfinishedWidget.

    Raises ValueError (pydantic's) if it can't be decoded.
    """
    item: ThreadItem = _item_adapter.validator.validate_json(payload)
    if ending and isinstance(item, AssistantMessageItem):
        return UnfinishedAnswer.model_construct(**dict(item), ending=ending)
    if isinstance(item, WidgetItem):
        # The SDK loads every Card as its class Card, which drops unknown properties (S6).
        stored = json.loads(payload)["widget"]
        if not _has_all_properties(item.widget.model_dump(mode="json"), stored):
            item.widget = DynamicWidgetRoot.model_validate(stored)
        if ending:
            return UnfinishedWidget.model_construct(**dict(item), ending=ending)
    return item


def load_attachment(payload: str) -> Attachment:
    """Return an attachment from its JSON; ValueError (pydantic's) if it can't be decoded."""
    return _attachment_adapter.validate_json(payload)


def _has_all_properties(loaded: Any, stored: Any) -> bool:
    """Tell whether the loaded widget has every property of the stored one that is not null."""
    if isinstance(stored, dict):
        return isinstance(loaded, dict) and all(
            child is None or (key in loaded and _has_all_properties(loaded[key], child))
            for key, child in stored.items()
        )
    if isinstance(stored, list):
        return (
            isinstance(loaded, list)
            and len(loaded) == len(stored)
            and all(map(_has_all_properties, loaded, stored))
        )
    return True
