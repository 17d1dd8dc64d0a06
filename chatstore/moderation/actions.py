"""
The actions of moderators on threads and messages.

Each action and its record are one transaction (M3). The record holds who, when, why and which ids;
neither it nor a log holds text of a conversation. Each action locks the thread's row first, as the
store does, and filters by the owner in every statement. Permissions are not checked here: the
caller must do so.

Each action takes the row and the Moderator who acts, and raises ModerationRefused (409) if the
thread has been deleted meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import signals
from chatstore.exceptions import ModerationRefused
from chatstore.lifecycle.deletion import delete_sessions
from chatstore.lifecycle.sqlite_log import empty_log
from chatstore.models import (
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
)
from chatstore.moderation.records import Action, Moderator, get_database, record
from chatstore.store import thread_cache
from chatstore.store.own_threads import NOT_SHARED
from chatstore.store.owner import Owner

Moderation = ChatSession.Moderation


def lock(thread: ChatSession, by: Moderator) -> None:
    """Lock the thread: it takes no message until it is reopened. Its user sees the reason (M1)."""
    _update_thread(
        thread, by, Action.LOCK, moderation=Moderation.LOCKED, moderation_reason=by.reason
    )


def close(thread: ChatSession, by: Moderator) -> None:
    """Close the thread: as ``lock``, but the client says that the conversation is over (M1)."""
    _update_thread(
        thread, by, Action.CLOSE, moderation=Moderation.CLOSED, moderation_reason=by.reason
    )


def reopen(thread: ChatSession, by: Moderator) -> None:
    """End a lock or a closure: the status that the application has set applies again (M1)."""
    _update_thread(thread, by, Action.REOPEN, moderation=Moderation.NONE, moderation_reason="")


def hold(thread: ChatSession, by: Moderator) -> None:
    """Put the thread on hold: its owner's deletions only hide, and retention skips it (M4)."""
    _update_thread(thread, by, Action.HOLD, is_on_hold=True, hold_reason=by.reason)


def release(thread: ChatSession, by: Moderator) -> None:
    """End the hold. What the owner deleted during the hold stays hidden from them (M4)."""
    _update_thread(thread, by, Action.RELEASE, is_on_hold=False, hold_reason="")


def unshare(thread: ChatSession, by: Moderator) -> None:
    """End the link by which the owner shares the thread (V11)."""
    _update_thread(thread, by, Action.UNSHARE, **NOT_SHARED)


def delete(thread: ChatSession, by: Moderator) -> None:
    """
    Delete the thread with its messages and files. It can't be undone.

    Raises ModerationRefused if the thread is on hold (M4).
    """
    with recorded_action(thread, by, Action.DELETE) as owner:
        if not delete_sessions(owner.sessions.filter(pk=thread.pk)).threads:
            raise ModerationRefused(_("The thread is on hold: release it first."))
        transaction.on_commit(partial(empty_log, owner.using), using=owner.using, robust=True)


def hide(message: ChatMessage, by: Moderator) -> None:
    """
    Hide the message and its files from the user and the model (M2).

    Raises ModerationRefused if it is hidden already.
    """
    now = timezone.now()
    with recorded_action(message.session, by, Action.HIDE, [message.item_id]) as owner:
        if not select_message(owner, message).visible().update(hidden_at=now, hidden_by=by.name):
            raise ModerationRefused(_("The message is hidden already."))
        # A summary of it is not made without it; what a model did with it comes back with it.
        turns = owner.model_turns.filter(session_id=message.session_id, kind="summary")
        turns.of_item(message.item_id).raw_delete()
        select_attachments(owner, message).visible().update(hidden_at=now)
        _tell_other_pages(owner, message)


def show(message: ChatMessage, by: Moderator) -> None:
    """
    Undo ``hide``.

    Raises ModerationRefused if no moderator has hidden the message. What its owner deleted during
    a hold is not shown again.
    """
    with recorded_action(message.session, by, Action.SHOW, [message.item_id]) as owner:
        row = select_message(owner, message).filter(hidden_at__isnull=False).exclude(hidden_by="")
        hidden_at = row.values_list("hidden_at", flat=True).first()
        if not hidden_at or not row.update(hidden_at=None, hidden_by=""):
            raise ModerationRefused(_("No moderator has hidden the message."))
        select_attachments(owner, message).filter(hidden_at=hidden_at).update(hidden_at=None)
        _tell_other_pages(owner, message)


def _tell_other_pages(owner: Owner, message: ChatMessage) -> None:
    """Let the pages that show the thread look at its items again, as after a deletion (V18)."""
    owner.sessions.filter(pk=message.session_id).update(items_deleted_at=timezone.now())


@contextmanager
def recorded_action(
    thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str] = ()
) -> Iterator[Owner]:
    """
    Run the body in one transaction with the thread's row locked, and add the action's record.

    Yields the owner whose rows the action may change. Raises ModerationRefused if the thread no
    longer exists.
    """
    owner = Owner(get_database(), thread.user_id)
    changing = thread_cache.changing(owner.using, (owner.user_id, thread.pk))
    with changing, transaction.atomic(using=owner.using):
        if not owner.sessions.filter(pk=thread.pk).select_for_update().values("pk"):
            raise ModerationRefused(_("The thread no longer exists."))
        yield owner
        record(thread, by, action, item_ids)
        owner.notify(signals.thread_moderated, thread_id=thread.thread_id, action=action.value)


def select_message(owner: Owner, message: ChatMessage) -> ChatMessageQuerySet:
    """Return a queryset of this message only, to be updated."""
    return owner.messages.filter(session_id=message.session_id, pk=message.pk)


def select_attachments(owner: Owner, message: ChatMessage) -> ChatAttachmentQuerySet:
    """Return the queryset of the message's attachments."""
    return owner.attachments.filter(message=message)


def _update_thread(thread: ChatSession, by: Moderator, action: Action, **columns: Any) -> None:
    with recorded_action(thread, by, action) as owner:
        owner.sessions.filter(pk=thread.pk).update(**columns)
