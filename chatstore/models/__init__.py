"""
The tables, and the verbs of their querysets.

Each conversation row keeps the whole ChatKit object as JSON text in ``payload``; the other columns
are derived from it, or belong to the moderators. Three rules hold so that the tables can be
sharded by owner (Citus) without a change of model:

- every row names its owner, ``user_id`` is never null and never changes, and it is part of
  every unique constraint besides the primary key;
- nothing refers to the user table: owners and moderators are kept as text;
- keys are made from the ids (uuid5), so no row needs another one to be found.
"""

from chatstore.models.attachments import ChatAttachment, ChatAttachmentQuerySet, ChatFileToRemove
from chatstore.models.base import IdentifierField, OwnedQuerySet
from chatstore.models.counts import Counts
from chatstore.models.keys import file_key, message_key, session_key
from chatstore.models.messages import ChatMessage, ChatMessageQuerySet
from chatstore.models.moderation import ModerationRecord
from chatstore.models.sessions import ChatSession, ChatSessionQuerySet

__all__ = [
    "ChatAttachment",
    "ChatAttachmentQuerySet",
    "ChatFileToRemove",
    "ChatMessage",
    "ChatMessageQuerySet",
    "ChatSession",
    "ChatSessionQuerySet",
    "Counts",
    "IdentifierField",
    "ModerationRecord",
    "OwnedQuerySet",
    "file_key",
    "message_key",
    "session_key",
]
