"""
What others notice of one user who starts as much as a client can (V7).

The user asks for 500 streams, and then sends 1,000 requests a second, or as many as the worker
takes on CONNECTIONS, half of them messages and half reads, to one worker of uvicorn with the
default limits. Others send messages and reads meanwhile, one after the other. The figure is the
median time of theirs, in multiples of what it is without that user. The two are measured in turn,
three times.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.figure import Figure

ROUNDS = 3
STREAMS = 500
MAX_STREAMS = 10  # the default of CHATSTORE_MAX_STREAMS
REQUESTS_PER_SECOND = 1000
CONNECTIONS = 100  # over which these are sent; each waits for its refusals
SECONDS = 8
OTHERS = 20  # users who take turns, so that none reaches a limit
PAUSE_SECONDS = 0.03  # between two requests of the others
CSRF = "a" * 32
READ: dict[str, Any] = {"type": "threads.list", "params": {"limit": 20}}


def message(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    user_input = {"content": content, "attachments": [], "inference_options": {}}
    return {"type": "threads.create", "params": {"input": user_input}}


class Connection:
    """A connection to the server that is kept, with the cookies of one session."""

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.head = (
            "POST /chat/api/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-CSRFToken: {CSRF}\r\nCookie: csrftoken={CSRF}; sessionid={session}\r\n"
        )
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def send(self, document: dict[str, Any], *, wait: bool = True) -> int:
        """
        Send a request, and read the answer to its end, or only its head; return the status.

        On a connection that the server has closed meanwhile it is sent again, on a new one.
        """
        try:
            return await self._send(document, wait)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            self.reader = self.writer = None
            return await self._send(document, wait)

    async def _send(self, document: dict[str, Any], wait: bool) -> int:
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps(document)
        self.writer.write(f"{self.head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split()[1])
        if wait or status != 200:
            await self._read_body(head)
        return status

    async def _read_body(self, head: str) -> None:
        if self.reader is None:
            return
        if "transfer-encoding: chunked" not in head:
            await self.reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
            return
        while size := int((await self.reader.readline()).strip(), 16):
            await self.reader.readexactly(size + 2)
        await self.reader.readline()

    def close(self) -> None:
        if self.writer:
            self.writer.close()


async def attack(port: int, session: str, seconds: float) -> Counter[int]:
    """Ask for the streams, say so, and send the requests; return how often each status came."""
    streams = [Connection(port, session) for _ in range(STREAMS)]
    statuses = Counter(
        await asyncio.gather(*(one.send(message("sleep well"), wait=False) for one in streams))
    )
    print(f"of {STREAMS} streams {dict(statuses)}", flush=True)
    if statuses.keys() != {200, 429} or statuses[200] > MAX_STREAMS:
        raise RuntimeError("Others than these were let in or refused")
    statuses.clear()
    end = time.monotonic() + seconds

    async def send_evenly(number: int) -> None:
        connection = Connection(port, session)
        interval = CONNECTIONS / REQUESTS_PER_SECOND
        due = time.monotonic() + interval * number / CONNECTIONS
        while (now := time.monotonic()) < end:
            await asyncio.sleep(max(0, due - now))
            due += interval
            document = message("say fine") if sum(statuses.values()) % 2 else READ
            statuses[await connection.send(document)] += 1
        connection.close()

    await asyncio.gather(*(send_evenly(number) for number in range(CONNECTIONS)))
    for one in streams:
        one.close()
    return statuses


async def others(port: int, sessions: list[str], seconds: float) -> float:
    """Return the median time of a request of others, in seconds."""
    connections = [Connection(port, session) for session in sessions]
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for connection in connections:
            for document in (message("say fine"), READ):
                began = time.perf_counter()
                status = await connection.send(document)
                times.append(time.perf_counter() - began)
                if status != 200:
                    raise RuntimeError(f"Another user got {status}")
                await asyncio.sleep(PAUSE_SECONDS)
            if time.monotonic() > end:
                break
    for connection in connections:
        connection.close()
    return statistics.median(times)


def figures() -> Iterator[Figure]:
    """Yield the median of the rounds' ratios, and what was sent."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from tests.live import Server

    sessions = []
    for number in range(ROUNDS + OTHERS):
        client = Client()
        client.force_login(get_user_model().objects.create(username=f"bench_{number}"))
        sessions.append(client.cookies["sessionid"].value)
    attackers, users = sessions[:ROUNDS], sessions[ROUNDS:]
    server = Server("Scripted", DJANGO_SETTINGS_MODULE="benchmarks.limits_settings")
    quiet, loud, sent = [], [], []
    try:
        asyncio.run(others(server.port, users, 2))  # so that all is imported
        for attacker in attackers:
            quiet.append(asyncio.run(others(server.port, users, SECONDS)))
            command = [sys.executable, "-m", "benchmarks.limits", str(server.port), attacker]
            with tempfile.TemporaryFile("w+") as out:
                process = subprocess.Popen(command, stdout=out)
                while not os.fstat(out.fileno()).st_size:  # it has asked for its streams
                    time.sleep(0.05)
                loud.append(asyncio.run(others(server.port, users, SECONDS)))
                if process.wait():
                    raise RuntimeError("The flood has failed")
                out.seek(0)
                lines = out.read().splitlines()
            print(*lines, sep="\n", flush=True)
            sent.append(int(lines[-1].split()[0]) / (SECONDS + 2))
    finally:
        server.stop()
    ratios = [busy / idle for busy, idle in zip(loud, quiet, strict=True)]
    yield Figure("limits_others_quiet", statistics.median(quiet) * 1000, "ms")
    yield Figure("limits_others_beside_one_who_floods", statistics.median(loud) * 1000, "ms")
    yield Figure("limits_requests_of_that_one", statistics.median(sent), "a second")
    yield Figure("limits_others_ratio", statistics.median(ratios), "times", at_most=2)


if __name__ == "__main__":
    os.nice(19)  # on this machine the two share its cores
    counts = asyncio.run(attack(int(sys.argv[1]), sys.argv[2], SECONDS + 2))
    print(f"{sum(counts.values())} requests, by status {dict(counts)}")
