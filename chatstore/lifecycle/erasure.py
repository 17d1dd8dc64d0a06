"""
Erases all data of one user (R4).

Threads on hold are kept and listed in the receipt (M4). A stream that is still running does not
create its thread again, because within a stream the store only updates threads (S7).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import reset_queries, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from chatstore import files, signals
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.lifecycle.deletion import delete_sessions
from chatstore.lifecycle.retention import BATCH_SIZE
from chatstore.lifecycle.sqlite_log import empty_log
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatReport,
    ChatSession,
    ChatSuspension,
    Counts,
)

logger = logging.getLogger(__name__)


@dataclass
class Receipt:
    """
    What was erased of one user, and what was not; ids and counts only.

    Args:
        erased: in a dry run, what would be erased.
        on_hold: the ids of the threads that were kept.
        files_left: files that the storage failed to remove; cleanup_attachments tries again.
        failed_receivers: the names of the receivers of the signal user_erased that raised an error.
    """

    user_id: str
    erased_at: dt.datetime = field(default_factory=timezone.now)
    erased: Counts = field(default_factory=Counts)
    on_hold: list[str] = field(default_factory=list)
    files_left: int = 0
    failed_receivers: list[str] = field(default_factory=list)


def erase_user(
    user_id: str,
    using: str,
    *,
    dry_run: bool = False,
    progress: Callable[[Counts], None] = lambda erased: None,
) -> Receipt:
    """
    Erase all threads, messages and files of a user, except what is on hold (M4), and the words of
    reports: those on the user's threads, and those that the user has written.

    It deletes in batches, each in a transaction of its own, and can be repeated after an error.
    ``progress`` is called with the counts so far, after each batch.
    """
    receipt = Receipt(user_id)
    sessions = ChatSession.objects.using(using).for_owner(user_id)
    attachments = ChatAttachment.objects.using(using).for_owner(user_id).deletable()
    held = sessions.filter(is_on_hold=True)
    if dry_run:
        messages = ChatMessage.objects.using(using).for_owner(user_id)
        is_held = Exists(held.filter(session_id=OuterRef("session_id")))
        receipt.erased.threads = sessions.deletable().count()
        receipt.erased.messages = messages.filter(~is_held).count()
        receipt.erased.files = attachments.count()
        turns = ChatModelTurn.objects.using(using).for_owner(user_id)
        receipt.erased.model_turns = turns.filter(~is_held).count()
        receipt.on_hold = list(held.order_by("thread_id").values_list("thread_id", flat=True))
        return receipt
    while (batch := run_sync(using, _erase_threads, user_id)).threads:
        receipt.erased += batch
        progress(receipt.erased)
        reset_queries()
    while batch_files := run_sync(using, _erase_uploads, user_id):
        receipt.erased.files += batch_files
        progress(receipt.erased)
        reset_queries()
    run_sync(using, _erase_moderation, user_id)
    empty_log(using)
    receipt.on_hold = list(held.order_by("thread_id").values_list("thread_id", flat=True))
    receipt.files_left = (
        files.scheduled_removals(using)
        .filter(scheduled_at__gte=receipt.erased_at, tries__gt=0)
        .count()
    )
    responses = signals.user_erased.send_robust(
        ChatSession, using=using, user_id=user_id, receipt=receipt
    )
    receipt.failed_receivers = [
        getattr(receiver, "__qualname__", repr(receiver))
        for receiver, response in responses
        if isinstance(response, Exception)
    ]
    logger.info("Erased %s threads of a user", receipt.erased.threads)
    return receipt


def _erase_threads(attempt: Attempt, user_id: str) -> Counts:
    sessions = ChatSession.objects.using(attempt.using).for_owner(user_id).order_by("session_id")
    return delete_sessions(sessions, limit=BATCH_SIZE)


def _erase_moderation(attempt: Attempt, user_id: str) -> None:
    """
    Empty the words of reports, whose rest is ids, as that of the moderation records; and delete a
    suspension that has ended.
    """
    reports = ChatReport.objects.using(attempt.using)
    held = ChatSession.objects.using(attempt.using).for_owner(user_id).filter(is_on_hold=True)
    of_held = held.filter(session_id=OuterRef("session_id"))
    reports.for_owner(user_id).filter(~Exists(of_held)).update(words="")
    ended = ChatSuspension.objects.using(attempt.using).for_owner(user_id)
    ended.filter(ends_at__lte=timezone.now()).raw_delete()
    for owner in _owners_of_reports_by(attempt, user_id):
        reports.for_owner(owner).filter(reporter=user_id).update(words="")


def _owners_of_reports_by(attempt: Attempt, user_id: str) -> list[str]:
    """Return the owners of the threads that the user has reported, other than the user's own."""
    written = ChatReport.objects.using(attempt.using).filter(reporter=user_id).exclude(words="")
    return list(
        written.exclude(user_id=user_id).order_by().values_list("user_id", flat=True).distinct()
    )


def _erase_uploads(attempt: Attempt, user_id: str) -> int:
    rows = ChatAttachment.objects.using(attempt.using).for_owner(user_id).deletable()
    with transaction.atomic(using=attempt.using):
        keys = list(rows.order_by("file_id").values_list("file_id", flat=True)[:BATCH_SIZE])
        return files.delete_attachments(rows.filter(file_id__in=keys))
