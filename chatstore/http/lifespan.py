"""
The ASGI wrapper that projects put around their application: it keeps running answers when the
server stops, and bounds the bodies of requests.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from chatstore.db import async_pools
from chatstore.http.request_limits import ASGIApplication, bounded
from chatstore.server import streams


def with_lifespan(application: ASGIApplication) -> ASGIApplication:
    """
    Wrap an ASGI application so that a stopping server keeps the answers that still run.

    It answers the lifespan protocol, which Django does not, and notices SIGTERM and SIGINT by
    itself: uvicorn says lifespan.shutdown only after the last response has ended. It also ends
    requests to chatstore's URLs whose bodies are too large, which Django would put on the disk.
    """
    application = bounded(application)

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
                await streams.stop_all()
                await async_pools.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    return wrapped


def _watch_signals(loop: asyncio.AbstractEventLoop) -> None:
    streams.set_draining(False)
    stopping: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks only weakly

    def drain() -> None:
        streams.set_draining(True)
        stopping.add(loop.create_task(streams.stop_all()))

    def watch(number: signal.Signals) -> None:
        servers_own = signal.getsignal(number)
        if not callable(servers_own):
            return

        def handle(signum: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(drain)
            servers_own(signum, frame)

        signal.signal(number, handle)

    if threading.current_thread() is threading.main_thread():
        watch(signal.SIGTERM)
        watch(signal.SIGINT)
