"""
The moderators' pages with BENCH_THREADS threads (default 200,000), against those with 2,000.

Each thread has ten messages, so they are 2,000,000 and 20,000. The two databases take turns; in a
round the fastest of several calls counts, because it is the least disturbed by other processes.
The pages are asked for through Django's test client, as a superuser.

benchmarks/flat.py and benchmarks/search.py use the large database too, and a third one of 200
threads.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import flat, search
from benchmarks.figure import Figure

THREADS = int(os.environ.get("BENCH_THREADS", "200000"))
FEW = 2_000
FEWEST = 200
LONG = 20_000  # messages in the thread whose transcript is read
ROUNDS = 3
CALLS = 12  # of each page in a round
AT_MOST = {"list": 1.5, "overview": 1.5}  # the ratio to the small database
LIST = "/admin/chatstore/chatsession/"


def figures() -> Iterator[Figure]:
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    # Nothing was collected by collectstatic, nor is it sent here.
    changed = override_settings(
        ALLOWED_HOSTS=["localhost"],
        MIDDLEWARE=[name for name in settings.MIDDLEWARE if "static_files" not in name],
        STORAGES={"default": plain, "staticfiles": plain},
    )
    with changed, _databases() as use:
        rounds = []
        for _number in range(ROUNDS):
            few, many = (_pages(use, name) for name in ("few", "many"))
            rounds.append({name: (many[name], few[name]) for name in many})
        search_figures = list(search.figures(use, "fewest", "many"))
        flat_figures = list(flat.figures(use, "fewest", "many"))
    for name in rounds[0]:
        seconds = statistics.median(each[name][0] for each in rounds)
        yield Figure(f"admin_{name}", seconds * 1000, "ms")
        yield Figure(
            f"admin_{name}_ratio",
            statistics.median(many / few for many, few in (each[name] for each in rounds)),
            "of_2000_threads",
            at_most=AT_MOST.get(name),
        )
    yield from search_figures
    yield from flat_figures


@contextmanager
def _databases() -> Iterator[Callable[[str], None]]:
    """Make databases of three sizes; yield a function that connects to one of them."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    from benchmarks.seed import analyze, seed

    names = {"many": connection.settings_dict["NAME"]}

    def use(name: str) -> None:
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()
        connection.settings_dict["NAME"] = names[name]

    def copy(name: str) -> None:
        use("many")
        # Django's own way to copy a test database, for its parallel tests.
        connection.creation.clone_test_db(name, verbosity=0)
        names[name] = connection.creation.get_test_db_clone_settings(name)["NAME"]

    get_user_model().objects.create_superuser("bench")
    try:
        seed(FEWEST, prefix="fewest")
        copy("fewest")
        seed(1, LONG, prefix="long")
        seed(FEW - FEWEST, prefix="few")
        copy("few")
        seed(THREADS - FEW, prefix="many")
        for name in ("few", "fewest"):
            use(name)
            analyze()
        yield use
    finally:
        use("many")
        for name in names.keys() - {"many"}:
            connection.creation.destroy_test_db(suffix=name, verbosity=0)


def _pages(use: Callable[[str], None], database: str) -> dict[str, float]:
    """Return the seconds that each kind of page takes, the mean of its pages."""
    from chatstore.models import session_key

    use(database)
    thread = session_key("long_0")
    kinds = {
        "list": (
            LIST,
            f"{LIST}?activity=old",
            f"{LIST}?state=locked",
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

    client: Any = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get(username="bench"))
    times = []
    for _call in range(CALLS):
        start = time.perf_counter()
        response = client.get(url, secure=True)
        times.append(time.perf_counter() - start)
        assert response.status_code == 200, f"{url}: {response.status_code}"  # noqa: S101
    return min(times)
