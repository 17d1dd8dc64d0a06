"""Tables as CSV, which open in a spreadsheet and run nothing there."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable
from typing import IO, Any

# A spreadsheet takes a cell that begins with one of these for a formula. OWASP names the last two.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    """Return a value as the text of a cell; one that would be a formula begins with ``'``."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def as_csv(rows: Iterable[Iterable[Any]]) -> IO[bytes]:
    """Return an open file of rows, which are read one by one; the caller closes it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the caller)
    lines = io.TextIOWrapper(file, encoding="utf-8", newline="", errors="replace")
    lines.write("\N{BYTE ORDER MARK}")  # by which Excel knows UTF-8
    writer = csv.writer(lines)
    for row in rows:
        writer.writerow(map(cell, row))
    lines.detach()  # after writing what it holds
    file.seek(0)
    return file
