"""ChatSession: a thread."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedModel, OwnedQuerySet, PartialIndex
from chatstore.models.keys import session_key


class ChatSessionQuerySet(OwnedQuerySet["ChatSession"]):
    def thread(self, thread_id: str) -> Self:
        """Filter the thread with this ChatKit id."""
        return self.filter(session_id=session_key(thread_id))

    def inactive_since(self, cutoff: dt.datetime) -> Self:
        """Filter threads whose last activity is before the cutoff (R1)."""
        return self.filter(updated_at__lt=cutoff)

    def with_status(self, status: str) -> Self:
        """Filter threads that show this status: the moderators', else the application's (M1)."""
        return self.filter(Q(moderation=status) | Q(moderation="", status=status))

    def deletable(self) -> Self:
        """Filter what retention, erasure and moderators may delete: threads not on hold (M4)."""
        return self.filter(is_on_hold=False)

    def lasting(self) -> Self:
        """Filter threads that are not temporary (R6)."""
        return self.exclude(listing=ChatSession.Listing.TEMPORARY)


class ChatSession(OwnedModel):
    """A thread: one conversation of one owner."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        LOCKED = "locked", _("Locked")
        CLOSED = "closed", _("Closed")

    class Moderation(models.TextChoices):
        NONE = "", _("None")
        LOCKED = "locked", _("Locked")
        CLOSED = "closed", _("Closed")

    class Listing(models.TextChoices):
        LISTED = "", _("Listed")
        ARCHIVED = "archived", _("Archived")
        TEMPORARY = "temporary", _("Temporary")

    session_id = models.UUIDField(_("session id"), primary_key=True, editable=False)
    thread_id = IdentifierField(_("thread id"))
    user_id = IdentifierField(_("owner"))
    title = models.TextField(_("title"), blank=True)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=Status.choices,
        default=Status.ACTIVE,
        help_text=_("Set by the application; a moderator's lock is stored separately."),
    )
    reason = models.TextField(_("reason"), blank=True)
    payload = models.TextField(_("payload"))
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(
        _("last activity"),
        help_text=_("The position of the newest item; without items, the time of creation."),
    )
    is_started = models.BooleanField(
        _("started"),
        default=False,
        help_text=_(
            "Whether an item was ever stored; if not, last activity is the time of creation."
        ),
    )
    items_deleted_at = models.DateTimeField(
        _("items deleted at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When single items of the thread were last deleted (S15)."),
    )
    items_redacted_at = models.DateTimeField(
        _("items redacted at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When an item of the thread was last redacted: a turn that ran then is lost."),
    )
    retry_id = models.CharField(
        _("retry"),
        max_length=32,
        default="",
        db_default="",
        blank=True,
        editable=False,
        help_text=_("Of the newest retry: a turn that it replaces stores nothing more (S20)."),
    )

    answering_until = models.DateTimeField(
        _("answering until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Until when it counts as being answered; moved on while an answer runs (S22)."),
    )
    stop_id = models.CharField(
        _("stop"),
        max_length=32,
        default="",
        db_default="",
        blank=True,
        editable=False,
        help_text=_("Of the newest request to stop: answers that have begun before it end (S22)."),
    )

    # The owner's columns, which save_thread never changes (V9, V11).
    listing = models.CharField(
        _("listing"),
        max_length=16,
        choices=Listing.choices,
        default="",
        db_default="",
        blank=True,
        help_text=_("Whether it is in its owner's list; a temporary thread is in none."),
    )
    pinned_at = models.DateTimeField(_("pinned at"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    share_hash = models.CharField(
        _("hash of the link"), max_length=64, default="", db_default="", blank=True, editable=False
    )
    shared_at = models.DateTimeField(_("shared at"), null=True, blank=True)
    shared_until = models.DateTimeField(
        _("shared until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The position of the last item that the link shows."),
    )

    # The moderators' columns, which save_thread never writes (M1, M4).
    moderation = models.CharField(
        _("moderation"), max_length=16, choices=Moderation.choices, default="", blank=True
    )
    moderation_reason = models.TextField(_("moderation reason"), blank=True)
    is_on_hold = models.BooleanField(_("on hold"), default=False)
    hold_reason = models.TextField(_("hold reason"), blank=True)
    hidden_at = models.DateTimeField(
        _("hidden at"),
        null=True,
        blank=True,
        help_text=_("When its owner deleted it while it was on hold."),
    )

    # For moderators among themselves: neither the user nor the model sees them.
    assignee = IdentifierField(_("assignee"), default="", db_default="", blank=True)
    labels = models.CharField(
        _("labels"),
        max_length=255,
        default="",
        db_default="",
        blank=True,
        help_text=_("Separated by commas."),
    )
    notes = models.JSONField(
        _("notes"), null=True, blank=True, help_text=_("Each has who, when and text.")
    )

    objects = ChatSessionQuerySet.as_manager()

    class Meta:
        db_table = "chat_sessions"
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        # Seeing the list needs Django's "view" permission only (M3).
        permissions = [
            ("read_transcript", _("Can read conversations")),
            ("moderate", _("Can lock and close threads, and hide messages")),
            ("redact", _("Can redact messages for good")),
            ("hold", _("Can put threads on hold")),
            ("export", _("Can export conversations")),
            ("note", _("Can write notes on threads")),
            ("label", _("Can label threads")),
            ("assign", _("Can assign threads and reports to moderators")),
        ]
        indexes = [
            models.Index(fields=["updated_at", "session_id"], name="chat_sessions_activity"),
            # For the owner's lists: what is archived is not read with what is listed. And for the
            # order of an export.
            models.Index(
                fields=["user_id", "listing", "created_at", "thread_id"],
                name="chat_sessions_listed",
            ),
            # For the owner's lists by last activity (V20).
            models.Index(
                fields=["user_id", "listing", "updated_at", "session_id"],
                name="chat_sessions_recent",
            ),
            PartialIndex(
                fields=["user_id", "pinned_at"],
                where=Q(pinned_at__isnull=False),
                name="chat_sessions_pinned",
            ),
            PartialIndex(
                fields=["user_id", "answering_until"],
                where=Q(answering_until__isnull=False),
                name="chat_sessions_answering",
            ),
            PartialIndex(
                fields=["listing", "updated_at", "session_id"],
                where=Q(listing="temporary"),
                name="chat_sessions_temporary",
            ),
            # For moderators' filters. Without the time, which changes with each item.
            PartialIndex(
                fields=["assignee"], where=Q(assignee__gt=""), name="chat_sessions_assigned"
            ),
            PartialIndex(fields=["labels"], where=Q(labels__gt=""), name="chat_sessions_labelled"),
        ]

    def __str__(self) -> str:
        return self.thread_id  # not its title: logs contain ids, never text (S18)
