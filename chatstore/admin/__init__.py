"""
The Django admin of threads, messages, reports and moderation records.

It holds pages, forms and permissions only: the actions are in chatstore.moderation, deletion is in
chatstore.lifecycle, exports are in chatstore.portability.
"""

from chatstore.admin.message_admin import ChatMessageAdmin
from chatstore.admin.record_admin import ModerationRecordAdmin
from chatstore.admin.report_admin import ChatReportAdmin
from chatstore.admin.thread_admin import ChatSessionAdmin

__all__ = ["ChatMessageAdmin", "ChatReportAdmin", "ChatSessionAdmin", "ModerationRecordAdmin"]
