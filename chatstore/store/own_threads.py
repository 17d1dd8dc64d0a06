"""
What an owner does with threads besides writing in them: lists them by last activity, pins, archives
and shares them (V9, V11, V20).

The operations of OwnThreadMethods, which documents them. Each changes the owner's columns only, and
these are in no thread that load_thread returns.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.exceptions import RequestRefused
from chatstore.models import ChatSession, ChatSessionQuerySet
from chatstore.store import cursors
from chatstore.store.owner import Owner
from chatstore.store.rows import decode_rows


@dataclass(frozen=True)
class ThreadState:
    """
    What a thread's owner has done with it.

    Args:
        pinned_at, archived_at, shared_at: None if it is not.
        is_temporary: whether it is deleted some time after its last message (R6).
        is_answering: whether it is being answered, as far as that is marked (S22).
    """

    pinned_at: dt.datetime | None
    archived_at: dt.datetime | None
    shared_at: dt.datetime | None
    is_temporary: bool
    is_answering: bool


@dataclass(frozen=True)
class ListedThread:
    """A thread, and the time of its last activity (S10)."""

    thread: ThreadMetadata
    updated_at: dt.datetime


@dataclass(frozen=True)
class ThreadList:
    """
    Args:
        data: the threads of a page.
        after: the cursor of the next page; None on the last one.
    """

    data: list[ListedThread]
    after: str | None = None


_COLUMNS = ("thread_id", "payload", "moderation", "moderation_reason", "updated_at", "session_id")


def listed(threads: ChatSessionQuerySet, limit: int) -> list[ListedThread]:
    """Return the first threads of a queryset; those that can't be decoded are left out (S17)."""
    return _decoded(list(threads.values_list(*_COLUMNS)[:limit]))


def _decoded(rows: list[tuple[Any, ...]]) -> list[ListedThread]:
    def load(*columns: Any) -> ListedThread:
        *thread, updated_at, _key = columns
        return ListedThread(codec.load_thread(*thread), codec.as_utc(updated_at))

    return decode_rows(load, rows)


def load_pinned(owner: Owner, limit: int) -> Steps[ThreadList]:
    yield IN_THREAD
    pinned = owner.sessions.visible().filter(pinned_at__isnull=False).order_by("-pinned_at")
    return ThreadList(listed(pinned, limit))


def load_recent(owner: Owner, limit: int, after: str | None, listing: str) -> Steps[ThreadList]:
    yield IN_THREAD
    page = owner.sessions.visible().filter(listing=listing).order_by("-updated_at", "-session_id")
    if after is not None:
        updated_at, key = cursors.read(after)
        page = page.filter(
            Q(updated_at__lt=updated_at) | Q(updated_at=updated_at, session_id__lt=key),
            # Implied by the condition above, but with it the database can use the index.
            updated_at__lte=updated_at,
        )
    rows = list(page.values_list(*_COLUMNS)[: limit + 1])
    cursor = cursors.write(*rows[limit - 1][-2:]) if len(rows) > limit else None
    return ThreadList(_decoded(rows[:limit]), cursor)


def load_state(owner: Owner, thread_id: str) -> Steps[ThreadState]:
    yield IN_THREAD
    columns = ("pinned_at", "archived_at", "shared_at", "listing", "answering_until")
    rows = owner.sessions.visible().thread(thread_id).values_list(*columns)
    for pinned_at, archived_at, shared_at, listing, until in rows:
        is_temporary = listing == ChatSession.Listing.TEMPORARY
        is_answering = until is not None and until > timezone.now()
        return ThreadState(pinned_at, archived_at, shared_at, is_temporary, is_answering)
    raise NotFoundError(f"Thread {thread_id} not found")


def pin(owner: Owner, attempt: Attempt, thread_id: str, is_pinned: bool) -> Steps[None]:
    yield IN_THREAD
    if is_pinned:
        columns: dict[str, Any] = {"pinned_at": timezone.now(), "archived_at": None, "listing": ""}
    else:
        columns = {"pinned_at": None}
    _change(owner, thread_id, **columns)


def archive(owner: Owner, attempt: Attempt, thread_id: str, is_archived: bool) -> Steps[None]:
    yield IN_THREAD
    if is_archived:
        listing, archived_at = ChatSession.Listing.ARCHIVED, timezone.now()
        _change(owner, thread_id, listing=listing, archived_at=archived_at, pinned_at=None)
    else:
        _change(owner, thread_id, listing="", archived_at=None)


def share(owner: Owner, attempt: Attempt, thread_id: str, share_hash: str) -> Steps[list[str]]:
    yield IN_THREAD
    _change(
        owner,
        thread_id,
        Q(moderation=""),
        share_hash=share_hash,
        shared_at=timezone.now(),
        shared_until=F("updated_at"),
    )
    # Hidden ones too: they may be answered once they are shown again.
    pending = {"item_type": "structured_input", "item_status": "pending"}
    questions = owner.messages.thread(thread_id).filter(**pending)
    return list(questions.values_list("item_id", flat=True))


def end_share(owner: Owner, attempt: Attempt, thread_id: str) -> Steps[None]:
    yield IN_THREAD
    _change(owner, thread_id, **NOT_SHARED)


NOT_SHARED: dict[str, Any] = {"share_hash": "", "shared_at": None, "shared_until": None}


def _change(owner: Owner, thread_id: str, *conditions: Q, **columns: Any) -> None:
    """Set columns of a thread; NotFoundError if there is none, RequestRefused if it can't be."""
    thread = owner.sessions.visible().thread(thread_id)
    if thread.lasting().filter(*conditions).update(**columns):
        return
    if not thread.exists():
        raise NotFoundError(f"Thread {thread_id} not found")
    raise RequestRefused(_("This can't be done with this conversation."), 409)
