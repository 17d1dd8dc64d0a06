"""
Runs a sync body against a database for the async world: one hop, tried again where a fault
may pass, and the connection given back afterwards where the database has a pool.

Knows nothing of threads and items.
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
            is_dropped = attempt.is_replaced or _is_dropped(connection)
            attempt.failed(error, is_dropped)
            if retries == MAX_RETRIES or not _may_pass(error, is_dropped):
                raise
            if is_dropped:
                _replace(connection)
        finally:
            _give_back(connection)
        retries += 1
        time.sleep(random.uniform(0, 0.01 * 4**retries))  # noqa: S311 (jitter, no secret)


async def release_connections() -> None:
    """
    Give the request's database connections back to their pools.

    Await it in respond() after ORM use of your own and before a long wait: otherwise the
    stream keeps its connection until it ends, and the eleventh one waits for a pool of ten.
    """
    await sync_to_async(give_connections_back)()


def give_connections_back() -> None:
    """The same for sync code: give this thread's connections back to their pools."""
    for connection in connections.all(initialized_only=True):
        _give_back(connection)


def replace_dropped_connections() -> bool:
    """Let go of this thread's connections whose server is gone, and tell whether there were any."""
    dropped = [
        connection
        for connection in connections.all(initialized_only=True)
        if not connection.in_atomic_block and _is_dropped(connection)
    ]
    for connection in dropped:
        _replace(connection)
    return bool(dropped)


def _replace(connection: Any) -> None:
    connection.close()
    if _has_pool(connection):
        # The others in the pool were probably lost with this one: without the check each of
        # them would fail an operation of its own.
        connection.pool.check()


def _has_pool(connection: Any) -> bool:
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool"))


def _give_back(connection: Any) -> None:
    if _has_pool(connection) and not connection.in_atomic_block:
        connection.close()


def _is_dropped(connection: Any) -> bool:
    """Tell whether the server is gone, as far as this connection knows; asks it."""
    try:
        return connection.connection is None or not connection.is_usable()
    except Error:
        return True


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
