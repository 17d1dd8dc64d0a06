"""The rows of an import that wait to be written, and who owns those that exist already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import reset_queries
from django.db.models import Model

from chatstore.conf import settings
from chatstore.db.sharding import insert_rows, split_by_owner
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    file_key,
    session_key,
)
from chatstore.portability.import_rows import RECORD_ERRORS, owner_of, text_of
from chatstore.portability.records import ROWS_PER_BATCH, Record

PAGE_BYTES = 4 * 2**20  # of an archive: what a model did in a turn may be as long as its input


def read_page(records: Iterator[Record]) -> list[Record]:
    """Return the next records, as many as may be held in memory."""
    page: list[Record] = []
    length = 0
    for record in islice(records, ROWS_PER_BATCH):
        page.append(record)
        length += record.get("length", 0)
        if length > PAGE_BYTES:
            break
    return page


class _Row(NamedTuple):
    """What names a row of a record."""

    user_id: str
    model: type[Model]
    pk: UUID


def _key(user_id: str, pk: UUID) -> tuple[str, UUID]:
    """Return what is unique in a table: the primary key, with the owner if tables are sharded."""
    return user_id if settings.sharded else "", pk


class RowBatch:
    """
    Collects rows, and writes them table by table.

    Args:
        using: the alias of the database.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._rows: dict[type[Model], list[Any]] = {
            ChatSession: [],
            ChatMessage: [],
            ChatModelTurn: [],
            ChatAttachment: [],
        }
        # The owners of the rows that are stored or waiting, by _key.
        self._owners: dict[type[Model], dict[Any, str]] = {}
        self._user_id = ""  # of the last thread that was looked up

    def look_up(self, records: Iterable[Record]) -> None:
        """Look up who owns the threads and attachments of these records, and forget all others."""
        self._owners = {ChatSession: {}, ChatAttachment: {}}
        rows = list(self._rows_of(records))
        for model, owners in self._owners.items():
            for group in split_by_owner(row for row in rows if row.model is model):
                table: Any = model._default_manager.using(self._using)
                if settings.sharded:
                    table = table.for_owner(group[0].user_id)
                stored = table.filter(pk__in={row.pk for row in group})
                for pk, user_id in stored.values_list("pk", "user_id"):
                    owners[_key(user_id, pk)] = user_id

    def _rows_of(self, records: Iterable[Record]) -> Iterator[_Row]:
        """Yield what names the rows of threads and attachments, as far as the records are valid."""
        for record in records:
            kind = record.get("type")
            with suppress(*RECORD_ERRORS):
                if kind in ("thread", "upload"):
                    self._user_id = owner_of(record)
                if kind == "thread":
                    yield _Row(self._user_id, ChatSession, session_key(text_of(record, "id")))
                elif kind in ("attachment", "upload"):
                    yield _Row(self._user_id, ChatAttachment, file_key(text_of(record, "id")))

    def owner(self, row: ChatSession | ChatAttachment) -> str | None:
        """Return who owns the stored or waiting row of the same key; None if there is none."""
        return self._owners[type(row)].get(_key(row.user_id, row.pk))

    def add(self, row: Any) -> None:
        """Let a row wait for ``write``."""
        self._rows[type(row)].append(row)
        if type(row) in self._owners:
            # It may be in the archive twice, because the export repeated a batch.
            self._owners[type(row)][_key(row.user_id, row.pk)] = row.user_id

    def write(self) -> None:
        """Insert the waiting rows."""
        for model, rows in self._rows.items():
            insert_rows(rows, model._default_manager.using(self._using))
            rows.clear()
        reset_queries()  # while DEBUG is on, Django keeps every statement in memory
