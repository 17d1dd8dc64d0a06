"""
The ASGI wrapper for a project's application: it stores unfinished answers when the server stops,
and limits the size of request bodies and how often a session sends requests.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from chatstore.db import async_pools
from chatstore.http.request_limits import ASGIApplication, limit_requests
from chatstore.server import live_streams


def with_lifespan(application: ASGIApplication) -> ASGIApplication:
    """
    Wrap an ASGI application so that unfinished answers are stored when the server stops (V4).

    The wrapper handles the ASGI lifespan protocol, which Django does not, and the signals SIGTERM
    and SIGINT: uvicorn sends lifespan.shutdown only after the last response has ended. It also
    answers 413 and 429 to requests for chatstore's URLs that are too large or too many
    (limit_requests).
    """
    application = limit_requests(application)

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                _watch_signals(asyncio.get_running_loop())
                await send({"type": "lifespan.startup.complete"})
            else:
                await live_streams.stop_all()
                await async_pools.close_async_pools()
                await send({"type": "lifespan.shutdown.complete"})
                return

    return wrapped


def _watch_signals(loop: asyncio.AbstractEventLoop) -> None:
    live_streams.set_draining(False)
    # The event loop has only weak references to its tasks.
    stopping: set[asyncio.Task[None]] = set()

    def drain() -> None:
        live_streams.set_draining(True)
        stopping.add(loop.create_task(live_streams.stop_all()))

    def watch(number: signal.Signals) -> None:
        previous_handler = signal.getsignal(number)
        if not callable(previous_handler):
            return

        def handle(signum: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(drain)
            previous_handler(signum, frame)

        signal.signal(number, handle)

    if threading.current_thread() is threading.main_thread():
        watch(signal.SIGTERM)
        watch(signal.SIGINT)
