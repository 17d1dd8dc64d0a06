"""
The store's operations in a database of 2,000,000 messages, against one of 2,000.

They run on threads that were used just before, so that the cache has their pages, as it has those
of a conversation that is going on. The two databases take turns.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator

from django.db import connection

from benchmarks import store
from benchmarks.figure import Figure

ROUNDS = 7
THREADS = 10
ITEMS = 50  # in each thread
AT_MOST = {"last_page": 1.2, "load_item": 1.2, "threads": 1.2, "delete_item": 1.2}


async def new_threads(side: store.Store) -> list[str]:
    """Make threads with items, beside the empty ones of a benchmark of turns."""
    ids = (await store.new_threads(side))[:THREADS]
    for thread_id, number in itertools.product(ids, range(ITEMS)):
        await side.add(thread_id, store.new_item(f"i{number}"))
    return ids


async def operations(side: store.Store, ids: list[str]) -> dict[str, float]:
    """Return the seconds of each operation."""
    threads, added, deleted = itertools.cycle(ids), list[tuple[str, str]](), itertools.count()

    async def add() -> None:
        thread_id, item_id = next(threads), f"new{next(store.numbers)}"
        added.append((thread_id, item_id))
        await side.add(thread_id, store.new_item(item_id))

    async def delete() -> None:
        await side.delete_item(*added[next(deleted)])

    return {
        "last_page": await store.seconds(lambda: side.page(next(threads))),
        "load_item": await store.seconds(lambda: side.load_item(next(threads), f"i{ITEMS // 2}")),
        "threads": await store.seconds(side.threads),
        "add": await store.seconds(add),
        "delete_item": await store.seconds(delete),
    }


def figures(use: Callable[[str], None], few: str, many: str) -> Iterator[Figure]:
    """Yield the ratios; ``use`` connects to the database with this name."""
    sides = ["pool", "thread"] if connection.vendor == "postgresql" else ["thread"]
    ids = {}
    for name in (few, many):
        use(name)
        ids[name] = store.run(sides[0], new_threads)
    ratios: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS):
        for side in sides:
            seconds = {}
            for name in (few, many) if number % 2 else (many, few):
                use(name)
                seconds[name] = store.run(side, operations, ids[name])
            for operation, few_seconds in seconds[few].items():
                ratio = seconds[many][operation] / few_seconds
                ratios.setdefault((operation, side), []).append(ratio)
    for (operation, side), measured in ratios.items():
        yield Figure(
            f"{operation}_{side}_flat_ratio",
            statistics.median(measured),
            "of_2000_messages",
            at_most=AT_MOST.get(operation),
        )
