"""
The models, and the methods of their querysets. Imports only the settings of chatstore.

ChatSession is a ChatKit thread, ChatMessage an item of any type, ChatModelTurn what a model did
besides. Each row of these keeps the whole object as JSON text in ``payload``; the other columns are
derived from it, or written by moderators.
Three rules make it possible to shard the tables by owner (Citus) with the same models:

- every row of a conversation has its owner in ``user_id``, which is never null and never changes,
  and is part of every unique constraint but the primary key;
- there is no foreign key to the user table: owners and moderators are stored as text;
- primary keys are computed from ChatKit's ids (uuid5), so a row is found without a look-up (S5).
"""

from chatstore.models.attachments import ChatAttachment, ChatAttachmentQuerySet, ChatFileToRemove
from chatstore.models.base import IdentifierField, OwnedQuerySet
from chatstore.models.counts import Counts
from chatstore.models.keys import file_key, message_key, model_turn_key, session_key
from chatstore.models.messages import ChatMessage, ChatMessageQuerySet
from chatstore.models.model_turns import ChatModelTurn, ChatModelTurnQuerySet
from chatstore.models.moderation import ModerationRecord
from chatstore.models.reports import MAX_REPORT_WORDS, ChatReport, ChatReportQuerySet
from chatstore.models.sessions import ChatSession, ChatSessionQuerySet
from chatstore.models.suspensions import ChatSuspension, ChatSuspensionQuerySet

__all__ = [
    "MAX_REPORT_WORDS",
    "ChatAttachment",
    "ChatAttachmentQuerySet",
    "ChatFileToRemove",
    "ChatMessage",
    "ChatMessageQuerySet",
    "ChatModelTurn",
    "ChatModelTurnQuerySet",
    "ChatReport",
    "ChatReportQuerySet",
    "ChatSession",
    "ChatSessionQuerySet",
    "ChatSuspension",
    "ChatSuspensionQuerySet",
    "Counts",
    "IdentifierField",
    "ModerationRecord",
    "OwnedQuerySet",
    "file_key",
    "message_key",
    "model_turn_key",
    "session_key",
]
