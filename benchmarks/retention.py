"""
cleanup_threads: its speed against hand-written DELETE batches, its memory, and the slowest chat
write while it runs.

The number of threads is BENCH_THREADS (default 200,000), with ten messages in each. The two ways
to delete take turns, and the ratio is the median of the rounds' ratios. "Slowest" is the slowest of
1,500 writes, the median of as many series of writes as there were. Run as a module, this file is
the process whose memory is measured.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

from benchmarks.figure import Figure
from benchmarks.memory import peak_memory

THREADS = int(os.environ.get("BENCH_THREADS", "200000"))
MESSAGES = 10
ROUNDS = 6  # of each of the two methods, alternating
BATCH = 500
WRITES = 1_500  # in a series
QUIET_SERIES = 3
PAUSE = 0.004  # seconds between two writes


def figures() -> Iterator[Figure]:
    from benchmarks.seed import seed

    round_size = max(BATCH, THREADS // 40 // BATCH * BATCH)
    seed(THREADS + 2 * ROUNDS * round_size + 1000, MESSAGES, newest=dt.timedelta(days=100))

    rounds = [
        (_timed(_delete_by_hand_written_sql, round_size), _timed(_delete_by_cleanup, round_size))
        for _ in range(ROUNDS)
    ]
    seconds = statistics.median(ours for _hand, ours in rounds)
    yield Figure("cleanup_rows", round_size * (MESSAGES + 1) / seconds, "per_s")
    ratio = statistics.median(hand / ours for hand, ours in rounds)
    yield Figure("cleanup_ratio", ratio, "of_hand_written", at_least=0.7)

    small = _memory_of(_start(1_000))
    quiet = _slowest_write()
    process = _start(THREADS)
    busy = _slowest_write(process)
    large = _memory_of(process)
    yield Figure("cleanup_memory", large, "MB")
    yield Figure("cleanup_memory_ratio", large / small, "of_1000_threads", at_most=1.2)
    yield Figure("chat_write_slowest_beside_cleanup", busy * 1000, "ms")
    yield Figure("chat_write_slowest_ratio", busy / quiet, "of_quiet", at_most=5)


def _timed(delete: Callable[[int], int], threads: int) -> float:
    start = time.perf_counter()
    deleted = delete(threads)
    assert deleted == threads, f"{deleted} of {threads} deleted"  # noqa: S101
    return time.perf_counter() - start


def _delete_by_cleanup(limit: int) -> int:
    from django.utils import timezone

    from chatstore.lifecycle.retention import Rule, cleanup

    rule = Rule(cutoff=timezone.now() - dt.timedelta(days=90))
    return cleanup(rule, "default", batch_size=BATCH, limit=limit).deleted.threads


def _delete_by_hand_written_sql(limit: int) -> int:
    """Delete threads as a careful engineer would write it for this database."""
    from django.db import connection, transaction
    from django.utils import timezone

    cutoff = timezone.now() - dt.timedelta(days=90)
    lock = "" if connection.vendor == "sqlite" else "FOR UPDATE SKIP LOCKED"
    is_postgresql = connection.vendor == "postgresql"
    deleted = 0
    with connection.cursor() as cursor:
        while deleted < limit:
            with transaction.atomic():
                cursor.execute(
                    "SELECT session_id FROM chat_sessions "
                    "WHERE updated_at < %s AND NOT is_on_hold "
                    f"ORDER BY updated_at, session_id LIMIT {BATCH} {lock}",
                    [connection.ops.adapt_datetimefield_value(cutoff)],
                )
                keys = [key for (key,) in cursor.fetchall()]
                match = "= ANY(%s)" if is_postgresql else f"IN ({', '.join(['%s'] * len(keys))})"
                for table in ("chat_attachments", "chat_messages", "chat_sessions"):
                    cursor.execute(
                        f"DELETE FROM {table} WHERE session_id {match}",
                        [keys] if is_postgresql else keys,
                    )
                deleted += cursor.rowcount
    return deleted


def _start(limit: int) -> subprocess.Popen[str]:
    """Start a process that deletes ``limit`` threads and prints its peak memory in MB."""
    from django.db import connection

    environment = os.environ | {
        "BENCH_DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "DEBUG": "off",
        "SECRET_KEY": "unused",
    }
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.retention", str(limit)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _memory_of(process: subprocess.Popen[str]) -> float:
    """Return the peak memory of a cleanup process, in MB."""
    out, _ = process.communicate()
    assert process.returncode == 0  # noqa: S101
    return float(out)


def _slowest_write(beside: subprocess.Popen[str] | None = None) -> float:
    """Return the seconds of the slowest of WRITES chat writes while ``beside`` runs (median)."""
    from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadMetadata

    from chatstore.database import close_async_pools
    from chatstore.store import DjangoStore

    store: DjangoStore[dict[str, str]] = DjangoStore()
    context = {"user_id": "writer"}
    now = dt.datetime.now()  # noqa: DTZ005 (as the SDK makes it)
    thread = ThreadMetadata(id=f"writes_{beside is not None}", created_at=now)
    text = "An answer of a paragraph or two. " * 10

    async def write_all() -> list[float]:
        try:
            return await write()
        finally:
            await close_async_pools()

    async def write() -> list[float]:
        await store.save_thread(thread, context)
        times = []
        for number in count():
            is_enough = beside.poll() is not None if beside else number >= QUIET_SERIES * WRITES
            if is_enough and number >= WRITES:
                return times
            item = AssistantMessageItem(
                id=f"msg_{number}",
                thread_id=thread.id,
                created_at=now,
                content=[AssistantMessageContent(text=text)],
            )
            start = time.perf_counter()
            await store.add_thread_item(thread.id, item, context)
            times.append(time.perf_counter() - start)
            time.sleep(PAUSE)  # noqa: ASYNC251 (nothing else runs in this loop)
        return times

    # Without the first ones, which open connections and compile statements.
    times = asyncio.run(write_all())[50:]
    series = range(0, max(1, len(times) - WRITES // 2), WRITES)  # the last may be a little shorter
    return statistics.median(max(times[start : start + WRITES]) for start in series)


def _run(limit: int) -> None:
    import django

    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE_NAME"]
    if limit:
        _delete_by_cleanup(limit)
    print(peak_memory())


if __name__ == "__main__":
    _run(int(sys.argv[1]))
