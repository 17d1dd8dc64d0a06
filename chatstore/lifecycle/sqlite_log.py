"""
Empties SQLite's write-ahead log, which keeps the text of what is deleted or redacted.

In the database's file deleted text is overwritten by ``PRAGMA secure_delete=ON``, which is an
option of the connection (docs/explanation/security.md). Other databases free such space by
themselves.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)


def empty_log(using: str) -> None:
    """
    Move SQLite's write-ahead log into its file, and empty it.

    Call it after the commit: inside a transaction it does nothing. If another connection still
    reads an older state, this waits for the connection's ``timeout``, and then logs a warning.
    """
    connection: Any = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [is_busy, *_frames] = cursor.fetchone()
    if is_busy:
        logger.warning("SQLite's write-ahead log still holds deleted text: it is being read")
