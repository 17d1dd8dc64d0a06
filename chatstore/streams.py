"""
A running answer: its task, its queue, and its end.

The SDK keeps the partial answer only if it is cancelled while it waits for the model. Where the
HTTP server closes the generator between two events, or is told to stop, nothing is kept. So each
stream runs in a task of its own, which waits nowhere but inside the SDK's generator; the response
only reads a queue. The task is cancelled, once, and awaited when the client goes or the server
stops (V4).

Knows nothing of HTTP views and of the database's tables.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from types import FrameType
from typing import Any

from asgiref.sync import AsyncToSync

from chatstore.bodies import ASGIApplication, bounded
from chatstore.database import release_connections

logger = logging.getLogger(__name__)

_live: set[EventStream] = set()
_is_draining = False


class ServerStoppingError(Exception):
    """The server is about to stop and begins no more streams."""


class EventStream:
    """
    Server-sent events of one answer. Iterate it once; leaving the iteration stops the answer.

    The queue has no bound: a full one would suspend the SDK's generator at a yield, where a
    cancellation is not noticed. It holds at most one answer.
    """

    def __init__(
        self, events: AsyncGenerator[bytes, None], last_words: Callable[[Exception], bytes]
    ) -> None:
        self._events = events
        self._last_words = last_words
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._first: bytes | None = None
        self._failure: Exception | None = None
        self._has_begun = False
        self._is_cancelled = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None]

    @classmethod
    async def start(
        cls,
        events: AsyncGenerator[bytes, None],
        *,
        last_words: Callable[[Exception], bytes],
    ) -> EventStream:
        """
        Start the task, and return when the first event is there.

        Args:
            events: the SDK's generator.
            last_words: makes the error event that ends the stream after an exception.

        Raises what the generator raises before its first event, and ServerStoppingError where
        the server is told to stop before it.
        """
        if _is_draining:
            await events.aclose()
            raise ServerStoppingError
        stream = cls(events, last_words)
        stream._task = asyncio.create_task(stream._run())
        stream._task.add_done_callback(stream._note_end)
        _live.add(stream)
        try:
            stream._first = await stream._queue.get()
        except asyncio.CancelledError:
            await stream.stop()
            raise
        if stream._failure:
            raise stream._failure
        if stream._is_cancelled and stream._first is None:
            raise ServerStoppingError
        if request_task := asyncio.current_task():
            request_task.add_done_callback(stream._note_requests_end)
        return stream

    async def _run(self) -> None:
        try:
            async with aclosing(self._events):
                async for event in self._events:
                    self._queue.put_nowait(event)
                    if not self._has_begun:
                        self._has_begun = True
                        # A middleware that is only sync lends its thread, but no longer than
                        # until the view has answered.
                        AsyncToSync.executors.current = None
        except Exception as error:  # noqa: BLE001 (a torn response would be worse)
            if self._has_begun:
                logger.error("A stream broke off: %s", describe(error))
                self._queue.put_nowait(self._last_words(error))
            else:
                self._failure = error

    def _note_end(self, task: asyncio.Task[None]) -> None:
        # Here and not in the task: one that is cancelled before its first step runs nothing.
        _live.discard(self)
        self._queue.put_nowait(None)

    def _note_requests_end(self, request_task: asyncio.Task[Any]) -> None:
        # The client has gone while a middleware had the response: nobody will iterate it.
        if request_task.cancelled():
            self._cancel()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            # What the sign-in and the middlewares have taken is not kept while this streams.
            await release_connections()
            event = self._first
            while event is not None:
                yield event
                event = await self._queue.get()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Cancel the answer if it still runs, and wait until what there is of it is stored."""
        self._cancel()
        await asyncio.wait({self._task})

    def close(self) -> None:
        """Cancel from any thread, without waiting: Django closes a response like this."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if not self._is_cancelled:  # a second time would interrupt the storing
            self._is_cancelled = True
            self._task.cancel()


async def stop_all() -> None:
    """Stop every stream of the running event loop, and wait for their writes."""
    loop = asyncio.get_running_loop()
    while streams := [stream for stream in _live if stream._loop is loop]:
        await asyncio.gather(*(stream.stop() for stream in streams))
        await asyncio.sleep(0)  # lets them leave _live


def with_lifespan(application: ASGIApplication) -> ASGIApplication:
    """
    Wrap an ASGI application so that a stopping server keeps the answers that still run.

    It answers the lifespan protocol, which Django does not, and notices SIGTERM and SIGINT by
    itself: uvicorn says lifespan.shutdown only after the last response has ended. It also ends
    requests to chatstore's URLs whose bodies are too large, which Django would put on the disk.
    """
    application = bounded(application)

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                _watch_signals(asyncio.get_running_loop())
                await send({"type": "lifespan.startup.complete"})
            else:
                await stop_all()
                await send({"type": "lifespan.shutdown.complete"})
                return

    return wrapped


def _watch_signals(loop: asyncio.AbstractEventLoop) -> None:
    global _is_draining
    _is_draining = False
    stopping: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks only weakly

    def drain() -> None:
        global _is_draining
        _is_draining = True
        stopping.add(loop.create_task(stop_all()))

    def watch(number: signal.Signals) -> None:
        servers_own = signal.getsignal(number)
        if not callable(servers_own):
            return

        def handle(signum: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(drain)
            servers_own(signum, frame)

        signal.signal(number, handle)

    if threading.current_thread() is threading.main_thread():
        watch(signal.SIGTERM)
        watch(signal.SIGINT)


def describe(error: BaseException) -> str:
    """
    Say what went wrong and where, without the exception's own words.

    Those may quote a conversation, which no log may hold (S18): pydantic shows the input, a
    database the row.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{type(error).__module__}.{type(error).__qualname__} at {' > '.join(places)}"
