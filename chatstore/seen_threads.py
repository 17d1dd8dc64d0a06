"""
The threads that a running request has seen.

Within a request that has seen a thread, save_thread only updates it: a thread that was deleted
meanwhile stays deleted (S7). ChatServer opens the set when a request begins; a stream that the
request starts inherits it; the stores add to it and ask it. It needs no Django, so that MemoryStore
can keep the same promise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_seen: ContextVar[set[str] | None] = ContextVar("chatstore_seen_threads", default=None)


@contextmanager
def track_seen_threads() -> Iterator[None]:
    """Remember, until the block ends and in the tasks that it starts, which threads were seen."""
    token = _seen.set(set())
    try:
        yield
    finally:
        _seen.reset(token)


def is_thread_seen(thread_id: str) -> bool:
    """Tell whether the running request has loaded or saved the thread before."""
    return thread_id in (_seen.get() or ())


def mark_thread_seen(thread_id: str) -> None:
    """Remember, while a request runs, that the thread existed."""
    if (seen := _seen.get()) is not None:
        seen.add(thread_id)
