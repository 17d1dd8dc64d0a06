"""
Which threads are being answered, and which answers are to stop (S22).

An answer that is finished without its client has a mark in its thread's row: a time until which the
thread counts as being answered. The process that runs the answer moves it on, so the mark of a
process that was killed ends by itself. A request to stop leaves an id there; that process looks for
another one than it has found when the answer began.

The operations of RunningAnswerMethods, which documents them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import NamedTuple

from chatkit.store import NotFoundError
from django.utils import timezone

from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.models import session_key
from chatstore.store.owner import Owner

_SEEN = (
    "updated_at",
    "items_deleted_at",
    "items_redacted_at",
    "retry_id",
    "title",
    "status",
    "reason",
    "moderation",
    "moderation_reason",
)


class Changes(NamedTuple):
    """
    What an owner's other pages may want to know.

    Args:
        answering: the ids of the threads that are being answered.
        seen: what changes with the thread that was asked for; None if there is none.
    """

    answering: list[str]
    seen: tuple[str, ...] | None


def begin(owner: Owner, attempt: Attempt, thread_id: str, until: dt.datetime) -> Steps[str]:
    yield IN_THREAD
    thread = owner.sessions.thread(thread_id)
    found = list(thread.values_list("stop_id", flat=True))
    thread.update(answering_until=until)
    return found[0] if found else ""


def renew(owner: Owner, attempt: Attempt, thread_ids: list[str], until: dt.datetime) -> Steps[None]:
    yield IN_THREAD
    keys = [session_key(thread_id) for thread_id in thread_ids]
    owner.sessions.filter(session_id__in=keys).update(answering_until=until)


def end(owner: Owner, attempt: Attempt, thread_id: str, until: dt.datetime) -> Steps[None]:
    yield IN_THREAD
    owner.sessions.thread(thread_id).filter(answering_until=until).update(answering_until=None)


def stop(owner: Owner, attempt: Attempt, thread_id: str) -> Steps[None]:
    yield IN_THREAD
    if not owner.sessions.visible().thread(thread_id).update(stop_id=uuid.uuid4().hex):
        raise NotFoundError(f"Thread {thread_id} not found")


def load_changes(owner: Owner, thread_id: str | None) -> Steps[Changes]:
    yield IN_THREAD
    now = timezone.now()
    columns = ("thread_id", "answering_until", *_SEEN)
    mine = owner.sessions.visible().values_list(*columns)
    rows = mine.filter(answering_until__gt=now)
    if thread_id is not None:  # no OR, for which SQLite would read all threads of the owner
        rows = rows.union(mine.filter(session_id=session_key(thread_id)), all=True)
    answering, seen = set(), None
    for found_id, until, *values in rows:
        is_answered = until is not None and until > now
        if is_answered:
            answering.add(found_id)
        if found_id == thread_id:
            seen = (*map(str, values), str(is_answered))
    return Changes(sorted(answering), seen)
