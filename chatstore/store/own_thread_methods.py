"""The methods of DjangoStore for what an owner does with threads besides writing in them."""

from __future__ import annotations

from typing import Generic, TypeVar

from chatstore.store import items, own_threads, search
from chatstore.store.operations import Operations
from chatstore.store.own_threads import ThreadList, ThreadState

TContext = TypeVar("TContext")


class OwnThreadMethods(Operations[TContext], Generic[TContext]):
    """
    The requests beside ChatKit's endpoint use them; ChatKit's own interface has none.

    Each raises NotFoundError for a thread that is not the owner's; those that change one raise
    RequestRefused (409) for a temporary thread.
    """

    async def load_pinned_threads(self, limit: int, context: TContext) -> ThreadList:
        """Return the threads that were pinned last, the newest pin first (V9)."""
        return await self._read(own_threads.load_pinned, context, limit)

    async def load_recent_threads(
        self, limit: int, after: str | None, context: TContext, *, listing: str = ""
    ) -> ThreadList:
        """
        Return a page of the threads that were active last, the last one first (V20).

        A thread that becomes active while pages are loaded is not repeated; a page that is loaded
        anew has it at the top.

        Args:
            after: the cursor ``after`` of the page before; RequestRefused (400) for another text.
            listing: empty for those that are listed, "archived" for those (V9).
        """
        return await self._read(own_threads.load_recent, context, limit, after, listing)

    async def search_messages(
        self, text: str, limit: int, after: str | None, context: TContext
    ) -> search.Found:
        """
        Return a page of the messages that have all words and phrases of a text, the newest first,
        and with the first page the threads whose titles have them (V21).

        Args:
            after: the cursor ``after`` of the page before; RequestRefused (400) for another text.
        """
        return await self._read(search.search_messages, context, text, limit, after)

    async def save_feedback_comment(
        self, thread_id: str, item_id: str, comment: str, context: TContext
    ) -> None:
        """
        Store what the user has written with a thumb down; empty for nothing.

        Raises NotFoundError for an item that is unknown or hidden, or has no thumb down.
        """
        await self._read(items.save_feedback_comment, context, thread_id, item_id, comment)

    async def load_thread_state(self, thread_id: str, context: TContext) -> ThreadState:
        """Return whether a thread is pinned, archived, shared or temporary."""
        return await self._read(own_threads.load_state, context, thread_id)

    async def pin_thread(self, thread_id: str, is_pinned: bool, context: TContext) -> None:
        """Pin a thread, or end that; what is pinned is no longer archived (V9)."""
        await self._write(own_threads.pin, context, thread_id, is_pinned)

    async def archive_thread(self, thread_id: str, is_archived: bool, context: TContext) -> None:
        """Archive a thread, or end that; what is archived is no longer pinned (V9)."""
        await self._write(own_threads.archive, context, thread_id, is_archived)

    async def share_thread(self, thread_id: str, share_hash: str, context: TContext) -> list[str]:
        """
        Share the thread's items so far, by the link whose token has this hash; it replaces another.
        Return the ids of the questions that are open: their answers are none of these items.

        Raises RequestRefused (409) for a thread that a moderator has locked or closed too.
        """
        return await self._write(own_threads.share, context, thread_id, share_hash)

    async def end_share(self, thread_id: str, context: TContext) -> None:
        """End the thread's link, if there is one."""
        await self._write(own_threads.end_share, context, thread_id)
