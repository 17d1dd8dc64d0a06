"""
Permissions of the moderators' pages, and the base class of these pages.

Every page checks its permission, and a refusal is logged. A page that shows text of a conversation
adds a record before it shows it (M3).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from chatstore.admin.forms import ReasonForm
from chatstore.attachments.responses import file_response
from chatstore.conf import settings
from chatstore.db.row_keys import person_key, rows_with_keys
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.records import Moderator

logger = logging.getLogger(__name__)
MAX_REASONS = 50  # kept in the session of a staff member, the latest
REASONS = "chatstore_reasons"


def reading_permission_required(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """
    Decorate a page that shows text of conversations: it requires the permission read_transcript.

    With CHATSTORE_REASON_TO_READ it first redirects to the page that asks for a reason. The view is
    called with the Moderator, and must add the record.
    """

    @wraps(view)
    def page(self: PageBase, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        self.require_permissions(request, "read_transcript")
        key = str(kwargs.get("thread_key", "search"))
        if by := self.reader(request, key):
            return view(self, request, by, **kwargs)
        return HttpResponseRedirect(self.reason_url(request, key))

    return page


class PageBase:
    """The base class of the moderators' pages, on the admin site of ``model_admin``."""

    def __init__(self, model_admin: admin.ModelAdmin[Any]) -> None:
        self.model_admin = model_admin
        self.site = model_admin.admin_site

    def url(self, name: str, *args: Any) -> str:
        """Return the URL of one of ChatSessionAdmin's pages or of these."""
        name = f"admin:chatstore_chatsession_{name}"
        return reverse(name, args=args, current_app=self.site.name)

    def require_permissions(self, request: HttpRequest, *permissions: str) -> None:
        """Raise PermissionDenied, and log it, if view_chatsession or one of these is missing."""
        require(request, "view_chatsession", *permissions)

    def reader(self, request: HttpRequest, key: str) -> Moderator | None:
        """
        Return whoever reads a thread, with the reason that they gave; None if they must give one.

        Args:
            key: the thread's row_key, or "search".
        """
        reason = request.session.get(REASONS, {}).get(key, "")
        if settings.reason_to_read and not reason:
            return None
        return Moderator.from_user(request.user, reason)

    def reason_url(self, request: HttpRequest, key: str) -> str:
        """Return the address of the page that asks for the reason, and leads back here."""
        query = urlencode({"next": request.get_full_path()})
        return f"{self.url('reason', key)}?{query}"

    def owner_url(self, thread: ChatSession) -> str:
        """Return the address of the page of a thread's owner."""
        return self.url("person", person_key(thread.user_id))

    def thread(self, key: str) -> ChatSession:
        """Return the thread with a row_key; Http404 if there is none, or several."""
        try:
            return get_object_or_404(ChatSession, rows_with_keys(ChatSession, [key]))
        except (ValidationError, ChatSession.MultipleObjectsReturned) as error:
            raise Http404(_("Find the thread in the list.")) from error

    def message(self, thread: ChatSession, pk: uuid.UUID) -> ChatMessage:
        """Return a message of a thread; Http404 if there is none."""
        rows = ChatMessage.objects.for_owner(thread.user_id)
        message = get_object_or_404(rows, session_id=thread.pk, pk=pk)
        message.session = thread
        return message

    def render(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> HttpResponse:
        """Render a template of admin/chatstore/ with the context of an admin page."""
        request.current_app = self.site.name
        values = {
            **self.site.each_context(request),
            "opts": ChatSession._meta,
            "media": self.model_admin.media,
            "title": title,
            **context,
        }
        return TemplateResponse(request, f"admin/chatstore/{template}.html", values)

    def reason(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """Ask for the reason to read, and keep it in the session until the account signs out."""
        self.require_permissions(request, "read_transcript")
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            reasons = request.session.get(REASONS, {}) | {key: form.cleaned_data["reason"]}
            request.session[REASONS] = dict(list(reasons.items())[-MAX_REASONS:])
            return HttpResponseRedirect(self.next_url(request))
        description = _("Your reason, your name and what you read are recorded.")
        return self.render(
            request,
            "form",
            _("Why do you want to read this?"),
            form=form,
            description=description,
            label=_("Read"),
            back=self.url("changelist"),
        )

    def next_url(self, request: HttpRequest, default: str = "") -> str:
        """Return the URL in the parameter ``next`` if it is of this site, else the default."""
        url = request.GET.get("next", "")
        if url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure()):
            return url
        return default or self.url("changelist")


def require(request: HttpRequest, *permissions: str) -> None:
    """Raise PermissionDenied, and log it, if the account lacks one of these permissions."""
    for permission in permissions:
        if not has_permission(request, permission):
            logger.warning(
                "Refused: account %s has no permission %s for %r",
                request.user.pk,
                permission,
                request.path,
            )
            raise PermissionDenied


def has_permission(request: HttpRequest, permission: str) -> bool:
    """Tell whether the account has a permission of chatstore, given by its codename."""
    return request.user.has_perm(f"chatstore.{permission}")


def stream(
    request: HttpRequest, content: File[bytes], mime_type: str, disposition: str
) -> HttpResponseBase:
    """Return the response that sends a file in chunks, under WSGI and ASGI."""
    return sandboxed(file_response(request, content, mime_type, disposition))


def sandboxed(response: HttpResponseBase) -> HttpResponseBase:
    """Add the headers with which untrusted content runs no script and is not cached."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
