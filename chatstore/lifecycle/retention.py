"""
Deletes threads that are older than the retention age, in batches (R1, R2).

Each batch is one transaction, by chatstore.lifecycle.deletion: it locks the threads that the rule
selects, and the DELETE statement repeats the rule. A thread that is written to meanwhile is kept,
because each write of the store locks the thread and sets its last activity. A run may be stopped
at any time: no batch is left half done, and the next run continues. A dry run is the same loop,
which counts instead of deleting.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import reset_queries, transaction
from django.utils import timezone

from chatstore.conf import settings
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.db.sharding import split_by_owner
from chatstore.lifecycle.deletion import delete_locked_sessions, lock_sessions
from chatstore.lifecycle.sqlite_log import empty_log
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    ChatSessionQuerySet,
    Counts,
)

logger = logging.getLogger(__name__)
# Stores a copy of the threads that are about to be deleted; returns when it is on the disk.
ArchiveBatch = Callable[[ChatSessionQuerySet], None]

BATCH_SIZE = 500
# With --by created, threads with activity within this time are in use, and kept (R1).
IN_USE_PERIOD = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Rule:
    """
    Which threads to delete.

    Args:
        cutoff: delete threads whose last activity is before this time.
        now: the time of the run.
        by_creation: compare the time of creation instead, and keep threads in use (IN_USE_PERIOD).
        user_id: only this owner's threads.
        status: only threads that show this status to their user (M1).
        is_temporary: only temporary threads (R6), which other rules never select.
        keep_pinned: keep threads that their owner has pinned (R5).

    It selects no thread that is being answered (S22): a retry is no activity until its answer is
    stored.
    """

    cutoff: dt.datetime
    now: dt.datetime = field(default_factory=timezone.now)
    by_creation: bool = False
    user_id: str | None = None
    status: str | None = None
    is_temporary: bool = False
    keep_pinned: bool = field(default_factory=lambda: settings.keep_pinned)

    @classmethod
    def for_temporary(
        cls,
        *,
        user_id: str | None = None,
        status: str | None = None,
        cutoff: dt.datetime | None = None,
    ) -> Rule:
        """
        Return the rule for temporary threads: CHATSTORE_TEMPORARY_HOURS without a message.

        Args:
            user_id: only this owner's threads.
            status: only threads that show this status to their user.
            cutoff: of the other threads in the same run; holds for temporary ones too.
        """
        now = timezone.now()
        # Switched off, no new ones are made; those that are there still have their time.
        cutoffs = [now - dt.timedelta(hours=settings.temporary_hours or 24)]
        if cutoff is not None:
            cutoffs.append(cutoff)
        return cls(max(cutoffs), now, user_id=user_id, status=status, is_temporary=True)

    def sessions(self, using: str) -> ChatSessionQuerySet:
        """Return the threads that the rule selects, including those on hold."""
        sessions = self._all_sessions(using)
        return sessions.filter(pinned_at=None) if self.keep_pinned else sessions

    def pinned_sessions(self, using: str) -> ChatSessionQuerySet:
        """Return the threads that the rule would select if they were not pinned."""
        sessions = self._all_sessions(using).filter(pinned_at__isnull=False)
        return sessions if self.keep_pinned else sessions.none()

    def _all_sessions(self, using: str) -> ChatSessionQuerySet:
        sessions = ChatSession.objects.using(using)
        temporary = ChatSession.Listing.TEMPORARY
        if self.is_temporary:
            sessions = sessions.filter(listing=temporary)
        else:
            sessions = sessions.exclude(listing=temporary)
        if self.by_creation:
            in_use_since = self.now - IN_USE_PERIOD
            sessions = sessions.inactive_since(in_use_since).filter(created_at__lt=self.cutoff)
        else:
            sessions = sessions.inactive_since(self.cutoff)
        if self.user_id is not None:
            sessions = sessions.for_owner(self.user_id)
        if self.status is not None:
            sessions = sessions.with_status(self.status)
        return sessions.exclude(answering_until__gt=self.now)


@dataclass
class Report:
    """
    The result of a run.

    Args:
        deleted: in a dry run, what would be deleted.
        on_hold: the number of threads that were kept because they are on hold (M4).
        pinned: the number of those that were kept because they are pinned (R5).
        is_finished: False if the run was stopped by ``limit`` or ``max_seconds``.
    """

    deleted: Counts = field(default_factory=Counts)
    on_hold: int = 0
    pinned: int = 0
    is_finished: bool = False


def cleanup(
    rule: Rule,
    using: str,
    *,
    batch_size: int = BATCH_SIZE,
    limit: int | None = None,
    max_seconds: float | None = None,
    dry_run: bool = False,
    archive: ArchiveBatch | None = None,
    progress: Callable[[Counts], None] = lambda deleted: None,
) -> Report:
    """
    Delete the threads that a rule selects, with messages and files, in batches.

    Args:
        using: the alias of the database.
        batch_size: threads in one transaction.
        limit: the largest number of threads to delete.
        max_seconds: begin no batch after this many seconds.
        dry_run: only count.
        archive: called with the threads of each batch, in its transaction, before it is deleted.
        progress: called with the counts so far, after each batch.
    """
    deadline = time.monotonic() + max_seconds if max_seconds is not None else None
    report = Report()
    sessions = rule.sessions(using)
    page = sessions.order_by("updated_at", "session_id")
    delete = _count_batch if dry_run else _delete_batch
    while True:
        size = batch_size if limit is None else min(batch_size, limit - report.deleted.threads)
        if size <= 0 or (deadline is not None and time.monotonic() >= deadline):
            break
        last, deleted = run_sync(using, delete, page, size, archive)
        report.deleted += deleted
        if last is None:
            report.is_finished = True
            break
        # Continue after this batch, so that kept threads are not read again in each batch.
        page = sessions.after(updated_at=last.updated_at, session_id=last.session_id)
        progress(report.deleted)
        reset_queries()  # while DEBUG is on, Django keeps every statement in memory
    if report.deleted.threads and not dry_run:
        empty_log(using)
    report.on_hold = sessions.filter(is_on_hold=True).count()
    report.pinned = rule.pinned_sessions(using).count()
    return report


def _delete_batch(
    attempt: Attempt, page: ChatSessionQuerySet, size: int, archive: ArchiveBatch | None
) -> tuple[Any, Counts]:
    deleted = Counts()
    with transaction.atomic(using=attempt.using):
        if settings.sharded:  # only rows of one owner can be locked by a statement
            found = _candidates(page, size)
        else:
            found = lock_sessions(page, size, skip_locked=True)
        for rows in split_by_owner(found):
            if settings.sharded:
                rows = lock_sessions(page.for_sessions(rows), skip_locked=True)
            if rows and archive:
                archive(ChatSession.objects.using(attempt.using).for_sessions(rows))
            deleted += delete_locked_sessions(page, rows)
    if deleted.threads:
        logger.info("Deleted %s threads, %s messages", deleted.threads, deleted.messages)
    return (found[-1] if found else None), deleted


def _count_batch(
    attempt: Attempt, page: ChatSessionQuerySet, size: int, archive: ArchiveBatch | None
) -> tuple[Any, Counts]:
    counts = Counts()
    found = _candidates(page, size)
    for rows in split_by_owner(found):
        messages = ChatMessage.objects.using(attempt.using).for_sessions(rows)
        attachments = ChatAttachment.objects.using(attempt.using).for_sessions(rows)
        turns = ChatModelTurn.objects.using(attempt.using).for_sessions(rows)
        counts += Counts(len(rows), messages.count(), attachments.count(), turns.count())
    return (found[-1] if found else None), counts


def _candidates(page: ChatSessionQuerySet, size: int) -> list[Any]:
    """Return the keys of the threads that may be deleted, without a lock."""
    rows = page.deletable().values_list("session_id", "user_id", "updated_at", named=True)
    return list(rows[:size])
