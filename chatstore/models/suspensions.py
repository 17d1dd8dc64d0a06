"""ChatSuspension: a person who may write nothing for a while."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedModel, OwnedQuerySet
from chatstore.models.keys import suspension_key


class ChatSuspensionQuerySet(OwnedQuerySet["ChatSuspension"]):
    def in_force(self, now: dt.datetime | None = None) -> Self:
        """Filter those that have not ended."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now or timezone.now()))


class ChatSuspension(OwnedModel):
    """
    The suspension of a person, of whom there is at most one: lifting it deletes the row.

    What was before is in the moderation records.
    """

    suspension_id = models.UUIDField(_("suspension id"), primary_key=True, editable=False)
    user_id = IdentifierField(_("person"))
    reason = models.TextField(_("reason"), help_text=_("The person sees it."))
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    ends_at = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Empty: until it is lifted.")
    )
    suspended_by = models.CharField(_("by"), max_length=255)

    objects = ChatSuspensionQuerySet.as_manager()

    class Meta:
        db_table = "chat_suspensions"
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")
        default_permissions = ()
        permissions = [("suspend", _("Can suspend people"))]
        constraints = [
            models.UniqueConstraint(fields=["user_id"], name="chat_suspensions_of_person"),
        ]

    def __str__(self) -> str:
        return self.user_id

    def save(self, **kwargs: object) -> None:
        """Set the primary key by the person."""
        self.suspension_id = suspension_key(self.user_id)
        super().save(**kwargs)  # type: ignore[arg-type]
