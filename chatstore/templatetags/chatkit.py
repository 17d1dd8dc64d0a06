"""`{% chatkit %}`: OpenAI's own chat component, set up for this app's endpoint and files."""

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

    `options` are ChatKitOptions as the component's `setOptions` takes them; each replaces or, if
    it is a mapping, extends the tag's own. `upload` is "direct", "two_phase" or "" for none;
    `thread` the id of the thread to open first. Two tags on a page need different ids.

    A Content-Security-Policy has to allow COMPONENT's host as script-src and frame-src.
    """
    ours = _options(upload, thread)
    for name, value in (options or {}).items():
        old = ours.get(name)
        ours[name] = {**old, **value} if isinstance(old, dict) and value else value
    return {
        "id": id,
        "options": ours,
        "src": COMPONENT,
        "csrf_token": get_token(context["request"]),
        "page_url": reverse("chatstore:page"),
    }


def _options(upload: str, thread: str | None) -> dict[str, Any]:
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
