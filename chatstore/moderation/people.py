"""
People: what is kept of one, bounded, and the suspension of whoever misuses the chat (M6).

A suspended person reads on, and every request that would write is refused with the reason. An act
and its record are one transaction. Permissions are not checked here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chatstore import codec, signals
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatReport, ChatSuspension, ModerationRecord
from chatstore.moderation.records import Action, Moderator, get_database, record
from chatstore.store.owner import Owner

MAX_COUNTED = 10_000  # rows of each kind; of more, a page says "10,000+"


@dataclass(frozen=True)
class Person:
    """What a record says of an act on a person: it is about no thread."""

    user_id: str
    thread_id: str = ""


def suspend(user_id: str, by: Moderator, *, ends_at: dt.datetime | None = None) -> None:
    """
    Suspend a person, or replace the suspension that there is.

    Answers that are being streamed to them stop: in this process at once, in others within seconds.

    Args:
        by: its reason is shown to the person; ValueError if it is empty.
        ends_at: when it ends by itself; None: when it is lifted. ModerationRefused for the past.
    """
    if not by.reason:
        raise ValueError("A suspension needs a reason, which the person sees")
    if ends_at and ends_at <= timezone.now():
        raise ModerationRefused(_("The end must be in the future."))
    owner = Owner(get_database(), codec.validate_user_id(user_id))
    columns = {"reason": by.reason, "ends_at": ends_at, "suspended_by": by.name}
    with transaction.atomic(using=owner.using):
        _put(owner, {**columns, "created_at": timezone.now()})
        record(Person(owner.user_id), by, Action.SUSPEND)
        owner.notify(signals.person_suspended)


def _put(owner: Owner, columns: dict[str, Any]) -> None:
    if owner.suspensions.update(**columns):
        return
    try:
        with transaction.atomic(using=owner.using):
            suspension = ChatSuspension(user_id=owner.user_id, **columns)
            suspension.save(using=owner.using, force_insert=True)
    except IntegrityError:  # another moderator was faster
        owner.suspensions.update(**columns)


def lift(user_id: str, by: Moderator) -> None:
    """End a suspension. Raises ModerationRefused if none is in force."""
    owner = Owner(get_database(), codec.validate_user_id(user_id))
    with transaction.atomic(using=owner.using):
        if not owner.suspensions.in_force().raw_delete():
            raise ModerationRefused(_("The person is not suspended."))
        record(Person(owner.user_id), by, Action.LIFT)


def describe_suspension(reason: str, ends_at: dt.datetime | None) -> str:
    """Return the sentence by which a suspended person's request is refused."""
    if ends_at is None:
        return _("You are suspended: %(reason)s") % {"reason": reason}
    until = date_format(timezone.localtime(ends_at), "DATETIME_FORMAT")
    return _("You are suspended until %(until)s: %(reason)s") % {"until": until, "reason": reason}


@dataclass(frozen=True)
class Figure:
    """A number of rows; ``is_more`` tells that there are more."""

    value: int
    is_more: bool = False

    @classmethod
    def of(cls, found: int) -> Figure:
        return cls(min(found, MAX_COUNTED), found > MAX_COUNTED)


@dataclass(frozen=True)
class Summary:
    """
    What is kept of a person.

    Thumbs and bytes are those among the messages and files that are counted.
    """

    suspension: ChatSuspension | None
    threads: Figure
    messages: Figure
    thumbs_up: int
    thumbs_down: int
    files: Figure
    bytes: int
    reports: Figure
    open_reports: Figure
    acts: Figure


def summarize(user_id: str) -> Summary:
    """Return what is kept of a person, in seven queries that read a bounded number of rows."""
    owner = Owner(get_database(), user_id)
    most = MAX_COUNTED + 1
    feedback = ChatMessage.Feedback
    messages = owner.messages.only("feedback")[:most].aggregate(
        all=Count("pk"),
        up=Count("pk", filter=Q(feedback=feedback.POSITIVE)),
        down=Count("pk", filter=Q(feedback=feedback.NEGATIVE)),
    )
    files = owner.attachments.only("size")[:most].aggregate(all=Count("pk"), bytes=Sum("size"))
    reports = owner.reports.only("state")[:most].aggregate(
        all=Count("pk"), open=Count("pk", filter=Q(state=ChatReport.State.OPEN))
    )
    acts = ModerationRecord.objects.using(owner.using).filter(user_id=user_id)
    return Summary(
        suspension=owner.suspensions.in_force().first(),
        threads=Figure.of(owner.sessions[:most].count()),
        messages=Figure.of(messages["all"]),
        thumbs_up=messages["up"],
        thumbs_down=messages["down"],
        files=Figure.of(files["all"]),
        bytes=files["bytes"] or 0,
        reports=Figure.of(reports["all"]),
        open_reports=Figure.of(reports["open"]),
        acts=Figure.of(acts[:most].count()),
    )
