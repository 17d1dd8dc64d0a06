"""
What a model did in earlier turns, as it is kept and as it is given to a model again.

People see a turn's answers, in the thread. The tool calls and their results, reasoning and
handoffs are kept besides, in one row a turn (codec.ModelTurn), and are given to a model only while
everything that people see of the turn is there, visible and unchanged. Models get no ids: with one,
a provider would look for what it may have deleted since.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from agents import Agent, RunConfig, RunResultStreaming, ToolApprovalItem, Usage
from agents.models import get_default_model
from chatkit.store import Store
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chatstore import codec
from chatstore.conf import settings
from chatstore.server.errors import describe
from chatstore.server.stores import ModelTurnStore
from chatstore.store import DjangoStore
from chatstore.turns import Turn

logger = logging.getLogger(__name__)

Entry: TypeAlias = dict[str, Any]  # an input item of the Agents SDK
# What is given to a model together or not at all: items of the thread, which are converted, and
# entries, which are given as they are.
Unit: TypeAlias = list[ThreadItem | Entry]

# What every model takes; anything else goes only to the model that wrote it.
_PORTABLE = {
    "function_call": ("type", "call_id", "name", "arguments"),
    "function_call_output": ("type", "call_id", "output"),
    "message": ("type", "role", "content"),
}
# Its result is an image, which is in the thread.
_NOT_KEPT = {"image_generation_call"}


@dataclass
class ModelRun:
    """One call of run_agent: what the Agents SDK tells of it, and when it spoke first."""

    config: RunConfig | None = None
    results: list[RunResultStreaming] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    first_text: float | None = None
    ended: float | None = None
    is_blocked: bool = False  # by a guardrail: nothing of it is kept

    def follow(self, event: ThreadStreamEvent) -> None:
        """Take note of an event of the run."""
        if self.first_text is None:
            match event:
                case (
                    ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta())
                    | ThreadItemDoneEvent(item=AssistantMessageItem())
                ):
                    self.first_text = time.monotonic()

    def end(self) -> None:
        self.ended = time.monotonic()

    def usage(self) -> Usage:
        usage = Usage()
        for result in self.results:
            usage.add(result.context_wrapper.usage)
        return usage

    def steps(self) -> list[codec.Step]:
        """Return what was done, by agent; without what has no result yet."""
        steps: list[codec.Step] = []
        for item in (item for result in self.results for item in result.new_items):
            if isinstance(item, ToolApprovalItem):  # it waits, and is no input
                continue
            agent, model = item.agent.name, model_name(item.agent, self.config)
            if not steps or (steps[-1].agent, steps[-1].model) != (agent, model):
                steps.append(codec.Step(agent, model, []))
            entry = cast(Entry, item.to_input_item())
            if entry.get("type") not in _NOT_KEPT:
                steps[-1].items.append(_without_fake_id(entry))
        return steps


def model_name(agent: Agent[Any], config: RunConfig | None = None) -> str:
    """Return the name of the model that the Agents SDK asks for the agent."""
    model = (config and config.model) or agent.model
    if model is None:
        return get_default_model()
    return model if isinstance(model, str) else str(getattr(model, "model", type(model).__name__))


def _without_fake_id(entry: Entry) -> Entry:
    if entry.get("id") == codec.FAKE_ID:
        return {name: value for name, value in entry.items() if name != "id"}
    return entry


# Keeping a turn


async def keep_turn(store: Store[Any], thread_id: str, turn: Turn, context: Any) -> None:
    """Store what models did in a turn, in one write; a failure is logged."""
    if turn.is_replaced:
        return
    runs = [run for run in turn.runs if not run.is_blocked]
    try:
        is_kept = bool(runs) and settings.model_memory
        model_turn = _model_turn(turn, runs) if is_kept else None
        if model_turn and isinstance(store, ModelTurnStore):
            await store.add_model_turn(thread_id, model_turn, context)
        if turn.session_turns and isinstance(store, DjangoStore):
            ids = {item.id: codec.message_digest(item) for item in turn.stored.values()}
            await store.tie_model_turns(thread_id, turn.session_turns, ids, context)
    except Exception as error:  # noqa: BLE001 (the answer is stored, and the stream has ended)
        logger.warning("What a model did in %s was not kept: %s", thread_id, describe(error))


def _model_turn(turn: Turn, runs: Sequence[ModelRun]) -> codec.ModelTurn | None:
    steps = [step for run in runs for step in run.steps()]
    produced = [item for item_id, item in turn.stored.items() if item_id != turn.after_item_id]
    if not steps or not (produced or turn.after_item_id):
        return None
    _refer_to(produced, steps)
    after = turn.stored.get(turn.after_item_id)
    usage = Usage()
    for run in runs:
        usage.add(run.usage())
    texts = [run.first_text for run in runs if run.first_text]
    began, ended = runs[0].began, runs[-1].ended or time.monotonic()
    return codec.ModelTurn(
        steps=steps,
        item_ids={item.id: codec.message_digest(item) for item in (after, *produced) if item},
        after_item_id=turn.after_item_id,
        agent=steps[-1].agent,
        model=steps[-1].model,
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        first_text_ms=_milliseconds(texts[0] - began) if texts else None,
        duration_ms=_milliseconds(ended - began),
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _refer_to(items: Sequence[ThreadItem], steps: Sequence[codec.Step]) -> None:
    """
    Replace what the items of the thread tell too by their ids, and drop what no model would take.

    An answer is found by its id, or by its text: models behind Chat Completions give all of them
    one id. Where the application shows another text, under another id, the model's own is dropped.
    The output of a client's tool comes with a later request, into its item.
    """
    answers = [item for item in items if isinstance(item, AssistantMessageItem)]
    messages = [one for step in steps for one in step.items if one.get("type") == "message"]
    found = [_take_answer(message, answers) for message in messages]
    is_changed = bool(answers)
    calls = {item.call_id: item for item in items if isinstance(item, ClientToolCallItem)}
    for step in steps:
        entries: list[Entry] = []
        for entry in step.items:
            kind, call = entry.get("type"), calls.get(entry.get("call_id", ""))
            if kind == "message":
                if answer := found.pop(0):
                    entries.append(_reference(answer))
                elif not is_changed:  # it is not shown at all
                    entries.append(entry)
            elif call is None:
                entries.append(entry)
            elif kind == "function_call":
                entries.append(_reference(call))
        step.items = entries


def _reference(item: ThreadItem) -> Entry:
    return {"type": codec.THREAD_ITEM, "id": item.id}


def _take_answer(
    message: Entry, answers: list[AssistantMessageItem]
) -> AssistantMessageItem | None:
    """Take the answer that shows a model's message from the list, and return it."""
    text = _text_of(message)
    for number, answer in enumerate(answers):
        if answer.id == message.get("id") or text == "".join(part.text for part in answer.content):
            return answers.pop(number)
    return None


def _text_of(message: Entry) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


# Giving it to a model


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
                if text := _text_of(entry):
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
