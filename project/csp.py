"""Adds the header Content-Security-Policy, on Django 5.2 too; Django 6 has its own middleware."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Adds settings.CONTENT_SECURITY_POLICY to each response that has no such header."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if settings.DEBUG and response.status_code == 500:
            return response  # Django's debug page has inline styles and scripts
        policy = "; ".join(f"{name} {value}" for name, value in self._directives())
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    @staticmethod
    def _directives() -> list[tuple[str, str]]:
        return list(settings.CONTENT_SECURITY_POLICY.items())
