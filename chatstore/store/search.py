"""
An owner's search in their own messages and titles (V21).

A page costs a bounded amount of work on every database: it compares some of the owner's messages,
and what is older is found through the index of words, which PostgreSQL has, or by the next page.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Left

from chatstore import codec
from chatstore.db.attempts import IN_THREAD, Steps
from chatstore.store import cursors
from chatstore.store.own_threads import ListedThread, listed
from chatstore.store.owner import Owner
from chatstore.text_search import excerpts, words
from chatstore.text_search.conditions import (
    contains,
    is_indexed,
    matching,
    planned,
    terms_of,
)

COMPARED = 5_000  # messages of the owner that are compared for a page where there is no index
COMPARED_WITH_INDEX = 500  # comparing one takes some 0.1 ms there, since its words are made anew
# PostgreSQL takes that for some forty times cheaper, and would rather compare than use the index.
# Compiling the query (jit) takes longer than it can save.
_PLAN = {"cpu_operator_cost": "0.1", "jit": "off"}
MAX_TITLES = 20
# What a page shows as text; the arguments of a tool or an agent's steps are not what was said.
_COLUMNS = ("item_id", "item_type", "session_id", "searched", "timestamp", "message_id")
_LOWEST_KEY = uuid.UUID(int=0)
_Row: TypeAlias = tuple[Any, ...]
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
        after: the cursor of the next page; None on the last one. There may be fewer messages than
            a page has, or none, and older ones that were not compared yet.
    """

    threads: list[ListedThread]
    data: list[FoundMessage]
    after: str | None = None


def search_messages(owner: Owner, text: str, limit: int, after: str | None) -> Steps[Found]:
    yield IN_THREAD
    cursor = None if after is None else cursors.read(after)
    if not (terms := terms_of(text)):
        return Found([], [])
    rows, next_page = _page(owner, terms, limit, cursor)
    return Found([] if after else _titled(owner, terms), _found(owner, rows, terms), next_page)


def _page(
    owner: Owner, terms: list[str], limit: int, cursor: cursors.Cursor | None
) -> tuple[list[_Row], str | None]:
    """
    Return a page's rows, and the cursor of the next page.

    Of very many messages the newest are compared first: a common word is found among them. The
    others are found through the index of words, or compared for the next page.
    """
    has_index = is_indexed(owner.messages)
    count = COMPARED_WITH_INDEX if has_index else COMPARED
    times = owner.messages.order_by("-timestamp").values_list("timestamp", flat=True)
    if cursor:
        times = times.filter(timestamp__lte=cursor[0])
    oldest = times[count - 1 : count].first()
    matches = _matches(owner, terms, cursor)
    newest = matches.filter(timestamp__gte=oldest) if oldest else matches
    found = _rows(newest, limit + 1)
    if has_index and oldest and len(found) <= limit:
        with planned(matches.db, **_PLAN):
            found += _rows(matches.filter(timestamp__lt=oldest), limit + 1 - len(found))
    if len(found) > limit:
        return found[:limit], cursors.write(*found[limit - 1][-2:])
    if oldest and not has_index:
        return found, cursors.write(oldest, _LOWEST_KEY)
    return found, None


def _matches(owner: Owner, terms: list[str], cursor: cursors.Cursor | None) -> Any:
    rows: Any = owner.messages.for_people().filter(item_type__in=SEARCHED_TYPES)
    threads = owner.sessions.visible().lasting().filter(session_id=OuterRef("session_id"))
    rows = matching(rows.filter(Exists(threads)), "content", terms)
    if cursor:
        time, key = cursor
        rows = rows.filter(timestamp__lte=time).exclude(timestamp=time, message_id__gte=key)
    return rows.annotate(searched=Left("content", words.MAX_SEARCHED))


def _rows(matches: Any, count: int) -> list[_Row]:
    newest_first = F("timestamp").desc()
    if is_indexed(matches):
        # By an expression: PostgreSQL would read the messages of all users by their times, the
        # newest first, until it has found enough of this one's.
        newest_first = (F("timestamp") + dt.timedelta()).desc()
    return list(matches.order_by(newest_first, "-message_id").values_list(*_COLUMNS)[:count])


def _titled(owner: Owner, terms: list[str]) -> list[ListedThread]:
    """Return the threads whose titles contain the terms, the last active first."""
    rows = owner.sessions.visible().lasting()
    rows = rows.filter(*(contains(rows.db, "title", term) for term in terms))
    return listed(rows.order_by("-updated_at", "-session_id"), MAX_TITLES)


def _found(owner: Owner, rows: list[_Row], terms: list[str]) -> list[FoundMessage]:
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
