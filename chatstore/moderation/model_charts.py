"""The overview's charts by model: tokens, times and cost."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from chatstore.models import ChatMessage, ChatModelTurn
from chatstore.moderation import sampling
from chatstore.moderation.charts import Chart, Value, chart
from chatstore.moderation.display import display_line
from chatstore.moderation.periods import Period, place
from chatstore.moderation.sampling import Sample

MAX_MODELS = 8


def charts_by_model(period: Period, sample: Sample, message_count: float) -> list[Chart]:
    """Return the charts by model: tokens, times, and the cost if the application notes it."""
    sums = ("input_tokens", "output_tokens", "first_text_ms", "duration_ms")
    sample.annotate(day=place("timestamp", [period.since]))
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
