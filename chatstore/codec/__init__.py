"""
Row <-> ChatKit object: the one place where the ORM's words and ChatKit's words meet.

Pure: no query, no setting, no model and no state of a request, so that stores outside Django can
use it too. What it knows of the rows is the names of their columns.
"""

from chatstore.codec.ids import (
    FAKE_ID,
    MAX_ID_LENGTH,
    validate_user_id,
    store_item_type,
    is_storable_id,
    new_id,
    user_id_from_context,
)
from chatstore.codec.paging import validate_page
from chatstore.codec.payloads import (
    FILE_URL_PARAMETER,
    IMMUTABLE_TYPES,
    Ending,
    ModeratedClosedStatus,
    ModeratedLockedStatus,
    UnfinishedAnswer,
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
from chatstore.codec.storable import clean
from chatstore.codec.times import EARLIEST, LATEST, as_utc, with_utc_offsets

__all__ = [
    "EARLIEST",
    "FAKE_ID",
    "FILE_URL_PARAMETER",
    "IMMUTABLE_TYPES",
    "LATEST",
    "MAX_ID_LENGTH",
    "Ending",
    "ModeratedClosedStatus",
    "ModeratedLockedStatus",
    "UnfinishedAnswer",
    "as_utc",
    "attachment_id_from_url",
    "attachment_ids",
    "attachment_values",
    "validate_page",
    "clean",
    "validate_user_id",
    "store_item_type",
    "is_moderated",
    "is_storable_id",
    "load_attachment",
    "load_item",
    "load_thread",
    "message_values",
    "new_id",
    "plain_text",
    "session_values",
    "user_id_from_context",
    "with_utc_offsets",
]
