"""
The figures and charts of the admin's overview page, at a bounded cost whatever the tables' sizes.

Large tables are not counted but estimated from a sample. Primary keys are hashes (uuid5), so the
rows whose key is below a bound are a random sample of the table, and the index of the primary key
finds them on every database. Tables no larger than the sample are counted exactly.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connections, models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.models import ChatAttachment, ChatMessage, ChatSession

MODELS = (ChatSession, ChatMessage, ChatAttachment)
SAMPLE = 5_000  # rows that are read of a table
CHART_WIDTH, CHART_HEIGHT = 600, 120  # units of the SVG in chart.html


@dataclass(frozen=True)
class Bar:
    """
    A bar of a chart.

    Position and size are in the units of the SVG, and text: a template would format numbers by
    the locale.
    """

    label: str
    value: int
    x: str
    y: str
    width: str
    height: str
    is_old: bool = False


@dataclass(frozen=True)
class Chart:
    """A bar chart; ``total`` is the sum of the bars' values."""

    title: str
    bars: list[Bar]
    total: int
    is_estimate: bool

    @property
    def highest(self) -> int:
        return max((bar.value for bar in self.bars), default=0)


@dataclass(frozen=True)
class Report:
    """The content of the overview page; ``table_bytes`` is None on SQLite."""

    threads: Chart
    messages: Chart
    ages: Chart
    active_users: int
    is_active_users_truncated: bool
    thumbs_up: int
    thumbs_down: int
    file_bytes: int
    table_bytes: int | None
    is_estimate: bool
    retention_days: int

    @property
    def approval(self) -> int | None:
        """Return the percentage of thumbs that are up; None without any."""
        thumbs = self.thumbs_up + self.thumbs_down
        return round(100 * self.thumbs_up / thumbs) if thumbs else None


class Sample:
    """A random sample of a table's rows, and the factor from its counts to those of the table."""

    def __init__(self, model: type[models.Model], table_rows: int) -> None:
        self.is_complete = table_rows <= SAMPLE
        self.factor = 1.0 if self.is_complete else table_rows / SAMPLE
        self._rows = model._default_manager.all()
        if not self.is_complete:
            part = f"{int(2**48 / self.factor):012x}"
            # The same bound in the first and the last digits: MariaDB compares the last ones first.
            self._rows = self._rows.filter(pk__lt=uuid.UUID(f"{part}00000000{part}"))

    def values(self, *columns: str, **conditions: Any) -> list[Any]:
        """Return the columns of the sample's rows that meet the conditions, as tuples."""
        # Limited again, because the database's number of rows may be out of date.
        rows = list(self._rows.filter(**conditions).values_list(*columns)[: 2 * SAMPLE])
        self.is_complete &= len(rows) < 2 * SAMPLE
        return rows

    def estimate(self, count: float) -> int:
        """Return the estimate for the table, of a count or sum in the sample."""
        return round(count * self.factor)


def report(days: int) -> Report:
    """Return the figures of the last ``days`` days, including today."""
    now = timezone.localtime()
    today = now.date()
    first = today - dt.timedelta(days=days - 1)
    since = timezone.make_aware(dt.datetime.combine(first, dt.time.min))
    table_rows, table_bytes = _table_sizes(ChatSession.objects.db)
    threads, messages, uploads = (Sample(model, table_rows[model]) for model in MODELS)
    thread_times = threads.values("created_at", "updated_at")
    message_rows = messages.values("timestamp", "feedback", timestamp__gte=since)
    thumbs = Counter(feedback for _time, feedback in message_rows)
    active = ChatSession.objects.filter(updated_at__gte=since).order_by("-updated_at")
    active_users = list(active.values_list("user_id", flat=True)[: SAMPLE + 1])
    return Report(
        threads=_by_day(_("New threads"), (row[0] for row in thread_times), first, days, threads),
        messages=_by_day(_("Messages"), (row[0] for row in message_rows), first, days, messages),
        ages=_by_age((now - row[1] for row in thread_times), threads),
        active_users=len(set(active_users)),
        is_active_users_truncated=len(active_users) > SAMPLE,
        thumbs_up=messages.estimate(thumbs[ChatMessage.Feedback.POSITIVE]),
        thumbs_down=messages.estimate(thumbs[ChatMessage.Feedback.NEGATIVE]),
        file_bytes=uploads.estimate(sum(row[0] for row in uploads.values("size"))),
        table_bytes=table_bytes,
        is_estimate=not (threads.is_complete and messages.is_complete and uploads.is_complete),
        retention_days=settings.retention_days,
    )


def _by_day(
    title: str, times: Iterable[dt.datetime], first: dt.date, days: int, sample: Sample
) -> Chart:
    counts = Counter(timezone.localtime(time).date() for time in times)
    dates = [first + dt.timedelta(days=day) for day in range(days)]
    values = [(date_format(date), sample.estimate(counts[date]), False) for date in dates]
    return _chart(title, values, sample)


def _by_age(ages: Iterable[dt.timedelta], sample: Sample) -> Chart:
    """Return the chart of threads by last activity, in quarters of the retention age and beyond."""
    limit = settings.retention_days
    edges = [limit / 4, limit / 2, limit * 3 / 4, limit, limit * 2]
    counts = Counter(sum(age >= dt.timedelta(days=edge) for edge in edges) for age in ages)
    labels = [
        *(_("up to %(days)d days") % {"days": edge} for edge in edges),
        _("older"),
    ]
    values = [
        (label, sample.estimate(counts[index]), index > 3) for index, label in enumerate(labels)
    ]
    return _chart(_("Threads by last activity"), values, sample)


def _chart(title: str, values: list[tuple[str, int, bool]], sample: Sample) -> Chart:
    highest = max((value for _label, value, _old in values), default=0) or 1
    step = CHART_WIDTH / len(values)
    bars = []
    for index, (label, value, is_old) in enumerate(values):
        height = CHART_HEIGHT * value / highest
        x, y, width, tall = (
            f"{number:.1f}"
            for number in (index * step + step * 0.1, CHART_HEIGHT - height, step * 0.8, height)
        )
        bars.append(Bar(label, value, x, y, width, tall, is_old))
    total = sum(value for _label, value, _old in values)
    return Chart(title, bars, total, is_estimate=not sample.is_complete)


def _table_sizes(using: str) -> tuple[dict[Any, int], int | None]:
    """Return each table's approximate number of rows, and the size of all in bytes, if known."""
    names = [model._meta.db_table for model in MODELS]
    match connections[using].vendor:
        case "postgresql":
            sql = (
                "SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class "
                "WHERE oid IN (to_regclass(%s), to_regclass(%s), to_regclass(%s))"
            )
        case "mysql":
            sql = (
                "SELECT table_name, table_rows, data_length + index_length "
                "FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_name IN (%s, %s, %s)"
            )
        case _:  # SQLite: the highest rowid, which counts deleted rows too
            sql = " UNION ALL ".join(
                f"SELECT %s, COALESCE(MAX(rowid), 0), NULL FROM {name}"  # noqa: S608 (our own names)
                for name in names
            )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, names)
        found = {name: (rows, size) for name, rows, size in cursor.fetchall()}
    sizes = [found[name][1] for name in names]
    rows = {model: int(found[model._meta.db_table][0] or 0) for model in MODELS}
    return rows, None if None in sizes else int(sum(sizes))
