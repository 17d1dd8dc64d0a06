"""Keeps what models did in a turn, at its end: what run_agent has noted, as one row."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
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
    text = text_of(message)
    for number, answer in enumerate(answers):
        if answer.id == message.get("id") or text == "".join(part.text for part in answer.content):
            return answers.pop(number)
    return None


def text_of(message: Entry) -> str:
    """Return the text of a message, or of a refusal."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)
