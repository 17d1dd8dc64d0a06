"""
The rows of one owner: every query of the store and the upload service starts here, so that none
can reach another owner's rows (S3).
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.dispatch import Signal

from chatstore import signals
from chatstore.db.attempts import Query
from chatstore.db.statements import Statement
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatModelTurn,
    ChatModelTurnQuerySet,
    ChatReport,
    ChatReportQuerySet,
    ChatSession,
    ChatSessionQuerySet,
    ChatSuspension,
    ChatSuspensionQuerySet,
)


class Owner:
    """
    The rows of one owner in one database.

    Args:
        using: alias of the database.
        user_id: the owner's id, as returned by codec.validate_user_id.
    """

    def __init__(self, using: str, user_id: str) -> None:
        self.using = using
        self.user_id = user_id

    @property
    def sessions(self) -> ChatSessionQuerySet:
        return ChatSession.objects.using(self.using).for_owner(self.user_id)

    @property
    def messages(self) -> ChatMessageQuerySet:
        return ChatMessage.objects.using(self.using).for_owner(self.user_id)

    @property
    def model_turns(self) -> ChatModelTurnQuerySet:
        return ChatModelTurn.objects.using(self.using).for_owner(self.user_id)

    @property
    def reports(self) -> ChatReportQuerySet:
        return ChatReport.objects.using(self.using).for_owner(self.user_id)

    @property
    def suspensions(self) -> ChatSuspensionQuerySet:
        return ChatSuspension.objects.using(self.using).for_owner(self.user_id)

    @property
    def attachments(self) -> ChatAttachmentQuerySet:
        return ChatAttachment.objects.using(self.using).for_owner(self.user_id)

    def query(self, statement: Statement, **values: Any) -> Query:
        """Return a statement of chatstore.store.queries with its values, for this owner."""
        return Query(statement, {"user_id": self.user_id, **values})

    def execute(self, statement: Statement, **values: Any) -> int:
        """Run a write of chatstore.store.queries for this owner; return the number of rows."""
        return statement.execute(connections[self.using], {"user_id": self.user_id, **values})

    def notify(self, signal: Signal, **values: Any) -> None:
        """Send a signal of chatstore.signals after the commit."""
        signals.send_after_commit(signal, ChatSession, self.using, user_id=self.user_id, **values)
