"""The forms of the moderators' pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatstore.conf import settings
from chatstore.models import ChatMessage

LAST_DAY = dt.date.max - dt.timedelta(days=1)  # so that the next day is a valid date


class ReasonForm(forms.Form):
    """
    Asks for the reason of an action.

    Args:
        confirmation_word: the word that subclasses ask to be typed.
    """

    reason = forms.CharField(
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, confirmation_word: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.confirmation_word = confirmation_word


class ActionForm(ReasonForm):
    """Asks for the reason of an action: one of the site's, in words, or both."""

    preset = forms.ChoiceField(label=_("Reason"), required=False)
    field_order = ("preset", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        presets = [str(text) for text in self.presets()]
        if not presets:
            del self.fields["preset"]
            return
        field: Any = self.fields["preset"]
        field.choices = [("", "---------"), *((text, text) for text in presets)]
        self.fields["reason"].label = _("In your own words")
        self.fields["reason"].required = False

    def presets(self) -> Sequence[Any]:
        """Return the reasons to choose from."""
        return settings.action_reasons

    def clean(self) -> dict[str, Any]:
        data = {**(super().clean() or self.cleaned_data)}
        parts = (data.pop("preset", ""), data.get("reason", ""))
        data["reason"] = ": ".join(part for part in parts if part)
        if not data["reason"] and "reason" not in self.errors:
            self.add_error("reason", self.fields["reason"].error_messages["required"])
        return data


class ConfirmationForm(ActionForm):
    """Asks also to type a word, for actions that can't be undone."""

    typed = forms.CharField(max_length=50, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["typed"].label = _("Type “%(word)s” to confirm") % {
            "word": self.confirmation_word
        }

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.confirmation_word:
            raise forms.ValidationError(_("The word does not match."))
        return self.confirmation_word


class RedactionForm(ConfirmationForm):
    """Asks also whether a redaction removes the thread's title."""

    with_title = forms.BooleanField(
        label=_("Remove the thread's title too"),
        required=False,
        help_text=_("A title that quotes the message is always removed."),
    )


class ExportForm(ReasonForm):
    """Asks for the format of an export."""

    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            ("jsonl", _("A zip of JSON Lines and files, for import_threads")),
            ("lines", _("JSON Lines without files, for review by a program")),
            ("csv", _("CSV with a row for each message, for review in a spreadsheet")),
            ("markdown", _("Markdown, for reading")),
        ],
        widget=forms.RadioSelect,
        initial="jsonl",
    )

    field_order = ("format", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = settings.reason_to_read


class SearchForm(forms.Form):
    """The words and filters of a search in messages."""

    q = forms.CharField(label=_("Words"), max_length=200, required=False)
    sender = forms.ChoiceField(
        label=_("Sender"), choices=[("", _("Any")), *ChatMessage.Sender.choices], required=False
    )
    feedback = forms.ChoiceField(
        label=_("Feedback"),
        choices=[("", _("Any")), *ChatMessage.Feedback.choices[1:]],
        required=False,
    )
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def filters(self) -> dict[str, Any]:
        """Return the arguments of search.messages; ``until`` is exclusive."""
        data = self.cleaned_data
        since, until = data["since"], data["until"]
        return {
            "text": data["q"],
            "sender": data["sender"],
            "feedback": data["feedback"],
            "since": since and midnight(since),
            "until": until and midnight(day_after(until)),
        }


def day_after(day: dt.date) -> dt.date:
    """Return the next day, or the last one that there is."""
    return min(day, LAST_DAY) + dt.timedelta(days=1)


def midnight(day: dt.date) -> dt.datetime:
    """Return the time at which a day begins."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
