"""What ChatServer asks of a store besides chatkit's own interface."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from chatkit.types import FeedbackKind


@runtime_checkable
class ExtendedStore(Protocol):
    """A store that keeps feedback, and deletes what follows an item in one operation."""

    async def save_feedback(
        self, thread_id: str, item_ids: list[str], kind: FeedbackKind, context: Any
    ) -> None: ...

    async def delete_items_after(self, thread_id: str, item_id: str, context: Any) -> None: ...
