"""The list of the moderators' records in the admin (M3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatstore.admin.filters import DateRangeFilter
from chatstore.admin.permissions import has_permission
from chatstore.admin.person_pages import person_link
from chatstore.admin.read_only import ReadOnlyAdmin
from chatstore.codec import replace_unstorable
from chatstore.models import ModerationRecord
from chatstore.moderation.display import display_line, visible

Action = ModerationRecord.Action
LOOKING = (Action.READ, Action.SEARCH)
MAX_REASON_LENGTH = 120  # characters that the list shows; the row's page has all of them


class ActsFilter(admin.SimpleListFilter):
    """Leaves out readings and searches, in which the acts would drown."""

    title = _("what")
    parameter_name = "acts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("only", _("Acts only")), ("no", _("Readings and searches only"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ModerationRecord]
    ) -> QuerySet[ModerationRecord]:
        match self.value():
            case "only":
                return queryset.exclude(action__in=LOOKING)
            case "no":
                return queryset.filter(action__in=LOOKING)
        return queryset


class PeriodFilter(admin.SimpleListFilter):
    """Records by their time."""

    title = _("when")
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("today", _("Today")),
            ("7", _("Past 7 days")),
            ("30", _("Past 30 days")),
            ("older", _("Older than 30 days")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ModerationRecord]
    ) -> QuerySet[ModerationRecord]:
        now = timezone.localtime()
        match self.value():
            case "today":
                midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
                return queryset.filter(created_at__gte=midnight)
            case ("7" | "30") as days:
                return queryset.filter(created_at__gte=now - dt.timedelta(days=int(days)))
            case "older":
                return queryset.filter(created_at__lt=now - dt.timedelta(days=30))
        return queryset


@admin.register(ModerationRecord)
class ModerationRecordAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "staff_name",
        "action",
        "owner",
        "shown_thread",
        "found",
        "shown_reason",
    )
    list_filter = (ActsFilter, PeriodFilter, DateRangeFilter, "action")
    filter_lookups = frozenset(
        {
            "acts",
            "action__exact",
            "period",
            "since",
            "until",
            "staff_name__exact",
            "thread_id__exact",
            "user_id__exact",
        }
    )
    csv_columns = ("user_id",)
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    search_fields = ("staff_name",)  # shows the search box; get_search_results does the search
    search_help_text = _("Who did it, an owner's id, or a thread's")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Link people only for those who may see their pages."""
        columns: Any = super().get_list_display(request)
        may_see = has_permission(request, "view_chatsession")
        return tuple("user_id" if each == "owner" and not may_see else each for each in columns)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = replace_unstorable(search_term.strip())
        if term:
            is_found = Q(staff_name=term) | Q(user_id=term) | Q(thread_id=term)
            queryset = queryset.filter(is_found)
        return queryset, False

    @admin.display(description=_("owner"), empty_value="-")
    def owner(self, record: ModerationRecord) -> str | None:
        return person_link(self.admin_site, record.user_id) if record.user_id else None

    @admin.display(description=_("thread id"))
    def shown_thread(self, record: ModerationRecord) -> str:
        return visible(record.thread_id)

    @admin.display(description=_("why"))
    def shown_reason(self, record: ModerationRecord) -> str:
        return display_line(record.reason, MAX_REASON_LENGTH)
