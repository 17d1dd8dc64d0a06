"""
cleanup_threads: its speed against hand-written DELETE batches, its memory, and the latency of chat
writes while it runs.

The number of threads is BENCH_THREADS (default 200,000), with ten messages in each. Run as a
module, this file is the process whose memory is measured.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count

THREADS = int(os.environ.get("BENCH_THREADS", "200000"))
MESSAGES = 10
ROUNDS = 6  # of each of the two methods, alternating
BATCH = 500
WRITES = 1_500
PAUSE = 0.004  # seconds between two writes


def figures() -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of each figure."""
    from benchmarks.seed import seed

    round_size = max(BATCH, THREADS // 40 // BATCH * BATCH)
    seed(THREADS + 2 * ROUNDS * round_size + 1000, MESSAGES, newest=dt.timedelta(days=100))

    rounds = [
        (_timed(_delete_by_hand_written_sql, round_size), _timed(_delete_by_cleanup, round_size))
        for _ in range(ROUNDS)
    ]
    # The fastest round of each, which is the least disturbed by other processes.
    hand, ours = map(min, zip(*rounds, strict=True))
    yield "cleanup_rows_per_s", round_size * (MESSAGES + 1) / ours, "rows/s"
    yield "cleanup_to_hand_written", hand / ours, "ratio"

    small = _memory_of(_start(1_000))
    quiet = _slowest_write()
    process = _start(THREADS)
    busy = _slowest_write(process)
    large = _memory_of(process)
    yield "cleanup_memory_1000_threads", small, "MB"
    yield f"cleanup_memory_{THREADS}_threads", large, "MB"
    yield "cleanup_memory_ratio", large / small, "ratio"
    yield "chat_write_slowest_quiet", quiet * 1000, "ms"
    yield "chat_write_slowest_during_cleanup", busy * 1000, "ms"
    yield "chat_write_slowest_ratio", busy / quiet, "ratio"


def _timed(delete: object, threads: int) -> float:
    start = time.perf_counter()
    deleted = delete(threads)  # type: ignore[operator]
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
    """Start a process that deletes ``limit`` threads and prints its peak memory in kB."""
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
    return float(out) / 1024


def _slowest_write(beside: subprocess.Popen[str] | None = None) -> float:
    """Return the seconds of the slowest chat write while the process ``beside`` runs."""
    from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadMetadata

    from chatstore.store import DjangoStore

    store: DjangoStore[dict[str, str]] = DjangoStore()
    context = {"user_id": "writer"}
    now = dt.datetime.now()  # noqa: DTZ005 (as the SDK makes it)
    thread = ThreadMetadata(id=f"writes_{beside is not None}", created_at=now)
    text = "An answer of a paragraph or two. " * 10

    async def write_all() -> list[float]:
        await store.save_thread(thread, context)
        times = []
        for number in count():
            if number >= WRITES and (beside is None or beside.poll() is not None):
                return times
            if number >= 20 * WRITES:
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
    return max(asyncio.run(write_all())[50:])


def _run(limit: int) -> None:
    import django

    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE_NAME"]
    if limit:
        _delete_by_cleanup(limit)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    _run(int(sys.argv[1]))
