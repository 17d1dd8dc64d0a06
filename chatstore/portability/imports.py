"""
Records of an archive -> rows. It takes the memory of a page, and is repeatable: a thread is
there as a whole or not at all, and one that is there is left alone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any

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
    ROWS,
    SESSION_COLUMNS,
    THREADS,
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
        partial: take what is whole of an archive that was cut short.

    Raises ArchiveError, before anything is imported, for an archive that isn't whole.
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
    Reads records into rows, in transactions of whole threads, and counts what is new.

    Threads that are there already are left alone, whatever they hold, and only their missing
    files are brought; an import that was interrupted is simply run again.
    """

    def __init__(self, using: str, open_file: Callable[[str], Any]) -> None:
        self.using = using
        self.open_file = open_file
        self.counts = Counts()
        self.present = 0  # threads that were there already
        self.conflicts = 0  # threads and attachments that somebody else has here
        self.without_bytes = 0  # attachments whose file is not in the archive
        self._rows: dict[type[Model], list[Any]] = {
            ChatSession: [],
            ChatMessage: [],
            ChatAttachment: [],
        }
        self._files: list[tuple[str, str, str]] = []
        self._last: Record = {}  # where it went wrong, if it does
        self._number = 0

    def run(
        self, records: Iterable[Record], progress: Callable[[Counts], None] | None = None
    ) -> None:
        """Import all records. Raises ArchiveError with the place of one that can't be."""
        try:
            self._run(records, progress)
        except DatabaseError as error:
            raise ArchiveError(
                _(
                    "The database refused a thread (%(error)s): %(place)s, or not far before. "
                    "What stands before it is imported; run the import again."
                )
                % {"place": self._place(), "error": type(error).__name__}
            ) from error

    def _run(self, records: Iterable[Record], progress: Callable[[Counts], None] | None) -> None:
        wholes = groupby(records, key=self._whole)
        size = THREADS
        while size == THREADS:
            size = 0
            with transaction.atomic(using=self.using):
                for _number, whole in islice(wholes, THREADS):
                    self._import_whole(whole)
                    size += 1
                self._flush()
            self._save_files()  # outside of the transaction, as files.save wants it
            reset_queries()
            if progress:
                progress(self.counts)

    def _whole(self, record: Record) -> int:
        """Return the number of the whole that a record belongs to: a thread, or an upload."""
        self._last = record
        self._number += record.get("type") in ("thread", "upload")
        return self._number

    def _import_whole(self, records: Iterator[Record]) -> None:
        try:
            first = next(records)
            user_id = codec.validate_user_id(first["user_id"])
            if first["type"] == "upload":
                self._add_attachment(first, user_id)
                if next(records, None):  # nothing belongs to an upload
                    raise ValueError
            else:
                self._import_thread(first, user_id, records)
        except (KeyError, TypeError, ValueError, RecursionError, ValidationError) as error:
            # What exactly is wrong with it would be text of the conversation.
            raise ArchiveError(
                _("%(place)s can't be imported (%(error)s). Mend it, and run the import again.")
                % {"place": self._place(), "error": type(error).__name__}
            ) from None

    def _place(self) -> str:
        """Return the line of the last record; the sample store has none, but ids."""
        if "line" in self._last:
            return str(_("Line %s") % self._last["line"])
        return f"{self._last.get('type')} {self._last.get('id')}"

    def _import_thread(self, first: Record, user_id: str, records: Iterator[Record]) -> None:
        session = _session(first, user_id)
        owner = self._owner_of(session)
        self.present += owner == user_id
        self.conflicts += owner not in (None, user_id)
        if is_new := owner is None:
            self._add(session)
            self.counts.threads += 1
        position = None
        for record in records:
            if record["type"] == "item":
                if is_new:
                    message = _message(record, session)
                    if position is not None:  # it is a key: each has one of its own
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
            # An item came while the thread was being exported; or the archive doesn't say.
            session.updated_at = max(session.updated_at, position)
            session.is_started = True
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
        owner = self._owner_of(row)
        if owner is None and is_new:
            self._add(row)
            self.counts.files += 1
        elif owner != user_id:
            self.conflicts += owner is not None
            return
        if "sha256" in record:
            self._files.append((user_id, row.attachment_id, str(record["sha256"])))

    def _owner_of(self, row: ChatSession | ChatAttachment) -> str | None:
        """Return the owner of the row of the same key that is there or about to be."""
        for waiting in self._rows[type(row)]:
            if waiting == row:  # twice in the archive: its batch was tried again
                return str(waiting.user_id)
        there: Any = type(row)._default_manager.using(self.using).filter(pk=row.pk)
        owner: str | None = there.values_list("user_id", flat=True).first()
        return owner

    def _add(self, row: Model) -> None:
        self._rows[type(row)].append(row)
        if sum(map(len, self._rows.values())) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        for model, rows in self._rows.items():
            model._default_manager.using(self.using).bulk_create(rows)
            rows.clear()

    def _save_files(self) -> None:
        """Bring the bytes of attachments that have none yet."""
        for user_id, attachment_id, sha256 in self._files:
            rows = ChatAttachment.objects.using(self.using).for_owner(user_id)
            row = rows.attachment(attachment_id).filter(path="")
            if not row.exists():
                continue
            content = self.open_file(sha256)
            if content is None:
                self.without_bytes += 1
                continue
            with content:
                path = files.save(File(content), self.using)
            with transaction.atomic(using=self.using):
                is_wanted = row.update(path=path)
                if is_wanted:
                    files.cancel_removal(path, self.using)
            if not is_wanted:  # deleted meanwhile, or brought by another import
                files.remove_file(path, self.using)
        self._files.clear()


def _text(value: Any) -> str:
    """Return a payload as it is stored."""
    if isinstance(value, str):
        return codec.replace_unstorable(value)
    return json.dumps(codec.replace_unstorable(value), ensure_ascii=False, separators=(",", ":"))


def _id(record: Record) -> str:
    value = record["id"]
    if not isinstance(value, str) or not value or not codec.is_storable_id(value):
        raise ValueError
    return value


def _derived(
    record: Record, kind: str, load: Callable[[str], Any], values: Callable[[Any], Record]
) -> Record:
    """Return the columns that follow from the ChatKit object, and its payload as it came."""
    payload = _text(record[kind])
    try:
        loaded = load(payload)
    except ValueError:  # of another version of ChatKit: kept, and not served (S17)
        return {"payload": payload}
    if loaded.id != record["id"]:
        raise ValueError
    return values(loaded) | {"payload": payload}


def _filled_in(model: type[Model], record: Record, columns: tuple[str, ...]) -> Record:
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
    values = _derived(record, "thread", codec.load_thread, codec.session_values)
    values |= _filled_in(ChatSession, record, SESSION_COLUMNS)
    values |= {"session_id": session_key(thread_id), "thread_id": thread_id, "user_id": user_id}
    row = ChatSession(**{"updated_at": values["created_at"]} | values)
    row.clean_fields()
    return row


def _message(record: Record, session: ChatSession) -> ChatMessage:
    item_id = _id(record)
    values = _derived(record, "item", codec.load_item, codec.message_values)
    values |= _filled_in(ChatMessage, record, MESSAGE_COLUMNS)
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
    values = _derived(record, "attachment", codec.load_attachment, codec.attachment_values)
    values |= _filled_in(ChatAttachment, record, ATTACHMENT_COLUMNS)
    values |= {"file_id": file_key(attachment_id), "attachment_id": attachment_id}
    if session is not None:
        values["session_id"] = session.session_id
        if "item_id" in record:
            values["message_id"] = message_key(session.thread_id, str(record["item_id"]))
    row = ChatAttachment(**values, user_id=user_id)
    row.clean_fields(exclude={"session", "message"})
    return row
