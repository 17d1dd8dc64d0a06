"""CSV of the lists: what their filters show, for those who may export, on record (M3)."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from itertools import islice
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.files import File
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from chatstore.admin.forms import ReasonForm
from chatstore.admin.permissions import PageBase, require, stream
from chatstore.conf import settings
from chatstore.moderation.records import Moderator, record_list
from chatstore.portability.tables import as_csv

MAX_ROWS = 10_000
ROWS_AT_ONCE = 500  # whose counts are asked for together


class ListExport(PageBase):
    """The page that exports the list of any of our ModelAdmin classes."""

    def urls(self) -> list[URLPattern]:
        view = self.site.admin_view(self.page)
        return [path("csv/", view, name=f"{self._prefix}_csv")]

    @property
    def _prefix(self) -> str:
        options = self.model_admin.opts
        return f"{options.app_label}_{options.model_name}"

    def page(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for the reason, add the record, and send the file."""
        model_admin: Any = self.model_admin
        require(request, f"view_{self.model_admin.opts.model_name}", "export")
        model_admin.drop_nul(request)
        url = reverse(f"admin:{self._prefix}_changelist", current_app=self.site.name)
        query = request.GET.urlencode()
        try:
            changelist = model_admin.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{url}?e=1")
        form = ReasonForm(request.POST if request.method == "POST" else None)
        form.fields["reason"].required = settings.reason_to_read
        if form.is_valid():
            by = Moderator.from_user(request.user, form.cleaned_data["reason"])
            names = [*model_admin.get_list_display(request), *model_admin.csv_columns]
            # Written before it is recorded, which says how many rows there are; sent after that.
            table = Table(model_admin, changelist, list(dict.fromkeys(names)))
            file = as_csv(table.rows())
            record_list(str(self.model_admin.opts.model_name), table.count, by)
            disposition = f'attachment; filename="{self.model_admin.opts.model_name}.csv"'
            return stream(request, File(file), "text/csv; charset=utf-8", disposition)
        description = _(
            "The file has what the list shows by its filters, at most %(count)d rows. "
            "Your name and reason are recorded."
        )
        return self.render(
            request,
            "form",
            _("List as CSV"),
            form=form,
            description=description % {"count": MAX_ROWS},
            label=_("Download"),
            back=f"{url}?{query}" if query else url,
        )


class Table:
    """The cells of a list; ``count`` is the number of rows that were read."""

    def __init__(self, model_admin: Any, changelist: Any, names: list[str]) -> None:
        self.model_admin = model_admin
        self.changelist = changelist
        self.names = names
        self.count = 0

    def rows(self) -> Iterator[list[Any]]:
        """Yield the row of headings, and then the others."""
        model = self.model_admin.model
        labels = (label_for_field(name, model, self.model_admin) for name in self.names)
        yield [capfirst(str(label)) for label in labels]
        # All at once, so that none is read twice or missed when the order changes meanwhile.
        rows = iter(self.changelist.queryset[:MAX_ROWS])
        while part := list(islice(rows, ROWS_AT_ONCE)):
            self.changelist.add_details(part)
            for row in part:
                self.count += 1
                yield [self._value(name, row) for name in self.names]

    def _value(self, name: str, row: Any) -> Any:
        field, _attribute, value = lookup_field(name, row, self.model_admin)
        if field is not None and field.flatchoices:
            return getattr(row, f"get_{name}_display")()
        if isinstance(value, SafeString):
            return unescape(strip_tags(value))
        return value
