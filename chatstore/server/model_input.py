"""What the model reads of a thread: which of its items, and how much of them."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, cast

from agents import TResponseInputItem
from chatkit.types import UserMessageItem

from chatstore.conf import settings
from chatstore.server.converters import HistoryConverter
from chatstore.server.errors import describe
from chatstore.server.model_memory import Unit

logger = logging.getLogger(__name__)
# What an image or a PDF counts for: models count about a thousand tokens.
FILE_LENGTH = 4_000  # characters
FILE_TOKENS = 1_000
CHARACTERS_PER_TOKEN = 4  # of English; other languages have fewer
_FILE_PARTS = {"input_image", "input_file"}
_FAR_FILE = "(A file that was here is not given again.)"
_REFUSED_FILE = "(A file that was here is left out, because you can't read it.)"


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def count_tokens(text: str, model: str) -> int:
    """Return the tokens of a text, as tiktoken counts them if it is installed, or an estimate."""
    encoding = _encoding(model)
    return len(encoding.encode_ordinary(text)) if encoding else estimate_tokens(text)


@cache
def _encoding(model: str) -> Any:
    """Return tiktoken's encoding of a model; None without tiktoken, or for an unknown model."""
    try:
        return importlib.import_module("tiktoken").encoding_for_model(model)
    except Exception as error:  # noqa: BLE001 (such as a failed download, which it may begin)
        logger.info("Tokens of %r are estimated: %s", model, describe(error))
        return None


@dataclass(frozen=True)
class Bounds:
    """
    How much of a thread a model is given.

    Args:
        max_units: how many units; None for all.
        max_length: in characters; an image or a PDF counts for FILE_LENGTH.
        max_tokens: as ``count_tokens`` counts them, and an image for FILE_TOKENS; 0 for any number.
        file_turns: files are given only with the user's newest messages, so many of them.
    """

    max_units: int | None = None
    max_length: int = field(default_factory=lambda: settings.max_input_length)
    max_tokens: int = field(default_factory=lambda: settings.max_input_tokens)
    file_turns: int = field(default_factory=lambda: settings.file_turns)
    count_tokens: Callable[[str], int] = estimate_tokens

    def without(self, value: Any) -> Bounds:
        """Return what is left with this part of the input."""
        return replace(
            self,
            max_length=max(self.max_length - length_of(value), 0),
            max_tokens=self.max_tokens and max(self.max_tokens - self.tokens_of(value), 1),
        )

    def text_left(self, length: int, tokens: int) -> int:
        """Return how many characters there is room for, about."""
        left = self.max_length - length
        if self.max_tokens:
            left = min(left, (self.max_tokens - tokens) * CHARACTERS_PER_TOKEN)
        return max(left, 0)

    def is_over(self, length: int, tokens: int) -> bool:
        return length > self.max_length or 0 < self.max_tokens < tokens

    def tokens_of(self, value: Any) -> int:
        """Return the tokens of a part of the input; 0 if they are not bounded."""
        if not self.max_tokens:
            return 0
        return sum(
            FILE_TOKENS if text is None else self.count_tokens(text) for text in _texts(value)
        )


async def newest_input(
    converter: HistoryConverter, units: Sequence[Unit], bounds: Bounds
) -> tuple[list[TResponseInputItem], bool]:
    """
    Return the newest items as the model reads them, oldest first, and whether any are left out.

    The newest unit and the last user message are always among them. A unit is given as a whole
    or left out, so that a tool call is never without its output. What can't be converted is left
    out and logged; only for the last user message the error is raised.

    Args:
        converter: from an item to the model's input.
        units: of the thread, newest first.
        bounds: how much of it to give.
    """
    question = next((unit for unit in units if isinstance(unit[0], UserMessageItem)), None)
    chosen: list[list[TResponseInputItem]] = []
    length = tokens = messages = 0
    is_full = False
    for number, unit in enumerate(units):
        is_needed = unit is question or number == 0
        is_full = is_full or (bounds.max_units is not None and number >= bounds.max_units)
        if is_full and not is_needed:
            continue
        converter.text_left = bounds.text_left(length, tokens)
        converter.is_near = messages < bounds.file_turns
        messages += isinstance(unit[0], UserMessageItem)
        try:
            converted = await _converted(converter, unit, is_last=number == 0)
        except Exception as error:
            if unit is question:
                raise
            ids = [one.id for one in unit if not isinstance(one, dict)]
            logger.warning("Item %r is left out of the input: %s", *ids[:1], describe(error))
            continue
        length += length_of(converted)
        tokens += bounds.tokens_of(converted)
        is_full = bounds.is_over(length, tokens)
        if is_needed or not is_full:
            chosen.append(converted)
    return list(_with_unique_call_ids(reversed(chosen))), is_full


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
    return converted if converter.is_near else [_without_files(one) for one in converted]


def leave_out_files(items: Sequence[TResponseInputItem]) -> list[TResponseInputItem] | None:
    """
    Return the input with notes in place of the files before the user's last message; if there are
    none, in place of that message's files; None if there are no files at all.
    """
    parts = cast(Sequence[dict[str, Any]], items)
    left = [_without_files(part, _REFUSED_FILE) for part in parts]
    with_files = [number for number, part in enumerate(parts) if part != left[number]]
    last = max(
        (number for number, part in enumerate(parts) if part.get("role") == "user"), default=0
    )
    chosen = [number for number in with_files if number < last] or with_files
    if not chosen:
        return None
    return [left[number] if number in chosen else item for number, item in enumerate(items)]


def _without_files(value: Any, note: str = _FAR_FILE) -> Any:
    """Return a part of the input with a note in place of each image and file."""
    if isinstance(value, list):
        return [_without_files(child, note) for child in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in _FILE_PARTS:
        return {"type": "input_text", "text": note}
    return {name: _without_files(child, note) for name, child in value.items()}


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
    return sum(FILE_LENGTH if text is None else len(text) for text in _texts(value))


def _texts(value: Any) -> Iterator[str | None]:
    """Yield the texts in a part of the input, and None for each image or file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if value.get("type") in _FILE_PARTS:
            yield None
        else:
            yield from (text for child in value.values() for text in _texts(child))
    elif isinstance(value, list):
        yield from (text for child in value for text in _texts(child))
