"""
Deletes threads with their messages and files, for retention, erasure and moderators.

Three measures prevent a wrong deletion: the threads are locked first; the DELETE statement repeats
the conditions by which they were selected; and the transaction is rolled back if the number of
deleted threads differs from that of the locked ones.
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
from chatstore.store import thread_cache


def delete_sessions(sessions: ChatSessionQuerySet, limit: int | None = None) -> Counts:
    """
    Delete threads with their messages and files, in one transaction; return what was deleted.

    Threads on hold are skipped (M4). Raises IntegrityError, and rolls back, if the counts differ.

    Args:
        sessions: a queryset that only filters (no join, no annotation), in the order of locking.
        limit: the largest number of threads; None for all.
    """
    with transaction.atomic(using=sessions.db):
        return delete_locked_sessions(sessions, lock_sessions(sessions, limit))


def lock_sessions(
    sessions: ChatSessionQuerySet, limit: int | None = None, *, skip_locked: bool = False
) -> list[Any]:
    """
    Lock the threads that may be deleted, until the transaction ends. Nothing is added to them
    meanwhile, because each write of the store locks the thread's row.

    Returns named tuples of session_id, thread_id, user_id and updated_at: making hundreds of model
    instances would cost as much as the deletion. With ``skip_locked``, threads that another
    transaction has locked are left out, where the database supports it.
    """
    can_skip = connections[sessions.db].features.has_select_for_update_skip_locked
    rows = sessions.deletable().select_for_update(skip_locked=skip_locked and can_skip)
    columns = ("session_id", "thread_id", "user_id", "updated_at")
    return list(rows.values_list(*columns, named=True)[:limit])


def delete_locked_sessions(sessions: ChatSessionQuerySet, rows: list[Any]) -> Counts:
    """
    Delete the threads ``rows``, which ``lock_sessions`` has returned for ``sessions``.

    Where tables are sharded, they must have one owner.
    """
    if not rows:
        return Counts()
    using = sessions.db
    # Messages before threads, so that no cascade has to look for them. A message that was inserted
    # meanwhile without the store's lock makes the foreign key's check fail.
    with thread_cache.changing(using, *((row.user_id, row.session_id) for row in rows)):
        deleted = Counts(
            files=files.delete_attachments(ChatAttachment.objects.using(using).for_sessions(rows)),
            messages=ChatMessage.objects.using(using).for_sessions(rows).raw_delete(),
            threads=sessions.deletable().order_by().for_sessions(rows).raw_delete(),
        )
    files.check_deleted_count(deleted.threads, len(rows))
    for row in rows:
        signals.send_after_commit(
            signals.thread_deleted, ChatSession, using, user_id=row.user_id, thread_id=row.thread_id
        )
    return deleted
