"""
System checks of the settings and the database, each with an id and a hint.

``values`` checks the types of the settings, ``project`` what they name, ``serving`` the server and
the middleware, ``retention`` that old threads are deleted; ``caches``, ``databases`` and
``storages`` those. docs/reference/checks.md lists them all.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Tags, register

from chatstore.checks import caches, databases, project, retention, serving, storages, values

register(databases.check_charsets, Tags.database)
register(retention.check_retention_is_run, Tags.database)
register(storages.check_media_are_private, "chatstore", deploy=True)
register(caches.check_limits_are_shared, "chatstore", deploy=True)


@register("chatstore")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check settings (chatstore.E001 to E020, but for E007; W002 to W008)."""
    wrong = [*values.check_types(), *values.check_choices(), *values.check_integers()]
    wrong = wrong or [
        *project.check_server(),
        *project.check_flagger(),
        *project.check_uploads(),
        *databases.check_async_pool(),
        *caches.check_cache(),
        *caches.check_limits_cache(),
        *caches.check_redis_is_installed(),
        *databases.check_pool(),
        *databases.check_router(),
        *storages.check_storage_is_private(),
        *serving.check_asgi_server(),
        *serving.check_middleware(),
    ]
    return [*project.check_time_zones(), *wrong]
