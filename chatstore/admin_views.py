"""
The moderators' own pages in the admin: a conversation, an act with its reason, exports, search,
overview.

HTTP only: each asks at its door (chatstore.admin_doors) and calls a room of the domain.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files import File
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import downloads, files, moderation, overview, search, transcript
from chatstore.acts import MESSAGE_ACTS, THREAD_ACTS, Act
from chatstore.admin_doors import Doors, guarded, may, on_record
from chatstore.admin_forms import ExportForm, ReasonForm, SearchForm, TitledForm, TypedForm
from chatstore.models import ChatAttachment, ChatSession, ModerationRecord
from chatstore.moderation import Moderator, Refused
from chatstore.serving import INLINE_TYPES, file_response, how_to_serve

# Threads that one list action takes: each is a field of the form that asks for the reason, and
# Django takes a thousand fields (DATA_UPLOAD_MAX_NUMBER_FIELDS).
MAX_AT_ONCE = 900
RECORDS = 50  # of a thread's moderation that its page shows
Action = ModerationRecord.Action


class Pages(Doors):
    """The pages, each a view."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs, to be put before those of the ModelAdmin."""

        def page(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.site.admin_view(view), name=f"chatstore_chatsession_{name}")

        thread = "<uuid:pk>"
        return [
            page("search/", self.search, "search"),
            page("overview/", self.overview, "overview"),
            page("reason/<str:key>/", self.reason, "reason"),
            page(f"{thread}/transcript/", self.transcript, "transcript"),
            page(f"{thread}/do/<str:name>/", self.act, "act"),
            page(f"{thread}/export/", self.export_one, "export"),
            page(f"{thread}/items/<uuid:item>/", self.item, "item"),
            page(f"{thread}/items/<uuid:item>/do/<str:name>/", self.act_on_message, "item_act"),
            page(f"{thread}/files/<uuid:file>/", self.file, "file"),
        ]

    # Reading

    @on_record
    def transcript(self, request: HttpRequest, by: Moderator, pk: uuid.UUID) -> HttpResponseBase:
        thread = self.thread(pk)
        page = transcript.read(
            thread, until=_time(request.GET.get("until")), since=_time(request.GET.get("since"))
        )
        moderation.note(thread, by, Action.READ, [entry.row.item_id for entry in page.entries])
        return self.render(
            request,
            "transcript",
            _("Conversation"),
            thread=thread,
            page=page,
            acts=fitting(request, THREAD_ACTS, thread),
            rows=[(entry, fitting(request, MESSAGE_ACTS, entry.row)) for entry in page.entries],
            may_export=may(request, "export"),
            inline_types=INLINE_TYPES,
        )

    @on_record
    def item(
        self, request: HttpRequest, by: Moderator, pk: uuid.UUID, item: uuid.UUID
    ) -> HttpResponseBase:
        """The item's raw JSON."""
        thread = self.thread(pk)
        message = self.message(thread, item)
        moderation.note(thread, by, Action.READ, [message.item_id])
        try:
            text = json.dumps(json.loads(message.payload), indent=2, ensure_ascii=False)
        except ValueError:  # damaged; shown as it is
            text = message.payload
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        return guarded(response)

    @on_record
    def file(
        self, request: HttpRequest, by: Moderator, pk: uuid.UUID, file: uuid.UUID
    ) -> HttpResponseBase:
        """An attachment's bytes."""
        thread = self.thread(pk)
        rows = ChatAttachment.objects.for_owner(thread.user_id).exclude(path="")
        row = get_object_or_404(rows, session_id=thread.pk, pk=file)
        moderation.note(thread, by, Action.READ, [row.attachment_id])
        try:
            content = files.storage().open(row.path)
        except FileNotFoundError as error:
            raise Http404 from error
        mime_type, disposition = how_to_serve(row)
        return _stream(request, content, mime_type, disposition)

    # What the lists and the thread's page of the ModelAdmin show of all this

    def change_context(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """Return what the thread's page shows besides its columns."""
        thread = self.model_admin.get_object(request, object_id)
        if thread is None or not may(request, "view_chatsession"):
            return {}
        records = ModerationRecord.objects.filter(thread_id=thread.thread_id)
        return {
            "thread": thread,
            "title": _("Thread"),
            "acts": fitting(request, THREAD_ACTS, thread),
            "may_read": may(request, "read_transcript"),
            "may_export": may(request, "read_transcript") and may(request, "export"),
            "records": records.order_by("-created_at")[:RECORDS],
        }

    def list_actions(self, request: HttpRequest) -> dict[str, tuple[Any, Any]]:
        """Return the actions of the list, by name, with what they are called."""
        actions: dict[str, tuple[Any, Any]] = {
            act.name: (partial(self._act_on_selected, act), act.label)
            for act in THREAD_ACTS.values()
            if may(request, act.permission)
        }
        if may(request, "read_transcript") and may(request, "export"):
            actions["export"] = (self._export_selected, _("Export"))
        return actions

    def _selected(self, request: HttpRequest, queryset: Any) -> list[ChatSession] | None:
        rows = list(queryset[: MAX_AT_ONCE + 1])
        if len(rows) <= MAX_AT_ONCE:
            return rows
        sentence = _("At most %(count)d threads at once: nothing was done.")
        messages.error(request, sentence % {"count": MAX_AT_ONCE})
        return None

    def _act_on_selected(
        self, act: Act, model_admin: Any, request: HttpRequest, queryset: Any
    ) -> HttpResponseBase | None:
        rows = self._selected(request, queryset)
        return None if rows is None else self.act_on_many(request, act, rows)

    def _export_selected(
        self, model_admin: Any, request: HttpRequest, queryset: Any
    ) -> HttpResponseBase | None:
        rows = self._selected(request, queryset)
        if rows is None:
            return None
        return self.export(request, rows, self.url("changelist"), action="export")

    # Acting

    def act(self, request: HttpRequest, pk: uuid.UUID, name: str) -> HttpResponseBase:
        act = _known(THREAD_ACTS, name)
        self.require(request, act.permission)
        thread = self.thread(pk)
        form = _form_of(act)(request.POST or None, word=act.name)
        after = "changelist" if act.is_final else "change"
        if form.is_valid() and self._do(request, act, thread, form.cleaned_data):
            return HttpResponseRedirect(self.url(after, *([] if act.is_final else [pk])))
        return self._ask(request, act, form, thread, self.url("change", pk))

    def act_on_message(
        self, request: HttpRequest, pk: uuid.UUID, item: uuid.UUID, name: str
    ) -> HttpResponseBase:
        act = _known(MESSAGE_ACTS, name)
        self.require(request, "read_transcript", act.permission)
        thread = self.thread(pk)
        message = self.message(thread, item)
        form = _form_of(act, TitledForm)(request.POST or None, word=act.name)
        position = urlencode({"until": message.timestamp.isoformat()})
        back = self.next_url(request, f"{self.url('transcript', pk)}?{position}")
        if form.is_valid() and self._do(request, act, message, form.cleaned_data):
            return HttpResponseRedirect(f"{back}#{message.pk}")
        return self._ask(request, act, form, thread, back)

    def act_on_many(
        self, request: HttpRequest, act: Act, rows: list[ChatSession]
    ) -> HttpResponseBase | None:
        """A list action: ask for the reason, then act on each thread in its own transaction."""
        self.require(request, act.permission)
        is_answer = "apply" in request.POST
        form = _form_of(act)(request.POST if is_answer else None, word=act.name)
        if not form.is_valid():
            return self._ask(
                request, act, form, None, self.url("changelist"), rows=rows, action=act.name
            )
        by = Moderator.of(request.user, form.cleaned_data["reason"])
        done, refusals = 0, []
        for thread in rows:
            try:
                act.do(thread, by)
                done += 1
            except Refused as refusal:
                refusals.append(f"{refusal} ({thread.thread_id})")
        if done:
            sentence = ngettext("%(act)s: %(count)d thread.", "%(act)s: %(count)d threads.", done)
            messages.success(request, sentence % {"act": act.label, "count": done})
        for sentence in refusals[:10]:
            messages.warning(request, sentence)
        return None

    def _do(self, request: HttpRequest, act: Act, row: Any, data: dict[str, Any]) -> bool:
        by = Moderator.of(request.user, data["reason"])
        options = {"with_title": data["with_title"]} if "with_title" in data else {}
        try:
            act.do(row, by, **options)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return False
        messages.success(request, str(act.done))
        return True

    def _ask(
        self,
        request: HttpRequest,
        act: Act,
        form: ReasonForm,
        thread: ChatSession | None,
        back: str,
        **context: Any,
    ) -> HttpResponse:
        return self.render(
            request,
            "form",
            str(act.label),
            form=form,
            about=act.about,
            label=act.label,
            is_final=act.is_final,
            thread=thread,
            back=back,
            **context,
        )

    # Export

    def export_one(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
        return self.export(request, [self.thread(pk)], self.url("change", pk))

    def export(
        self, request: HttpRequest, rows: list[ChatSession], back: str, **context: Any
    ) -> HttpResponseBase:
        """Ask for a format, and a reason if the setting wants one, and send the file."""
        self.require(request, "read_transcript", "export")
        is_answer = request.method == "POST" and "format" in request.POST
        form = ExportForm(request.POST if is_answer else None)
        if form.is_valid():
            by = Moderator.of(request.user, form.cleaned_data["reason"])
            moderation.note_all([(thread, ()) for thread in rows], by, Action.EXPORT)
            make, name = downloads.FORMATS[form.cleaned_data["format"]]
            disposition = f'attachment; filename="{name}"'
            return _stream(request, File(make(rows)), "application/octet-stream", disposition)
        return self.render(
            request,
            "form",
            _("Export"),
            form=form,
            about=_("The file holds the conversations as they are, hidden messages included."),
            label=_("Download"),
            back=back,
            rows=rows,
            **context,
        )

    # Finding

    @on_record
    def search(self, request: HttpRequest, by: Moderator) -> HttpResponseBase:
        form = SearchForm(request.GET or None)
        result = None
        if form.is_valid() and form.cleaned_data["q"]:
            result = search.messages(**form.filters())
            moderation.note_all(result.by_thread(), by, Action.SEARCH)
        return self.render(request, "search", _("Search in messages"), form=form, result=result)

    def overview(self, request: HttpRequest) -> HttpResponseBase:
        self.require(request)
        days = request.GET.get("days", "30")
        if days not in ("7", "30", "90"):
            raise Http404
        report = overview.report(int(days))
        return self.render(
            request, "overview", _("Overview"), report=report, days=days, choices=("7", "30", "90")
        )


def fitting(request: HttpRequest, acts: dict[str, Act], row: Any) -> list[Act]:
    """Return what this account may do to a row as it is."""
    return [act for act in acts.values() if may(request, act.permission) and act.fits(row)]


def _known(acts: dict[str, Act], name: str) -> Act:
    if name not in acts:
        raise Http404
    return acts[name]


def _form_of(act: Act, final: type[TypedForm] = TypedForm) -> type[ReasonForm]:
    return final if act.is_final else ReasonForm


def _time(text: str | None) -> dt.datetime | None:
    """Return the position in a URL; Http404 for what is none."""
    if not text:
        return None
    try:
        time = parse_datetime(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Http404
    return time


def _stream(
    request: HttpRequest, content: File, mime_type: str, disposition: str
) -> HttpResponseBase:
    """Send a file in pieces, under WSGI as under ASGI."""
    return guarded(file_response(request, content, mime_type, disposition))
