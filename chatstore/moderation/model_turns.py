"""
Shows what models did in the turns of a conversation: calls, results, times and tokens.

It is untrusted, as all text of a conversation; each turn costs a bounded amount (M7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Left
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import codec
from chatstore.models import ChatMessage, ChatModelTurn, ChatSession
from chatstore.moderation.display import display_json, display_line, display_text, html_length
from chatstore.moderation.item_parts import MAX_ITEM_LENGTH, MAX_PARTS, TAGS_LENGTH, Part

MAX_TURNS = 100  # of a page
MAX_PAYLOAD_LENGTH = 100_000  # characters of a turn's JSON that are read
MAX_NAME_LENGTH = 100


@dataclass(frozen=True)
class TurnDetails:
    """What a model did in a turn, for display; ``length`` is in bytes of HTML, about."""

    heading: str
    parts: list[Part]

    @property
    def length(self) -> int:
        return 2 * TAGS_LENGTH + sum(part.length for part in self.parts)


def read_turns(thread: ChatSession, rows: Sequence[ChatMessage]) -> dict[str, list[TurnDetails]]:
    """Return the turns that are tied to these items, by the id of the last of their items."""
    positions = {row.item_id: row.timestamp for row in rows}
    turns: Any = ChatModelTurn.objects.for_owner(thread.user_id).filter(session_id=thread.pk)
    turns = turns.filter(timestamp__gt=min(positions.values())).defer("payload")
    turns = turns.annotate(payload_start=Left("payload", MAX_PAYLOAD_LENGTH + 1))
    found: dict[str, list[TurnDetails]] = {}
    for turn in turns.exclude(kind=ChatModelTurn.Kind.SUMMARY).order_by("timestamp")[:MAX_TURNS]:
        try:
            tied = [turn.after_item_id, *codec.load_item_ids(turn.item_ids)]
        except ValueError:
            tied = [turn.after_item_id]
        shown = [item_id for item_id in tied if item_id in positions]
        if shown:
            last = max(shown, key=positions.__getitem__)
            parts = _bounded(_parts(turn.payload_start))
            found.setdefault(last, []).append(TurnDetails(_heading(turn), parts))
    return found


def _heading(turn: ChatModelTurn) -> str:
    """Return who worked, for how long and at which cost, as far as it is known."""
    names = (display_line(name, MAX_NAME_LENGTH) for name in (turn.agent, turn.model) if name)
    facts = [" · ".join(names) or _("Model")]
    if turn.requests:
        requests = ngettext("%(count)d request", "%(count)d requests", turn.requests)
        facts.append(requests % {"count": turn.requests})
    if turn.input_tokens or turn.output_tokens:
        counts = {"input": turn.input_tokens, "output": turn.output_tokens}
        facts.append(_("%(input)d tokens in, %(output)d out") % counts)
    if turn.first_text_ms:
        facts.append(_("first text after %.1f s") % (turn.first_text_ms / 1000))
    if turn.duration_ms:
        facts.append(_("%.1f s in all") % (turn.duration_ms / 1000))
    return ", ".join(facts)


def _bounded(parts: Iterator[Part]) -> list[Part]:
    shown: list[Part] = []
    length = 0
    for part in parts:
        if length > MAX_ITEM_LENGTH or len(shown) == MAX_PARTS:
            shown.append(Part("note", _("The turn is long. The export has the rest of it.")))
            break
        shown.append(part)
        length += part.length
    return shown


def _parts(payload: str) -> Iterator[Part]:
    if len(payload) > MAX_PAYLOAD_LENGTH:
        yield Part("note", _("The turn is very long. This is the beginning of its JSON."))
        yield _code(_("JSON"), payload)
        return
    try:
        steps = codec.load_steps(payload)
    except ValueError:
        yield Part("note", _("This version of chatstore can't read the turn."))
        return
    for step in steps:
        for item in step.items:
            kind = str(item.get("type") or item.get("role") or "")
            if kind == codec.THREAD_ITEM:
                continue
            name = str(item.get("name") or kind)
            if kind.endswith("_output"):
                yield _code(_("Result"), item.get("output"))
            elif kind.endswith("_call"):
                yield _code(_("Call of %s") % name, _arguments(item))
            else:
                yield _code(name, item)


def _arguments(item: dict[str, Any]) -> Any:
    """Return a call's arguments, which are JSON as text; the call itself without them."""
    arguments = item.get("arguments", item)
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except (ValueError, RecursionError):
            return arguments
    return arguments


def _code(label: str, value: Any) -> Part:
    body = display_text(value) if isinstance(value, str) else display_json(value)
    label = display_line(label, MAX_NAME_LENGTH)
    return Part("code", body, label, TAGS_LENGTH + html_length(body) + html_length(label))
