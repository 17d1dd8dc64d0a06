"""ChatMessage: an item of a thread."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedForeignKey, OwnedModel, OwnedQuerySet
from chatstore.models.keys import message_key, session_key
from chatstore.models.sessions import ChatSession

# ChatKit's types of items that only the model sees.
INTERNAL_TYPES = ("hidden_context_item", "sdk_hidden_context")


class ChatMessageQuerySet(OwnedQuerySet["ChatMessage"]):
    def thread(self, thread_id: str) -> Self:
        """Filter the items of the thread with this ChatKit id."""
        return self.filter(session_id=session_key(thread_id))

    def item(self, thread_id: str, item_id: str) -> Self:
        """
        Filter the item with these ChatKit ids.

        By primary key only: with a condition on the thread too, PostgreSQL sometimes chooses that
        index, and reads the whole thread.
        """
        return self.filter(message_id=message_key(thread_id, item_id))

    def for_people(self) -> Self:
        """Filter what the owner may read: nothing hidden, redacted or for the model only."""
        return self.visible().filter(redacted_at__isnull=True).exclude(item_type__in=INTERNAL_TYPES)


class ChatMessage(OwnedModel):
    """An item of a thread, of any of ChatKit's types."""

    class Sender(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")
        TOOL = "tool", _("Tool")
        SYSTEM = "system", _("System")

    class Feedback(models.TextChoices):
        NONE = "", _("None")
        POSITIVE = "positive", _("Thumbs up")
        NEGATIVE = "negative", _("Thumbs down")

    class Ending(models.TextChoices):
        COMPLETE = "", _("Complete")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Broken off")

    message_id = models.UUIDField(_("message id"), primary_key=True, editable=False)
    session = OwnedForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # it has chat_messages_of_thread
        verbose_name=_("thread"),
    )
    user_id = IdentifierField(_("owner"))
    item_id = IdentifierField(_("item id"))
    item_type = models.CharField(_("type"), max_length=32)
    item_status = models.CharField(
        _("item status"),
        max_length=16,
        blank=True,
        help_text=_("Of a tool call or a structured input: pending, completed, answered, skipped."),
    )
    ending = models.CharField(
        _("ending"),
        max_length=16,
        choices=Ending.choices,
        default="",
        db_default="",
        blank=True,
        help_text=_("How an answer ended: its user stopped it, or a fault broke it off."),
    )
    sender_type = models.CharField(_("sender"), max_length=16, choices=Sender.choices)
    content = models.TextField(_("content"), blank=True, help_text=_("The item's plain text."))
    timestamp = models.DateTimeField(_("position"))
    payload = models.TextField(_("payload"))
    metadata = models.JSONField(
        _("metadata"),
        default=dict,
        blank=True,
        help_text=_(
            "For the application, such as model and token usage; the store never writes it."
        ),
    )
    feedback = models.CharField(
        _("feedback"), max_length=16, choices=Feedback.choices, default="", blank=True
    )
    feedback_comment = models.TextField(
        _("comment"),
        null=True,
        blank=True,
        help_text=_("What the user has written with a thumb down."),
    )
    hidden_at = models.DateTimeField(_("hidden at"), null=True, blank=True)
    hidden_by = models.CharField(_("hidden by"), max_length=255, blank=True)
    redacted_at = models.DateTimeField(_("redacted at"), null=True, blank=True)

    objects = ChatMessageQuerySet.as_manager()

    class Meta:
        db_table = "chat_messages"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            # Also the index for pages of a thread.
            models.UniqueConstraint(
                fields=["user_id", "session", "timestamp"], name="chat_messages_position"
            ),
        ]
        indexes = [
            # For the foreign key. With timestamp, because MariaDB uses it for pages too.
            models.Index(fields=["session", "timestamp"], name="chat_messages_of_thread"),
            # For the moderators' list of all messages, newest first.
            models.Index(fields=["timestamp", "message_id"], name="chat_messages_by_time"),
        ]

    def __str__(self) -> str:
        return self.item_id
