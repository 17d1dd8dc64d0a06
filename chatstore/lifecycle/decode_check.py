"""Finds rows that the installed openai-chatkit can't decode (S17). It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import reset_queries
from django.db.models import F
from pydantic import ValidationError

from chatstore import codec
from chatstore.db.sharding import unique_columns
from chatstore.models import ChatAttachment, ChatMessage, ChatModelTurn, ChatSession


@dataclass
class UndecodableRow:
    """
    A row that can't be decoded, and so is not served.

    Args:
        kind: "thread", "item", "attachment" or "model turn".
        id: of the thread, item, attachment or turn.
        thread_id: None for an attachment that was never sent.
        error: the field and the kind of the error, without the row's text (S18).
    """

    kind: str
    id: str
    thread_id: str | None
    user_id: str
    error: str


def count_rows(using: str, user_id: str | None = None) -> int:
    """Return how many rows find_undecodable_rows checks."""
    models = (ChatSession, ChatMessage, ChatAttachment, ChatModelTurn)
    return sum(_rows(model, using, user_id).count() for model in models)


def find_undecodable_rows(
    using: str,
    user_id: str | None = None,
    progress: Callable[[int], None] = lambda checked: None,
) -> Iterator[UndecodableRow]:
    """
    Yield the rows that can't be decoded.

    Args:
        using: the alias of the database.
        user_id: only this owner's rows.
        progress: called with the number of rows checked so far.
    """
    checked = 0
    for kind, model, row_id, thread_id, load in (
        ("thread", ChatSession, "thread_id", "thread_id", codec.load_thread),
        ("item", ChatMessage, "item_id", "session__thread_id", codec.load_item),
        (
            "attachment",
            ChatAttachment,
            "attachment_id",
            "session__thread_id",
            codec.load_attachment,
        ),
        ("model turn", ChatModelTurn, "turn_id", "session__thread_id", codec.load_steps),
    ):
        rows = _rows(model, using, user_id).annotate(of_thread=F(thread_id))
        for page in rows.only(row_id, "user_id", "payload").iter_pages(*unique_columns(model)):
            for row in page:
                try:
                    load(row.payload)
                except ValueError as error:
                    yield UndecodableRow(
                        kind, getattr(row, row_id), row.of_thread, row.user_id, _reason(error)
                    )
            checked += len(page)
            progress(checked)
            reset_queries()


def _rows(model: Any, using: str, user_id: str | None) -> Any:
    rows = model.objects.using(using).all()
    return rows if user_id is None else rows.for_owner(user_id)


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['type']}"
