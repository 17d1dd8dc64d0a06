"""
Writes the records of an archive to rows, in constant memory (R3).

It is repeatable: a thread is imported in one transaction, and one that exists is not changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial as partial_function
from itertools import groupby, islice
from typing import Any, TypeAlias

from django.core.files import File
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from chatstore import files
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.models import ChatAttachment, ChatSession, Counts
from chatstore.portability import other_products, sample_store
from chatstore.portability.archive import ArchiveError
from chatstore.portability.import_batches import RowBatch, read_page
from chatstore.portability.import_rows import (
    RECORD_ERRORS,
    attachment_row,
    message_row,
    model_turn_row,
    owner_of,
    session_row,
    text_of,
)
from chatstore.portability.reader import Reader, refusal
from chatstore.portability.records import THREADS_PER_BATCH, Record

# Called with what is imported so far, and how much of the file is read.
ImportProgress: TypeAlias = Callable[[Counts, float | None], None]
MICROSECOND = dt.timedelta(microseconds=1)


def import_threads(
    reader: Reader,
    using: str,
    *,
    partial: bool = False,
    user_id: str | None = None,
    progress: ImportProgress = lambda counts, share: None,
) -> Importer:
    """
    Import an archive, the SQLite file of ChatKit's sample store, or another product's export.

    Args:
        using: the alias of the database.
        partial: import the complete threads of an incomplete archive.
        user_id: the owner of the threads of another product's export; the other files name theirs.
        progress: called with the counts so far, and the share of the archive that is read, 0 to 1;
            None for other files, of which it is not known.

    Raises ArchiveError: before anything is imported if the archive or the export is incomplete or
    damaged, or if the export holds something else; later if an archive's record can't be imported.
    """
    count = 0
    export = other_products.find(reader, user_id)
    if export:
        read = export.records
    elif user_id:
        raise ArchiveError(_("The file names the owners of its threads: leave --user out."))
    elif reader.is_sqlite:
        read = partial_function(sample_store.records, reader.path, reader.max_line_bytes)
    else:
        lines = reader.check(partial=partial)
        read = partial_function(reader.records, lines)
        count = lines - 1  # without the header
    importer = Importer(using, reader.open_file)
    importer.run(read, progress, count)
    if export:
        importer.with_branches = len(export.with_branches)
        importer.with_files = len(export.with_files)
    return importer


class Importer:
    """
    Writes records to rows, in transactions of complete threads, and counts the new ones.

    Threads that exist are not changed, whatever they hold; only missing files of their attachments
    are added. So an import that was interrupted can be run again.
    """

    def __init__(self, using: str, open_file: Callable[[str], Any]) -> None:
        self.using = using
        self.open_file = open_file
        self.counts = Counts()
        self.existing = 0  # threads that existed before
        self.conflicts = 0  # threads and attachments that exist here with another owner
        self.missing_files = 0  # attachments whose file is not in the archive, or damaged
        # Threads of another product of which branches, or files, are left out.
        self.with_branches = self.with_files = 0
        self._batch = RowBatch(using)
        self._files: list[tuple[str, str, str]] = []  # user_id, attachment_id, sha256
        self._last_record: Record = {}  # for error messages
        self._group_number = 0
        self._record_number = 0  # of the last record that was read
        self._group_start = 0  # the number of records before the last group that was begun
        self._groups: Iterator[Any] = iter(())

    def run(
        self,
        read: Callable[[], Iterator[Record]],
        progress: ImportProgress,
        count: int,
    ) -> None:
        """
        Import all records, which ``read`` yields from the first one on; ``count`` is their number,
        0 if it is not known.

        A batch is tried again if another import writes the same threads at the same time. Raises
        ArchiveError, which names the record that has failed.
        """
        try:
            self._run(read, progress, count)
        except DatabaseError as error:
            raise ArchiveError(
                _(
                    "The database refused a thread (%(error)s) at or shortly before %(place)s. "
                    "The threads before it are imported. Run the import again."
                )
                % {"place": self._location(), "error": type(error).__name__}
            ) from error

    def _run(
        self, read: Callable[[], Iterator[Record]], progress: ImportProgress, count: int
    ) -> None:
        self._begin_at(read, 0)
        size = THREADS_PER_BATCH
        while size == THREADS_PER_BATCH:  # a smaller batch is the last one
            start = self._group_start
            before = replace(self.counts), self.existing, self.conflicts
            size = run_sync(self.using, self._import_batch, read, start, before)
            self._save_files()  # not in the transaction: files.save has its own
            progress(self.counts, min(self._record_number / count, 1) if count else None)

    def _begin_at(self, read: Callable[[], Iterator[Record]], start: int) -> None:
        """Read from the record ``start`` on, counted from 0, and forget what was read before."""
        self._record_number = self._group_start = start
        self._files.clear()
        self._batch = RowBatch(self.using)
        records = self._pages(islice(read(), start, None))
        self._groups = groupby(records, key=self._number_of_group)

    def _import_batch(
        self,
        attempt: Attempt,
        read: Callable[[], Iterator[Record]],
        start: int,
        before: tuple[Counts, int, int],
    ) -> int:
        """Import a batch of threads in one transaction; return their number."""
        if attempt.retries:
            counts, self.existing, self.conflicts = before
            self.counts = replace(counts)
            self._begin_at(read, start)
        size = 0
        with transaction.atomic(using=self.using):
            for _number, group in islice(self._groups, THREADS_PER_BATCH):
                self._import_group(group)
                size += 1
            self._batch.write()
        return size

    def _pages(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records; before each page, write the waiting rows and look up its owners."""
        while page := read_page(records):
            self._batch.write()
            self._batch.look_up(page)
            yield from page

    def _number_of_group(self, record: Record) -> int:
        """Return the number of the record's group: a thread with its items, or an upload."""
        self._last_record = record
        if record.get("type") in ("thread", "upload"):
            self._group_number += 1
            self._group_start = self._record_number
        self._record_number += 1
        return self._group_number

    def _import_group(self, records: Iterator[Record]) -> None:
        try:
            first = next(records)
            user_id = owner_of(first)
            if first["type"] == "upload":
                self._add_attachment(first, user_id)
                if next(records, None):  # an upload is one record
                    raise ValueError
            elif first["type"] == "thread":
                self._import_thread(first, user_id, records)
            else:
                raise ValueError
        except RECORD_ERRORS as error:
            raise refusal(self._location(), type(error).__name__) from None

    def _location(self) -> str:
        """Return the last record's line; for the sample store, which has none, type and id."""
        if "line" in self._last_record:
            return str(_("Line %s") % self._last_record["line"])
        return f"{self._last_record.get('type')} {self._last_record.get('id')}"

    def _import_thread(self, first: Record, user_id: str, records: Iterator[Record]) -> None:
        session = session_row(first, user_id)
        owner = self._batch.owner(session)
        self.existing += owner == user_id
        self.conflicts += owner not in (None, user_id)
        if is_new := owner is None:
            self._batch.add(session)
            self.counts.threads += 1
        position = None
        for record in records:
            if record["type"] == "item":
                if is_new:
                    message = message_row(record, session)
                    if position is not None:  # positions in a thread are unique
                        message.timestamp = max(message.timestamp, position + MICROSECOND)
                    position = message.timestamp
                    self._batch.add(message)
                    self.counts.messages += 1
            elif record["type"] == "model_turn":
                if is_new:
                    self._batch.add(model_turn_row(record, session))
                    self.counts.model_turns += 1
            elif record["type"] == "attachment":
                if owner in (None, user_id):
                    self._add_attachment(record, user_id, session, is_new=is_new)
            elif record["type"] != "thread_end":
                raise ValueError
        if position is not None and (position > session.updated_at or not session.is_started):
            self._set_activity(session, position)

    def _set_activity(self, session: ChatSession, position: dt.datetime) -> None:
        """An item was added during the export, or the record doesn't hold these columns."""
        session.updated_at = max(session.updated_at, position)
        session.is_started = True
        if not session._state.adding:  # it is written already
            rows = ChatSession.objects.using(self.using).for_owner(session.user_id)
            row = rows.filter(pk=session.pk)
            row.update(updated_at=session.updated_at, is_started=True)

    def _add_attachment(
        self,
        record: Record,
        user_id: str,
        session: ChatSession | None = None,
        *,
        is_new: bool = True,
    ) -> None:
        row = attachment_row(record, user_id, session)
        owner = self._batch.owner(row)
        if owner is None and is_new:
            self._batch.add(row)
            self.counts.files += 1
        elif owner != user_id:
            self.conflicts += owner is not None
            return
        if "sha256" in record:
            self._files.append((user_id, row.attachment_id, text_of(record, "sha256")))

    def _save_files(self) -> None:
        """Save the files of attachments that have none yet."""
        for user_id, attachment_id, sha256 in self._files:
            rows = ChatAttachment.objects.using(self.using).for_owner(user_id)
            row = rows.attachment(attachment_id).filter(path="")
            if not row.exists():
                continue
            content = self.open_file(sha256)
            if content is None:
                self.missing_files += 1
                continue
            with content:
                path = files.save(File(content), self.using)
            with transaction.atomic(using=self.using):
                is_used = row.update(path=path)
                if is_used:
                    files.cancel_removal(path, self.using)
            if not is_used:  # the row was deleted meanwhile, or another import has saved the file
                files.remove_file(path, self.using)
        self._files.clear()
