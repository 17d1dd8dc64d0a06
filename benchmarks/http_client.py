"""A worker of uvicorn with benchmarks.site, and clients that do little besides waiting for it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

CSRF = "a" * 32


@contextmanager
def worker() -> Iterator[int]:
    """Run one worker; yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "project.asgi:application"]
    options = ["--port", str(port), "--no-access-log", "--log-level", "error", "--lifespan", "on"]
    environment = {
        **os.environ,
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "benchmarks.site.settings",
        # On a slow machine requests wait longer for a connection, and that is to be measured.
        "DATABASE_POOL_TIMEOUT": "120",
    }
    process = subprocess.Popen([*command, *options], env=environment)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


class Client:
    """
    One connection of a user; it is kept open between requests that are read to their end.

    Args:
        port: the worker's.
        session: the user's session key.
    """

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.session = session
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def begin(self, method: str, url: str, body: bytes = b"") -> None:
        """Send a request, and read until its first event, or the end of its body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        headers = [
            f"{method} {url} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Cookie: csrftoken={CSRF}; sessionid={self.session}",
            f"X-CSRFToken: {CSRF}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        writer.write("\r\n".join([*headers, "", ""]).encode() + body)
        self.head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in self.head.split(b"\r\n", 1)[0], self.head  # noqa: S101

    async def first_event(self) -> None:
        assert self._streams  # noqa: S101
        assert b"event-stream" in self.head, self.head  # noqa: S101
        await self._streams[0].readuntil(b"data: ")

    async def rest(self) -> bytes:
        """Read the body to its end."""
        assert self._streams  # noqa: S101
        reader = self._streams[0]
        if b"chunked" in self.head:
            return await reader.readuntil(b"\r\n0\r\n\r\n")
        [length] = [
            line.split(b":")[1]
            for line in self.head.splitlines()
            if line.lower().startswith(b"content-length:")
        ]
        return await reader.readexactly(int(length))

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def usage(port: int) -> dict[str, float]:
    """Return what the worker has used until now, as benchmarks.site.urls.usage tells it."""
    client = Client(port, "")
    await client.begin("GET", "/usage/")
    used: dict[str, float] = json.loads(await client.rest())
    client.close()
    return used
