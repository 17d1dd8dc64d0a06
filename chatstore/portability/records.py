"""
What an archive holds of each row: docs/export-format.md is about this.

Columns that follow from the ChatKit object are not exported, but derived again on the way in.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

THREADS = 50  # at a time, and in an import's transaction
ROWS = 500  # at a time, of a thread

# What is exported beside the ChatKit object, where it isn't empty. A column that stands neither
# here nor in codec's *_values is lost on the way.
SESSION_COLUMNS = (
    "created_at",
    "updated_at",
    "is_started",
    "moderation",
    "moderation_reason",
    "is_on_hold",
    "hold_reason",
    "hidden_at",
)
MESSAGE_COLUMNS = (
    "timestamp",
    "ending",
    "metadata",
    "feedback",
    "hidden_at",
    "hidden_by",
    "redacted_at",
)
ATTACHMENT_COLUMNS = ("size", "created_at", "uploaded_at", "hidden_at")
