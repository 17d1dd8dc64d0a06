"""
The connections of chatstore.db.async_pools.

psycopg is imported only where they are used, since it is installed for PostgreSQL only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from typing import Any, cast

MAX_CURSORS = 100  # of a connection; psycopg prepares as many statements


@cache
def connection_class() -> type[Any]:
    from psycopg import AsyncConnection, OperationalError

    class Connection(AsyncConnection[Any]):
        """A connection on which a cancellation waits for the end of the statement (S16)."""

        @cached_property
        def cursor_for(self) -> Callable[[str], Any]:
            """
            Return the cursor of a statement, given its SQL.

            To make one for each execution takes a tenth of its time, and one that runs another
            statement than before makes anew what converts values.
            """
            return lru_cache(maxsize=MAX_CURSORS)(lambda sql: self.cursor())

        async def wait(  # type: ignore[override]
            self, gen: Any, interval: float = 0.1, **options: Any
        ) -> Any:
            if options:  # a timeout, which no statement has
                return await super().wait(gen, interval, **options)
            is_cancelled = False
            try:
                wanted = next(gen)
                while True:
                    try:
                        ready = await _wait_for_socket(self.pgconn.socket, wanted)
                    except asyncio.CancelledError:
                        is_cancelled = True
                    else:
                        wanted = gen.send(ready)
            except StopIteration as end:
                return end.value
            except OSError as error:
                raise OperationalError("the connection's socket is closed") from error
            finally:
                if is_cancelled:  # again, where the task waits next
                    task: Any = asyncio.current_task()
                    task.uncancel()
                    task.cancel()

    return Connection


async def _wait_for_socket(socket: int, wanted: int) -> int:
    """
    Wait until a socket can be read or written, as psycopg wants it; return which.

    psycopg's own function makes a timer for each wait besides, which takes a tenth of a statement's
    time.
    """
    from psycopg.waiting import Ready, Wait

    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake(which: int) -> None:
        if not ready.done():
            ready.set_result(which)

    if wanted & Wait.R:
        loop.add_reader(socket, wake, Ready.R)
    if wanted & Wait.W:
        loop.add_writer(socket, wake, Ready.W)
    try:
        return cast(int, await ready)
    finally:
        if wanted & Wait.R:
            loop.remove_reader(socket)
        if wanted & Wait.W:
            loop.remove_writer(socket)
