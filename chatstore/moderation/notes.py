"""
What moderators write about a thread for each other: notes, labels, and who looks after it.

Neither the user nor the model sees it. It is in the thread's row, and goes where that goes: it is
deleted with the thread, and transferred with it. An export leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatSession
from chatstore.moderation.actions import recorded_action
from chatstore.moderation.records import Action, Moderator

MAX_NOTES = 100  # of a thread
MAX_NOTE_LENGTH = 2000
MAX_LABELS_LENGTH = 255  # of all labels of a thread together


def add_note(thread: ChatSession, by: Moderator, text: str) -> None:
    """
    Add a note to the thread. The record says that there is one, not what it says (M3).

    Raises ModerationRefused if the thread has as many as it may have.
    """
    text = codec.replace_unstorable(text.strip())[:MAX_NOTE_LENGTH]
    note = {"who": by.name, "when": timezone.now().isoformat(), "text": text}
    with recorded_action(thread, replace(by, reason=""), Action.NOTE) as owner:
        row = owner.sessions.filter(pk=thread.pk)
        notes: list[Any] = row.values_list("notes", flat=True).get() or []
        if len(notes) >= MAX_NOTES:
            raise ModerationRefused(_("The thread has no room for more notes."))
        row.update(notes=[*notes, note])


def set_labels(thread: ChatSession, by: Moderator, labels: Iterable[str]) -> None:
    """
    Replace the thread's labels; the record names them.

    Raises ModerationRefused if they are too long together.
    """
    text = join_labels(labels)
    if len(text) > MAX_LABELS_LENGTH:
        raise ModerationRefused(_("These are too many labels."))
    with recorded_action(thread, replace(by, reason=text), Action.LABEL) as owner:
        owner.sessions.filter(pk=thread.pk).update(labels=text)


def join_labels(labels: Iterable[str]) -> str:
    """Return labels as they are stored: each once, without spaces around them, by commas."""
    stripped = (codec.replace_unstorable(" ".join(label.split())) for label in labels)
    return ", ".join(dict.fromkeys(filter(None, stripped)))


def assign(thread: ChatSession, by: Moderator, assignee: str) -> None:
    """Let a moderator look after the thread, whom the record names; nobody, if it is empty."""
    with recorded_action(thread, replace(by, reason=assignee), Action.ASSIGN) as owner:
        owner.sessions.filter(pk=thread.pk).update(assignee=assignee)
