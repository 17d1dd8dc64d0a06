"""WhiteNoise, for async views too."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from whitenoise.middleware import WhiteNoiseMiddleware


@sync_and_async_middleware
def static_files_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """
    Return WhiteNoise as a middleware that leaves async requests in the event loop.

    It knows its files by their paths, and for every other request only calls ``get_response``. As
    the middleware that it is, it would lend its thread to the request until the view has answered.
    """
    whitenoise: Callable[[HttpRequest], Any] = WhiteNoiseMiddleware(get_response)
    if not iscoroutinefunction(get_response):
        return whitenoise

    async def middleware(request: HttpRequest) -> Any:
        response = whitenoise(request)
        return await response if isawaitable(response) else response

    return middleware
