"""
The base class of the ModelAdmin classes.

A list accepts only its own filters from the URL: with others, an account without the permission to
read could find out what conversations say (M3).
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from chatstore.admin.list_exports import ListExport
from chatstore.admin.lists import BoundedChangeList, BoundedPaginator
from chatstore.admin.permissions import has_permission
from chatstore.conf import settings
from chatstore.db.row_keys import primary_key, row_key, rows_with_keys

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
elif apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows; nobody can add, change or delete them here."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    # The lookups that the list's filters put into the URL; all others are refused.
    filter_lookups: frozenset[str] = frozenset()
    # Columns that a CSV of the list has besides those of the list.
    csv_columns: tuple[str, ...] = ()

    class Media:
        css = {"all": ["chatstore/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_urls(self) -> list[URLPattern]:
        return [*ListExport(self).urls(), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Lead to the CSV of the list for those who may export."""
        self.drop_nul(request)
        context = {**(extra_context or {})}
        if has_permission(request, "export"):
            context["csv_url"] = f"csv/?{request.GET.urlencode()}"
        return super().changelist_view(request, context)

    def drop_nul(self, request: HttpRequest) -> None:
        """Leave out a NUL in the URL, which PostgreSQL refuses."""
        query = request.GET.copy()
        for name, values in request.GET.lists():
            query.setlist(name, [value.replace("\0", "") for value in values])
        request.GET = query  # type: ignore[assignment]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the row with a row_key; None if there is none, or several."""
        rows: Any = self.get_queryset(request)
        try:
            return rows.get(rows_with_keys(self.model, [object_id]))
        except self.model.MultipleObjectsReturned:
            self.message_user(request, _("Find the row in the list."), messages.WARNING)
        except (self.model.DoesNotExist, ValidationError, ValueError):
            pass
        return None

    @wraps(ModelAdmin.action_checkbox)
    def action_checkbox(self, obj: Any) -> SafeString:  # type: ignore[override]
        box = super().action_checkbox(obj)
        return mark_safe(  # noqa: S308 (hexadecimal digits)
            box.replace(f'value="{obj.pk}"', f'value="{row_key(obj)}"')
        )

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Select rows by their row_keys; refuse what is none, where Django would raise an error."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        try:
            selected = rows_with_keys(self.model, keys)
        except ValidationError as error:
            raise BadRequest("A selected row has no valid key") from error
        if settings.sharded and request.POST.get("select_across", "0") == "0":
            queryset = queryset.filter(selected)
            data = request.POST.copy()
            # Django filters by these primary keys besides.
            data.setlist(ACTION_CHECKBOX_NAME, list(map(primary_key, keys)))
            request.POST = data  # type: ignore[assignment]
        return super().response_action(request, queryset, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        return lookup in self.filter_lookups

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
