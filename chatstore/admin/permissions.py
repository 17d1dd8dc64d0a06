"""
Who may open the moderators' pages, and what the pages share.

Every page asks for its permission, and a refusal is logged. Whatever shows text of a conversation
is on record before it is shown (M3).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from chatstore.admin.forms import ReasonForm
from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.records import Moderator

logger = logging.getLogger(__name__)
MAX_REASONS = 50  # that a staff member's session remembers
REASONS = "chatstore_reasons"


def on_record(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """
    Guard a page with text of conversations: whoever asks has the permission to read, and has given
    a reason where CHATSTORE_REASON_TO_READ asks for one.

    The view is called with the Moderator to put on record.
    """

    @wraps(view)
    def page(self: GuardedPages, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        self.require(request, "read_transcript")
        key = str(kwargs.get("pk", "search"))
        reason = request.session.get(REASONS, {}).get(key, "")
        if settings.reason_to_read and not reason:
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{self.url('reason', key)}?{query}")
        return view(self, request, Moderator.from_user(request.user, reason), **kwargs)

    return page


class GuardedPages:
    """What all pages of moderators share, on an admin site that has ChatSession registered."""

    def __init__(self, model_admin: admin.ModelAdmin[ChatSession]) -> None:
        self.model_admin = model_admin
        self.site = model_admin.admin_site

    def url(self, name: str, *args: Any) -> str:
        name = f"admin:chatstore_chatsession_{name}"
        return reverse(name, args=args, current_app=self.site.name)

    def require(self, request: HttpRequest, *permissions: str) -> None:
        """Raise PermissionDenied, and log it, where one of chatstore's permissions is missing."""
        for permission in ("view_chatsession", *permissions):
            if not may(request, permission):
                logger.warning(
                    "Refused: account %s has no %s, asked for %r",
                    request.user.pk,
                    permission,
                    request.path,
                )
                raise PermissionDenied

    def thread(self, pk: uuid.UUID) -> ChatSession:
        return get_object_or_404(ChatSession, pk=pk)

    def message(self, thread: ChatSession, pk: uuid.UUID) -> ChatMessage:
        rows = ChatMessage.objects.for_owner(thread.user_id)
        message = get_object_or_404(rows, session_id=thread.pk, pk=pk)
        message.session = thread
        return message

    def render(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> HttpResponse:
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
        """Ask why something is to be read, and remember it until the account signs out."""
        self.require(request, "read_transcript")
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            reasons = request.session.get(REASONS, {}) | {key: form.cleaned_data["reason"]}
            request.session[REASONS] = dict(list(reasons.items())[-MAX_REASONS:])
            return HttpResponseRedirect(self.next_url(request))
        about = _("Your reason, your name and what you read are put on record.")
        return self.render(
            request,
            "form",
            _("Why do you want to read this?"),
            form=form,
            about=about,
            label=_("Read"),
            back=self.url("changelist"),
        )

    def next_url(self, request: HttpRequest, default: str = "") -> str:
        """Return the page of this site to go on to."""
        url = request.GET.get("next", "")
        if url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure()):
            return url
        return default or self.url("changelist")


def may(request: HttpRequest, permission: str) -> bool:
    """Tell whether the account has this one of chatstore's permissions."""
    return request.user.has_perm(f"chatstore.{permission}")


def guarded(response: HttpResponseBase) -> HttpResponseBase:
    """What a user wrote or uploaded is shown as what it is, runs nothing and is cached nowhere."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
