"""
Deletes threads that are too old: cutoff, batches, counts (R1, R2).

There is one rule, one loop and one deletion (chatstore.lifecycle.deletion), and a dry run is the
same loop without the last step. Each batch is one transaction: it locks threads by the rule, in
order, and the deleting statement holds the rule again. A thread that is written to meanwhile is
spared, because each write of the store takes the thread's lock and moves its last activity.
Stopped at any instant, nothing is half done, and the next run goes on.
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

from chatstore.db.execution import Attempt, run_sync
from chatstore.lifecycle.deletion import delete_locked, lock_sessions
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatSession,
    ChatSessionQuerySet,
    Counts,
)

logger = logging.getLogger(__name__)
# Keeps what is about to be deleted; returns when it is safe.
Archive = Callable[[ChatSessionQuerySet], None]

BATCH_SIZE = 500
# Threads that are old by their creation may be in use: they are spared while they are (R1).
IN_USE = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Rule:
    """
    Which threads are to go.

    Args:
        cutoff: threads whose last activity is before it.
        now: the time of the run, by which a thread is in use or not.
        by_creation: go by the thread's creation instead, and spare what is in use.
        user_id: only this owner's.
        status: only those that show this status.
    """

    cutoff: dt.datetime
    now: dt.datetime = field(default_factory=timezone.now)
    by_creation: bool = False
    user_id: str | None = None
    status: str | None = None

    def sessions(self, using: str) -> ChatSessionQuerySet:
        """Return the threads, those on hold among them."""
        sessions = ChatSession.objects.using(using)
        if self.by_creation:
            in_use_since = self.now - IN_USE
            sessions = sessions.inactive_since(in_use_since).filter(created_at__lt=self.cutoff)
        else:
            sessions = sessions.inactive_since(self.cutoff)
        if self.user_id is not None:
            sessions = sessions.for_owner(self.user_id)
        if self.status is not None:
            sessions = sessions.with_status(self.status)
        return sessions


@dataclass
class Report:
    """What a run has deleted (or, dry, would), and why it has left the rest."""

    deleted: Counts = field(default_factory=Counts)
    on_hold: int = 0
    is_finished: bool = False  # False: stopped by its limit of threads or of seconds


def cleanup(
    rule: Rule,
    using: str,
    *,
    batch_size: int = BATCH_SIZE,
    limit: int | None = None,
    max_seconds: float | None = None,
    dry_run: bool = False,
    archive: Archive | None = None,
    progress: Callable[[Counts], None] = lambda deleted: None,
) -> Report:
    """
    Delete the threads of a rule, with messages and files, batch by batch.

    Args:
        archive: called with the threads of each batch before they are deleted.
        progress: called with the counts so far after each batch.
    """
    stop_at = time.monotonic() + max_seconds if max_seconds is not None else None
    report = Report()
    sessions = rule.sessions(using)
    page = sessions.order_by("updated_at", "session_id")
    delete = _count_batch if dry_run else _delete_batch
    while True:
        size = batch_size if limit is None else min(batch_size, limit - report.deleted.threads)
        if size <= 0 or (stop_at is not None and time.monotonic() >= stop_at):
            break
        last, deleted = run_sync(using, delete, page, size, archive)
        report.deleted += deleted
        if last is None:
            report.is_finished = True
            break
        # From where this batch ended: what was spared is not looked at again, and again.
        page = sessions.after(updated_at=last.updated_at, session_id=last.session_id)
        progress(report.deleted)
        reset_queries()  # DEBUG keeps each statement, with its five hundred keys
    report.on_hold = sessions.filter(is_on_hold=True).count()
    return report


def _delete_batch(
    attempt: Attempt, page: ChatSessionQuerySet, size: int, archive: Archive | None
) -> tuple[Any, Counts]:
    with transaction.atomic(using=attempt.using):
        rows = lock_sessions(page, size, skip_locked=True)
        if rows and archive:
            keys = [row.session_id for row in rows]
            archive(ChatSession.objects.using(attempt.using).for_sessions(keys))
        deleted = delete_locked(page, rows)
    if rows:
        logger.info("Deleted %s threads, %s messages", deleted.threads, deleted.messages)
    return (rows[-1] if rows else None), deleted


def _count_batch(
    attempt: Attempt, page: ChatSessionQuerySet, size: int, archive: Archive | None
) -> tuple[Any, Counts]:
    rows = list(page.deletable().only("session_id", "updated_at")[:size])
    keys = [row.session_id for row in rows]
    messages = ChatMessage.objects.using(attempt.using).for_sessions(keys)
    attachments = ChatAttachment.objects.using(attempt.using).for_sessions(keys)
    counts = Counts(len(rows), messages.count(), attachments.count()) if rows else Counts()
    return (rows[-1] if rows else None), counts
