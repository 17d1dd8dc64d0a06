"""
The queries that every turn of a conversation runs, as statements that are compiled once.

Each has the condition on the owner (S3). Rarer queries are built where they are used: in threads,
items and attachments.
"""

from __future__ import annotations

import datetime as dt
from functools import cache, lru_cache
from typing import Any, TypeAlias

from django.db.models import Case, DateTimeField, Exists, F, Q, Subquery, Value, When
from django.db.models.expressions import DurationExpression
from django.db.models.functions import Greatest

from chatstore import codec
from chatstore.db.statements import (
    InsertSelect,
    Parameter,
    SourceColumn,
    Statement,
    UpdateThenInsert,
    column_parameters,
    insert_query,
    insert_unless_exists_query,
    update_query,
)
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    ChatSessionQuerySet,
    ChatSuspension,
)
from chatstore.turns import Required

MICROSECOND = dt.timedelta(microseconds=1)


class OneMicrosecondAfter(DurationExpression):
    """The next time after a column's. On PostgreSQL it is immutable, which a shard requires."""

    def __init__(self, column: str) -> None:
        super().__init__(F(column), self.ADD, Value(MICROSECOND))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        # A time with time zone plus an interval is not: days may have 23 or 25 hours.
        sql, params = compiler.compile(self.lhs)
        return f"({sql} AT TIME ZONE 'UTC' + INTERVAL '1 microsecond') AT TIME ZONE 'UTC'", params


OWNER = Parameter("user_id", ChatSession._meta.get_field("user_id"))
THREAD = Parameter("session_id", ChatSession._meta.pk)
ITEM = Parameter("message_id", ChatMessage._meta.pk)
MODEL_TURN = Parameter("model_turn_id", ChatModelTurn._meta.pk)
NOW = Parameter("now", DateTimeField())
EARLIEST_DELETION = Parameter("earliest_deletion", DateTimeField())
BEGAN = Parameter("began", DateTimeField())
RETRY = Parameter("retry_id", ChatSession._meta.get_field("retry_id"))
# The cursor: the thread or item that a page begins after.
AFTER = Parameter("after", ChatSession._meta.pk)
AFTER_ID = Parameter("after_id", ChatSession._meta.get_field("thread_id"))
_threads = ChatSession.objects.for_owner(OWNER)
_thread = _threads.visible().filter(session_id=THREAD)
_messages = ChatMessage.objects.for_owner(OWNER)
# EXISTS, since a join would look up the thread once for each item.
_visible_messages = _messages.visible().filter(Exists(_thread))

# What a write requires of its thread, besides that the owner sees it: columns and values (S20).
Conditions: TypeAlias = tuple[tuple[str, str], ...]
_IN_TURN = ("retry_id", "")  # the value is a parameter


def conditions(required: Required | None) -> Conditions:
    """Return the conditions on the thread of a turn's write; none outside a turn."""
    if required is None:
        return ()
    if required.status is None:
        return (_IN_TURN,)
    if codec.is_moderated(required.status):
        return (_IN_TURN, ("moderation", required.status.type))
    return (_IN_TURN, ("moderation", ""), ("status", required.status.type))


def _thread_with(conditions: Conditions) -> ChatSessionQuerySet:
    return _thread.filter(
        *(("retry_id", RETRY) if condition == _IN_TURN else condition for condition in conditions)
    )


_THREAD_COLUMNS = ("thread_id", "payload", "moderation", "moderation_reason")
_THREAD_VALUES = column_parameters(
    ChatSession, "thread_id", "payload", "title", "status", "reason", "metadata"
)
select_thread = Statement(_thread.values_list(*_THREAD_COLUMNS, "retry_id"))


select_suspension = Statement(
    ChatSuspension.objects.for_owner(OWNER).values_list("reason", "ends_at")
)


@cache
def update_thread(conditions: Conditions = ()) -> Statement:
    return Statement(update_query(_thread_with(conditions), **_THREAD_VALUES))


_NEW_THREAD: dict[str, Any] = {
    "user_id": OWNER,
    "session_id": THREAD,
    **_THREAD_VALUES,
    **column_parameters(ChatSession, "created_at", "updated_at", "listing"),
}
insert_thread = Statement(insert_query(ChatSession, **_NEW_THREAD))
insert_thread_unless_exists = Statement(insert_unless_exists_query(ChatSession, **_NEW_THREAD))


@lru_cache(maxsize=256)
def select_page_of_threads(order: str, limit: int, has_cursor: bool) -> Statement:
    """Return the query of a page of threads, ordered by created_at, then thread_id (S11)."""
    sign, comparison = ("", "gt") if order == "asc" else ("-", "lt")
    page = _threads.visible().filter(listing="")
    page = page.order_by(f"{sign}created_at", f"{sign}thread_id")
    if has_cursor:
        # [:1] because Django 6.1 allows "=" only with a subquery of one row.
        created_at = Subquery(_threads.filter(session_id=AFTER).values("created_at")[:1])
        page = page.filter(
            Q((f"created_at__{comparison}", created_at))
            | Q(("created_at", created_at), (f"thread_id__{comparison}", AFTER_ID)),
            # Implied by the condition above, but with it the database can use the index.
            (f"created_at__{comparison}e", created_at),
        )
    return Statement(page.values_list(*_THREAD_COLUMNS)[:limit])


_ITEM_COLUMNS = ("item_id", "payload", "ending")
_ITEM_VALUES = column_parameters(
    ChatMessage, "item_id", "payload", "item_type", "item_status", "sender_type", "content"
)
select_item_id = Statement(_messages.filter(message_id=ITEM).values_list("item_id"))
select_item = Statement(_visible_messages.filter(message_id=ITEM).values_list(*_ITEM_COLUMNS))
select_item_of_type = Statement(
    _messages.filter(message_id=ITEM, item_type=_ITEM_VALUES["item_type"]).values_list("item_id")
)


_NOTHING_DELETED = Q(items_deleted_at__isnull=True) | Q(items_deleted_at__lt=EARLIEST_DELETION)


@cache
def add_item(conditions: Conditions = (), *, again: bool = False) -> UpdateThenInsert:
    """
    Return the statement that adds an item to a thread, unless the item exists.

    It locks the thread's row, so that items are added one after the other. The new updated_at is
    the new item's position (S10).

    Args:
        again: for an attempt before which the item may have been stored. If so, and it is gone, a
            deletion in the thread has left its time.
    """
    thread = _thread_with(conditions).filter(~Exists(_messages.filter(message_id=ITEM)))
    if again:
        thread = thread.filter(_NOTHING_DELETED)
    return UpdateThenInsert(
        update_query(
            thread,
            # Must come before is_started: MariaDB assigns from left to right, with the new values.
            updated_at=Case(
                When(is_started=True, then=Greatest(OneMicrosecondAfter("updated_at"), NOW)),
                default=NOW,
            ),
            is_started=True,
            # Nothing that goes on is archived (V9).
            archived_at=None,
            listing=Case(When(listing="archived", then=Value("")), default=F("listing")),
        ),
        insert_query(
            ChatMessage,
            user_id=SourceColumn("user_id", OWNER.output_field),
            session_id=THREAD,
            message_id=ITEM,
            timestamp=SourceColumn("updated_at", NOW.output_field),
            **_ITEM_VALUES,
            **column_parameters(ChatMessage, "ending"),
        ),
        _thread,
        "user_id",
        "updated_at",
    )


_writable_item = _messages.filter(message_id=ITEM, redacted_at__isnull=True)
_same_type = _writable_item.filter(item_type=_ITEM_VALUES["item_type"])
_ITEMS_TO_UPDATE = {
    "any": _writable_item,
    "same type": _same_type,
    "pending": _same_type.filter(item_status="pending"),
    "visible and pending": _same_type.visible().filter(item_status="pending"),
}


@cache
def update_item(which: str, conditions: Conditions = ()) -> Statement:
    """Return the statement that updates an item; ``which`` is a key of _ITEMS_TO_UPDATE."""
    items = _ITEMS_TO_UPDATE[which]
    if conditions:
        items = items.filter(Exists(_thread_with(conditions)))
    return Statement(update_query(items, **_ITEM_VALUES))


@lru_cache(maxsize=256)
def select_page_of_items(order: str, limit: int, has_cursor: bool) -> Statement:
    """Return the query of a page of a thread's items, ordered by their positions (S10, S11)."""
    sign, comparison = ("", "gt") if order == "asc" else ("-", "lt")
    page = _visible_messages.filter(session_id=THREAD).order_by(f"{sign}timestamp")
    if has_cursor:
        cursor = _messages.filter(message_id=AFTER).values("timestamp")
        page = page.filter((f"timestamp__{comparison}", Subquery(cursor)))
    return Statement(page.values_list(*_ITEM_COLUMNS)[:limit])


_NEW_ATTACHMENT: dict[str, Any] = column_parameters(
    ChatAttachment, "file_id", "attachment_id", "payload", "name", "mime_type", "created_at"
)
insert_attachment = Statement(insert_query(ChatAttachment, user_id=OWNER, **_NEW_ATTACHMENT))
# Inserts nothing if the owner has no such thread.
insert_thread_attachment = InsertSelect(
    insert_query(
        ChatAttachment,
        user_id=SourceColumn("user_id", OWNER.output_field),
        session_id=SourceColumn("session_id", THREAD.output_field),
        **_NEW_ATTACHMENT,
    ),
    _threads.filter(session_id=THREAD),
)

_model_turns = ChatModelTurn.objects.for_owner(OWNER)
_MODEL_TURN_VALUES = column_parameters(
    ChatModelTurn,
    "turn_id",
    "kind",
    "after_item_id",
    "item_ids",
    "agent",
    "model",
    "payload",
    "requests",
    "input_tokens",
    "output_tokens",
    "first_text_ms",
    "duration_ms",
)


@cache
def add_model_turn(
    conditions: Conditions = (), *, is_summary: bool = False, again: bool = False
) -> UpdateThenInsert:
    """
    Return the statement that adds what a model did in a turn, unless it exists, or an item of the
    thread was redacted since the turn began; a summary also unless one was hidden or deleted.

    It locks the thread's row, as add_item does. ``again`` is that of add_item.
    """
    thread = _thread_with(conditions).filter(
        ~Exists(_model_turns.filter(model_turn_id=MODEL_TURN)),
        Q(items_redacted_at__isnull=True) | Q(items_redacted_at__lt=BEGAN),
    )
    if is_summary:
        # In the locked row: of the items themselves the statement may see an older state.
        thread = thread.filter(Q(items_deleted_at__isnull=True) | Q(items_deleted_at__lt=BEGAN))
    if again:
        thread = thread.filter(_NOTHING_DELETED)
    return UpdateThenInsert(
        update_query(thread, updated_at=OneMicrosecondAfter("updated_at")),
        insert_query(
            ChatModelTurn,
            user_id=SourceColumn("user_id", OWNER.output_field),
            session_id=THREAD,
            model_turn_id=MODEL_TURN,
            timestamp=SourceColumn("updated_at", NOW.output_field),
            **_MODEL_TURN_VALUES,
        ),
        _thread,
        "user_id",
        "updated_at",
    )


@lru_cache(maxsize=256)
def select_model_turns(limit: int | None, *kinds: str) -> Statement:
    """Return the query of a thread's newest turns of these kinds, newest first."""
    rows = _model_turns.visible().filter(Exists(_thread), session_id=THREAD, kind__in=kinds)
    columns = ("turn_id", "kind", "after_item_id", "item_ids", "payload")
    return Statement(rows.order_by("-timestamp").values_list(*columns)[:limit])
