"""What a model did in a turn, as JSON: the Agents SDK's input items, by agent and model."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from chatstore.codec.ids import validate_id
from chatstore.codec.plain_text import plain_text
from chatstore.codec.storable import is_storable, replace_unstorable

if TYPE_CHECKING:
    from chatkit.types import ThreadItem

# The type of an entry that stands for an item of the thread, and has its id.
THREAD_ITEM = "thread_item"
_MAX_NAME_LENGTH = 255


@dataclass
class Step:
    """
    What an agent did, until another took over.

    ``items`` are input items of the Agents SDK, as the model wrote them. In place of an answer that
    people see is ``{"type": "thread_item", "id": …}``, so that there is only one text of it.
    """

    agent: str
    model: str
    items: list[dict[str, Any]]


@dataclass
class ModelTurn:
    """
    A turn of a model.

    Args:
        steps: what it did, in order.
        item_ids: the ids of the items that it added to the thread, and a ``message_digest`` of
            each; of the item that it answers too.
        after_item_id: the item that it answers; may be empty.
        kind: "run" of run_agent, "session" of a DjangoSession, or "summary" of earlier turns.
        agent, model: of its last step.
        requests, input_tokens, output_tokens: of all its requests to models.
        first_text_ms, duration_ms: milliseconds until its first text, and its end.
        id: of its row.
        read_at: when the items that a summary sums up were read; not stored.
    """

    steps: list[Step]
    item_ids: dict[str, str]
    after_item_id: str = ""
    kind: Literal["run", "session", "summary"] = "run"
    agent: str = ""
    model: str = ""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    first_text_ms: int | None = None
    duration_ms: int | None = None
    id: str = field(default_factory=lambda: f"turn_{secrets.token_hex(16)}")
    read_at: dt.datetime | None = None


_steps_adapter: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
_ids_adapter: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def message_digest(item: ThreadItem) -> str:
    """Return a digest of a message's text; empty for other items, which change on their own."""
    if item.type not in ("user_message", "assistant_message"):
        return ""
    text = replace_unstorable(plain_text(item))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def model_turn_values(turn: ModelTurn) -> dict[str, Any]:
    """Return ChatModelTurn's columns; TypeError for a session's item that is no JSON."""
    return {
        "turn_id": validate_id(turn.id),
        "kind": turn.kind,
        "after_item_id": turn.after_item_id,
        "item_ids": _to_json(turn.item_ids),
        "agent": replace_unstorable(turn.agent)[:_MAX_NAME_LENGTH],
        "model": replace_unstorable(turn.model)[:_MAX_NAME_LENGTH],
        # What a tool has returned may be no JSON; whoever writes to a session hears of it.
        "payload": _to_json(
            [vars(step) for step in turn.steps], None if turn.kind == "session" else str
        ),
        "requests": turn.requests,
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "first_text_ms": turn.first_text_ms,
        "duration_ms": turn.duration_ms,
    }


def load_model_turn(
    turn_id: str, kind: str, after_item_id: str, item_ids: str, payload: str
) -> ModelTurn:
    """Return a turn from the columns that a model's input needs; ValueError if they are invalid."""
    return ModelTurn(
        steps=load_steps(payload),
        item_ids=load_item_ids(item_ids),
        after_item_id=after_item_id,
        kind=kind,  # type: ignore[arg-type]
        id=turn_id,
    )


def load_steps(payload: str) -> list[Step]:
    """Return the steps of a turn from their JSON; ValueError (pydantic's) if they are invalid."""
    return _steps_adapter.validate_json(payload)


def load_item_ids(item_ids: str) -> dict[str, str]:
    """Return the ids and digests of a turn's items; ValueError (pydantic's) if it has others."""
    return _ids_adapter.validate_json(item_ids)


def _to_json(value: Any, default: Callable[[Any], str] | None = None) -> str:
    """Return JSON with U+FFFD in place of NUL and lone surrogates (S14)."""
    text = _dumps(value, default)
    if is_storable(text) and "\\u0000" not in text:
        return text
    return _dumps(replace_unstorable(json.loads(text)), None)


def _dumps(value: Any, default: Callable[[Any], str] | None) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
