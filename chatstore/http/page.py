"""The view of the built-in chat page."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.urls import reverse
from django.views.generic import TemplateView

from chatstore.conf import settings


class ChatPageView(LoginRequiredMixin, TemplateView):
    """The built-in chat page, for signed-in users. docs/page.md says how a site changes it."""

    template_name = "chatstore/chat.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            api_url=reverse("chatstore:api"),
            upload_url=reverse("chatstore:upload"),
            upload_strategy="direct",
            max_upload_bytes=settings.max_upload_bytes,
            max_attachments=settings.max_attachments,
            accept=",".join(_accept_values(settings.upload_types)),
            **kwargs,
        )


def _accept_values(mime_types: Iterable[str]) -> Iterator[str]:
    """
    Yield the values of the file input's ``accept`` attribute, for these MIME types.

    Extensions are included because some browsers don't know all types. Where text/plain is allowed
    every text type is: the server judges by the content.
    """
    for mime_type in mime_types:
        yield mime_type
        yield from mimetypes.guess_all_extensions(mime_type)
        if mime_type == "text/plain":
            yield "text/*"
