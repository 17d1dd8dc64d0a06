"""Middleware for the tests."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def only_sync(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    return lambda request: get_response(request)
