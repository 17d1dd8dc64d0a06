"""Users and builders that many tests share: alice owns, charlie must see nothing."""

from __future__ import annotations

from chatstore.testing.samples import (
    NOW,
    answer,
    attachment,
    hidden_context,
    thread,
    tool_call,
    user_message,
    workflow,
)

__all__ = [
    "ALICE",
    "CHARLIE",
    "NOW",
    "answer",
    "attachment",
    "hidden_context",
    "thread",
    "tool_call",
    "user_message",
    "workflow",
]

ALICE = {"user_id": "alice"}
CHARLIE = {"user_id": "charlie"}
