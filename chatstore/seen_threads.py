"""
The ids of the threads that the current request has loaded or saved.

For such a thread, save_thread only updates: if it was deleted meanwhile, it stays deleted (S7).
ChatServer begins the set with each request, and the stores read and extend it. It is a context
variable, so that the tasks of a stream inherit it. It needs no Django, for MemoryStore.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_seen: ContextVar[set[str] | None] = ContextVar("chatstore_seen_threads", default=None)


@contextmanager
def track_seen_threads() -> Iterator[None]:
    """Collect the threads that are seen in the block, and in the tasks that it starts."""
    token = _seen.set(set())
    try:
        yield
    finally:
        _seen.reset(token)


def is_thread_seen(thread_id: str) -> bool:
    """Tell whether the current request has loaded or saved the thread; False outside a request."""
    return thread_id in (_seen.get() or ())


def mark_thread_seen(thread_id: str) -> None:
    """Record that the current request has loaded or saved the thread; no effect outside one."""
    if (seen := _seen.get()) is not None:
        seen.add(thread_id)
