"""The tag `{% chatkit %}`: OpenAI's chat component, configured for this app's endpoint."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import get_language, to_locale

from chatstore.conf import settings

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
        options: ChatKitOptions, the argument of the component's `setOptions`. Each replaces the
            tag's default, or is merged into it if both are mappings.
        upload: "direct", "two_phase", or "" for no uploads.
        thread: the id of the thread to open first.
        id: of the element that holds the options; must differ between two tags on a page.

    A Content-Security-Policy must allow COMPONENT's host in script-src and frame-src.
    """
    merged = _default_options(upload, thread)
    for name, value in (options or {}).items():
        default = merged.get(name)
        merged[name] = {**default, **value} if isinstance(default, dict) and value else value
    return {
        "id": id,
        "options": merged,
        "src": COMPONENT,
        "csrf_token": get_token(context["request"]),
        "page_url": reverse("chatstore:page"),
    }


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
