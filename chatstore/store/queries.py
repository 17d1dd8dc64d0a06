"""
What every turn of a conversation asks of the database: queries that are compiled once.

Each names the owner. Rarer queries are built where they are used: in threads, items, attachments.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django.db.models import Case, DateTimeField, Exists, F, Q, Subquery, When
from django.db.models.functions import Greatest

from chatstore.db.statements import Parameter, Statement, insert, parameters, update
from chatstore.models import ChatMessage, ChatSession

MICROSECOND = dt.timedelta(microseconds=1)


class ScalarSubquery(Subquery):
    """A subquery that an INSERT takes as a value: it refers to no column of the new row."""

    contains_column_references = False


OWNER = Parameter("user_id", ChatSession._meta.get_field("user_id"))
THREAD = Parameter("session_id", ChatSession._meta.pk)
ITEM = Parameter("message_id", ChatMessage._meta.pk)
NOW = Parameter("now", DateTimeField())
# The thread or item that a page begins after.
AFTER = Parameter("after", ChatSession._meta.pk)
AFTER_ID = Parameter("after_id", ChatSession._meta.get_field("thread_id"))
_threads = ChatSession.objects.for_owner(OWNER)
_thread = _threads.visible().filter(session_id=THREAD)
_messages = ChatMessage.objects.for_owner(OWNER)
# Not a join, which would look the thread up once an item.
_visible_messages = _messages.visible().filter(Exists(_thread))
_THREAD_COLUMNS = ("thread_id", "payload", "moderation", "moderation_reason")
_THREAD_VALUES = parameters(
    ChatSession, "thread_id", "payload", "title", "status", "reason", "metadata"
)
load_thread = Statement(_thread.values_list(*_THREAD_COLUMNS))
update_thread = Statement(update(_thread, **_THREAD_VALUES))
insert_thread = Statement(
    insert(
        ChatSession,
        user_id=OWNER,
        session_id=THREAD,
        **_THREAD_VALUES,
        **parameters(ChatSession, "created_at", "updated_at"),
    )
)


@lru_cache(maxsize=256)
def page_of_threads(order: str, limit: int, is_after: bool) -> Statement:
    """Threads by their time of creation, from one end or after a cursor."""
    sign, beyond = ("", "gt") if order == "asc" else ("-", "lt")
    page = _threads.visible().order_by(f"{sign}created_at", f"{sign}thread_id")
    if is_after:
        # Django 6.1 compares with "=" only where one row is asked for.
        created_at = Subquery(_threads.filter(session_id=AFTER).values("created_at")[:1])
        page = page.filter(
            Q((f"created_at__{beyond}", created_at))
            | Q(("created_at", created_at), (f"thread_id__{beyond}", AFTER_ID)),
            # The same once more, in a form by which the index is entered.
            (f"created_at__{beyond}e", created_at),
        )
    return Statement(page.values_list(*_THREAD_COLUMNS)[:limit])


_ITEM_COLUMNS = ("item_id", "payload", "ending")
has_item = Statement(_messages.filter(message_id=ITEM).values_list("item_id"))
load_item = Statement(_visible_messages.filter(message_id=ITEM).values_list(*_ITEM_COLUMNS))
# The write that comes first: it checks the owner, takes the row's lock, and moves the thread's
# last activity, which is the new item's position (S10).
advance_thread = Statement(
    update(
        _thread.filter(~Exists(_messages.filter(message_id=ITEM))),
        # Before is_started: MariaDB assigns from left to right.
        updated_at=Case(
            When(is_started=True, then=Greatest(F("updated_at") + MICROSECOND, NOW)),
            default=NOW,
        ),
        is_started=True,
    )
)
insert_item = Statement(
    insert(
        ChatMessage,
        user_id=OWNER,
        session_id=THREAD,
        message_id=ITEM,
        timestamp=ScalarSubquery(_thread.values("updated_at")),
        **parameters(
            ChatMessage,
            *("item_id", "payload", "item_type", "item_status", "ending", "sender_type", "content"),
        ),
    )
)


@lru_cache(maxsize=256)
def page_of_items(order: str, limit: int, is_after: bool) -> Statement:
    """A thread's items by their positions, from one end or after a cursor."""
    sign, beyond = ("", "gt") if order == "asc" else ("-", "lt")
    page = _visible_messages.filter(session_id=THREAD).order_by(f"{sign}timestamp")
    if is_after:
        cursor = _messages.filter(message_id=AFTER).values("timestamp")
        page = page.filter((f"timestamp__{beyond}", Subquery(cursor)))
    return Statement(page.values_list(*_ITEM_COLUMNS)[:limit])
