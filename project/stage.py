"""Where the demo's scenes play: one thread of one user, and how things are said and shown there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chatkit.store import Store, StoreItemType
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot
from django.utils import timezone

Events = AsyncIterator[ThreadStreamEvent]


@dataclass
class Stage:
    """Where a scene plays: one thread of one user."""

    thread: ThreadMetadata
    store: Store[Any]
    context: Any
    pace: float = 0.015
    """Seconds between two words."""

    def base(self, kind: StoreItemType = "message") -> dict[str, Any]:
        """Return what every new item has."""
        return {
            "id": self.store.generate_item_id(kind, self.thread, self.context),
            "thread_id": self.thread.id,
            "created_at": timezone.now(),
        }

    async def say(self, text: str, *annotations: Annotation, pace: float | None = None) -> Events:
        """Stream a text word by word, then its annotations."""
        pace = self.pace if pace is None else pace
        item = AssistantMessageItem(**self.base(), content=[])
        content = AssistantMessageContent(text="", annotations=[])

        def update(change: Any) -> ThreadItemUpdatedEvent:
            return ThreadItemUpdatedEvent(item_id=item.id, update=change)

        yield ThreadItemAddedEvent(item=item)
        yield update(AssistantMessageContentPartAdded(content_index=0, content=content))
        # Long texts come in larger pieces: at most a thousand events an answer.
        words = re.findall(r"\S*\s*", text)
        step = max(1, len(words) // 1000)
        for start in range(0, len(words), step):
            delta = "".join(words[start : start + step])
            yield update(AssistantMessageContentPartTextDelta(content_index=0, delta=delta))
            await asyncio.sleep(pace)
        for index, annotation in enumerate(annotations):
            yield update(
                AssistantMessageContentPartAnnotationAdded(
                    content_index=0, annotation_index=index, annotation=annotation
                )
            )
        content = AssistantMessageContent(text=text, annotations=list(annotations))
        yield update(AssistantMessageContentPartDone(content_index=0, content=content))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))

    def show(self, widget: dict[str, Any], copy_text: str) -> ThreadItemDoneEvent:
        """Return the event that shows a widget."""
        root = DynamicWidgetRoot.model_validate(widget)
        return ThreadItemDoneEvent(item=WidgetItem(**self.base(), widget=root, copy_text=copy_text))
