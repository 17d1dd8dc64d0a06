"""Redaction: a message is overwritten, which can't be undone (M2)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chatstore import codec, files
from chatstore.conf import settings
from chatstore.exceptions import ModerationRefused
from chatstore.lifecycle.sqlite_log import empty_log
from chatstore.models import ChatMessage
from chatstore.moderation.actions import recorded_action, select_attachments, select_message
from chatstore.moderation.records import Action, Moderator
from chatstore.store.owner import Owner


def redact(message: ChatMessage, by: Moderator, *, with_title: bool = False) -> None:
    """
    Overwrite the payload, search text and metadata of a message, and delete its files (M2).

    The thread's title is removed too if it quotes the message, or if ``with_title``. Raises
    ModerationRefused if the thread is on hold (M4), or the thread or the message no longer exists.
    """
    thread = message.session
    with recorded_action(thread, by, Action.REDACT, [message.item_id]) as owner:
        if not owner.sessions.filter(pk=thread.pk).deletable().exists():  # M4
            raise ModerationRefused(_("The thread is on hold: release it first."))
        transaction.on_commit(partial(empty_log, owner.using), using=owner.using, robust=True)
        _redact_title(owner, message, with_title)
        values = _placeholder(message, thread.thread_id)
        now = timezone.now()
        if not select_message(owner, message).update(
            redacted_at=now, metadata={}, feedback_comment=None, **values
        ):
            raise ModerationRefused(_("The message no longer exists."))
        # What a model did with it too, also in a turn that is running now.
        owner.model_turns.filter(session_id=thread.pk).of_item(message.item_id).raw_delete()
        owner.sessions.filter(pk=thread.pk).update(items_redacted_at=now)
        # Who has reported it may have quoted it.
        owner.reports.filter(session_id=thread.pk, item_id=message.item_id).update(words="")
        files.delete_attachments(select_attachments(owner, message))


def _placeholder(message: ChatMessage, thread_id: str) -> dict[str, Any]:
    """Return the columns of a valid item of the same type, without the original's content."""
    try:
        created_at = codec.load_item(message.payload).created_at
    except ValueError:  # the installed openai-chatkit can't decode it (S17)
        created_at = message.timestamp
    with translation.override(settings.language_code):  # the site's language, not the moderator's
        text = _("Removed by a moderator.")
    blanks = _placeholder_fields(message.item_id, text)
    item_type = message.item_type if message.item_type in blanks else "hidden_context_item"
    stamp = {"id": message.item_id, "thread_id": thread_id, "created_at": created_at.isoformat()}
    item = codec.load_item(json.dumps({"type": item_type, **stamp, **blanks[item_type]}))
    values = codec.message_values(item)
    del values["timestamp"]  # its position stays
    return values


def _placeholder_fields(item_id: str, text: str) -> dict[str, dict[str, Any]]:
    """Return the required fields of each type of item, without content of the original."""
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


def _redact_title(owner: Owner, message: ChatMessage, always: bool) -> None:
    row = owner.sessions.filter(pk=message.session_id)
    title, payload = row.values_list("title", "payload").get()
    if always or _is_quoted_from(title, message.content):
        row.update(title="", payload=json.dumps({**json.loads(payload), "title": None}))


def _is_quoted_from(title: str, content: str) -> bool:
    """Tell whether the title, without its ellipsis, is a sequence of words of the message."""
    words = " ".join(title.casefold().split()).rstrip(".… ")
    return bool(words) and words in " ".join(content.casefold().split())
