"""The forms of the moderators' pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatstore.conf import settings
from chatstore.models import ChatMessage

LAST_DAY = dt.date.max - dt.timedelta(days=1)  # the day after it is a date too


class ReasonForm(forms.Form):
    """Why. ``word`` is for those forms that want it typed."""

    reason = forms.CharField(
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, word: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.word = word


class TypedForm(ReasonForm):
    """For what can't be undone: a word is to be typed."""

    typed = forms.CharField(max_length=50, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["typed"].label = _("Type “%(word)s” to confirm") % {"word": self.word}

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.word:
            raise forms.ValidationError(_("Type the word as it stands there."))
        return self.word


class TitledForm(TypedForm):
    """For a redaction."""

    with_title = forms.BooleanField(
        label=_("Remove the thread's title too"),
        required=False,
        help_text=_("A title that is taken from the message goes in any case."),
    )


class ExportForm(ReasonForm):
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            ("jsonl", _("JSON Lines with files, in a zip, which import_threads reads")),
            ("markdown", _("Markdown, to be read")),
        ],
        widget=forms.RadioSelect,
        initial="jsonl",
    )

    field_order = ("format", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = settings.reason_to_read


class SearchForm(forms.Form):
    """Words, and the filters within which they are looked for."""

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
        """Return the arguments of search.messages."""
        data = self.cleaned_data
        since, until = data["since"], data["until"]
        return {
            "text": data["q"],
            "sender": data["sender"],
            "feedback": data["feedback"],
            "since": since and _midnight(since),
            "until": until and _midnight(min(until, LAST_DAY) + dt.timedelta(days=1)),
        }


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
