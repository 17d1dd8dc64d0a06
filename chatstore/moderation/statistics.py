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
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections, models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.models import ChatAttachment, ChatMessage, ChatSession

MODELS = (ChatSession, ChatMessage, ChatAttachment)
# Rows that are read of a table. In a large one nearly each is on a page of its own, and takes the
# server 1 to 2 µs.
SAMPLE = 3_000
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

    def counts(self, *columns: str) -> list[tuple[Any, ...]]:
        """
        Return each combination of the columns' values in the sample, and its number of rows.

        Grouped by the database: to read each row's times takes psycopg longer than the query.
        """
        rows = self._rows.values_list(*columns)
        # Limited again, because the database's number of rows may be out of date. By hand, because
        # Django can't group rows that are limited.
        sql, params = rows[: 2 * SAMPLE].query.get_compiler(rows.db).as_sql()
        names = ", ".join(columns)
        with connections[rows.db].cursor() as cursor:
            cursor.execute(
                f"SELECT {names}, COUNT(*) FROM ({sql}) AS sampled GROUP BY {names}",  # noqa: S608 (our own names)
                params,
            )
            counts: list[tuple[Any, ...]] = cursor.fetchall()
        self.is_complete &= sum(row[-1] for row in counts) < 2 * SAMPLE
        return counts

    def annotate(self, **expressions: Any) -> Sample:
        """Add columns to the sample's rows."""
        self._rows = self._rows.annotate(**expressions)
        return self

    def total(self, column: str) -> int:
        """Return the sum of a column in the sample."""
        rows = self._rows.values(column)[: 2 * SAMPLE]
        found = rows.aggregate(rows=models.Count("*"), total=models.Sum(column))
        self.is_complete &= found["rows"] < 2 * SAMPLE
        return int(found["total"] or 0)

    def estimate(self, count: float) -> int:
        """Return the estimate for the table, of a count or sum in the sample."""
        return round(count * self.factor)


def report(days: int) -> Report:
    """Return the figures of the last ``days`` days, including today."""
    now = timezone.localtime()
    today = now.date()
    first = today - dt.timedelta(days=days - 1)
    dates = [first + dt.timedelta(days=day) for day in range(days + 1)]
    midnights = [timezone.make_aware(dt.datetime.combine(date, dt.time.min)) for date in dates]
    since = midnights[0]
    table_rows, table_bytes = _table_sizes(ChatSession.objects.db)
    threads, messages, uploads = (Sample(model, table_rows[model]) for model in MODELS)
    threads.annotate(day=_place("created_at", midnights), age=_place("updated_at", _ages(now)))
    new, ages = Counter[int](), Counter[int]()
    for day, age, count in threads.counts("day", "age"):
        new[day] += count
        ages[age] += count
    messages.annotate(day=_place("timestamp", midnights))
    sent, thumbs = Counter[int](), Counter[str]()
    # Older rows are left out here. With a condition on the time PostgreSQL may read all messages of
    # these days from the index by time, to find those of the sample.
    for day, feedback, count in messages.counts("day", "feedback"):
        if day:
            sent[day] += count
            thumbs[feedback] += count
    active = ChatSession.objects.filter(updated_at__gte=since).order_by("-updated_at")
    users = active.values("user_id")[: SAMPLE + 1].aggregate(
        rows=models.Count("*"), count=models.Count("user_id", distinct=True)
    )
    return Report(
        threads=_by_day(_("New threads"), new, dates, threads),
        messages=_by_day(_("Messages"), sent, dates, messages),
        ages=_by_age(ages, threads),
        active_users=users["count"],
        is_active_users_truncated=users["rows"] > SAMPLE,
        thumbs_up=messages.estimate(thumbs[ChatMessage.Feedback.POSITIVE]),
        thumbs_down=messages.estimate(thumbs[ChatMessage.Feedback.NEGATIVE]),
        file_bytes=uploads.estimate(uploads.total("size")),
        table_bytes=table_bytes,
        is_estimate=not (threads.is_complete and messages.is_complete and uploads.is_complete),
        retention_days=settings.retention_days,
    )


def _ages(now: dt.datetime) -> list[dt.datetime]:
    """Return the times that divide threads by age: the oldest is twice the retention age."""
    limit = settings.retention_days
    ages = (limit * 2, limit, limit * 3 / 4, limit / 2, limit / 4)
    return [now - dt.timedelta(days=age) for age in ages]


def _place(column: str, times: list[dt.datetime]) -> models.Case:
    """Return the expression for the number of those times, which ascend, up to the column's."""
    cases = (
        models.When(**{f"{column}__lt": time}, then=models.Value(place))
        for place, time in enumerate(times)
    )
    return models.Case(*cases, default=models.Value(len(times)))


def _by_day(title: str, counts: Counter[int], dates: list[dt.date], sample: Sample) -> Chart:
    values = [
        (date_format(date), sample.estimate(counts[place]), False)
        for place, date in enumerate(dates[:-1], 1)
    ]
    return _chart(title, values, sample)


def _by_age(counts: Counter[int], sample: Sample) -> Chart:
    """Return the chart of threads by last activity, in quarters of the retention age and beyond."""
    limit = settings.retention_days
    labels = [
        *(
            _("up to %(days)d days") % {"days": edge}
            for edge in (limit / 4, limit / 2, limit * 3 / 4, limit, limit * 2)
        ),
        _("older"),
    ]
    values = [
        (label, sample.estimate(counts[5 - index]), index > 3) for index, label in enumerate(labels)
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
    found = settings.sharded and _sizes_of_shards(using, names)
    if not found:
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
        found = _select_sizes(using, sql, names)
    sizes = [found[name][1] for name in names]
    rows = {model: int(found[model._meta.db_table][0] or 0) for model in MODELS}
    return rows, None if None in sizes else int(sum(sizes))


def _select_sizes(using: str, sql: str, params: list[str]) -> dict[str, tuple[Any, Any]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return {name: (rows, size) for name, rows, size in cursor.fetchall()}


def _sizes_of_shards(using: str, names: list[str]) -> dict[str, tuple[Any, Any]] | None:
    """
    Ask the nodes, since Citus's coordinator has no statistics; None if there are no shards.

    One command for each node, which adds up its shards: for each shard there would be a connection.
    """
    sql = " UNION ALL ".join(
        "SELECT %s, (SELECT SUM(result::float) FROM run_command_on_all_nodes(%s) WHERE success),"
        " citus_total_relation_size(%s)"
        for _name in names
    )
    count = (
        "SELECT COALESCE(SUM(GREATEST(reltuples, 0)), 0) FROM pg_class"
        " WHERE relkind = 'r' AND relname ~ '^{}_[0-9]+$'"
    )
    params = [each for name in names for each in (name, count.format(name), name)]
    try:
        with transaction.atomic(using=using):  # a savepoint, if the caller has a transaction
            return _select_sizes(using, sql, params)
    except DatabaseError:  # they are not distributed yet
        return None
