"""Who moderates, and the records of what they read and did (M3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import router

from chatstore import codec
from chatstore.models import ChatSession, ModerationRecord

Action = ModerationRecord.Action


class Recorded(Protocol):
    """What an action is about: a thread, a report on one, or a person, who has no thread."""

    @property
    def thread_id(self) -> str: ...

    @property
    def user_id(self) -> str: ...


@dataclass(frozen=True)
class Moderator:
    """
    Who acts, and why. All values are text, because the record outlives an account.

    Args:
        name: the name of the person, command or webhook; ValueError if it is empty.
        reason: why; may be empty.
        staff_id: the primary key of the person's account; empty for a command or webhook.
    """

    name: str
    reason: str = ""
    staff_id: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("A moderator needs a name")

    @classmethod
    def from_user(cls, user: Any, reason: str = "") -> Moderator:
        """Return the signed-in user of Django as a Moderator."""
        return cls(user.get_username(), codec.replace_unstorable(reason.strip()), str(user.pk))


def record(thread: Recorded, by: Moderator, action: Action, item_ids: Iterable[str] = ()) -> None:
    """Add the record of one action: that a thread was read, exported or changed (M3)."""
    record_all([(thread, item_ids)], by, action)


def record_all(
    threads: Iterable[tuple[Recorded, Iterable[str]]], by: Moderator, action: Action
) -> None:
    """Add a record for each thread, with the ids of its items, in one statement."""
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


def record_search(found: Iterable[tuple[str, str]], by: Moderator) -> None:
    """
    Add the record of one search, also of one that found nothing.

    Args:
        found: of each message that is shown, its thread's id and its own.
    """
    pairs = list(found)
    ModerationRecord.objects.using(get_database()).create(
        staff_id=by.staff_id,
        staff_name=by.name,
        action=Action.SEARCH,
        reason=by.reason,
        item_ids=pairs,
        found=len(pairs),
    )


def record_list(name: str, count: int, by: Moderator) -> None:
    """
    Add the record of one export of a list, whatever it was filtered by.

    Args:
        name: of the list's model.
        count: how many rows were exported.
    """
    ModerationRecord.objects.using(get_database()).create(
        staff_id=by.staff_id,
        staff_name=by.name,
        action=Action.EXPORT,
        reason=by.reason,
        item_ids=[name],
        found=count,
    )


def get_database() -> str:
    """Return the alias of the database that actions and their records are written to."""
    return router.db_for_write(ChatSession)
