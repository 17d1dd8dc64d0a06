"""The rows that MemoryStore keeps, when one may replace another, and pages of them."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from chatkit.types import Page

from chatstore import codec

logger = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


@dataclass
class ItemRow:
    payload: str
    item_type: str
    item_status: str
    ending: str = ""
    feedback: str = ""
    is_hidden: bool = False
    is_redacted: bool = False


@dataclass
class ModelTurnRow:
    """
    What a model did in a turn, as columns, and how many items the thread had then.

    Args:
        columns: those of codec.load_model_turn.
    """

    columns: tuple[str, str, str, str, str]
    items_before: int

    def is_of(self, item_id: str) -> bool:
        _turn_id, _kind, after_item_id, item_ids, _payload = self.columns
        return item_id == after_item_id or item_id in json.loads(item_ids)


@dataclass
class ThreadRow:
    user_id: str
    created_at: dt.datetime
    payload: str
    # In order of arrival, which is the order of their positions (S10).
    items: dict[str, ItemRow] = field(default_factory=dict)
    retry_id: str = ""
    model_turns: list[ModelTurnRow] = field(default_factory=list)  # oldest first


@dataclass
class AttachmentRow:
    user_id: str
    payload: str
    thread_id: str | None = None
    item_id: str | None = None


def replaces_when_added(stored: ItemRow, new: ItemRow) -> bool:
    """Tell whether an item that is added again replaces the stored one (S8)."""
    return (
        not stored.is_redacted
        and new.item_type == stored.item_type
        and new.item_type not in codec.IMMUTABLE_TYPES
        and (new.item_status != "pending" or stored.item_status == "pending")
    )


def after_cursor(keys: list[str], after: str | None, order: str) -> list[str]:
    """Return the keys after the cursor, in this order; ``keys`` are ascending (S11)."""
    if order == "desc":
        keys = keys[::-1]
    return keys[keys.index(after) + 1 :] if after in keys else keys


def decode_rows(load: Callable[..., Loaded], rows: Iterable[Sequence[str]]) -> list[Loaded]:
    loaded = []
    for row_id, *columns in rows:
        try:
            loaded.append(load(*columns))
        except ValueError:
            logger.warning("The payload of %r can't be decoded", row_id)
    return loaded


def build_page(
    load: Callable[..., Loaded], rows: Sequence[Sequence[str]], limit: int
) -> Page[Loaded]:
    has_more = len(rows) > limit
    return Page(
        data=decode_rows(load, rows[:limit]),
        has_more=has_more,
        after=rows[limit - 1][0] if has_more else None,
    )
