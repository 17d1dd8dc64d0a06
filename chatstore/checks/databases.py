"""Checks of the databases, their router and pools (E007, E012, E013, E019, W002, W003, W007)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from chatstore.conf import settings
from chatstore.db import async_pools
from chatstore.db.connections import pool_options
from chatstore.models import ChatSession


def check_charsets(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
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


def check_router() -> list[CheckMessage]:
    """
    Check that the router keeps the tables together (chatstore.E019), reads too (W007; S13), and
    lets them be made (W010).
    """
    using = router.db_for_write(ChatSession)
    models = list(apps.get_app_config("chatstore").get_models())
    apart = sorted({router.db_for_write(model) for model in models} - {using})
    hint = 'Let it decide by model._meta.app_label == "chatstore".'
    if apart:
        return [
            Error(
                "The database router sends writes of some of chatstore's tables to "
                f"{', '.join(map(repr, apart))}, but chatstore writes all to {using!r}.",
                hint=hint,
                id="chatstore.E019",
            )
        ]
    if not router.allow_migrate_model(using, ChatSession):
        # No error: with a schema for each tenant it may depend on the schema of the connection.
        return [
            CheckWarning(
                f"The database router allows no migrations of chatstore on {using!r}, where "
                "chatstore writes.",
                hint=hint,
                id="chatstore.W010",
            )
        ]
    replicas = sorted({router.db_for_read(model) for model in models} - {using})
    if not replicas:
        return []
    return [
        CheckWarning(
            f"The database router sends reads of chatstore's tables to "
            f"{', '.join(map(repr, replicas))}: the store reads where it writes all the same, but "
            "moderators may not see what has just been done.",
            hint=f"Let db_for_read return {using!r} for the app chatstore.",
            id="chatstore.W007",
        )
    ]


def check_async_pool() -> list[CheckMessage]:
    """Check that CHATSTORE_ASYNC_POOL makes a pool of a database (chatstore.E012, E013)."""
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


def check_pool() -> list[CheckMessage]:
    """Warn of a missing pool, and of a slow one after an outage (chatstore.W002, W003; S16)."""
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
