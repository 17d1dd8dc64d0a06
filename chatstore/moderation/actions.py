"""
What moderators do to threads and messages, each action with its record.

An action and its record are one transaction (M3). The record holds who, when, why and which ids;
text of a conversation is neither there nor in a log. Each action locks the thread's row first, as
the store does, and names the owner in every statement. Who may do what is not asked here: the
admin asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import signals
from chatstore.exceptions import ModerationRefused
from chatstore.lifecycle.deletion import delete_sessions
from chatstore.models import (
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
)
from chatstore.moderation.records import Action, Moderator, get_database, record
from chatstore.store.owner import Owner

Moderation = ChatSession.Moderation


def lock(thread: ChatSession, by: Moderator) -> None:
    """Let the thread take no message until it is reopened; its user sees the reason (M1)."""
    _set(thread, by, Action.LOCK, moderation=Moderation.LOCKED, moderation_reason=by.reason)


def close(thread: ChatSession, by: Moderator) -> None:
    """Do the same, and have the client say that the conversation is over (M1)."""
    _set(thread, by, Action.CLOSE, moderation=Moderation.CLOSED, moderation_reason=by.reason)


def reopen(thread: ChatSession, by: Moderator) -> None:
    """Give the thread back the status that the application has set."""
    _set(thread, by, Action.REOPEN, moderation=Moderation.NONE, moderation_reason="")


def hold(thread: ChatSession, by: Moderator) -> None:
    """From now on what the thread's owner deletes is only hidden, and retention spares it (M4)."""
    _set(thread, by, Action.HOLD, is_on_hold=True, hold_reason=by.reason)


def release(thread: ChatSession, by: Moderator) -> None:
    """End the hold. What its owner has deleted meanwhile stays hidden from them."""
    _set(thread, by, Action.RELEASE, is_on_hold=False, hold_reason="")


def delete(thread: ChatSession, by: Moderator) -> None:
    """Delete the thread with messages and files, for good."""
    with recorded(thread, by, Action.DELETE) as owner:
        if not delete_sessions(owner.sessions.filter(pk=thread.pk)).threads:
            raise ModerationRefused(_("The thread is on hold: release it first."))


def hide(message: ChatMessage, by: Moderator) -> None:
    """Let neither the user nor the model see the message and its files (M2)."""
    now = timezone.now()
    with recorded(message.session, by, Action.HIDE, [message.item_id]) as owner:
        if not message_row(owner, message).visible().update(hidden_at=now, hidden_by=by.name):
            raise ModerationRefused(_("The message is hidden already."))
        files_of(owner, message).visible().update(hidden_at=now)


def show(message: ChatMessage, by: Moderator) -> None:
    """Undo hide. What its owner has deleted during a hold is not shown to them again."""
    with recorded(message.session, by, Action.SHOW, [message.item_id]) as owner:
        row = message_row(owner, message).filter(hidden_at__isnull=False).exclude(hidden_by="")
        hidden_at = row.values_list("hidden_at", flat=True).first()
        if not hidden_at or not row.update(hidden_at=None, hidden_by=""):
            raise ModerationRefused(_("No moderator has hidden the message."))
        files_of(owner, message).filter(hidden_at=hidden_at).update(hidden_at=None)


@contextmanager
def recorded(
    thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str] = ()
) -> Iterator[Owner]:
    """
    Open one transaction with the thread's row locked, and put what is done in it on record.

    Gives the owner whose rows the action may change. Raises ModerationRefused if the thread is
    gone.
    """
    owner = Owner(get_database(), thread.user_id)
    with transaction.atomic(using=owner.using):
        if not owner.sessions.filter(pk=thread.pk).select_for_update().values("pk"):
            raise ModerationRefused(_("The thread is gone."))
        yield owner
        record(thread, by, action, item_ids)
        owner.notify(signals.thread_moderated, thread_id=thread.thread_id, action=action.value)


def message_row(owner: Owner, message: ChatMessage) -> ChatMessageQuerySet:
    return owner.messages.filter(session_id=message.session_id, pk=message.pk)


def files_of(owner: Owner, message: ChatMessage) -> ChatAttachmentQuerySet:
    return owner.attachments.filter(message=message)


def _set(thread: ChatSession, by: Moderator, action: Action, **columns: Any) -> None:
    with recorded(thread, by, action) as owner:
        owner.sessions.filter(pk=thread.pk).update(**columns)
