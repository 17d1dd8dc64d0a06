"""
The figures and charts of the admin's overview page, at a bounded cost whatever the tables' sizes.

They are made of samples (chatstore.moderation.sampling), or of a bounded number of the newest rows.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, models
from django.db.models import F
from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatModelTurn, ChatReport, ChatSession
from chatstore.moderation import sampling
from chatstore.moderation.charts import Chart, Value, chart
from chatstore.moderation.display import display_line
from chatstore.moderation.sampling import Sample

DAYS_PER_BAR = {7: 1, 30: 1, 90: 5}  # by the number of days that a report is about
PEOPLE = 300  # threads that are read for a bar of the chart of active people
MAX_MODELS = 8
Estimate = Callable[[float], float]


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


class Period:
    """
    The last days, including today, in parts of equal length.

    A row's place is 0 if it is older than the first part, and from there the part's number.
    """

    def __init__(self, days: int, now: dt.datetime) -> None:
        length = dt.timedelta(days=DAYS_PER_BAR[days])
        first = now.date() - dt.timedelta(days=days - 1)
        self.starts = [first + part * length for part in range(days // length.days + 1)]
        self.times = [
            timezone.make_aware(dt.datetime.combine(day, dt.time.min)) for day in self.starts
        ]

    @property
    def since(self) -> dt.datetime:
        return self.times[0]

    def place(self, column: str) -> models.Case:
        return _place(column, self.times)

    def values(self, counts: Mapping[int, float], estimate: Estimate = round) -> list[Value]:
        """Return the value of each part, of counts by place."""
        values = []
        for place, since in enumerate(self.starts[:-1], 1):
            until = self.starts[place] - dt.timedelta(days=1)
            label = date_format(since)
            if until != since:
                label = f"{label} – {date_format(until)}"  # noqa: RUF001 (a range)
            count = estimate(counts.get(place, 0))
            values.append(Value(label, count, date_format(since, "j M"), since, until))
        return values


def report(days: int) -> Report:
    """Return the figures of the last ``days`` days (7, 30 or 90), including today."""
    now = timezone.localtime()
    period = Period(days, now)
    table_rows, table_bytes = sampling.table_sizes(ChatSession.objects.db)
    samples = [Sample(model, table_rows[model]) for model in sampling.MODELS]
    threads, messages, uploads, reports, turns = samples
    new, ages = Counter[int](), Counter[int]()
    threads.annotate(day=period.place("created_at"), age=_place("updated_at", _ages(now)))
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
    active = ChatSession.objects.filter(updated_at__gte=period.since).order_by("-updated_at")
    users = active.values("user_id")[: sampling.SAMPLE + 1].aggregate(
        rows=models.Count("*"), count=models.Count("user_id", distinct=True)
    )

    def by_day(name: str, title: str, counts: Mapping[int, float], sample: Sample) -> Chart:
        values = period.values(counts, sample.estimate)
        return chart(name, title, values, is_estimate=not sample.is_complete)

    feedback_of, ending_of = ChatMessage.Feedback, ChatMessage.Ending
    file_bytes = uploads.estimate(uploads.total("size"))
    return Report(
        threads=by_day("threads", _("New threads"), new, threads),
        messages=by_day("messages", _("Messages"), sent, messages),
        ages=_by_age(ages, threads),
        more=[
            _people(period),
            by_day("up", _("Thumbs up"), thumbs[feedback_of.POSITIVE], messages),
            by_day("down", _("Thumbs down"), thumbs[feedback_of.NEGATIVE], messages),
            *_reports(period, reports),
            by_day("failed", _("Answers that broke off"), endings[ending_of.FAILED], messages),
            by_day("stopped", _("Stopped answers"), endings[ending_of.STOPPED], messages),
            *_models(period, turns, messages.estimate(sum(sent.values()))),
        ],
        active_users=users["count"],
        is_active_users_truncated=users["rows"] > sampling.SAMPLE,
        thumbs_up=messages.estimate(thumbs[feedback_of.POSITIVE].total()),
        thumbs_down=messages.estimate(thumbs[feedback_of.NEGATIVE].total()),
        file_bytes=file_bytes,
        table_bytes=table_bytes,
        is_estimate=not all(sample.is_complete for sample in samples),
        retention_days=settings.retention_days,
    )


def _place(column: str, times: list[dt.datetime]) -> models.Case:
    """Return the expression for the number of those times, which ascend, up to the column's."""
    cases = (
        models.When(**{f"{column}__lt": time}, then=models.Value(place))
        for place, time in enumerate(times)
    )
    return models.Case(*cases, default=models.Value(len(times)))


def _ages(now: dt.datetime) -> list[dt.datetime]:
    """Return the times that divide threads by age: the oldest is twice the retention age."""
    limit = settings.retention_days
    ages = (limit * 2, limit, limit * 3 / 4, limit / 2, limit / 4)
    return [now - dt.timedelta(days=age) for age in ages]


def _by_age(counts: Counter[int], sample: Sample) -> Chart:
    """Return the chart of threads by last activity, in quarters of the retention age and beyond."""
    limit = settings.retention_days
    edges = (limit / 4, limit / 2, limit * 3 / 4, limit, limit * 2)
    labels = [*(_("up to %(days)d days") % {"days": edge} for edge in edges), _("older")]
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


def _people(period: Period) -> Chart:
    """Return the chart of the owners of threads, by the last activity of these."""
    parts, params = [], []
    using = ChatSession.objects.db
    for place, since in enumerate(period.times[:-1], 1):
        rows = ChatSession.objects.filter(updated_at__gte=since, updated_at__lt=period.times[place])
        owners = rows.order_by("-updated_at").values_list("user_id", flat=True)[:PEOPLE]
        sql, values = owners.query.get_compiler(using).as_sql()
        parts.append(
            f"SELECT {place}, COUNT(*), COUNT(DISTINCT user_id) FROM ({sql}) AS part{place}"  # noqa: S608
        )
        params += values
    with connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        found = {place: (rows, people) for place, rows, people in cursor.fetchall()}
    values = [
        replace(value, is_least=found[place][0] == PEOPLE)
        for place, value in enumerate(
            period.values({place: people for place, (_rows, people) in found.items()}), 1
        )
    ]
    note = _("Each is counted where a thread of theirs had its last activity.")
    return chart("people", _("Active people"), values, note=note)


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


def _models(period: Period, sample: Sample, message_count: float) -> list[Chart]:
    """Return the charts by model: tokens, times, and the cost if the application notes it."""
    sums = ("input_tokens", "output_tokens", "first_text_ms", "duration_ms")
    sample.annotate(day=_place("timestamp", [period.since]))
    totals = defaultdict[str, Counter[str]](Counter)
    for day, kind, model, _count, *found in sample.counts("day", "kind", "model", sums=sums):
        if day and model and kind != ChatModelTurn.Kind.SUMMARY:
            for name, total, number in zip(sums, found[::2], found[1::2], strict=True):
                totals[model][name] += int(total or 0)
                totals[model][f"{name} noted"] += number

    def mean(name: str) -> dict[str, float]:
        """Return the mean of times by model, in seconds, where any is noted."""
        return {
            model: each[name] / each[f"{name} noted"] / 1000
            for model, each in totals.items()
            if each[f"{name} noted"]
        }

    tokens = {
        model: sample.estimate(each["input_tokens"] + each["output_tokens"])
        for model, each in totals.items()
    }
    is_estimate = not sample.is_complete
    charts = [
        _by_model("tokens", _("Tokens by model"), tokens, is_estimate),
        _by_model(
            "first_text",
            _("Seconds to the first word, by model"),
            mean("first_text_ms"),
            is_estimate,
        ),
        _by_model("duration", _("Seconds to the end, by model"), mean("duration_ms"), is_estimate),
        _costs(period, message_count),
    ]
    return [chart for chart in charts if chart.bars]


def _by_model(
    name: str, title: str, values: Mapping[str, float], is_estimate: bool, note: str = ""
) -> Chart:
    most = sorted(values.items(), key=lambda item: item[1], reverse=True)[:MAX_MODELS]
    bars = [Value(display_line(model, 80), value, display_line(model, 14)) for model, value in most]
    return chart(name, title, bars, is_estimate=is_estimate, note=note)


def _costs(period: Period, message_count: float) -> Chart:
    """Return the chart of what the application notes in the metadata of its newest messages."""
    rows: Any = ChatMessage.objects.filter(timestamp__gte=period.since).order_by("-timestamp")
    rows = rows.annotate(cost=KT("metadata__cost"), named=KT("metadata__model"))
    noted = list(rows.values_list("cost", "named")[: sampling.SAMPLE])
    is_estimate = len(noted) == sampling.SAMPLE
    factor = max(1.0, message_count / len(noted)) if is_estimate else 1.0
    costs = dict[str, float]()
    for cost, model in noted:
        if (amount := _amount(cost)) is not None:
            name = str(model or "") or _("unnamed")
            costs[name] = costs.get(name, 0) + amount * factor
    note = _("As the application notes it, in its own currency.")
    return _by_model("cost", _("Cost by model"), costs, is_estimate, note)


def _amount(value: Any) -> float | None:
    """Return a cost as a number; None for what is none."""
    try:
        amount = float(value)
    except (TypeError, ValueError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None
