"""The days that the overview is about, in parts: one for each bar of a chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from chatstore.moderation.charts import Value

DAYS_PER_BAR = {7: 1, 30: 1, 90: 5}  # by the number of days that a report is about


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
        """Return the expression for a row's place, by a column's time."""
        return place(column, self.times)

    def values(
        self, counts: Mapping[int, float], estimate: Callable[[float], float] = round
    ) -> list[Value]:
        """Return the value of each part, of counts by place."""
        values = []
        # Translators: of Django's template filter `date`: as in "28 Nov", with few characters.
        short = pgettext("format of a day on an axis", "j M")
        for place, since in enumerate(self.starts[:-1], 1):
            until = self.starts[place] - dt.timedelta(days=1)
            label = date_format(since)
            if until != since:
                label = f"{label} – {date_format(until)}"  # noqa: RUF001 (a range)
            count = estimate(counts.get(place, 0))
            values.append(Value(label, count, date_format(since, short), since, until))
        return values


def place(column: str, times: list[dt.datetime]) -> models.Case:
    """Return the expression for the number of those times, which ascend, up to the column's."""
    cases = (
        models.When(**{f"{column}__lt": time}, then=models.Value(place))
        for place, time in enumerate(times)
    )
    return models.Case(*cases, default=models.Value(len(times)))
