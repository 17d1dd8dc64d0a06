"""DjangoSession: the Agents SDK's Session, for those who call its Runner themselves."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

from agents import SessionSettings, TResponseInputItem
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from chatstore.store import DjangoStore

TContext = TypeVar("TContext")


class DjangoSession(Generic[TContext]):
    """
    Keeps a session's items with a thread, which is created if it is not there.

    Of two runs that write at once, each one's items stay together, in the order of the writes. In
    ``respond()``, the items of a turn are deleted and redacted with the thread's items of that
    turn, and left out while one of these is hidden. ``run_agent`` needs no session, and does not
    read it.

    Args:
        session_id: the thread's id.
        context: names the owner, as in DjangoStore.
        store: DjangoStore, or a subclass of it.
        session_settings: of the Agents SDK, such as ``limit``.

    Its methods raise ValueError without a valid owner, NotFoundError where the thread is another
    owner's, and django.db.Error as DjangoStore does.
    """

    def __init__(
        self,
        session_id: str,
        context: TContext,
        *,
        store: DjangoStore[TContext] | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings: SessionSettings | None = coerce_session_settings(
            session_settings if session_settings is not None else SessionSettings()
        )
        self._context = context
        self._store: DjangoStore[TContext] = store or DjangoStore()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the session's items, oldest first; with a limit the newest ones."""
        limit = resolve_session_limit(limit, self.session_settings)
        if limit is not None and limit <= 0:
            return []
        items = await self._store.load_session_items(self.session_id, limit, self._context)
        return cast("list[TResponseInputItem]", items)

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add items at the end, together; TypeError if one is no JSON."""
        if items:
            added = cast("list[dict[str, Any]]", items)
            await self._store.add_session_items(self.session_id, added, self._context)

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove the newest item, and return it; None if there is none."""
        item = await self._store.pop_session_item(self.session_id, self._context)
        return cast("TResponseInputItem | None", item)

    async def clear_session(self) -> None:
        """Remove all items; the thread stays."""
        await self._store.clear_session(self.session_id, self._context)
