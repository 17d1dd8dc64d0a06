"""
Django admin: browse, read and moderate.

Thin: what a moderator does is done by chatstore.moderation, what is deleted by
chatstore.lifecycle.
"""

from chatstore.admin.model_admins import ChatMessageAdmin, ChatSessionAdmin, ModerationRecordAdmin

__all__ = ["ChatMessageAdmin", "ChatSessionAdmin", "ModerationRecordAdmin"]
