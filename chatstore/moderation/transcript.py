"""
Reads a conversation in pages of entries, which the admin's templates display.

A page costs a bounded amount of work and bytes, whatever the conversation holds (M7): it reads at
most the beginning of each item's JSON, and ends early if its entries are long. The next page goes
on from there, so that nothing is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists
from django.db.models.functions import Left, Length
from django.utils.translation import gettext_lazy

from chatstore import codec
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatMessageQuerySet,
    ChatModelTurn,
    ChatSession,
)
from chatstore.moderation.display import MAX_TEXT_LENGTH, display_line, html_length
from chatstore.moderation.item_parts import TAGS_LENGTH, Part, item_parts, long_item_parts
from chatstore.moderation.model_turns import TurnDetails, read_turns

PAGE_SIZE = 50
MAX_PAGE_LENGTH = 400_000  # bytes of HTML of the entries' parts, after which a page ends
MAX_PAYLOAD_LENGTH = 100_000  # characters of an item's JSON that are read
MAX_FILES = 500  # of a page
MAX_NAME_LENGTH = 255  # characters of a file's name or type
MICROSECOND = dt.timedelta(microseconds=1)
_TYPE_LABELS = {
    "client_tool_call": gettext_lazy("Tool call"),
    "widget": gettext_lazy("Widget"),
    "generated_image": gettext_lazy("Generated image"),
    "structured_input": gettext_lazy("Questions"),
    "workflow": gettext_lazy("Workflow"),
    "task": gettext_lazy("Task"),
    "hidden_context_item": gettext_lazy("Hidden context"),
    "sdk_hidden_context": gettext_lazy("Hidden context"),
    "end_of_turn": gettext_lazy("End of turn"),
}


@dataclass(frozen=True)
class Entry:
    """An item in the transcript, and what models did in the turns that end with it."""

    row: ChatMessage
    parts: list[Part] = field(default_factory=list)
    turns: list[TurnDetails] = field(default_factory=list)

    @property
    def type_label(self) -> str:
        """Return the name of the item's type; empty for messages."""
        return str(_TYPE_LABELS.get(self.row.item_type, ""))

    @property
    def is_internal(self) -> bool:
        """Tell whether the user does not see the item."""
        return self.row.item_type in ("hidden_context_item", "sdk_hidden_context", "end_of_turn")


@dataclass(frozen=True)
class File:
    """An attachment's row, and its name and type for display."""

    row: ChatAttachment
    name: str
    mime_type: str


@dataclass(frozen=True)
class Page:
    """
    Entries in order of arrival.

    ``older`` is the ``until`` of the page before, ``newer`` the ``since`` of the page after; None
    if there is none. ``is_short`` tells that the page has fewer entries because they are long.
    """

    entries: list[Entry]
    older: dt.datetime | None
    newer: dt.datetime | None
    is_short: bool = False

    @property
    def has_most_files(self) -> bool:
        """Tell whether there are as many files as a page lists; there may be more."""
        parts = (part for entry in self.entries for part in entry.parts if part.kind == "files")
        return sum(len(part.body) for part in parts) >= MAX_FILES


def read_page(
    thread: ChatSession, *, until: dt.datetime | None = None, since: dt.datetime | None = None
) -> Page:
    """
    Return a page of the conversation, by default the newest.

    Args:
        until: the page ends with the last entry at or before this time.
        since: instead, the page begins with the first entry at or after this time.
    """
    rows, shown = _rows(thread)
    has_older = has_newer = False
    if since is not None:
        shown = shown.filter(timestamp__gte=codec.as_utc(since)).order_by("timestamp")
        has_older = True
    else:
        if until is not None:
            until = codec.as_utc(until)
            # With an order, so that PostgreSQL uses the index; for exists() it may read the table.
            newer = rows.filter(timestamp__gt=until).order_by("timestamp")
            has_newer = bool(newer.values("pk")[:1])
            shown = shown.filter(timestamp__lte=until)
        shown = shown.order_by("-timestamp")
    found = list(shown[: PAGE_SIZE + 1])
    entries = _entries_that_fit(thread, found[:PAGE_SIZE])
    is_short = len(entries) < min(len(found), PAGE_SIZE)
    if since is not None:
        has_newer = len(entries) < len(found)
    else:
        has_older = len(entries) < len(found)
        entries.reverse()
    return Page(
        entries=entries,
        older=entries[0].row.timestamp - MICROSECOND if entries and has_older else None,
        newer=entries[-1].row.timestamp + MICROSECOND if entries and has_newer else None,
        is_short=is_short,
    )


def read_entry(thread: ChatSession, message: ChatMessage) -> Entry | None:
    """Return one message as a page shows it; None if it is gone."""
    _all, shown = _rows(thread)
    return next(iter(_entries(thread, list(shown.filter(pk=message.pk)))), None)


def _rows(thread: ChatSession) -> tuple[ChatMessageQuerySet, Any]:
    """Return the querysets of the thread's messages: the plain one, and what a page reads."""
    rows: ChatMessageQuerySet = ChatMessage.objects.for_owner(thread.user_id)
    rows = rows.filter(session_id=thread.pk)
    return rows, rows.defer("payload", "content", "metadata").annotate(
        payload_start=Left("payload", MAX_PAYLOAD_LENGTH + 1),
        # One look for the whole page; most threads of an application without tools have none.
        has_turns=Exists(
            ChatModelTurn.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
        ),
    )


def _entries_that_fit(thread: ChatSession, rows: list[Any]) -> list[Entry]:
    """Return the entries of the rows, in their order, until the page is full; at least one."""
    entries: list[Entry] = []
    length = 0
    for entry in _entries(thread, rows):
        length += sum(part.length for part in entry.parts)
        length += sum(turn.length for turn in entry.turns)
        if entries and length > MAX_PAGE_LENGTH:
            break
        entries.append(entry)
    return entries


def _entries(thread: ChatSession, rows: list[Any]) -> Iterator[Entry]:
    files = _files(thread, rows)
    long_rows = [row.pk for row in rows if _is_long(row)]
    texts = _text_starts(thread, long_rows) if long_rows else {}
    turns = read_turns(thread, rows) if rows and rows[0].has_turns else {}
    for row in rows:
        row.session = thread
        if _is_long(row):
            parts = long_item_parts(*texts.get(row.pk, ("", 0)))  # nothing if deleted meanwhile
        else:
            parts = item_parts(row.payload_start)
        if row.pk in files:
            length = sum(3 * TAGS_LENGTH + html_length(file.name) for file in files[row.pk])
            parts.append(Part("files", files[row.pk], length=length))
        yield Entry(row, parts, turns.get(row.item_id, []))


def _is_long(row: Any) -> bool:
    return len(row.payload_start) > MAX_PAYLOAD_LENGTH


def _text_starts(thread: ChatSession, keys: list[Any]) -> dict[Any, tuple[str, int]]:
    """Return the beginning of the plain text of these messages, and the length of all of it."""
    rows = ChatMessage.objects.for_owner(thread.user_id).filter(pk__in=keys)
    texts = rows.values_list("pk", Left("content", MAX_TEXT_LENGTH), Length("content"))
    return {pk: (text, length) for pk, text, length in texts}


def _files(thread: ChatSession, rows: list[Any]) -> dict[Any, list[File]]:
    """Return the files of these messages by the message's key."""
    attachments: Any = ChatAttachment.objects.for_owner(thread.user_id)
    attachments = (
        attachments.filter(message__in=[row.pk for row in rows])
        .defer("payload", "name", "mime_type")
        .annotate(
            name_start=Left("name", MAX_NAME_LENGTH + 1),
            type_start=Left("mime_type", MAX_NAME_LENGTH + 1),
        )
    )
    files: dict[Any, list[File]] = {}
    for row in attachments.order_by("created_at")[:MAX_FILES]:
        name = display_line(row.name_start, MAX_NAME_LENGTH)
        mime_type = display_line(row.type_start, MAX_NAME_LENGTH)
        files.setdefault(row.message_id, []).append(File(row, name, mime_type))
    return files
