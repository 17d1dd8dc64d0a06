"""``python -m tests.soak --seconds 120 --users 50``; ``make soak`` runs it for an hour."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.postgresql import PostgreSQL

if TYPE_CHECKING:
    from tests.soak.faults import Faults
    from tests.soak.users import Person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    say(f"soak: {options.users} users, {options.seconds:.0f} s, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="chatstore-soak-") as name, PostgreSQL() as database:
        os.environ.update(
            DATABASE_URL=database.url,
            DJANGO_SETTINGS_MODULE="tests.live_settings",
            LIVE_ASSISTANT="tests.assistants.Scripted",
            LOG_LEVEL="ERROR",
            MEDIA_ROOT=f"{name}/media",
            OPENAI_AGENTS_DISABLE_TRACING="1",
        )
        environment = dict(os.environ)
        os.environ["LIVE_SETTINGS"] = "unpooled"  # this process only looks, after each restart
        try:
            wrong = run(options, database, environment, Path(name))
        except Exception as error:  # noqa: BLE001 (the last line says how it ended)
            traceback.print_exc(file=sys.stdout)
            wrong = [f"The soak itself has ended: {error!r}"]
    for sentence in wrong[:50]:
        say(f"WRONG: {sentence}")
    if wrong:
        sys.exit(f"soak: FAILED, {len(wrong)} wrong; seed {options.seed}")
    say("soak: ok")


def run(
    options: argparse.Namespace, database: PostgreSQL, environment: dict[str, str], folder: Path
) -> list[str]:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.soak.faults import Faults, Worker
    from tests.soak.users import Person

    call_command("migrate", verbosity=0)
    log = folder / "workers.log"
    workers = [Worker(f"worker{number}", environment, log) for number in (1, 2)]
    urls = [worker.url for worker in workers]
    people = [Person(f"user{number}", options.seed, urls) for number in range(options.users)]
    fresh = Worker("fresh", environment, log)
    guest = Person("guest", options.seed, [fresh.url])
    faults = Faults(options.seed, database, workers, people, environment, folder)

    async def soak() -> list[str]:
        for worker in workers:
            worker.start()
            await worker.wait()
        await live(people, faults, options.seconds)
        fresh.start()
        await fresh.wait()
        return await check(people, faults, fresh, guest)

    try:
        return asyncio.run(soak())
    finally:
        for worker in (*workers, fresh):
            if hasattr(worker, "process"):
                worker.stop(signal.SIGKILL)


async def live(people: list[Person], faults: Faults, seconds: float) -> None:
    """Let people chat and things go wrong for a time, and say what has happened."""
    is_over, end = asyncio.Event(), time.monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.live(is_over))
        tasks.create_task(faults.happen(is_over))
        while (left := end - time.monotonic()) > 0:
            if sys.stdout.isatty():
                say(f"\r{left:5.0f} s left, {counted(people, faults)}", end="\033[K")
            await asyncio.sleep(min(1, left))
        is_over.set()
    say(f"done: {counted(people, faults)}")


async def check(people: list[Person], faults: Faults, fresh: object, guest: Person) -> list[str]:
    """Return what is wrong, as sentences."""
    from tests.soak import checks

    wrong = list(faults.wrong)
    for person in people:
        wrong += await checks.check_person(person)
        await person.http.aclose()
    await guest.begin()  # so that the fresh worker has opened what it keeps
    await guest.talk()
    wrong += await checks.check_leaks(faults.workers, fresh)  # type: ignore[arg-type]
    before = len(faults.wrong)
    for command in (
        ["check_items"],
        ["export_threads", str(faults.folder / "last.zip")],
        ["cleanup_attachments"],  # removes what killed workers could not
    ):
        await faults.command(*command)
    wrong += faults.wrong[before:]
    await guest.upload()
    await guest.delete(keep=0)  # its file must be gone without a clean-up
    await guest.http.aclose()
    wrong += await asyncio.to_thread(checks.check_files, Path(os.environ["MEDIA_ROOT"]))
    told = sum(len(each.items) for person in people for each in person.conversations)
    say(f"checked: {told} items that people were told of, in {len(people)} people's threads")
    if not told:
        wrong.append("Nobody was told of any item")
    return wrong


def counted(people: list[Person], faults: Faults) -> str:
    counts = sum((person.counts for person in people), Counter()) + faults.counts
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))


def say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
