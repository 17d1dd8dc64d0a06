"""The methods of DjangoStore for what an owner does with threads besides writing in them."""

from __future__ import annotations

from typing import Generic, TypeVar

from chatkit.types import Page, ThreadMetadata

from chatstore.store import own_threads, threads
from chatstore.store.operations import Operations
from chatstore.store.own_threads import ThreadState

TContext = TypeVar("TContext")


class OwnThreadMethods(Operations[TContext], Generic[TContext]):
    """
    The requests beside ChatKit's endpoint use them; ChatKit's own interface has none.

    Each raises NotFoundError for a thread that is not the owner's; those that change one raise
    RequestRefused (409) for a temporary thread.
    """

    async def load_pinned_threads(self, limit: int, context: TContext) -> list[ThreadMetadata]:
        """Return the threads that were pinned last, the newest pin first (V9)."""
        return await self._read(own_threads.load_pinned, context, limit)

    async def load_archived_threads(
        self, limit: int, after: str | None, order: str, context: TContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the archived threads; arguments and errors are load_threads'."""
        return await self._read(threads.load_threads, context, after, limit, order, "archived")

    async def load_thread_state(self, thread_id: str, context: TContext) -> ThreadState:
        """Return whether a thread is pinned, archived, shared or temporary."""
        return await self._read(own_threads.load_state, context, thread_id)

    async def pin_thread(self, thread_id: str, is_pinned: bool, context: TContext) -> None:
        """Pin a thread, or end that; what is pinned is no longer archived (V9)."""
        await self._write(own_threads.pin, context, thread_id, is_pinned)

    async def archive_thread(self, thread_id: str, is_archived: bool, context: TContext) -> None:
        """Archive a thread, or end that; what is archived is no longer pinned (V9)."""
        await self._write(own_threads.archive, context, thread_id, is_archived)

    async def share_thread(self, thread_id: str, share_hash: str, context: TContext) -> None:
        """
        Share the thread's items so far, by the link whose token has this hash; it replaces another.

        Raises RequestRefused (409) for a thread that a moderator has locked or closed too.
        """
        await self._write(own_threads.share, context, thread_id, share_hash)

    async def end_share(self, thread_id: str, context: TContext) -> None:
        """End the thread's link, if there is one."""
        await self._write(own_threads.end_share, context, thread_id)
