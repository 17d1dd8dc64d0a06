"""The Content-Security-Policy header. Django 6 brings its own; this one serves 5.2 too."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Adds settings.CONTENT_SECURITY_POLICY to each response that brings no policy of its own."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if settings.DEBUG and response.status_code == 500:
            return response  # Django's debug page is styled and scripted inline
        policy = "; ".join(f"{name} {value}" for name, value in self._directives())
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    @staticmethod
    def _directives() -> list[tuple[str, str]]:
        return list(settings.CONTENT_SECURITY_POLICY.items())
