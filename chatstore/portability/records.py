"""
The columns that an archive holds of each row; docs/reference/export-format.md describes them.

Columns that are derived from the ChatKit object are not exported; the import derives them again.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

THREADS_PER_BATCH = 50  # read together by an export; one transaction of an import
ROWS_PER_BATCH = 500  # messages or attachments that are held in memory
MODEL_TURNS_PER_BATCH = 20  # one may be as long as a model's input

# Columns that are exported besides the ChatKit object, if they are not empty. A new column must be
# added here unless the codec derives it (*_values); otherwise an export loses it.
SESSION_COLUMNS = (
    "created_at",
    "updated_at",
    "is_started",
    "listing",
    "pinned_at",
    "archived_at",
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
    "feedback_comment",
    "hidden_at",
    "hidden_by",
    "redacted_at",
)
MODEL_TURN_COLUMNS = (
    "kind",
    "after_item_id",
    "agent",
    "model",
    "requests",
    "input_tokens",
    "output_tokens",
    "first_text_ms",
    "duration_ms",
    "timestamp",
    "hidden_at",
)
ATTACHMENT_COLUMNS = ("size", "created_at", "uploaded_at", "hidden_at")
