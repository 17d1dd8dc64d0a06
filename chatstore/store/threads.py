"""The operations on threads, one for each method of DjangoStore, which documents them."""

from __future__ import annotations

from functools import partial
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import ActiveStatus, Page, ThreadMetadata
from django.db.models import Exists
from django.utils import timezone

from chatstore import codec, files, signals
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.db.statements import is_postgresql
from chatstore.models import ChatSession, session_key
from chatstore.store import queries, thread_cache
from chatstore.store.owner import Owner
from chatstore.store.rows import build_page, decode_rows
from chatstore.turns import Required


def load_thread(owner: Owner, thread_id: str) -> Steps[tuple[ThreadMetadata, str]]:
    """Return the thread, and its newest retry."""
    key = session_key(thread_id)
    query = owner.query(queries.select_thread, session_id=key)
    rows = yield from thread_cache.select_thread(owner, key, query)
    for thread in decode_rows(codec.load_thread, [row[:-1] for row in rows]):
        return thread, rows[0][-1]
    raise NotFoundError(f"Thread {thread_id} not found")


def save_thread(
    owner: Owner,
    attempt: Attempt,
    thread: ThreadMetadata,
    *,
    update_only: bool,
    required: Required | None,
    listing: str = "",
) -> Steps[None]:
    values = codec.session_values(thread)
    key = session_key(values["thread_id"])
    if thread_cache.is_on():
        yield IN_THREAD
    if codec.is_moderated(thread.status):
        yield IN_THREAD
        # The status in the object is a moderator's: keep the application's status as stored (M1).
        row = owner.sessions.visible().filter(session_id=key)
        stored = decode_rows(codec.load_thread, row.values_list("thread_id", "payload"))
        status = stored[0].status if stored else ActiveStatus()
        values = codec.session_values(thread.model_copy(update={"status": status}))
    if update_only:
        update_thread = queries.update_thread(queries.conditions(required))
        retry_id = required.retry_id if required else ""
        with thread_cache.changing(owner.using, (owner.user_id, key)):
            yield owner.query(update_thread, session_id=key, retry_id=retry_id, **values)
        return
    values |= {"session_id": key, "updated_at": values["created_at"], "listing": listing}
    with thread_cache.changing(owner.using, (owner.user_id, key)):
        is_saved = yield from _create_or_update(owner, attempt, values)
    if not is_saved:
        raise NotFoundError(f"Thread {thread.id} not found")


def _create_or_update(owner: Owner, attempt: Attempt, row: dict[str, Any]) -> Steps[bool]:
    """Insert a thread's row, or else update it; return False if its key is another owner's."""
    has_listeners = signals.thread_created.has_listeners(ChatSession)

    def notify() -> None:
        owner.notify(signals.thread_created, thread_id=row["thread_id"])

    # Most threads that are saved here are new. PostgreSQL inserts these in one statement.
    if is_postgresql(owner.using) and attempt.may_insert and attempt.may_create:
        if has_listeners:
            yield IN_THREAD
        if (yield owner.query(queries.insert_thread_unless_exists, **row)):
            if has_listeners:
                notify()
            return True
        attempt.may_insert = False  # the key exists
    yield IN_THREAD

    def create() -> None:
        owner.execute(queries.insert_thread, **row)
        notify()

    update = partial(owner.execute, queries.update_thread(), **row)
    return attempt.update_or_create(update, create)


def load_threads(
    owner: Owner, after: str | None, limit: int, order: str
) -> Steps[Page[ThreadMetadata]]:
    limit = codec.validate_page(limit, order)
    rows = yield owner.query(
        queries.select_page_of_threads(order, limit + 1, after is not None),
        after=session_key(after or ""),
        after_id=codec.replace_unstorable(after),
    )
    if not rows and after is not None:
        yield IN_THREAD
        if not owner.sessions.thread(after).exists():
            raise NotFoundError(f"Thread {after} not found")
    return build_page(codec.load_thread, rows, limit)


def delete_thread(owner: Owner, attempt: Attempt, thread_id: str) -> Steps[None]:
    yield IN_THREAD
    with thread_cache.changing(owner.using, (owner.user_id, session_key(thread_id))):
        _delete_thread(owner, attempt, thread_id)


def _delete_thread(owner: Owner, attempt: Attempt, thread_id: str) -> None:
    thread = owner.sessions.thread(thread_id)
    messages = owner.messages.thread(thread_id)
    model_turns = owner.model_turns.thread(thread_id)
    attachments = owner.attachments.filter(session_id=session_key(thread_id))
    # Most threads have neither files nor a hold, and need three statements only.
    without_files = thread.filter(~Exists(attachments), is_on_hold=False)
    with attempt.transaction():
        # If an item is added between the statements, the foreign key makes the second fail,
        # and the operation is repeated.
        messages.filter(Exists(without_files.select_for_update())).raw_delete()
        model_turns.filter(Exists(without_files)).raw_delete()
        deleted = without_files.raw_delete()
        if deleted:
            owner.notify(signals.thread_deleted, thread_id=thread_id)
    if deleted:
        return
    with attempt.transaction():
        for is_on_hold in thread.select_for_update().values_list("is_on_hold", flat=True):
            if is_on_hold:  # hidden from the owner, kept for moderators (M4)
                attachments.visible().update(hidden_at=timezone.now())
                thread.visible().update(hidden_at=timezone.now())
            else:
                files.delete_attachments(attachments)
                messages.raw_delete()
                model_turns.raw_delete()
                thread.raw_delete()
                owner.notify(signals.thread_deleted, thread_id=thread_id)
