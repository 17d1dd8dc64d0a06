"""
The admin's change lists: pagination, ordering, and the counts beside each thread.

The cost does not grow with the tables: each query uses an index or is limited.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.lookups import IsNull
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from chatstore.db.row_keys import row_key
from chatstore.models import ChatMessage, ChatReport, ChatSession, ChatSessionQuerySet
from chatstore.moderation.display import title_start

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:  # Django's paginator is generic for type checkers only
    _Paginator = Paginator

MAX_YEARS = 30  # before this year, that the date hierarchy shows
# Rows that a list can page through; filters lead to the others. All of them can be selected for an
# action: each is a field of the form that asks for the reason, and Django accepts 1,000 fields
# (DATA_UPLOAD_MAX_NUMBER_FIELDS).
MAX_LISTED = 900
# Columns of a thread that a list does not read: they may be very long (M7).
UNLISTED = ("payload", "title", "metadata", "reason", "moderation_reason", "hold_reason", "notes")
MAX_COUNTED = 1000  # messages of a thread; of a longer thread, a list says "1,000+"


class BoundedPaginator(_Paginator):
    """Counts at most MAX_LISTED rows, because an exact count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MAX_LISTED].count())


class BoundedChangeList(ChangeList):
    """Tells in its title that it is limited, and sorts only by the columns in ``sortable_by``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.result_count == MAX_LISTED:
            self.title = _("The first %(count)d rows; use filters and dates to find others") % {
                "count": MAX_LISTED
            }

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.add_details(self.result_list)

    def add_details(self, rows: list[Any]) -> None:
        """Add to rows what the list shows and no column of theirs holds."""

    def url_for_result(self, result: Any) -> str:
        """Name the row's owner in its URL, where tables are sharded."""
        url = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(url, args=[row_key(result)], current_app=self.model_admin.admin_site.name)

    def get_filters(self, request: HttpRequest) -> Any:
        """Let Django answer a date out of range as it answers other wrong values in the URL."""
        try:
            return super().get_filters(request)
        except (ValueError, OverflowError) as error:  # such as the year after 9999
            raise IncorrectLookupParameters(error) from error

    def get_ordering_field(self, field_name: Any) -> Any:
        """Apply ``sortable_by`` to the URL too: Django applies it to the links only."""
        is_sortable = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_sortable else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Return the list's default order if the URL names no column of ``sortable_by``."""
        ordering = super().get_ordering(request, queryset)
        if ordering == ["-pk"]:  # Django adds it; nothing else is left of the URL's columns
            ordering = [*self.model_admin.get_ordering(request), *ordering]
        return ordering


class DateHierarchyQuerySet(ChatSessionQuerySet):
    """
    A queryset for the date hierarchy, which asks for the first and last date and those between.

    Django's own queries for these read the whole table. Here the first and the last row are found
    by an index, and all dates between them are shown, with rows or without.
    """

    _first_and_last: tuple[Any, Any] | None = None

    def first_and_last(self, field_name: str) -> tuple[Any, Any]:
        """Return the least and the greatest value of a time column; None without rows."""
        if self._first_and_last is None:
            times = self.order_by(field_name).values_list(field_name, flat=True)
            self._first_and_last = times.first(), times.last()
        return self._first_and_last

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Answer the date hierarchy's Min and Max from the index."""
        if set(kwargs) == {"first", "last"}:
            return dict(zip(("first", "last"), self.first_and_last("updated_at"), strict=True))
        return super().aggregate(*args, **kwargs)

    def datetimes(self, field_name: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Return each year, month or day from the first row to the last."""
        first, last = self.first_and_last(field_name)
        return list(_dates(kind, first, last)) if first and last else []


def _dates(kind: str, first: dt.datetime, last: dt.datetime) -> Any:
    first, last = timezone.localtime(first), timezone.localtime(last)
    if kind == "year":
        # Limited, because an application or an archive may hold wrong times.
        this_year = timezone.localtime().year
        years = range(max(first.year, this_year - MAX_YEARS), min(last.year, this_year + 1) + 1)
        return (dt.date(year, 1, 1) for year in years)
    if kind == "month":
        return (dt.date(first.year, month, 1) for month in range(first.month, last.month + 1))
    return (first.date().replace(day=day) for day in range(first.day, last.day + 1))


def messages_of(**conditions: Any) -> QuerySet[ChatMessage]:
    """Return the messages of the outer query's thread; with the owner, so that an index is used."""
    return ChatMessage.objects.filter(
        user_id=OuterRef("user_id"), session_id=OuterRef("pk"), **conditions
    )


def _reports_of(**conditions: Any) -> QuerySet[ChatReport]:
    """Return the reports on the outer query's thread and its messages."""
    return ChatReport.objects.filter(
        user_id=OuterRef("user_id"), session_id=OuterRef("pk"), **conditions
    )


def _count(rows: QuerySet[Any]) -> Subquery:
    counts = rows.order_by().values("session_id").annotate(count=Count("pk"))
    return Subquery(counts.values("count"))


def _bounded_count() -> Case:
    """Return the number of the thread's messages; MAX_COUNTED + 1 if there are more."""
    # Not by counting a limited subquery: MariaDB's can't refer to the outer query.
    times = messages_of().order_by("-timestamp").values("timestamp")
    one_too_many = Subquery(times[MAX_COUNTED : MAX_COUNTED + 1])
    return Case(
        When(IsNull(one_too_many, False), then=Value(MAX_COUNTED + 1)),
        default=_count(messages_of()),
    )


class ThreadList(BoundedChangeList):
    """Adds to each thread of a page its owner, and how many messages, thumbs and reports it has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.query:
            self.date_hierarchy = None  # no index has the first and last date of a search's result

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().get_queryset(request, *args, **kwargs)
        return rows.defer(*UNLISTED).annotate(title_start=title_start())

    def add_details(self, rows: list[Any]) -> None:
        owners = users_by_id({row.user_id for row in rows})
        counts = counts_by_thread(rows)
        for row in rows:
            row.owner = owners.get(row.user_id)
            row.message_count, row.up_count, row.down_count, row.report_count, row.open_count = (
                counts.get((row.user_id, row.pk), (0, 0, 0, 0, 0))
            )


class MessageList(BoundedChangeList):
    """Reads of each message and its thread only what the list shows."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().get_queryset(request, *args, **kwargs)
        unlisted = (f"session__{column}" for column in UNLISTED)
        return rows.defer("payload", "content", "metadata", *unlisted).annotate(
            thread_title=title_start("session__title")
        )

    def add_details(self, rows: list[Any]) -> None:
        owners = users_by_id({row.user_id for row in rows})
        for row in rows:
            row.owner = owners.get(row.user_id)
            row.session.title_start = row.thread_title


def counts_by_thread(threads: list[Any]) -> dict[tuple[str, Any], list[int]]:
    """
    Return how many messages (at most MAX_COUNTED + 1), thumbs up and down, reports and open reports
    each thread has, by the thread's owner and primary key.
    """
    up, down = ChatMessage.Feedback.POSITIVE, ChatMessage.Feedback.NEGATIVE
    # With the owners, by which shards find the rows.
    rows = ChatSession.objects.filter(
        user_id__in={thread.user_id for thread in threads},
        pk__in=[thread.pk for thread in threads],
    ).values_list(
        "user_id",
        "pk",
        _bounded_count(),
        _count(messages_of(feedback=up)),
        _count(messages_of(feedback=down)),
        _count(_reports_of()),
        _count(_reports_of(state=ChatReport.State.OPEN)),
    )
    return {(owner, pk): [count or 0 for count in counts] for owner, pk, *counts in rows}


def users_by_id(user_ids: set[str]) -> dict[str, Any]:
    """Return users by their primary key as text; an owner that is no user's key is left out."""
    model = get_user_model()
    keys = set()
    for user_id in user_ids:
        with suppress(ValidationError):  # not a key, or a number out of range
            keys.add(model._meta.pk.clean(user_id, None))
    return {str(key): user for key, user in model._default_manager.in_bulk(keys).items()}


def badges(shown: list[tuple[str, Any]]) -> str:
    """Return a badge for each kind and its text."""
    template = '<span class="chatstore-badge" data-kind="{}">{}</span>'
    return format_html_join(" ", template, shown)
