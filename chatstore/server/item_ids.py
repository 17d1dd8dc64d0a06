"""
Unique ids for the items of a stream (S8): models behind chat-completions give every answer and
every call the same id, and others use one again that is in the thread already.
"""

from __future__ import annotations

from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    Thread,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from chatstore import codec
from chatstore.server.stores import ExtendedStore


class ItemIds:
    """
    Gives a new id to each item of a stream whose own is ``__fake_id__``, or is taken.

    An item keeps its id from its first event to its last. Only what comes from a model is given
    a new one for an id that is taken: the SDK adds an open workflow again in the next turn, and an
    application may replace a widget, each under the same id.

    Args:
        thread: that the stream is for.
        store: where the thread is kept.
        context: the request's.
    """

    def __init__(self, thread: ThreadMetadata, store: Store[Any], context: Any) -> None:
        self._thread = thread
        self._store = store
        self._context = context
        self._new_ids: dict[str, str] = {}  # the newest, by the model's id
        self._all_ids: dict[str, list[str]] = {}
        self._begun: set[str] = set()  # the model's ids of items that are not done
        self._done: dict[str, ThreadItem] = {}  # the newest item that is done, by the model's id

    async def rename(self, event: ThreadStreamEvent) -> list[ThreadStreamEvent]:
        """Return the events to send in place of this one."""
        match event:
            case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                item_id = await self._new_id(event)
                if item_id == event.item.id:
                    return [event]
                item = event.item.model_copy(update={"id": item_id})
                return [event.model_copy(update={"item": item})]
            case ThreadItemUpdatedEvent(item_id=item_id) if item_id in self._new_ids:
                return [event.model_copy(update={"item_id": self._new_ids[item_id]})]
            case ThreadItemRemovedEvent(item_id=item_id) if item_id in self._all_ids:
                all_ids = self._all_ids.pop(item_id)
                return [event.model_copy(update={"item_id": new_id}) for new_id in all_ids]
            case _:
                return [event]

    async def _new_id(
        self, event: ThreadItemAddedEvent | ThreadItemDoneEvent | ThreadItemReplacedEvent
    ) -> str:
        """Return the id under which the event's item is stored and sent."""
        item, old = event.item, event.item.id
        if await self._is_new(event):
            new = self._store.generate_item_id(
                codec.store_item_type(item), self._thread, self._context
            )
        else:
            new = self._new_ids.get(old, old)
        self._new_ids[old] = new
        all_ids = self._all_ids.setdefault(old, [])
        if new not in all_ids:
            all_ids.append(new)
        if isinstance(event, ThreadItemAddedEvent):
            self._begun.add(old)
        elif isinstance(event, ThreadItemDoneEvent):
            self._begun.discard(old)
            self._done[old] = item
        return new

    async def _is_new(
        self, event: ThreadItemAddedEvent | ThreadItemDoneEvent | ThreadItemReplacedEvent
    ) -> bool:
        """Tell whether the event's item needs an id of its own."""
        item, item_id = event.item, event.item.id
        is_added, is_begun = isinstance(event, ThreadItemAddedEvent), item_id in self._begun
        if item_id == codec.FAKE_ID:
            return is_added or not is_begun
        if isinstance(event, ThreadItemReplacedEvent) or not _is_from_model(item):
            return False
        if item_id in self._new_ids:
            if is_added or is_begun or not isinstance(item, AssistantMessageItem):
                return is_added and not is_begun
            # Done a second time: the same once more, or another answer, which would be dropped.
            done = self._done.get(item_id)
            return not isinstance(done, AssistantMessageItem) or done.content != item.content
        return await self._is_taken(item_id)

    async def _is_taken(self, item_id: str) -> bool:
        if isinstance(self._thread, Thread):  # the SDK has created it, and says which items it has
            return any(item.id == item_id for item in self._thread.items.data)
        if isinstance(self._store, ExtendedStore):
            return await self._store.has_item(self._thread.id, item_id, self._context)
        try:
            await self._store.load_item(self._thread.id, item_id, self._context)
        except NotFoundError:
            return False
        return True


def _is_from_model(item: ThreadItem) -> bool:
    """Tell whether chatkit takes over the id that a model has given the item."""
    if isinstance(item, ClientToolCallItem):
        return item.status == "pending"  # a completed one is the same call once more
    return isinstance(item, AssistantMessageItem)
