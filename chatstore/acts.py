"""
What moderators can do, as the admin offers it: names, words, permissions.

The doing is chatstore.moderation's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chatstore import moderation

Text = str | Promise


@dataclass(frozen=True)
class Act:
    """
    One thing to do to a thread, or to a message.

    Args:
        do: takes the row and a Moderator; raises moderation.Refused.
        permission: one of chatstore's.
        label: of the button.
        done: what is said afterwards.
        about: what it will do, said before.
        fits: tells whether there is any sense in doing it to a row as it is.
        is_final: it can't be undone, so its name must be typed.
    """

    do: Callable[..., None]
    permission: str
    label: Text
    done: Text
    about: Text
    fits: Callable[[Any], bool]
    is_final: bool = False

    @property
    def name(self) -> str:
        return self.do.__name__


THREAD_ACTS = {
    act.name: act
    for act in (
        Act(
            moderation.lock,
            "moderate",
            _("Lock"),
            _("Locked."),
            _("The thread takes no message until it is reopened. Its user sees the reason."),
            lambda thread: thread.moderation != "locked",
        ),
        Act(
            moderation.close,
            "moderate",
            _("Close"),
            _("Closed."),
            _("The conversation is over until it is reopened. Its user sees the reason."),
            lambda thread: thread.moderation != "closed",
        ),
        Act(
            moderation.reopen,
            "moderate",
            _("Reopen"),
            _("Reopened."),
            _("The thread gets back the status that the application has set."),
            lambda thread: bool(thread.moderation),
        ),
        Act(
            moderation.hold,
            "hold",
            _("Put on hold"),
            _("Put on hold."),
            _("Whatever its owner deletes from now on stays for moderators. Retention spares it."),
            lambda thread: not thread.is_on_hold,
        ),
        Act(
            moderation.release,
            "hold",
            _("Release from hold"),
            _("Released from hold."),
            _(
                "Retention and deletion apply again. What its owner has deleted stays hidden "
                "until the thread is deleted."
            ),
            lambda thread: thread.is_on_hold,
        ),
        Act(
            moderation.delete,
            "delete_chatsession",
            _("Delete"),
            _("Deleted."),
            _("The thread goes with all its messages and files. This can't be undone."),
            lambda thread: not thread.is_on_hold,
            is_final=True,
        ),
    )
}

MESSAGE_ACTS = {
    act.name: act
    for act in (
        Act(
            moderation.hide,
            "moderate",
            _("Hide"),
            _("Hidden."),
            _("Neither the user nor the model sees the message any more. It can be shown again."),
            lambda message: message.hidden_at is None,
        ),
        Act(
            moderation.show,
            "moderate",
            _("Show again"),
            _("Shown again."),
            _("The user and the model see the message again."),
            lambda message: bool(message.hidden_at and message.hidden_by),
        ),
        Act(
            moderation.redact,
            "redact",
            _("Redact"),
            _("Redacted."),
            _("The message is overwritten, its files are deleted. This can't be undone."),
            lambda message: message.redacted_at is None and not message.session.is_on_hold,
            is_final=True,
        ),
    )
}
