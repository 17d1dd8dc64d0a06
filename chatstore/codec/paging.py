"""Validates the arguments of a page."""

from __future__ import annotations

MAX_LIMIT = 2**31 - 2  # with one row more for has_more, it fits a signed 32-bit integer


def validate_page(limit: int, order: str) -> int:
    """
    Return the limit, in rows, lowered to what every database accepts (S11).

    Raises ValueError if the limit is below 1, or the order is neither "asc" nor "desc".
    """
    if order not in ("asc", "desc"):
        raise ValueError(f"Order must be asc or desc, not {order!r}")
    if limit < 1:
        raise ValueError(f"Limit must be at least 1, not {limit}")
    return min(limit, MAX_LIMIT)
