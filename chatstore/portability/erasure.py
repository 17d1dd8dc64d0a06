"""
A person's data gone for good, or given to another account.

What is on hold is left and named (M4, R4). A stream that still runs brings nothing back: within
one, the store only updates threads (S7).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone

from chatstore import files, signals
from chatstore.database import Attempt, run_sync
from chatstore.files import Counts
from chatstore.models import ChatAttachment, ChatMessage, ChatSession, OwnedQuerySet
from chatstore.portability.records import ROWS, THREADS

logger = logging.getLogger(__name__)


@dataclass
class Receipt:
    """What was erased of one user, and what was not, by ids and counts."""

    user_id: str
    erased_at: dt.datetime = field(default_factory=timezone.now)
    erased: Counts = field(default_factory=Counts)
    on_hold: list[str] = field(default_factory=list)  # ids of threads
    files_left: int = 0  # that the storage failed to remove; cleanup_attachments tries again
    failed_receivers: list[str] = field(default_factory=list)  # of the signal user_erased


def erase_user(user_id: str, using: str, *, dry_run: bool = False) -> Receipt:
    """Erase all threads, messages and files of a user but those on hold; repeatable."""
    receipt = Receipt(user_id)
    sessions = ChatSession.objects.using(using).for_owner(user_id)
    attachments = ChatAttachment.objects.using(using).for_owner(user_id).deletable()
    held = sessions.filter(is_on_hold=True)
    if dry_run:
        messages = ChatMessage.objects.using(using).for_owner(user_id)
        receipt.erased.threads = sessions.deletable().count()
        receipt.erased.messages = messages.filter(session__is_on_hold=False).count()
        receipt.erased.files = attachments.count()
        receipt.on_hold = list(held.order_by("thread_id").values_list("thread_id", flat=True))
        return receipt
    while (batch := run_sync(using, _erase_threads, user_id)).threads:
        receipt.erased += batch
        reset_queries()
    while batch_files := run_sync(using, _erase_uploads, user_id):
        receipt.erased.files += batch_files
        reset_queries()
    receipt.on_hold = list(held.order_by("thread_id").values_list("thread_id", flat=True))
    receipt.files_left = (
        files.noted(using).filter(noted_at__gte=receipt.erased_at, tries__gt=0).count()
    )
    responses = signals.user_erased.send_robust(
        ChatSession, using=using, user_id=user_id, receipt=receipt
    )
    receipt.failed_receivers = [
        getattr(receiver, "__qualname__", repr(receiver))
        for receiver, response in responses
        if isinstance(response, Exception)
    ]
    logger.info("Erased %s threads of one user", receipt.erased.threads)
    return receipt


def _erase_threads(attempt: Attempt, user_id: str) -> Counts:
    sessions = ChatSession.objects.using(attempt.using).for_owner(user_id).order_by("session_id")
    return files.delete_sessions(sessions, limit=ROWS)


def _erase_uploads(attempt: Attempt, user_id: str) -> int:
    rows = ChatAttachment.objects.using(attempt.using).for_owner(user_id).deletable()
    with transaction.atomic(using=attempt.using):
        keys = list(rows.order_by("file_id").values_list("file_id", flat=True)[:ROWS])
        return files.delete_attachments(rows.filter(file_id__in=keys))


def assign_threads(from_user: str, to_user: str, using: str, *, dry_run: bool = False) -> Counts:
    """
    Give all of one owner's threads and uploads to another: for the visitor who signs up.

    One transaction a thread, which is copied and deleted: an owner is never changed in place,
    since tables may be sharded by it. It takes the memory of the largest thread. A stream that
    still answers the old owner finds its thread gone.
    """
    if dry_run:
        return Counts(
            ChatSession.objects.using(using).for_owner(from_user).count(),
            ChatMessage.objects.using(using).for_owner(from_user).count(),
            ChatAttachment.objects.using(using).for_owner(from_user).count(),
        )
    counts = Counts()
    sessions = ChatSession.objects.using(using).for_owner(from_user)
    for page in sessions.only("session_id").in_pages("session_id", size=THREADS):
        for session in page:
            move = partial(_move_thread, session.session_id, from_user, to_user)
            counts += run_sync(using, move)
            reset_queries()
    counts += run_sync(using, partial(_move_uploads, from_user, to_user))
    return counts


def _move_thread(session_id: UUID, from_user: str, to_user: str, attempt: Attempt) -> Counts:
    rows = [
        model.objects.using(attempt.using).for_owner(from_user).filter(session_id=session_id)
        for model in (ChatSession, ChatMessage, ChatAttachment)
    ]
    with transaction.atomic(using=attempt.using):
        if not rows[0].select_for_update().first():
            return Counts()  # deleted meanwhile
        return Counts(*_move(rows, to_user))


def _move_uploads(from_user: str, to_user: str, attempt: Attempt) -> Counts:
    uploads = ChatAttachment.objects.using(attempt.using).for_owner(from_user)
    with transaction.atomic(using=attempt.using):
        return Counts(files=sum(_move([uploads.filter(session_id=None)], to_user)))


def _move(tables: Sequence[OwnedQuerySet], to_user: str) -> list[int]:
    """Copy and delete rows; each table refers to those before it. Files stay where they are."""
    copies = [list(table.select_for_update()) for table in tables]
    for table, rows in zip(reversed(tables), reversed(copies), strict=True):
        if table.delete_only() != len(rows):
            raise IntegrityError("Rows came while they were being moved")  # worth a new try
    for table, rows in zip(tables, copies, strict=True):
        for row in rows:
            row.user_id = to_user
        table.model.objects.using(table.db).bulk_create(rows, batch_size=ROWS)
    return [len(rows) for rows in copies]
