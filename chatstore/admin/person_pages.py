"""The page of a person: what is kept of them, and their suspension (M6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from chatstore.admin import lists
from chatstore.admin.forms import ActionForm, ReasonForm
from chatstore.admin.permissions import PageBase, has_permission
from chatstore.db.row_keys import person_key
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatReport, ChatSession, ModerationRecord
from chatstore.moderation import people
from chatstore.moderation.display import title_start, visible
from chatstore.moderation.records import Moderator

MAX_ROWS = 20  # of each kind, the newest


class SuspendForm(ActionForm):
    """Asks why and for how long."""

    hours = forms.TypedChoiceField(
        # Translators: above a choice of durations, such as “7 days”.
        label=_("For"),
        choices=[
            ("1", _("1 hour")),
            ("24", _("1 day")),
            ("168", _("7 days")),
            ("720", _("30 days")),
            ("", _("Until it is lifted")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        initial="168",
    )


class PersonPages(PageBase):
    """The pages of people, who are named by the owner's id of their threads."""

    def person(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """What is kept of a person, in bounded numbers; without text of conversations."""
        self.require_permissions(request)
        return self._render_person(request, _user_id(key))

    def person_action(self, request: HttpRequest, key: str, name: str) -> HttpResponseBase:
        """Suspend a person, or lift that; a form that is not valid is shown again."""
        self.require_permissions(request, "suspend")
        user_id, here = _user_id(key), self.url("person", key)
        if name not in ("suspend", "lift"):
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(here)
        form: ReasonForm = (SuspendForm if name == "suspend" else ActionForm)(request.POST)
        if not form.is_valid():
            return self._render_person(request, user_id, form)
        by = Moderator.from_user(request.user, form.cleaned_data["reason"])
        try:
            if name == "lift":
                people.lift(user_id, by)
                messages.success(request, _("The suspension is lifted."))
            else:
                hours = form.cleaned_data["hours"]
                ends_at = timezone.now() + dt.timedelta(hours=hours) if hours else None
                people.suspend(user_id, by, ends_at=ends_at)
                messages.success(request, _("Suspended."))
        except ModerationRefused as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(here)

    def _render_person(
        self, request: HttpRequest, user_id: str, form: ReasonForm | None = None
    ) -> HttpResponse:
        summary = people.summarize(user_id)
        may_suspend = has_permission(request, "suspend")
        if may_suspend and form is None:
            form = ActionForm() if summary.suspension else SuspendForm()
        threads: Any = ChatSession.objects.for_owner(user_id).order_by("-created_at", "-thread_id")
        threads = threads.defer(*lists.UNLISTED).annotate(title_start=title_start())
        may_see_reports = has_permission(request, "view_chatreport")
        reports = ChatReport.objects.for_owner(user_id).defer("words", "resolution")
        records = ModerationRecord.objects.filter(user_id=user_id)
        user = lists.users_by_id({user_id}).get(user_id)
        return self.render(
            request,
            "person",
            str(_("Person")),
            user_id=user_id,
            key=person_key(user_id),
            account=user,
            account_url=self._account_url(request, user) if user else "",
            summary=summary,
            form=form if may_suspend else None,
            threads=threads[:MAX_ROWS],
            reports=reports.order_by("-created_at")[:MAX_ROWS] if may_see_reports else [],
            records=records.order_by("-created_at")[:MAX_ROWS],
        )

    def _account_url(self, request: HttpRequest, user: Any) -> str:
        """Return the address of Django's user for those who may see it; else nothing."""
        options = user._meta
        name = f"{options.app_label}.{{}}_{options.model_name}"
        if not any(request.user.has_perm(name.format(each)) for each in ("view", "change")):
            return ""
        try:
            return reverse(
                f"admin:{options.app_label}_{options.model_name}_change",
                args=[user.pk],
                current_app=self.site.name,
            )
        except NoReverseMatch:
            return ""


def person_link(site: admin.AdminSite, user_id: str, account: Any = None) -> str:
    """Return a link to a person's page: the account's name, or else the owner's id."""
    url = reverse(
        "admin:chatstore_chatsession_person", args=[person_key(user_id)], current_app=site.name
    )
    name = str(account) if account else visible(user_id)
    return format_html('<a href="{}">{}</a>', url, name)


def _user_id(key: str) -> str:
    """Return the owner's id in a URL; Http404 for what is none."""
    try:
        user_id = bytes.fromhex(key).decode()
    except ValueError as error:
        raise Http404 from error
    if not 0 < len(user_id) <= 255 or "\0" in user_id:
        raise Http404
    return user_id
