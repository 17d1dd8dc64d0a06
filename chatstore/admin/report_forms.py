"""The forms of the page of a report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from chatstore.admin.forms import ActionForm
from chatstore.conf import settings


class NoReasonForm(forms.Form):
    """Asks nothing, for what needs no reason."""

    def clean(self) -> dict[str, Any]:
        return {"reason": ""}


class DismissForm(ActionForm):
    """Asks why nothing needs to be done."""

    def presets(self) -> Any:
        return settings.dismiss_reasons


class AssignForm(forms.Form):
    """Asks for the name of the moderator who gets a report or a thread."""

    assignee = forms.CharField(
        label=_("Assign to"),
        max_length=255,
        required=False,
        help_text=_("The account's name; empty for nobody."),
    )

    def clean_assignee(self) -> str:
        name: str = self.cleaned_data["assignee"].strip()
        if name:
            model: Any = get_user_model()
            user = model._default_manager.filter(**{model.USERNAME_FIELD: name}).first()
            # Asked of the user, as Django's admin does: they may be properties.
            if user is None or not (user.is_active and user.is_staff):
                raise forms.ValidationError(_("There is no such member of staff."))
        return name
