"""
Runs a statement without a thread, on PostgreSQL: on psycopg's async pools, one for each event
loop and database, where CHATSTORE_ASYNC_POOL is set (S19).

Every statement is a transaction of its own. What needs more than that, or another database, runs
on Django's connection in the request's thread.
"""

from __future__ import annotations

import asyncio
import select
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from asgiref.sync import AsyncToSync
from django.db import connections

from chatstore.conf import settings
from chatstore.db.async_connection import connection_class
from chatstore.db.statements import Statement

ENGINE = "django.db.backends.postgresql"
UNSUPPORTED_OPTIONS = {"assume_role", "isolation_level"}  # Django sets them by itself
# Seconds. psycopg_pool doubles the time between its tries to connect up to this; its own default
# of five minutes would keep the store away for long after the database has come back (S16).
RECONNECT_TIMEOUT = 2
MAX_RECONNECT_TIMEOUT = 3  # with more, tries can be more than two seconds apart
CLOSE_TIMEOUT = 1  # seconds, for what is just connecting to a server that may not answer


def can_serve(using: str) -> bool:
    """Tell whether the pool can connect to a database as Django does; else threads are used."""
    configured = connections.settings[using]
    return configured["ENGINE"] == ENGINE and not UNSUPPORTED_OPTIONS & configured["OPTIONS"].keys()


def make_pool(options: dict[str, Any], **kwargs: Any) -> Any:
    """
    Return an AsyncConnectionPool that is not open.

    Args:
        options: of psycopg_pool.AsyncConnectionPool, without ``connection_class``; TypeError or
            ValueError if it refuses them.
        kwargs: parameters of its connections, which ``options["kwargs"]`` can replace.
    """
    from psycopg_pool import AsyncConnectionPool

    kwargs = {**kwargs, **options.get("kwargs", {}), "autocommit": True}
    # Without a prepare_threshold psycopg prepares. Citus needs the values to find the shard.
    if kwargs.get("prepare_threshold", 0) is not None and not settings.sharded:
        options = {**options, "configure": partial(_plan_once, options.get("configure"))}
    return AsyncConnectionPool(
        connection_class=connection_class(),
        **{
            "reconnect_timeout": RECONNECT_TIMEOUT,
            "reconnect_failed": _connect_for_those_who_wait,
            **options,
            "kwargs": kwargs,
            "open": False,
        },
    )


async def _plan_once(configure: Callable[[Any], Awaitable[None]] | None, connection: Any) -> None:
    """
    Let the server plan a prepared statement once, and not for each of its values.

    It would do so where it expects fewer rows than on average, such as in threads that are newer
    than its statistics; and to plan a page takes it longer than to read one. Whatever the values,
    the store's statements use the same indexes.
    """
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    if configure:
        await configure(connection)


async def _connect_for_those_who_wait(pool: Any) -> None:
    """Begin anew after the pool has given up; by itself it would do so only for new requests."""
    if pool.get_stats().get("requests_waiting"):
        await pool.check()


class AsyncDatabase:
    """One database, as one event loop uses it."""

    def __init__(self, using: str, options: dict[str, Any]) -> None:
        # Never connected. It has the parameters to connect with, and adapts values and errors.
        self._wrapper: Any = connections.create_connection(using)
        kwargs = self._wrapper.get_connection_params()
        del kwargs["cursor_factory"]  # psycopg's own is used
        if "prepare_threshold" not in self._wrapper.settings_dict["OPTIONS"]:
            del kwargs["prepare_threshold"]  # Django's default is to prepare nothing
        self.pool = make_pool(options, **kwargs)

    def can_run(self, statement: Statement) -> bool:
        return statement.is_compiled(self._wrapper.alias)

    async def run(self, statement: Statement, values: dict[str, Any]) -> Any:
        """
        Run a statement, to its end even when cancelled (S16).

        Returns a select's rows, with psycopg's values: its times are aware, as Django's are. Or how
        many rows another statement has written. Raises Django's errors.
        """
        sql, params = statement.bind(self._wrapper, values)
        with self._wrapper.wrap_database_errors:
            connection = await self._get_connection()
            try:
                cursor = await connection.cursor_for(sql).execute(sql, params)
                if not statement.is_select:
                    return cursor.rowcount
                rows = await cursor.fetchall()
                cursor.pgresult.clear()  # the cursor would keep it until it is used again
                return rows
            finally:
                await self.pool.putconn(connection)

    async def _get_connection(self) -> Any:
        # The pool's own check waits a second and more after each connection that fails it.
        while not _is_alive(connection := await self.pool.getconn()):
            connection.pgconn.finish()
            await self.pool.putconn(connection)  # which replaces it
        return connection


def _is_alive(connection: Any) -> bool:
    """Tell whether the server has not closed an idle connection; asks it nothing."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)  # to an idle connection the server sends nothing but its end


_databases: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncDatabase]] = (
    weakref.WeakKeyDictionary()
)


def _is_below_sync_code() -> bool:
    """Tell whether there may be a caller's transaction, on its thread's connection."""
    try:
        return AsyncToSync.executors.current is not None
    except AttributeError:  # which takes as long as all else here, so only once in a task
        AsyncToSync.executors.current = None
        return False


async def get_database(using: str) -> AsyncDatabase | None:
    """Return the running loop's database, or None where operations run in a thread."""
    options = settings.async_pool
    if not options or _is_below_sync_code():
        return None
    try:
        return _databases[asyncio.get_running_loop()][using]
    except KeyError:
        pass
    if not can_serve(using):
        return None
    database = AsyncDatabase(using, options)
    _databases.setdefault(asyncio.get_running_loop(), {})[using] = database
    await database.pool.open()
    return database


async def close_async_pools() -> None:
    """Close the pools of CHATSTORE_ASYNC_POOL in the running event loop; with_lifespan does so."""
    for each in _databases.pop(asyncio.get_running_loop(), {}).values():
        await each.pool.close(CLOSE_TIMEOUT)
