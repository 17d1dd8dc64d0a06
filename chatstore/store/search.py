"""
An owner's search in their own messages and titles (V21).

Its cost depends on what the owner has and not on the size of the table: on PostgreSQL, which has
an index of words, it reads those of the owner's rows that have them; elsewhere it compares the
owner's newest messages one by one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Left

from chatstore import codec
from chatstore.db.attempts import IN_THREAD, Steps
from chatstore.models import ChatSession
from chatstore.store import cursors
from chatstore.store.own_threads import ListedThread, listed
from chatstore.store.owner import Owner
from chatstore.text_search import excerpts, words
from chatstore.text_search.conditions import contains, is_indexed, matching, terms_of

SCANNED_MESSAGES = 5_000  # newest messages of the owner, whose text is compared without the index
MAX_TITLES = 20
# What a page shows as text; the arguments of a tool or an agent's steps are not what was said.
SEARCHED_TYPES = ("user_message", "assistant_message", "widget", "structured_input")


@dataclass(frozen=True)
class FoundMessage:
    """
    Args:
        title: the thread's.
        created_at: the message's position.
        excerpt: pieces of its text, in which the matches are marked.
    """

    thread_id: str
    item_id: str
    item_type: str
    title: str
    created_at: dt.datetime
    excerpt: list[excerpts.Piece]


@dataclass(frozen=True)
class Found:
    """
    Args:
        threads: those whose titles have the words, with the first page.
        data: the messages of a page, the newest first.
        after: the cursor of the next page; None on the last one.
        scanned: how many of the owner's newest messages were compared; None where it was all.
    """

    threads: list[ListedThread]
    data: list[FoundMessage]
    after: str | None = None
    scanned: int | None = None


def search_messages(owner: Owner, text: str, limit: int, after: str | None) -> Steps[Found]:
    yield IN_THREAD
    cursor = None if after is None else cursors.read(after)
    if not (terms := terms_of(text)):
        return Found([], [])
    titled = [] if after else _titled(owner, terms)
    rows: Any = owner.messages.for_people().filter(item_type__in=SEARCHED_TYPES)
    threads = owner.sessions.visible().lasting().filter(session_id=OuterRef("session_id"))
    rows = matching(rows.filter(Exists(threads)), "content", terms)
    scanned = None
    order = F("timestamp").desc()
    if is_indexed(rows):
        # By an expression: the planner would read the index of all messages' times backwards, until
        # it has found enough of this owner's.
        order = (F("timestamp") + dt.timedelta()).desc()
    else:
        times = owner.messages.order_by("-timestamp").values_list("timestamp", flat=True)
        if oldest := times[SCANNED_MESSAGES - 1 : SCANNED_MESSAGES].first():
            rows, scanned = rows.filter(timestamp__gte=oldest), SCANNED_MESSAGES
    if cursor:
        rows = rows.filter(timestamp__lte=cursor[0]).exclude(
            timestamp=cursor[0], message_id__gte=cursor[1]
        )
    rows = rows.annotate(searched=Left("content", words.MAX_SEARCHED))
    columns = ("item_id", "item_type", "session_id", "searched", "timestamp", "message_id")
    page = list(rows.order_by(order, "-message_id").values_list(*columns)[: limit + 1])
    next_page = cursors.write(*page[limit - 1][-2:]) if len(page) > limit else None
    return Found(titled, _found(owner, page[:limit], terms), next_page, scanned)


def _titled(owner: Owner, terms: list[str]) -> list[ListedThread]:
    """Return the threads whose titles contain the terms, the last active first."""
    rows = owner.sessions.visible().exclude(listing=ChatSession.Listing.TEMPORARY)
    rows = rows.filter(*(contains(rows.db, "title", term) for term in terms))
    return listed(rows.order_by("-updated_at", "-session_id"), MAX_TITLES)


def _found(owner: Owner, rows: list[tuple[Any, ...]], terms: list[str]) -> list[FoundMessage]:
    matches = excerpts.pattern(terms)
    keys = {session_id for _, _, session_id, *_ in rows}
    # By a second query; a join would read the thread of each match.
    sessions = owner.sessions.filter(session_id__in=keys) if keys else owner.sessions.none()
    threads = {
        session_id: (thread_id, title)
        for session_id, thread_id, title in sessions.values_list("session_id", "thread_id", "title")
    }
    return [
        FoundMessage(
            *(threads[session_id][0], item_id, item_type, threads[session_id][1]),
            created_at=codec.as_utc(timestamp),
            excerpt=excerpts.excerpt(excerpts.shown(text, item_type, matches), matches),
        )
        for item_id, item_type, session_id, text, timestamp, _ in rows
        if session_id in threads  # unless it was deleted in between
    ]
