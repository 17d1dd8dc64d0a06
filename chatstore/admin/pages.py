"""
The moderators' own pages in the admin: transcript, raw item, file, export, search and overview.

Each page checks its permission (chatstore.admin.permissions) and calls moderation or portability.
"""

from __future__ import annotations

import datetime as dt
import uuid
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from chatstore import files
from chatstore.admin.action_pages import ActionPages, act_bar, applicable_actions
from chatstore.admin.actions import MESSAGE_ACTIONS, THREAD_ACTIONS
from chatstore.admin.annotation_pages import AnnotationPages
from chatstore.admin.forms import ExportForm, SearchForm
from chatstore.admin.lists import users_by_id
from chatstore.admin.permissions import (
    has_permission,
    reading_permission_required,
    sandboxed,
    stream,
)
from chatstore.admin.person_pages import PersonPages
from chatstore.attachments.responses import INLINE_TYPES, safe_type_and_disposition
from chatstore.models import ChatAttachment, ChatSession, ModerationRecord
from chatstore.moderation import search, statistics, transcript
from chatstore.moderation.charts import Bar, Chart
from chatstore.moderation.display import raw_json
from chatstore.moderation.records import Action, Moderator, record, record_all, record_search
from chatstore.portability import downloads

# Of the overview's charts: the model whose list is behind the bars, and that list's filter.
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "threads": ("chatsession", {}),
    "ages": ("chatsession", {}),
    "messages": ("chatmessage", {}),
    "up": ("chatmessage", {"feedback__exact": "positive"}),
    "down": ("chatmessage", {"feedback__exact": "negative"}),
    "failed": ("chatmessage", {"ending__exact": "failed"}),
    "stopped": ("chatmessage", {"ending__exact": "stopped"}),
    "people": ("chatsession", {}),
    "reports": ("chatreport", {"queue": "all"}),
    "waits": ("chatreport", {}),
}
MAX_RECORDS = 50  # moderation records on a thread's page


class Pages(ActionPages, AnnotationPages, PersonPages):
    """The pages; each method that takes a request is a view."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs; they must come before those of the ModelAdmin."""

        def page(route: str, view: Any, name: str) -> URLPattern:
            name = f"chatstore_chatsession_{name}"
            url: URLPattern = path(route, self.site.admin_view(view), name=name)
            return url

        thread = "<str:thread_key>"
        return [
            page("search/", self.search, "search"),
            page("overview/", self.overview, "overview"),
            page("reason/<str:key>/", self.reason, "reason"),
            page("people/<str:key>/", self.person, "person"),
            page("people/<str:key>/do/<str:name>/", self.person_action, "person_action"),
            page(f"{thread}/transcript/", self.transcript, "transcript"),
            page(f"{thread}/acts/", self.acts, "acts"),
            page(f"{thread}/annotate/<str:name>/", self.annotate, "annotate"),
            page(f"{thread}/do/<str:name>/", self.thread_action, "action"),
            page(f"{thread}/export/", self.export_one, "export"),
            page(f"{thread}/items/<uuid:item>/", self.item, "item"),
            page(f"{thread}/items/<uuid:item>/do/<str:name>/", self.message_action, "item_action"),
            page(f"{thread}/files/<uuid:file>/", self.file, "file"),
        ]

    # Reading

    @reading_permission_required
    def transcript(self, request: HttpRequest, by: Moderator, thread_key: str) -> HttpResponseBase:
        """A page of the conversation; the record names the items on it."""
        thread = self.thread(thread_key)
        page = transcript.read_page(
            thread,
            until=_position(request.GET.get("until")),
            since=_position(request.GET.get("since")),
        )
        record(thread, by, Action.READ, [entry.row.item_id for entry in page.entries])
        return self.render(
            request,
            "transcript",
            _("Conversation"),
            thread=thread,
            page=page,
            actions=applicable_actions(request, THREAD_ACTIONS, thread),
            rows=[
                (entry, applicable_actions(request, MESSAGE_ACTIONS, entry.row))
                for entry in page.entries
            ],
            bar=act_bar(request, thread),
            owner_url=self.owner_url(thread),
            may_export=self._may_export(request, thread),
            inline_types=INLINE_TYPES,
        )

    @reading_permission_required
    def item(
        self, request: HttpRequest, by: Moderator, thread_key: str, item: uuid.UUID
    ) -> HttpResponseBase:
        """The raw JSON of an item."""
        thread = self.thread(thread_key)
        message = self.message(thread, item)
        record(thread, by, Action.READ, [message.item_id])
        text = raw_json(message.payload)
        return sandboxed(HttpResponse(text, content_type="text/plain; charset=utf-8"))

    @reading_permission_required
    def file(
        self, request: HttpRequest, by: Moderator, thread_key: str, file: uuid.UUID
    ) -> HttpResponseBase:
        """The content of an attachment."""
        thread = self.thread(thread_key)
        rows = ChatAttachment.objects.for_owner(thread.user_id).exclude(path="")
        row = get_object_or_404(rows, session_id=thread.pk, pk=file)
        record(thread, by, Action.READ, [row.attachment_id])
        try:
            content = files.get_storage().open(row.path)
        except FileNotFoundError as error:
            raise Http404 from error
        mime_type, disposition = safe_type_and_disposition(row)
        return stream(request, content, mime_type, disposition)

    # For the list and the thread's page of ChatSessionAdmin

    def change_context(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """Return the template context of the thread's page, besides its fields."""
        thread: Any = self.model_admin.get_object(request, object_id)
        if thread is None or not has_permission(request, "view_chatsession"):
            return {}
        records = ModerationRecord.objects.filter(thread_id=thread.thread_id)
        return {
            "thread": thread,
            "title": _("Thread"),
            "actions": applicable_actions(request, THREAD_ACTIONS, thread),
            "may_read": has_permission(request, "read_transcript"),
            "may_export": has_permission(request, "read_transcript")
            and self._may_export(request, thread),
            "records": records.order_by("-created_at")[:MAX_RECORDS],
            **self.annotation_context(request, thread),
        }

    def list_actions(self, request: HttpRequest) -> dict[str, tuple[Any, Any]]:
        """Return the actions of the list by name, each a function and its label."""
        actions: dict[str, tuple[Any, Any]] = {
            action.name: (partial(self._act_on_selection, action), action.label)
            for action in THREAD_ACTIONS.values()
            if has_permission(request, action.permission)
        }
        if has_permission(request, "read_transcript") and has_permission(request, "export"):
            actions["export"] = (self._export_selection, _("Export"))
        return actions

    def _export_selection(
        self, model_admin: Any, request: HttpRequest, queryset: Any
    ) -> HttpResponseBase | None:
        rows = self.selected(request, queryset)
        if rows is None:
            return None
        return self.export(request, rows, self.url("changelist"), action="export")

    # Export

    def _may_export(self, request: HttpRequest, thread: ChatSession) -> bool:
        return bool(downloads.exportable([thread])) and has_permission(request, "export")

    def export_one(self, request: HttpRequest, thread_key: str) -> HttpResponseBase:
        """Export one thread."""
        return self.export(request, [self.thread(thread_key)], self.url("change", thread_key))

    def export(
        self, request: HttpRequest, rows: list[ChatSession], back: str, **context: Any
    ) -> HttpResponseBase:
        """Ask for a format and a reason, add the records, and send the file."""
        self.require_permissions(request, "read_transcript", "export")
        exported = downloads.exportable(rows)
        is_answer = request.method == "POST" and "format" in request.POST
        form = ExportForm(request.POST if is_answer else None)
        if exported and form.is_valid():
            by = Moderator.from_user(request.user, form.cleaned_data["reason"])
            record_all([(thread, ()) for thread in exported], by, Action.EXPORT)
            make, name = downloads.FORMATS[form.cleaned_data["format"]]
            disposition = f'attachment; filename="{name}"'
            return stream(request, File(make(exported)), "application/octet-stream", disposition)
        if len(exported) < len(rows):
            messages.warning(request, _("A temporary conversation is not exported."))
        if not exported:
            return HttpResponseRedirect(back)
        return self.render(
            request,
            "form",
            _("Export"),
            form=form,
            description=_("The file holds the complete conversations, including hidden messages."),
            label=_("Download"),
            back=back,
            rows=exported,
            **context,
        )

    # Search and statistics

    @reading_permission_required
    def search(self, request: HttpRequest, by: Moderator) -> HttpResponseBase:
        """Search in messages; the record names the messages that are shown."""
        form = SearchForm(request.GET or None)
        result, owners = None, {}
        if form.is_valid() and form.cleaned_data["q"]:
            result = search.messages(**form.filters())
            record_search(result.ids(), by)
            owners = users_by_id({hit.message.user_id for hit in result.hits})
        title = _("Search in messages")
        return self.render(request, "search", title, form=form, result=result, owners=owners)

    def overview(self, request: HttpRequest) -> HttpResponseBase:
        """Statistics of the last days; they hold no text, so no reason is asked for."""
        self.require_permissions(request)
        days = request.GET.get("days", "30")
        if days not in ("7", "30", "90"):
            raise Http404
        report = statistics.report(int(days))
        return self.render(
            request,
            "overview",
            _("Overview"),
            report=report,
            charts=[
                (chart, [(bar, self._list_behind(request, chart, bar)) for bar in chart.bars])
                for chart in report.charts
            ],
            days=days,
            choices=("7", "30", "90"),
        )

    def _list_behind(self, request: HttpRequest, chart: Chart, bar: Bar) -> str:
        """Return the address of the list of what a bar counts; empty if there is none to see."""
        if chart.name not in LISTS or not bar.value:
            return ""
        model, query = LISTS[chart.name]
        about, query = bar.about, dict(query)
        if not has_permission(request, f"view_{model}"):
            return ""
        if chart.name == "waits":
            query["queue"] = "closed" if about.part == "closed" else ""
        prefix = "active_" if chart.name in ("ages", "people") else ""
        for name, day in ("since", about.since), ("until", about.until):
            query[prefix + name] = day.isoformat() if day else ""
        url = reverse(f"admin:chatstore_{model}_changelist", current_app=self.site.name)
        return f"{url}?{urlencode({key: value for key, value in query.items() if value})}"


def _position(text: str | None) -> dt.datetime | None:
    """Return the position in a URL parameter; Http404 if it is not a time with an offset."""
    if not text:
        return None
    try:
        time = parse_datetime(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Http404
    return time
