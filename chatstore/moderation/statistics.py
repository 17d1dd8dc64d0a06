"""
What goes on, in numbers, at a cost that has a bound whatever the tables hold.

Nothing is counted exactly that is big. Keys are made by hashing (uuid5), so the rows whose key is
below a bound are a fair sample of the table, found through the primary key on every database; a
table no larger than the sample is counted as a whole. What is an estimate is said to be one.
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

TABLES = (ChatSession, ChatMessage, ChatAttachment)
SAMPLE = 5_000  # rows of a table
CHART_WIDTH, CHART_HEIGHT = 600, 120


@dataclass(frozen=True)
class Bar:
    """A bar of a chart, in the units of its SVG; they are text, since no locale may touch them."""

    label: str
    value: int
    x: str
    y: str
    width: str
    height: str
    is_old: bool = False


@dataclass(frozen=True)
class Chart:
    title: str
    bars: list[Bar]
    total: int
    is_estimate: bool

    @property
    def highest(self) -> int:
        return max((bar.value for bar in self.bars), default=0)


@dataclass(frozen=True)
class Report:
    """All that the page shows; what is None is not known on this database."""

    threads: Chart
    messages: Chart
    ages: Chart
    active_users: int
    is_active_users_cut: bool
    thumbs_up: int
    thumbs_down: int
    file_bytes: int
    table_bytes: int | None
    is_estimate: bool
    retention_days: int

    @property
    def approval(self) -> int | None:
        """Percentage of thumbs that are up."""
        thumbs = self.thumbs_up + self.thumbs_down
        return round(100 * self.thumbs_up / thumbs) if thumbs else None


class Sample:
    """A fair part of a table's rows, and by how much to multiply what is counted in it."""

    def __init__(self, model: type[models.Model], table_rows: int) -> None:
        self.is_whole = table_rows <= SAMPLE
        self.factor = 1.0 if self.is_whole else table_rows / SAMPLE
        self._rows = model._default_manager.all()
        if not self.is_whole:
            part = f"{int(2**48 / self.factor):012x}"
            # At both ends, since MariaDB compares UUIDs by their last digits first.
            self._rows = self._rows.filter(pk__lt=uuid.UUID(f"{part}00000000{part}"))

    def values(self, *columns: str, **conditions: Any) -> list[Any]:
        # A bound again: what the database knows of its table's size may be old.
        rows = list(self._rows.filter(**conditions).values_list(*columns)[: 2 * SAMPLE])
        self.is_whole &= len(rows) < 2 * SAMPLE
        return rows

    def scaled(self, count: float) -> int:
        return round(count * self.factor)


def report(days: int) -> Report:
    """Return the numbers of the last so many days, today among them."""
    now = timezone.localtime()
    today = now.date()
    first = today - dt.timedelta(days=days - 1)
    since = timezone.make_aware(dt.datetime.combine(first, dt.time.min))
    table_rows, table_bytes = _sizes(ChatSession.objects.db)
    threads, messages, uploads = (Sample(model, table_rows[model]) for model in TABLES)
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
        is_active_users_cut=len(active_users) > SAMPLE,
        thumbs_up=messages.scaled(thumbs[ChatMessage.Feedback.POSITIVE]),
        thumbs_down=messages.scaled(thumbs[ChatMessage.Feedback.NEGATIVE]),
        file_bytes=uploads.scaled(sum(row[0] for row in uploads.values("size"))),
        table_bytes=table_bytes,
        is_estimate=not (threads.is_whole and messages.is_whole and uploads.is_whole),
        retention_days=settings.retention_days,
    )


def _by_day(
    title: str, times: Iterable[dt.datetime], first: dt.date, days: int, sample: Sample
) -> Chart:
    counts = Counter(timezone.localtime(time).date() for time in times)
    dates = [first + dt.timedelta(days=day) for day in range(days)]
    values = [(date_format(date), sample.scaled(counts[date]), False) for date in dates]
    return _chart(title, values, sample)


def _by_age(ages: Iterable[dt.timedelta], sample: Sample) -> Chart:
    """Threads by their last activity, in quarters of the retention age, and beyond it."""
    limit = settings.retention_days
    edges = [limit / 4, limit / 2, limit * 3 / 4, limit, limit * 2]
    counts = Counter(sum(age >= dt.timedelta(days=edge) for edge in edges) for age in ages)
    labels = [
        *(_("up to %(days)d days") % {"days": edge} for edge in edges),
        _("older"),
    ]
    values = [
        (label, sample.scaled(counts[index]), index > 3) for index, label in enumerate(labels)
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
    return Chart(title, bars, total, is_estimate=not sample.is_whole)


def _sizes(using: str) -> tuple[dict[Any, int], int | None]:
    """Return about how many rows each table has, and how many bytes they take, if it is known."""
    names = [model._meta.db_table for model in TABLES]
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
        case _:  # SQLite numbers its rows: those that are gone count too
            sql = " UNION ALL ".join(
                f"SELECT %s, COALESCE(MAX(rowid), 0), NULL FROM {name}"  # noqa: S608 (our own)
                for name in names
            )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, names)
        found = {name: (rows, size) for name, rows, size in cursor.fetchall()}
    sizes = [found[name][1] for name in names]
    rows = {model: int(found[model._meta.db_table][0] or 0) for model in TABLES}
    return rows, None if None in sizes else int(sum(sizes))
