"""
The streams of this process: each begins here, and is found here for whoever stops or joins it; and
the tasks that look after them.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from chatstore.conf import settings
from chatstore.exceptions import Refused
from chatstore.server.streams import EventStream, Reader, ServerStoppingError

Watch: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Watch, asyncio.Task[None]]]
_watchers = WeakKeyDictionary()
_live: set[EventStream] = set()  # copied before it is read: other threads begin streams, too
_joined: Counter[str] = Counter()  # readers that have joined an answer and not left, by owner
_is_draining = False


async def start(events: AsyncGenerator[bytes, None], *args: Any, **kwargs: Any) -> EventStream:
    """
    Begin an EventStream, whose arguments these are, and return it when its first event is there.

    Raises what wait_for_first_event raises, and ServerStoppingError after set_draining(True).
    """
    if _is_draining:
        await events.aclose()
        raise ServerStoppingError
    stream = EventStream(events, *args, **kwargs)
    _live.add(stream)
    stream.on_end(lambda: _live.discard(stream))
    await stream.wait_for_first_event()
    return stream


def check_draining() -> None:
    """Raise ServerStoppingError after set_draining(True)."""
    if _is_draining:
        raise ServerStoppingError


def look_after(watch: Watch) -> None:
    """Run this in the running event loop, in a task that ends by itself, unless it runs there."""
    loop = asyncio.get_running_loop()
    tasks = _watchers.setdefault(loop, {})
    task = tasks.get(watch)
    if task is None or task.done():
        # In a context of its own: the request's has the request's thread, which ends with it.
        tasks[watch] = loop.create_task(watch(), context=contextvars.Context())


async def stop_all() -> None:
    """Stop every stream of the running event loop, and wait for their writes."""
    loop = asyncio.get_running_loop()
    while streams := [stream for stream in list(_live) if stream.loop is loop]:
        for stream in streams:
            stream.cut()
        await asyncio.gather(*(stream.stop() for stream in streams))
        await asyncio.sleep(0)  # lets them leave _live


def running_answers() -> list[EventStream]:
    """Return the streams of the running event loop that are finished without their clients."""
    loop = asyncio.get_running_loop()
    return [stream for stream in list(_live) if stream.answer and stream.loop is loop]


def join(owner: str, thread_id: str) -> Reader | None:
    """
    Return a reader of the answer that is made in this thread; None if none can be joined, or if
    CHATSTORE_MAX_STREAMS are being sent to this owner already.
    """

    def leave() -> None:
        _joined[owner] -= 1
        if not _joined[owner]:
            del _joined[owner]

    if settings.max_streams and _joined[owner] >= settings.max_streams:
        return None
    for stream in running_answers():
        if stream.is_of(owner, thread_id) and (reader := stream.join(leave)):
            _joined[owner] += 1
            return reader
    return None


def owners() -> set[str]:
    """Return the ids of those whom this process streams answers to."""
    return {stream.owner for stream in list(_live)}


def refuse_all(owner: str, error: Refused) -> None:
    """Stop the streams of one owner, and tell them why; from any thread."""
    for stream in list(_live):
        if stream.owner == owner:
            stream.refuse(error)


async def stop_replaced(thread_id: str, retry_id: str, last_event: bytes) -> None:
    """
    Stop the streams of this process that a retry has replaced, and wait for their writes (S20).

    Args:
        thread_id: the thread's.
        retry_id: of the retry before; the streams that have begun after that are stopped.
        last_event: tells their clients why.
    """
    turn = (thread_id, retry_id)
    replaced = [one for one in list(_live) if (one.turn.thread_id, one.turn.retry_id) == turn]
    for stream in replaced:
        stream.replace(last_event)
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(stream.stop() for stream in replaced if stream.loop is loop))


def set_draining(is_draining: bool) -> None:
    """Begin no more streams, since the server is about to stop; or begin them again."""
    global _is_draining
    _is_draining = is_draining
