"""
The page of a report: what was reported, the conversation beside it, and what can be done (M5).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from chatstore.admin.action_pages import act_bar, applicable_actions
from chatstore.admin.actions import MESSAGE_ACTIONS, THREAD_ACTIONS
from chatstore.admin.forms import ActionForm
from chatstore.admin.permissions import PageBase, has_permission
from chatstore.admin.report_forms import AssignForm, DismissForm, NoReasonForm
from chatstore.attachments.responses import INLINE_TYPES
from chatstore.db.row_keys import person_key, row_key, rows_with_keys
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatReport, ChatSession
from chatstore.moderation import queue, reports, transcript
from chatstore.moderation.records import Action, Moderator, record

MESSAGES_AFTER = 5  # that are shown after the one that was reported


@dataclass(frozen=True)
class ReportAction:
    """What can be done with an open report; ``closes`` leads to the next one."""

    function: Callable[..., None]
    permission: str
    label: str | Promise
    form: type[forms.Form]
    closes: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__


ACTIONS = {
    action.name: action
    for action in (
        ReportAction(reports.take, "handle_reports", _("Take"), NoReasonForm),
        ReportAction(reports.resolve, "handle_reports", _("Resolve"), ActionForm, closes=True),
        ReportAction(reports.dismiss, "handle_reports", _("Dismiss"), DismissForm, closes=True),
        ReportAction(reports.assign, "assign", _("Assign"), AssignForm),
    )
}


class ReportPages(PageBase):
    """The pages of ChatReportAdmin besides its list."""

    def urls(self) -> list[URLPattern]:
        view = self.site.admin_view(self.act)
        return [path("<str:key>/do/<str:name>/", view, name="chatstore_chatreport_action")]

    def report_url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:chatstore_chatreport_{name}", args=args, current_app=self.site.name)

    def report(self, key: str) -> ChatReport:
        """Return the report with a row_key; Http404 if there is none."""
        try:
            return get_object_or_404(ChatReport, rows_with_keys(ChatReport, [key]))
        except (ValidationError, ChatReport.MultipleObjectsReturned) as error:
            raise Http404 from error

    def page(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """The report, its neighbours in the queue, and the conversation for those who may read."""
        self.require_permissions(request, "view_chatreport")
        report = self.report(key)
        shown = {
            name: (action, action.form(prefix=name))
            for name, action in self._allowed(request, report).items()
        }
        return self._render(request, report, shown)

    def act(self, request: HttpRequest, key: str, name: str) -> HttpResponseBase:
        """Do what a form of the page says; a form that is not valid is shown again."""
        if name not in ACTIONS:
            raise Http404
        action = ACTIONS[name]
        self.require_permissions(request, "view_chatreport", action.permission)
        report = self.report(key)
        here = self._with_queue(request, self.report_url("change", key))
        if request.method != "POST":
            return HttpResponseRedirect(here)
        form = action.form(request.POST, prefix=name)
        if not form.is_valid():
            shown = {
                each.name: (each, form if each is action else each.form(prefix=each.name))
                for each in self._allowed(request, report).values()
            }
            return self._render(request, report, shown)
        data = form.cleaned_data
        by = Moderator.from_user(request.user, data.pop("reason", ""))
        try:
            action.function(report, by, **{k: v for k, v in data.items() if k == "assignee"})
        except ModerationRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(here)
        messages.success(request, _("Done: %(what)s.") % {"what": action.label})
        return HttpResponseRedirect(self._after(request, report) if action.closes else here)

    def _allowed(self, request: HttpRequest, report: ChatReport) -> dict[str, ReportAction]:
        if report.state != ChatReport.State.OPEN:
            return {}
        name = request.user.get_username()
        return {
            action.name: action
            for action in ACTIONS.values()
            if has_permission(request, action.permission)
            and not (action.name == "take" and report.assignee == name)
        }

    def _queue_of(self, request: HttpRequest) -> str | None:
        """Return the name of whoever works through what they have taken; None for all."""
        is_mine = request.GET.get("queue") == "mine"
        return request.user.get_username() if is_mine else None

    def _with_queue(self, request: HttpRequest, url: str) -> str:
        return f"{url}?{urlencode({'queue': 'mine'})}" if self._queue_of(request) else url

    def _after(self, request: HttpRequest, report: ChatReport) -> str:
        """Return the address of the next report, or else of the one before, or of the list."""
        previous, following = queue.neighbours(report, self._queue_of(request))
        if other := following or previous:
            return self._with_queue(request, self.report_url("change", row_key(other)))
        return self._with_queue(request, self.report_url("changelist"))

    def _render(self, request: HttpRequest, report: ChatReport, shown: Any) -> HttpResponse:
        previous, following = queue.neighbours(report, self._queue_of(request))
        threads = ChatSession.objects.for_owner(report.user_id)
        thread = threads.filter(pk=report.session_id).first()
        context = self._conversation(request, report, thread) if thread else {}
        return self.render(
            request,
            "report",
            pgettext("a complaint", "Report"),
            report=report,
            reason=reports.reason_label(report),
            thread=thread,
            person_url=self.url("person", person_key(report.user_id)),
            forms=shown,
            previous=previous,
            following=following,
            query=f"?{urlencode({'queue': 'mine'})}" if self._queue_of(request) else "",
            **context,
        )

    def _conversation(
        self, request: HttpRequest, report: ChatReport, thread: ChatSession
    ) -> dict[str, Any]:
        """Return what shows the conversation at the message, and add the record of its reading."""
        if not has_permission(request, "read_transcript"):
            return {}
        key = row_key(thread)
        by = self.reader(request, key)
        if by is None:
            return {"reason_url": self.reason_url(request, key)}
        page = _page_at(thread, report)
        record(thread, by, Action.READ, [entry.row.item_id for entry in page.entries])
        return {
            "page": page,
            "rows": [
                (entry, applicable_actions(request, MESSAGE_ACTIONS, entry.row))
                for entry in page.entries
            ],
            "actions": applicable_actions(request, THREAD_ACTIONS, thread),
            "bar": act_bar(request, thread),
            "owner_url": self.owner_url(thread),
            "reported": report.message_id,
            "may_read_words": True,
            "inline_types": INLINE_TYPES,
        }


def _page_at(thread: ChatSession, report: ChatReport) -> transcript.Page:
    """Return the page with the reported message and some after it; else the newest."""
    rows = ChatMessage.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
    reported = report.message_id
    found = rows.filter(pk=reported).values_list("timestamp", flat=True) if reported else ()
    if not found:
        return transcript.read_page(thread)
    later = rows.filter(timestamp__gt=found[0]).order_by("timestamp")
    times: list[dt.datetime] = list(later.values_list("timestamp", flat=True)[:MESSAGES_AFTER])
    page = transcript.read_page(thread, until=times[-1] if times else found[0])
    if all(entry.row.pk != report.message_id for entry in page.entries):  # they are long
        page = transcript.read_page(thread, until=found[0])
    return page
