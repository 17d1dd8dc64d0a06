"""
Writes rows to an archive, in constant memory (R3).

Rows are not locked: a thread that is written to meanwhile is exported with or without its newest
item.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from uuid import UUID

from django.db import reset_queries
from django.db.models import F, Model

from chatstore import files
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    ChatSessionQuerySet,
    Counts,
)
from chatstore.portability.records import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    MODEL_TURN_COLUMNS,
    MODEL_TURNS_PER_BATCH,
    ROWS_PER_BATCH,
    SESSION_COLUMNS,
    THREADS_PER_BATCH,
    Record,
)
from chatstore.portability.writer import Writer

Key: TypeAlias = tuple[str, UUID]


def sessions_to_export(
    using: str, *, user_id: str | None = None, since: dt.datetime | None = None
) -> ChatSessionQuerySet:
    """Return the threads that export_threads writes; arguments as there."""
    sessions = ChatSession.objects.using(using).lasting()
    if user_id is not None:
        sessions = sessions.for_owner(user_id)
    return sessions if since is None else sessions.filter(updated_at__gte=since)


def export_threads(
    writer: Writer,
    using: str,
    *,
    user_id: str | None = None,
    since: dt.datetime | None = None,
    progress: Callable[[Counts], None] | None = None,
) -> Exporter:
    """
    Export threads, and uploads that were never sent; return the Exporter with its counts.

    Temporary threads are left out (R6).

    Args:
        using: the alias of the database.
        user_id: only this owner's threads and uploads.
        since: only threads with activity, and uploads made, at or after this time.
        progress: called with the counts so far.

    Raises ArchiveError or OSError if the archive can't be written.
    """
    uploads = ChatAttachment.objects.using(using).filter(session_id=None)
    if user_id is not None:
        uploads = uploads.for_owner(user_id)
    if since is not None:
        uploads = uploads.filter(created_at__gte=since)
    exporter = Exporter(writer, using)
    exporter.export(sessions_to_export(using, user_id=user_id, since=since), progress)
    exporter.export_uploads(uploads)
    return exporter


class Exporter:
    """Writes threads, with items and files, to an archive, and counts them."""

    def __init__(self, writer: Writer, using: str) -> None:
        self.writer = writer
        self.using = using
        self.counts = Counts()
        self.missing_files = 0  # attachments that were exported without their file

    def export(
        self, sessions: ChatSessionQuerySet, progress: Callable[[Counts], None] | None = None
    ) -> None:
        """
        Write threads, sorted by owner and creation, archived ones last: equal data gives an equal
        archive.
        """
        for page in sessions.iter_pages(
            "user_id", "listing", "created_at", "thread_id", size=THREADS_PER_BATCH
        ):
            self._write_threads(page)
            reset_queries()  # while DEBUG is on, Django keeps every statement in memory
            if progress:
                progress(self.counts)

    def export_uploads(self, attachments: ChatAttachmentQuerySet) -> None:
        """Write attachments that were never sent in a thread."""
        for page in attachments.iter_pages(
            "user_id", "created_at", "attachment_id", size=ROWS_PER_BATCH
        ):
            for row in page:
                self._write_attachment("upload", row, user_id=row.user_id)

    def _write_threads(self, sessions: list[ChatSession]) -> None:
        attachments: dict[Key, list[tuple[ChatAttachment, str | None]]] = {}
        rows: Any = ChatAttachment.objects.using(self.using).for_sessions(sessions)
        for row in rows.annotate(item_id=F("message__item_id")).order_by("attachment_id"):
            attachments.setdefault(_key(row), []).append((row, row.item_id))
        loaded = self._load_messages(sessions)
        turns = ChatModelTurn.objects.using(self.using).for_sessions(sessions)
        have_turns = set(turns.order_by().values_list("user_id", "session_id").distinct())
        for session in sessions:
            self.writer.write(
                {"type": "thread", "user_id": session.user_id, "id": session.thread_id}
                | {"thread": _parsed(session.payload)}
                | nonempty_columns(session, SESSION_COLUMNS)
            )
            self.counts.threads += 1
            for message in self._messages_of(session, loaded):
                self.writer.write(
                    {
                        "type": "item",
                        "id": message.item_id,
                        "item": _parsed(message.payload),
                    }
                    | nonempty_columns(message, MESSAGE_COLUMNS)
                )
                self.counts.messages += 1
            if _key(session) in have_turns:
                self._write_model_turns(session)
            for attachment, item_id in attachments.get(_key(session), ()):
                self._write_attachment("attachment", attachment, item_id=item_id)
            # A thread without this line is incomplete, and is not imported.
            self.writer.write({"type": "thread_end"})

    def _write_model_turns(self, session: ChatSession) -> None:
        rows = ChatModelTurn.objects.using(self.using).for_owner(session.user_id)
        for page in rows.filter(session_id=session.session_id).iter_pages(
            "timestamp", size=MODEL_TURNS_PER_BATCH
        ):
            for row in page:
                record = {"type": "model_turn", "id": row.turn_id}
                record |= {"steps": _parsed(row.payload, list)}
                record |= {"item_ids": _parsed(row.item_ids, dict)}
                self.writer.write(record | nonempty_columns(row, MODEL_TURN_COLUMNS))
                self.counts.model_turns += 1
            reset_queries()

    def _load_messages(self, sessions: list[ChatSession]) -> dict[Key, list[ChatMessage]] | None:
        """Return the messages of threads by thread, in one query; None if they are too many."""
        rows = ChatMessage.objects.using(self.using).for_sessions(sessions)
        messages = list(rows.order_by("session_id", "timestamp")[: ROWS_PER_BATCH + 1])
        if len(messages) > ROWS_PER_BATCH:
            return None
        by_session: dict[Key, list[ChatMessage]] = {}
        for row in messages:
            by_session.setdefault(_key(row), []).append(row)
        return by_session

    def _messages_of(
        self, session: ChatSession, loaded: dict[Key, list[ChatMessage]] | None
    ) -> Iterator[ChatMessage]:
        """Yield a thread's messages: those that are loaded, else read in pages."""
        if loaded is not None:
            yield from loaded.get(_key(session), ())
            return
        rows = ChatMessage.objects.using(self.using).for_owner(session.user_id)
        for page in rows.filter(session_id=session.session_id).iter_pages(
            "timestamp", size=ROWS_PER_BATCH
        ):
            yield from page
            reset_queries()

    def _write_attachment(self, kind: str, row: ChatAttachment, **about: str | None) -> None:
        record = {
            "type": kind,
            "id": row.attachment_id,
            "attachment": _parsed(row.payload),
            **{name: value for name, value in about.items() if value is not None},
            **nonempty_columns(row, ATTACHMENT_COLUMNS),
        }
        if row.path and (sha256 := self._add_file(row.path)):
            record["sha256"] = sha256
        self.writer.write(record)
        self.counts.files += 1

    def _add_file(self, path: str) -> str | None:
        if self.writer.can_store_files:
            try:
                with files.get_storage().open(path) as content:
                    return self.writer.add_file(content)
            except FileNotFoundError:
                pass
        self.missing_files += 1
        return None


def _key(row: Any) -> Key:
    """Return what names the thread of a row: two owners may have the same id, if sharded."""
    return row.user_id, row.session_id


def _parsed(payload: str, kind: type = dict) -> Any:
    """Return the payload as a JSON object (or list), or as text if it is not one."""
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return value if isinstance(value, kind) else payload


def nonempty_columns(row: Model, columns: tuple[str, ...]) -> Record:
    """Return columns of a row as an archive holds them; empty ones are left out."""
    values = {column: getattr(row, column) for column in columns}
    return {
        column: value.astimezone(dt.UTC).isoformat(timespec="microseconds")
        if isinstance(value, dt.datetime)
        else value
        for column, value in values.items()
        if value not in ("", None, False, {})
    }
