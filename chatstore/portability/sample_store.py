"""
Reads the SQLite file of ChatKit's sample store as the records of an archive.

Its tables are threads and items, each with id, user_id, created_at and JSON in ``data`` (and
items with thread_id), and files, without created_at. It does not hold the files' content.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore.portability.archive import ArchiveError
from chatstore.portability.records import Record

# One query for all: items have no index on their thread.
_THREADS = """
    SELECT threads.user_id, threads.created_at, threads.id, threads.data,
           items.id, items.created_at, items.data
    FROM threads LEFT JOIN items
         ON items.thread_id = threads.id AND items.user_id = threads.user_id
    ORDER BY threads.user_id, threads.created_at, threads.id, items.created_at, items.rowid
"""
_FILE = "SELECT data FROM files WHERE id = ? AND user_id = ?"
_FILES = "SELECT id, user_id, data FROM files ORDER BY user_id, id"


def records(path: str, max_bytes: int) -> Iterator[Record]:
    """
    Yield the records of the file at ``path``.

    Raises ArchiveError if it is another database, or if a value has more than ``max_bytes``.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max_bytes)
            sent: set[tuple[str, str]] = set()
            rows = connection.execute(_THREADS)
            for _thread, group in groupby(rows, key=lambda row: row[:3]):
                yield from _thread_records(connection, group, sent)
            for file_id, user_id, data in connection.execute(_FILES):
                if (file_id, user_id) not in sent:
                    yield _file("upload", file_id, data) | {"user_id": user_id}
    except sqlite3.DatabaseError as error:
        raise ArchiveError(
            _("This SQLite file is not that of ChatKit's sample store: %s.") % error
        ) from error


def _thread_records(
    connection: sqlite3.Connection, rows: Iterator[Any], sent: set[tuple[str, str]]
) -> Iterator[Record]:
    is_first = True
    message_of: dict[str, str] = {}
    for user_id, created_at, thread_id, thread, item_id, item_created_at, data in rows:
        if is_first:
            is_first = False
            yield {
                "type": "thread",
                "user_id": user_id,
                "id": thread_id,
                "thread": _unwrap(thread, "thread"),
                "created_at": created_at,
                "is_started": item_id is not None,
            }
        if item_id is not None:
            item = _unwrap(data, "item")
            yield {"type": "item", "id": item_id, "item": item, "timestamp": item_created_at}
            for attachment_id in _attachment_ids(item):
                message_of.setdefault(attachment_id, item_id)
    for attachment_id, item_id in message_of.items():
        for (data,) in connection.execute(_FILE, (attachment_id, user_id)):
            sent.add((attachment_id, user_id))
            yield _file("attachment", attachment_id, data) | {"item_id": item_id}


def _attachment_ids(item: Any) -> Iterator[str]:
    """Yield the ids of an item's attachments; other versions of ChatKit may have written it."""
    attachments = item.get("attachments") if isinstance(item, dict) else None
    for attachment in attachments if isinstance(attachments, list) else ():
        if isinstance(attachment, dict) and isinstance(attachment.get("id"), str):
            yield attachment["id"]


def _file(kind: str, file_id: str, data: str) -> Record:
    attachment = _unwrap(data, "attachment")
    created_at = timezone.now().isoformat()
    return {"type": kind, "id": file_id, "attachment": attachment, "created_at": created_at}


def _unwrap(data: str, kind: str) -> Any:
    """Return the ChatKit object in JSON such as ``{"thread": {…}}``, or the text if it has none."""
    try:
        return json.loads(data)[kind]
    except (ValueError, KeyError, TypeError):
        return data
