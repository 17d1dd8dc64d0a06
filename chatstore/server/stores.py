"""What ChatServer asks of a store besides chatkit's own interface."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol, runtime_checkable

from chatkit.types import AssistantMessageItem, FeedbackKind, WidgetItem

from chatstore import codec


@runtime_checkable
class ExtendedStore(Protocol):
    """A store that keeps what ChatKit's own interface has no method for."""

    async def save_feedback(
        self, thread_id: str, item_ids: list[str], kind: FeedbackKind, context: Any
    ) -> None: ...

    async def delete_items_after(self, thread_id: str, item_id: str, context: Any) -> None: ...

    async def add_unfinished_answer(
        self,
        thread_id: str,
        item: AssistantMessageItem | WidgetItem,
        ending: codec.Ending,
        context: Any,
    ) -> None: ...

    async def has_item(self, thread_id: str, item_id: str, context: Any) -> bool: ...


@runtime_checkable
class AnsweringStore(Protocol):
    """A store that marks threads while they are answered, for all processes (S22)."""

    async def begin_answer(self, thread_id: str, until: dt.datetime, context: Any) -> str: ...

    async def renew_answers(
        self, thread_ids: list[str], until: dt.datetime, context: Any
    ) -> None: ...

    async def end_answer(self, thread_id: str, until: dt.datetime, context: Any) -> None: ...

    async def stop_answers(self, thread_id: str, context: Any) -> None: ...


@runtime_checkable
class SuspensionStore(Protocol):
    """A store that knows who is suspended."""

    async def load_suspension(self, context: Any) -> tuple[str, dt.datetime | None] | None: ...


@runtime_checkable
class ModelTurnStore(Protocol):
    """A store that keeps what models did in a thread's turns, besides its items."""

    async def add_model_turn(
        self, thread_id: str, model_turn: codec.ModelTurn, context: Any
    ) -> bool: ...

    async def load_model_turns(
        self, thread_id: str, limit: int, context: Any
    ) -> list[codec.ModelTurn]: ...
