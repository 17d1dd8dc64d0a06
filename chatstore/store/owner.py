"""
One owner's rows: where every query on a conversation begins, in the store, the upload service and
moderation (S3).
"""

from __future__ import annotations

from typing import Any

from django.dispatch import Signal

from chatstore import signals
from chatstore.db.statements import Statement
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
    ChatSessionQuerySet,
)


class Owner:
    """
    The rows of one owner in one database.

    Args:
        using: alias of the database.
        user_id: the owner's id, as codec.clean_user_id returns it.
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
    def attachments(self) -> ChatAttachmentQuerySet:
        return ChatAttachment.objects.using(self.using).for_owner(self.user_id)

    def rows(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Run a select of chatstore.store.queries; return its rows."""
        return statement.rows(self.using, {"user_id": self.user_id, **values})

    def count(self, statement: Statement, **values: Any) -> int:
        """Run a write of chatstore.store.queries; return how many rows it has written."""
        return statement.count(self.using, {"user_id": self.user_id, **values})

    def notify(self, signal: Signal, **values: Any) -> None:
        """Send a signal after the commit."""
        signals.send_after_commit(signal, ChatSession, self.using, user_id=self.user_id, **values)
