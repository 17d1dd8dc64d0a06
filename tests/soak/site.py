"""The ASGI application of the soak's workers: the demo, and at /soak/ what the process holds."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

from project.asgi import application as demo

from chatstore.server import live_streams  # isort: skip (needs Django to be set up)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or scope["path"] != "/soak/":
        await demo(scope, receive, send)
        return
    # What only waits for the collector is not held: it comes after some more requests, which there
    # are none of here. The executor of a request whose client went before its end has a thread.
    gc.collect()
    await asyncio.sleep(0.1)  # such a thread ends by itself
    holds = {
        "streams": len(live_streams._live),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
    }
    body = json.dumps(holds).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
