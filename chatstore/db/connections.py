"""Opens, releases and replaces the database connections of the current OS thread."""

from __future__ import annotations

import random
import time
from contextvars import ContextVar
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, OperationalError, connections

from chatstore.conf import settings

CONNECT_SECONDS = 5
MAX_PAUSE_SECONDS = 0.2  # between two tries to connect
_is_in_stream: ContextVar[bool] = ContextVar("is_in_stream", default=False)


async def release_connections() -> None:
    """
    Return the request's database connections to their pools, or close those without one (S16).

    Await it in respond() after your own ORM queries and before a long wait. Otherwise the stream
    keeps its connection until it ends, and with a pool of ten the eleventh stream has to wait.
    A connection inside a transaction is left as it is.
    """
    await sync_to_async(release_connections_sync)()


def release_connections_sync() -> None:
    """Do what release_connections does, for the OS thread that sync code runs in."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def begin_stream() -> None:
    """Let the current task, and those that it creates, keep no connection between operations."""
    _is_in_stream.set(True)


async def release_unneeded_connections() -> None:
    """Release the request's connections that the rest of the request need not keep."""
    await sync_to_async(_release_unneeded_connections)()


def _release_unneeded_connections() -> None:
    for connection in connections.all(initialized_only=True):
        release_unneeded(connection)


def connect(connection: Any) -> None:
    """
    Open a connection that is closed; without a pool, wait for that as long as a pool would.

    A server that has no more connections, since many have come at once, has some a moment later.
    """
    if connection.connection is not None or has_pool(connection):
        return  # Django connects, and the pool waits
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            connection.ensure_connection()
        except OperationalError:
            if time.monotonic() > end:
                raise
        else:
            return
        time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311 (jitter, no secret)


def replace_dropped_connections() -> bool:
    """Replace the OS thread's connections that the server no longer answers; True if any were."""
    dropped = [
        connection
        for connection in connections.all(initialized_only=True)
        if not connection.in_atomic_block and is_connection_dropped(connection)
    ]
    for connection in dropped:
        close_dropped_connection(connection)
        connect(connection)
    return bool(dropped)


def close_dropped_connection(connection: Any) -> None:
    """Close a connection, and let its pool test all its other connections."""
    connection.close()
    if has_pool(connection):
        # What dropped one connection has usually dropped all; untested, each of them would fail
        # one operation.
        connection.pool.check()


def has_pool(connection: Any) -> bool:
    """Tell whether the connection comes from psycopg's pool (``OPTIONS: {"pool": …}``)."""
    return bool(pool_options(connection.settings_dict))


def pool_options(database: dict[str, Any]) -> Any:
    """Return what a database's settings say of psycopg's pool: a dict, True for one, or nothing."""
    return database.get("OPTIONS", {}).get("pool")


def release_unneeded(connection: Any) -> None:
    """
    Return a connection to its pool, unless it is inside a transaction.

    Without a pool, opening it again costs more than a statement. So it is closed within a stream,
    which may last for minutes, and where the frequent statements use another one (S19); else the
    next operation of the request uses it again, and Django closes it with the request.
    """
    if not connection.in_atomic_block and (
        has_pool(connection) or _is_in_stream.get() or settings.async_pool
    ):
        connection.close()


def is_connection_dropped(connection: Any) -> bool:
    """Tell whether the server no longer answers on this connection; sends a query to find out."""
    try:
        return connection.connection is None or not connection.is_usable()
    except Error:
        return True
