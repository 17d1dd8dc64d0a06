"""
import_threads: many threads of one message, and the memory for a short and a long thread.

BENCH_IMPORTED is the number of threads, and of the long thread's messages (default 50,000). Run as
a module, this file is the process whose import is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.memory import peak_memory

COUNT = int(os.environ.get("BENCH_IMPORTED", "50000"))
SHORT = 1_000  # messages; two pages


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        many = _import_of(Path(folder) / "many.jsonl", COUNT, 1)
        short = _import_of(Path(folder) / "short.jsonl", 1, SHORT)
        long = _import_of(Path(folder) / "long.jsonl", 1, COUNT)
    yield Figure("import_threads", COUNT / many["seconds"], "per_s")
    yield Figure("import_queries", many["queries"] / COUNT, "per_thread", at_most=0.1)
    yield Figure("import_memory", long["memory"], "MB")
    yield Figure(
        "import_memory_ratio", long["memory"] / short["memory"], "of_short_thread", at_most=1.2
    )


def _import_of(path: Path, threads: int, messages: int) -> dict[str, float]:
    """Export new threads, delete them, and measure their import in a process of its own."""
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.seed import seed
    from chatstore.models import ChatMessage, ChatSession

    seed(threads, messages, prefix=path.stem)
    call_command("export_threads", str(path), verbosity=0, stdout=StringIO())
    for model in (ChatMessage, ChatSession):
        model.objects.all().raw_delete()
    environment = os.environ | {"BENCH_DATABASE_NAME": str(connection.settings_dict["NAME"])}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.portability", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ChatMessage.objects.count() == threads * messages  # noqa: S101
    for model in (ChatMessage, ChatSession):
        model.objects.all().raw_delete()
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _run(path: str) -> None:
    import django

    django.setup()
    from django.db import connection

    from chatstore.portability.imports import import_threads
    from chatstore.portability.reader import Reader

    connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE_NAME"]
    queries = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    start = time.perf_counter()
    with connection.execute_wrapper(count), Reader(path) as reader:
        import_threads(reader, "default")
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "queries": queries, "memory": peak_memory()}))


if __name__ == "__main__":
    _run(sys.argv[1])
