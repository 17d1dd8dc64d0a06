"""
Answers that were begun and not finished: what is kept of them when a stream ends early (V4), and
how clients are told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from chatkit.types import (
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    DurationSummary,
    Page,
    Thread,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from chatstore import codec


class UnfinishedAnswers:
    """
    Follows a stream's events, and knows what has been said of each answer that isn't done, and
    which tasks a workflow has that isn't.

    Args:
        apply: the SDK's function that applies an update to an assistant message.
    """

    def __init__(self, apply: Callable[[AssistantMessageItem, Any], AssistantMessageItem]) -> None:
        self._apply = apply
        self._items: dict[str, AssistantMessageItem | WorkflowItem] = {}

    def follow(self, event: ThreadStreamEvent) -> None:
        """Take note of an event that the SDK has dealt with."""
        match event:
            case ThreadItemAddedEvent(item=AssistantMessageItem() | WorkflowItem() as item):
                self._items[item.id] = item.model_copy(deep=True)
            case ThreadItemUpdatedEvent(item_id=item_id) if item_id in self._items:
                # A copy: the SDK goes on to change the update's content in place.
                self._update(self._items[item_id], event.update.model_copy(deep=True))
            case ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                self._items.pop(event.item.id, None)
            case ThreadItemRemovedEvent():
                self._items.pop(event.item_id, None)

    def _update(self, item: AssistantMessageItem | WorkflowItem, update: Any) -> None:
        match item, update:
            case WorkflowItem(), WorkflowTaskAdded() | WorkflowTaskUpdated():
                # The task is there already if it was added before the workflow was copied.
                index = update.task_index
                item.workflow.tasks[index : index + 1] = [update.task]
            case AssistantMessageItem(), _ if update.type.startswith("assistant_message."):
                if isinstance(update, AssistantMessageContentPartDone):
                    # With the annotations that came before: chatkit sends none with it.
                    for part in item.content[update.content_index : update.content_index + 1]:
                        update.content.annotations = update.content.annotations or part.annotations
                self._apply(item, update)

    def take(self) -> list[AssistantMessageItem | WorkflowItem]:
        """Return the answers that aren't done, and the workflow before them, and forget them."""
        items, self._items = list(self._items.values()), {}
        return items


def end_workflow(workflow: WorkflowItem) -> WorkflowItem:
    """Return a workflow as chatkit ends it, so that a client does not show it as running."""
    seconds = (datetime.now(workflow.created_at.tzinfo) - workflow.created_at).total_seconds()
    summary = workflow.workflow.summary or DurationSummary(duration=int(seconds))
    content = workflow.workflow.model_copy(update={"summary": summary, "expanded": False})
    return workflow.model_copy(update={"workflow": content})


def has_text(item: AssistantMessageItem) -> bool:
    """Tell whether anything has been said that is worth keeping."""
    return any(part.text.strip() for part in item.content)


def add_endings(response: object, serialized: bytes) -> bytes:
    """
    Give unfinished answers their ``ending``, "stopped" or "failed", in what is served.

    ChatKit's own type of a message has no place for it; clients ignore what they don't know.

    Args:
        response: a thread or a page of items; any other response is left as it is.
        serialized: the same as JSON.
    """
    page = response.items if isinstance(response, Thread) else response
    if not isinstance(page, Page):
        return serialized
    endings = {
        item.id: item.ending for item in page.data if isinstance(item, codec.UnfinishedAnswer)
    }
    if not endings:
        return serialized
    document = json.loads(serialized)
    items = document["items"] if isinstance(response, Thread) else document
    for item in items["data"]:
        if item["id"] in endings:
            item["ending"] = endings[item["id"]]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
