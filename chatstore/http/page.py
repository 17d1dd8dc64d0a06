"""The built-in page to chat in."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.urls import reverse
from django.views.generic import TemplateView

from chatstore.conf import settings


class ChatPageView(LoginRequiredMixin, TemplateView):
    """The built-in page to chat in."""

    template_name = "chatstore/chat.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            api_url=reverse("chatstore:api"),
            upload_url=reverse("chatstore:upload"),
            upload_strategy="direct",
            max_upload_bytes=settings.max_upload_bytes,
            max_attachments=settings.max_attachments,
            accept=",".join(_acceptable(settings.upload_types)),
            **kwargs,
        )


def _acceptable(mime_types: Iterable[str]) -> Iterator[str]:
    """
    Yield what the page lets people choose: types and their endings, which some browsers know
    better; and of texts all, for the server takes any that is plain.
    """
    for mime_type in mime_types:
        yield mime_type
        yield from mimetypes.guess_all_extensions(mime_type)
        if mime_type == "text/plain":
            yield "text/*"
