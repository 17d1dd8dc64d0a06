"""ChatReport: a message or a thread that somebody has reported to the moderators."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedModel, OwnedQuerySet
from chatstore.models.keys import message_key, session_key

MAX_REPORT_WORDS = 1000  # characters of what a reporter writes


class ChatReportQuerySet(OwnedQuerySet["ChatReport"]):
    def open(self) -> Self:
        """Filter what waits for a moderator, taken or not."""
        return self.filter(state=ChatReport.State.OPEN)

    def thread(self, thread_id: str) -> Self:
        """Filter the reports on the thread with this ChatKit id and on its messages."""
        return self.filter(session_id=session_key(thread_id))


class ChatReport(OwnedModel):
    """
    A report on a message, or on a thread as a whole: then the item's id is empty.

    It has no foreign key, so that it remains when its owner deletes the thread.
    """

    class Source(models.TextChoices):
        USER = "user", _("User")
        APPLICATION = "application", _("Application")
        FEEDBACK = "feedback", _("Thumbs down")
        MODERATOR = "moderator", _("Moderator")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("Resolved")
        DISMISSED = "dismissed", _("Dismissed")

    report_id = models.UUIDField(
        _("report id"), primary_key=True, default=uuid.uuid4, editable=False
    )
    user_id = IdentifierField(_("owner"))
    session_id = models.UUIDField(_("session id"))
    thread_id = IdentifierField(_("thread id"))
    item_id = IdentifierField(_("item id"), blank=True)
    reporter = IdentifierField(
        _("reporter"), blank=True, help_text=_("Who has reported; empty for the application.")
    )
    source = models.CharField(_("source"), max_length=16, choices=Source.choices)
    reason = models.CharField(_("reason"), max_length=64)
    words = models.TextField(_("words"), blank=True, help_text=_("What the reporter has written."))
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.OPEN)
    # One report of a reporter on a message is open at a time; empty for one that is closed.
    open_key = models.UUIDField(_("key while open"), null=True, blank=True, editable=False)
    assignee = IdentifierField(_("assignee"), blank=True)
    created_at = models.DateTimeField(_("reported at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=255, blank=True)
    resolution = models.TextField(_("resolution"), blank=True)

    objects = ChatReportQuerySet.as_manager()

    class Meta:
        db_table = "chat_reports"
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        default_permissions = ("view",)
        permissions = [("handle_reports", _("Can take, resolve and dismiss reports"))]
        constraints = [
            models.UniqueConstraint(fields=["user_id", "open_key"], name="chat_reports_one_open"),
        ]
        indexes = [
            models.Index(fields=["state", "created_at", "report_id"], name="chat_reports_queue"),
            models.Index(fields=["user_id", "created_at"], name="chat_reports_of_owner"),
            models.Index(fields=["reporter", "created_at"], name="chat_reports_of_reporter"),
            models.Index(fields=["session_id", "created_at"], name="chat_reports_of_thread"),
        ]

    def __str__(self) -> str:
        return self.item_id or self.thread_id

    @property
    def message_id(self) -> uuid.UUID | None:
        """The key of the message; None for a report on the thread as a whole."""
        return message_key(self.thread_id, self.item_id) if self.item_id else None
