"""
The store's operations: against hand-written SQL, and on a long thread against a short one.

A turn is the four operations of one question and its answer: load the thread, add a message, load
the newest page of 20 items, add the answer.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItem,
    ThreadMetadata,
)
from django.db import connection
from pydantic import TypeAdapter

from chatstore.store import DjangoStore

TURNS = 400
ROUNDS = 5
CONTEXT = {"user_id": "bench"}
ITEM = TypeAdapter(ThreadItem)
Turn = Callable[[int], Awaitable[None]]


def item(id_: str) -> AssistantMessageItem:
    return AssistantMessageItem(
        id=id_,
        thread_id="thr",
        created_at=datetime.now(),  # noqa: DTZ005 (as the SDK makes it)
        content=[AssistantMessageContent(text="The answer, in a paragraph or two. " * 20)],
    )


async def operations_per_second(turn: Turn, at_once: int) -> float:
    """Run TURNS turns, ``at_once`` of them concurrently, each in a thread like a request."""
    numbers = iter(range(TURNS))

    async def request() -> None:
        async with ThreadSensitiveContext():
            for number in numbers:
                await turn(number)

    start = time.perf_counter()
    await asyncio.gather(*(request() for _ in range(at_once)))
    return 4 * TURNS / (time.perf_counter() - start)


async def median_ms(call: Callable[[], Awaitable[Any]], repeats: int = 200) -> float:
    times = []
    async with ThreadSensitiveContext():
        for _ in range(repeats):
            start = time.perf_counter()
            await call()
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


class StoreTurns:
    """Turns through DjangoStore."""

    def __init__(self, run: str) -> None:
        self.store: DjangoStore[Any] = DjangoStore()
        self.run = run

    async def prepare(self, threads: int) -> None:
        for number in range(threads):
            await self.store.save_thread(
                ThreadMetadata(id=f"{self.run}-{number}", created_at=datetime.now()),  # noqa: DTZ005
                CONTEXT,
            )

    async def turn(self, number: int) -> None:
        thread_id = f"{self.run}-{number % 50}"
        await self.store.load_thread(thread_id, CONTEXT)
        await self.store.add_thread_item(thread_id, item(f"q{number}"), CONTEXT)
        await self.store.load_thread_items(thread_id, None, 20, "desc", CONTEXT)
        await self.store.add_thread_item(thread_id, item(f"a{number}"), CONTEXT)


class HandWrittenTurns:
    """The same turns by hand-written SQL: psycopg's async pool, one statement an operation."""

    def __init__(self, run: str) -> None:
        self.run = run

    async def prepare(self, threads: int) -> None:
        from psycopg_pool import AsyncConnectionPool

        options = connection.settings_dict
        self.pool = AsyncConnectionPool(
            kwargs={
                "host": options["HOST"],
                "port": options["PORT"],
                "user": options["USER"],
                "password": options["PASSWORD"],
                "dbname": options["NAME"],
            },
            min_size=2,
            max_size=10,
            open=False,
        )
        await self.pool.open(wait=True)
        async with self.pool.connection() as db:
            await db.execute(
                "CREATE TABLE IF NOT EXISTS hand_threads (id text PRIMARY KEY, user_id text,"
                " updated_at timestamptz DEFAULT now(), payload text)"
            )
            await db.execute(
                "CREATE TABLE IF NOT EXISTS hand_items (thread_id text, id text, user_id text,"
                " at timestamptz, payload text, PRIMARY KEY (thread_id, id))"
            )
            await db.execute(
                "CREATE INDEX IF NOT EXISTS hand_order ON hand_items (user_id, thread_id, at)"
            )
            for number in range(threads):
                thread = ThreadMetadata(id=f"{self.run}-{number}", created_at=datetime.now())  # noqa: DTZ005
                await db.execute(
                    "INSERT INTO hand_threads (id, user_id, payload) VALUES (%s, 'bench', %s)",
                    (thread.id, thread.model_dump_json()),
                )

    async def turn(self, number: int) -> None:
        thread_id = f"{self.run}-{number % 50}"
        async with self.pool.connection() as db:
            cursor = await db.execute(
                "SELECT payload FROM hand_threads WHERE id = %s AND user_id = 'bench'",
                (thread_id,),
            )
            ThreadMetadata.model_validate_json((await cursor.fetchone())[0])
        await self._add(thread_id, item(f"q{number}"))
        async with self.pool.connection() as db:
            cursor = await db.execute(
                "SELECT payload FROM hand_items WHERE user_id = 'bench' AND thread_id = %s"
                " ORDER BY at DESC LIMIT 21",
                (thread_id,),
            )
            for (payload,) in await cursor.fetchall():
                ITEM.validate_json(payload)
        await self._add(thread_id, item(f"a{number}"))

    async def _add(self, thread_id: str, added: ThreadItem) -> None:
        async with self.pool.connection() as db:
            await db.execute(
                "WITH moved AS (UPDATE hand_threads SET updated_at ="
                " greatest(updated_at + interval '1 microsecond', clock_timestamp())"
                " WHERE id = %s AND user_id = 'bench' RETURNING updated_at)"
                " INSERT INTO hand_items SELECT %s, %s, 'bench', updated_at, %s FROM moved",
                (thread_id, thread_id, added.id, added.model_dump_json()),
            )

    async def close(self) -> None:
        await self.pool.close()


async def compare(at_once: int) -> tuple[float, float]:
    """Return the median operations a second of the store and of hand-written SQL (0: not run)."""
    store, hand_written = [], []
    for number in range(ROUNDS):
        ours = StoreTurns(f"ours-{at_once}-{number}")
        await ours.prepare(50)
        store.append(await operations_per_second(ours.turn, at_once))
        if connection.vendor == "postgresql":
            theirs = HandWrittenTurns(f"hand-{at_once}-{number}")
            await theirs.prepare(50)
            hand_written.append(await operations_per_second(theirs.turn, at_once))
            await theirs.close()
    return statistics.median(store), statistics.median(hand_written or [0])


async def long_thread() -> dict[str, float]:
    """Return the median milliseconds of operations on threads of 20 and of 2,000 items."""
    store: DjangoStore[Any] = DjangoStore()
    times: dict[str, float] = {}
    for length in (20, 2000):
        thread_id = f"long-{length}"
        await store.save_thread(
            ThreadMetadata(id=thread_id, created_at=datetime.now()),  # noqa: DTZ005
            CONTEXT,
        )
        async with ThreadSensitiveContext():
            for number in range(length):
                await store.add_thread_item(thread_id, item(f"i{number}"), CONTEXT)
        added = iter(range(10**6))

        async def add(thread_id: str = thread_id, added: Iterator[int] = added) -> None:
            await store.add_thread_item(thread_id, item(f"n{next(added)}"), CONTEXT)

        async def page(after: str | None, thread_id: str = thread_id) -> None:
            await store.load_thread_items(thread_id, after, 20, "asc", CONTEXT)

        times[f"page_{length}"] = await median_ms(lambda: page(None))
        times[f"deep_{length}"] = await median_ms(lambda: page(f"i{length // 2 - 1}"))  # noqa: B023
        times[f"add_{length}"] = await median_ms(add)
    return times


def figures() -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of each figure."""
    for at_once in (1, 8):
        store, hand_written = asyncio.run(compare(at_once))
        yield f"store_turn_{at_once}_ops", store, "operations/s"
        if hand_written:
            yield f"store_turn_{at_once}_hand_ops", hand_written, "operations/s"
            yield f"store_turn_{at_once}_ratio", store / hand_written, "of hand-written"
    times = asyncio.run(long_thread())
    yield "store_page_ms", times["page_20"], "ms"
    yield "store_add_ms", times["add_20"], "ms"
    yield "store_page_long_ratio", times["page_2000"] / times["page_20"], "of a short thread"
    yield "store_deep_page_ratio", times["deep_2000"] / times["page_2000"], "of the first page"
    yield "store_add_long_ratio", times["add_2000"] / times["add_20"], "of a short thread"
