"""
DjangoStore: the async methods that ChatKit calls.

Each runs one operation, of threads, items or attachments; chatstore.db.execution decides where,
repeats it after a transient error, and releases its connection.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Generic, ParamSpec, TypeVar

from chatkit.store import Store, StoreItemType
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    FeedbackKind,
    Page,
    ThreadItem,
    ThreadMetadata,
    WidgetItem,
)

from chatstore import codec
from chatstore.files import signed_urls
from chatstore.store import attachments, edits, items, threads
from chatstore.store.model_turn_methods import ModelTurnMethods
from chatstore.store.own_thread_methods import OwnThreadMethods
from chatstore.store.running_answer_methods import RunningAnswerMethods
from chatstore.turns import (
    Required,
    Turn,
    current_turn,
    is_seen,
    mark_deleted,
    mark_seen,
    mark_stored,
    mark_thread_seen,
    turn_of,
    with_first_title,
)

TContext = TypeVar("TContext")
P = ParamSpec("P")
Result = TypeVar("Result")


class DjangoStore(
    ModelTurnMethods[TContext],
    OwnThreadMethods[TContext],
    RunningAnswerMethods[TContext],
    Store[TContext],
    Generic[TContext],
):
    """
    ChatKit's Store: keeps threads, items and attachments in the database (S1 to S18).

    Reads and writes use the database that the router names for writes of ChatSession. The context
    is any object with a ``user_id``, as a key or as an attribute; override ``get_user_id`` for
    another one.

    Each method raises ValueError if the context has no valid user_id (S2), and django.db.Error if
    the database still fails after three more attempts (S15). NotFoundError is ChatKit's; an
    object of another owner is not found either (S3).
    """

    def generate_thread_id(self, context: TContext) -> str:
        """Return a new id with 128 random bits (S4)."""
        return codec.new_id("thread")

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: TContext
    ) -> str:
        """Return a new id with ChatKit's prefix for the type and 128 random bits (S4)."""
        return codec.new_id(item_type)

    async def load_thread(self, thread_id: str, context: TContext) -> ThreadMetadata:
        """Return a thread as it was saved (S6); NotFoundError if there is none."""
        thread, retry_id = await self._read(threads.load_thread, context, thread_id)
        mark_thread_seen(thread, retry_id)
        return thread

    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        """
        Create or update a thread, without its items (S7).

        In a request that has loaded or saved the thread before, it is only updated: if it was
        deleted meanwhile, nothing happens. Raises NotFoundError if the id is another owner's,
        ValueError for what can't be stored as JSON (S6).
        """
        thread = with_first_title(thread)
        turn, current = turn_of(thread.id), current_turn()
        required = Required(turn.retry_id, None) if turn else None
        await self._write(
            threads.save_thread,
            context,
            thread,
            update_only=is_seen(thread.id),
            required=required,
            listing="temporary" if current and current.is_temporary else "",
        )
        mark_thread_seen(thread, is_new=True)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: TContext
    ) -> Page[ThreadMetadata]:
        """
        Return a page of the owner's threads, ordered by created_at (S11).

        Those that are archived (V9) or temporary (R6) are left out.

        Args:
            limit: the most threads; ValueError below 1.
            after: the cursor, an id of the owner's threads; NotFoundError for another id.
            order: "asc" or "desc"; else ValueError.
        """
        return await self._read(threads.load_threads, context, after, limit, order)

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        """Delete a thread with its items and files, if there is one; hide it on hold (M4)."""
        await self._write(threads.delete_thread, context, thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        """
        Return a page of a thread's items, in order of arrival (S10); empty for an unknown thread.

        Arguments and errors are those of load_threads; ``after`` is the id of one of its items.
        """
        page = await self._read(items.load_items, context, thread_id, after, limit, order)
        signed_urls.renew_item_urls(page.data, self.get_user_id(context), context)
        return page

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """
        Add an item at the end; if its id is there, S8 says which items it replaces.

        Raises NotFoundError for an unknown thread, ValueError for what can't be stored (S6), and
        chatstore.turns.StateChangedError in a turn that a retry has replaced (S20). In a turn that
        edits a message, the first item takes its place (V19); RequestRefused (409) on hold.
        """
        if item.id == codec.FAKE_ID:  # once, so that a repeated attempt uses the same id
            thread = ThreadMetadata(id=thread_id, created_at=item.created_at)
            new_id = self.generate_item_id(codec.store_item_type(item), thread, context)
            item = item.model_copy(update={"id": new_id})
        await self._put_item(thread_id, item, context, replace=False)

    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """
        Add or replace an item (S9); errors are those of add_thread_item.

        In a request that answers a tool call or a question, the first item that is saved is this
        answer: it is refused with StateChangedError if there is one already (S20).
        """
        turn = turn_of(thread_id)
        if turn and turn.is_answer:
            await self._write(items.answer_item, context, thread_id, item, turn.require())
            turn.is_answer = False
            mark_stored(thread_id, item)
        else:
            await self._put_item(thread_id, item, context, replace=True)

    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        """Return an item as it was saved (S6); NotFoundError if there is none, or it is hidden."""
        item = await self._read(items.load_item, context, thread_id, item_id)
        signed_urls.renew_item_urls([item], self.get_user_id(context), context)
        return item

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        """Delete an item with its files, if there is one (S9); hide it on hold (M4)."""
        turn = turn_of(thread_id)
        required = Required(turn.retry_id, None) if turn else None
        await self._write(items.delete_item, context, thread_id, item_id, required)
        mark_deleted(thread_id, item_id)

    async def delete_items_after(self, thread_id: str, item_id: str, context: TContext) -> None:
        """
        Delete all items after this one, hidden ones too, before its answer is retried (M2).

        What a turn stores that has begun before is dropped from then on (S20).
        """
        turn, retry_id = turn_of(thread_id), uuid.uuid4().hex
        required = turn.require() if turn else None
        await self._write(items.delete_items_after, context, thread_id, item_id, retry_id, required)
        if turn:
            turn.retry_id = retry_id

    async def add_unfinished_answer(
        self,
        thread_id: str,
        item: AssistantMessageItem | WidgetItem,
        ending: codec.Ending,
        context: TContext,
    ) -> None:
        """
        Add what there is of an answer, marked with how it ended (V4).

        An item that is there already stays as it is, without a mark.
        """
        await self._put_item(thread_id, item, context, replace=False, ending=ending)

    async def has_item(self, thread_id: str, item_id: str, context: TContext) -> bool:
        """Tell whether the item's id is taken: also by one that is hidden, or can't be decoded."""
        return await self._read(items.has_item, context, thread_id, item_id)

    async def save_feedback(
        self, thread_id: str, item_ids: list[str], kind: FeedbackKind, context: TContext
    ) -> None:
        """Store the user's feedback with the items; unknown and hidden items are ignored (V1)."""
        await self._read(items.save_feedback, context, thread_id, item_ids, kind)

    async def load_suspension(self, context: TContext) -> tuple[str, dt.datetime | None] | None:
        """Return why and until when the user may not write; None if they may (M6)."""
        return await self._read(items.load_suspension, context)

    async def save_attachment(self, attachment: Attachment, context: TContext) -> None:
        """
        Create or update an attachment; NotFoundError if the id is another owner's (S3).

        In a request that has loaded it before, it is only updated; NotFoundError if it is gone.
        In a turn of its thread, StateChangedError if it was sent in another one (S20).
        """
        await self._write(
            attachments.save_attachment,
            context,
            attachment,
            update_only=is_seen(attachment.id),
            in_turn=turn_of(attachment.thread_id or "") is not None,
        )

    async def load_attachment(self, attachment_id: str, context: TContext) -> Attachment:
        """Return an attachment, with a new preview URL (S6); NotFoundError if there is none."""
        attachment = await self._read(attachments.load_attachment, context, attachment_id)
        mark_seen(attachment_id)
        signed_urls.renew_preview_url(attachment, self.get_user_id(context), context)
        return attachment

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        """Delete an attachment and its file, if there is one (A4); hide it on hold (M4)."""
        await self._write(attachments.delete_attachment, context, attachment_id)

    async def _put_item(
        self,
        thread_id: str,
        item: ThreadItem,
        context: TContext,
        *,
        replace: bool,
        ending: str = "",
    ) -> None:
        turn = turn_of(thread_id)
        if turn and turn.replaces:
            await self._replace_message(thread_id, item, turn, context)
            return
        required = turn.require() if turn else None
        await self._write(
            items.put_item,
            context,
            thread_id,
            item,
            replace=replace,
            ending=ending,
            required=required,
        )
        mark_stored(thread_id, item)

    async def _replace_message(
        self, thread_id: str, item: ThreadItem, turn: Turn, context: TContext
    ) -> None:
        """Add the turn's message in the place of the one that it replaces (V19)."""
        retry_id = uuid.uuid4().hex
        await self._write(
            edits.replace_message,
            context,
            thread_id,
            turn.replaces,
            item,
            retry_id=retry_id,
            required=turn.require(),
        )
        turn.retry_id, turn.replaces = retry_id, ""
        mark_stored(thread_id, item)
