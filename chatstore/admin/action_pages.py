"""
The pages that perform moderators' actions: each asks for a reason first.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.admin import lists
from chatstore.admin.actions import MESSAGE_ACTIONS, THREAD_ACTIONS, AdminAction
from chatstore.admin.forms import ActionForm, ConfirmationForm, ReasonForm, RedactionForm
from chatstore.admin.permissions import PageBase, has_permission
from chatstore.attachments.responses import INLINE_TYPES
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation import transcript
from chatstore.moderation.records import Action, Moderator, record

# What can be done below a conversation without leaving it; what is final has a page of its own.
BAR_MESSAGE_ACTIONS = ("hide", "show", "flag")
BAR_THREAD_ACTIONS = ("lock", "close", "reopen", "hold", "release")


class ActionPages(PageBase):
    """The pages of actions on a thread, on a message, and on the threads selected in a list."""

    def thread_action(self, request: HttpRequest, thread_key: str, name: str) -> HttpResponseBase:
        """The page of an action on a thread."""
        action = _get_action(THREAD_ACTIONS, name)
        self.require_permissions(request, action.permission)
        thread = self.thread(thread_key)
        form = _form_class(action)(request.POST or None, confirmation_word=action.name)
        after = "changelist" if action.is_final else "change"
        if form.is_valid() and self._perform(request, action, thread, form.cleaned_data):
            return HttpResponseRedirect(self.url(after, *([] if action.is_final else [thread_key])))
        return self._render_form(request, action, form, thread, self.url("change", thread_key))

    def message_action(
        self, request: HttpRequest, thread_key: str, item: uuid.UUID, name: str
    ) -> HttpResponseBase:
        """The page of an action on a message, which also needs the permission to read."""
        action = _get_action(MESSAGE_ACTIONS, name)
        self.require_permissions(request, "read_transcript", action.permission)
        thread = self.thread(thread_key)
        message = self.message(thread, item)
        form = _form_class(action, RedactionForm)(
            request.POST or None, confirmation_word=action.name
        )
        position = urlencode({"until": message.timestamp.isoformat()})
        back = self.next_url(request, f"{self.url('transcript', thread_key)}?{position}")
        if form.is_valid() and self._perform(request, action, message, form.cleaned_data):
            return HttpResponseRedirect(f"{back}#{message.pk}")
        shown = self._message_context(request, thread_key, thread, message)
        return self._render_form(request, action, form, thread, back, **shown)

    def _message_context(
        self, request: HttpRequest, thread_key: str, thread: ChatSession, message: ChatMessage
    ) -> dict[str, Any]:
        """Return what shows the message that is acted on, and add the record of its reading."""
        by = self.reader(request, thread_key)
        if by is None:
            return {"reason_url": self.reason_url(request, thread_key)}
        record(thread, by, Action.READ, [message.item_id])
        return {
            "entry": transcript.read_entry(thread, message),
            "owner_url": self.owner_url(thread),
            "inline_types": INLINE_TYPES,
        }

    def acts(self, request: HttpRequest, thread_key: str) -> HttpResponseBase:
        """Do what the bar below a conversation says, and return to the same place of it."""
        name = request.POST.get("action", "")
        is_for_thread = name in BAR_THREAD_ACTIONS
        if request.method == "POST" and not is_for_thread and name not in BAR_MESSAGE_ACTIONS:
            raise Http404
        back = self.next_url(request, self.url("transcript", thread_key))
        if request.method != "POST":
            self.require_permissions(request, "read_transcript")
            return HttpResponseRedirect(back)
        action = (THREAD_ACTIONS if is_for_thread else MESSAGE_ACTIONS)[name]
        self.require_permissions(request, "read_transcript", action.permission)
        thread = self.thread(thread_key)
        rows = [thread] if is_for_thread else self._selected_messages(request, thread)
        form = ActionForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Give a reason. Nothing was done."))
        elif not rows:
            messages.error(request, _("Select messages first. Nothing was done."))
        else:
            self._perform_all(request, action, rows, form.cleaned_data["reason"])
        return HttpResponseRedirect(back)

    def _selected_messages(self, request: HttpRequest, thread: ChatSession) -> list[ChatMessage]:
        """Return the selected messages of a page, without what an action does not read."""
        keys = []
        for key in request.POST.getlist("items")[: transcript.PAGE_SIZE]:
            try:
                keys.append(uuid.UUID(key))
            except ValueError as error:
                raise Http404 from error
        rows = ChatMessage.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
        found = list(rows.filter(pk__in=keys).order_by("timestamp")) if keys else []
        for message in found:
            message.session = thread
        return found

    def _perform_all(
        self, request: HttpRequest, action: AdminAction, rows: Sequence[Any], reason: str
    ) -> None:
        """Perform an action on each row, in a transaction of its own, and say what was done."""
        by = Moderator.from_user(request.user, reason)
        done, refusals = 0, []
        for row in rows:
            try:
                action.perform(row, by)
                done += 1
            except ModerationRefused as refusal:
                refusals.append(str(refusal))
        if done:
            messages.success(
                request, _("%(action)s: %(count)d.") % {"action": action.label, "count": done}
            )
        for sentence in dict.fromkeys(refusals):
            messages.warning(request, sentence)

    def action_on_threads(
        self, request: HttpRequest, action: AdminAction, rows: list[ChatSession]
    ) -> HttpResponseBase | None:
        """Perform a list action: ask for the reason, then do each thread in its own transaction."""
        self.require_permissions(request, action.permission)
        is_answer = "apply" in request.POST
        form = _form_class(action)(
            request.POST if is_answer else None, confirmation_word=action.name
        )
        if not form.is_valid():
            return self._render_form(
                request, action, form, None, self.url("changelist"), rows=rows, action=action.name
            )
        by = Moderator.from_user(request.user, form.cleaned_data["reason"])
        done, refusals = 0, []
        for thread in rows:
            try:
                action.perform(thread, by)
                done += 1
            except ModerationRefused as refusal:
                refusals.append(f"{refusal} ({thread.thread_id})")
        if done:
            sentence = ngettext(
                "%(action)s: %(count)d thread.", "%(action)s: %(count)d threads.", done
            )
            messages.success(request, sentence % {"action": action.label, "count": done})
        for sentence in refusals[:10]:
            messages.warning(request, sentence)
        return None

    def _perform(
        self, request: HttpRequest, action: AdminAction, row: Any, data: dict[str, Any]
    ) -> bool:
        by = Moderator.from_user(request.user, data["reason"])
        options = {"with_title": data["with_title"]} if "with_title" in data else {}
        try:
            action.perform(row, by, **options)
        except ModerationRefused as refusal:
            messages.error(request, str(refusal))
            return False
        messages.success(request, str(action.success_message))
        return True

    def _render_form(
        self,
        request: HttpRequest,
        asked: AdminAction,
        form: ReasonForm,
        thread: ChatSession | None,
        back: str,
        **context: Any,
    ) -> HttpResponse:
        """Return the page with the form that asks for a reason."""
        return self.render(
            request,
            "form",
            str(asked.label),
            form=form,
            description=asked.description,
            label=asked.label,
            is_final=asked.is_final,
            thread=thread,
            back=back,
            **context,
        )

    def selected(self, request: HttpRequest, queryset: Any) -> list[ChatSession] | None:
        """
        Return the selected threads; None, with an error message, if they are too many.

        Who selects all that a list shows gets just these, also where the filters find more.
        """
        if request.POST.get("select_across") == "1":
            return list(queryset[: lists.MAX_LISTED])
        rows = list(queryset[: lists.MAX_LISTED + 1])
        if len(rows) <= lists.MAX_LISTED:
            return rows
        sentence = _("At most %(count)d threads at once. Nothing was done.")
        messages.error(request, sentence % {"count": lists.MAX_LISTED})
        return None

    def _act_on_selection(
        self, action: AdminAction, model_admin: Any, request: HttpRequest, queryset: Any
    ) -> HttpResponseBase | None:
        rows = self.selected(request, queryset)
        return None if rows is None else self.action_on_threads(request, action, rows)


def act_bar(request: HttpRequest, thread: ChatSession) -> dict[str, Any] | None:
    """Return what the bar below a conversation shows; None if the account may do nothing there."""
    message_actions = [
        action
        for name, action in MESSAGE_ACTIONS.items()
        if name in BAR_MESSAGE_ACTIONS and has_permission(request, action.permission)
    ]
    thread_actions = [
        action
        for action in applicable_actions(request, THREAD_ACTIONS, thread)
        if action.name in BAR_THREAD_ACTIONS
    ]
    if not message_actions and not thread_actions:
        return None
    return {
        "form": ActionForm(),
        "message_actions": message_actions,
        "thread_actions": thread_actions,
    }


def applicable_actions(
    request: HttpRequest, actions: dict[str, AdminAction], row: Any
) -> list[AdminAction]:
    """Return the actions that the account's permissions and the row's state allow."""
    return [
        action
        for action in actions.values()
        if has_permission(request, action.permission) and action.is_applicable(row)
    ]


def _get_action(actions: dict[str, AdminAction], name: str) -> AdminAction:
    if name not in actions:
        raise Http404
    return actions[name]


def _form_class(
    action: AdminAction, final: type[ConfirmationForm] = ConfirmationForm
) -> type[ReasonForm]:
    return final if action.is_final else ActionForm
