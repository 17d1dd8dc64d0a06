"""The list of reports in the admin: the moderators' queue (M5)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chatstore.admin.filters import DateRangeFilter
from chatstore.admin.lists import BoundedChangeList
from chatstore.admin.person_pages import person_link
from chatstore.admin.read_only import ReadOnlyAdmin
from chatstore.admin.report_pages import ReportPages
from chatstore.codec import replace_unstorable
from chatstore.conf import settings
from chatstore.models import ChatReport, session_key
from chatstore.moderation import reports
from chatstore.moderation.display import display_line


class QueueFilter(admin.SimpleListFilter):
    """Open reports unless the moderator asks for others."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Assigned to me")), ("closed", _("Closed")), ("all", _("All"))]

    def choices(self, changelist: ChangeList) -> Any:
        first, *others = super().choices(changelist)
        yield first | {"display": pgettext_lazy("reports", "Open")}
        yield from others

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChatReport]
    ) -> QuerySet[ChatReport]:
        match self.value():
            case "mine":
                name = request.user.get_username()
                return queryset.filter(state=ChatReport.State.OPEN, assignee=name)
            case "closed":
                return queryset.exclude(state=ChatReport.State.OPEN)
            case "all":
                return queryset
        return queryset.filter(state=ChatReport.State.OPEN)


class ReasonFilter(admin.SimpleListFilter):
    """Reports by one of the reasons of the settings."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(settings.report_reasons.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChatReport]
    ) -> QuerySet[ChatReport]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class ReportList(BoundedChangeList):
    """Leaves out what people have written, and leads from its rows back to the same queue."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().get_queryset(request, *args, **kwargs)
        return rows.defer("words", "resolution")

    def url_for_result(self, result: Any) -> str:
        url = super().url_for_result(result)
        return f"{url}?queue=mine" if self.params.get("queue") == "mine" else url


@admin.register(ChatReport)
class ChatReportAdmin(ReadOnlyAdmin):
    list_display = (
        "waits",
        "shown_reason",
        "source",
        "owner",
        "thread_id",
        "badge",
        "assignee",
    )
    list_filter = (QueueFilter, ReasonFilter, "source", DateRangeFilter)
    filter_lookups = frozenset({"queue", "reason", "source__exact", "since", "until"})
    csv_columns = ("created_at", "closed_at", "user_id", "item_id")
    ordering = ("created_at", "report_id")
    sortable_by = ("waits",)
    search_fields = ("user_id",)  # shows the search box; get_search_results does the search
    search_help_text = _("An owner's id, or a thread's")

    @property
    def pages(self) -> ReportPages:
        return ReportPages(self)

    def get_urls(self) -> list[URLPattern]:
        return [*self.pages.urls(), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReportList

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return self.pages.page(request, object_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = replace_unstorable(search_term.strip())
        if term:
            queryset = queryset.filter(Q(user_id=term) | Q(session_id=session_key(term)))
        return queryset, False

    # Translators: a column of durations, such as “3 days”.
    @admin.display(description=_("waiting for"), ordering="created_at")
    def waits(self, report: ChatReport) -> str:
        return timesince(report.created_at, report.closed_at)

    @admin.display(description=_("reason"))
    def shown_reason(self, report: ChatReport) -> str:
        return display_line(reports.reason_label(report), 80)

    @admin.display(description=_("owner"))
    def owner(self, report: ChatReport) -> str:
        return person_link(self.admin_site, report.user_id)

    @admin.display(description=_("state"))
    def badge(self, report: ChatReport) -> str:
        label = report.get_state_display()
        if report.state == ChatReport.State.OPEN and report.assignee:
            label = str(_("Taken"))
        return format_html(
            '<span class="chatstore-badge" data-kind="report-{}">{}</span>', report.state, label
        )
