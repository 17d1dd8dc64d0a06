"""The page with OpenAI's chat component, whose Content-Security-Policy allows OpenAI's host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponse
from django.views.generic import TemplateView

from chatstore.templatetags.chatkit import COMPONENT


class OfficialChatView(LoginRequiredMixin, TemplateView):
    """The chat page with OpenAI's component instead of chatstore's page."""

    template_name = "official.html"

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        url = urlsplit(COMPONENT)
        host = f"{url.scheme}://{url.netloc}"
        policy = {
            **settings.CONTENT_SECURITY_POLICY,
            "script-src": f"'self' {host}",
            "frame-src": host,
        }
        response["Content-Security-Policy"] = "; ".join(f"{k} {v}" for k, v in policy.items())
        return response
