"""Notes, labels and the assignee of a thread: forms on its page, each with a permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from chatstore.admin.permissions import PageBase, has_permission
from chatstore.admin.report_forms import AssignForm
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatSession
from chatstore.moderation import notes
from chatstore.moderation.records import Moderator


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=notes.MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class LabelForm(forms.Form):
    labels = forms.CharField(
        label=_("Labels"),
        max_length=notes.MAX_LABELS_LENGTH,
        required=False,
        help_text=_("Separated by commas."),
    )

    def clean_labels(self) -> list[str]:
        return str(self.cleaned_data["labels"]).split(",")


# By the name in the URL, which is the permission too: the function, and the form for its argument.
FORMS: dict[str, tuple[Callable[..., None], type[forms.Form]]] = {
    "note": (notes.add_note, NoteForm),
    "label": (notes.set_labels, LabelForm),
    "assign": (notes.assign, AssignForm),
}


class AnnotationPages(PageBase):
    """What moderators write about a thread for each other."""

    def annotate(self, request: HttpRequest, thread_key: str, name: str) -> HttpResponseBase:
        """Do what a form of the thread's page says, and return to the page."""
        if name not in FORMS:
            raise Http404
        self.require_permissions(request, name)
        thread = self.thread(thread_key)
        here = HttpResponseRedirect(self.url("change", thread_key))
        if request.method != "POST":
            return here
        function, form_class = FORMS[name]
        form = form_class(request.POST, prefix=name)
        if not form.is_valid():
            for errors in form.errors.values():
                messages.error(request, " ".join(map(str, errors)))
            return here
        try:
            function(thread, Moderator.from_user(request.user), *form.cleaned_data.values())
        except ModerationRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Saved."))
        return here

    def annotation_context(self, request: HttpRequest, thread: ChatSession) -> dict[str, Any]:
        """Return the forms that the account may use, and the notes if it may write some."""
        initial = {"label": {"labels": thread.labels}, "assign": {"assignee": thread.assignee}}
        allowed = {
            name: form_class(prefix=name, initial=initial.get(name))
            for name, (_function, form_class) in FORMS.items()
            if has_permission(request, name)
        }
        shown = [
            {**note, "when": parse_datetime(note.get("when", ""))} for note in thread.notes or []
        ]
        return {"annotation_forms": allowed, "notes": shown if "note" in allowed else []}
