"""
Row <-> ChatKit object: the one place where the ORM's words and ChatKit's words meet.

Pure: no query, no setting, no model, so that stores outside Django can use it too. What it
knows of the rows is the names of their columns.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from chatstore.text import plain_text

with warnings.catch_warnings():
    # The SDK's widgets module warns about itself when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.store import StoreItemType
    from chatkit.types import (
        Attachment,
        ClosedStatus,
        LockedStatus,
        ThreadItem,
        ThreadMetadata,
        WidgetItem,
    )
    from chatkit.widgets import DynamicWidgetRoot

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

UTC = dt.UTC
# What every database can hold, less a day, so that no time zone's display overflows.
EARLIEST = dt.datetime(1000, 1, 2, tzinfo=UTC)
LATEST = dt.datetime(9999, 12, 30, tzinfo=UTC)

MAX_ID_LENGTH = 255
MAX_LIMIT = 2**31 - 2
# What chat-completions models call every answer and every call
# (agents.models.fake_id.FAKE_RESPONSES_ID; importing agents takes a second).
FAKE_ID = "__fake_id__"
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
# The URL of a file in the storage, as chatstore.links makes it.
FILE_URL_PARAMETER = "chatstore"
_FILE_URL = re.compile(rf"/(?P<id>[^/?#]+)/\?{FILE_URL_PARAMETER}=")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"

_thread_adapter: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
_item_adapter: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
_attachment_adapter: TypeAdapter[Attachment] = TypeAdapter(Attachment)


class ModeratedLockedStatus(LockedStatus):
    """A moderator's lock, shown in place of the application's own status (M1)."""


class ModeratedClosedStatus(ClosedStatus):
    """A moderator's closing, shown in place of the application's own status (M1)."""


_MODERATED = {"locked": ModeratedLockedStatus, "closed": ModeratedClosedStatus}


# Ids, pages and times

_ID_PREFIXES: dict[StoreItemType, str] = {
    "thread": "thr",
    "message": "msg",
    "tool_call": "tc",
    "workflow": "wf",
    "task": "tsk",
    "attachment": "atc",
    "sdk_hidden_context": "shcx",
}
_ID_TYPES: dict[str, StoreItemType] = {
    "client_tool_call": "tool_call",
    "workflow": "workflow",
    "task": "task",
    "sdk_hidden_context": "sdk_hidden_context",
}


def new_id(item_type: StoreItemType) -> str:
    """Return a fresh id: ChatKit's prefix and 128 random bits (S4)."""
    return f"{_ID_PREFIXES[item_type]}_{secrets.token_hex(16)}"


def id_type(item: ThreadItem) -> StoreItemType:
    """Return what generate_item_id calls an item of this type."""
    return _ID_TYPES.get(item.type, "message")


def is_storable_id(value: str) -> bool:
    """Tell whether an id can be anybody's: not too long, no NUL, no lone surrogate (S14)."""
    return len(value) <= MAX_ID_LENGTH and not _UNSTORABLE.search(value)


def user_id_of(context: Any) -> Any:
    """Return ``context["user_id"]`` or ``context.user_id``, None where there is neither."""
    if isinstance(context, Mapping):
        return context.get("user_id")
    return getattr(context, "user_id", None)


def clean_user_id(value: object) -> str:
    """
    Return the owner's id as text.

    Raises ValueError where it is missing, empty, longer than 255 characters, or holds NUL or
    a surrogate (S2).
    """
    if value is None or value == "":
        raise ValueError("User ID not found in context")
    user_id = str(value)
    if not is_storable_id(user_id):
        raise ValueError("User ID is too long or holds a character that can't be stored")
    return user_id


def check_page(limit: int, order: str) -> int:
    """Return a limit that every database takes; ValueError for one below 1, or no order (S11)."""
    if order not in ("asc", "desc"):
        raise ValueError(f"Order must be asc or desc, not {order!r}")
    if limit < 1:
        raise ValueError(f"Limit must be at least 1, not {limit}")
    return min(limit, MAX_LIMIT)


def as_utc(time: dt.datetime) -> dt.datetime:
    """
    Return an aware UTC time that every database can hold.

    A naive time is the process's local time, as the SDK makes it (datetime.now()).
    """
    try:
        moment = time.astimezone(UTC)
    except (OverflowError, OSError, ValueError):  # within a day of year 1 or of year 9999
        return EARLIEST if time.year < 5000 else LATEST
    return min(max(moment, EARLIEST), LATEST)


# Object -> row


def clean(value: Any) -> Any:
    """Replace what a database can't hold in all strings, keys among them (S14)."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {clean(key): clean(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(child) for child in value]
    if isinstance(value, bytes):
        return clean(value.decode())
    return value


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
        if not text or "\\u0000" in text or _REPLACEMENT in text:
            text = to_json(clean(instance.model_dump(warnings=False)), inf_nan_mode="null").decode()
            if "\\u0000" in text:  # inside of what became text just now, such as an enum
                text = to_json(clean(json.loads(text))).decode()
        return load(text), text
    except (ValueError, TypeError, RecursionError) as error:
        kind, cause = type(instance).__name__, type(error).__name__
        raise ValueError(f"This {kind} can't be stored as JSON and read back: {cause}") from None


def _check_id(value: str) -> str:
    if len(value) > MAX_ID_LENGTH:
        raise ValueError(f"An id has at most {MAX_ID_LENGTH} characters, not {len(value)}")
    return value


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
        "thread_id": _check_id(thread.id),
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
        "item_id": _check_id(item.id),
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
        "attachment_id": _check_id(attachment.id),
        "payload": payload,
        "name": attachment.name,
        "mime_type": attachment.mime_type,
    }


def attachment_ids(item: ThreadItem) -> set[str]:
    """Return the ids of the attachments that go when the item goes."""
    if item.type == "user_message":
        return {attachment.id for attachment in item.attachments}
    if item.type == "generated_image" and item.image:
        attachment_id = attachment_id_of(item.image.url)
        return {attachment_id} if attachment_id else set()
    return set()


def attachment_id_of(url: object) -> str | None:
    """Return whose file a signed URL of ours is for; None for any other URL."""
    found = _FILE_URL.search(str(url))
    return found["id"] if found else None


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


# Row -> object; each raises pydantic's ValidationError, a ValueError, for what this version of
# openai-chatkit can't read (S17).


def load_thread(payload: str, moderation: str = "", reason: str = "") -> ThreadMetadata:
    """Return a thread as it was saved, or with the moderators' status where there is one."""
    thread = _thread_adapter.validate_json(payload)
    if moderation:
        thread.status = _MODERATED[moderation](reason=reason or None)
    return thread


def load_item(payload: str) -> ThreadItem:
    """Return an item as it was saved."""
    item = _item_adapter.validate_json(payload)
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


# Times on the way out


def with_offsets(value: Value) -> Value:
    """
    Return a copy in which every created_at of a thread or an item has a UTC offset (V3).

    The SDK's events, pages and responses hold such objects in fields; the objects themselves
    stay as they are, since the SDK subtracts their naive times from datetime.now().
    """
    if isinstance(value, list):
        return cast(Value, [with_offsets(child) for child in value])
    if not isinstance(value, BaseModel):
        return value
    update: dict[str, Any] = {}
    created_at = getattr(value, "created_at", None)
    if isinstance(created_at, dt.datetime) and created_at.tzinfo is None:
        update["created_at"] = as_utc(created_at)
    for name in ("thread", "item", "updated_item", "items", "data"):
        if isinstance(child := getattr(value, name, None), (BaseModel, list)):
            update[name] = with_offsets(child)
    return cast(Value, value.model_copy(update=update)) if update else value


# Threads that a request has seen: within it, save_thread only updates them (S7)

known_threads: ContextVar[set[str] | None] = ContextVar("chatstore_known_threads", default=None)


def is_known_thread(thread_id: str) -> bool:
    """Tell whether the running request has loaded or saved the thread before."""
    return thread_id in (known_threads.get() or ())


def note_known_thread(thread_id: str) -> None:
    """Remember, while a request runs, that the thread has been there."""
    if (known := known_threads.get()) is not None:
        known.add(thread_id)
