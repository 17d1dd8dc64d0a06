"""Deletes uploads that were never sent, and removes files whose removal is due (A4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import reset_queries, transaction
from django.utils import timezone

from chatstore import files
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.db.sharding import split_by_owner
from chatstore.lifecycle.retention import BATCH_SIZE
from chatstore.models import ChatAttachment, ChatAttachmentQuerySet, ChatFileToRemove


@dataclass
class FilesReport:
    """
    The result of a run.

    Args:
        uploads: deleted uploads that no message used; in a dry run, those that would be deleted.
        files: removed files whose removal had been scheduled before.
        failed: files that could not be removed, and are tried again.
    """

    uploads: int = 0
    files: int = 0
    failed: int = 0


def cleanup_files(
    using: str,
    *,
    batch_size: int = BATCH_SIZE,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> FilesReport:
    """
    Delete uploads that no message used within a day, and remove files that are due (A4).

    Args:
        using: the alias of the database.
        batch_size: rows in one transaction.
        dry_run: only count.
        progress: called with the number of uploads and files so far, after each batch.
    """
    now = timezone.now()
    unused = (
        ChatAttachment.objects.using(using)
        .unused_since(now - ChatFileToRemove.UPLOAD_TIMEOUT)
        .deletable()
    )
    report = FilesReport()
    if dry_run:
        report.uploads = unused.count()
        report.files = files.scheduled_removals(using).filter(due_at__lte=now).count()
    else:
        while (removed := files.remove_due_files(using, now, batch_size)) is not None:
            report.files += removed
            progress(report.files)
            reset_queries()
        while deleted := run_sync(using, _delete_uploads, unused, batch_size):
            report.uploads += deleted
            progress(report.files + report.uploads)
            reset_queries()
    report.failed = files.scheduled_removals(using).filter(tries__gt=0).count()
    return report


def _delete_uploads(attempt: Attempt, unused: ChatAttachmentQuerySet, size: int) -> int:
    oldest = unused.order_by("created_at", "file_id").values_list("user_id", "file_id", named=True)
    with transaction.atomic(using=attempt.using):
        return sum(
            files.delete_attachments(unused.for_keys(rows, "file_id"))
            for rows in split_by_owner(oldest[:size])
        )
