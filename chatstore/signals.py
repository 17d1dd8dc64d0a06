"""
Signals for applications; each is sent after the commit, and not after a rollback.

The sender is ChatSession. All have ``using``, the alias of the database, and the arguments beside
each signal: ids, never text (S18). A receiver runs in the operation's OS thread; its errors are
logged, not raised.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

thread_created = Signal()  # user_id, thread_id
thread_deleted = Signal()  # user_id, thread_id; deleted by the owner, a moderator or a command
thread_moderated = Signal()  # user_id, thread_id, action
item_added = Signal()  # user_id, thread_id, item_id, item_type
feedback_given = Signal()  # user_id, thread_id, item_ids, kind
person_suspended = Signal()  # user_id
message_reported = Signal()  # user_id, thread_id, item_id, report_id, source, reason
user_erased = Signal()  # user_id, receipt; for applications that store more of the user


def send_after_commit(signal: Signal, sender: type, using: str, **values: Any) -> None:
    """Send a signal when the current transaction is committed; at once outside a transaction."""
    if signal.has_listeners(sender):
        transaction.on_commit(
            partial(signal.send_robust, sender, using=using, **values), using=using, robust=True
        )
