"""
Runs a sync database operation for an async or sync caller: repeats it after transient errors, and
returns its connection to the pool.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error, IntegrityError, connections, transaction

from chatstore.db.connections import (
    close_dropped_connection,
    is_connection_dropped,
    release_if_pooled,
)

P = ParamSpec("P")
Result = TypeVar("Result")
MAX_RETRIES = 3
# Errors after which the same operation can succeed: serialization failure, deadlock and lock not
# available (SQLSTATE); record has changed, lock wait timeout and deadlock (InnoDB); busy and
# locked (SQLite).
_TRANSIENT_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_TRANSIENT_MYSQL = frozenset({1020, 1205, 1213})
_TRANSIENT_SQLITE = frozenset({5, 6})


class Attempt:
    """
    What an operation knows of its own earlier attempts; one instance serves all of them (S15).

    A repeated operation must not insert a row again that was deleted meanwhile. So it may insert
    only if no earlier attempt has found the row (``row_existed``), and none has lost its
    connection during COMMIT, when the row may have been inserted (``commit_error``).
    """

    def __init__(self, using: str) -> None:
        self.using = using  # alias of the database
        self.row_existed = False
        self.commit_error: Error | None = None
        self.is_reconnected = False  # the connection was replaced in the transaction
        self._is_committing = False

    @property
    def may_create(self) -> bool:
        return not self.row_existed and self.commit_error is None

    def raise_unknown_outcome(self) -> None:
        """Raise the COMMIT's error if it is unknown whether the row was ever inserted."""
        if self.commit_error is not None and not self.row_existed:
            raise self.commit_error

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
                elif self.may_create:
                    create()
                else:
                    self.raise_unknown_outcome()
        except IntegrityError:
            # The key exists: as another owner's row, or the owner has inserted it concurrently.
            return bool(update())
        return True

    def record_failure(self, error: Error, is_dropped: bool) -> None:
        """Remember an error after which it is unknown whether the transaction was committed."""
        if self._is_committing and is_dropped:
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
    call = asyncio.ensure_future(sync_to_async(run_sync)(using, operation, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        while not call.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({call})
        if not call.cancelled():
            call.exception()  # retrieved, so that asyncio doesn't log it as never retrieved
        raise


def run_sync(
    using: str,
    operation: Callable[Concatenate[Attempt, P], Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """
    Run an operation, at most MAX_RETRIES times more after transient errors; return its result.

    Its connection is returned to the pool after each attempt (S16). Inside the caller's
    transaction there is one attempt only, and the connection is kept: after an error the whole
    transaction would have to be repeated, which only the caller can do.

    Raises what the operation raises; of the database's errors, the last attempt's.
    """
    connection: Any = connections[using]
    attempt = Attempt(using)
    if connection.in_atomic_block:
        return operation(attempt, *args, **kwargs)
    retries = 0
    while True:
        try:
            return operation(attempt, *args, **kwargs)
        except Error as error:
            is_dropped = attempt.is_reconnected or is_connection_dropped(connection)
            attempt.record_failure(error, is_dropped)
            if retries == MAX_RETRIES or not _is_transient(error, is_dropped):
                raise
            if is_dropped:
                close_dropped_connection(connection)
        finally:
            release_if_pooled(connection)
        retries += 1
        time.sleep(random.uniform(0, 0.01 * 4**retries))  # noqa: S311 (jitter, no secret)


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
