"""
Converts ChatKit objects to the values of columns, and columns to ChatKit objects.

The only package that knows both the ORM's words (session, message) and ChatKit's (thread, item).
Its functions are pure: no query, no setting, no model, no state of a request, so that stores
without Django can use them too.
"""

from chatstore.codec.ids import (
    FAKE_ID,
    MAX_ID_LENGTH,
    is_storable_id,
    new_id,
    store_item_type,
    user_id_from_context,
    validate_user_id,
)
from chatstore.codec.model_turns import (
    THREAD_ITEM,
    ModelTurn,
    Step,
    load_item_ids,
    load_model_turn,
    load_steps,
    message_digest,
    model_turn_values,
)
from chatstore.codec.paging import validate_page
from chatstore.codec.payloads import (
    FILE_URL_PARAMETER,
    IMMUTABLE_TYPES,
    Ending,
    ModeratedClosedStatus,
    ModeratedLockedStatus,
    UnfinishedAnswer,
    UnfinishedWidget,
    attachment_id_from_url,
    attachment_ids,
    attachment_values,
    is_moderated,
    load_attachment,
    load_item,
    load_thread,
    message_values,
    session_values,
)
from chatstore.codec.plain_text import plain_text
from chatstore.codec.storable import replace_unstorable
from chatstore.codec.times import EARLIEST, LATEST, as_utc, with_utc_offsets

__all__ = [
    "EARLIEST",
    "FAKE_ID",
    "FILE_URL_PARAMETER",
    "IMMUTABLE_TYPES",
    "LATEST",
    "MAX_ID_LENGTH",
    "THREAD_ITEM",
    "Ending",
    "ModelTurn",
    "ModeratedClosedStatus",
    "ModeratedLockedStatus",
    "Step",
    "UnfinishedAnswer",
    "UnfinishedWidget",
    "as_utc",
    "attachment_id_from_url",
    "attachment_ids",
    "attachment_values",
    "is_moderated",
    "is_storable_id",
    "load_attachment",
    "load_item",
    "load_item_ids",
    "load_model_turn",
    "load_steps",
    "load_thread",
    "message_digest",
    "message_values",
    "model_turn_values",
    "new_id",
    "plain_text",
    "replace_unstorable",
    "session_values",
    "store_item_type",
    "user_id_from_context",
    "validate_page",
    "validate_user_id",
    "with_utc_offsets",
]
