"""
The moderators' search in a database of 2,000,000 messages, against one of 2,000.

What is frequent is found among the newest messages, and what is rare by the index, in both alike.
Of what is neither the index returns up to some thousands of rows, which the small database does not
have: such a search takes longer, up to a bound.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from django.db import connection

from benchmarks.figure import Figure

ROUNDS = 7
CALLS = 5  # of each search in a round
# What is looked for, and the target; see benchmarks/seed.py for how often there is what.
TEXTS = {
    "frequent": ("bicycle", 5),
    "two_frequent": ("bicycle refund", 5),
    "rare": ("hapax", 3),
    "rare_chinese": ("缓存", 3),
    "none": ("nowhere", 3),
    "chinese": ("队列", 30),
    "korean": ("배포", 30),
    "japanese": ("マークダウン", 30),
    "russian": ("ОТЧЁТ", 30),
    "beginning": ("dock", 30),
}


def figures(use: Callable[[str], None], few: str, many: str) -> Iterator[Figure]:
    """Yield times and ratios; ``use`` connects to the database with this name."""
    if connection.vendor != "postgresql":
        return  # without the index the newest messages are compared, as many in both
    seconds: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS):
        for database in (few, many) if number % 2 else (many, few):
            use(database)
            for name, (text, _target) in TEXTS.items():
                seconds.setdefault((name, database), []).append(_seconds(text))
    for name, (_text, target) in TEXTS.items():
        in_few, in_many = seconds[name, few], seconds[name, many]
        yield Figure(f"search_{name}", statistics.median(in_many) * 1000, "ms")
        yield Figure(
            f"search_{name}_flat_ratio",
            statistics.median(large / small for large, small in zip(in_many, in_few, strict=True)),
            "of_2000_messages",
            at_most=target,
        )


def _seconds(text: str) -> float:
    from chatstore.moderation import search

    times = []
    for _call in range(CALLS):
        start = time.perf_counter()
        search.messages(text)
        times.append(time.perf_counter() - start)
    return min(times)
