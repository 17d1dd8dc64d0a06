"""The methods of DjangoStore for what models did in the turns of a thread."""

from __future__ import annotations

import datetime as dt
from typing import Any, Generic, TypeVar

from chatkit.types import ThreadMetadata

from chatstore import codec
from chatstore.store import model_turns, threads
from chatstore.store.operations import Operations
from chatstore.turns import Required, is_seen, turn_of

TContext = TypeVar("TContext")


class ModelTurnMethods(Operations[TContext], Generic[TContext]):
    """ChatServer and DjangoSession use them; ChatKit's own interface has none."""

    async def add_model_turn(
        self, thread_id: str, model_turn: codec.ModelTurn, context: TContext
    ) -> bool:
        """
        Keep what a model did in a turn, for its next turns; return whether it is kept.

        Nothing is kept in a thread that is gone, in a turn that a retry has replaced (S20), or
        where a message was redacted meanwhile, or for a summary hidden or deleted (M2).
        """
        turn = turn_of(thread_id)
        began_at = turn.began_at if turn else dt.datetime.now(dt.UTC)
        began_at = model_turn.read_at or began_at
        required = Required(turn.retry_id, None) if turn else None
        return await self._write(
            model_turns.add_model_turn, context, thread_id, model_turn, began_at, required
        )

    async def load_model_turns(
        self, thread_id: str, limit: int, context: TContext
    ) -> list[codec.ModelTurn]:
        """Return what models did in the thread's newest turns, newest first, with summaries."""
        return await self._read(
            model_turns.load_model_turns, context, thread_id, limit, "run", "summary"
        )

    async def tie_model_turns(
        self, thread_id: str, turn_ids: list[str], item_ids: dict[str, str], context: TContext
    ) -> None:
        """Tie turns to these items of the thread, with which they go; the values are digests."""
        await self._write(model_turns.tie_model_turns, context, thread_id, turn_ids, item_ids)

    async def load_session_items(
        self, thread_id: str, limit: int | None, context: TContext
    ) -> list[dict[str, Any]]:
        """
        Return the items of the thread's session, oldest first; with a limit the newest ones.

        Those whose message is hidden or gone are left out (M2).
        """
        return await self._read(model_turns.load_session_items, context, thread_id, limit)

    async def add_session_items(
        self, thread_id: str, items: list[dict[str, Any]], context: TContext
    ) -> None:
        """
        Add items at the session's end, together; in a turn of ChatServer they go with its items.

        The thread is created, unless the request has seen it: then it was deleted, or a retry has
        replaced the turn, and nothing is stored (S7, S20). Raises NotFoundError where it is another
        owner's, TypeError for what is no JSON.
        """
        turn = turn_of(thread_id)
        ids = (
            {item_id: codec.message_digest(item) for item_id, item in turn.stored.items()}
            if turn
            else {}
        )
        model_turn = codec.ModelTurn(
            [codec.Step("", "", items)],
            ids,
            after_item_id=next(iter(ids), ""),
            kind="session",
        )
        if not await self.add_model_turn(thread_id, model_turn, context) and not is_seen(thread_id):
            thread = ThreadMetadata(id=thread_id, created_at=dt.datetime.now(dt.UTC))
            await self._write(
                threads.save_thread, context, thread, update_only=False, required=None
            )
            await self.add_model_turn(thread_id, model_turn, context)
        if turn:
            turn.session_turns.append(model_turn.id)

    async def pop_session_item(self, thread_id: str, context: TContext) -> dict[str, Any] | None:
        """Remove the session's newest item, and return it; None if there is none."""
        return await self._write(model_turns.pop_session_item, context, thread_id)

    async def clear_session(self, thread_id: str, context: TContext) -> None:
        """Remove all items of the thread's session."""
        await self._write(model_turns.clear_session, context, thread_id)
