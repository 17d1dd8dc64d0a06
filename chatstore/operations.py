"""
The store's operations: one sync body each.

Every query names the owner. Those of every turn stand in chatstore.queries, where they are
compiled once; the rarer ones are built here.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from chatkit.store import NotFoundError
from chatkit.types import (
    ActiveStatus,
    Attachment,
    FeedbackKind,
    Page,
    ThreadItem,
    ThreadMetadata,
)
from django.db import IntegrityError
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.dispatch import Signal
from django.utils import timezone

from chatstore import codec, files, queries, signals
from chatstore.database import Attempt
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
    ChatSessionQuerySet,
    file_key,
    message_key,
    session_key,
)
from chatstore.statements import Statement

logger = logging.getLogger(__name__)
Loaded = TypeVar("Loaded")


class Owner:
    """The rows of one owner, seen by one attempt: where every query of the store begins."""

    def __init__(self, attempt: Attempt, user_id: str) -> None:
        self.attempt = attempt
        self.user_id = user_id

    @property
    def sessions(self) -> ChatSessionQuerySet:
        return ChatSession.objects.using(self.attempt.using).for_owner(self.user_id)

    @property
    def messages(self) -> ChatMessageQuerySet:
        return ChatMessage.objects.using(self.attempt.using).for_owner(self.user_id)

    @property
    def attachments(self) -> ChatAttachmentQuerySet:
        return ChatAttachment.objects.using(self.attempt.using).for_owner(self.user_id)

    def rows(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Run a select of chatstore.queries on the owner's rows."""
        return statement.rows(self.attempt.using, {"user_id": self.user_id, **values})

    def count(self, statement: Statement, **values: Any) -> int:
        """Run a write of chatstore.queries on the owner's rows; return how many it has written."""
        return statement.count(self.attempt.using, {"user_id": self.user_id, **values})

    def notify(self, signal: Signal, **values: Any) -> None:
        """Send a signal after the commit."""
        signals.send_after_commit(
            signal, ChatSession, self.attempt.using, user_id=self.user_id, **values
        )

    def update_or_create(self, update: Callable[[], int], create: Callable[[], object]) -> bool:
        """Write one row, and tell whether it was the owner's to write."""
        try:
            with self.attempt.transaction():
                if update():
                    self.attempt.existed = True
                elif self.attempt.may_create:
                    create()
                else:
                    self.attempt.check_created()
        except IntegrityError:
            # The key is somebody else's; or the owner has made the row a moment ago.
            return bool(update())
        return True


# Threads


def load_thread(owner: Owner, thread_id: str) -> ThreadMetadata:
    row = owner.rows(queries.load_thread, session_id=session_key(thread_id))
    for thread in _decoded(codec.load_thread, row):
        return thread
    raise NotFoundError(f"Thread {thread_id} not found")


def save_thread(owner: Owner, thread: ThreadMetadata, *, update_only: bool) -> None:
    values = codec.session_values(thread)
    key = session_key(values["thread_id"])
    if codec.is_moderated(thread):
        # The status it shows is a moderator's: the application's own stays as stored (M1).
        row = owner.sessions.visible().filter(session_id=key)
        stored = _decoded(codec.load_thread, row.values_list("thread_id", "payload"))
        own_status = stored[0].status if stored else ActiveStatus()
        values = codec.session_values(thread.model_copy(update={"status": own_status}))
    created_at = values["created_at"]
    update = partial(owner.count, queries.update_thread, session_id=key, **values)

    def create() -> None:
        owner.count(queries.insert_thread, session_id=key, updated_at=created_at, **values)
        owner.notify(signals.thread_created, thread_id=values["thread_id"])

    if update_only:
        update()
    elif not owner.update_or_create(update, create):
        raise NotFoundError(f"Thread {thread.id} not found")


def load_threads(owner: Owner, after: str | None, limit: int, order: str) -> Page[ThreadMetadata]:
    limit = codec.check_page(limit, order)
    rows = owner.rows(
        queries.page_of_threads(order, limit + 1, after is not None),
        after=session_key(after or ""),
        after_id=codec.clean(after),
    )
    if not rows and after is not None and not owner.sessions.thread(after).exists():
        raise NotFoundError(f"Thread {after} not found")
    return _page(codec.load_thread, rows, limit)


def delete_thread(owner: Owner, thread_id: str) -> None:
    thread = owner.sessions.thread(thread_id)
    messages = owner.messages.thread(thread_id)
    attachments = owner.attachments.filter(session_id=session_key(thread_id))
    bare = thread.filter(~Exists(attachments), is_on_hold=False)
    with owner.attempt.transaction():
        # Should an item arrive between the two, the foreign key refuses the second, and the
        # whole is tried again.
        messages.filter(Exists(bare.select_for_update())).delete_only()
        deleted = bare.delete_only()
        if deleted:
            owner.notify(signals.thread_deleted, thread_id=thread_id)
    if deleted:
        return
    with owner.attempt.transaction():
        for is_on_hold in thread.select_for_update().values_list("is_on_hold", flat=True):
            if is_on_hold:  # it stays for the moderators (M4)
                attachments.visible().update(hidden_at=timezone.now())
                thread.visible().update(hidden_at=timezone.now())
            else:
                files.delete_attachments(attachments)
                messages.delete_only()
                thread.delete_only()
                owner.notify(signals.thread_deleted, thread_id=thread_id)


# Items


def load_items(
    owner: Owner, thread_id: str, after: str | None, limit: int, order: str
) -> Page[ThreadItem]:
    limit = codec.check_page(limit, order)
    rows = owner.rows(
        queries.page_of_items(order, limit + 1, after is not None),
        session_id=session_key(thread_id),
        after=message_key(thread_id, after or ""),
    )
    if not rows and after is not None:
        cursor = owner.messages.item(thread_id, after)
        thread = owner.sessions.visible().thread(thread_id)
        if thread.filter(~Exists(cursor)).exists():
            raise NotFoundError(f"Item {after} not found in thread {thread_id}")
    return _page(codec.load_item, rows, limit)


def load_item(owner: Owner, thread_id: str, item_id: str) -> ThreadItem:
    keys = _item_keys(thread_id, item_id)
    row = owner.rows(queries.load_item, **keys)
    for item in _decoded(codec.load_item, row):
        return item
    raise NotFoundError(f"Item {item_id} not found in thread {thread_id}")


def _item_keys(thread_id: str, item_id: str) -> dict[str, uuid.UUID]:
    """Return the columns that say which item it is."""
    return {
        "session_id": session_key(thread_id),
        "message_id": message_key(thread_id, item_id),
    }


def put_item(owner: Owner, thread_id: str, item: ThreadItem, *, replace: bool) -> None:
    values = codec.message_values(item)
    keys = _item_keys(thread_id, values["item_id"])
    now = min(values.pop("timestamp"), timezone.now())
    attempt = owner.attempt
    with attempt.transaction():
        if attempt.may_create and owner.count(queries.advance_thread, now=now, **keys):
            owner.count(queries.insert_item, **keys, **values)
            owner.notify(
                signals.item_added,
                thread_id=thread_id,
                item_id=values["item_id"],
                item_type=values["item_type"],
            )
            is_written = True
        else:
            row = owner.messages.filter(message_id=keys["message_id"])
            is_written = _rewrite_item(row, values, replace=replace)
            attempt.existed |= is_written
        if is_written and (sent := codec.attachment_ids(item)):
            # From now on they go with this message, and not a day after their upload (A4).
            owner.attachments.filter(
                Q(session_id=None) | Q(session_id=keys["session_id"]),
                file_id__in=[file_key(attachment_id) for attachment_id in sent],
                message_id=None,
            ).update(**keys)
    if not is_written:  # kept as it was, deleted a moment ago, or no thread of the owner's
        attempt.check_created()
        if not attempt.existed and not owner.rows(queries.load_thread, **keys):
            raise NotFoundError(f"Thread {thread_id} not found")


def _rewrite_item(row: ChatMessageQuerySet, values: dict[str, Any], *, replace: bool) -> bool:
    """Replace a stored item in its place, as far as S8 and S9 allow; tell whether it is there."""
    if replace:
        return bool(row.filter(redacted_at__isnull=True).update(**values))
    if values["item_type"] in codec.IMMUTABLE_TYPES:
        return row.exists()
    row = row.filter(redacted_at__isnull=True, item_type=values["item_type"])
    if values["item_status"] == "pending":  # never back from answered, skipped or completed
        row = row.filter(item_status="pending")
    return bool(row.update(**values))


def delete_item(owner: Owner, thread_id: str, item_id: str) -> None:
    row = owner.messages.item(thread_id, item_id)
    attachments = owner.attachments.filter(message_id=message_key(thread_id, item_id))
    with owner.attempt.transaction():
        thread = owner.sessions.thread(thread_id).filter(Exists(row)).select_for_update()
        for is_on_hold, has_files in thread.values_list("is_on_hold", Exists(attachments)):
            _remove(row, attachments, is_on_hold=is_on_hold, has_files=has_files)


def delete_items_after(owner: Owner, thread_id: str, item_id: str) -> None:
    cursor = owner.messages.item(thread_id, item_id).values("timestamp")
    attachments = owner.attachments.filter(session_id=session_key(thread_id))
    with owner.attempt.transaction():
        thread = owner.sessions.visible().thread(thread_id).select_for_update()
        for is_on_hold, has_files, position in thread.values_list(
            "is_on_hold", Exists(attachments), Subquery(cursor)
        ):
            if position is None:
                continue
            rows = owner.messages.thread(thread_id).filter(timestamp__gt=position)
            sent = attachments.filter(message_id__in=rows.values("message_id"))
            _remove(rows, sent, is_on_hold=is_on_hold, has_files=has_files)


def _remove(
    rows: ChatMessageQuerySet,
    sent: ChatAttachmentQuerySet,
    *,
    is_on_hold: bool,
    has_files: bool,
) -> None:
    """Delete items and the files sent in them; during a hold they stay for the moderators (M4)."""
    if is_on_hold:
        sent.visible().update(hidden_at=timezone.now())
        # By no moderator: also those that one has hidden are not to be shown again.
        rows.update(hidden_at=timezone.now(), hidden_by="")
        return
    if has_files:
        files.delete_attachments(sent)
    rows.delete_only()


def save_feedback(
    owner: Owner, thread_id: str, item_ids: Iterable[str], kind: FeedbackKind
) -> None:
    keys = [message_key(thread_id, item_id) for item_id in item_ids]
    rows = owner.messages.visible().thread(thread_id).filter(message_id__in=keys)
    if rows.update(feedback=kind):
        owner.notify(
            signals.feedback_given, thread_id=thread_id, item_ids=list(item_ids), kind=kind
        )


# Attachments

ATTACHMENT_COLUMNS = ("attachment_id", "payload")


def save_attachment(owner: Owner, attachment: Attachment) -> None:
    values = codec.attachment_values(attachment)
    row = owner.attachments.attachment(values["attachment_id"])
    fixed = {"file_id": file_key(values["attachment_id"]), "created_at": timezone.now()}
    if attachment.thread_id is not None:
        session = owner.sessions.thread(attachment.thread_id).values("session_id")
        # It stays with the first thread that it is sent in (A3).
        values["session_id"] = Coalesce(F("session_id"), Subquery(session))
        fixed["session_id"] = queries.ScalarSubquery(session)

    def create() -> None:
        everything = ChatAttachment.objects.using(owner.attempt.using)
        everything.create(user_id=owner.user_id, **(values | fixed))

    if not owner.update_or_create(partial(row.update, **values), create):
        raise NotFoundError(f"Attachment {attachment.id} not found")


def load_attachment(owner: Owner, attachment_id: str) -> Attachment:
    row = owner.attachments.visible().attachment(attachment_id).values_list(*ATTACHMENT_COLUMNS)
    for attachment in _decoded(codec.load_attachment, row):
        return attachment
    raise NotFoundError(f"Attachment {attachment_id} not found")


def delete_attachment(owner: Owner, attachment_id: str) -> None:
    row = owner.attachments.attachment(attachment_id)
    on_hold = Exists(owner.sessions.filter(session_id=OuterRef("session_id"), is_on_hold=True))
    with owner.attempt.transaction():
        if not files.delete_attachments(row.filter(~on_hold)):
            row.visible().filter(on_hold).update(hidden_at=timezone.now())


# Rows -> objects


def _decoded(load: Callable[..., Loaded], rows: Iterable[tuple[Any, ...]]) -> list[Loaded]:
    """Load each row; one that today's openai-chatkit can't read is left out, and logged (S17)."""
    loaded = []
    for row_id, *columns in rows:
        try:
            loaded.append(load(*columns))
        except ValueError:
            logger.warning("The payload of %r can't be decoded; see check_items", row_id)
    return loaded


def _page(load: Callable[..., Loaded], rows: list[tuple[Any, ...]], limit: int) -> Page[Loaded]:
    """Return the page of ``limit`` rows; one row more tells that there are more."""
    has_more = len(rows) > limit
    return Page(
        data=_decoded(load, rows[:limit]),
        has_more=has_more,
        after=rows[limit - 1][0] if has_more else None,
    )
