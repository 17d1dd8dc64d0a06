"""The demo's URLs, a bare view that streams one event, the SDK's, and what the worker has used."""

from __future__ import annotations

import asyncio
import resource
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_POST

from benchmarks.site import sdk
from project.urls import urlpatterns as demo_urlpatterns


async def bare(request: HttpRequest) -> HttpResponseBase:
    """Stream one event to a signed-in user, and end; or stay open, for ``?hold``."""
    user = await request.auser()
    if not user.is_authenticated:
        return HttpResponse(status=401)
    is_held = "hold" in request.GET
    if is_held:  # else ten streams would take all connections of the pool
        await sync_to_async(connections.close_all)()

    async def events() -> AsyncIterator[bytes]:
        yield b'data: {"type":"progress_update","text":""}\n\n'
        if is_held:
            await asyncio.Event().wait()

    return StreamingHttpResponse(events(), content_type="text/event-stream")


def usage(request: HttpRequest) -> HttpResponse:
    """Return the worker's CPU time in seconds, its memory in bytes and its number of threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return JsonResponse(
        {
            "cpu": time.process_time(),
            "memory": pages * resource.getpagesize(),
            "threads": threading.active_count(),
        }
    )


urlpatterns = [
    path("bare/", require_POST(bare)),
    path("sdk/", require_POST(sdk.view)),
    path("usage/", usage),
    *demo_urlpatterns,
]
