"""Makes the stream events of the demo's answers: texts and widgets."""

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
class Reply:
    """The answer to one message in a thread."""

    thread: ThreadMetadata
    store: Store[Any]
    context: Any
    seconds_per_word: float = 0.015

    def item_fields(self, kind: StoreItemType = "message") -> dict[str, Any]:
        """Return the fields that every new item needs: id, thread_id, created_at."""
        return {
            "id": self.store.generate_item_id(kind, self.thread, self.context),
            "thread_id": self.thread.id,
            "created_at": timezone.now(),
        }

    async def text(
        self, text: str, *annotations: Annotation, seconds_per_word: float | None = None
    ) -> Events:
        """Yield the events that stream a text word by word, then its annotations."""
        seconds_per_word = self.seconds_per_word if seconds_per_word is None else seconds_per_word
        item = AssistantMessageItem(**self.item_fields(), content=[])
        content = AssistantMessageContent(text="", annotations=[])

        def update(change: Any) -> ThreadItemUpdatedEvent:
            return ThreadItemUpdatedEvent(item_id=item.id, update=change)

        yield ThreadItemAddedEvent(item=item)
        yield update(AssistantMessageContentPartAdded(content_index=0, content=content))
        # Long texts are sent in larger parts, so that an answer has at most 1,000 events.
        words = re.findall(r"\S*\s*", text)
        step = max(1, len(words) // 1000)
        for start in range(0, len(words), step):
            delta = "".join(words[start : start + step])
            yield update(AssistantMessageContentPartTextDelta(content_index=0, delta=delta))
            await asyncio.sleep(seconds_per_word)
        for index, annotation in enumerate(annotations):
            yield update(
                AssistantMessageContentPartAnnotationAdded(
                    content_index=0, annotation_index=index, annotation=annotation
                )
            )
        content = AssistantMessageContent(text=text, annotations=list(annotations))
        yield update(AssistantMessageContentPartDone(content_index=0, content=content))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))

    def widget(self, widget: dict[str, Any], copy_text: str) -> ThreadItemDoneEvent:
        """Return the event that adds a widget."""
        root = DynamicWidgetRoot.model_validate(widget)
        return ThreadItemDoneEvent(
            item=WidgetItem(**self.item_fields(), widget=root, copy_text=copy_text)
        )
