"""
The store's operations against SQL that is written by hand, and on a long thread against a short.

A turn is what one question and its answer cost the store: load the thread, add a message, read
the newest page of 20, add the answer. The floor is what an async programmer without any of the
store's promises would write for PostgreSQL: one statement an operation on psycopg's async pool, an
item added by a plain INSERT without a lock and without an order.

Each round runs the floor and both of the store's ways of execution one after the other; a ratio is
the median of the rounds' ratios, so that a machine that is slow for a while slows both sides.

BENCH_WITHOUT names indexes that are dropped before, to see what they cost.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItem,
    ThreadMetadata,
)
from django.db import connection, connections
from django.test import override_settings
from django.utils import timezone
from pydantic import TypeAdapter

from benchmarks.figure import Figure
from chatstore.db import async_pools
from chatstore.models import ChatSession, session_key
from chatstore.store import DjangoStore

ROUNDS = 3
TURNS = 400  # in a round
WARM_UP = 80  # before it: each of the ten connections prepares a statement at its sixth execution
ADDS = 1600
THREADS = 50
CROWD = 5_000  # threads of other owners; PostgreSQL would rather read a small table as a whole
LONG = 2_000  # items of the long thread
POOL = {"min_size": 10, "max_size": 10}
CONTEXT = {"user_id": "bench"}
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
THREAD: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
numbers = itertools.count()


def new_item(id_: str) -> AssistantMessageItem:
    return AssistantMessageItem(
        id=id_,
        thread_id="thr",
        created_at=datetime.now(),  # noqa: DTZ005 (as the SDK makes it)
        content=[AssistantMessageContent(text="The answer, in a paragraph or two. " * 20)],
    )


def new_thread(id_: str) -> ThreadMetadata:
    return ThreadMetadata(id=id_, created_at=datetime.now())  # noqa: DTZ005


class Store:
    """The store: on its async pool, or on Django's connection in a thread."""

    def __init__(self, *, on_pool: bool) -> None:
        self.store: DjangoStore[Any] = DjangoStore()
        self.on_pool = on_pool

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        with override_settings(CHATSTORE_ASYNC_POOL=POOL if self.on_pool else {}):
            try:
                yield
            finally:
                await async_pools.close_async_pools()

    async def save_thread(self, thread: ThreadMetadata) -> None:
        await self.store.save_thread(thread, CONTEXT)

    async def load_thread(self, thread_id: str) -> ThreadMetadata:
        return await self.store.load_thread(thread_id, CONTEXT)

    async def add(self, thread_id: str, item: ThreadItem) -> None:
        await self.store.add_thread_item(thread_id, item, CONTEXT)

    async def page(self, thread_id: str, after: str | None = None) -> list[ThreadItem]:
        return (await self.store.load_thread_items(thread_id, after, 20, "desc", CONTEXT)).data

    async def load_item(self, thread_id: str, item_id: str) -> ThreadItem:
        return await self.store.load_item(thread_id, item_id, CONTEXT)

    async def delete_item(self, thread_id: str, item_id: str) -> None:
        await self.store.delete_thread_item(thread_id, item_id, CONTEXT)

    async def threads(self) -> list[ThreadMetadata]:
        return (await self.store.load_threads(20, None, "desc", CONTEXT)).data


FLOOR_TABLES = (
    """CREATE TABLE IF NOT EXISTS floor_threads
    (id text PRIMARY KEY, user_id text, created_at timestamptz DEFAULT now(), payload text)""",
    "CREATE INDEX IF NOT EXISTS floor_list ON floor_threads (user_id, created_at, id)",
    """CREATE TABLE IF NOT EXISTS floor_items (thread_id text, id text, user_id text,
    at timestamptz, payload text, PRIMARY KEY (thread_id, id))""",
    "CREATE INDEX IF NOT EXISTS floor_order ON floor_items (user_id, thread_id, at)",
)


class Floor:
    """One table for threads, one for items, one statement an operation."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        from psycopg_pool import AsyncConnectionPool

        options = connection.settings_dict
        async with AsyncConnectionPool(
            kwargs={
                "host": options["HOST"],
                "port": options["PORT"],
                "user": options["USER"],
                "password": options["PASSWORD"],
                "dbname": options["NAME"],
                "autocommit": True,
            },
            open=False,
            **POOL,
        ) as self.pool:
            for statement in FLOOR_TABLES:
                await self._execute(statement)
            yield

    async def _execute(self, sql: str, *values: Any) -> Any:
        async with self.pool.connection() as db:
            cursor = await db.execute(sql, values)
            return await cursor.fetchall() if sql.startswith("SELECT") else None

    async def save_thread(self, thread: ThreadMetadata) -> None:
        await self._execute(
            "INSERT INTO floor_threads (id, user_id, payload) VALUES (%s, 'bench', %s)",
            *(thread.id, thread.model_dump_json()),
        )

    async def load_thread(self, thread_id: str) -> ThreadMetadata:
        [[payload]] = await self._execute(
            "SELECT payload FROM floor_threads WHERE id = %s AND user_id = %s", thread_id, "bench"
        )
        return THREAD.validate_json(payload)

    async def add(self, thread_id: str, item: ThreadItem) -> None:
        await self._execute(
            "INSERT INTO floor_items (thread_id, id, user_id, at, payload)"
            " VALUES (%s, %s, 'bench', now(), %s)",
            *(thread_id, item.id, item.model_dump_json()),
        )

    async def page(self, thread_id: str, after: str | None = None) -> list[ThreadItem]:
        beyond = ""
        if after:
            beyond = " AND at < (SELECT at FROM floor_items WHERE thread_id = %s AND id = %s)"
        rows = await self._execute(
            "SELECT id, payload FROM floor_items WHERE user_id = 'bench' AND thread_id = %s"
            f"{beyond} ORDER BY at DESC LIMIT 21",
            *((thread_id, thread_id, after) if after else (thread_id,)),
        )
        return [ITEM.validate_json(payload) for _id, payload in rows[:20]]

    async def threads(self) -> list[ThreadMetadata]:
        rows = await self._execute(
            "SELECT id, payload FROM floor_threads WHERE user_id = %s"
            " ORDER BY created_at DESC, id DESC LIMIT 21",
            "bench",
        )
        return [THREAD.validate_json(payload) for _id, payload in rows[:20]]


Side = Store | Floor
SIDES: dict[str, Callable[[], Side]] = {
    "floor": Floor,
    "pool": lambda: Store(on_pool=True),
    "thread": lambda: Store(on_pool=False),
}


class Speed(NamedTuple):
    per_second: float
    cpu: float  # seconds of this process for one operation


async def speed(operation: Callable[[int], Awaitable[Any]], count: int, at_once: int) -> Speed:
    """Run an operation so many times, so many at once, each in a thread as a request is."""
    todo = iter(range(count))

    async def request() -> None:
        async with ThreadSensitiveContext():
            for number in todo:
                await operation(number)
            await sync_to_async(connections.close_all)()

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(request() for _ in range(at_once)))
    return Speed(count / (time.perf_counter() - start), (time.process_time() - cpu) / count)


async def warm_speed(operation: Callable[[int], Awaitable[Any]], count: int, at_once: int) -> Speed:
    """Measure as speed() does, on connections that have run the operation before, as most have."""
    await operation(-1)  # compiles
    await speed(lambda number: operation(-2 - number), WARM_UP, at_once)
    return await speed(operation, count, at_once)


async def new_threads(side: Side) -> list[str]:
    """Make threads to measure with, beside others that have items, and count them all."""
    ids = [f"t{next(numbers)}" for _ in range(THREADS)]
    others = [f"t{next(numbers)}" for _ in range(THREADS)]
    for thread_id in (*ids, *others):
        await side.save_thread(new_thread(thread_id))
    for thread_id, number in itertools.product(others, range(10)):
        await side.add(thread_id, new_item(f"i{number}"))
    # A server plans by its statistics and removes old versions of rows, which it does within a
    # minute, unless autovacuum is turned off.
    if connection.vendor == "postgresql":
        await sync_to_async(_add_crowd)()
        await sync_to_async(_analyze)()
    return ids


async def turns(side: Side, at_once: int) -> Speed:
    ids = await new_threads(side)

    async def turn(number: int) -> None:
        thread_id = ids[number % THREADS]
        await side.load_thread(thread_id)
        await side.add(thread_id, new_item(f"q{number}"))
        await side.page(thread_id)
        await side.add(thread_id, new_item(f"a{number}"))

    return await warm_speed(turn, TURNS, at_once)


async def adds(side: Side, at_once: int) -> Speed:
    ids = await new_threads(side)

    async def add(number: int) -> None:
        await side.add(ids[number % THREADS], new_item(f"i{number}"))

    return await warm_speed(add, ADDS, at_once)


async def seconds(operation: Callable[[], Awaitable[Any]], repeats: int = 100) -> float:
    """Return the median time of an operation."""
    times = []
    async with ThreadSensitiveContext():
        for _ in range(repeats):
            start = time.perf_counter()
            await operation()
            times.append(time.perf_counter() - start)
        await sync_to_async(connections.close_all)()
    return statistics.median(times[repeats // 10 :])


async def reads(side: Side, length: int) -> dict[str, float]:
    """Return the seconds of each read, and of an add, with a thread of this length."""
    thread_id = f"long{next(numbers)}"
    await side.save_thread(new_thread(thread_id))
    for number in range(length):
        await side.add(thread_id, new_item(f"i{number}"))
    if connection.vendor == "postgresql":
        await sync_to_async(_analyze)()
    added = itertools.count(length)
    return {
        "last_page": await seconds(lambda: side.page(thread_id)),
        "deep_page": await seconds(lambda: side.page(thread_id, f"i{length // 2}")),
        "threads": await seconds(side.threads),
        "add": await seconds(lambda: side.add(thread_id, new_item(f"i{next(added)}"))),
    }


def _add_crowd() -> None:
    """Add threads of other owners to the tables that there are, once."""
    ids = [f"crowd{number}" for number in range(CROWD)]
    if ChatSession.objects.count() < CROWD:
        times = dict.fromkeys(("created_at", "updated_at"), timezone.now())
        ChatSession.objects.bulk_create(
            ChatSession(
                session_id=session_key(id_), thread_id=id_, user_id=id_, payload="{}", **times
            )
            for id_ in ids
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('floor_threads')")
        if cursor.fetchone()[0]:
            cursor.execute(
                "INSERT INTO floor_threads (id, user_id, payload)"
                " SELECT id, id, '{}' FROM unnest(%s::text[]) id ON CONFLICT DO NOTHING",
                [ids],
            )
    connection.close()


def _analyze() -> None:
    with connection.cursor() as cursor:
        for table in ("chat_sessions", "chat_messages", "floor_threads", "floor_items"):
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0]:
                cursor.execute(f"VACUUM ANALYZE {table}")
    connection.close()


def run(side: str, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    async def main() -> Any:
        made = SIDES[side]()
        async with made.opened():
            result = await function(made, *arguments)
            await sync_to_async(connections.close_all)()
            return result

    return asyncio.run(main())


def rounds(
    sides: list[str], function: Callable[..., Awaitable[Any]], *arguments: Any
) -> dict[str, list[Any]]:
    """Return each side's results of all rounds, in which the sides take turns."""
    results: dict[str, list[Any]] = {side: [] for side in sides}
    for number in range(ROUNDS):
        for side in sides if number % 2 else reversed(sides):
            results[side].append(run(side, function, *arguments))
    return results


def ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def compared(
    name: str,
    results: dict[str, list[Speed]],
    at_least: dict[str, float],
    cpu_at_most: dict[str, float],
) -> Iterator[Figure]:
    """Yield each side's operations a second, and its ratios to the floor."""
    for side, measured in results.items():
        per_second = [each.per_second for each in measured]
        yield Figure(f"{name}_{side}", statistics.median(per_second), "per_s")
        if side == "floor" or "floor" not in results:
            continue
        floor = results["floor"]
        yield Figure(
            f"{name}_{side}_ratio",
            ratio(per_second, [each.per_second for each in floor]),
            "of_floor",
            at_least=at_least.get(side),
        )
        yield Figure(
            f"{name}_{side}_cpu_ratio",
            ratio([each.cpu for each in measured], [each.cpu for each in floor]),
            "of_floor",
            at_most=cpu_at_most.get(side),
        )


def drop_indexes() -> None:
    with connection.cursor() as cursor:
        for name in filter(None, os.environ.get("BENCH_WITHOUT", "").split(",")):
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    connection.close()


def figures() -> Iterator[Figure]:
    drop_indexes()
    is_postgresql = connection.vendor == "postgresql"
    sides = ["floor", "pool", "thread"] if is_postgresql else ["thread"]
    for at_once, at_least in (
        (1, {"pool": 0.68, "thread": 0.45}),
        (8, {"pool": 0.65, "thread": 0.33}),
    ):
        results = rounds(sides, turns, at_once)
        yield from compared(f"turn_{at_once}", results, at_least, {"pool": 1.35})
    for at_once, at_least in ((1, {"pool": 0.59}), (16, {"pool": 0.55})):
        results = rounds(sides, adds, at_once)
        yield from compared(f"add_{at_once}", results, at_least, {})
    long, short = (rounds(sides, reads, length) for length in (LONG, 20))
    for name in long["thread"][0]:
        for side in sides[1:]:
            yield Figure(
                f"{name}_{side}_ratio",
                ratio([each[name] for each in long[side]], [each[name] for each in long["floor"]]),
                "of_floor_time",
                at_most=1.5 if side == "pool" and name != "add" else None,
            )
        yield Figure(
            f"{name}_long_ratio",
            ratio(
                [each[name] for each in long["thread"]], [each[name] for each in short["thread"]]
            ),
            "of_short_thread",
            at_most=1.2,
        )
