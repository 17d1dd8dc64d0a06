"""
What moderators do, each act with its record: lock, close, hold, hide, redact, delete, read.

An act and its record are one transaction (M3). The record holds who, when, why and which ids;
text of a conversation goes neither there nor into Django's admin log nor into a logger. Each act
takes the thread's row first, as the store does, and names the owner in every statement. Who may
do what is not asked here: that is the admin's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import router, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from chatstore import codec, files, signals
from chatstore.conf import settings
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
    ChatSessionQuerySet,
    ModerationRecord,
)

Action = ModerationRecord.Action
Moderation = ChatSession.Moderation


class Refused(Exception):  # noqa: N818 (an answer, no fault)
    """An act that can't be done as things are; the message is a sentence for the moderator."""


@dataclass(frozen=True)
class Moderator:
    """Who acts, and why; text, since the record outlives the account."""

    staff_id: str
    name: str
    reason: str = ""

    @classmethod
    def of(cls, user: Any, reason: str = "") -> Moderator:
        """The signed-in user, with the reason that they gave."""
        return cls(str(user.pk), user.get_username(), codec.clean(reason.strip()))


# Threads


def lock(thread: ChatSession, by: Moderator) -> None:
    """Let the thread take no message until it is reopened; its user sees the reason (M1)."""
    _set(thread, by, Action.LOCK, moderation=Moderation.LOCKED, moderation_reason=by.reason)


def close(thread: ChatSession, by: Moderator) -> None:
    """The same, and the client says that the conversation is over."""
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
    with _act(thread, by, Action.DELETE) as using:
        if not files.delete_sessions(_row(thread, using)).threads:
            raise Refused(gettext("The thread is on hold: release it first."))


# Messages


def hide(message: ChatMessage, by: Moderator) -> None:
    """Let neither the user nor the model see the message and its files (M2)."""
    now = timezone.now()
    with _act(message.session, by, Action.HIDE, [message.item_id]) as using:
        if not _message_row(message, using).visible().update(hidden_at=now, hidden_by=by.name):
            raise Refused(gettext("The message is hidden already."))
        _files_of(message, using).visible().update(hidden_at=now)


def show(message: ChatMessage, by: Moderator) -> None:
    """Undo hide. What its owner has deleted during a hold is not shown to them again."""
    with _act(message.session, by, Action.SHOW, [message.item_id]) as using:
        row = _message_row(message, using).filter(hidden_at__isnull=False).exclude(hidden_by="")
        hidden_at = row.values_list("hidden_at", flat=True).first()
        if not hidden_at or not row.update(hidden_at=None, hidden_by=""):
            raise Refused(gettext("No moderator has hidden the message."))
        _files_of(message, using).filter(hidden_at=hidden_at).update(hidden_at=None)


def redact(message: ChatMessage, by: Moderator, *, with_title: bool = False) -> None:
    """
    Overwrite the message for good: payload, search text, notes and files (M2).

    The thread's title goes too where it is taken from the message, or ``with_title`` says so.
    """
    thread = message.session
    with _act(thread, by, Action.REDACT, [message.item_id]) as using:
        if not _row(thread, using).deletable().exists():  # M4
            raise Refused(gettext("The thread is on hold: release it first."))
        _redact_title(thread, using, message, with_title)
        values = _placeholder(message, thread.thread_id)
        now = timezone.now()
        if not _message_row(message, using).update(redacted_at=now, metadata={}, **values):
            raise Refused(gettext("The message is gone."))
        files.delete_attachments(_files_of(message, using))


# Reading


def note(thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str] = ()) -> None:
    """Put on record that someone reads, finds or exports what a thread holds (M3)."""
    note_all([(thread, item_ids)], by, action)


def note_all(
    read: Iterable[tuple[ChatSession, Iterable[str]]], by: Moderator, action: Action
) -> None:
    """The same for several threads, in one statement."""
    ModerationRecord.objects.using(_database()).bulk_create(
        _record(thread, by, action, item_ids) for thread, item_ids in read
    )


def _database() -> str:
    return router.db_for_write(ChatSession)


@contextmanager
def _act(
    thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str] = ()
) -> Iterator[str]:
    """One transaction with the thread's row locked, and the record of what is done in it."""
    using = _database()
    with transaction.atomic(using=using):
        if not _row(thread, using).select_for_update().values("pk"):
            raise Refused(gettext("The thread is gone."))
        yield using
        record = _record(thread, by, action, item_ids)
        record.save(using=using)
        _log_in_admin(thread, by, record)
        signals.send_after_commit(
            signals.thread_moderated,
            ChatSession,
            using,
            user_id=thread.user_id,
            thread_id=thread.thread_id,
            action=action.value,
        )


def _set(thread: ChatSession, by: Moderator, action: Action, **columns: Any) -> None:
    with _act(thread, by, action) as using:
        _row(thread, using).update(**columns)


def _record(
    thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str]
) -> ModerationRecord:
    return ModerationRecord(
        staff_id=by.staff_id,
        staff_name=by.name,
        action=action,
        reason=by.reason,
        thread_id=thread.thread_id,
        user_id=thread.user_id,
        item_ids=list(item_ids),
    )


def _log_in_admin(thread: ChatSession, by: Moderator, record: ModerationRecord) -> None:
    """The admin's own log, which goes with the account; it calls the thread by its id."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import CHANGE, DELETION, LogEntry
    from django.contrib.contenttypes.models import ContentType

    with translation.override(None):
        message = " ".join([record.get_action_display(), *record.item_ids])
    LogEntry.objects.create(
        user_id=by.staff_id,
        content_type=ContentType.objects.get_for_model(ChatSession),
        object_id=str(thread.pk),
        object_repr=thread.thread_id[:200],
        action_flag=DELETION if record.action == Action.DELETE else CHANGE,
        change_message=message,
    )


def _row(thread: ChatSession, using: str) -> ChatSessionQuerySet:
    return ChatSession.objects.using(using).for_owner(thread.user_id).filter(pk=thread.pk)


def _message_row(message: ChatMessage, using: str) -> ChatMessageQuerySet:
    rows = ChatMessage.objects.using(using).for_owner(message.user_id)
    return rows.filter(session_id=message.session_id, pk=message.pk)


def _files_of(message: ChatMessage, using: str) -> ChatAttachmentQuerySet:
    return ChatAttachment.objects.using(using).for_owner(message.user_id).filter(message=message)


# Redaction


def _placeholder(message: ChatMessage, thread_id: str) -> dict[str, Any]:
    """Return the columns of a valid item of the same type that says nothing, but where it was."""
    try:
        created_at = codec.load_item(message.payload).created_at
    except ValueError:  # what today's openai-chatkit can't read is redacted all the same
        created_at = message.timestamp
    with translation.override(settings.language_code):  # not the moderator's own
        text = gettext("Removed by a moderator.")
    nothing = _nothing(message.item_id, text)
    item_type = message.item_type if message.item_type in nothing else "hidden_context_item"
    stamp = {"id": message.item_id, "thread_id": thread_id, "created_at": created_at.isoformat()}
    item = codec.load_item(json.dumps({"type": item_type, **stamp, **nothing[item_type]}))
    values = codec.message_values(item)
    del values["timestamp"]  # its position stays
    return values


def _nothing(item_id: str, text: str) -> dict[str, dict[str, Any]]:
    """Return what each type of item can't do without."""
    card = {"type": "Card", "children": [{"type": "Text", "value": text}]}
    call = {"call_id": item_id, "name": "redacted", "arguments": {}, "status": "completed"}
    return {
        "user_message": {
            "content": [{"type": "input_text", "text": text}],
            "inference_options": {},
        },
        "assistant_message": {"content": [{"text": text}]},
        "client_tool_call": call,
        "widget": {"widget": card, "copy_text": text},
        "generated_image": {"image": None},
        "structured_input": {"status": "skipped", "inputs": []},
        "workflow": {"workflow": {"type": "custom", "tasks": []}},
        "task": {"task": {"type": "custom", "title": text}},
        "hidden_context_item": {"content": text},
        "sdk_hidden_context": {"content": text},
        "end_of_turn": {},
    }


def _redact_title(thread: ChatSession, using: str, message: ChatMessage, always: bool) -> None:
    row = _row(thread, using)
    title, payload = row.values_list("title", "payload").get()
    if always or _is_derived(title, message.content):
        row.update(title="", payload=json.dumps({**json.loads(payload), "title": None}))


def _is_derived(title: str, content: str) -> bool:
    """Tell whether a title, but for its ellipsis, is words of the message in a row."""
    words = " ".join(title.casefold().split()).rstrip(".… ")
    return bool(words) and words in " ".join(content.casefold().split())
