"""
What an application may want to hear of; each signal is sent after the commit, or not at all.

All carry ``using``, the alias of the database, and ids, never text; the sender is ChatSession.
A receiver runs in the thread of the operation, and its errors are logged, not raised.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

thread_created = Signal()  # user_id, thread_id
thread_deleted = Signal()  # user_id, thread_id; by whomever: its owner, retention, erasure
thread_moderated = Signal()  # user_id, thread_id, action
item_added = Signal()  # user_id, thread_id, item_id, item_type
feedback_given = Signal()  # user_id, thread_id, item_ids, kind
user_erased = Signal()  # user_id, receipt; the moment to erase what the application keeps itself


def send_after_commit(signal: Signal, sender: type, using: str, **values: Any) -> None:
    """Send a signal when the running transaction has committed; costs nothing if nobody listens."""
    if signal.has_listeners(sender):
        transaction.on_commit(
            partial(signal.send_robust, sender, using=using, **values), using=using, robust=True
        )
