"""
Fresh ids for the items of models behind chat-completions, which give every answer and every call
the same id (S8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatkit.store import StoreItemType
from chatkit.types import (
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chatstore import codec


class ItemIds:
    """
    Replaces ``__fake_id__`` in a stream's events by an id of the item's own.

    An item keeps its fresh id from its first event to its last.
    """

    def __init__(self, generate: Callable[[StoreItemType], str]) -> None:
        self._generate = generate
        self._current: str | None = None
        self._made: list[str] = []

    def rename(self, event: ThreadStreamEvent) -> list[ThreadStreamEvent]:
        """Return the events to send in place of this one."""
        match event:
            case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                return [self._rename_item(event)]
            case ThreadItemUpdatedEvent(item_id=codec.FAKE_ID) if self._current:
                return [event.model_copy(update={"item_id": self._current})]
            case ThreadItemRemovedEvent(item_id=codec.FAKE_ID):
                made, self._made = self._made, []
                return [event.model_copy(update={"item_id": item_id}) for item_id in made]
            case _:
                return [event]

    def _rename_item(self, event: Any) -> Any:
        if event.item.id != codec.FAKE_ID:
            return event
        if self._current is None or isinstance(event, ThreadItemAddedEvent):
            self._current = self._generate(codec.store_item_type(event.item))
            self._made.append(self._current)
        item = event.item.model_copy(update={"id": self._current})
        if isinstance(event, ThreadItemDoneEvent):
            self._current = None
        return event.model_copy(update={"item": item})
