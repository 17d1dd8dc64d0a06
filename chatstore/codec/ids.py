"""Generates the ids of new objects, and takes the owner's id from a request's context."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatstore.codec.storable import is_storable

if TYPE_CHECKING:
    from chatkit.store import StoreItemType
    from chatkit.types import ThreadItem

MAX_ID_LENGTH = 255
# The id that chat-completions models give to every answer and every tool call:
# agents.models.fake_id.FAKE_RESPONSES_ID, copied because importing agents takes a second.
FAKE_ID = "__fake_id__"
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
    """Return a new id: ChatKit's prefix for the type, and 128 random bits in hex (S4)."""
    return f"{_ID_PREFIXES[item_type]}_{secrets.token_hex(16)}"


def store_item_type(item: ThreadItem) -> StoreItemType:
    """Return the item type that chatkit's Store.generate_item_id wants for this item."""
    return _ID_TYPES.get(item.type, "message")


def is_storable_id(value: str) -> bool:
    """Tell whether an id has at most MAX_ID_LENGTH characters, no NUL, no surrogate (S14)."""
    return len(value) <= MAX_ID_LENGTH and is_storable(value)


def user_id_from_context(context: Any) -> Any:
    """Return ``context["user_id"]`` or ``context.user_id``; None if it is missing (S2)."""
    if isinstance(context, Mapping):
        return context.get("user_id")
    return getattr(context, "user_id", None)


def validate_user_id(value: object) -> str:
    """
    Return the owner's id as a string (S2).

    Raises ValueError if it is None, empty, longer than MAX_ID_LENGTH characters, or contains NUL
    or a surrogate.
    """
    if value is None or value == "":
        raise ValueError("User ID not found in context")
    user_id = str(value)
    if not is_storable_id(user_id):
        raise ValueError("User ID is too long or holds a character that can't be stored")
    return user_id


def validate_id(value: str) -> str:
    """Return the id; ValueError if it is longer than MAX_ID_LENGTH characters."""
    if len(value) > MAX_ID_LENGTH:
        raise ValueError(f"An id has at most {MAX_ID_LENGTH} characters, not {len(value)}")
    return value
