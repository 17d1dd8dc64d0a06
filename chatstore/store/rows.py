"""Decodes rows to ChatKit objects, and builds ChatKit's pages of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from chatkit.types import Page

logger = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


def decode_rows(load: Callable[..., Loaded], rows: Iterable[tuple[Any, ...]]) -> list[Loaded]:
    """
    Return the object of each row; a row that can't be decoded is logged and left out (S17).

    Args:
        load: one of the codec's load functions; raises ValueError.
        rows: each has the object's id, then the arguments of ``load``.
    """
    loaded = []
    for row_id, *columns in rows:
        try:
            loaded.append(load(*columns))
        except ValueError:
            logger.warning("The payload of %r can't be decoded; see check_items", row_id)
    return loaded


def build_page(
    load: Callable[..., Loaded], rows: list[tuple[Any, ...]], limit: int
) -> Page[Loaded]:
    """
    Return a page of the first ``limit`` rows; ``has_more`` if there are more rows (S11).

    The cursor ``after`` is the last of these rows' ids, also if that row can't be decoded.
    """
    has_more = len(rows) > limit
    return Page(
        data=decode_rows(load, rows[:limit]),
        has_more=has_more,
        after=rows[limit - 1][0] if has_more else None,
    )
