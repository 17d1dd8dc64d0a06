"""Converts times: to aware UTC for the database, and with a UTC offset for clients."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar, cast

from pydantic import BaseModel

Value = TypeVar("Value")
UTC = dt.UTC
# The range that every database can store, less a day, so that no local time overflows.
EARLIEST = dt.datetime(1000, 1, 2, tzinfo=UTC)
# The fields of events and responses that hold a thread or items.
_CHILDREN = {"thread", "item", "updated_item", "items", "data"}
LATEST = dt.datetime(9999, 12, 30, tzinfo=UTC)


def as_utc(time: dt.datetime) -> dt.datetime:
    """
    Return the time as aware UTC, between EARLIEST and LATEST (S6).

    A naive time is in the process's local time zone, like the SDK's datetime.now().
    """
    try:
        utc = time.astimezone(UTC)
    except (OverflowError, OSError, ValueError):  # near datetime.min or datetime.max
        return EARLIEST if time.year < 5000 else LATEST
    return min(max(utc, EARLIEST), LATEST)


def with_utc_offsets(value: Value) -> Value:
    """
    Return a copy of an SDK event, page or response with a UTC offset in each created_at (V3).

    The original is not changed: the SDK subtracts its naive times from datetime.now().
    """
    if isinstance(value, list):
        return cast(Value, [with_utc_offsets(child) for child in value])
    if not isinstance(value, BaseModel):
        return value
    fields = type(value).model_fields
    update: dict[str, Any] = {}
    created_at = getattr(value, "created_at", None) if "created_at" in fields else None
    if isinstance(created_at, dt.datetime) and created_at.tzinfo is None:
        update["created_at"] = as_utc(created_at)
    for name in _CHILDREN & fields.keys():
        if isinstance(child := getattr(value, name), (BaseModel, list)):
            update[name] = with_utc_offsets(child)
    return cast(Value, value.model_copy(update=update)) if update else value
