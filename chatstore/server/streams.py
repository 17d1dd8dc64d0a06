"""
A stream of events, in a task of its own, which one client reads or several.

The SDK keeps a partial answer only if it is cancelled while it waits for the model. Where the HTTP
server closes the generator between two events, or is told to stop, nothing is kept. So each stream
runs in a task of its own, which waits only inside the SDK's generator; the response reads a queue.
The task is cancelled, once, and awaited when the client disconnects or the server stops (V4).

Where the client has asked for it, the task goes on when the last of its readers has left, for
CHATSTORE_FINISH_SECONDS, and others may join it (V16, V17).
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from contextvars import copy_context
from functools import partial
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext

from chatstore.conf import settings
from chatstore.db.connections import begin_stream, release_connections
from chatstore.exceptions import Refused
from chatstore.server.errors import describe
from chatstore.server.event_queue import EventQueue
from chatstore.turns import StateChangedError, Turn

logger = logging.getLogger(__name__)
MAX_SENT_BYTES = 64 * 1024  # at once
MAX_READERS = 8  # of an answer
# The last event of an answer that may be joined. A stream that ends without it was cut off.
_ENDED = b'data: {"type":"answer.ended","is_stopped":false}\n\n'
_STOPPED = _ENDED.replace(b"false", b"true")


class ServerStoppingError(Exception):
    """The server is about to stop and begins no more streams."""


class Reader:
    """
    One client of a stream. Iterate it once; leaving the iteration leaves the stream.

    What it yields may be a part of an event.
    """

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self.queue = EventQueue()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            # What the sign-in and the middlewares have taken is not kept while this streams.
            await release_connections()
            while (event := await self.queue.get()) is not None:
                # The server copies what it can't send at once.
                for start in range(0, len(event), MAX_SENT_BYTES):
                    yield event[start : start + MAX_SENT_BYTES]
        finally:
            await self._stream.leave(self)

    def close(self) -> None:
        """Leave the stream, from any thread, without waiting: Django closes a response so."""
        self._stream.close(self)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call back in the loop, if it is open: a garbage collector must wait for no lock."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


class EventStream:
    """
    Server-sent events of one answer. Iterate it once; leaving the iteration stops the answer,
    unless it is one that is finished without its client.

    The queues of its readers have no bound: a full one would suspend the SDK's generator at a
    yield, where a cancellation is not noticed. Each holds at most one answer, in little more than
    its bytes.

    Args:
        events: the SDK's generator.
        error_event: makes the event that ends the stream after an exception.
        turn: that the stream is for, by which a retry finds it.
        owner: the id of whoever it is sent to, by which a suspension finds it.
        answer: chatstore.server.running_answers.RunningAnswer of one that is finished without its
            client; None for another.
    """

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        error_event: Callable[[BaseException], bytes],
        turn: Turn | None = None,
        owner: str = "",
        answer: Any = None,
    ) -> None:
        self._events = events
        self._error_event = error_event
        self.turn = turn or Turn()
        self.owner = owner
        self.answer = answer
        self._last: bytes | None = None
        self._ending: bytes | None = _ENDED if answer else None
        self._on_sent: list[Callable[[], None]] = []
        self._first = Reader(self)
        # The queue of each, and what is called when it leaves. Not the readers: one that nobody
        # iterates or closes leaves when it is collected.
        self._readers: dict[EventQueue, Callable[[], None]] = {self._first.queue: lambda: None}
        self._failure: BaseException | None = None
        self._has_begun = False
        self._is_cancelled = False
        self.loop = asyncio.get_running_loop()
        self._end_alone: asyncio.TimerHandle | None = None  # stops what nobody reads
        context = copy_context()
        if answer:  # it may outlive the request, whose thread ends with it
            context.run(SyncToAsync.thread_sensitive_context.set, ThreadSensitiveContext())
        self._task = asyncio.create_task(self._run(), context=context)
        self._task.add_done_callback(self._end_queues)

    async def wait_for_first_event(self) -> None:
        """
        Return when the first event is there. That of an answer which its user has stopped before
        is the last one too.

        Raises what the generator raises before its first event, ServerStoppingError where the
        server is told to stop before it, and StateChangedError where a retry replaces the turn.
        """
        try:
            await self._first.queue.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self._failure:
            raise self._failure
        if self._is_cancelled and not self._has_begun and self._ending != _STOPPED:
            raise ServerStoppingError
        self._leave_with_request(self._first.queue)

    async def _run(self) -> None:
        begin_stream()
        try:
            async with aclosing(self._events):
                async for event in self._events:
                    self._send(event)
                    if not self._has_begun:
                        self._has_begun = True
                        # A middleware that is only sync lends its thread, but no longer than
                        # until the view has answered.
                        AsyncToSync.executors.current = None
        except (Exception, GeneratorExit) as error:  # noqa: BLE001 (a torn response would be worse)
            if self._has_begun:
                logger.error("A stream broke off: %s", describe(error))
                self._send(self._error_event(error))
            else:
                self._failure = error

    def _send(self, event: bytes | None) -> None:
        for queue in self._readers:
            queue.put_nowait(event)

    def _end_queues(self, task: asyncio.Task[None]) -> None:
        # Here and not in the task: one that is cancelled before its first step runs nothing.
        self.turn.release()  # a slow client reads on for long, and all of it keeps the turn
        if self._end_alone:
            self._end_alone.cancel()
        for event in (self._last, self._ending):
            if event is not None and self._failure is None:
                self._send(event)
        self._send(None)
        self._tell_if_sent()

    def _leave_with_request(self, queue: EventQueue) -> None:
        def leave(request_task: asyncio.Task[Any]) -> None:
            # The client has gone while a middleware had the response: nobody will iterate it.
            if request_task.cancelled():
                self._leave(queue)

        if request_task := asyncio.current_task():
            request_task.add_done_callback(leave)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._first)

    def join(self, on_leave: Callable[[], None] = lambda: None) -> Reader | None:
        """
        Return a reader of what there is of the answer, and of what follows; None if it can't.

        Args:
            on_leave: called when the reader has left.
        """
        if self._is_cancelled or self._task.done() or len(self._readers) >= MAX_READERS:
            return None
        reader = Reader(self)
        # Where a middleware fails nobody iterates or closes the response.
        lost = weakref.finalize(reader, _call_soon, self.loop, partial(self._leave, reader.queue))
        lost.atexit = False
        for event in self.turn.replay() if self.turn.replay else ():
            reader.queue.put_nowait(event)
        self._readers[reader.queue] = on_leave
        if self._end_alone:
            self._end_alone.cancel()
        self._leave_with_request(reader.queue)
        return reader

    def is_of(self, owner: str, thread_id: str) -> bool:
        """Tell whether it is an answer in this owner's thread."""
        return (self.owner, self.turn.thread_id) == (owner, thread_id)

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back when the answer has ended, however it has."""
        self._task.add_done_callback(lambda task: callback())

    def on_sent(self, callback: Callable[[], None]) -> None:
        """Call back when the answer has ended and none of its readers takes any more of it."""
        self._on_sent.append(callback)
        self._tell_if_sent()

    def _tell_if_sent(self) -> None:
        if self._task.done() and not self._readers:
            while self._on_sent:
                self._on_sent.pop()()

    async def leave(self, reader: Reader) -> None:
        """Let a reader go. Where that stops the answer, wait until it is stored."""
        self._leave(reader.queue)
        if self._is_cancelled:
            await self.stop()

    def _leave(self, queue: EventQueue) -> None:
        if queue not in self._readers:
            return
        self._readers.pop(queue)()
        self._tell_if_sent()
        if self._readers or self._task.done():
            return
        if not self.answer:
            self._cancel()
        elif not self._is_cancelled:
            self._end_alone = self.loop.call_later(settings.finish_seconds, self._cancel)

    async def stop(self) -> None:
        """Cancel the answer if it still runs, and wait until what there is of it is stored."""
        self._cancel()
        await asyncio.wait({self._task})

    def replace(self, last_event: bytes) -> None:
        """Cancel the answer, since a retry has replaced it, without waiting; from any thread."""
        self.turn.is_replaced = True
        if self._has_begun:
            self._last = last_event
        else:
            self._failure = StateChangedError()
        self._cancel_soon()

    def drop(self) -> None:
        """Cancel the answer without keeping any of it: a retry elsewhere, or its thread is gone."""
        self.turn.is_replaced = True
        self.cut()

    def refuse(self, error: Refused) -> None:
        """Stop the answer, keep what there is of it, and tell the client why; from any thread."""
        if self._has_begun:
            self._last = self._error_event(error)
        else:
            self._failure = error
        self._cancel_soon()

    def stop_for_user(self) -> None:
        """Cancel the answer, and tell its readers that it was stopped."""
        if not self._is_cancelled:
            self._ending = _STOPPED
        self._cancel()

    def close(self, reader: Reader | None = None) -> None:
        """Leave, from any thread, without waiting: Django closes a response like this."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._leave, (reader or self._first).queue)

    def _cancel_soon(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._cancel)

    def cut(self) -> None:
        """Cancel the answer, and leave its readers without the event that ends it."""
        if not self._is_cancelled and not self._task.done():
            self._ending = None
        self._cancel()

    def _cancel(self) -> None:
        if not self._is_cancelled:  # a second time would interrupt the storing
            self._is_cancelled = True
            self._task.cancel()
