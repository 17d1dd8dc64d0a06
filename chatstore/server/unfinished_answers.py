"""
Answers that were begun and not finished: what is kept of them when a stream ends early (V4), and
how clients are told.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

from chatkit.store import Store
from chatkit.types import (
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    DurationSummary,
    GeneratedImageItem,
    GeneratedImageUpdated,
    Page,
    ProgressUpdateEvent,
    StreamOptionsEvent,
    TaskItem,
    Thread,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetRoot, WidgetRoot

from chatstore import codec
from chatstore.server.errors import describe
from chatstore.server.event_guards import join_surrogates
from chatstore.server.stores import ExtendedStore
from chatstore.turns import StateChangedError

logger = logging.getLogger(__name__)
Unfinished: TypeAlias = (
    AssistantMessageItem | WidgetItem | WorkflowItem | GeneratedImageItem | TaskItem
)


class Text:
    """A text that grows. The SDK has it too, so what is long is compressed."""

    COMPRESS_FROM = 64 * 1024  # bytes

    def __init__(self) -> None:
        self._compressed: list[bytes] = []
        self._end = bytearray()

    def append(self, text: str) -> None:
        self._end += text.encode("utf-8", "surrogatepass")
        if len(self._end) >= self.COMPRESS_FROM:
            self._compressed.append(zlib.compress(self._end, level=1))
            self._end = bytearray()

    def __str__(self) -> str:
        text = b"".join(map(zlib.decompress, self._compressed)) + self._end
        return text.decode("utf-8", "surrogatepass")


class UnfinishedAnswers:
    """
    Follows a stream's events, and knows what has been said of each answer that isn't done, the
    widgets and pictures that aren't, and which tasks a workflow has that isn't.

    Args:
        apply: the SDK's function that applies an update to an assistant message.
        store: where the items are kept.
        context: the request's.
    """

    def __init__(
        self,
        apply: Callable[[AssistantMessageItem, Any], AssistantMessageItem],
        store: Store[Any],
        context: Any,
    ) -> None:
        self._apply = apply
        self._store = store
        self._context = context
        self._items: dict[str, Unfinished] = {}
        # The deltas since an answer's last update of another kind, by item and index of content.
        self._deltas: dict[tuple[str, int], Text] = {}
        self._options: StreamOptionsEvent | None = None
        self._progress: ProgressUpdateEvent | None = None

    def replay(self) -> list[ThreadStreamEvent]:
        """Return events that say what isn't done, for a client that reads on from here (V17)."""
        for item_id in self._items:
            self._apply_deltas(item_id)
        known = [event for event in (self._options, self._progress) if event]
        return [*known, *(ThreadItemAddedEvent(item=item) for item in self._items.values())]

    def follow(self, event: ThreadStreamEvent) -> None:
        """Take note of an event that the SDK has dealt with."""
        if isinstance(event, StreamOptionsEvent):
            self._options = event
        elif isinstance(event, ProgressUpdateEvent):
            self._progress = event
        elif event.type.startswith("thread.item."):
            self._progress = None  # as a client shows it
        match event:
            case ThreadItemAddedEvent(
                item=AssistantMessageItem()
                | WidgetItem()
                | WorkflowItem()
                | GeneratedImageItem()
                | TaskItem() as item
            ):
                self._items[item.id] = item.model_copy(deep=True)
            case ThreadItemUpdatedEvent(
                item_id=item_id, update=AssistantMessageContentPartTextDelta() as update
            ) if item_id in self._items:
                key = item_id, update.content_index
                self._deltas.setdefault(key, Text()).append(update.delta)
            case ThreadItemUpdatedEvent(item_id=item_id) if item_id in self._items:
                self._apply_deltas(item_id)
                # A copy: the SDK goes on to change the update's content in place.
                self._update(self._items[item_id], event.update.model_copy(deep=True))
            case ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                self._forget(event.item.id)
            case ThreadItemRemovedEvent():
                self._forget(event.item_id)

    def _forget(self, item_id: str) -> None:
        if self._items.pop(item_id, None):
            for key in [key for key in self._deltas if key[0] == item_id]:
                del self._deltas[key]

    def _apply_deltas(self, item_id: str) -> None:
        item = self._items[item_id]
        for key in [key for key in self._deltas if key[0] == item_id]:
            delta = str(self._deltas.pop(key))
            change = AssistantMessageContentPartTextDelta(content_index=key[1], delta=delta)
            if isinstance(item, AssistantMessageItem):
                self._apply(item, change)

    def _update(self, item: Unfinished, update: Any) -> None:
        match item, update:
            case WorkflowItem(), WorkflowTaskAdded() | WorkflowTaskUpdated():
                # The task is there already if it was added before the workflow was copied.
                index = update.task_index
                item.workflow.tasks[index : index + 1] = [update.task]
            case GeneratedImageItem(), GeneratedImageUpdated():
                item.image = update.image
            case WidgetItem(), WidgetRootUpdated():
                item.widget = update.widget
            case WidgetItem(), WidgetComponentUpdated() | WidgetStreamingTextValueDelta():
                item.widget = updated_widget(item.widget, update)
            case AssistantMessageItem(), _ if update.type.startswith("assistant_message."):
                if isinstance(update, AssistantMessageContentPartDone):
                    # With the annotations that came before: chatkit sends none with it.
                    for part in item.content[update.content_index : update.content_index + 1]:
                        update.content.annotations = update.content.annotations or part.annotations
                self._apply(item, update)

    async def keep(
        self, thread_id: str, ending: codec.Ending, types: tuple[type, ...] = (object,)
    ) -> None:
        """
        Store what isn't done, and forget it; a failure of the store is logged.

        Args:
            types: the types of items to store; the others are forgotten.
        """
        for item_id in list(self._items):
            self._apply_deltas(item_id)
        items = [item for item in self._items.values() if isinstance(item, types)]
        self._items.clear()
        try:
            await keep_items(self._store, thread_id, items, ending, self._context)
        except StateChangedError:
            pass  # a retry has replaced the turn
        except Exception as error:  # noqa: BLE001 (the stream ends with its first error)
            logger.warning("A part of an answer was lost in %s: %s", thread_id, describe(error))


async def keep_items(
    store: Store[Any],
    thread_id: str,
    items: Iterable[Unfinished],
    ending: codec.Ending,
    context: Any,
) -> None:
    """Store unfinished items, as far as there is anything in them, marked with their ending."""
    for item in items:
        if isinstance(item, WorkflowItem) and item.workflow.tasks:
            await store.add_thread_item(thread_id, end_workflow(item), context)
        if isinstance(item, WidgetItem):
            item = end_widget(item)
        elif not isinstance(item, AssistantMessageItem) or not has_text(item):
            continue
        join_surrogates(item)
        if isinstance(store, ExtendedStore):
            await store.add_unfinished_answer(thread_id, item, ending, context)
        else:
            await store.add_thread_item(thread_id, item, context)


def end_workflow(workflow: WorkflowItem) -> WorkflowItem:
    """Return a workflow as chatkit ends it, so that a client does not show it as running."""
    seconds = (datetime.now(workflow.created_at.tzinfo) - workflow.created_at).total_seconds()
    summary = workflow.workflow.summary or DurationSummary(duration=int(seconds))
    content = workflow.workflow.model_copy(update={"summary": summary, "expanded": False})
    return workflow.model_copy(update={"workflow": content})


def end_widget(item: WidgetItem) -> WidgetItem:
    """Return a widget whose texts are not shown as still being streamed."""
    widget = item.widget.model_dump(mode="json", exclude_none=True)
    for component in _components(widget):
        component.pop("streaming", None)
    return item.model_copy(update={"widget": DynamicWidgetRoot.model_validate(widget)})


def updated_widget(
    widget: WidgetRoot, update: WidgetComponentUpdated | WidgetStreamingTextValueDelta
) -> DynamicWidgetRoot:
    """Return a widget with an update of one of its components, as a client applies it."""
    changed = widget.model_dump(mode="json", exclude_none=True)
    for component in _components(changed):
        if component.get("id") == update.component_id:
            if isinstance(update, WidgetStreamingTextValueDelta):
                component["value"] = component.get("value", "") + update.delta
            else:
                component.clear()
                component.update(update.component.model_dump(mode="json", exclude_none=True))
            break
    return DynamicWidgetRoot.model_validate(changed)


def _components(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in a widget's JSON, the outer ones first."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, (dict, list)):
            yield from _components(child)


def has_text(item: AssistantMessageItem) -> bool:
    """Tell whether anything has been said that is worth keeping."""
    return any(part.text.strip() for part in item.content)


def add_endings(response: object, serialized: bytes) -> bytes:
    """
    Give unfinished answers and widgets their ``ending``, "stopped" or "failed", in what is served.

    ChatKit's own types have no place for it; clients ignore what they don't know.

    Args:
        response: a thread or a page of items; any other response is left as it is.
        serialized: the same as JSON.
    """
    page = response.items if isinstance(response, Thread) else response
    if not isinstance(page, Page):
        return serialized
    endings = {
        item.id: item.ending
        for item in page.data
        if isinstance(item, (codec.UnfinishedAnswer, codec.UnfinishedWidget))
    }
    if not endings:
        return serialized
    document = json.loads(serialized)
    items = document["items"] if isinstance(response, Thread) else document
    for item in items["data"]:
        if item["id"] in endings:
            item["ending"] = endings[item["id"]]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
