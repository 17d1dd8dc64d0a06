"""The operations on what models did in a thread's turns; DjangoStore documents them."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext

from chatstore import codec
from chatstore.db.execution import CLOCK_DIFFERENCE, IN_THREAD, Attempt, Steps
from chatstore.db.statements import is_postgresql
from chatstore.models import model_turn_key, session_key
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
    """Return False where nothing is stored: the thread is gone, or not as it is ``required``."""
    values = codec.model_turn_values(turn)
    values |= {
        "session_id": session_key(thread_id),
        "model_turn_id": model_turn_key(thread_id, turn.id),
        "began": began_at - CLOCK_DIFFERENCE,
        "earliest_deletion": attempt.earliest_deletion,
        "retry_id": required.retry_id if required else "",
    }
    is_atomic = is_postgresql(owner.using)
    if not is_atomic:
        yield IN_THREAD
    with nullcontext() if is_atomic else attempt.transaction():
        add = queries.add_model_turn(
            queries.conditions(required), again=attempt.commit_error is not None
        )
        return bool((yield owner.query(add, **values)))


def load_model_turns(
    owner: Owner, thread_id: str, limit: int | None, *kinds: str
) -> Steps[list[codec.ModelTurn]]:
    rows = yield owner.query(
        queries.select_model_turns(limit, *kinds), session_id=session_key(thread_id)
    )
    return decode_rows(codec.load_model_turn, rows)
