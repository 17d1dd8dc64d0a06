"""Checks of the caches that the settings name (chatstore.E014 to E016, E020, W001)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from chatstore.checks.values import LIMITS
from chatstore.conf import settings

# What a process writes there, the others would not see at once, or not before its commit.
UNFIT_CACHES = (LocMemCache, DummyCache, FileBasedCache, DatabaseCache)
# What these backends of Django keep, no other process sees.
UNSHARED_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


def check_limits_are_shared(**kwargs: Any) -> list[CheckMessage]:
    """Warn where each process counts for itself what users start (chatstore.W001)."""
    if not any(getattr(settings, name) for name in LIMITS):
        return []
    if settings.limits_cache not in caches.settings:
        return []  # E016
    backend = caches.settings[settings.limits_cache]["BACKEND"]
    if not backend.endswith(UNSHARED_CACHES):
        return []
    return [
        CheckWarning(
            f"CHATSTORE_LIMITS_CACHE names {settings.limits_cache!r}, a cache that processes do "
            "not share: each of them allows a user as much as the settings say.",
            hint="Use Redis or Memcached, or set CHATSTORE_MAX_STREAMS, "
            "CHATSTORE_MESSAGES_PER_MINUTE and CHATSTORE_CREATIONS_PER_MINUTE to 0.",
            id="chatstore.W001",
        )
    ]


def check_limits_cache() -> list[CheckMessage]:
    """Check that the cache of the limits is there (chatstore.E016)."""
    if settings.limits_cache in caches.settings:
        return []
    return [
        Error(
            f"CHATSTORE_LIMITS_CACHE names {settings.limits_cache!r}, which is not in CACHES.",
            hint="Give one of its aliases; processes should share it.",
            id="chatstore.E016",
        )
    ]


def check_redis_is_installed() -> list[CheckMessage]:
    """Check that Django can reach Redis where the settings name it (chatstore.E020)."""
    used = {settings.cache, settings.limits_cache}
    backends = [options["BACKEND"] for alias, options in caches.settings.items() if alias in used]
    if find_spec("redis") or not any(name.endswith("redis.RedisCache") for name in backends):
        return []
    return [
        Error(
            "CACHES names Redis, and the package redis is not installed: the limits for users, or "
            "the thread cache, would be off.",
            hint="pip install django-chatstore[redis]",
            id="chatstore.E020",
        )
    ]


def check_cache() -> list[CheckMessage]:
    """Check that all processes share the thread cache (chatstore.E014, E015)."""
    if not settings.cache:
        return []
    try:
        cache = caches[settings.cache]
    except InvalidCacheBackendError as error:
        return [
            Error(
                f"CHATSTORE_CACHE names {settings.cache!r}, which is no cache: {error}",
                hint="Give an alias in CACHES, or leave it empty: then there is no thread cache.",
                id="chatstore.E014",
            )
        ]
    servers = caches.settings[settings.cache].get("LOCATION") or ""
    has_replicas = "Redis" in type(cache).__name__ and (
        len(servers) > 1 if isinstance(servers, (list, tuple)) else any(c in servers for c in ",;")
    )
    if isinstance(cache, UNFIT_CACHES) or has_replicas:
        return [
            Error(
                f"CHATSTORE_CACHE names {settings.cache!r}, which is not one shared memory: "
                f"a {type(cache).__name__}{' with replicas' if has_replicas else ''}.",
                hint="All processes must read what any of them has just written: "
                "use one Redis server, or memcached.",
                id="chatstore.E015",
            )
        ]
    return []
