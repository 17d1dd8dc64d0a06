"""
What a model did in earlier turns, as it is given to a model again.

People see a turn's answers, in the thread. The tool calls and their results, reasoning and
handoffs are kept besides, in one row a turn (codec.ModelTurn), and are given to a model only while
everything that people see of the turn is there, visible and unchanged. Models get no ids: with one,
a provider would look for what it may have deleted since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, cast

from chatkit.types import (
    AssistantMessageItem,
    ThreadItem,
)

from chatstore import codec
from chatstore.server.kept_turns import Entry, text_of

# What is given to a model together or not at all: items of the thread, which are converted, and
# entries, which are given as they are.
Unit: TypeAlias = list[ThreadItem | Entry]

# What every model takes; anything else goes only to the model that wrote it.
_PORTABLE = {
    "function_call": ("type", "call_id", "name", "arguments"),
    "function_call_output": ("type", "call_id", "output"),
}


def arrange(
    items: Sequence[ThreadItem], turns: Iterable[codec.ModelTurn], model: str
) -> list[Unit]:
    """
    Return the thread's items, with what models did besides, in units; newest first.

    Args:
        items: newest first.
        turns: newest first.
        model: the one that reads it; of other models' entries it gets what every model takes.
    """
    by_id = {item.id: item for item in items}
    before: dict[str, list[Unit]] = {}  # by the item whose place they take
    after: dict[str, list[Unit]] = {}
    taken: set[str] = set()
    for turn in reversed(list(turns)):
        if turn.kind != "run" or not _is_unchanged(turn, by_id):
            continue
        waiting: list[Unit] = []
        last = turn.after_item_id
        for unit in _units(turn, by_id, taken, model):
            waiting.append(unit)
            ids = [one.id for one in unit if not isinstance(one, dict)]
            if ids:
                before[ids[0]], waiting = waiting, []
                taken.update(ids)
                last = ids[-1]
        if waiting and last:
            after.setdefault(last, []).extend(waiting)
    arranged: list[Unit] = []
    for item in reversed(items):
        if item.id in before:
            arranged += before[item.id]
        elif item.id not in taken:
            arranged.append([item])
        arranged += after.get(item.id, [])
    return arranged[::-1]


def _is_unchanged(turn: codec.ModelTurn, by_id: dict[str, ThreadItem]) -> bool:
    """Tell whether all that people see of a turn is there, and its messages as they were."""
    return (not turn.after_item_id or turn.after_item_id in by_id) and all(
        item_id in by_id and digest in ("", codec.message_digest(by_id[item_id]))
        for item_id, digest in turn.item_ids.items()
    )


def _units(
    turn: codec.ModelTurn, by_id: dict[str, ThreadItem], taken: set[str], model: str
) -> Iterator[Unit]:
    """
    Yield a turn in units that a model takes: no call without its output, nor reasoning without
    what follows it.
    """
    entries = list(_given_entries(turn, by_id, taken, model))
    outputs = {_call_id(one) for one in entries if _is_output(one)}
    calls = {_call_id(one) for one in entries if _is_call(one)}
    unit: Unit = []
    open_calls: set[str] = set()
    for entry in entries:
        if _is_call(entry):
            if _call_id(entry) not in outputs:
                while unit and _is_reasoning(unit[-1]):
                    unit.pop()
                continue
            open_calls.add(_call_id(entry))
        elif _is_output(entry):
            if _call_id(entry) not in calls:
                continue
            open_calls.discard(_call_id(entry))
        unit.append(entry)
        if not open_calls and not _is_reasoning(entry):
            yield _with_messages_first(unit)
            unit = []


def _given_entries(
    turn: codec.ModelTurn, by_id: dict[str, ThreadItem], taken: set[str], model: str
) -> Iterator[ThreadItem | Entry]:
    for step in turn.steps:
        for entry in step.items:
            kind = entry.get("type", "message")
            if kind == codec.THREAD_ITEM:
                if (item_id := entry.get("id", "")) in by_id and item_id not in taken:
                    yield by_id[item_id]
            elif kind == "message":
                if text := text_of(entry):
                    yield {"role": entry.get("role", "assistant"), "content": text}
            elif step.model == model and not _is_bound_to_provider(entry):
                is_portable = kind in _PORTABLE or kind == "reasoning"
                yield _without_id(entry) if is_portable else entry
            elif kind in _PORTABLE:
                yield {name: entry[name] for name in _PORTABLE[kind] if name in entry}


def _is_bound_to_provider(entry: Entry) -> bool:
    """Tell whether it is reasoning that only its id tells, which its provider soon forgets."""
    return entry.get("type") == "reasoning" and not entry.get("encrypted_content") and "id" in entry


def _without_id(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name != "id"}


def _with_messages_first(unit: Unit) -> Unit:
    """Models behind Chat Completions may write a message after the call that it introduces."""
    calls = [number for number, one in enumerate(unit) if _is_call(one)]
    if not calls:
        return unit
    head, tail = unit[: calls[0]], unit[calls[0] :]
    messages = [one for one in tail if _is_message(one)]
    return [*head, *messages, *(one for one in tail if not _is_message(one))]


def _is_message(one: ThreadItem | Entry) -> bool:
    return "role" in one if isinstance(one, dict) else isinstance(one, AssistantMessageItem)


def _is_reasoning(one: ThreadItem | Entry) -> bool:
    return isinstance(one, dict) and one.get("type") == "reasoning"


def _is_call(one: ThreadItem | Entry) -> bool:
    return isinstance(one, dict) and "call_id" in one and not _is_output(one)


def _is_output(one: ThreadItem | Entry) -> bool:
    return isinstance(one, dict) and "call_id" in one and one["type"].endswith("_output")


def _call_id(one: ThreadItem | Entry) -> str:
    return str(cast(Entry, one)["call_id"])
