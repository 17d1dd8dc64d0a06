"""
Deletes threads with their messages and files: the one place that does so for many threads.

Deleting wrongly is the worst that this software could do. So the rows are locked first, the
conditions by which they were chosen are part of the deleting statement too, and a count that
differs rolls everything back.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

from chatstore import files, signals
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatSession,
    ChatSessionQuerySet,
    Counts,
)


def delete_sessions(sessions: ChatSessionQuerySet, limit: int | None = None) -> Counts:
    """
    Delete threads with their messages and files, in one transaction, and return real counts.

    Args:
        sessions: a queryset of plain conditions, in the order in which to lock. The conditions
            are part of the deleting statement too.
        limit: how many at most; without it, all that there are.

    Threads on hold are spared (M4).
    """
    with transaction.atomic(using=sessions.db):
        return delete_locked(sessions, lock_sessions(sessions, limit))


def lock_sessions(
    sessions: ChatSessionQuerySet, limit: int | None = None, *, skip_locked: bool = False
) -> list[Any]:
    """
    Lock threads that may be deleted until the transaction ends, and return their keys and
    positions, as named tuples: instances of hundreds would cost as much as their deletion.

    Until then nothing is added to them: each write of the store needs the thread's row. With
    ``skip_locked``, those that another transaction is at work on are left out, where the
    database can do so.
    """
    can_skip = connections[sessions.db].features.has_select_for_update_skip_locked
    rows = sessions.deletable().select_for_update(skip_locked=skip_locked and can_skip)
    columns = ("session_id", "thread_id", "user_id", "updated_at")
    return list(rows.values_list(*columns, named=True)[:limit])


def delete_locked(sessions: ChatSessionQuerySet, rows: list[Any]) -> Counts:
    """Delete what ``lock_sessions`` has returned for the same conditions."""
    if not rows:
        return Counts()
    using = sessions.db
    keys = [row.session_id for row in rows]
    # Messages before their threads: no cascade to look for them, and a message that came from
    # past the store is found by the foreign key.
    deleted = Counts(
        files=files.delete_attachments(ChatAttachment.objects.using(using).for_sessions(keys)),
        messages=ChatMessage.objects.using(using).for_sessions(keys).raw_delete(),
        threads=sessions.deletable().order_by().for_sessions(keys).raw_delete(),
    )
    files.check_deleted_count(deleted.threads, len(rows))
    for row in rows:
        signals.send_after_commit(
            signals.thread_deleted, ChatSession, using, user_id=row.user_id, thread_id=row.thread_id
        )
    return deleted
