"""The frame in which the chat page draws diagrams."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.generic import TemplateView

from chatstore.http.languages import OneLanguageResponse

LIBRARY = "chatstore/vendor/mermaid.min.js"


@method_decorator(xframe_options_sameorigin, name="dispatch")
class DiagramFrameView(TemplateView):
    """
    An empty page that draws the diagram which the chat page sends to it.

    Mermaid needs inline styles, which a strict policy of the chat page forbids, and it draws what
    a model has written. So this page has a policy of its own: it may run its two scripts, load
    nothing else, and has no origin, so that it reaches neither the site's pages nor its cookies.
    """

    template_name = "chatstore/diagram.html"
    response_class = OneLanguageResponse

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'none'",
                f"script-src {_static_host()}",
                f"style-src {_static_host()} 'unsafe-inline'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'self'",
                "sandbox allow-scripts",
            )
        )
        return response


def _static_host() -> str:
    """Return the source expression of the host that serves static files."""
    url = urlsplit(static(LIBRARY))
    return f"{url.scheme or 'https'}://{url.netloc}" if url.netloc else "'self'"
