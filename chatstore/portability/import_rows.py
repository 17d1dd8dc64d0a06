"""
Makes the rows of an archive's records, and refuses records that no export has written.

A record of a wrong type or with an impossible value raises one of RECORD_ERRORS.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model

from chatstore import codec
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    file_key,
    message_key,
    model_turn_key,
    session_key,
)
from chatstore.portability.records import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    MODEL_TURN_COLUMNS,
    SESSION_COLUMNS,
    Record,
)

RECORD_ERRORS = (
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValidationError,
    ValueError,
)
# The types that a column has in an archive; any for others, such as the application's metadata.
_JSON_TYPES: dict[type[models.Field[Any, Any]], tuple[type, ...]] = {
    models.BooleanField: (bool,),
    models.CharField: (str,),
    models.DateTimeField: (str, type(None)),
    models.PositiveBigIntegerField: (int,),
    models.PositiveIntegerField: (int,),
    models.TextField: (str,),
}


def _payload_text(value: Any, kind: type = dict) -> str:
    """Return a record's object (or list) as the text of the payload column."""
    if isinstance(value, str):
        return codec.replace_unstorable(value)
    if not isinstance(value, kind):
        raise TypeError
    return json.dumps(codec.replace_unstorable(value), ensure_ascii=False, separators=(",", ":"))


def _id(record: Record) -> str:
    """Return the record's id; ValueError if it is not a valid one."""
    value = text_of(record, "id")
    if not value or not codec.is_storable_id(value):
        raise ValueError
    return value


def _derived_columns(
    record: Record, kind: str, load: Callable[[str], Any], values: Callable[[Any], Record]
) -> Record:
    """Return the columns that are derived from the ChatKit object, and its payload unchanged."""
    payload = _payload_text(record[kind])
    try:
        loaded = load(payload)
    except ValueError:  # of another version of ChatKit: stored, but not served (S17)
        return {"payload": payload}
    if loaded.id != record["id"]:
        raise ValueError
    return values(loaded) | {"payload": payload}


def _column_values(model: type[Model], record: Record, columns: tuple[str, ...]) -> Record:
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    values = {}
    for column in columns:
        if column in record:
            field, value = fields[column], codec.replace_unstorable(record[column])
            # Exactly: a bool is an int too, and Django would make a text of anything.
            if type(value) not in _JSON_TYPES.get(type(field), (type(value),)):
                raise TypeError
            values[column] = field.to_python(value)
    return {
        column: codec.as_utc(value) if isinstance(value, dt.datetime) else value
        for column, value in values.items()
    }


def owner_of(record: Record) -> str:
    """Return the id of the record's owner; ValueError if it is not a valid one."""
    return codec.validate_user_id(text_of(record, "user_id"))


def text_of(record: Record, name: str) -> str:
    """Return the text under a name of the record; TypeError if it is of another type."""
    value = record[name]
    if not isinstance(value, str):
        raise TypeError
    return value


def session_row(record: Record, user_id: str) -> ChatSession:
    """Return the row of a thread's record."""
    thread_id = _id(record)
    values = _derived_columns(record, "thread", codec.load_thread, codec.session_values)
    values |= _column_values(ChatSession, record, SESSION_COLUMNS)
    values |= {"session_id": session_key(thread_id), "thread_id": thread_id, "user_id": user_id}
    row = ChatSession(**{"updated_at": values["created_at"]} | values)
    row.clean_fields()
    return row


def message_row(record: Record, session: ChatSession) -> ChatMessage:
    """Return the row of an item's record in this thread."""
    item_id = _id(record)
    values = _derived_columns(record, "item", codec.load_item, codec.message_values)
    values |= _column_values(ChatMessage, record, MESSAGE_COLUMNS)
    values |= {
        "message_id": message_key(session.thread_id, item_id),
        "session_id": session.session_id,
        "user_id": session.user_id,
        "item_id": item_id,
    }
    row = ChatMessage(**{"item_type": "unknown", "sender_type": "assistant"} | values)
    row.clean_fields(exclude={"session"})
    return row


def model_turn_row(record: Record, session: ChatSession) -> ChatModelTurn:
    """Return the row of a record of what a model did in a turn of this thread."""
    turn_id = _id(record)
    row = ChatModelTurn(
        model_turn_id=model_turn_key(session.thread_id, turn_id),
        session_id=session.session_id,
        user_id=session.user_id,
        turn_id=turn_id,
        payload=_payload_text(record["steps"], list),
        item_ids=_payload_text(record.get("item_ids", {})),
        **_column_values(ChatModelTurn, record, MODEL_TURN_COLUMNS),
    )
    row.clean_fields(exclude={"session"})
    return row


def attachment_row(record: Record, user_id: str, session: ChatSession | None) -> ChatAttachment:
    """Return the row of an attachment's record; without a thread, of an upload's."""
    attachment_id = _id(record)
    values = _derived_columns(record, "attachment", codec.load_attachment, codec.attachment_values)
    values |= _column_values(ChatAttachment, record, ATTACHMENT_COLUMNS)
    values |= {"file_id": file_key(attachment_id), "attachment_id": attachment_id}
    if session is not None:
        values["session_id"] = session.session_id
        if "item_id" in record:
            values["message_id"] = message_key(session.thread_id, text_of(record, "item_id"))
    row = ChatAttachment(**values, user_id=user_id)
    row.clean_fields(exclude={"session", "message"})
    return row
