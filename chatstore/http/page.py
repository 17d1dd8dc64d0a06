"""The view of the built-in chat page."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection, Iterator
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.urls import reverse
from django.views.generic import TemplateView

from chatstore.conf import settings
from chatstore.models import MAX_REPORT_WORDS
from chatstore.server import get_server
from chatstore.store import DjangoStore


class ChatPageView(LoginRequiredMixin, TemplateView):
    """The built-in chat page, for signed-in users. docs/page.md says how a site changes it."""

    template_name = "chatstore/chat.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if isinstance(get_server().store, DjangoStore):
            kwargs = {
                "threads_url": reverse("chatstore:threads"),
                "export_url": reverse("chatstore:export"),
                "may_share": settings.sharing,
                "temporary_hours": settings.temporary_hours,
                **kwargs,
            }
        return super().get_context_data(
            api_url=reverse("chatstore:api"),
            diagram_url=reverse("chatstore:diagram"),
            upload_url=reverse("chatstore:upload"),
            report_url=reverse("chatstore:report"),
            report_reasons=settings.report_reasons.items(),
            max_report_words=MAX_REPORT_WORDS,
            upload_strategy="direct",
            max_upload_bytes=settings.max_upload_bytes,
            max_attachments=settings.max_attachments,
            accept=",".join(_accept_values(settings.upload_types)),
            **kwargs,
        )


def _accept_values(mime_types: Collection[str]) -> Iterator[str]:
    """
    Yield the values of the file input's ``accept`` attribute, for these MIME types.

    None where text/plain is allowed: neither a browser's type nor a suffix tells whether a file is
    a text, such as a Makefile, so the server judges by the content. Extensions are included because
    some browsers don't know all types.
    """
    if "text/plain" in mime_types:
        return
    for mime_type in mime_types:
        yield mime_type
        yield from mimetypes.guess_all_extensions(mime_type)
