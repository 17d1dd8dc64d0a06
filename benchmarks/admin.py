"""
The moderators' pages with BENCH_THREADS threads (default 200,000), against those with 2,000.

Measured through Django's test client as a superuser. The fastest of several calls counts, because
it is the least disturbed by other processes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

THREADS = int(os.environ.get("BENCH_THREADS", "200000"))
FEW = 2_000
LONG = 20_000  # messages in the thread whose transcript is read
CALLS = 40
LIST = "/admin/chatstore/chatsession/"


def figures() -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of each figure."""
    from django.test import override_settings

    from benchmarks.seed import seed

    seed(1, LONG, prefix="long")
    with override_settings(DEBUG=False):  # Django would log each query
        seed(FEW, prefix="few")
        few = _pages()
        seed(THREADS - FEW, prefix="many")
        many = _pages()
    for name, seconds in many.items():
        yield f"admin_{name}_ms", seconds * 1000, "ms"
        yield f"admin_{name}_ratio", seconds / few[name], "ratio"


def _pages() -> dict[str, float]:
    """Return the seconds that each kind of page takes, the mean of its pages."""
    from chatstore.models import session_key

    thread = session_key("long_0")
    kinds = {
        "list": (
            LIST,
            f"{LIST}?activity=old",
            f"{LIST}?moderation__exact=locked",
            f"{LIST}?thumbs=down",
            f"{LIST}?q=few_7",
        ),
        # Frequent words; the seed has no rare ones.
        "search": (f"{LIST}search/?q=bicycle+refund",),
        "thread": (f"{LIST}{thread}/transcript/", f"{LIST}{thread}/change/"),
        "overview": (f"{LIST}overview/",),
    }
    return {name: statistics.fmean(map(_seconds, urls)) for name, urls in kinds.items()}


def _seconds(url: str) -> float:
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    user, _is_new = get_user_model().objects.get_or_create(
        username="bench", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    times = []
    for _call in range(CALLS):
        start = time.perf_counter()
        response = client.get(url)
        times.append(time.perf_counter() - start)
        assert response.status_code == 200, url  # noqa: S101
    return min(times)
