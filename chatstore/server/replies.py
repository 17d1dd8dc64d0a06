"""Reply: an answer without a model, by words and not by the SDK's classes of items and events."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any, Literal

from chatkit.store import Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    NoticeEvent,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot, WidgetRoot
from django.utils import timezone


class Reply:
    """
    Makes the events for respond() and action() to yield; ``ChatServer.reply`` returns one.

    Args:
        thread: as respond() got it.
        store: where the thread is kept.
        context: as respond() got it.
    """

    def __init__(self, thread: ThreadMetadata, store: Store[Any], context: Any) -> None:
        self._thread = thread
        self._store = store
        self._context = context

    def text(self, text: str) -> ThreadItemDoneEvent:
        """Return the event of a whole answer, in Markdown."""
        content = [AssistantMessageContent(text=text)]
        return ThreadItemDoneEvent(item=AssistantMessageItem(**self._fields(), content=content))

    async def stream(self, parts: AsyncIterable[str]) -> AsyncIterator[ThreadStreamEvent]:
        """
        Yield the events of an answer that comes in parts.

        When the answer is stopped, the parts' iterator is closed too.
        """
        item, text = AssistantMessageItem(**self._fields(), content=[]), ""
        yield ThreadItemAddedEvent(item=item)
        empty = AssistantMessageContent(text="")
        yield _update(item, AssistantMessageContentPartAdded(content_index=0, content=empty))
        try:
            async for part in parts:
                text += part
                delta = AssistantMessageContentPartTextDelta(content_index=0, delta=part)
                yield _update(item, delta)
        finally:
            closed = getattr(parts, "aclose", lambda: None)()
            if inspect.isawaitable(closed):
                await closed
        content = AssistantMessageContent(text=text)
        yield _update(item, AssistantMessageContentPartDone(content_index=0, content=content))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))

    def widget(
        self, widget: WidgetRoot | Mapping[str, Any], copy_text: str | None = None
    ) -> ThreadItemDoneEvent:
        """
        Return the event of a widget.

        Args:
            widget: of ChatKit, or its JSON, such as ``{"type": "Card", "children": […]}``.
            copy_text: what is copied in its place, and found by moderators.
        """
        root = DynamicWidgetRoot.model_validate(widget) if isinstance(widget, Mapping) else widget
        return ThreadItemDoneEvent(
            item=WidgetItem(**self._fields(), widget=root, copy_text=copy_text)
        )

    def notice(
        self,
        message: str,
        level: Literal["info", "warning", "danger"] = "info",
        title: str | None = None,
    ) -> NoticeEvent:
        """Return the event of a notice, which is shown and not stored."""
        return NoticeEvent(message=message, level=level, title=title)

    def progress(self, text: str, icon: Any = None) -> ProgressUpdateEvent:
        """
        Return the event that says what goes on until the answer begins; it is not stored.

        Args:
            icon: the name of one of ChatKit's icons, such as "search".
        """
        return ProgressUpdateEvent(text=text, icon=icon)

    def title(self, title: str) -> None:
        """Set the thread's title; it is stored and sent with the next event, or at the end."""
        self._thread.title = title

    def _fields(self) -> dict[str, Any]:
        return {
            "id": self._store.generate_item_id("message", self._thread, self._context),
            "thread_id": self._thread.id,
            "created_at": timezone.now(),
        }


def _update(item: AssistantMessageItem, change: Any) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id=item.id, update=change)
