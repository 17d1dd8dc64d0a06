"""
Answers that were begun and not finished: what is kept of them when a stream ends early (V4), and
how clients are told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatkit.types import (
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    Page,
    Thread,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chatstore import codec


class UnfinishedAnswers:
    """
    Follows a stream's events, and knows what has been said of each answer that isn't done.

    Args:
        apply: the SDK's function that applies an update to an assistant message.
    """

    def __init__(self, apply: Callable[[AssistantMessageItem, Any], AssistantMessageItem]) -> None:
        self._apply = apply
        self._items: dict[str, AssistantMessageItem] = {}

    def follow(self, event: ThreadStreamEvent) -> None:
        """Take note of an event that the SDK has dealt with."""
        match event:
            case ThreadItemAddedEvent(item=AssistantMessageItem() as item):
                self._items[item.id] = item.model_copy(deep=True)
            case ThreadItemUpdatedEvent(item_id=item_id) if item_id in self._items:
                # A copy: the SDK goes on to change the update's content in place.
                update = event.update.model_copy(deep=True)
                if update.type.startswith("assistant_message."):
                    self._keep_annotations(self._items[item_id], update)
                    self._apply(self._items[item_id], update)
            case ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                self._items.pop(event.item.id, None)
            case ThreadItemRemovedEvent():
                self._items.pop(event.item_id, None)

    @staticmethod
    def _keep_annotations(item: AssistantMessageItem, update: Any) -> None:
        """Add to a part that is done the annotations that came before: chatkit sends none."""
        if isinstance(update, AssistantMessageContentPartDone):
            for part in item.content[update.content_index : update.content_index + 1]:
                update.content.annotations = update.content.annotations or part.annotations

    def take(self) -> list[AssistantMessageItem]:
        """Return the answers that aren't done, and forget them."""
        items, self._items = list(self._items.values()), {}
        return items


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
