"""
The figures and charts of the admin's overview page, at a bounded cost whatever the tables' sizes.

They are made of samples (chatstore.moderation.sampling), or of a bounded number of the newest rows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from django.db import connections, models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatReport, ChatSession
from chatstore.moderation import sampling
from chatstore.moderation.charts import Chart, Value, chart
from chatstore.moderation.model_charts import charts_by_model
from chatstore.moderation.periods import Period, place
from chatstore.moderation.sampling import Sample

PEOPLE = 300  # threads that are read for a bar of the chart of active people


@dataclass(frozen=True)
class Report:
    """
    The content of the overview page; ``table_bytes`` is None on SQLite.

    ``more`` are the charts besides the three that are named.
    """

    threads: Chart
    messages: Chart
    ages: Chart
    more: list[Chart]
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

    @property
    def charts(self) -> list[Chart]:
        return [self.threads, self.messages, *self.more, self.ages]


def report(days: int) -> Report:
    """Return the figures of the last ``days`` days (7, 30 or 90), including today."""
    now = timezone.localtime()
    period = Period(days, now)
    table_rows, table_bytes = sampling.table_sizes(ChatSession.objects.db)
    samples = [Sample(model, table_rows[model]) for model in sampling.MODELS]
    threads, messages, uploads, reports, turns = samples
    new, ages = Counter[int](), Counter[int]()
    threads.annotate(day=period.place("created_at"), age=place("updated_at", _ages(now)))
    for day, age, count in threads.counts("day", "age"):
        new[day] += count
        ages[age] += count
    sent = Counter[int]()
    thumbs, endings = (
        defaultdict[str, Counter[int]](Counter),
        defaultdict[str, Counter[int]](Counter),
    )
    # Older rows are left out here. With a condition on the time PostgreSQL may read all messages of
    # these days from the index by time, to find those of the sample.
    messages.annotate(day=period.place("timestamp"))
    for day, feedback, ending, count in messages.counts("day", "feedback", "ending"):
        if day:
            sent[day] += count
            thumbs[feedback][day] += count
            endings[ending][day] += count

    def by_day(name: str, title: str, counts: Mapping[int, float], sample: Sample) -> Chart:
        values = period.values(counts, sample.estimate)
        return chart(name, title, values, is_estimate=not sample.is_complete)

    feedback_of, ending_of = ChatMessage.Feedback, ChatMessage.Ending
    active_threads, active_users, people = _people(period)
    file_bytes = uploads.estimate(uploads.total("size"))
    return Report(
        threads=by_day("threads", _("New threads"), new, threads),
        messages=by_day("messages", _("Messages"), sent, messages),
        ages=_by_age(ages, threads),
        more=[
            people,
            by_day("up", _("Thumbs up"), thumbs[feedback_of.POSITIVE], messages),
            by_day("down", _("Thumbs down"), thumbs[feedback_of.NEGATIVE], messages),
            *_reports(period, reports),
            by_day("failed", _("Answers that broke off"), endings[ending_of.FAILED], messages),
            by_day("stopped", _("Stopped answers"), endings[ending_of.STOPPED], messages),
            *charts_by_model(period, turns, messages.estimate(sum(sent.values()))),
        ],
        active_users=active_users,
        is_active_users_truncated=active_threads > sampling.SAMPLE,
        thumbs_up=messages.estimate(thumbs[feedback_of.POSITIVE].total()),
        thumbs_down=messages.estimate(thumbs[feedback_of.NEGATIVE].total()),
        file_bytes=file_bytes,
        table_bytes=table_bytes,
        is_estimate=not all(sample.is_complete for sample in samples),
        retention_days=settings.retention_days,
    )


def _ages(now: dt.datetime) -> list[dt.datetime]:
    """Return the times that divide threads by age: the oldest is twice the retention age."""
    limit = settings.retention_days
    ages = (limit * 2, limit, limit * 3 / 4, limit / 2, limit / 4)
    return [now - dt.timedelta(days=age) for age in ages]


def _up_to_days(days: int) -> str:
    return ngettext("up to %(days)d day", "up to %(days)d days", days) % {"days": days}


def _by_age(counts: Counter[int], sample: Sample) -> Chart:
    """Return the chart of threads by last activity, in quarters of the retention age and beyond."""
    limit = settings.retention_days
    edges = (limit / 4, limit / 2, limit * 3 / 4, limit, limit * 2)
    labels = [*(_up_to_days(int(edge)) for edge in edges), _("older")]
    today = timezone.localdate()
    days = [today, *(today - dt.timedelta(days=edge) for edge in edges), None]
    values = [
        Value(
            label,
            sample.estimate(counts[5 - index]),
            label,
            days[index + 1],
            days[index],
            is_old=index > 3,
        )
        for index, label in enumerate(labels)
    ]
    title = _("Threads by last activity")
    return chart("ages", title, values, is_estimate=not sample.is_complete)


def _people(period: Period) -> tuple[int, int, Chart]:
    """
    Return how many of the newest threads were read, how many owners they have, and the chart of
    the owners by the last activity of their threads; in one query.
    """
    windows: list[tuple[dt.datetime, dt.datetime | None, int]]
    windows = [(period.since, None, sampling.SAMPLE + 1)]
    windows += [(since, until, PEOPLE) for since, until in pairwise(period.times)]
    parts, params = [], []
    using = ChatSession.objects.db
    for part, (since, until, most) in enumerate(windows):
        rows = ChatSession.objects.filter(updated_at__gte=since)
        if until:
            rows = rows.filter(updated_at__lt=until)
        owners = rows.order_by("-updated_at").values_list("user_id", flat=True)[:most]
        sql, values = owners.query.get_compiler(using).as_sql()
        parts.append(
            f"SELECT {part}, COUNT(*), COUNT(DISTINCT user_id) FROM ({sql}) AS part{part}"  # noqa: S608
        )
        params += values
    with connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        found = {part: (rows, people) for part, rows, people in cursor.fetchall()}
    values = [
        replace(value, is_least=found[part][0] == PEOPLE)
        for part, value in enumerate(
            period.values({part: people for part, (_rows, people) in found.items()}), 1
        )
    ]
    note = _("Each is counted where a thread of theirs had its last activity.")
    return *found[0], chart("people", _("Active people"), values, note=note)


def _reports(period: Period, sample: Sample) -> list[Chart]:
    """Return the charts of reports by day, and by how long they have waited."""
    hours = {1: _("up to 1 hour"), 24: _("up to 1 day"), 168: _("up to 7 days")}
    cases = [models.When(state=ChatReport.State.OPEN, then=models.Value(len(hours) + 1))]
    for wait, hour in enumerate(hours):
        until = F("created_at") + dt.timedelta(hours=hour)
        cases.append(models.When(closed_at__lte=until, then=models.Value(wait)))
    waited = models.Case(*cases, default=models.Value(len(hours)))
    sample.annotate(day=period.place("created_at"), waited=waited)
    made, waits = Counter[int](), Counter[int]()
    for day, wait, count in sample.counts("day", "waited"):
        if day:
            made[day] += count
            waits[wait] += count
    labels = [*hours.values(), _("longer"), _("still open")]
    days = period.starts[0], period.starts[-1] - dt.timedelta(days=1)
    by_wait = [
        Value(label, sample.estimate(waits[wait]), label, *days, part=("closed", "open")[wait == 4])
        for wait, label in enumerate(labels)
    ]
    is_estimate = not sample.is_complete
    by_day = period.values(made, sample.estimate)
    return [
        chart("reports", _("Reports"), by_day, is_estimate=is_estimate),
        chart("waits", _("How long reports waited"), by_wait, is_estimate=is_estimate),
    ]
