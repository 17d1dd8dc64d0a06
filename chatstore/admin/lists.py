"""
What the admin's lists are made of: how far they count and page, their filters, and what a page of
threads is given besides its rows.

None of it costs more in a big table: each query enters an index or has a bound.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatSession, ChatSessionQuerySet

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:  # Django's paginator is generic for type checkers only
    _Paginator = Paginator

YEARS = 30  # back from now that the date hierarchy shows
MAX_LISTED = 1000  # rows that a list pages through; what is beyond is found by its filters


class BoundedPaginator(_Paginator):
    """Counts no further than MAX_LISTED: an exact count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MAX_LISTED].count())


class BoundedChangeList(ChangeList):
    """Says in its title where it ends, and sorts by nothing that no index has in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.result_count == MAX_LISTED:
            self.title = _("The first %(count)d; filters and dates lead to the others") % {
                "count": MAX_LISTED
            }

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what to sort by; Django asks sortable_by for the links only, not for the URL."""
        is_sortable = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_sortable else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the order of the list; its own where the URL names none that it may have."""
        ordering = super().get_ordering(request, queryset)
        if ordering == ["-pk"]:  # all that is left of the URL's
            ordering = [*self.model_admin.get_ordering(request), *ordering]
        return ordering


class BrowsedThreads(ChatSessionQuerySet):
    """
    For the date hierarchy, which asks for the ends of the list and for each date that has rows.

    Asked as Django does, that reads the table; the ends are each one step into an index.
    """

    _ends: tuple[Any, Any] | None = None

    def ends(self, field_name: str) -> tuple[Any, Any]:
        if self._ends is None:
            times = self.order_by(field_name).values_list(field_name, flat=True)
            self._ends = times.first(), times.last()
        return self._ends

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if set(kwargs) == {"first", "last"}:
            return dict(zip(("first", "last"), self.ends("updated_at"), strict=True))
        return super().aggregate(*args, **kwargs)

    def datetimes(self, field_name: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Return each year, month or day from the first row to the last."""
        first, last = self.ends(field_name)
        return list(_dates(kind, first, last)) if first and last else []


def _dates(kind: str, first: dt.datetime, last: dt.datetime) -> Any:
    first, last = timezone.localtime(first), timezone.localtime(last)
    if kind == "year":
        # A time that an application or an archive made up fills no page with years.
        this = timezone.localtime().year
        years = range(max(first.year, this - YEARS), min(last.year, this + 1) + 1)
        return (dt.date(year, 1, 1) for year in years)
    if kind == "month":
        return (dt.date(first.year, month, 1) for month in range(first.month, last.month + 1))
    return (first.date().replace(day=day) for day in range(first.day, last.day + 1))


def old_since() -> dt.datetime:
    """Threads without activity since then are older than the retention age."""
    return timezone.now() - dt.timedelta(days=settings.retention_days)


class ActivityFilter(admin.SimpleListFilter):
    title = _("last activity")
    parameter_name = "activity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        old = _("Older than %(days)d days") % {"days": settings.retention_days}
        return [
            ("today", _("Today")),
            ("week", _("Past 7 days")),
            ("month", _("Past 30 days")),
            ("old", old),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChatSession]
    ) -> QuerySet[ChatSession]:
        now = timezone.localtime()
        match self.value():
            case "today":
                midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
                return queryset.filter(updated_at__gte=midnight)
            case "week":
                return queryset.filter(updated_at__gte=now - dt.timedelta(days=7))
            case "month":
                return queryset.filter(updated_at__gte=now - dt.timedelta(days=30))
            case "old":
                return queryset.filter(updated_at__lt=old_since())
        return queryset


class ThumbsFilter(admin.SimpleListFilter):
    """Threads of the newest thumbs, found by these: asking each thread reads the table."""

    title = _("thumbs")
    parameter_name = "thumbs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        label = _("Has a thumbs-down (the newest %(count)d)")
        return [("down", label % {"count": MAX_LISTED})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "down":
            return queryset
        thumbs = ChatMessage.objects.filter(feedback=ChatMessage.Feedback.NEGATIVE)
        if request.GET.get(ActivityFilter.parameter_name) == "old":
            thumbs = thumbs.filter(timestamp__lt=old_since())
        newest = thumbs.order_by("-timestamp").values_list("session_id", flat=True)
        return queryset.filter(pk__in=set(newest[:MAX_LISTED]))


def _messages(**conditions: Any) -> QuerySet[ChatMessage]:
    """The messages of the row that a query is at: by the owner too, as an index has them."""
    return ChatMessage.objects.filter(
        user_id=OuterRef("user_id"), session_id=OuterRef("pk"), **conditions
    )


def _count(messages: QuerySet[ChatMessage]) -> Subquery:
    counts = messages.order_by().values("session_id").annotate(count=Count("pk"))
    return Subquery(counts.values("count"))


class ThreadList(BoundedChangeList):
    """Adds to a page's threads their owners and what their messages are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.query:
            self.date_hierarchy = None  # not shown: the ends of what was found have no index

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        owners = users_by_id({row.user_id for row in rows})
        counts = counts_by_thread(rows)
        for row in rows:
            row.owner = owners.get(row.user_id)
            row.message_count, row.up_count, row.down_count = counts.get(row.pk, (0, 0, 0))
        self.result_list = rows


def counts_by_thread(threads: list[Any]) -> dict[Any, list[int]]:
    """Return how many messages, thumbs up and thumbs down each thread has."""
    up, down = ChatMessage.Feedback.POSITIVE, ChatMessage.Feedback.NEGATIVE
    rows = ChatSession.objects.filter(pk__in=[thread.pk for thread in threads]).values_list(
        "pk", _count(_messages()), _count(_messages(feedback=up)), _count(_messages(feedback=down))
    )
    return {pk: [count or 0 for count in counts] for pk, *counts in rows}


def users_by_id(user_ids: set[str]) -> dict[str, Any]:
    """Return the users whose primary keys these are; owners may be called otherwise."""
    model = get_user_model()
    keys = set()
    for user_id in user_ids:
        with suppress(ValidationError):  # no key, or a number that no key can be
            keys.add(model._meta.pk.clean(user_id, None))
    return {str(key): user for key, user in model._default_manager.in_bulk(keys).items()}
