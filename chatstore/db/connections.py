"""This thread's database connections: given back to their pools, and replaced when dropped."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, connections


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
        give_back(connection)


def replace_dropped_connections() -> bool:
    """Let go of this thread's connections whose server is gone, and tell whether there were any."""
    dropped = [
        connection
        for connection in connections.all(initialized_only=True)
        if not connection.in_atomic_block and was_dropped(connection)
    ]
    for connection in dropped:
        close_dropped(connection)
    return bool(dropped)


def close_dropped(connection: Any) -> None:
    connection.close()
    if has_pool(connection):
        # The others in the pool were probably lost with this one: without the check each of
        # them would fail an operation of its own.
        connection.pool.check()


def has_pool(connection: Any) -> bool:
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool"))


def give_back(connection: Any) -> None:
    if has_pool(connection) and not connection.in_atomic_block:
        connection.close()


def was_dropped(connection: Any) -> bool:
    """Tell whether the server is gone, as far as this connection knows; asks it."""
    try:
        return connection.connection is None or not connection.is_usable()
    except Error:
        return True
