"""
Writes the records of an archive to rows, in constant memory (R3).

It is repeatable: a thread is imported in one transaction, and one that exists is not changed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import DatabaseError, reset_queries, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from chatstore import codec, files
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatSession,
    Counts,
    file_key,
    message_key,
    session_key,
)
from chatstore.portability import sample_store
from chatstore.portability.archive import ArchiveError
from chatstore.portability.reader import Reader
from chatstore.portability.records import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    ROWS_PER_BATCH,
    SESSION_COLUMNS,
    THREADS_PER_BATCH,
    Record,
)

MICROSECOND = dt.timedelta(microseconds=1)


def import_threads(
    reader: Reader,
    using: str,
    *,
    partial: bool = False,
    progress: Callable[[Counts], None] | None = None,
) -> Importer:
    """
    Import an archive, or the SQLite file of ChatKit's sample store.

    Args:
        using: the alias of the database.
        partial: import the complete threads of an incomplete archive.
        progress: called with the counts so far.

    Raises ArchiveError: before anything is imported if the archive is incomplete or damaged, later
    if a record can't be imported.
    """
    if reader.is_sqlite:
        records = sample_store.records(reader.path)
    else:
        records = reader.records(reader.check(partial=partial))
    importer = Importer(using, reader.open_file)
    importer.run(records, progress)
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
        self._rows: dict[type[Model], list[Any]] = {
            ChatSession: [],
            ChatMessage: [],
            ChatAttachment: [],
        }
        # The owners of the rows that are stored or waiting, by primary key.
        self._owners: dict[type[Model], dict[Any, str]] = {}
        self._files: list[tuple[str, str, str]] = []  # user_id, attachment_id, sha256
        self._last_record: Record = {}  # for error messages
        self._groups = 0

    def run(
        self, records: Iterable[Record], progress: Callable[[Counts], None] | None = None
    ) -> None:
        """Import all records. Raises ArchiveError, which names the record that has failed."""
        try:
            self._run(records, progress)
        except DatabaseError as error:
            raise ArchiveError(
                _(
                    "The database refused a thread (%(error)s) at or shortly before %(place)s. "
                    "The threads before it are imported. Run the import again."
                )
                % {"place": self._location(), "error": type(error).__name__}
            ) from error

    def _run(self, records: Iterable[Record], progress: Callable[[Counts], None] | None) -> None:
        groups = groupby(self._pages(iter(records)), key=self._group_number)
        size = THREADS_PER_BATCH
        while size == THREADS_PER_BATCH:  # a smaller batch is the last one
            size = 0
            with transaction.atomic(using=self.using):
                for _number, group in islice(groups, THREADS_PER_BATCH):
                    self._import_group(group)
                    size += 1
                self._flush()
            self._save_files()  # not in the transaction: files.save has its own
            if progress:
                progress(self.counts)

    def _pages(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records; before each page, write the waiting rows and look up its owners."""
        while page := list(islice(records, ROWS_PER_BATCH)):
            self._flush()
            self._owners = {
                ChatSession: self._stored_owners(ChatSession, session_key, page, {"thread"}),
                ChatAttachment: self._stored_owners(
                    ChatAttachment, file_key, page, {"attachment", "upload"}
                ),
            }
            yield from page

    def _stored_owners(
        self, model: type[Model], key: Callable[[str], Any], records: list[Record], types: set[str]
    ) -> dict[Any, str]:
        """Return the owners of those rows of the records that are stored, by primary key."""
        ids = (record.get("id") for record in records if record.get("type") in types)
        keys = {key(value) for value in ids if isinstance(value, str)}
        rows = model._default_manager.using(self.using).filter(pk__in=keys)
        return dict(rows.values_list("pk", "user_id"))

    def _group_number(self, record: Record) -> int:
        """Return the number of the record's group: a thread with its items, or an upload."""
        self._last_record = record
        self._groups += record.get("type") in ("thread", "upload")
        return self._groups

    def _import_group(self, records: Iterator[Record]) -> None:
        try:
            first = next(records)
            user_id = codec.validate_user_id(first["user_id"])
            if first["type"] == "upload":
                self._add_attachment(first, user_id)
                if next(records, None):  # an upload is one record
                    raise ValueError
            else:
                self._import_thread(first, user_id, records)
        except (KeyError, TypeError, ValueError, RecursionError, ValidationError) as error:
            # Only the error's type: its message could quote the conversation (S18).
            raise ArchiveError(
                _("%(place)s can't be imported (%(error)s). Correct it, and run the import again.")
                % {"place": self._location(), "error": type(error).__name__}
            ) from None

    def _location(self) -> str:
        """Return the last record's line; for the sample store, which has none, type and id."""
        if "line" in self._last_record:
            return str(_("Line %s") % self._last_record["line"])
        return f"{self._last_record.get('type')} {self._last_record.get('id')}"

    def _import_thread(self, first: Record, user_id: str, records: Iterator[Record]) -> None:
        session = _session(first, user_id)
        owner = self._owners[ChatSession].get(session.pk)
        self.existing += owner == user_id
        self.conflicts += owner not in (None, user_id)
        if is_new := owner is None:
            self._add(session)
            self.counts.threads += 1
        position = None
        for record in records:
            if record["type"] == "item":
                if is_new:
                    message = _message(record, session)
                    if position is not None:  # positions in a thread are unique
                        message.timestamp = max(message.timestamp, position + MICROSECOND)
                    position = message.timestamp
                    self._add(message)
                    self.counts.messages += 1
            elif record["type"] == "attachment":
                if owner in (None, user_id):
                    self._add_attachment(record, user_id, session, is_new=is_new)
            elif record["type"] != "thread_end":
                raise ValueError
        if position is not None and (position > session.updated_at or not session.is_started):
            # An item was added during the export, or the record doesn't hold these columns.
            session.updated_at = max(session.updated_at, position)
            session.is_started = True
            if not session._state.adding:  # it is written already
                row = ChatSession.objects.using(self.using).for_owner(user_id).filter(pk=session.pk)
                row.update(updated_at=session.updated_at, is_started=True)

    def _add_attachment(
        self,
        record: Record,
        user_id: str,
        session: ChatSession | None = None,
        *,
        is_new: bool = True,
    ) -> None:
        row = _attachment(record, user_id, session)
        owner = self._owners[ChatAttachment].get(row.pk)
        if owner is None and is_new:
            self._add(row)
            self.counts.files += 1
        elif owner != user_id:
            self.conflicts += owner is not None
            return
        if "sha256" in record:
            self._files.append((user_id, row.attachment_id, str(record["sha256"])))

    def _add(self, row: Model) -> None:
        self._rows[type(row)].append(row)
        if type(row) in self._owners:
            # It may be in the archive twice, because the export repeated a batch.
            self._owners[type(row)][row.pk] = cast(Any, row).user_id

    def _flush(self) -> None:
        for model, rows in self._rows.items():
            model._default_manager.using(self.using).bulk_create(rows)
            rows.clear()
        reset_queries()  # while DEBUG is on, Django keeps every statement in memory

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


def _payload_text(value: Any) -> str:
    """Return a record's ChatKit object as the text of the payload column."""
    if isinstance(value, str):
        return codec.replace_unstorable(value)
    return json.dumps(codec.replace_unstorable(value), ensure_ascii=False, separators=(",", ":"))


def _id(record: Record) -> str:
    """Return the record's id; ValueError if it is not a valid one."""
    value = record["id"]
    if not isinstance(value, str) or not value or not codec.is_storable_id(value):
        raise ValueError
    return value


def _derived_columns(
    record: Record, kind: str, load: Callable[[str], Any], values: Callable[[Any], Record]
) -> Record:
    """Return the columns that are derived from the ChatKit object, and its payload unchanged."""
    payload = _payload_text(record[kind])
    try:
        loaded = load(payload)
    except ValueError:  # of another version of ChatKit: stored, but not served (S17)
        return {"payload": payload}
    if loaded.id != record["id"]:
        raise ValueError
    return values(loaded) | {"payload": payload}


def _column_values(model: type[Model], record: Record, columns: tuple[str, ...]) -> Record:
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    values = {
        column: fields[column].to_python(codec.replace_unstorable(record[column]))
        for column in columns
        if column in record
    }
    return {
        column: codec.as_utc(value) if isinstance(value, dt.datetime) else value
        for column, value in values.items()
    }


def _session(record: Record, user_id: str) -> ChatSession:
    thread_id = _id(record)
    values = _derived_columns(record, "thread", codec.load_thread, codec.session_values)
    values |= _column_values(ChatSession, record, SESSION_COLUMNS)
    values |= {"session_id": session_key(thread_id), "thread_id": thread_id, "user_id": user_id}
    row = ChatSession(**{"updated_at": values["created_at"]} | values)
    row.clean_fields()
    return row


def _message(record: Record, session: ChatSession) -> ChatMessage:
    item_id = _id(record)
    values = _derived_columns(record, "item", codec.load_item, codec.message_values)
    values |= _column_values(ChatMessage, record, MESSAGE_COLUMNS)
    values |= {
        "message_id": message_key(session.thread_id, item_id),
        "session_id": session.session_id,
        "user_id": session.user_id,
        "item_id": item_id,
    }
    row = ChatMessage(**{"item_type": "unknown", "sender_type": "assistant"} | values)
    row.clean_fields(exclude={"session"})
    return row


def _attachment(record: Record, user_id: str, session: ChatSession | None) -> ChatAttachment:
    attachment_id = _id(record)
    values = _derived_columns(record, "attachment", codec.load_attachment, codec.attachment_values)
    values |= _column_values(ChatAttachment, record, ATTACHMENT_COLUMNS)
    values |= {"file_id": file_key(attachment_id), "attachment_id": attachment_id}
    if session is not None:
        values["session_id"] = session.session_id
        if "item_id" in record:
            values["message_id"] = message_key(session.thread_id, str(record["item_id"]))
    row = ChatAttachment(**values, user_id=user_id)
    row.clean_fields(exclude={"session", "message"})
    return row
