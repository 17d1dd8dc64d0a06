"""ChatModelTurn: what a model did in a turn of a thread, besides what people see."""

from __future__ import annotations

import json
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedForeignKey, OwnedModel, OwnedQuerySet
from chatstore.models.keys import session_key
from chatstore.models.sessions import ChatSession


class ChatModelTurnQuerySet(OwnedQuerySet["ChatModelTurn"]):
    def thread(self, thread_id: str) -> Self:
        """Filter the rows of the thread with this ChatKit id."""
        return self.filter(session_id=session_key(thread_id))

    def of_item(self, item_id: str) -> Self:
        """Filter the rows that are tied to the item with this ChatKit id; for one thread."""
        # As it stands in the column: JSON. An id that differs only in case may be found too.
        quoted = json.dumps(item_id, ensure_ascii=False)
        return self.filter(Q(after_item_id=item_id) | Q(item_ids__contains=quoted))


class ChatModelTurn(OwnedModel):
    """
    The model's own items of one turn: tool calls and their results, reasoning, handoffs.

    It is tied to the items that people see of the turn, and goes with them: deleted or redacted
    with any of them, and not used while one is hidden.
    """

    class Kind(models.TextChoices):
        RUN = "run", _("Run")
        SESSION = "session", _("Session")
        SUMMARY = "summary", _("Summary")

    model_turn_id = models.UUIDField(_("model turn id"), primary_key=True, editable=False)
    session = OwnedForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        related_name="model_turns",
        db_index=False,  # it has chat_model_turns_of_thread
        verbose_name=_("thread"),
    )
    user_id = IdentifierField(_("owner"))
    turn_id = IdentifierField(_("turn id"))
    kind = models.CharField(
        _("kind"),
        max_length=16,
        choices=Kind.choices,
        help_text=_("Of run_agent, of a DjangoSession, or a summary of earlier turns."),
    )
    after_item_id = IdentifierField(
        _("after item"), blank=True, help_text=_("The item that the turn answers.")
    )
    item_ids = models.TextField(
        _("item ids"),
        default="{}",
        help_text=_("JSON: the ids of all items that it is tied to, and digests of messages."),
    )
    agent = models.CharField(_("agent"), max_length=255, blank=True)
    model = models.CharField(_("model"), max_length=255, blank=True)
    payload = models.TextField(_("payload"))
    requests = models.PositiveIntegerField(_("requests"), default=0)
    input_tokens = models.PositiveBigIntegerField(_("input tokens"), default=0)
    output_tokens = models.PositiveBigIntegerField(_("output tokens"), default=0)
    first_text_ms = models.PositiveBigIntegerField(
        _("first text after"),
        null=True,
        blank=True,
        help_text=_("In milliseconds; empty without text."),
    )
    duration_ms = models.PositiveBigIntegerField(_("duration in ms"), null=True, blank=True)
    timestamp = models.DateTimeField(
        _("position"), help_text=_("After all items of the thread that were there before it.")
    )
    hidden_at = models.DateTimeField(
        _("hidden at"),
        null=True,
        blank=True,
        help_text=_("When its items were deleted while the thread was on hold."),
    )

    objects = ChatModelTurnQuerySet.as_manager()

    class Meta:
        db_table = "chat_model_turns"
        verbose_name = _("model turn")
        verbose_name_plural = _("model turns")
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "session", "timestamp"], name="chat_model_turns_position"
            ),
        ]
        indexes = [
            models.Index(fields=["session", "timestamp"], name="chat_model_turns_of_thread"),
        ]

    def __str__(self) -> str:
        return self.turn_id
