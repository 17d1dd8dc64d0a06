"""
Columns from ChatKit objects, and ChatKit objects from columns.

Each row keeps the whole object as JSON text; the other columns are derived from it.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_json

from chatstore.codec.ids import check_id
from chatstore.codec.plain_text import plain_text
from chatstore.codec.storable import REPLACEMENT, clean
from chatstore.codec.times import as_utc

with warnings.catch_warnings():
    # The SDK's widgets module warns about itself when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.types import (
        AssistantMessageContent,
        AssistantMessageItem,
        Attachment,
        ClosedStatus,
        LockedStatus,
        ThreadItem,
        ThreadMetadata,
        WidgetItem,
    )
    from chatkit.widgets import DynamicWidgetRoot

Model = TypeVar("Model", bound=BaseModel)
# An item of these types stays as it was first stored when it is added again (S8).
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
# MariaDB refuses JSON that is nested deeper than 32 levels.
_MAX_JSON_DEPTH = 30
# The URL of a file in the storage, as chatstore.files.signed_urls makes it.
FILE_URL_PARAMETER = "chatstore"
_FILE_URL = re.compile(rf"/(?P<id>[^/?#]+)/\?{FILE_URL_PARAMETER}=")
_thread_adapter: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
_item_adapter: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
_attachment_adapter: TypeAdapter[Attachment] = TypeAdapter(Attachment)


class ModeratedLockedStatus(LockedStatus):
    """A moderator's lock, shown in place of the application's own status (M1)."""


class ModeratedClosedStatus(ClosedStatus):
    """A moderator's closing, shown in place of the application's own status (M1)."""


Ending = Literal["stopped", "failed"]


class UnfinishedAnswer(AssistantMessageItem):
    """
    What was said of an answer until it was stopped, or failed (V4).

    Its JSON is that of a plain answer, so that saving it again changes nothing (S6).
    """

    # Declared again: pydantic can't resolve chatkit's forward reference from here.
    content: list[AssistantMessageContent]
    ending: Ending = Field(exclude=True)


_MODERATED = {"locked": ModeratedLockedStatus, "closed": ModeratedClosedStatus}


def _dump(instance: Model, load: Callable[[str], Model]) -> tuple[Model, str]:
    """
    Return the object as it will be loaded again, and its JSON.

    Raises ValueError for what pydantic can't serialize, or could not read back (S6); its message
    quotes nothing (S18).
    """
    try:
        try:
            # Without warnings: they quote the value, and reading it back is the better judge.
            text = instance.model_dump_json(warnings=False)
        except ValueError:  # a lone surrogate, or nothing that JSON knows: the second try tells
            text = ""
        # For a lone surrogate in a key pydantic writes three of what we write one of.
        if not text or "\\u0000" in text or REPLACEMENT in text:
            text = to_json(clean(instance.model_dump(warnings=False)), inf_nan_mode="null").decode()
            if "\\u0000" in text:  # inside of what became text just now, such as an enum
                text = to_json(clean(json.loads(text))).decode()
        return load(text), text
    except (ValueError, TypeError, RecursionError) as error:
        kind, cause = type(instance).__name__, type(error).__name__
        raise ValueError(f"This {kind} can't be stored as JSON and read back: {cause}") from None


def is_moderated(thread: ThreadMetadata) -> bool:
    """Tell whether the thread shows a moderator's status, not the application's own."""
    return isinstance(thread.status, (ModeratedLockedStatus, ModeratedClosedStatus))


def session_values(thread: ThreadMetadata) -> dict[str, Any]:
    """Return the columns of ChatSession that a thread determines, ids and owner apart."""
    if type(thread) is not ThreadMetadata:  # a Thread: its items are not stored (S7)
        thread = ThreadMetadata.model_construct(
            **{name: getattr(thread, name) for name in ThreadMetadata.model_fields}
        )
    thread, payload = _dump(thread, load_thread)
    metadata = json.loads(payload)["metadata"]
    return {
        "thread_id": check_id(thread.id),
        "payload": payload,
        "title": thread.title or "",
        "status": thread.status.type,
        "reason": getattr(thread.status, "reason", None) or "",
        "metadata": metadata if _depth(metadata) <= _MAX_JSON_DEPTH else {},
        "created_at": as_utc(thread.created_at),
    }


def message_values(item: ThreadItem) -> dict[str, Any]:
    """Return the columns of ChatMessage that an item determines; timestamp is its own time."""
    item, payload = _dump(item, load_item)
    return {
        "item_id": check_id(item.id),
        "payload": payload,
        "item_type": item.type,
        "item_status": getattr(item, "status", ""),
        "sender_type": _SENDERS.get(item.type, "assistant"),
        "content": plain_text(item),
        "timestamp": as_utc(item.created_at),
    }


def attachment_values(attachment: Attachment) -> dict[str, Any]:
    """Return the columns of ChatAttachment that an attachment determines."""
    attachment, payload = _dump(attachment, load_attachment)
    return {
        "attachment_id": check_id(attachment.id),
        "payload": payload,
        "name": attachment.name,
        "mime_type": attachment.mime_type,
    }


def attachment_ids(item: ThreadItem) -> set[str]:
    """Return the ids of the attachments that go when the item goes."""
    if item.type == "user_message":
        return {attachment.id for attachment in item.attachments}
    if item.type == "generated_image" and item.image:
        attachment_id = attachment_id_from_url(item.image.url)
        return {attachment_id} if attachment_id else set()
    return set()


def attachment_id_from_url(url: object) -> str | None:
    """Return whose file a signed URL of ours is for; None for any other URL."""
    found = _FILE_URL.search(str(url))
    return found["id"] if found else None


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def load_thread(payload: str, moderation: str = "", reason: str = "") -> ThreadMetadata:
    """Return a thread as it was saved, or with the moderators' status where there is one."""
    thread = _thread_adapter.validate_json(payload)
    if moderation:
        thread.status = _MODERATED[moderation](reason=reason or None)
    return thread


def load_item(payload: str, ending: str = "") -> ThreadItem:
    """Return an item as it was saved; an answer with an ending as an UnfinishedAnswer."""
    item = _item_adapter.validate_json(payload)
    if ending and isinstance(item, AssistantMessageItem):
        return UnfinishedAnswer.model_construct(**dict(item), ending=ending)
    if isinstance(item, WidgetItem):
        # The SDK reads every Card as its own Card, and drops the properties it doesn't know.
        stored = json.loads(payload)["widget"]
        if not _holds(item.widget.model_dump(mode="json"), stored):
            item.widget = DynamicWidgetRoot.model_validate(stored)
    return item


def load_attachment(payload: str) -> Attachment:
    """Return an attachment as it was saved."""
    return _attachment_adapter.validate_json(payload)


def _holds(loaded: Any, stored: Any) -> bool:
    """Tell whether no property of the stored widget was lost in loading it."""
    if isinstance(stored, dict):
        return isinstance(loaded, dict) and all(
            child is None or (key in loaded and _holds(loaded[key], child))
            for key, child in stored.items()
        )
    if isinstance(stored, list):
        return (
            isinstance(loaded, list)
            and len(loaded) == len(stored)
            and all(map(_holds, loaded, stored))
        )
    return True
