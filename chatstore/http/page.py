"""The view of the built-in chat page."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection, Iterator
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import override
from django.views.generic import TemplateView

from chatstore.attachments import DjangoAttachmentStore
from chatstore.attachments.words import types_in_words
from chatstore.conf import settings
from chatstore.exceptions import Refused
from chatstore.http.access import load_context
from chatstore.http.languages import OneLanguageResponse, spoken_language
from chatstore.models import MAX_REPORT_WORDS
from chatstore.server import get_server
from chatstore.server.preconditions import has_written
from chatstore.store import DjangoStore


@method_decorator(login_not_required, name="dispatch")
class ChatPageView(TemplateView):
    """
    The built-in chat page, for whom ChatServer.get_context has a context; others are sent to the
    page for signing in. docs/how-to/page.md says how a site changes it.
    """

    template_name = "chatstore/chat.html"
    response_class = OneLanguageResponse

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.context = async_to_sync(load_context)(request)
        except Refused as error:
            if error.status != 401:
                raise PermissionDenied(str(error)) from error
            self.context = None
        if self.context is None:
            return redirect_to_login(request.get_full_path())
        with override(spoken_language()):  # the server's options are texts too
            return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if isinstance(get_server().store, DjangoStore):
            kwargs = {
                "threads_url": reverse("chatstore:threads"),
                "changes_url": reverse("chatstore:changes"),
                "is_finished": settings.finish_seconds > 0,
                "search_url": reverse("chatstore:search"),
                "comment_url": reverse("chatstore:feedback_comment"),
                "export_url": reverse("chatstore:export"),
                "may_share": settings.sharing,
                "temporary_hours": settings.temporary_hours,
                **kwargs,
            }
        server = get_server()
        if isinstance(server.attachment_store, DjangoAttachmentStore):
            kwargs = {"files_url": reverse("chatstore:upload"), **kwargs}
        return super().get_context_data(
            owner=server.get_user_id(self.context),
            page_options=async_to_sync(server.load_page_options)(self.context),
            entities_url=reverse("chatstore:entities") if server.has_entities else "",
            can_transcribe=has_written(server, "transcribe"),
            api_url=reverse("chatstore:api"),
            diagram_url=reverse("chatstore:diagram"),
            upload_url=reverse("chatstore:upload") if settings.upload_types else "",
            report_url=reverse("chatstore:report"),
            report_reasons=settings.report_reasons.items(),
            max_report_words=MAX_REPORT_WORDS,
            upload_strategy="direct",
            max_upload_bytes=settings.max_upload_bytes,
            max_attachments=settings.max_attachments,
            upload_types=types_in_words(settings.upload_types),
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
