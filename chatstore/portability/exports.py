"""
Rows -> records of an archive. It takes the memory of a page, and what is read is not locked:
a thread that is written to meanwhile is exported with or without its newest item.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import reset_queries
from django.db.models import F, Model

from chatstore import files
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatSession,
    ChatSessionQuerySet,
    Counts,
)
from chatstore.portability.records import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    ROWS,
    SESSION_COLUMNS,
    THREADS,
    Record,
)
from chatstore.portability.writer import Writer


def export_threads(
    writer: Writer,
    using: str,
    *,
    user_id: str | None = None,
    since: dt.datetime | None = None,
    progress: Callable[[Counts], None] | None = None,
) -> Exporter:
    """
    Export threads, and uploads that were never sent.

    Args:
        user_id: only this owner's.
        since: only threads with activity, and uploads, at or after this time.
    """
    sessions = ChatSession.objects.using(using).all()
    uploads = ChatAttachment.objects.using(using).filter(session_id=None)
    if user_id is not None:
        sessions, uploads = sessions.for_owner(user_id), uploads.for_owner(user_id)
    if since is not None:
        sessions = sessions.filter(updated_at__gte=since)
        uploads = uploads.filter(created_at__gte=since)
    exporter = Exporter(writer, using)
    exporter.export(sessions, progress)
    exporter.export_uploads(uploads)
    return exporter


class Exporter:
    """Writes threads, with items and files, to an archive, and counts them."""

    def __init__(self, writer: Writer, using: str) -> None:
        self.writer = writer
        self.using = using
        self.counts = Counts()
        self.without_bytes = 0  # attachments whose file was not exported, or is not there

    def export(
        self, sessions: ChatSessionQuerySet, progress: Callable[[Counts], None] | None = None
    ) -> None:
        """Write threads by owner and creation; the same threads are always the same bytes."""
        for page in sessions.iter_pages("user_id", "created_at", "thread_id", size=THREADS):
            self._write_threads(page)
            reset_queries()  # DEBUG keeps them all
            if progress:
                progress(self.counts)

    def export_uploads(self, attachments: ChatAttachmentQuerySet) -> None:
        """Write attachments that were never sent in a thread."""
        for page in attachments.iter_pages("user_id", "created_at", "attachment_id", size=ROWS):
            for row in page:
                self._write_attachment("upload", row, user_id=row.user_id)

    def _write_threads(self, sessions: list[ChatSession]) -> None:
        keys = [session.session_id for session in sessions]
        attachments: dict[Any, list[tuple[ChatAttachment, str | None]]] = {}
        rows: Any = ChatAttachment.objects.using(self.using).for_sessions(keys)
        for row in rows.annotate(item_id=F("message__item_id")).order_by("attachment_id"):
            attachments.setdefault(row.session_id, []).append((row, row.item_id))
        messages = self._messages(keys)
        for session in sessions:
            self.writer.write(
                {"type": "thread", "user_id": session.user_id, "id": session.thread_id}
                | {"thread": _object(session.payload)}
                | _filled(session, SESSION_COLUMNS)
            )
            self.counts.threads += 1
            for message in messages(session):
                self.writer.write(
                    {"type": "item", "id": message.item_id, "item": _object(message.payload)}
                    | _filled(message, MESSAGE_COLUMNS)
                )
                self.counts.messages += 1
            for attachment, item_id in attachments.get(session.session_id, ()):
                self._write_attachment("attachment", attachment, item_id=item_id)
            # A thread without it was cut short, and is not imported.
            self.writer.write({"type": "thread_end"})

    def _messages(self, keys: list[Any]) -> Callable[[ChatSession], Iterator[ChatMessage]]:
        """Return what gives a thread's messages: from one query if they are few, else by pages."""
        rows = ChatMessage.objects.using(self.using)
        few = list(rows.for_sessions(keys).order_by("session_id", "timestamp")[: ROWS + 1])
        if len(few) <= ROWS:
            by_session: dict[Any, list[ChatMessage]] = {}
            for row in few:
                by_session.setdefault(row.session_id, []).append(row)
            return lambda session: iter(by_session.get(session.session_id, ()))

        def from_pages(session: ChatSession) -> Iterator[ChatMessage]:
            mine = rows.for_owner(session.user_id).filter(session_id=session.session_id)
            for page in mine.iter_pages("timestamp", size=ROWS):
                yield from page
                reset_queries()

        return from_pages

    def _write_attachment(self, kind: str, row: ChatAttachment, **about: str | None) -> None:
        record = {
            "type": kind,
            "id": row.attachment_id,
            "attachment": _object(row.payload),
            **{name: value for name, value in about.items() if value is not None},
            **_filled(row, ATTACHMENT_COLUMNS),
        }
        if row.path and (sha256 := self._add_file(row.path)):
            record["sha256"] = sha256
        self.writer.write(record)
        self.counts.files += 1

    def _add_file(self, path: str) -> str | None:
        if self.writer.takes_files:
            try:
                with files.get_storage().open(path) as content:
                    return self.writer.add_file(content)
            except FileNotFoundError:
                pass
        self.without_bytes += 1
        return None


def _object(payload: str) -> Any:
    """Return the ChatKit object; a payload that is no JSON object stays the text that it is."""
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return value if isinstance(value, dict) else payload


def _filled(row: Model, columns: tuple[str, ...]) -> Record:
    values = {column: getattr(row, column) for column in columns}
    return {
        column: value.astimezone(dt.UTC).isoformat(timespec="microseconds")
        if isinstance(value, dt.datetime)
        else value
        for column, value in values.items()
        if value not in ("", None, False, {})
    }
