"""
Answers that are finished without their client: their marks in the database, and requests to stop
them that another process has received (S22, V16, V17).

A client asks for it with a header. While such answers run, their process looks once a second, in
one query, whether one is to stop, and moves their marks on every few seconds.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from typing import Any

from django.utils import timezone

from chatstore.conf import settings
from chatstore.db.attempts import Attempt
from chatstore.db.connections import begin_stream
from chatstore.db.execution import run
from chatstore.models import ChatSession, session_key
from chatstore.moderation.records import get_database
from chatstore.server import live_streams
from chatstore.server.errors import describe
from chatstore.server.stores import AnsweringStore
from chatstore.server.streams import EventStream
from chatstore.turns import Turn

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # between two looks for requests to stop
RENEW_SECONDS = 10  # between two times that a mark is moved on
BATCH = 500  # threads in a query
MARK_SECONDS = 30  # a mark that was not moved on for so long counts for nothing
_is_asked_for: ContextVar[bool] = ContextVar("chatstore_finish", default=False)


@contextmanager
def asked_for(is_asked_for: bool) -> Iterator[None]:
    """Say whether the client of the requests in the block wants its answer finished without it."""
    token = _is_asked_for.set(is_asked_for)
    try:
        yield
    finally:
        _is_asked_for.reset(token)


class RunningAnswer:
    """
    The mark of an answer in its thread's row.

    Args:
        store, context: where and for whom it is set.
        turn: whose answer it is; its thread is known with the first event.
    """

    def __init__(self, store: AnsweringStore, context: Any, turn: Turn) -> None:
        self.store, self.context, self.turn = store, context, turn
        self.until: dt.datetime | None = None  # None before it is set
        self.has_ended = False
        # Of the newest request to stop, when the answer began; None before it is known.
        self.stop_id: str | None = None

    async def events(self, events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the events; before the first one, and until the last, the mark is set."""
        async with aclosing(events):
            try:
                async for event in events:
                    if self.until is None and self.turn.thread_id:
                        await self._begin()
                    yield event
            finally:
                await self.end()

    async def _begin(self) -> None:
        live_streams.look_after(_watch)  # not before: it ends where no stream is live
        until = self.until = mark_end()
        self.stop_id = await self.store.begin_answer(self.turn.thread_id, until, self.context)

    async def end(self) -> None:
        """Take the mark away."""
        self.has_ended = True
        if self.until is None:
            return
        try:
            await self.store.end_answer(self.turn.thread_id, self.until, self.context)
        except Exception as error:  # noqa: BLE001 (the mark ends by itself)
            logger.warning("A mark was left in %s: %s", self.turn.thread_id, describe(error))


def mark_end() -> dt.datetime:
    """Return until when a mark counts that is set now."""
    return timezone.now() + dt.timedelta(seconds=MARK_SECONDS)


def begin(store: Any, context: Any, turn: Turn) -> RunningAnswer | None:
    """Return the mark of an answer that its client wants finished; None if that can't be."""
    if not (_is_asked_for.get() and settings.finish_seconds and isinstance(store, AnsweringStore)):
        return None
    return RunningAnswer(store, context, turn)


async def _watch() -> None:
    begin_stream()
    await asyncio.sleep(LOOK_SECONDS)
    for look in itertools.count(1):
        running = live_streams.running_answers()
        if not running:
            return
        try:
            begun = [one for one in running if one.answer.stop_id is not None]
            await _stop_those_to_be_stopped(begun)
            if look % RENEW_SECONDS == 0:
                await _renew([one for one in running if one.answer.until])
        except Exception as error:  # noqa: BLE001 (it looks again)
            logger.warning("Running answers were not looked up: %s", describe(error))
        await asyncio.sleep(LOOK_SECONDS)


async def _stop_those_to_be_stopped(running: Collection[EventStream]) -> None:
    """Stop what was asked to stop; drop what a retry has replaced, or whose thread is deleted."""
    keys = {session_key(stream.answer.turn.thread_id): stream.owner for stream in running}
    found = await run(get_database(), _find, keys) if keys else {}
    for stream in running:
        turn = stream.answer.turn
        state = found.get((stream.owner, session_key(turn.thread_id)))
        if state is None or state[0] != turn.retry_id:
            stream.drop()
        elif state[1] != stream.answer.stop_id:
            stream.stop_for_user()


def _find(attempt: Attempt, keys: dict[Any, str]) -> dict[Any, tuple[str, str]]:
    """Return the newest retry, and the newest request to stop, of threads that are answered."""
    found: dict[Any, tuple[str, str]] = {}
    for start in range(0, len(keys), BATCH):
        batch = list(keys)[start : start + BATCH]
        rows = ChatSession.objects.using(attempt.using).visible()
        rows = rows.filter(user_id__in={keys[key] for key in batch}, session_id__in=batch)
        for owner, key, *state in rows.values_list("user_id", "session_id", "retry_id", "stop_id"):
            found[owner, key] = (state[0], state[1])
    return found


async def _renew(running: Collection[EventStream]) -> None:
    """Move marks on, in one statement for each owner."""
    until = mark_end()
    for owner in {stream.owner for stream in running}:
        answers = [stream.answer for stream in running if stream.owner == owner]
        for answer in answers:
            answer.until = until
        threads = [answer.turn.thread_id for answer in answers]
        await answers[0].store.renew_answers(threads, until, answers[0].context)
        for answer in answers:
            if answer.has_ended:  # meanwhile, and its mark may have been moved on after that
                await answer.end()


async def stop(store: AnsweringStore, owner: str, thread_id: str, context: Any) -> None:
    """
    Stop a thread's answers: here at once, awaiting what is stored of them; elsewhere within two
    seconds. NotFoundError for an unknown thread.
    """
    await store.stop_answers(thread_id, context)
    here = [stream for stream in live_streams.running_answers() if stream.is_of(owner, thread_id)]
    for stream in here:
        stream.stop_for_user()
    await asyncio.gather(*(stream.stop() for stream in here))
