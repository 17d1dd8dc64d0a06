"""
Deletes what is older than the moderators' record is kept: its rows, and reports that were closed.

Each batch is one transaction, and the DELETE statement repeats the age. A run may be stopped at any
time; the next one continues. Open reports are never deleted.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import reset_queries, transaction

from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.models import ChatReport, ChatReportQuerySet, ModerationRecord

logger = logging.getLogger(__name__)
BATCH_SIZE = 500


@dataclass
class RecordsReport:
    """How many were deleted; in a dry run, how many would be."""

    records: int = 0
    reports: int = 0


def cleanup_records(
    cutoff: dt.datetime,
    using: str,
    *,
    batch_size: int = BATCH_SIZE,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> RecordsReport:
    """
    Delete the records from before the cutoff, and the reports that were closed before it.

    Args:
        using: the alias of the database.
        batch_size: rows in one transaction.
        dry_run: only count.
        progress: called with the number of rows so far, after each batch.
    """
    if dry_run:
        records = ModerationRecord.objects.using(using).filter(created_at__lt=cutoff)
        return RecordsReport(records.count(), _closed_reports(using, cutoff).count())
    report = RecordsReport()
    for batch in _batches(using, _delete_records, cutoff, batch_size):
        report.records += batch
        progress(report.records)
    for batch in _batches(using, _delete_reports, cutoff, batch_size):
        report.reports += batch
        progress(report.records + report.reports)
    if report.records or report.reports:
        logger.info("Deleted %s records, %s reports", report.records, report.reports)
    return report


def _batches(
    using: str, delete: Callable[[Attempt, dt.datetime, int], int], cutoff: dt.datetime, size: int
) -> Iterator[int]:
    """Delete batch after batch, and yield the size of each."""
    while batch := run_sync(using, delete, cutoff, size):
        yield batch
        reset_queries()  # while DEBUG is on, Django keeps every statement in memory


def _delete_records(attempt: Attempt, cutoff: dt.datetime, size: int) -> int:
    rows = ModerationRecord.objects.using(attempt.using).filter(created_at__lt=cutoff)
    with transaction.atomic(using=attempt.using):
        keys = list(rows.order_by("created_at", "id").values_list("pk", flat=True)[:size])
        return rows.filter(pk__in=keys).delete()[0] if keys else 0


def _closed_reports(using: str, cutoff: dt.datetime) -> ChatReportQuerySet:
    closed = (ChatReport.State.RESOLVED, ChatReport.State.DISMISSED)
    # Closed before it, so reported before it, for which there is an index.
    rows = ChatReport.objects.using(using).filter(state__in=closed, created_at__lt=cutoff)
    return rows.filter(closed_at__lt=cutoff)


def _delete_reports(attempt: Attempt, cutoff: dt.datetime, size: int) -> int:
    keys: dict[str, list[UUID]] = {}
    rows = _closed_reports(attempt.using, cutoff)
    for user_id, key in rows.values_list("user_id", "report_id")[:size]:
        keys.setdefault(user_id, []).append(key)
    deleted = 0
    with transaction.atomic(using=attempt.using):
        for user_id, mine in keys.items():
            closed = _closed_reports(attempt.using, cutoff).for_owner(user_id)
            deleted += closed.filter(report_id__in=mine).raw_delete()
    return deleted
