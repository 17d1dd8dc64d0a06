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
import datetime as dt
import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeAlias, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import (
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.utils import timezone
from django.utils.functional import cached_property

from chatstore.db import async_pools
from chatstore.db.connections import (
    close_dropped_connection,
    is_connection_dropped,
    release_unneeded,
)
from chatstore.db.statements import Statement

P = ParamSpec("P")
Result = TypeVar("Result")
MAX_RETRIES = 3
# The clocks of two servers may differ by less than this.
CLOCK_DIFFERENCE = dt.timedelta(minutes=1)
# Errors after which the same operation can succeed: serialization failure, deadlock and lock not
# available (SQLSTATE); record has changed, lock wait timeout and deadlock (InnoDB); busy and
# locked (SQLite).
_TRANSIENT_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_TRANSIENT_MYSQL = frozenset({1020, 1205, 1213})
_TRANSIENT_SQLITE = frozenset({5, 6})


class Query(NamedTuple):
    """A statement and its values, which an operation yields; it is sent Statement.run's result."""

    statement: Statement
    values: dict[str, Any]


# What an operation yields before it uses Django's connection itself. The event loop has no such
# connection: there the operation ends, and is run anew in the request's thread.
IN_THREAD = None

Steps: TypeAlias = Generator[Query | None, Any, Result]


class Attempt:
    """
    What an operation knows of its own earlier attempts; one instance serves all of them (S15).

    A repeated operation must not insert a row again that was deleted meanwhile. So it may insert
    only if no earlier attempt has found the row (``row_existed``), and none has lost its
    connection during COMMIT, or during a statement that commits by itself, when the row may have
    been inserted (``commit_error``). Where deletions leave their time, it may also insert if the
    last one was before ``earliest_deletion``, and so before the first attempt.
    """

    def __init__(self, using: str) -> None:
        self.using = using  # alias of the database
        self.retries = 0
        self.has_begun = False
        self.row_existed = False
        self.may_insert = True  # for the operation's own use: what an earlier attempt has found
        self.commit_error: Error | None = None
        self.is_reconnected = False  # the connection was replaced in the transaction
        self._is_committing = False

    @cached_property
    def earliest_deletion(self) -> dt.datetime:
        """For an operation that reads it in its first attempt."""
        return timezone.now() - CLOCK_DIFFERENCE

    @property
    def may_create(self) -> bool:
        return not self.row_existed and self.commit_error is None

    def raise_unknown_outcome(self) -> None:
        """Raise the COMMIT's error if it is unknown whether the row was ever inserted."""
        if self.commit_error is not None and not self.row_existed:
            raise self.commit_error

    def run_query(self, query: Query) -> Any:
        """Run a statement on Django's connection: in the transaction, if one is open."""
        connection = connections[self.using]
        self.is_reconnected = False
        self._is_committing = query.statement.is_insert and not connection.in_atomic_block
        result = query.statement.run(connection, query.values)
        self._is_committing = False
        return result

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction, or a savepoint inside the caller's transaction."""
        self._is_committing = self.is_reconnected = False
        connection = connections[self.using]
        opened: Any = None
        try:
            with transaction.atomic(using=self.using):
                opened = connection.connection
                yield
                self._is_committing = True
        except Error:
            self.is_reconnected = connection.connection is not opened
            raise
        self._is_committing = False

    def update_or_create(self, update: Callable[[], int], create: Callable[[], object]) -> bool:
        """
        Update a row, or insert it; return False if its key belongs to another owner's row.

        Args:
            update: updates the caller's row; returns the number of rows updated.
            create: inserts the row; raises IntegrityError if its key exists.
        """
        try:
            with self.transaction():
                if update():
                    self.row_existed = True
                elif not self.may_create:
                    self.raise_unknown_outcome()
                elif not self.may_insert:  # the row that was found is another owner's, or gone
                    return False
                else:
                    create()
        except IntegrityError:
            # The key exists: as another owner's row, or the owner has inserted it concurrently.
            return bool(update())
        return True

    def record_failure(self, error: Error, is_dropped: bool) -> None:
        """Remember an error after which it is unknown whether the transaction was committed."""
        if self._is_committing and is_dropped and not _is_rolled_back(error):
            self.commit_error = error


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
            is_dropped = _is_connection_error(error)
            if not _is_transient(error, is_dropped):
                raise
            attempt.retries += 1
            is_committing = query is not None and query.statement.is_insert
            if is_dropped and is_committing and not _is_rolled_back(error):
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
        try:
            return operation(attempt)
        except Error as error:
            is_closed = attempt.is_reconnected or is_connection_dropped(connection)
            is_dropped = is_closed or _is_shard_lost(error)
            attempt.record_failure(error, is_dropped)
            if attempt.retries == MAX_RETRIES or not _is_transient(error, is_dropped):
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


def _is_connection_error(error: Error) -> bool:
    """Tell from an error of psycopg whether the connection is lost, or the server is stopping."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, (OperationalError, InterfaceError)) and (
        sqlstate is None or sqlstate.startswith(("08", "57P"))
    )


def _is_shard_lost(error: Error) -> bool:
    """
    Tell whether the server has lost its own connection to another one, though ours lives.

    Citus says so of a shard. As after a connection of ours, a COMMIT's outcome is unknown.
    """
    return str(getattr(error.__cause__, "sqlstate", "")).startswith("08")


def _is_rolled_back(error: Error) -> bool:
    """
    Tell whether PostgreSQL itself has ended the connection, and so committed nothing.

    It does not say so (57P01) to whom it can't promise that.
    """
    return getattr(error.__cause__, "sqlstate", None) == "57P01"


def _is_transient(error: Error, is_dropped: bool) -> bool:
    """Tell whether the operation can succeed if it is repeated."""
    cause: Any = error.__cause__
    if type(cause).__name__ == "PoolTimeout":
        return False  # the pool has already waited for its own timeout
    return (
        is_dropped
        # Two operations inserted the same row: the next attempt finds it.
        or isinstance(error, IntegrityError)
        or getattr(cause, "sqlstate", None) in _TRANSIENT_SQLSTATES
        or (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _TRANSIENT_SQLITE
        or (bool(error.args) and error.args[0] in _TRANSIENT_MYSQL)
    )
