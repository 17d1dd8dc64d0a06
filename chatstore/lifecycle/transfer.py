"""Transfers all threads and uploads of one owner to another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, reset_queries, transaction

from chatstore.conf import settings
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.db.sharding import insert_rows
from chatstore.lifecycle.retention import BATCH_SIZE
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatReport,
    ChatSession,
    Counts,
    OwnedQuerySet,
)
from chatstore.store import thread_cache

logger = logging.getLogger(__name__)
PAGE_SIZE = 50  # threads whose keys are read at a time
UPLOADS = None  # among what was left: files that are in no thread yet


class Transfer(NamedTuple):
    """
    What was transferred.

    Attributes:
        left: the ids of the threads, or UPLOADS, that stay with their owner because the new one has
            such an id already; possible only where tables are sharded.
    """

    counts: Counts
    left: list[str | None]


def assign_threads(
    from_user: str,
    to_user: str,
    using: str,
    *,
    dry_run: bool = False,
    progress: Callable[[Counts], None] = lambda moved: None,
) -> Transfer:
    """
    Transfer all threads and uploads of one owner to another, for example of a visitor who signs up,
    and the reports on these threads. A suspension stays with the person.

    Each thread is one transaction, in which its rows are copied and deleted: the owner of a row is
    never updated, because tables may be sharded by it. Memory holds one thread at a time. A stream
    that is running for the old owner finds its thread deleted.

    With ``dry_run`` it counts all that the old owner has, and does not look for ids that the new
    one has already. ``progress`` is called with the counts so far, after each thread.
    """
    if dry_run:
        counts = Counts(
            ChatSession.objects.using(using).for_owner(from_user).count(),
            ChatMessage.objects.using(using).for_owner(from_user).count(),
            ChatAttachment.objects.using(using).for_owner(from_user).count(),
            ChatModelTurn.objects.using(using).for_owner(from_user).count(),
        )
        return Transfer(counts, [])
    counts, left = Counts(), list[str | None]()
    sessions = ChatSession.objects.using(using).for_owner(from_user)
    for page in sessions.only("session_id", "thread_id").iter_pages("session_id", size=PAGE_SIZE):
        for session in page:
            move = partial(_move_thread, session.session_id, from_user, to_user)
            counts += _run(using, move, session.thread_id, left)
            progress(counts)
            reset_queries()
    counts += _run(using, partial(_move_uploads, from_user, to_user), UPLOADS, left)
    return Transfer(counts, left)


def _run(
    using: str, move: Callable[[Attempt], Counts], what: str | None, left: list[str | None]
) -> Counts:
    """Move rows; if the new owner has the same ids already, add to ``left`` what was not moved."""
    try:
        return run_sync(using, move)
    except IntegrityError:
        if not settings.sharded:  # an id has one owner
            raise
        logger.warning(
            "%s not transferred: the new owner has such an id",
            "Uploads" if what is UPLOADS else what,
        )
        left.append(what)
        return Counts()


def _move_thread(session_id: UUID, from_user: str, to_user: str, attempt: Attempt) -> Counts:
    rows = [
        model.objects.using(attempt.using).for_owner(from_user).filter(session_id=session_id)
        for model in (ChatSession, ChatMessage, ChatAttachment, ChatModelTurn)
    ]
    changing = thread_cache.changing(attempt.using, (from_user, session_id))
    with changing, transaction.atomic(using=attempt.using):
        if not rows[0].select_for_update().first():
            return Counts()  # deleted since its key was read
        counts = Counts(*_move(rows, to_user))
        _move([_reports(attempt.using, from_user).filter(session_id=session_id)], to_user)
        return counts


def _reports(using: str, user_id: str) -> OwnedQuerySet[Any]:
    return ChatReport.objects.using(using).for_owner(user_id)


def _move_uploads(from_user: str, to_user: str, attempt: Attempt) -> Counts:
    uploads = ChatAttachment.objects.using(attempt.using).for_owner(from_user)
    with transaction.atomic(using=attempt.using):
        return Counts(files=sum(_move([uploads.filter(session_id=None)], to_user)))


def _move(tables: Sequence[OwnedQuerySet[Any]], to_user: str) -> list[int]:
    """
    Copy rows to the new owner and delete the old ones; return the numbers by table.

    Each table has foreign keys to those before it. Files in the storage are not moved.
    """
    copies = [list(table.select_for_update()) for table in tables]
    for table, rows in zip(reversed(tables), reversed(copies), strict=True):
        if table.raw_delete() != len(rows):
            raise IntegrityError("Rows were added during the transfer")  # run_sync tries again
    for table, rows in zip(tables, copies, strict=True):
        for row in rows:
            row.user_id = to_user
            if isinstance(row, ChatSession):  # its link names the old owner
                row.share_hash, row.shared_at, row.shared_until = "", None, None
        insert_rows(rows, table.model.objects.using(table.db), BATCH_SIZE)
    return [len(rows) for rows in copies]
