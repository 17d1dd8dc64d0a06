"""System checks of the settings and the database, each with an id and a hint."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.files.storage import storages
from django.db import connections, router
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from chatstore.conf import settings
from chatstore.db import async_pools
from chatstore.db.connections import pool_options
from chatstore.models import ChatSession

STRINGS = ("server", "cache", "domain_key", "storage", "base_url", "limits_cache")
FLAGS = ("use_presigned_urls", "reason_to_read", "sharded")
DICTS = ("async_pool",)
# What a process writes there, the others would not see at once, or not before its commit.
UNFIT_CACHES = (LocMemCache, DummyCache, FileBasedCache, DatabaseCache)
POSITIVE_INTEGERS = (
    "cache_ttl",
    "max_page_size",
    "max_request_bytes",
    "max_input_length",
    "max_title_length",
    "max_message_length",
    "max_upload_bytes",
    "max_attachments",
    "user_quota_bytes",
    "upload_url_ttl",
    "file_url_ttl",
    "retention_days",
)
LIMITS = ("max_streams", "messages_per_minute", "creations_per_minute")
INTEGERS_OR_ZERO = (*LIMITS, "requests_per_second")
# What these backends of Django keep, no other process sees.
UNSHARED_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


@register("chatstore")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check settings (chatstore.E001 to E017, but for E007; W002 to W004)."""
    wrong = [*_check_types(), *_check_integers()]
    wrong = wrong or [
        *_check_server(),
        *_check_uploads(),
        *_check_async_pool(),
        *_check_cache(),
        *_check_limits_cache(),
        *_check_pool(),
        *_check_asgi_server(),
    ]
    return [*_check_time_zones(), *wrong]


@register("chatstore", deploy=True)
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


@register(Tags.database)
def check_databases(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that MariaDB and MySQL can store any text (chatstore.E007); ``migrate`` runs it."""
    errors: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor == "mysql":
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT @@character_set_database")
                [charset] = cursor.fetchone()
            if charset != "utf8mb4":
                errors.append(
                    Error(
                        f"The database {alias!r} has the character set {charset}, "
                        "which can't store every message.",
                        hint="ALTER DATABASE … CHARACTER SET utf8mb4, before its tables are made.",
                        id="chatstore.E007",
                    )
                )
    return errors


def _check_time_zones() -> list[CheckMessage]:
    if settings.use_tz:
        return []
    return [
        Error(
            "chatstore needs USE_TZ = True: it stores times in UTC.",
            hint="It is Django's default; times are shown in TIME_ZONE.",
            id="chatstore.E008",
        )
    ]


def _check_types() -> list[CheckMessage]:
    return [
        Error(f"CHATSTORE_{name.upper()} must be {what}, not {value!r}.", id="chatstore.E009")
        for names, of_type, what in (
            (STRINGS, str, "text"),
            (FLAGS, bool, "True or False"),
            (DICTS, dict, "a dict of options"),
        )
        for name in names
        if not isinstance(value := getattr(settings, name), of_type)
    ]


def _check_server() -> list[CheckMessage]:
    if not settings.server:
        return _check_server_is_set()
    try:
        server_class = import_string(settings.server)
    except ImportError as error:
        return [
            Error(
                f"CHATSTORE_SERVER names {settings.server!r}, which can't be imported: {error}",
                hint="Give the dotted path of a subclass of chatstore.server.ChatServer.",
                id="chatstore.E001",
            )
        ]
    from chatstore.server import ChatServer

    if not (isinstance(server_class, type) and issubclass(server_class, ChatServer)):
        return [
            Error(
                f"CHATSTORE_SERVER names {settings.server!r}, which is not a ChatServer class.",
                hint="Give the dotted path of a subclass of chatstore.server.ChatServer.",
                id="chatstore.E002",
            )
        ]
    if inspect.isabstract(server_class):
        missing = ", ".join(f"{name}()" for name in sorted(server_class.__abstractmethods__))
        return [
            Error(
                f"CHATSTORE_SERVER names {settings.server!r}, which lacks {missing}.",
                hint="Implement it in this class: README.md has an example.",
                id="chatstore.E010",
            )
        ]
    return []


def _check_server_is_set() -> list[CheckMessage]:
    try:
        reverse("chatstore:api")
    except (NoReverseMatch, AttributeError):  # chatstore.urls not included; no ROOT_URLCONF
        return []  # the store can be used without the views
    return [
        Error(
            "chatstore.urls are included, but CHATSTORE_SERVER is empty.",
            hint="Give the dotted path of a subclass of chatstore.server.ChatServer.",
            id="chatstore.E011",
        )
    ]


def _check_integers() -> list[CheckMessage]:
    return [
        Error(
            f"CHATSTORE_{name.upper()} must be a whole number of at least {least}{note}, "
            f"not {value!r}.",
            id=f"chatstore.{check_id}",
        )
        for names, least, note, check_id in (
            (POSITIVE_INTEGERS, 1, "", "E003"),
            (INTEGERS_OR_ZERO, 0, ", where 0 stands for no limit", "E017"),
        )
        for name in names
        if not isinstance(value := getattr(settings, name), int)
        or isinstance(value, bool)
        or value < least
    ]


def _check_limits_cache() -> list[CheckMessage]:
    if settings.limits_cache in caches.settings:
        return []
    return [
        Error(
            f"CHATSTORE_LIMITS_CACHE names {settings.limits_cache!r}, which is not in CACHES.",
            hint="Give one of its aliases; processes should share it.",
            id="chatstore.E016",
        )
    ]


def _check_uploads() -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    types = settings.upload_types
    if (
        isinstance(types, str)
        or not isinstance(types, Collection)
        or not all(isinstance(name, str) and "/" in name for name in types)
    ):
        errors.append(
            Error(
                f"CHATSTORE_UPLOAD_TYPES must be a list of content types, not {types!r}.",
                hint='Such as ["image/png", "application/pdf"].',
                id="chatstore.E004",
            )
        )
    if settings.storage not in storages.backends:
        errors.append(
            Error(
                f"CHATSTORE_STORAGE names {settings.storage!r}, which is not in STORAGES.",
                hint="Give one of its aliases; it should not be a public storage.",
                id="chatstore.E006",
            )
        )
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        errors.append(
            Error(
                f"CHATSTORE_BASE_URL must be an http or https URL, not {settings.base_url!r}.",
                hint="Such as https://example.com; empty for the host of the request.",
                id="chatstore.E005",
            )
        )
    return errors


def _check_async_pool() -> list[CheckMessage]:
    if not settings.async_pool:
        return []
    if not any(async_pools.can_serve(alias) for alias in connections):
        return [
            Error(
                "CHATSTORE_ASYNC_POOL is set, but no database can be used by it.",
                hint=f"It needs the ENGINE {async_pools.ENGINE}, without the OPTIONS "
                "assume_role and isolation_level.",
                id="chatstore.E012",
            )
        ]
    try:
        async_pools.make_pool(settings.async_pool)
    except (ImportError, TypeError, ValueError) as error:
        return [
            Error(
                f"CHATSTORE_ASYNC_POOL makes no pool: {error}",
                hint="It has options of psycopg_pool.AsyncConnectionPool, such as max_size; "
                "install django-chatstore[postgresql].",
                id="chatstore.E013",
            )
        ]
    return []


def _check_pool() -> list[CheckMessage]:
    """Warn of a missing pool, and of one that is slow to connect again after an outage (S16)."""
    using = router.db_for_write(ChatSession)
    database = connections.settings[using]
    if database["ENGINE"] != async_pools.ENGINE:
        return []
    pool = pool_options(database)
    if not pool:
        return [
            CheckWarning(
                f"The database {using!r} has no pool, so each operation of a stream connects anew.",
                hint='Set "OPTIONS": {"pool": {"max_size": 10, "reconnect_timeout": 2}}.',
                id="chatstore.W002",
            )
        ]
    pools = {f"DATABASES[{using!r}]": {} if pool is True else pool}
    if "reconnect_timeout" in settings.async_pool:  # which has a small one by default
        pools["CHATSTORE_ASYNC_POOL"] = settings.async_pool
    return [
        CheckWarning(
            f"The pool of {name} may wait for minutes before it connects again after an outage.",
            hint=f'Set its "reconnect_timeout" to {async_pools.RECONNECT_TIMEOUT} seconds.',
            id="chatstore.W003",
        )
        for name, options in pools.items()
        if options.get("reconnect_timeout", 300) > async_pools.MAX_RECONNECT_TIMEOUT
    ]


def _check_asgi_server() -> list[CheckMessage]:
    if not apps.is_installed("daphne"):
        return []
    return [
        CheckWarning(
            "daphne does not tell applications that it stops, so unfinished answers are lost then.",
            hint="Serve the site with uvicorn, gunicorn with uvicorn's worker, or hypercorn.",
            id="chatstore.W004",
        )
    ]


def _check_cache() -> list[CheckMessage]:
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
