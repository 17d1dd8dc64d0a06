"""
The ModelAdmin class of threads.

The moderators' own pages are in chatstore.admin.pages, the change lists in chatstore.admin.lists.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from chatstore.admin import filters, pages
from chatstore.admin.lists import (
    MAX_COUNTED,
    DateHierarchyQuerySet,
    ThreadList,
    badges,
    users_by_id,
)
from chatstore.admin.permissions import has_permission
from chatstore.admin.person_pages import person_link
from chatstore.admin.read_only import ReadOnlyAdmin
from chatstore.models import ChatSession
from chatstore.moderation import search
from chatstore.moderation.display import display_json, display_title


@admin.register(ChatSession)
class ChatSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "shown_title",
        "shown_owner",
        "state",
        "messages",
        "last_activity",
        "thumbs",
        "reports",
    )
    list_filter = (
        filters.StateFilter,
        filters.ListingFilter,
        filters.ActivityFilter,
        filters.ThumbsFilter,
        filters.AssigneeFilter,
        filters.LabelFilter,
        filters.ThreadDatesFilter,
        filters.ThreadActivityFilter,
    )
    filter_lookups = frozenset(
        {
            "state",
            "listing",
            "activity",
            "thumbs",
            "assignee",
            "label",
            "since",
            "until",
            "active_since",
            "active_until",
            "user_id__exact",
            "updated_at__year",
            "updated_at__month",
            "updated_at__day",
        }
    )
    csv_columns = ("thread_id", "user_id", "created_at")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at",)
    sortable_by = ("last_activity",)
    search_fields = ("thread_id",)  # shows the search box; get_search_results does the search
    search_help_text = search.THREADS_HELP
    fieldsets = (
        (None, {"fields": ("shown_title", "shown_owner", "state", "updated_at", "created_at")}),
        (
            _("Details"),
            {
                "fields": (
                    "thread_id",
                    "session_id",
                    "status",
                    "reason",
                    "moderation",
                    "moderation_reason",
                    "assignee",
                    "labels",
                    "is_on_hold",
                    "hold_reason",
                    "hidden_at",
                    "pinned_at",
                    "archived_at",
                    "shared_at",
                    "shown_metadata",
                )
            },
        ),
    )
    readonly_fields = ("shown_title", "shown_owner", "state", "session_id", "shown_metadata")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatSession]:
        return DateHierarchyQuerySet(self.model).defer("payload")

    def get_urls(self) -> list[URLPattern]:
        return [*self.pages.urls(), *super().get_urls()]

    @property
    def pages(self) -> pages.Pages:
        return pages.Pages(self)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ThreadList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        may_read = has_permission(request, "read_transcript")
        return super().changelist_view(request, {"may_read": may_read, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = self.pages.change_context(request, object_id)
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def get_list_display(self, request: HttpRequest) -> Any:
        """Count reports for those only who may see them."""
        columns = super().get_list_display(request)
        may_see = has_permission(request, "view_chatreport")
        return tuple(each for each in columns if each != "reports" or may_see)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Return the actions that the account may perform; they check the permissions again."""
        if getattr(action_location, "name", "CHANGE_LIST") != "CHANGE_LIST":
            return {}  # Django 6.1 asks for a thread's page too, which has its own buttons
        return {
            name: (action, name, description)
            for name, (action, description) in self.pages.list_actions(request).items()
        }

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search.threads(queryset, search_term), False

    @admin.display(description=_("title"))
    def shown_title(self, thread: ChatSession) -> str:
        return display_title(thread)

    @admin.display(description=_("metadata"))
    def shown_metadata(self, thread: ChatSession) -> str:
        return display_json(thread.metadata)

    @admin.display(description=_("owner"))
    def shown_owner(self, thread: ChatSession) -> str:
        owner = getattr(thread, "owner", None) or users_by_id({thread.user_id}).get(thread.user_id)
        return person_link(self.admin_site, thread.user_id, owner)

    @admin.display(description=_("state"))
    def state(self, thread: ChatSession) -> str:
        shown: list[tuple[str, Any]] = [(thread.status, thread.get_status_display())]
        if thread.moderation:
            label = _("%(status)s by a moderator") % {"status": thread.get_moderation_display()}
            shown = [(thread.moderation, label)]
        if thread.is_on_hold:
            shown.append(("hold", _("On hold")))
        if thread.listing:
            shown.append((thread.listing, thread.get_listing_display()))
        if thread.pinned_at:
            shown.append(("pinned", _("Pinned")))
        if thread.shared_at:
            shown.append(("shared", _("Shared by a link")))
        if thread.hidden_at:
            shown.append(("hidden", _("Deleted by its owner")))
        return badges(shown)

    @admin.display(description=_("messages"))
    def messages(self, thread: Any) -> str:
        count = number_format(min(thread.message_count, MAX_COUNTED), force_grouping=True)
        return f"{count}+" if thread.message_count > MAX_COUNTED else count

    @admin.display(description=_("last activity"), ordering="updated_at")
    def last_activity(self, thread: ChatSession) -> dt.datetime:
        return thread.updated_at

    @admin.display(description=_("thumbs"))
    def thumbs(self, thread: Any) -> str:
        counts = {"up": thread.up_count, "down": thread.down_count}
        if not any(counts.values()):
            return "-"
        title = _("%(up)d up, %(down)d down") % counts
        return format_html('<span title="{}">{} / {}</span>', title, *counts.values())

    @admin.display(description=_("reports"))
    def reports(self, thread: Any) -> str:
        if not thread.report_count:
            return "-"
        url = reverse("admin:chatstore_chatreport_changelist", current_app=self.admin_site.name)
        query = urlencode({"queue": "all", "q": thread.thread_id})
        text = str(thread.report_count)
        if thread.open_count:
            text = _("%(count)d, %(open)d open") % {
                "count": thread.report_count,
                "open": thread.open_count,
            }
        return format_html('<a href="{}?{}">{}</a>', url, query, text)
