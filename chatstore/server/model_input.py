"""What the model reads of a thread: which of its items, and how much of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from agents import TResponseInputItem
from chatkit.types import UserMessageItem

from chatstore.server.converters import HistoryConverter
from chatstore.server.errors import describe
from chatstore.server.model_memory import Unit

logger = logging.getLogger(__name__)
# What an image or a PDF counts for, in characters: models count about a thousand tokens.
FILE_LENGTH = 4_000
_FILE_PARTS = {"input_image", "input_file"}


async def newest_input(
    converter: HistoryConverter,
    units: Sequence[Unit],
    *,
    max_items: int | None,
    max_length: int,
) -> list[TResponseInputItem]:
    """
    Return the newest items as the model reads them, oldest first.

    The newest unit and the last user message are always among them. A unit is given as a whole
    or left out, so that a tool call is never without its output. What can't be converted is left
    out and logged; only for the last user message the error is raised.

    Args:
        converter: from an item to the model's input.
        units: of the thread, newest first.
        max_items: how many of the units to give; None for all.
        max_length: in characters; an image or a PDF counts for FILE_LENGTH.
    """
    question = next((unit for unit in units if isinstance(unit[0], UserMessageItem)), None)
    chosen: list[list[TResponseInputItem]] = []
    length, is_full = 0, False
    for number, unit in enumerate(units):
        is_needed = unit is question or number == 0
        is_full = is_full or (max_items is not None and number >= max_items)
        if is_full and not is_needed:
            continue
        converter.text_left = max(max_length - length, 0)
        try:
            converted = await _converted(converter, unit, is_last=number == 0)
        except Exception as error:
            if unit is question:
                raise
            ids = [one.id for one in unit if not isinstance(one, dict)]
            logger.warning("Item %r is left out of the input: %s", *ids[:1], describe(error))
            continue
        length += length_of(converted)
        is_full = length > max_length
        if is_needed or not is_full:
            chosen.append(converted)
    return list(_with_unique_call_ids(reversed(chosen)))


async def _converted(
    converter: HistoryConverter, unit: Unit, *, is_last: bool
) -> list[TResponseInputItem]:
    converted: list[Any] = []
    for one in unit:
        if isinstance(one, dict):
            converted.append(one)
        elif found := await converter.item_to_input(one, is_last_message=is_last):
            converted += found
        else:  # such as a call that has no output yet: no reasoning without what follows it
            while converted and converted[-1].get("type") == "reasoning":
                converted.pop()
    return converted


def _with_unique_call_ids(
    items: Iterable[list[TResponseInputItem]],
) -> Iterator[TResponseInputItem]:
    """
    Yield the parts of all items, with call ids of their own where a model has repeated one.

    The Agents SDK sends only one call of each id.
    """
    seen: set[str] = set()
    for number, item in enumerate(items):
        parts = cast(list[dict[str, Any]], item)
        ids = {part["call_id"] for part in parts if "call_id" in part}
        for part in parts:
            if part.get("call_id") in seen:
                part = {**part, "call_id": f"{part['call_id']}_{number}"}
            yield cast(TResponseInputItem, part)
        seen |= ids


def length_of(value: Any) -> int:
    """Return how many characters a part of the input counts for."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        if value.get("type") in _FILE_PARTS:
            return FILE_LENGTH
        return sum(map(length_of, value.values()))
    return sum(map(length_of, value)) if isinstance(value, list) else 0
