"""The operations on what models did in a thread's turns; DjangoStore documents them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from chatstore import codec
from chatstore.db.attempts import CLOCK_DIFFERENCE, IN_THREAD, Attempt, Steps
from chatstore.db.statements import UpdateThenInsert
from chatstore.models import (
    ChatModelTurn,
    ChatModelTurnQuerySet,
    message_key,
    model_turn_key,
    session_key,
)
from chatstore.store import queries
from chatstore.store.owner import Owner
from chatstore.store.rows import decode_rows
from chatstore.turns import Required


def add_model_turn(
    owner: Owner,
    attempt: Attempt,
    thread_id: str,
    turn: codec.ModelTurn,
    began_at: dt.datetime,
    required: Required | None,
) -> Steps[bool]:
    """Return False where nothing is stored, as DjangoStore.add_model_turn says."""
    values = codec.model_turn_values(turn)
    values |= {
        "session_id": session_key(thread_id),
        "model_turn_id": model_turn_key(thread_id, turn.id),
        "began": began_at - CLOCK_DIFFERENCE,
        "earliest_deletion": attempt.earliest_deletion,
        "retry_id": required.retry_id if required else "",
    }
    is_atomic = UpdateThenInsert.is_one_statement(owner.using)
    if not is_atomic:
        yield IN_THREAD
    with nullcontext() if is_atomic else attempt.transaction():
        add = queries.add_model_turn(
            queries.conditions(required),
            is_summary=turn.kind == "summary",
            again=attempt.commit_error is not None,
        )
        return bool((yield owner.query(add, **values)))


def load_model_turns(
    owner: Owner, thread_id: str, limit: int | None, *kinds: str
) -> Steps[list[codec.ModelTurn]]:
    rows = yield owner.query(
        queries.select_model_turns(limit, *kinds), session_id=session_key(thread_id)
    )
    return decode_rows(codec.load_model_turn, [(row[0], *row) for row in rows])


def tie_model_turns(
    owner: Owner,
    attempt: Attempt,
    thread_id: str,
    turn_ids: Sequence[str],
    item_ids: dict[str, str],
) -> Steps[None]:
    yield IN_THREAD
    keys = [model_turn_key(thread_id, turn_id) for turn_id in turn_ids]
    values = codec.model_turn_values(codec.ModelTurn([], item_ids))
    owner.model_turns.filter(model_turn_id__in=keys).update(item_ids=values["item_ids"])


def load_session_items(
    owner: Owner, thread_id: str, limit: int | None
) -> Steps[list[dict[str, Any]]]:
    yield IN_THREAD
    turns = yield from load_model_turns(owner, thread_id, limit, ChatModelTurn.Kind.SESSION)
    items = _visible_items(owner, thread_id, turns)
    if limit is None:
        return items
    if len(items) < limit == len(turns):  # there are more, and some of these are hidden
        turns = yield from load_model_turns(owner, thread_id, None, ChatModelTurn.Kind.SESSION)
        items = _visible_items(owner, thread_id, turns)
    return items[-limit:]


def _visible_items(
    owner: Owner, thread_id: str, turns: Sequence[codec.ModelTurn]
) -> list[dict[str, Any]]:
    """Return the items of turns, oldest first, whose messages are all there and visible."""
    keys = {message_key(thread_id, item_id) for turn in turns for item_id in turn.item_ids}
    visible: set[str] = set()
    if keys:
        rows = owner.messages.visible().filter(message_id__in=keys)
        visible = set(rows.values_list("item_id", flat=True))
    shown = [turn for turn in reversed(turns) if visible.issuperset(turn.item_ids)]
    return [item for turn in shown for step in turn.steps for item in step.items]


def pop_session_item(
    owner: Owner, attempt: Attempt, thread_id: str
) -> Steps[dict[str, Any] | None]:
    yield IN_THREAD
    attempt.raise_unknown_outcome()  # a repeat could take another one
    with attempt.transaction():
        rows = _lock_session(owner, thread_id)
        for row in rows.order_by("-timestamp"):
            this = rows.filter(pk=row.pk)
            try:
                items = [item for step in codec.load_steps(row.payload) for item in step.items]
            except ValueError:  # nobody could read it
                items = []
            if rest := items[:-1]:
                turn = codec.ModelTurn([codec.Step("", "", rest)], {})
                this.update(payload=codec.model_turn_values(turn)["payload"])
            else:
                this.raw_delete()
            if items:
                return items[-1]
    return None


def clear_session(owner: Owner, attempt: Attempt, thread_id: str) -> Steps[None]:
    yield IN_THREAD
    with attempt.transaction():
        _lock_session(owner, thread_id).raw_delete()


def _lock_session(owner: Owner, thread_id: str) -> ChatModelTurnQuerySet:
    """Lock the thread, and return the rows of its session."""
    list(owner.sessions.thread(thread_id).select_for_update().values_list("pk"))
    rows = owner.model_turns.visible().thread(thread_id)
    return rows.filter(kind=ChatModelTurn.Kind.SESSION)
