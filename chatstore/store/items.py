"""The operations on items, one for each method of DjangoStore, which documents them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem
from django.db.models import Exists, Q, Subquery
from django.utils import timezone

from chatstore import codec, files, signals
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.db.statements import UpdateThenInsert
from chatstore.models import (
    ChatAttachmentQuerySet,
    ChatMessageQuerySet,
    ChatModelTurnQuerySet,
    ChatSession,
    ChatSessionQuerySet,
    file_key,
    message_key,
    session_key,
)
from chatstore.store import queries, thread_cache
from chatstore.store.owner import Owner
from chatstore.store.rows import build_page, decode_rows
from chatstore.turns import Required, refuse


def load_items(
    owner: Owner, thread_id: str, after: str | None, limit: int, order: str
) -> Steps[Page[ThreadItem]]:
    limit = codec.validate_page(limit, order)
    rows = yield owner.query(
        queries.select_page_of_items(order, limit + 1, after is not None),
        session_id=session_key(thread_id),
        after=message_key(thread_id, after or ""),
    )
    if not rows and after is not None:
        yield IN_THREAD
        cursor = owner.messages.item(thread_id, after)
        thread = owner.sessions.visible().thread(thread_id)
        if thread.filter(~Exists(cursor)).exists():
            raise NotFoundError(f"Item {after} not found in thread {thread_id}")
    return build_page(codec.load_item, rows, limit)


def load_item(owner: Owner, thread_id: str, item_id: str) -> Steps[ThreadItem]:
    keys = _item_keys(thread_id, item_id)
    row = yield owner.query(queries.select_item, **keys)
    for item in decode_rows(codec.load_item, row):
        return item
    raise NotFoundError(f"Item {item_id} not found in thread {thread_id}")


def has_item(owner: Owner, thread_id: str, item_id: str) -> Steps[bool]:
    return bool((yield owner.query(queries.select_item_id, **_item_keys(thread_id, item_id))))


def _item_keys(thread_id: str, item_id: str) -> dict[str, uuid.UUID]:
    """Return the keys of the item's thread and of the item."""
    return {
        "session_id": session_key(thread_id),
        "message_id": message_key(thread_id, item_id),
    }


def put_item(
    owner: Owner,
    attempt: Attempt,
    thread_id: str,
    item: ThreadItem,
    *,
    replace: bool,
    ending: str = "",
    required: Required | None = None,
) -> Steps[None]:
    """
    Insert an item at the thread's end (S10), or update the stored item (S8, S9).

    Raises StateChangedError where the thread is not as it is ``required`` (S20).
    """
    values = codec.message_values(item)
    keys = _item_keys(thread_id, values["item_id"])
    conditions = queries.conditions(required)
    if required:
        values["retry_id"] = required.retry_id
    values["now"] = min(values.pop("timestamp"), timezone.now())
    values["earliest_deletion"] = attempt.earliest_deletion
    sent = codec.attachment_ids(item)
    may_insert = attempt.may_insert  # unless an earlier attempt has found the item
    is_atomic = not sent and UpdateThenInsert.is_one_statement(owner.using)
    has_listeners = signals.item_added.has_listeners(ChatSession)
    if not is_atomic or has_listeners:
        yield IN_THREAD
    with nullcontext() if is_atomic else attempt.transaction():
        add = queries.add_item(conditions, again=attempt.commit_error is not None)
        query = owner.query(add, **keys, **values, ending=ending)
        is_written = may_insert and bool((yield query))
        if is_written:
            if has_listeners:
                owner.notify(
                    signals.item_added,
                    thread_id=thread_id,
                    item_id=values["item_id"],
                    item_type=values["item_type"],
                )
        else:
            attempt.may_insert = False  # the item exists, or it has no thread
            is_written = yield from _update_item(owner, conditions, keys | values, replace=replace)
        if is_written and sent:
            _keep_attachments(owner, keys, sent)
    if not is_written:  # S8 or S9 forbids it, the item was deleted, or the thread is not found
        if may_insert:
            attempt.raise_unknown_outcome()
        yield from _check_thread(owner, thread_id, required)


def answer_item(
    owner: Owner, attempt: Attempt, thread_id: str, item: ThreadItem, required: Required
) -> Steps[None]:
    """Update a tool call or a question if it is pending; StateChangedError if it is not (S20)."""
    values = codec.message_values(item)
    keys = _item_keys(thread_id, values["item_id"])
    update = queries.update_item("visible and pending", queries.conditions(required))
    if (yield owner.query(update, **keys, **values, retry_id=required.retry_id)):
        return
    if attempt.retries:  # an earlier attempt may have been committed, though its end was not heard
        stored = yield owner.query(queries.select_item, **keys)
        if [row[1] for row in stored] == [values["payload"]]:
            return
    yield from _check_thread(owner, thread_id, None)
    refuse()


def _check_thread(owner: Owner, thread_id: str, required: Required | None) -> Steps[None]:
    """Raise NotFoundError without the thread, StateChangedError if it is not as required."""
    rows = yield owner.query(queries.select_thread, session_id=session_key(thread_id))
    if not rows:
        raise NotFoundError(f"Thread {thread_id} not found")
    # What requires a status is a turn's first write: nothing else could have refused that.
    if required and (required.status or rows[0][-1] != required.retry_id):
        refuse()


def _keep_attachments(owner: Owner, keys: dict[str, uuid.UUID], sent: set[str]) -> None:
    """Let attachments be deleted with their message from now on, not as unused uploads (A4)."""
    rows = owner.attachments.filter(file_id__in=[file_key(attachment_id) for attachment_id in sent])
    in_thread = Q(session_id=None) | Q(session_id=keys["session_id"])
    rows.filter(in_thread, message_id=None).update(**keys)


def _update_item(
    owner: Owner, conditions: queries.Conditions, values: dict[str, Any], *, replace: bool
) -> Steps[bool]:
    """
    Update a stored item at its position, as far as S8 (add) or S9 (``replace``) allows it.

    Returns False if nothing is written to it; True also for an immutable item that is there, whose
    attachments are then recorded as sent.
    """
    if values["item_type"] in codec.IMMUTABLE_TYPES and not replace:
        return bool((yield owner.query(queries.select_item_of_type, **values)))
    # Answered, skipped and completed are final.
    which = "pending" if values["item_status"] == "pending" else "same type"
    update = queries.update_item("any" if replace else which, conditions)
    return bool((yield owner.query(update, **values)))


def delete_item(
    owner: Owner, attempt: Attempt, thread_id: str, item_id: str, required: Required | None
) -> Steps[None]:
    yield IN_THREAD
    thread = owner.sessions.thread(thread_id)
    if required:
        thread = thread.filter(retry_id=required.retry_id)
    row = owner.messages.item(thread_id, item_id)
    attachments = owner.attachments.filter(message_id=message_key(thread_id, item_id))
    model_turns = owner.model_turns.thread(thread_id).of_item(item_id)
    with attempt.transaction():
        locked = thread.filter(Exists(row)).select_for_update()
        for is_on_hold, has_files in locked.values_list("is_on_hold", Exists(attachments)):
            _delete_or_hide(
                *(thread, row, model_turns, attachments),
                is_on_hold=is_on_hold,
                has_files=has_files,
            )


def delete_items_after(
    owner: Owner,
    attempt: Attempt,
    thread_id: str,
    item_id: str,
    retry_id: str,
    required: Required | None,
) -> Steps[None]:
    """
    Delete the items after one; the turns that have begun before store nothing more (S20).

    Args:
        retry_id: names the retry.

    Raises StateChangedError where the thread is not as it is ``required``.
    """
    yield IN_THREAD
    thread = owner.sessions.visible().thread(thread_id)
    expected = thread
    if required:
        as_required = Q(*queries.conditions(required)[1:], retry_id=required.retry_id)
        # Its own id is there if an earlier attempt was committed.
        expected = thread.filter(as_required | Q(retry_id=retry_id))
    cursor = owner.messages.item(thread_id, item_id).values("timestamp")
    attachments = owner.attachments.filter(session_id=session_key(thread_id))
    changing = thread_cache.changing(owner.using, (owner.user_id, session_key(thread_id)))
    with changing, attempt.transaction():
        for is_on_hold, has_files, position in expected.select_for_update().values_list(
            "is_on_hold", Exists(attachments), Subquery(cursor)
        ):
            if position is None:
                break
            rows = owner.messages.thread(thread_id).filter(timestamp__gt=position)
            # A turn is stored after its items: its position is after theirs.
            model_turns = owner.model_turns.thread(thread_id).filter(timestamp__gt=position)
            sent = attachments.filter(message_id__in=rows.values("message_id"))
            thread.update(retry_id=retry_id)
            _delete_or_hide(
                *(thread, rows, model_turns, sent), is_on_hold=is_on_hold, has_files=has_files
            )
            return
    if required:
        refuse()  # or the message is gone


def _delete_or_hide(
    thread: ChatSessionQuerySet,
    rows: ChatMessageQuerySet,
    model_turns: ChatModelTurnQuerySet,
    attachments: ChatAttachmentQuerySet,
    *,
    is_on_hold: bool,
    has_files: bool,
) -> None:
    """Delete items, their attachments and turns; hide them if the thread is on hold (M4)."""
    # For a repeated add_thread_item, which must not insert again what was deleted (S15), and for a
    # summary that is made of it now (M2).
    thread.update(items_deleted_at=timezone.now())
    if is_on_hold:
        model_turns.visible().update(hidden_at=timezone.now())
        attachments.visible().update(hidden_at=timezone.now())
        # hidden_by is cleared: what the owner has deleted, no moderator can show again.
        rows.update(hidden_at=timezone.now(), hidden_by="")
        return
    if has_files:
        files.delete_attachments(attachments)
    rows.raw_delete()
    model_turns.raw_delete()


def load_suspension(owner: Owner) -> Steps[tuple[str, dt.datetime | None] | None]:
    for reason, ends_at in (yield owner.query(queries.select_suspension)):
        if ends_at is None or ends_at > timezone.now():
            return reason, ends_at
    return None


def save_feedback(
    owner: Owner, thread_id: str, item_ids: Iterable[str], kind: FeedbackKind
) -> Steps[None]:
    yield IN_THREAD
    keys = [message_key(thread_id, item_id) for item_id in item_ids]
    rows = owner.messages.visible().thread(thread_id).filter(message_id__in=keys)
    # The comment on a thumb down goes with it.
    changes = {"feedback": kind} | ({} if kind == "negative" else {"feedback_comment": None})
    if rows.update(**changes):
        owner.notify(
            signals.feedback_given, thread_id=thread_id, item_ids=list(item_ids), kind=kind
        )


def save_feedback_comment(owner: Owner, thread_id: str, item_id: str, comment: str) -> Steps[None]:
    yield IN_THREAD
    row = owner.messages.visible().item(thread_id, item_id)
    row = row.filter(
        Exists(owner.sessions.visible().thread(thread_id)),
        redacted_at__isnull=True,
        feedback="negative",
    )
    if not row.update(feedback_comment=comment or None):
        raise NotFoundError(f"Item {item_id} not found in thread {thread_id}")
