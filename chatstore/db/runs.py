"""
Runs a sync function against a database for an async caller: in one hop to the request's thread,
tried again where a fault may pass, and with the connection given back afterwards.
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

from chatstore.db.connections import close_dropped, give_back, was_dropped

P = ParamSpec("P")
Result = TypeVar("Result")
MAX_RETRIES = 3
# Serialization failure, deadlock, lock not available; InnoDB's record changed, lock wait
# timeout, deadlock; SQLite's busy and locked.
_TRANSIENT_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_TRANSIENT_MYSQL = frozenset({1020, 1205, 1213})
_TRANSIENT_SQLITE = frozenset({5, 6})


class Attempt:
    """
    One of the tries of a body, and what the earlier ones have learned (S15).

    A repeat may not make anew what was deleted meanwhile: not where an earlier try has found
    the row (``existed``), nor where one may have made it, because the connection was lost while
    it committed (``error``).
    """

    def __init__(self, using: str) -> None:
        self.using = using
        self.existed = False
        self.error: Error | None = None  # of an earlier try that may have committed
        self.is_replaced = False  # by atomic(): it could not roll back, and connected anew
        self._committing = False

    @property
    def may_create(self) -> bool:
        return not self.existed and self.error is None

    def check_created(self) -> None:
        """Raise the earlier try's error if nobody can tell whether its row was ever made."""
        if self.error is not None and not self.existed:
            raise self.error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction; inside the caller's own, a savepoint."""
        self._committing = self.is_replaced = False
        connection = connections[self.using]
        opened: Any = None
        try:
            with transaction.atomic(using=self.using):
                opened = connection.connection
                yield
                self._committing = True
        except Error:
            self.is_replaced = connection.connection is not opened
            raise
        self._committing = False

    def update_or_create(self, update: Callable[[], int], create: Callable[[], object]) -> bool:
        """
        Write one row, and tell whether the caller may write it.

        Args:
            update: updates the caller's row; returns how many rows it has written.
            create: inserts the row; raises IntegrityError where its key is taken.
        """
        try:
            with self.transaction():
                if update():
                    self.existed = True
                elif self.may_create:
                    create()
                else:
                    self.check_created()
        except IntegrityError:
            # The key is another owner's; or the owner has inserted the row a moment ago.
            return bool(update())
        return True

    def failed(self, error: Error, is_dropped: bool) -> None:
        if self._committing and is_dropped:
            self.error = error


async def run(
    using: str,
    body: Callable[Concatenate[Attempt, P], Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """
    Run a sync body in the request's thread, and await its end even when cancelled (S16).

    Args:
        using: alias of the database.
        body: called with an Attempt, then the arguments; called again after a passing fault.
    """
    call = asyncio.ensure_future(sync_to_async(run_sync)(using, body, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        while not call.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({call})
        if not call.cancelled():
            call.exception()  # seen: asyncio need not complain, and the caller is gone
        raise


def run_sync(
    using: str,
    body: Callable[Concatenate[Attempt, P], Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """The same for sync code, a command's batch among it."""
    connection: Any = connections[using]
    attempt = Attempt(using)
    if connection.in_atomic_block:  # the caller's transaction: what to do is the caller's choice
        return body(attempt, *args, **kwargs)
    retries = 0
    while True:
        try:
            return body(attempt, *args, **kwargs)
        except Error as error:
            is_dropped = attempt.is_replaced or was_dropped(connection)
            attempt.failed(error, is_dropped)
            if retries == MAX_RETRIES or not _may_pass(error, is_dropped):
                raise
            if is_dropped:
                close_dropped(connection)
        finally:
            give_back(connection)
        retries += 1
        time.sleep(random.uniform(0, 0.01 * 4**retries))  # noqa: S311 (jitter, no secret)


def _may_pass(error: Error, is_dropped: bool) -> bool:
    cause: Any = error.__cause__
    if type(cause).__name__ == "PoolTimeout":
        return False  # it has waited for half a minute already
    return (
        is_dropped
        # Two wrote the same row at once: the next try finds it there.
        or isinstance(error, IntegrityError)
        or getattr(cause, "sqlstate", None) in _TRANSIENT_SQLSTATES
        or (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _TRANSIENT_SQLITE
        or (bool(error.args) and error.args[0] in _TRANSIENT_MYSQL)
    )
