"""What goes wrong during a soak, and the commands that an operator runs meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from django.db import connection

from chatstore.models import ChatAttachment, ChatSession
from tests import rows
from tests.browser import ROOT, free_port
from tests.postgresql import PostgreSQL
from tests.soak.users import Person

OLD = dt.timedelta(days=100)


class Worker:
    """A uvicorn, which keeps its address when it is started again."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.name, self.log, self.url = name, log, f"http://127.0.0.1:{self.port}"
        self._environment = {
            **environment,
            "DATABASE_URL": f"{environment['DATABASE_URL']}?application_name={name}",
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "tests.soak.site:application"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--no-access-log"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def holds(self) -> dict[str, int] | None:
        """Return how many streams, tasks and threads it has; None while it is not up."""
        try:
            return httpx.get(f"{self.url}/soak/", timeout=30).json()
        except httpx.TransportError:
            return None

    async def wait(self) -> None:
        while not await asyncio.to_thread(self.holds):
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            await asyncio.sleep(0.1)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(120)
        finally:
            self.process.kill()
            self.process.wait()


class Faults:
    """
    Does one of its actions after the other, in a random order.

    Attributes:
        wrong: what should not have happened, as sentences.
    """

    def __init__(
        self,
        seed: int,
        database: PostgreSQL,
        workers: list[Worker],
        people: list[Person],
        environment: dict[str, str],
        folder: Path,
    ) -> None:
        self.random = random.Random(f"{seed} faults")
        self.database, self.workers, self.people = database, workers, people
        self.environment, self.folder = environment, folder
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def happen(self, is_over: asyncio.Event) -> None:
        actions: list[Callable[[], Awaitable[None]]] = [
            self.restart_database,
            self.end_connections,
            self.kill_worker,
            self.stop_worker,
            self.clean_up,
            self.export,
            self.erase,
        ]
        while not is_over.is_set():
            self.random.shuffle(actions)
            for action in actions:
                if not is_over.is_set():
                    await action()
                    self.counts[action.__name__] += 1
                    await asyncio.sleep(self.random.uniform(0, 2))

    async def restart_database(self) -> None:
        await asyncio.to_thread(self.database.stop, self.random.choice(("fast", "immediate")))
        await asyncio.sleep(self.random.uniform(0, 3))
        await asyncio.to_thread(self.database.start)

    async def end_connections(self) -> None:
        await asyncio.to_thread(self._end_connections)

    def _end_connections(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'worker%'"
            )
        connection.close()

    async def kill_worker(self) -> None:
        await self._restart_worker(signal.SIGKILL)

    async def stop_worker(self) -> None:
        await self._restart_worker(signal.SIGTERM)

    async def _restart_worker(self, number: signal.Signals) -> None:
        worker = self.random.choice(self.workers)
        code = await asyncio.to_thread(worker.stop, number)
        if number == signal.SIGTERM and code not in (0, -signal.SIGTERM):
            self.wrong.append(f"After SIGTERM {worker.name} exited with {code}")
        worker.start()
        await worker.wait()

    async def clean_up(self) -> None:
        await asyncio.to_thread(self._add_old_threads)
        await self.command("cleanup_threads", "--days", "90", "--batch-size", "2")
        await self.command("cleanup_attachments")
        if left := await asyncio.to_thread(self._count_old_rows):
            self.wrong.append(f"cleanup_threads has left {left} rows")

    def _add_old_threads(self) -> None:
        for number in range(5):
            name = f"thr_old_{self.counts['clean_up']}_{number}"
            rows.add_thread(name, "old", age=OLD, files=1)
        connection.close()

    def _count_old_rows(self) -> int:
        of = {"user_id": "old"}
        count = ChatSession.objects.filter(**of).count()
        count += ChatAttachment.objects.filter(**of).count()
        connection.close()
        return count

    async def export(self) -> None:
        await self.command("export_threads", str(self.folder / "export.zip"))
        (self.folder / "export.zip").unlink()

    async def erase(self) -> None:
        person = self.random.choice(self.people)
        async with person.lock:
            await self.command("erase_user", person.user_id)
            person.forget()

    async def command(self, *arguments: str) -> None:
        """Run a command of manage.py, which must succeed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "manage.py",
            *arguments,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            self.wrong.append(f"{arguments[0]}: {output.decode()[-500:]}")
