"""The filters of the admin's change lists; each works without JavaScript."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chatstore import codec
from chatstore.admin import lists
from chatstore.admin.forms import day_after, midnight
from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatSession


def retention_cutoff() -> dt.datetime:
    """Return the time before which a thread's last activity exceeds CHATSTORE_RETENTION_DAYS."""
    return timezone.now() - dt.timedelta(days=settings.retention_days)


class StateFilter(admin.SimpleListFilter):
    """Threads by what their badge shows: the moderators' status, or else the application's."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            *ChatSession.Status.choices,
            ("moderated", _("By a moderator")),
            ("hold", _("On hold")),
            ("hidden", _("Deleted by its owner")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: Any = queryset
        match self.value():
            case "active" | "locked" | "closed" as status:
                queryset = rows.with_status(status)
            case "moderated":
                return queryset.filter(moderation__gt="")
            case "hold":
                return queryset.filter(is_on_hold=True)
            case "hidden":
                return queryset.filter(hidden_at__isnull=False)
        return queryset


class ListingFilter(admin.SimpleListFilter):
    """Threads by where their owner has them."""

    title = _("owner's list")
    parameter_name = "listing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("pinned", _("Pinned")),
            *ChatSession.Listing.choices[1:],
            ("shared", _("Shared by a link")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "pinned":
                return queryset.filter(pinned_at__isnull=False)
            case "archived" | "temporary" as listing:
                return queryset.filter(listing=listing)
            case "shared":
                return queryset.filter(shared_at__isnull=False)
        return queryset


class ActivityFilter(admin.SimpleListFilter):
    """Threads by the time of their last activity."""

    title = _("last activity")
    parameter_name = "activity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        days = settings.retention_days
        old = ngettext("Older than %(days)d day", "Older than %(days)d days", days)
        return [
            ("today", _("Today")),
            ("week", _("Past 7 days")),
            ("month", _("Past 30 days")),
            ("old", old % {"days": days}),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChatSession]
    ) -> QuerySet[ChatSession]:
        now = timezone.localtime()
        match self.value():
            case "today":
                start = now.replace(hour=0, minute=0, second=0, microsecond=0)
                return queryset.filter(updated_at__gte=start)
            case "week":
                return queryset.filter(updated_at__gte=now - dt.timedelta(days=7))
            case "month":
                return queryset.filter(updated_at__gte=now - dt.timedelta(days=30))
            case "old":
                return queryset.filter(updated_at__lt=retention_cutoff())
        return queryset


class ThumbsFilter(admin.SimpleListFilter):
    """Threads of the newest thumbs-down: a query for each thread's thumbs would read the table."""

    title = _("thumbs")
    parameter_name = "thumbs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        label = _("Has a thumbs-down (the newest %(count)d)")
        return [("down", label % {"count": lists.MAX_LISTED})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "down":
            return queryset
        thumbs = ChatMessage.objects.filter(feedback=ChatMessage.Feedback.NEGATIVE)
        if request.GET.get(ActivityFilter.parameter_name) == "old":
            thumbs = thumbs.filter(timestamp__lt=retention_cutoff())
        newest = thumbs.order_by("-timestamp").values_list("session_id", flat=True)
        rows = queryset.filter(pk__in=set(newest[: lists.MAX_LISTED]))
        if settings.sharded:  # another owner's thread may have the same key
            rows = rows.filter(Exists(lists.messages_of(feedback=ChatMessage.Feedback.NEGATIVE)))
        return rows


class FormFilter(admin.ListFilter):
    """A filter whose values are typed; ``fields`` are a parameter's name, label and type each."""

    fields: tuple[tuple[str, Any, str], ...] = ()
    template = "admin/chatstore/form_filter.html"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.request = request
        for name, _label, _type in self.fields:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [name for name, _label, _type in self.fields]

    def text(self, name: str) -> str:
        """Return what was typed, as it can be stored."""
        return codec.replace_unstorable(str(self.used_parameters.get(name, "")).strip())

    def links(self, changelist: ChangeList) -> list[tuple[Any, str]]:
        """Return labels and addresses of what can be chosen without typing."""
        return []

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        own = [name for name, _label, _type in self.fields]
        yield {
            "fields": [(*field, self.used_parameters.get(field[0], "")) for field in self.fields],
            "kept": [(key, value) for key, value in changelist.params.items() if key not in own],
            "links": self.links(changelist),
            "clear": changelist.get_query_string(remove=own) if self.used_parameters else "",
        }


class DateRangeFilter(FormFilter):
    """Rows from one day to another, both included."""

    title = _("date")
    column = "created_at"
    fields = (("since", _("From"), "date"), ("until", _("To"), "date"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = (self._day(name) for name, _label, _type in self.fields)
        if since:
            queryset = queryset.filter(**{f"{self.column}__gte": codec.as_utc(midnight(since))})
        if until:
            end = codec.as_utc(midnight(day_after(until)))
            queryset = queryset.filter(**{f"{self.column}__lt": end})
        return queryset

    def _day(self, name: str) -> dt.date | None:
        text = self.text(name)
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError as error:
            raise IncorrectLookupParameters from error
        if day is None:
            raise IncorrectLookupParameters
        return day


class MessageDatesFilter(DateRangeFilter):
    column = "timestamp"


class ThreadDatesFilter(DateRangeFilter):
    """Threads by the day of their creation."""

    title = _("creation")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if since := self._day("since"):
            # By this the index of the list's order ends there.
            queryset = queryset.filter(updated_at__gte=codec.as_utc(midnight(since)))
        return super().queryset(request, queryset)


class ThreadActivityFilter(DateRangeFilter):
    title = _("days of last activity")
    column = "updated_at"
    fields = (("active_since", _("From"), "date"), ("active_until", _("To"), "date"))


class LabelFilter(FormFilter):
    """Threads with a label of the moderators."""

    title = _("label")
    fields = (("label", _("Label"), "text"),)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        label = " ".join(self.text("label").split())
        if not label:
            return queryset
        has_label = Q(labels=label) | Q(labels__startswith=f"{label}, ")
        has_label |= Q(labels__endswith=f", {label}") | Q(labels__contains=f", {label}, ")
        # The condition of the index.
        return queryset.filter(has_label, labels__gt="")


class AssigneeFilter(FormFilter):
    """Threads that a moderator looks after."""

    title = _("assignee")
    fields = (("assignee", _("Account"), "text"),)

    def links(self, changelist: ChangeList) -> list[tuple[Any, str]]:
        name = self.request.user.get_username()
        return [(_("Assigned to me"), changelist.get_query_string({"assignee": name}))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = self.text("assignee")
        return queryset.filter(assignee=name, assignee__gt="") if name else queryset
