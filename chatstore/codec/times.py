"""Times: stored as aware UTC, and sent to clients with a UTC offset."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar, cast

from pydantic import BaseModel

Value = TypeVar("Value")
UTC = dt.UTC
# What every database can hold, less a day, so that no time zone's display overflows.
EARLIEST = dt.datetime(1000, 1, 2, tzinfo=UTC)
LATEST = dt.datetime(9999, 12, 30, tzinfo=UTC)


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


def with_utc_offsets(value: Value) -> Value:
    """
    Return a copy in which every created_at of a thread or an item has a UTC offset (V3).

    The SDK's events, pages and responses hold such objects in fields; the objects themselves
    stay as they are, since the SDK subtracts their naive times from datetime.now().
    """
    if isinstance(value, list):
        return cast(Value, [with_utc_offsets(child) for child in value])
    if not isinstance(value, BaseModel):
        return value
    update: dict[str, Any] = {}
    created_at = getattr(value, "created_at", None)
    if isinstance(created_at, dt.datetime) and created_at.tzinfo is None:
        update["created_at"] = as_utc(created_at)
    for name in ("thread", "item", "updated_item", "items", "data"):
        if isinstance(child := getattr(value, name, None), (BaseModel, list)):
            update[name] = with_utc_offsets(child)
    return cast(Value, value.model_copy(update=update)) if update else value
