"""
Removes files from the storage. A removal is scheduled in the database before, and repeated until
the file is removed (A4).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial

from django.db import IntegrityError, connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatstore.files.storage import get_storage
from chatstore.models import ChatAttachmentQuerySet, ChatFileToRemove

logger = logging.getLogger(__name__)

RETRY_AFTER = dt.timedelta(hours=1)


def scheduled_removals(using: str) -> QuerySet[ChatFileToRemove]:
    """Return the scheduled removals in a database: files that no attachment's row refers to."""
    return ChatFileToRemove.objects.using(using)


def schedule_removals(
    paths: list[str], using: str, *, after: dt.timedelta = dt.timedelta()
) -> None:
    """
    Schedule the removal of files.

    Args:
        paths: their names in the storage.
        using: alias of the database.
        after: the time from now until they are removed.
    """
    now = timezone.now()
    scheduled_removals(using).bulk_create(
        [ChatFileToRemove(path=path, scheduled_at=now, due_at=now + after) for path in paths]
    )


def delete_removals(paths: Iterable[str], using: str) -> int:
    """Delete the scheduled removals of these paths; return how many there were."""
    return scheduled_removals(using).filter(path__in=paths).delete()[0]


def cancel_removal(path: str, using: str) -> None:
    """
    Cancel the removal of a saved file, in the transaction that writes its path to a row.

    Raises FileNotFoundError if no removal is scheduled, or if it is due within RETRY_AFTER: a
    cleanup that runs before this transaction commits would still remove the file.
    """
    earliest_due = timezone.now() + RETRY_AFTER
    if not scheduled_removals(using).filter(path=path, due_at__gt=earliest_due).delete()[0]:
        raise FileNotFoundError(path)


def remove_file(path: str, using: str) -> None:
    """
    Remove a saved file, unless its removal was cancelled: then its path is in a row.

    A caller that was interrupted can't tell. After a failure, cleanup_attachments removes the file.
    """
    if scheduled_removals(using).filter(path=path).update(due_at=timezone.now()):
        remove_files([path], using)


def remove_files(paths: Iterable[str], using: str) -> int:
    """
    Remove files whose removal is scheduled; return how many were removed.

    A failure is logged, and its removal is scheduled again after RETRY_AFTER.
    """
    removed, failed = [], []
    for path in paths:
        try:
            get_storage().delete(path)
        except Exception:
            # Any exception, since each storage has its own; the removal stays scheduled.
            logger.warning(
                "File %s could not be removed; it will be tried again", path, exc_info=True
            )
            failed.append(path)
        else:
            removed.append(path)
    if failed:
        due_at = timezone.now() + RETRY_AFTER
        scheduled_removals(using).filter(path__in=failed).update(
            due_at=due_at, tries=F("tries") + 1
        )
    return delete_removals(removed, using) if removed else 0


def remove_due_files(using: str, now: dt.datetime, size: int) -> int | None:
    """
    Remove at most ``size`` files whose removal is due; return how many, or None if none is left.

    Runs at the same time share the work: where the database can skip locked rows, each keeps those
    of its files locked until they are removed. If it is killed, the next run finds them unlocked.
    """
    rows = scheduled_removals(using).filter(due_at__lte=now).order_by("due_at", "path")
    can_skip = connections[using].features.has_select_for_update_skip_locked
    # SQLite would keep all others from writing.
    with transaction.atomic(using=using) if can_skip else nullcontext():
        if can_skip:
            rows = rows.select_for_update(skip_locked=True)
        paths = list(rows.values_list("path", flat=True)[:size])
        return remove_files(paths, using) if paths else None


def delete_attachments(attachments: ChatAttachmentQuerySet) -> int:
    """
    Delete attachments, and remove their files after the commit; return how many were deleted.

    Call it in a transaction, which also schedules the removals. Raises IntegrityError if a row was
    deleted concurrently.
    """
    using = attachments.db
    rows = dict(attachments.order_by().select_for_update().values_list("file_id", "path"))
    if not rows:
        return 0
    paths = [path for path in rows.values() if path]
    schedule_removals(paths, using)
    check_deleted_count(
        attachments.order_by().filter(file_id__in=list(rows)).raw_delete(), len(rows)
    )
    transaction.on_commit(partial(remove_files, paths, using), using=using, robust=True)
    return len(rows)


def check_deleted_count(deleted: int, locked: int) -> None:
    """
    Raise IntegrityError if the number of deleted rows is not the number of locked rows.

    It rolls back the transaction, and chatstore.db.execution repeats the operation.
    """
    if deleted != locked:
        raise IntegrityError(f"{locked} rows were to be deleted, but {deleted} were")
