"""MemoryStore: a store in memory, for tests without a database."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from chatkit.store import NotFoundError, Store, StoreItemType
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
from chatstore.testing.memory_rows import (
    AttachmentRow,
    ItemRow,
    ModelTurnRow,
    ThreadRow,
    after_cursor,
    build_page,
    decode_rows,
    replaces_when_added,
)
from chatstore.turns import (
    is_seen,
    mark_deleted,
    mark_seen,
    mark_stored,
    mark_thread_seen,
    refuse,
    turn_of,
    with_first_title,
)


class MemoryStore(Store[Any]):
    """
    Keeps threads, items and attachments in memory, with the behaviour of DjangoStore.

    Contexts, ids, return values and errors are those of DjangoStore; it has no moderation. Each
    instance has its own objects. Use it in one event loop: it is not safe for several OS threads.
    """

    def __init__(self) -> None:
        self._threads: dict[str, ThreadRow] = {}
        self._attachments: dict[str, AttachmentRow] = {}

    def get_user_id(self, context: Any) -> Any:
        """Return the owner's id; None if the context has none (S2)."""
        return codec.user_id_from_context(context)

    def generate_thread_id(self, context: Any) -> str:
        return codec.new_id("thread")

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: Any
    ) -> str:
        return codec.new_id(item_type)

    # Threads

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        thread = self._thread(thread_id, context)
        for loaded in decode_rows(codec.load_thread, [(thread_id, thread.payload)]):
            mark_thread_seen(loaded, thread.retry_id)
            return loaded
        raise NotFoundError(f"Thread {thread_id} not found")

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        user_id = self._user_id(context)
        thread = with_first_title(thread)
        values = codec.session_values(thread)
        thread_id, payload = values["thread_id"], values["payload"]
        stored = self._threads.get(thread_id)
        if stored and stored.user_id == user_id:
            turn = turn_of(thread_id)
            if turn is None or turn.retry_id == stored.retry_id:
                stored.payload = payload
        elif is_seen(thread.id):
            pass  # deleted during this request: it stays deleted (S7)
        elif stored:
            raise NotFoundError(f"Thread {thread.id} not found")
        else:
            self._threads[thread_id] = ThreadRow(user_id, values["created_at"], payload)
        mark_thread_seen(thread, is_new=True)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        user_id = self._user_id(context)
        limit = codec.validate_page(limit, order)
        own = {key: row for key, row in self._threads.items() if row.user_id == user_id}
        if after is not None and after not in own:
            raise NotFoundError(f"Thread {after} not found")
        keys = sorted(own, key=lambda key: (own[key].created_at, key))
        rows = [(key, own[key].payload) for key in after_cursor(keys, after, order)]
        return build_page(codec.load_thread, rows, limit)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        if self._find(thread_id, context):
            del self._threads[thread_id]
            self._delete_attachments(lambda row: row.thread_id == thread_id)

    # Items

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        thread = self._find(thread_id, context)
        limit = codec.validate_page(limit, order)
        items = thread.items if thread else {}
        if thread and after is not None and after not in items:
            raise NotFoundError(f"Item {after} not found in thread {thread_id}")
        keys = after_cursor(list(items), after, order)
        shown = [(key, items[key]) for key in keys if not items[key].is_hidden]
        rows = [(key, item.payload, item.ending) for key, item in shown]
        return build_page(codec.load_item, rows, limit)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        if item.id == codec.FAKE_ID:
            thread = ThreadMetadata(id=thread_id, created_at=item.created_at)
            new_id = self.generate_item_id(codec.store_item_type(item), thread, context)
            item = item.model_copy(update={"id": new_id})
        self._put_item(thread_id, item, context, replaces_when_added)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        turn = turn_of(thread_id)
        if turn and turn.is_answer:
            self._answer_item(thread_id, item, context)
            turn.is_answer = False
            mark_stored(thread_id, item)
        else:
            self._put_item(thread_id, item, context, lambda stored, item: not stored.is_redacted)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        thread = self._find(thread_id, context)
        stored = thread.items.get(item_id) if thread else None
        if stored and not stored.is_hidden:
            for item in decode_rows(codec.load_item, [(item_id, stored.payload, stored.ending)]):
                return item
        raise NotFoundError(f"Item {item_id} not found in thread {thread_id}")

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        thread, turn = self._find(thread_id, context), turn_of(thread_id)
        if thread and (turn is None or turn.retry_id == thread.retry_id):
            self._delete_item(thread, thread_id, item_id)
        mark_deleted(thread_id, item_id)

    async def delete_items_after(self, thread_id: str, item_id: str, context: Any) -> None:
        """Delete all items after this one, hidden ones too, before its answer is retried (M2)."""
        thread, turn = self._find(thread_id, context), turn_of(thread_id)
        if not thread or item_id not in thread.items:
            if turn:
                refuse()
            return
        self._check_turn(thread_id, thread)
        thread.retry_id = uuid.uuid4().hex  # what began before stores nothing more (S20)
        if turn:
            turn.retry_id = thread.retry_id
        kept = list(thread.items).index(item_id) + 1
        thread.model_turns = [row for row in thread.model_turns if row.items_before < kept]
        for later in after_cursor(list(thread.items), item_id, "asc"):
            self._delete_item(thread, thread_id, later)

    async def add_unfinished_answer(
        self,
        thread_id: str,
        item: AssistantMessageItem | WidgetItem,
        ending: codec.Ending,
        context: Any,
    ) -> None:
        """Add what there is of an answer, marked with how it ended (V4)."""
        self._put_item(thread_id, item, context, replaces_when_added, ending)

    async def has_item(self, thread_id: str, item_id: str, context: Any) -> bool:
        """Tell whether the item's id is taken: also by one that is hidden, or can't be decoded."""
        thread = self._find(thread_id, context)
        return bool(thread and item_id in thread.items)

    async def add_model_turn(
        self, thread_id: str, model_turn: codec.ModelTurn, context: Any
    ) -> bool:
        """Keep what a model did in a turn; nothing in one that a retry has replaced (S20)."""
        thread, turn = self._find(thread_id, context), turn_of(thread_id)
        if thread and (turn is None or turn.retry_id == thread.retry_id):
            values = codec.model_turn_values(model_turn)
            columns = ("turn_id", "kind", "after_item_id", "item_ids", "payload")
            row = tuple(values[name] for name in columns)
            thread.model_turns.append(ModelTurnRow(row, len(thread.items)))
            return True
        return False

    async def load_model_turns(
        self, thread_id: str, limit: int, context: Any
    ) -> list[codec.ModelTurn]:
        """Return what models did in the thread's newest turns, newest first."""
        thread = self._find(thread_id, context)
        rows = thread.model_turns[::-1][:limit] if thread else []
        return [codec.load_model_turn(*row.columns) for row in rows]

    async def save_feedback(
        self, thread_id: str, item_ids: list[str], kind: FeedbackKind, context: Any
    ) -> None:
        """Store the user's feedback with the items; unknown and hidden items are ignored (V1)."""
        thread = self._find(thread_id, context)
        for item_id in item_ids if thread else ():
            stored = thread.items.get(item_id) if thread else None
            if stored and not stored.is_hidden:
                stored.feedback = kind

    def _put_item(
        self,
        thread_id: str,
        item: ThreadItem,
        context: Any,
        may_replace: Callable[[ItemRow, ItemRow], bool],
        ending: str = "",
    ) -> None:
        user_id = self._user_id(context)
        values = codec.message_values(item)
        thread = self._thread(thread_id, context)
        self._check_turn(thread_id, thread)
        item_id = values["item_id"]
        new = ItemRow(values["payload"], values["item_type"], values["item_status"], ending)
        stored = thread.items.setdefault(item_id, new)
        if stored is not new:
            if may_replace(stored, new):
                stored.payload = new.payload
                stored.item_type, stored.item_status = new.item_type, new.item_status
            elif new.item_type not in codec.IMMUTABLE_TYPES:
                return
        for attachment_id in codec.attachment_ids(item):  # deleted with this item (A4)
            row = self._attachments.get(attachment_id)
            is_free = row and row.item_id is None and row.thread_id in (None, thread_id)
            if row and is_free and row.user_id == user_id:
                row.thread_id, row.item_id = thread_id, item_id
        mark_stored(thread_id, item)

    def _answer_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        thread = self._thread(thread_id, context)
        stored = thread.items.get(item.id)
        if not stored or stored.is_hidden or stored.item_status != "pending":
            refuse()
        self._put_item(thread_id, item, context, replaces_when_added)

    def _delete_item(self, thread: ThreadRow, thread_id: str, item_id: str) -> None:
        if thread.items.pop(item_id, None):
            sent_with = (thread_id, item_id)
            self._delete_attachments(lambda row: (row.thread_id, row.item_id) == sent_with)
        thread.model_turns = [row for row in thread.model_turns if not row.is_of(item_id)]

    @staticmethod
    def _check_turn(thread_id: str, thread: ThreadRow) -> None:
        """Raise StateChangedError where the current turn requires another state (S20)."""
        if not (turn := turn_of(thread_id)):
            return
        required = turn.require()
        status = codec.load_thread(thread.payload).status.type
        if required.retry_id != thread.retry_id or (
            required.status and required.status.type != status
        ):
            refuse()

    # Attachments

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        user_id = self._user_id(context)
        values = codec.attachment_values(attachment)
        attachment_id = values["attachment_id"]
        if is_seen(attachment_id) and attachment_id not in self._attachments:
            raise NotFoundError(f"Attachment {attachment_id} not found")
        row = AttachmentRow(user_id, values["payload"])
        row = self._attachments.setdefault(attachment_id, row)
        if row.user_id != user_id:
            raise NotFoundError(f"Attachment {attachment.id} not found")
        thread_id = attachment.thread_id
        if row.thread_id not in (None, thread_id) and turn_of(thread_id or ""):
            refuse()
        row.payload = values["payload"]
        # An attachment belongs to the first thread that it is sent in (A3).
        if row.thread_id is None and thread_id is not None and self._find(thread_id, context):
            row.thread_id = thread_id

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        user_id = self._user_id(context)
        row = self._attachments.get(attachment_id)
        if row and row.user_id == user_id:
            for loaded in decode_rows(codec.load_attachment, [(attachment_id, row.payload)]):
                mark_seen(attachment_id)
                return loaded
        raise NotFoundError(f"Attachment {attachment_id} not found")

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        user_id = self._user_id(context)
        row = self._attachments.get(attachment_id)
        if row and row.user_id == user_id:
            del self._attachments[attachment_id]

    # Look-ups for the owner

    def _user_id(self, context: Any) -> str:
        return codec.validate_user_id(self.get_user_id(context))

    def _find(self, thread_id: str, context: Any) -> ThreadRow | None:
        user_id = self._user_id(context)
        thread = self._threads.get(thread_id)
        return thread if thread and thread.user_id == user_id else None

    def _thread(self, thread_id: str, context: Any) -> ThreadRow:
        if thread := self._find(thread_id, context):
            return thread
        raise NotFoundError(f"Thread {thread_id} not found")

    def _delete_attachments(self, is_deleted: Callable[[AttachmentRow], bool]) -> None:
        kept = {key: row for key, row in self._attachments.items() if not is_deleted(row)}
        self._attachments = kept
