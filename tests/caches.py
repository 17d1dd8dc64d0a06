"""Caches for the tests of the thread cache: real Redis, and the process's memory."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")

# Of this run; its processes inherit it.
PREFIX = os.environ.setdefault("TEST_CACHE_PREFIX", f"chatstore-tests-{os.getpid()}")


def redis_server() -> tuple[str, int]:
    url = urlsplit(REDIS_URL)
    return url.hostname or "127.0.0.1", url.port or 6379


def has_redis() -> bool:
    try:
        socket.create_connection(redis_server(), timeout=2).close()
    except OSError:
        return False
    return True


class SlowReaderMixin:
    """A cache that must not be called in an event loop, and can wait before it stores a row."""

    meanwhile: list[Callable[[], object]] = []  # each is called once

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        _assert_no_loop()
        return super().get_many(*args, **kwargs)  # type: ignore[misc]

    def set(self, *args: Any, **kwargs: Any) -> None:
        _assert_no_loop()
        if self.meanwhile:
            self.meanwhile.pop()()
        super().set(*args, **kwargs)  # type: ignore[misc]


def _assert_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise AssertionError("The cache is called in an event loop.")


class Memory(SlowReaderMixin, LocMemCache):
    pass


class Redis(SlowReaderMixin, RedisCache):
    pass


LOCMEM = {"BACKEND": "tests.caches.Memory", "LOCATION": "chatstore-threads"}


def redis(**options: Any) -> dict[str, Any]:
    """Return the entry in CACHES for the tests' Redis, with keys of this run only."""
    host, port = options.pop("server", redis_server())
    return {
        "BACKEND": "tests.caches.Redis",
        "LOCATION": urlsplit(REDIS_URL)._replace(netloc=f"{host}:{port}").geturl(),
        "KEY_PREFIX": PREFIX,
        "OPTIONS": {"socket_timeout": 10, "socket_connect_timeout": 10, **options},
    }


def use_cache(config: dict[str, Any]) -> override_settings:
    """Return what makes this the thread cache."""
    return override_settings(
        CACHES={**settings.CACHES, "threads": config}, CHATSTORE_CACHE="threads"
    )


def delete_keys(alias: str = "threads") -> None:
    """Delete the keys of this run in a cache; Redis may hold those of others."""
    cache: Any = caches[alias]
    if not isinstance(cache, RedisCache):
        cache.clear()
        return
    client = cache._cache.get_client(write=True)
    for key in client.scan_iter(f"{cache.key_prefix}:*"):
        client.delete(key)
