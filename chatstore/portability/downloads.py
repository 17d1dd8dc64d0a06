"""
Makes the files that moderators download: an archive, its lines, Markdown, or a table.

Each is written to a temporary file in pages of rows, so that its size takes no memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from django.db import reset_queries
from django.utils.translation import gettext as _

from chatstore.db.sharding import split_by_owner
from chatstore.models import ChatMessage, ChatSession
from chatstore.portability.exports import Exporter
from chatstore.portability.tables import as_csv
from chatstore.portability.writer import Writer


def exportable(threads: Sequence[ChatSession]) -> list[ChatSession]:
    """Return the threads that may be exported: all but temporary ones (R6)."""
    return [thread for thread in threads if thread.listing != ChatSession.Listing.TEMPORARY]


def as_archive(threads: Sequence[ChatSession]) -> IO[bytes]:
    """Return an open zip archive, as export_threads writes it; the caller closes it."""
    return _archive(threads, "threads.zip")


def as_lines(threads: Sequence[ChatSession]) -> IO[bytes]:
    """Return the archive's JSON Lines without the attachments' files; the caller closes it."""
    return _archive(threads, "threads.jsonl", with_files=False)


def _archive(threads: Sequence[ChatSession], name: str, *, with_files: bool = True) -> IO[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with Writer(str(path), with_files=with_files) as writer:
            exporter = Exporter(writer, ChatSession.objects.db)
            for rows in split_by_owner(sorted(threads, key=lambda thread: thread.user_id)):
                exporter.export(ChatSession.objects.for_sessions(rows))
        return path.open("rb")  # it stays readable after its name is deleted


def as_markdown(threads: Sequence[ChatSession]) -> IO[bytes]:
    """Return an open Markdown document with a chapter for each thread; the caller closes it."""
    document = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the response)
    for thread in threads:
        document.write(f"# {_line(thread.title or thread.thread_id)}\n\n".encode())
        about = f"{thread.thread_id}, {thread.user_id}, {thread.created_at.isoformat()}"
        document.write(f"{_line(about)}\n\n".encode())
        rows = ChatMessage.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
        for page in rows.defer("payload").iter_pages("timestamp"):
            for row in page:
                document.write(_section(row).encode())
    document.seek(0)
    return document


COLUMNS = (
    *("thread", "owner", "title", "item", "type", "sender", "time", "text", "feedback"),
    *("comment", "ending"),
    *("hidden", "redacted"),
)


def as_table(threads: Sequence[ChatSession]) -> IO[bytes]:
    """Return CSV with a row for each item of the threads; the caller closes it."""
    return as_csv(_table(threads))


def _table(threads: Sequence[ChatSession]) -> Iterator[Iterable[Any]]:
    yield COLUMNS
    for thread in threads:
        about = (thread.thread_id, thread.user_id, thread.title)
        rows = ChatMessage.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
        for page in rows.defer("payload", "metadata").iter_pages("timestamp"):
            for row in page:
                item = (row.item_id, row.item_type, row.sender_type, row.timestamp, row.content)
                state = (
                    row.feedback,
                    row.feedback_comment,
                    row.ending,
                    row.hidden_at,
                    row.redacted_at,
                )
                yield (*about, *item, *state)
            reset_queries()  # while DEBUG is on, Django keeps every statement in memory


def _section(row: ChatMessage) -> str:
    heading = f"## {row.get_sender_type_display()}, {row.timestamp.isoformat(timespec='seconds')}"
    if row.hidden_at:
        heading += f" ({_('hidden')})"
    if row.item_type == "assistant_message":  # is Markdown
        return f"{heading}\n\n{row.content}\n\n"
    fence = "```"
    while fence in row.content:
        fence += "`"
    return f"{heading}\n\n{fence}\n{row.content}\n{fence}\n\n" if row.content else f"{heading}\n\n"


def _line(text: str) -> str:
    return " ".join(text.split())


FORMATS: dict[str, tuple[Callable[[Sequence[ChatSession]], IO[bytes]], str]] = {
    "jsonl": (as_archive, "threads.zip"),
    "lines": (as_lines, "threads.jsonl"),
    "csv": (as_table, "messages.csv"),
    "markdown": (as_markdown, "threads.md"),
}
