"""
System checks of the settings and the database, each with an id and a hint.

``values`` checks the types of the settings, ``project`` what they name and the project around them,
``caches`` and ``databases`` those.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Tags, register

from chatstore.checks import caches, databases, project, values

register(databases.check_charsets, Tags.database)
register(caches.check_limits_are_shared, "chatstore", deploy=True)


@register("chatstore")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check settings (chatstore.E001 to E018, but for E007; W002 to W004)."""
    wrong = [*values.check_types(), *values.check_choices(), *values.check_integers()]
    wrong = wrong or [
        *project.check_server(),
        *project.check_flagger(),
        *project.check_uploads(),
        *databases.check_async_pool(),
        *caches.check_cache(),
        *caches.check_limits_cache(),
        *databases.check_pool(),
        *project.check_asgi_server(),
    ]
    return [*project.check_time_zones(), *wrong]
