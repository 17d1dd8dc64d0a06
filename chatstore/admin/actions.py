"""
The moderators' actions in the admin: labels, permissions, and entries in the admin's log.

What each action does is in chatstore.moderation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chatstore.db.row_keys import row_key
from chatstore.models import ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation import actions, redaction, reports
from chatstore.moderation.records import Moderator, get_database

Text = str | Promise


@dataclass(frozen=True)
class AdminAction:
    """
    An action on a thread or on a message.

    Args:
        function: takes the row and a Moderator; raises ModerationRefused.
        permission: the codename of one of chatstore's permissions.
        label: the text of the button.
        success_message: the sentence after the action.
        description: what the action does, on the form that asks for a reason.
        is_applicable: tells whether the row's state allows the action.
        is_final: whether the action can't be undone, so that its name must be typed.
    """

    function: Callable[..., None]
    permission: str
    label: Text
    success_message: Text
    description: Text
    is_applicable: Callable[[Any], bool]
    is_final: bool = False

    @property
    def name(self) -> str:
        """Return the name in URLs; a value of ModerationRecord.Action."""
        return self.function.__name__

    def perform(self, row: ChatSession | ChatMessage, by: Moderator, **options: Any) -> None:
        """Perform the action and add an entry to the admin's log, in one transaction."""
        with transaction.atomic(using=get_database()):
            self.function(row, by, **options)
            self._log(row, by)

    def _log(self, row: ChatSession | ChatMessage, by: Moderator) -> None:
        """Add an entry to the admin's log; it holds ids of thread and message, never text (M3)."""
        with translation.override(None):
            message = str(ModerationRecord.Action(self.name).label)
        if isinstance(row, ChatMessage):
            thread, message = row.session, f"{message} {row.item_id}"
        else:
            thread = row
        LogEntry.objects.create(
            user_id=by.staff_id,
            content_type=ContentType.objects.get_for_model(ChatSession),
            object_id=row_key(thread),
            object_repr=thread.thread_id[:200],
            action_flag=DELETION if self.name == ModerationRecord.Action.DELETE else CHANGE,
            change_message=message,
        )


def flag(message: ChatMessage, by: Moderator) -> None:
    """Report a message to the other moderators."""
    reports.flag_by_moderator(message, by)


THREAD_ACTIONS = {
    action.name: action
    for action in (
        AdminAction(
            actions.lock,
            "moderate",
            _("Lock"),
            _("Locked."),
            _("The thread accepts no messages until it is reopened. Its user sees the reason."),
            lambda thread: thread.moderation != "locked",
        ),
        AdminAction(
            actions.close,
            "moderate",
            pgettext_lazy("a thread", "Close"),
            _("Closed."),
            _("The conversation is closed until it is reopened. Its user sees the reason."),
            lambda thread: thread.moderation != "closed",
        ),
        AdminAction(
            actions.reopen,
            "moderate",
            _("Reopen"),
            _("Reopened."),
            _("The thread has the status again that the application has set."),
            lambda thread: bool(thread.moderation),
        ),
        AdminAction(
            actions.hold,
            "hold",
            _("Put on hold"),
            _("Put on hold."),
            _(
                "What its owner deletes from now on is only hidden. "
                "Retention does not delete the thread."
            ),
            lambda thread: not thread.is_on_hold,
        ),
        AdminAction(
            actions.release,
            "hold",
            _("Release from hold"),
            _("Released from hold."),
            _(
                "Retention and deletion apply again. What its owner has deleted stays hidden "
                "until the thread is deleted."
            ),
            lambda thread: thread.is_on_hold,
        ),
        AdminAction(
            actions.unshare,
            "moderate",
            _("End the link"),
            _("The link has ended."),
            _("The link by which its owner shares the thread shows nothing any more."),
            lambda thread: bool(thread.shared_at),
        ),
        AdminAction(
            actions.delete,
            "delete_chatsession",
            _("Delete"),
            _("Deleted."),
            _("The thread is deleted with all its messages and files. This can't be undone."),
            lambda thread: not thread.is_on_hold,
            is_final=True,
        ),
    )
}
MESSAGE_ACTIONS = {
    action.name: action
    for action in (
        AdminAction(
            actions.hide,
            "moderate",
            _("Hide"),
            _("Hidden."),
            _("Neither the user nor the model sees the message. It can be shown again."),
            lambda message: message.hidden_at is None,
        ),
        AdminAction(
            actions.show,
            "moderate",
            _("Show again"),
            _("Shown again."),
            _("The user and the model see the message again."),
            lambda message: bool(message.hidden_at and message.hidden_by),
        ),
        AdminAction(
            flag,
            "handle_reports",
            _("Report"),
            _("Reported."),
            _("The message is added to the queue of reports, with your reason."),
            lambda message: True,
        ),
        AdminAction(
            redaction.redact,
            "redact",
            _("Redact"),
            _("Redacted."),
            _("The message is overwritten, its files are deleted. This can't be undone."),
            lambda message: message.redacted_at is None and not message.session.is_on_hold,
            is_final=True,
        ),
    )
}
