"""The tag `{% chatkit %}`: OpenAI's chat component, configured for this app's endpoint."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Mapping
from typing import Any

from asgiref.sync import async_to_sync
from django import template
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import get_language, to_locale

from chatstore.conf import settings
from chatstore.exceptions import Refused
from chatstore.http.access import load_context
from chatstore.server import get_server

COMPONENT = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js"

register = template.Library()


@register.inclusion_tag("chatstore/chatkit.html", takes_context=True)
def chatkit(
    context: template.Context,
    options: Mapping[str, Any] | None = None,
    *,
    upload: str = "direct",
    thread: str | None = None,
    id: str = "chatkit-options",  # noqa: A002
) -> dict[str, Any]:
    """
    Render the component with its history, feedback, retry and uploads switched on.

    Args:
        options: ChatKitOptions, the argument of the component's `setOptions`. Each replaces what
            the tag has by default and by ChatServer.page_options, or is merged into it if both
            are mappings.
        upload: "direct", "two_phase", or "" for no uploads.
        thread: the id of the thread to open first.
        id: of the element that holds the options; must differ between two tags on a page.

    A Content-Security-Policy must allow COMPONENT's host in script-src and frame-src.
    """
    request = context["request"]
    merged = _default_options(upload, thread)
    for more in (_page_options(request), options or {}):
        for name, value in more.items():
            default = merged.get(name)
            merged[name] = {**default, **value} if isinstance(default, dict) and value else value
    return {
        "id": id,
        "options": merged,
        "src": COMPONENT,
        "csrf_token": get_token(request),
        "entities_url": reverse("chatstore:entities") if get_server().has_entities else "",
        "page_url": reverse("chatstore:page"),
    }


def _page_options(request: HttpRequest) -> dict[str, Any]:
    """
    Return ChatServer.page_options for whoever asks.

    None in an async view: rendering can't wait there. Pass them as the tag's ``options``.
    """
    server = get_server()
    if not server.has_page_options or _is_in_event_loop():
        return {}
    try:
        context = async_to_sync(load_context)(request)
    except Refused:
        return {}
    return {} if context is None else async_to_sync(server.load_page_options)(context)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _default_options(upload: str, thread: str | None) -> dict[str, Any]:
    api: dict[str, Any] = {"url": reverse("chatstore:api"), "domainKey": settings.domain_key}
    composer: dict[str, Any] = {}
    if upload:
        api["uploadStrategy"] = {"type": upload}
        if upload == "direct":
            api["uploadStrategy"]["uploadUrl"] = reverse("chatstore:upload")
        composer["attachments"] = {
            "enabled": True,
            "maxSize": settings.max_upload_bytes,
            "maxCount": settings.max_attachments,
            "accept": {
                kind: mimetypes.guess_all_extensions(kind) for kind in settings.upload_types
            },
        }
    return {
        "api": api,
        "composer": composer,
        "history": {"enabled": True, "showDelete": True, "showRename": True},
        "threadItemActions": {"feedback": True, "retry": True},
        "initialThread": thread,
        # "pt-BR", as the component writes it; Django writes "pt-br".
        "locale": to_locale(get_language() or "en").replace("_", "-"),
    }
