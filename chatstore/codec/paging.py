"""The arguments of a page."""

from __future__ import annotations

MAX_LIMIT = 2**31 - 2


def validate_page(limit: int, order: str) -> int:
    """Return a limit that every database takes; ValueError for one below 1, or no order (S11)."""
    if order not in ("asc", "desc"):
        raise ValueError(f"Order must be asc or desc, not {order!r}")
    if limit < 1:
        raise ValueError(f"Limit must be at least 1, not {limit}")
    return min(limit, MAX_LIMIT)
