"""
The Django admin of threads, messages, reports and moderation records.

It holds pages, forms and permissions only: the actions are in chatstore.moderation, deletion is in
chatstore.lifecycle, exports are in chatstore.portability.
"""

from chatstore.admin.model_admins import ChatMessageAdmin, ChatSessionAdmin
from chatstore.admin.record_admin import ModerationRecordAdmin
from chatstore.admin.report_admin import ChatReportAdmin

__all__ = ["ChatMessageAdmin", "ChatReportAdmin", "ChatSessionAdmin", "ModerationRecordAdmin"]
