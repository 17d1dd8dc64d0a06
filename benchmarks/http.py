"""
A turn over HTTP against a bare view: in one worker of uvicorn, with the demo's middleware.

A turn is ``threads.create`` of a signed-in user, with an answer of one message. The bare view
(benchmarks/site/urls.py) is an async view of Django that finds the signed-in user and streams one
event. Between the two is the SDK alone, with a store that keeps nothing (benchmarks/site/sdk.py):
what it takes beyond the bare view no store can save. They are asked in turn; a ratio is the median
of the rounds' ratios.

Of a stream that stays open, its memory is measured, and, of streams that are opened one after the
other at a fixed rate, the time until the first event. Needs Linux, and PostgreSQL for the targets.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.figure import Figure
from benchmarks.http_client import Client, usage, worker
from benchmarks.site.assistant import HOLD

ROUNDS = 5
REQUESTS = 200  # in a round
USERS = 100
OPEN = 500  # streams whose memory is measured
ARRIVALS = 1_000  # streams that are opened within ARRIVAL_SECONDS
ARRIVAL_SECONDS = 10


def create(text: str) -> bytes:
    content = [{"type": "input_text", "text": text}]
    message = {"content": content, "attachments": [], "inference_options": {}}
    return json.dumps({"type": "threads.create", "params": {"input": message}}).encode()


class Side(NamedTuple):
    url: str
    body: bytes


SIDES = ("bare", "sdk", "turn")
ENDING = {
    "bare": Side("/bare/", create("Hello")),
    "sdk": Side("/sdk/", create("Hello")),
    "turn": Side("/chat/api/", create("Hello")),
}
HELD = {
    "bare": Side("/bare/?hold", create(HOLD)),
    "sdk": Side("/sdk/", create(HOLD)),
    "turn": Side("/chat/api/", create(HOLD)),
}


def sessions() -> list[str]:
    """Make users, and return the key of a session of each."""
    from django.contrib.auth import get_user_model
    from django.test import Client as SessionClient

    keys = []
    for number in range(USERS):
        client = SessionClient()
        client.force_login(get_user_model().objects.create(username=f"bench_{number}"))
        keys.append(client.cookies["sessionid"].value)
    return keys


def rounds(count: int) -> Iterator[tuple[str, ...]]:
    """Yield the names of the sides in each round's order."""
    for number in range(count):
        yield SIDES if number % 2 else SIDES[::-1]


async def turns(port: int, session: str, side: Side, count: int) -> float:
    """Send a request again and again; return the worker's CPU time for each, in seconds."""
    client = Client(port, session)
    before = await usage(port)
    for _ in range(count):
        await client.begin("POST", *side)
        await client.first_event()
        await client.rest()
    after = await usage(port)
    client.close()
    return float(after["cpu"] - before["cpu"]) / count


async def held(port: int, keys: list[str], side: Side, count: int) -> tuple[float, float]:
    """Open streams and keep them; return the bytes and the threads of each."""

    async def opened(number: int) -> list[Client]:
        clients = [Client(port, keys[n % len(keys)]) for n in range(number)]
        for client in clients:
            await client.begin("POST", *side)
            await client.first_event()
        await asyncio.sleep(1)  # until all have come to where they wait
        return clients

    warm = await opened(50)
    for client in warm:
        client.close()
    await asyncio.sleep(1)
    before = await usage(port)
    clients = await opened(count)
    after = await usage(port)
    for client in clients:
        client.close()
    return tuple((after[name] - before[name]) / count for name in ("memory", "threads"))  # type: ignore[return-value]


async def arrivals(port: int, keys: list[str], side: Side, count: int) -> list[float]:
    """Open streams at a fixed rate and keep them; return each one's seconds to its first event."""
    start = time.perf_counter()

    async def arrive(number: int) -> tuple[Client, float]:
        due = start + number * ARRIVAL_SECONDS / count
        await asyncio.sleep(max(0, due - time.perf_counter()))
        client = Client(port, keys[number % len(keys)])
        await client.begin("POST", *side)
        await client.first_event()
        return client, time.perf_counter() - due

    opened = await asyncio.gather(*(arrive(number) for number in range(count)))
    for client, _seconds in opened:
        client.close()
    return sorted(seconds for _client, seconds in opened)


def ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def figures() -> Iterator[Figure]:
    keys = sessions()
    yield from _cpu(keys)
    yield from _memory(keys)
    yield from _first_events(keys)


def _cpu(keys: list[str]) -> Iterator[Figure]:
    cpu: dict[str, list[float]] = {name: [] for name in SIDES}
    with worker() as port:
        for side in ENDING.values():
            asyncio.run(turns(port, keys[0], side, 50))  # compiles, connects
        for names in rounds(ROUNDS):
            for name in names:
                cpu[name].append(asyncio.run(turns(port, keys[0], ENDING[name], REQUESTS)))
    for name, seconds in cpu.items():
        yield Figure(f"http_{name}_cpu_ms", statistics.median(seconds) * 1000, "ms")
    yield Figure("http_sdk_cpu_ratio", ratio(cpu["sdk"], cpu["bare"]), "of_bare")
    yield Figure("http_turn_cpu_ratio", ratio(cpu["turn"], cpu["bare"]), "of_bare", at_most=1.35)


def _memory(keys: list[str]) -> Iterator[Figure]:
    used: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
    for names in rounds(3):
        for name in names:
            with worker() as port:
                used[name].append(asyncio.run(held(port, keys, HELD[name], OPEN)))
    memory = {name: [each[0] / 1000 for each in values] for name, values in used.items()}
    threads = {name: statistics.median(each[1] for each in used[name]) for name in used}
    for name in used:
        yield Figure(f"http_{name}_open_kb", statistics.median(memory[name]), "kB")
        yield Figure(f"http_{name}_open_threads", threads[name], "threads")
    for name, target in (("sdk", None), ("turn", 30)):
        beyond = [one - bare for one, bare in zip(memory[name], memory["bare"], strict=True)]
        kilobytes = statistics.median(beyond)
        yield Figure(f"http_{name}_open_beyond_bare_kb", kilobytes, "kB", at_most=target)


def _first_events(keys: list[str]) -> Iterator[Figure]:
    seconds: dict[str, list[list[float]]] = {name: [] for name in SIDES}
    for names in rounds(3):
        for name in names:
            with worker() as port:
                asyncio.run(turns(port, keys[0], ENDING[name], 50))
                seconds[name].append(asyncio.run(arrivals(port, keys, HELD[name], ARRIVALS)))
    for percent in (50, 99):
        at = {
            name: [each[ARRIVALS * percent // 100] for each in values]
            for name, values in seconds.items()
        }
        for name, values in at.items():
            yield Figure(f"http_{name}_first_p{percent}_ms", statistics.median(values) * 1000, "ms")
        for name, target in (("sdk", None), ("turn", 1.35)):
            yield Figure(
                f"http_{name}_first_p{percent}_ratio",
                ratio(at[name], at["bare"]),
                "of_bare",
                at_most=target,
            )
