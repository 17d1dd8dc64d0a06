"""
Removes files from the storage: each removal is scheduled in the database first, and tried again
until the file is gone.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatstore.files.storage import get_storage
from chatstore.models import ChatAttachmentQuerySet, ChatFileToRemove

logger = logging.getLogger(__name__)

RETRY_AFTER = dt.timedelta(hours=1)


def removals(using: str) -> QuerySet[ChatFileToRemove]:
    """Return the scheduled removals: of files that no row names any more, or none yet."""
    return ChatFileToRemove.objects.using(using)


def schedule_removals(
    paths: list[str], using: str, *, after: dt.timedelta = dt.timedelta()
) -> None:
    """Schedule the removal of files, named by their paths in the storage."""
    now = timezone.now()
    removals(using).bulk_create(
        [ChatFileToRemove(path=path, scheduled_at=now, due_at=now + after) for path in paths]
    )


def cancel_removals(paths: Iterable[str], using: str) -> int:
    """Cancel scheduled removals; return how many there were."""
    return removals(using).filter(path__in=paths).delete()[0]


def keep(path: str, using: str) -> None:
    """
    Cancel the removal of a saved file, in the transaction that writes its name to a row.

    Raises FileNotFoundError within the last hour before the removal is due: whoever removes the
    file then can't see what this transaction has not committed yet.
    """
    not_yet = timezone.now() + RETRY_AFTER
    if not removals(using).filter(path=path, due_at__gt=not_yet).delete()[0]:
        raise FileNotFoundError(path)


def remove_now(path: str, using: str) -> None:
    """Remove a saved file that no row names; if that fails, it is tried again later."""
    removals(using).filter(path=path).update(due_at=timezone.now())
    remove([path], using)


def remove(paths: Iterable[str], using: str) -> int:
    """
    Remove files whose removal is scheduled; return how many are gone.

    What fails is logged and stays scheduled, to be tried again after an hour.
    """
    gone, failed = [], []
    for path in paths:
        try:
            get_storage().delete(path)
        except Exception:
            # Each storage raises errors of its own; whatever it is, the removal stays scheduled.
            logger.warning("File %s could not be removed; it is tried again", path, exc_info=True)
            failed.append(path)
        else:
            gone.append(path)
    if failed:
        due_at = timezone.now() + RETRY_AFTER
        removals(using).filter(path__in=failed).update(due_at=due_at, tries=F("tries") + 1)
    return cancel_removals(gone, using) if gone else 0


def due(using: str, now: dt.datetime, size: int) -> Iterator[list[str]]:
    """Yield the paths whose removal is due, in batches; remove each before the next."""
    rows = removals(using).filter(due_at__lte=now).order_by("due_at", "path")
    while paths := list(rows.values_list("path", flat=True)[:size]):
        yield paths


def delete_attachments(attachments: ChatAttachmentQuerySet) -> int:
    """
    Delete rows, and remove their files after the commit; return how many rows.

    Needs a transaction: the files' removals are scheduled in it.
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
    transaction.on_commit(partial(remove, paths, using), using=using, robust=True)
    return len(rows)


def check_deleted_count(deleted: int, locked: int) -> None:
    """
    Roll the transaction back where fewer rows were deleted than had been locked for it.

    Raises IntegrityError, after which chatstore.db.execution tries the whole again.
    """
    if deleted != locked:
        raise IntegrityError(f"{locked} rows were to be deleted, but {deleted} were")
