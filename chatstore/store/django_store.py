"""
DjangoStore: the async methods that ChatKit calls.

Each runs one sync operation in one hop to the request's thread; how an operation is tried again,
and how it gives its connection back, is in chatstore.db.execution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from chatkit.store import Store, StoreItemType
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    FeedbackKind,
    Page,
    ThreadItem,
    ThreadMetadata,
)
from django.db import router

from chatstore import codec
from chatstore.db.execution import Attempt, run
from chatstore.files import signed_urls
from chatstore.models import ChatSession
from chatstore.seen_threads import mark_thread_seen, is_thread_seen
from chatstore.store import attachments, items, threads
from chatstore.store.owner import Owner

TContext = TypeVar("TContext")
P = ParamSpec("P")
Result = TypeVar("Result")


class DjangoStore(Store[TContext], Generic[TContext]):
    """
    Keeps threads, items and attachments in the database that writes of ChatSession go to.

    The context is anything with a ``user_id``, as a key or as an attribute; override
    ``get_user_id`` for another. Errors are ChatKit's: NotFoundError for what is not there or
    not the caller's, ValueError for what can't be stored; what the database still raises after
    three more tries is raised on.
    """

    def get_user_id(self, context: TContext) -> Any:
        """Return the owner's id, or None (S2)."""
        return codec.user_id_from_context(context)

    def generate_thread_id(self, context: TContext) -> str:
        return codec.new_id("thread")

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: TContext
    ) -> str:
        return codec.new_id(item_type)

    # The operations

    async def load_thread(self, thread_id: str, context: TContext) -> ThreadMetadata:
        thread = await self._read(threads.load_thread, context, thread_id)
        mark_thread_seen(thread_id)
        return thread

    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        is_in_request = is_thread_seen(thread.id)
        await self._write(threads.save_thread, context, thread, update_only=is_in_request)
        mark_thread_seen(thread.id)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: TContext
    ) -> Page[ThreadMetadata]:
        return await self._read(threads.load_threads, context, after, limit, order)

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        await self._write(threads.delete_thread, context, thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        page = await self._read(items.load_items, context, thread_id, after, limit, order)
        signed_urls.renew_item_urls(page.data, self.get_user_id(context), context)
        return page

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        if item.id == codec.FAKE_ID:  # once, before the first try, so that a repeat finds it
            thread = ThreadMetadata(id=thread_id, created_at=item.created_at)
            new_id = self.generate_item_id(codec.store_item_type(item), thread, context)
            item = item.model_copy(update={"id": new_id})
        await self._write(items.put_item, context, thread_id, item, replace=False)

    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        await self._write(items.put_item, context, thread_id, item, replace=True)

    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        item = await self._read(items.load_item, context, thread_id, item_id)
        signed_urls.renew_item_urls([item], self.get_user_id(context), context)
        return item

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        await self._write(items.delete_item, context, thread_id, item_id)

    async def delete_items_after(self, thread_id: str, item_id: str, context: TContext) -> None:
        """Delete what follows an item, hidden items too: its answer is asked for anew (M2)."""
        await self._write(items.delete_items_after, context, thread_id, item_id)

    async def add_unfinished_answer(
        self, thread_id: str, item: AssistantMessageItem, ending: codec.Ending, context: TContext
    ) -> None:
        """
        Add what there is of an answer, marked with how it ended (V4).

        An item that is there already stays as it is, without a mark.
        """
        await self._write(items.put_item, context, thread_id, item, replace=False, ending=ending)

    async def has_item(self, thread_id: str, item_id: str, context: TContext) -> bool:
        """Tell whether the item's id is taken: also by one that is hidden, or can't be decoded."""
        return await self._read(items.has_item, context, thread_id, item_id)

    async def save_feedback(
        self, thread_id: str, item_ids: list[str], kind: FeedbackKind, context: TContext
    ) -> None:
        """Keep the user's feedback with the items; unknown and hidden ones are ignored (V1)."""
        await self._read(items.save_feedback, context, thread_id, item_ids, kind)

    async def save_attachment(self, attachment: Attachment, context: TContext) -> None:
        await self._write(attachments.save_attachment, context, attachment)

    async def load_attachment(self, attachment_id: str, context: TContext) -> Attachment:
        attachment = await self._read(attachments.load_attachment, context, attachment_id)
        signed_urls.renew_preview_url(attachment, self.get_user_id(context), context)
        return attachment

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        await self._write(attachments.delete_attachment, context, attachment_id)

    async def _read(
        self,
        operation: Callable[Concatenate[Owner, P], Result],
        context: TContext,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        # Reads too go where writes go: the SDK deletes what a stale read shows it (S13).
        using = router.db_for_write(ChatSession)
        owner = Owner(using, codec.validate_user_id(self.get_user_id(context)))
        return await run(using, lambda attempt: operation(owner, *args, **kwargs))

    async def _write(
        self,
        operation: Callable[Concatenate[Owner, Attempt, P], Result],
        context: TContext,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        using = router.db_for_write(ChatSession)
        owner = Owner(using, codec.validate_user_id(self.get_user_id(context)))
        return await run(using, lambda attempt: operation(owner, attempt, *args, **kwargs))
