"""Checks that somebody runs cleanup_threads (chatstore.W009)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import Error, router
from django.utils import timezone

from chatstore.conf import settings
from chatstore.lifecycle.retention import Rule
from chatstore.models import ChatSession

GRACE = dt.timedelta(days=8)  # for a job that runs once a week


def check_retention_is_run(
    databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """
    Warn of threads that a site which sets CHATSTORE_RETENTION_DAYS would have deleted.

    One query, of the index of last activity; ``migrate`` and ``check --database`` run it. Threads
    on hold, and pinned ones that are spared, are no sign.
    """
    using = router.db_for_write(ChatSession)
    days = settings.retention_days
    if using not in (databases or ()) or not settings.has_retention_days or not _is_days(days):
        return []
    now = timezone.now()
    rule = Rule(cutoff=now - dt.timedelta(days=days) - GRACE, now=now)
    try:
        is_there = rule.sessions(using).deletable().exists()
    except Error:  # before the migrations the table or a column is missing
        return []
    if not is_there:
        return []
    return [
        CheckWarning(
            f"Conversations are older than CHATSTORE_RETENTION_DAYS ({days}) by more than "
            f"{GRACE.days} days: nobody seems to run cleanup_threads.",
            hint=f"Run it every night: manage.py cleanup_threads --days {days}",
            id="chatstore.W009",
        )
    ]


def _is_days(value: Any) -> bool:
    """Tell whether it is a number of days that a date can go back."""
    return isinstance(value, int) and 0 < value < 100_000  # else E003
