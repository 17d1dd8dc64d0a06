"""ModerationRecord: the audit log of what moderators read and changed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chatstore.models.base import IdentifierField


class ModerationRecord(models.Model):
    """
    An entry of the audit log: who read or changed what, when, why and which ids (M3).

    It contains no text of a conversation, and has no foreign key, so that it remains when the
    moderator's account or the thread is deleted.
    """

    class Action(models.TextChoices):
        READ = "read", pgettext_lazy("what a moderator has done", "Read")
        SEARCH = "search", _("Searched in messages")
        EXPORT = "export", _("Exported")
        LOCK = "lock", _("Locked")
        CLOSE = "close", _("Closed")
        REOPEN = "reopen", _("Reopened")
        HOLD = "hold", pgettext_lazy("what a moderator has done", "Put on hold")
        RELEASE = "release", _("Released from hold")
        HIDE = "hide", _("Hid a message")
        SHOW = "show", _("Showed a message again")
        REDACT = "redact", _("Redacted a message")
        DELETE = "delete", _("Deleted")
        UNSHARE = "unshare", _("Ended the link")
        FLAG = "flag", _("Reported")
        TAKE = "take", _("Took a report")
        ASSIGN = "assign", _("Assigned")
        RESOLVE = "resolve", _("Resolved a report")
        DISMISS = "dismiss", _("Dismissed a report")
        SUSPEND = "suspend", _("Suspended")
        LIFT = "lift", _("Lifted the suspension")
        NOTE = "note", _("Wrote a note")
        LABEL = "label", _("Set labels")

    created_at = models.DateTimeField(_("when"), default=timezone.now)
    staff_id = models.CharField(_("account"), max_length=255)
    staff_name = models.CharField(_("who"), max_length=255)
    action = models.CharField(_("what"), max_length=16, choices=Action.choices)
    reason = models.TextField(_("why"), blank=True)
    # Thread and owner are empty for a search, whose item_ids are pairs of a thread's id and an
    # item's.
    thread_id = IdentifierField(_("thread id"), blank=True)
    user_id = IdentifierField(_("owner"), blank=True)
    item_ids = models.JSONField(_("item ids"), default=list, blank=True)
    found = models.PositiveIntegerField(
        _("found"),
        null=True,
        blank=True,
        help_text=_("Messages that a search has shown, or rows of an exported list; else empty."),
    )

    class Meta:
        db_table = "chat_moderation_records"
        verbose_name = _("moderation record")
        verbose_name_plural = _("moderation records")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["created_at", "id"], name="chat_moderation_by_time"),
            models.Index(fields=["thread_id", "created_at"], name="chat_moderation_of_thread"),
            models.Index(fields=["user_id", "created_at"], name="chat_moderation_of_owner"),
            models.Index(fields=["staff_name", "created_at"], name="chat_moderation_of_staff"),
        ]

    def __str__(self) -> str:
        label = str(self.get_action_display())
        return f"{label}: {self.thread_id}" if self.thread_id else label
