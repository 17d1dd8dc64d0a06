"""
Reports to the moderators: users report messages, applications flag them, and moderators take each
report and close it (M5).

An act of a moderator and its record are one transaction. Permissions are not checked here.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from chatkit.store import NotFoundError
from django.db import IntegrityError, transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec, signals
from chatstore.conf import settings
from chatstore.exceptions import ModerationRefused
from chatstore.models import MAX_REPORT_WORDS, ChatMessage, ChatReport, message_key, session_key
from chatstore.moderation import report_mail
from chatstore.moderation.records import Action, Moderator, get_database, record
from chatstore.store.owner import Owner

Source = ChatReport.Source
State = ChatReport.State


def flag(
    user_id: str,
    thread_id: str,
    item_id: str = "",
    *,
    reason: str,
    words: str = "",
    reporter: str = "",
    source: str = Source.APPLICATION,
) -> ChatReport:
    """
    Report a message, or a thread, to the moderators; return the report, or the one that is open.

    A reporter has one open report on a message; reporting it again changes nothing.

    Args:
        user_id: the thread's owner.
        item_id: the message's; empty for the thread as a whole.
        reason: one of CHATSTORE_REPORT_REASONS, or another name of at most 64 characters.
        words: what the moderators should know besides; cut after 1,000 characters.
        reporter: who reports; empty for the application.
        source: a value of ChatReport.Source.

    Raises ChatKit's NotFoundError if the owner has no such thread or message, or it is hidden.
    """
    owner = Owner(get_database(), codec.validate_user_id(user_id))
    target = owner.sessions.visible().thread(thread_id)
    if item_id:
        target = target.filter(Exists(owner.messages.visible().item(thread_id, item_id)))
    if not target.exists():
        raise NotFoundError("There is no such thread or message")
    return _add(owner, thread_id, item_id, reason, words, reporter, source)


def flag_feedback(user_id: str, thread_id: str, item_id: str, comment: str | None = None) -> None:
    """
    Report a thumb down; a comment that comes later is put into the report if it is open.

    Args:
        comment: empty where the user has removed it; None for a thumb alone, which changes none.
    """
    report = flag(
        *(user_id, thread_id, item_id),
        reason="feedback",
        words=comment or "",
        reporter=user_id,
        source=Source.FEEDBACK,
    )
    if comment is not None and report.words != comment:
        _rows(report).open().update(words=comment.strip()[:MAX_REPORT_WORDS])


def flag_by_moderator(message: ChatMessage, by: Moderator) -> None:
    """Report a message to the other moderators, also one that is hidden."""
    owner = Owner(get_database(), message.user_id)
    thread = message.session
    with transaction.atomic(using=owner.using):
        _add(
            owner, thread.thread_id, message.item_id, "other", by.reason, by.name, Source.MODERATOR
        )
        record(thread, by, Action.FLAG, [message.item_id])


def _add(
    owner: Owner, thread_id: str, item_id: str, reason: str, words: str, reporter: str, source: str
) -> ChatReport:
    about = message_key(thread_id, item_id) if item_id else session_key(thread_id)
    report = ChatReport(
        user_id=owner.user_id,
        session_id=session_key(thread_id),
        thread_id=thread_id,
        item_id=item_id,
        reporter=reporter,
        source=source,
        reason=codec.replace_unstorable(reason)[:64],
        words=codec.replace_unstorable(words.strip())[:MAX_REPORT_WORDS],
        open_key=uuid.uuid5(about, f"{source} {reporter}"),
    )
    try:
        with transaction.atomic(using=owner.using):
            report.save(using=owner.using, force_insert=True)
            _notify(owner, report)
    except IntegrityError:
        # Gone, if it was closed in between: then there is nothing left to report.
        return owner.reports.filter(open_key=report.open_key).first() or report
    return report


def _notify(owner: Owner, report: ChatReport) -> None:
    owner.notify(
        signals.message_reported,
        thread_id=report.thread_id,
        item_id=report.item_id,
        report_id=str(report.pk),
        source=str(report.source),
        reason=report.reason,
    )
    if settings.report_mail:
        send = partial(report_mail.send, report)
        transaction.on_commit(send, using=owner.using, robust=True)


def reason_label(report: ChatReport) -> str:
    """Return the text of a report's reason; its name if the settings have no text for it."""
    return str(settings.report_reasons.get(report.reason, report.reason))


# What moderators do with a report


def take(report: ChatReport, by: Moderator) -> None:
    """Take a report: the others see who works on it. Refused if somebody else has taken it."""
    taken_by = _rows(report).values_list("assignee", flat=True).first()
    if taken_by and taken_by != by.name:
        raise ModerationRefused(_("It is taken by %(name)s already.") % {"name": taken_by})
    _change(report, by, Action.TAKE, {"assignee": taken_by or ""}, assignee=by.name)


def assign(report: ChatReport, by: Moderator, *, assignee: str) -> None:
    """
    Give a report to a moderator, whoever had it; to nobody if the name is empty.

    The record names the moderator as its reason.
    """
    _change(report, replace(by, reason=assignee), Action.ASSIGN, {}, assignee=assignee)


def resolve(report: ChatReport, by: Moderator) -> None:
    """Close a report on which something was done: the reason says what."""
    _close(report, by, Action.RESOLVE, State.RESOLVED)


def dismiss(report: ChatReport, by: Moderator) -> None:
    """Close a report on which nothing needs to be done: the reason says why."""
    _close(report, by, Action.DISMISS, State.DISMISSED)


def _close(report: ChatReport, by: Moderator, action: Action, state: str) -> None:
    closed = {"closed_at": timezone.now(), "closed_by": by.name, "open_key": None}
    _change(report, by, action, {}, state=state, resolution=by.reason, **closed)


def _rows(report: ChatReport) -> Any:
    return Owner(get_database(), report.user_id).reports.filter(pk=report.pk)


def _change(
    report: ChatReport, by: Moderator, action: Action, required: dict[str, str], **columns: Any
) -> None:
    with transaction.atomic(using=get_database()):
        if not _rows(report).open().filter(**required).update(**columns):
            raise ModerationRefused(_("Somebody else has changed the report meanwhile."))
        record(report, by, action, [report.item_id] if report.item_id else [])
