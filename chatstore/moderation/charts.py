"""Bar charts as the positions of what an SVG shows; chart.html draws them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format

# Units of the SVG, and the part of it that has the bars.
WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 624, 22, 168
MAX_TICKS = 10  # labels below the bars


@dataclass(frozen=True)
class Value:
    """
    What a bar stands for.

    Args:
        label: the full one; ``short`` is for the axis.
        since, until: the first and the last day that it counts; None if it is no time.
        is_least: there may be more.
    """

    label: str
    value: float
    short: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    is_old: bool = False
    is_least: bool = False
    part: str = ""


@dataclass(frozen=True)
class Bar:
    """
    A bar of a chart.

    Positions and sizes are in the units of the SVG, and text: a template would format numbers by
    the locale.
    """

    about: Value
    text: str
    x: str
    y: str
    width: str
    height: str
    middle: str
    text_y: str
    has_tick: bool

    @property
    def label(self) -> str:
        return self.about.label

    @property
    def value(self) -> float:
        return self.about.value


@dataclass(frozen=True)
class Chart:
    """
    A bar chart.

    Args:
        name: tells it from others, and of what list its bars are part.
        note: what one must know of its figures.
    """

    name: str
    title: str
    bars: list[Bar]
    is_estimate: bool
    note: str = ""

    @property
    def total(self) -> float:
        return sum(bar.value for bar in self.bars)

    @property
    def scale(self) -> list[tuple[str, str]]:
        """Return the height and the label of each line of the scale."""
        highest = max((bar.value for bar in self.bars), default=0)
        steps = (0.0, 0.5, 1.0) if highest > 1 else (0.0, 1.0)
        return [
            (f"{BOTTOM - (BOTTOM - TOP) * step:.1f}", short_number(highest * step))
            for step in steps
            if highest or not step
        ]

    @property
    def has_old(self) -> bool:
        return any(bar.about.is_old for bar in self.bars)


def chart(
    name: str, title: str, values: Sequence[Value], *, is_estimate: bool = False, note: str = ""
) -> Chart:
    """Return the chart of these values."""
    highest = max((value.value for value in values), default=0) or 1
    step = (RIGHT - LEFT) / max(len(values), 4)
    every = -(-len(values) // MAX_TICKS)
    bars = []
    for index, value in enumerate(values):
        tall = (BOTTOM - TOP) * value.value / highest
        x = LEFT + index * step
        text = f"≥{short_number(value.value)}" if value.is_least else short_number(value.value)
        bars.append(
            Bar(
                value,
                text,
                x=f"{x + step * 0.1:.1f}",
                y=f"{BOTTOM - tall:.1f}",
                width=f"{step * 0.8:.1f}",
                height=f"{tall:.1f}",
                middle=f"{x + step / 2:.1f}",
                text_y=f"{BOTTOM - tall - 4:.1f}",
                has_tick=(len(values) - 1 - index) % every == 0,
            )
        )
    return Chart(name, title, bars, is_estimate, note)


def short_number(value: float) -> str:
    """Return a number in at most some five characters."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value >= 10 * size:
            return number_format(f"{value / size:.0f}") + unit
        if value >= size:
            return number_format(f"{value / size:.1f}") + unit
    if value >= 100:
        return number_format(f"{value:.0f}")
    return number_format(f"{value:.2f}".rstrip("0").rstrip("."))
