"""Who moderates, and the record of what was read and done (M3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import router

from chatstore import codec
from chatstore.models import ChatSession, ModerationRecord

Action = ModerationRecord.Action


@dataclass(frozen=True)
class Moderator:
    """
    Who acts, and why. All of it is text, since the record outlives an account.

    Args:
        name: what the record calls them: a person, a command or a webhook.
        reason: why; may be empty.
        staff_id: the primary key of their account; empty for a script, which has none.
    """

    name: str
    reason: str = ""
    staff_id: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("A moderator needs a name, for the record")

    @classmethod
    def from_user(cls, user: Any, reason: str = "") -> Moderator:
        """Return the signed-in user as a moderator, with the reason that they gave."""
        return cls(user.get_username(), codec.replace_unstorable(reason.strip()), str(user.pk))


def record(
    thread: ChatSession, by: Moderator, action: Action, item_ids: Iterable[str] = ()
) -> None:
    """Put on record that someone reads, finds or exports what a thread holds, or acts on it."""
    record_all([(thread, item_ids)], by, action)


def record_all(
    threads: Iterable[tuple[ChatSession, Iterable[str]]], by: Moderator, action: Action
) -> None:
    """Do the same for several threads, each with the ids of items, in one statement."""
    ModerationRecord.objects.using(get_database()).bulk_create(
        ModerationRecord(
            staff_id=by.staff_id,
            staff_name=by.name,
            action=action,
            reason=by.reason,
            thread_id=thread.thread_id,
            user_id=thread.user_id,
            item_ids=list(item_ids),
        )
        for thread, item_ids in threads
    )


def get_database() -> str:
    """Return the alias of the database in which moderators act and are on record."""
    return router.db_for_write(ChatSession)
