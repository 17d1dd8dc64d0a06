"""Rows that were read -> the objects and pages that ChatKit gets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from chatkit.types import Page

logger = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


def decoded(load: Callable[..., Loaded], rows: Iterable[tuple[Any, ...]]) -> list[Loaded]:
    """Load each row; one that today's openai-chatkit can't read is left out, and logged (S17)."""
    loaded = []
    for row_id, *columns in rows:
        try:
            loaded.append(load(*columns))
        except ValueError:
            logger.warning("The payload of %r can't be decoded; see check_items", row_id)
    return loaded


def page(load: Callable[..., Loaded], rows: list[tuple[Any, ...]], limit: int) -> Page[Loaded]:
    """Return the page of ``limit`` rows; one row more tells that there are more."""
    has_more = len(rows) > limit
    return Page(
        data=decoded(load, rows[:limit]),
        has_more=has_more,
        after=rows[limit - 1][0] if has_more else None,
    )
