"""Checks what the settings name, and the project around chatstore."""

from __future__ import annotations

import inspect
from collections.abc import Collection

from django.core.checks import CheckMessage, Error
from django.core.files.storage import storages
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from chatstore.attachments.validation import ALIASES
from chatstore.conf import settings


def check_time_zones() -> list[CheckMessage]:
    """Check that Django works with aware times (chatstore.E008)."""
    if settings.use_tz:
        return []
    return [
        Error(
            "chatstore needs USE_TZ = True: it stores times in UTC.",
            hint="It is Django's default; times are shown in TIME_ZONE.",
            id="chatstore.E008",
        )
    ]


def check_server() -> list[CheckMessage]:
    """Check that CHATSTORE_SERVER names a ChatServer (chatstore.E001, E002, E010, E011)."""
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


def check_flagger() -> list[CheckMessage]:
    """Check that CHATSTORE_FLAGGER names something that can be called (chatstore.E018)."""
    if not settings.flagger:
        return []
    try:
        if callable(import_string(settings.flagger)):
            return []
    except ImportError:
        pass
    return [
        Error(
            f"CHATSTORE_FLAGGER names {settings.flagger!r}, which is no function or class.",
            hint="Such as chatstore.moderation.openai_flagger.OpenAIModeration.",
            id="chatstore.E018",
        )
    ]


def has_urls() -> bool:
    """Tell whether the project includes chatstore.urls; the store can be used without them."""
    try:
        reverse("chatstore:api")
    except (NoReverseMatch, AttributeError):  # AttributeError: no ROOT_URLCONF
        return False
    return True


def _check_server_is_set() -> list[CheckMessage]:
    if not has_urls():
        return []
    return [
        Error(
            "chatstore.urls are included, but CHATSTORE_SERVER is empty.",
            hint="Give the dotted path of a subclass of chatstore.server.ChatServer.",
            id="chatstore.E011",
        )
    ]


def check_uploads() -> list[CheckMessage]:
    """Check the settings of uploads (chatstore.E004 to E006)."""
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
    else:
        errors += [
            Error(
                f"CHATSTORE_UPLOAD_TYPES has {name!r}, which no file is found to be of.",
                hint=f'Write "{ALIASES.get(name, "image/png")}", each type by its name.',
                id="chatstore.E004",
            )
            for name in types
            if name in ALIASES or "*" in name or name != name.lower()
        ]
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
