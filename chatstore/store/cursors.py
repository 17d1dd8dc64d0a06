"""
Cursors of pages that are ordered by a time that may change.

They hold the time and the key of a page's last row, and not its id: a thread that becomes active is
above them then, and the page after still begins where the one before has ended.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import TypeAlias

from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.exceptions import RequestRefused

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
Cursor: TypeAlias = tuple[dt.datetime, uuid.UUID]
_CURSOR = re.compile(r"(-?[0-9]{1,18})_([0-9a-f]{32})")


def write(time: dt.datetime, key: uuid.UUID) -> str:
    """Return the cursor of a row."""
    return f"{(codec.as_utc(time) - _EPOCH) // _MICROSECOND}_{key.hex}"


def read(cursor: str) -> Cursor:
    """Return the time and the key of a cursor; RequestRefused (400) for another text."""
    if found := _CURSOR.fullmatch(cursor):
        try:
            return _EPOCH + int(found[1]) * _MICROSECOND, uuid.UUID(found[2])
        except OverflowError:
            pass
    raise RequestRefused(_("The request can't be read."), 400)
