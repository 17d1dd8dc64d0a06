"""Releases the database connections of the current OS thread, and closes those that are lost."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, connections


async def release_connections() -> None:
    """
    Return the request's database connections to their pools (S16).

    Await it in respond() after your own ORM queries and before a long wait. Otherwise the stream
    keeps its connection until it ends, and with a pool of ten the eleventh stream has to wait.
    A connection without a pool, or inside a transaction, is left as it is.
    """
    await sync_to_async(release_connections_sync)()


def release_connections_sync() -> None:
    """Do what release_connections does, for the OS thread that sync code runs in."""
    for connection in connections.all(initialized_only=True):
        release_if_pooled(connection)


def close_dropped_connections() -> bool:
    """Close the OS thread's connections that the server no longer answers; True if any were."""
    dropped = [
        connection
        for connection in connections.all(initialized_only=True)
        if not connection.in_atomic_block and is_connection_dropped(connection)
    ]
    for connection in dropped:
        close_dropped_connection(connection)
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
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool"))


def release_if_pooled(connection: Any) -> None:
    """Return a connection to its pool, unless it is inside a transaction."""
    if has_pool(connection) and not connection.in_atomic_block:
        connection.close()


def is_connection_dropped(connection: Any) -> bool:
    """Tell whether the server no longer answers on this connection; sends a query to find out."""
    try:
        return connection.connection is None or not connection.is_usable()
    except Error:
        return True
