"""Checks how the site is served: by which server, and with which middleware (W004, W005, W008)."""

from __future__ import annotations

import sys
from inspect import isclass

from django.apps import apps
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.management import get_commands
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils.module_loading import import_string

from chatstore.checks.project import has_urls
from chatstore.conf import settings

WSGI_COMMANDS = ("django.core", "django.contrib.staticfiles")  # the apps of runserver


def check_asgi_server() -> list[CheckMessage]:
    """Warn of daphne (chatstore.W004), and of Django's runserver (chatstore.W005)."""
    if apps.is_installed("daphne"):
        return [
            CheckWarning(
                "daphne does not tell applications that it stops, so unfinished answers are lost "
                "then.",
                hint="Serve the site with uvicorn, gunicorn with uvicorn's worker, or hypercorn.",
                id="chatstore.W004",
            )
        ]
    is_run = sys.argv[1:2] == ["runserver"] and get_commands()["runserver"] in WSGI_COMMANDS
    if not is_run or not has_urls():
        return []
    return [
        CheckWarning(
            "runserver serves the site by WSGI, so each answer arrives all at once at its end.",
            hint="Serve it by ASGI: python -m uvicorn mysite.asgi:application --reload",
            id="chatstore.W005",
        )
    ]


def check_middleware() -> list[CheckMessage]:
    """Warn of each middleware that the chat needs and MIDDLEWARE lacks (chatstore.W008)."""
    if not has_urls():
        return []
    from chatstore.server import ChatServer

    try:
        server = import_string(settings.server)
    except ImportError:
        return []  # E001
    needed: dict[type, str] = {}
    if getattr(server, "get_context", None) is ChatServer.get_context:
        # Only where there are people to sign in is django.contrib.auth among the apps.
        from django.contrib.auth.middleware import AuthenticationMiddleware

        needed[SessionMiddleware] = "ChatServer.get_context asks the session who is signed in"
        needed[AuthenticationMiddleware] = "ChatServer.get_context asks for request.auser()"
    if not getattr(server, "csrf_exempt_schemes", ()):
        needed[CsrfViewMiddleware] = "without it no page gets the token that each request needs"
    if settings.chosen_languages > 1:
        needed[LocaleMiddleware] = "LANGUAGES has several, and the page is in the default one only"
    installed = [one for one in map(_load, settings.middleware) if isclass(one)]
    return [
        CheckWarning(
            f"MIDDLEWARE lacks {middleware.__name__}: {reason}.",
            hint=f"Add {middleware.__module__}.{middleware.__name__}.",
            id="chatstore.W008",
        )
        for middleware, reason in needed.items()
        if not any(issubclass(one, middleware) for one in installed)
    ]


def _load(path: str) -> object:
    try:
        return import_string(path)
    except ImportError:
        return None  # Django says so itself when it starts
