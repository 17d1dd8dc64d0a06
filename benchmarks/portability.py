"""
import_threads: many threads of one message, and the memory for a short and a long thread.

BENCH_IMPORTED is the number of threads, and of the long thread's messages (default 50,000). Run as
a module, this file is the process whose import is measured.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

COUNT = int(os.environ.get("BENCH_IMPORTED", "50000"))
SHORT = 1_000  # messages; two pages


def figures() -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of each figure."""
    with tempfile.TemporaryDirectory() as folder:
        many = _import_of(Path(folder) / "many.jsonl", COUNT, 1)
        short = _import_of(Path(folder) / "short.jsonl", 1, SHORT)
        long = _import_of(Path(folder) / "long.jsonl", 1, COUNT)
    yield f"import_{COUNT}_threads_s", many["seconds"], "s"
    yield f"import_{COUNT}_threads_queries", many["queries"], "queries"
    yield f"import_memory_{SHORT}_messages", short["memory"], "MB"
    yield f"import_memory_{COUNT}_messages", long["memory"], "MB"
    yield "import_memory_ratio", long["memory"] / short["memory"], "ratio"


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
    from django.conf import settings
    from django.db import connection

    from chatstore.portability.imports import import_threads
    from chatstore.portability.reader import Reader

    settings.DEBUG = False  # Django would log each query
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
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "queries": queries, "memory": memory}))


if __name__ == "__main__":
    _run(sys.argv[1])
