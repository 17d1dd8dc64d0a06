"""
The CPU time of each operation of a turn, of this process and of the server, beside the floor's.

Where other programs use the machine too, ratios of times say little. What a few operations in a row
take of the CPU, at the lowest fifth of many such batches, comes out much the same each time. Each
side has one connection, whose server process must run on this machine (Linux).

BENCH_WITHOUT names indexes that are dropped before, as for the part store.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from benchmarks import store
from benchmarks.figure import Figure
from chatstore.db import async_pools

BATCHES = 60
OPERATIONS = 20  # in a batch, of as many threads
POOL = {"min_size": 1, "max_size": 1}
SIDES = ("floor", "pool")


def figures() -> Iterator[Figure]:
    if connection.vendor != "postgresql":
        return
    store.drop_indexes()
    for name, sides in asyncio.run(_measure()).items():
        for place in ("client", "server"):
            floor, ours = (sides[side][place] for side in SIDES)
            yield Figure(f"cpu_{name}_{place}_floor", floor, "us")
            yield Figure(f"cpu_{name}_{place}", ours, "us")
        floor, ours = (sum(sides[side].values()) for side in SIDES)
        yield Figure(f"cpu_{name}_ratio", ours / floor, "of_floor")


@asynccontextmanager
async def _opened() -> AsyncIterator[dict[str, tuple[store.Side, list[str], int]]]:
    """Open both sides; yield of each also its threads and the id of its server process."""
    async with AsyncExitStack() as stack:
        sides = {}
        for name in SIDES:
            side: Any = store.SIDES[name]()
            await stack.enter_async_context(side.opened())
            ids = await store.new_threads(side)
            database: Any = side if name == "floor" else await async_pools.get_database("default")
            async with database.pool.connection() as one:
                sides[name] = side, ids, one.info.backend_pid
        yield sides


async def _measure() -> dict[str, dict[str, dict[str, float]]]:
    """Return microseconds, by operation, side and place."""
    numbers = itertools.count()
    store.POOL = POOL

    operations: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
        "load": lambda side, thread_id: side.load_thread(thread_id),
        "add": lambda side, thread_id: side.add(thread_id, store.new_item(f"n{next(numbers)}")),
        "page": lambda side, thread_id: side.page(thread_id),
    }
    results: dict[str, dict[str, dict[str, float]]] = {}
    async with _opened() as sides:
        for name, operation in operations.items():
            taken: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
            for batch in range(BATCHES):
                for side_name in SIDES if batch % 2 else reversed(SIDES):
                    side, ids, pid = sides[side_name]
                    taken[side_name].append(await _batch(operation, side, ids, pid))
            results[name] = {
                side: {
                    place: sorted(values)[BATCHES // 5]
                    for place, values in zip(
                        ("client", "server"), zip(*both, strict=True), strict=True
                    )
                }
                for side, both in taken.items()
            }
    return results


async def _batch(
    operation: Callable[[Any, str], Awaitable[Any]], side: store.Side, ids: list[str], pid: int
) -> tuple[float, float]:
    """Run a batch; return what an operation took of this process and of the server's."""
    server, client = _server_seconds(pid), time.process_time()
    for thread_id in ids[:OPERATIONS]:
        await operation(side, thread_id)
    client = time.process_time() - client
    await asyncio.sleep(0.002)  # the server's process has ended its last statement
    server = _server_seconds(pid) - server
    return client / OPERATIONS * 1e6, server / OPERATIONS * 1e6


def _server_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
