"""The ModelAdmin class of messages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from chatstore.admin import filters
from chatstore.admin.lists import MessageList, badges
from chatstore.admin.permissions import has_permission
from chatstore.admin.person_pages import person_link
from chatstore.admin.read_only import ReadOnlyAdmin
from chatstore.db.row_keys import row_key
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.display import display_title, visible


@admin.register(ChatMessage)
class ChatMessageAdmin(ReadOnlyAdmin):
    """Shows messages without their text: reading it needs the transcript, and is recorded (M3)."""

    list_display = ("sent_at", "thread", "owner", "sender_type", "item_type", "state")
    list_filter = ("feedback", "ending", filters.MessageDatesFilter)
    filter_lookups = frozenset({"feedback__exact", "ending__exact", "since", "until"})
    ordering = ("-timestamp",)
    sortable_by = ("sent_at",)
    list_select_related = ("session",)
    csv_columns = ("item_id", "thread_id", "user_id")
    fields = (
        "item_id",
        "thread",
        "user_id",
        "sender_type",
        "item_type",
        "item_status",
        "ending",
        "timestamp",
        "feedback",
        "hidden_at",
        "hidden_by",
        "redacted_at",
    )
    readonly_fields = ("thread", "thread_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatMessage]:
        return super().get_queryset(request).defer("payload", "content", "metadata")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MessageList

    def get_list_display(self, request: HttpRequest) -> Any:
        return _without_titles(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _without_titles(request, super().get_fields(request, obj))

    @admin.display(description=_("time"), ordering="timestamp")
    def sent_at(self, message: ChatMessage) -> dt.datetime:
        return message.timestamp

    @admin.display(description=_("thread"))
    def thread(self, message: ChatMessage) -> str:
        return _thread_link(self.admin_site, message.session)

    @admin.display(description=_("owner"))
    def owner(self, message: Any) -> str:
        return person_link(self.admin_site, message.user_id, message.owner)

    @admin.display(description=_("thread"))
    def thread_id(self, message: ChatMessage) -> str:
        return visible(message.session.thread_id)

    @admin.display(description=_("state"))
    def state(self, message: ChatMessage) -> str:
        shown: list[tuple[str, Any]] = []
        if message.ending:
            shown.append((message.ending, message.get_ending_display()))
        if message.feedback:
            shown.append((message.feedback, message.get_feedback_display()))
        if message.redacted_at:
            shown.append(("redacted", _("Redacted")))
        if message.hidden_at:
            shown.append(("hidden", _("Hidden")))
        return badges(shown)


def _without_titles(request: HttpRequest, columns: Any) -> tuple[str, ...]:
    """Show ids only to those who may not see threads: a title can quote a message (M3)."""
    if has_permission(request, "view_chatsession"):
        return tuple(columns)
    ids = {"thread": "thread_id", "owner": "user_id"}
    return tuple(ids.get(column, column) for column in columns)


def _thread_link(site: admin.AdminSite, thread: ChatSession) -> str:
    url = reverse(
        "admin:chatstore_chatsession_change", args=[row_key(thread)], current_app=site.name
    )
    return format_html('<a href="{}">{}</a>', url, display_title(thread))
