"""
Runs a database operation for an async or sync caller: repeats it after transient errors, and
releases its connection.

An operation is a sync function, or a generator that yields the statements it needs. A sync
function, and a generator on most databases, runs in the request's OS thread on Django's
connection. Where CHATSTORE_ASYNC_POOL is set, a generator's statements run in the event loop, which
saves the time of changing threads (S19).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import Error, connections

from chatstore.db import async_pools
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.db.connections import (
    close_dropped_connection,
    connect,
    is_connection_dropped,
    release_unneeded,
)
from chatstore.db.errors import is_connection_error, is_rolled_back, is_shard_lost, is_transient

P = ParamSpec("P")
Result = TypeVar("Result")
MAX_RETRIES = 3


async def run(
    using: str,
    operation: Callable[Concatenate[Attempt, P], Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """
    Run a sync operation in the request's OS thread, with run_sync; return its result.

    If the caller is cancelled, the operation is awaited to its end before CancelledError is
    raised (S16).

    Args:
        using: alias of the database.
        operation: called with an Attempt and the arguments, again after each transient error.
    """
    return await _run_in_thread(Attempt(using), lambda attempt: operation(attempt, *args, **kwargs))


async def run_steps(using: str, operation: Callable[[Attempt], Steps[Result]]) -> Result:
    """
    Run an operation of steps in the event loop if it can be, else like run; return its result.

    In the event loop there is one attempt; those after a transient error are made in the thread.
    """
    attempt = Attempt(using)
    database = await async_pools.get_database(using)
    if database is not None:
        steps, query = operation(attempt), None
        try:
            query = next(steps)
            while query is not IN_THREAD and database.can_run(query.statement):
                query = steps.send(await database.run(query.statement, query.values))
        except StopIteration as end:
            task = asyncio.current_task()
            if task and task.cancelling():
                await asyncio.sleep(0)  # raises a cancellation that has waited for the statement
            return cast(Result, end.value)
        except Error as error:
            is_dropped = is_connection_error(error)
            if not is_transient(error, is_dropped):
                raise
            attempt.retries += 1
            is_committing = query is not None and query.statement.is_insert
            if is_dropped and is_committing and not is_rolled_back(error):
                attempt.commit_error = error
        except asyncio.CancelledError:  # it has waited for a connection: nothing was written
            await _finish_in_thread(attempt, partial(_run_steps_sync, operation))
            raise
    return await _run_in_thread(attempt, partial(_run_steps_sync, operation))


def _run_steps_sync(operation: Callable[[Attempt], Steps[Result]], attempt: Attempt) -> Result:
    """Run an operation of steps on Django's connection."""
    steps = operation(attempt)
    try:
        query = next(steps)
        while True:
            try:
                result = attempt.run_query(query) if query is not IN_THREAD else None
            except Exception as error:  # noqa: BLE001 (raised where the operation yielded)
                query = steps.throw(error)
            else:
                query = steps.send(result)
    except StopIteration as end:
        return cast(Result, end.value)


def run_sync(
    using: str,
    operation: Callable[Concatenate[Attempt, P], Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """
    Run an operation, at most MAX_RETRIES times more after transient errors; return its result.

    Its connection is released after each attempt (S16). Inside the caller's
    transaction there is one attempt only, and the connection is kept: after an error the whole
    transaction would have to be repeated, which only the caller can do.

    Raises what the operation raises; of the database's errors, the last attempt's.
    """
    return _run(Attempt(using), lambda attempt: operation(attempt, *args, **kwargs))


def _run(attempt: Attempt, operation: Callable[[Attempt], Result]) -> Result:
    attempt.has_begun = True
    connection: Any = connections[attempt.using]
    if connection.in_atomic_block:
        return operation(attempt)
    while True:
        connect(connection)
        try:
            return operation(attempt)
        except Error as error:
            is_closed = attempt.is_reconnected or is_connection_dropped(connection)
            is_dropped = is_closed or is_shard_lost(error)
            attempt.record_failure(error, is_dropped)
            if attempt.retries == MAX_RETRIES or not is_transient(error, is_dropped):
                raise
            if is_closed:
                close_dropped_connection(connection)
        finally:
            release_unneeded(connection)
        attempt.retries += 1
        time.sleep(random.uniform(0, 0.01 * 4**attempt.retries))  # noqa: S311 (jitter, no secret)


def _run_unless_begun(attempt: Attempt, operation: Callable[[Attempt], object]) -> None:
    if not attempt.has_begun:
        _run(attempt, operation)


# Made once, since wrapping a function costs as much as calling it.
_in_thread: Any = sync_to_async(_run)
_in_thread_unless_begun = sync_to_async(_run_unless_begun)


async def _run_in_thread(attempt: Attempt, operation: Callable[[Attempt], Result]) -> Result:
    try:
        return cast(Result, await _in_thread(attempt, operation))
    except asyncio.CancelledError:
        await _finish_in_thread(attempt, operation)
        raise


async def _finish_in_thread(attempt: Attempt, operation: Callable[[Attempt], object]) -> None:
    """
    Wait until an operation has ended in the request's thread, however often we are cancelled.

    The thread makes one call at a time, in their order. So when it makes this one, the operation
    has ended, or was cancelled before it began: then it is run now.
    """
    call = asyncio.ensure_future(_in_thread_unless_begun(attempt, operation))
    while not call.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({call})
    if not call.cancelled():
        call.exception()  # retrieved, so that asyncio doesn't log it as never retrieved
