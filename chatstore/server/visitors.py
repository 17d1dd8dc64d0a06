"""
Visitors who have not signed in: their session has an id for them, which owns their threads.

The id is no key of a session, which is a secret: owners' ids can be seen in the admin.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest

from chatstore.lifecycle.transfer import Transfer, assign_threads
from chatstore.moderation.records import get_database

SESSION_KEY = "chatstore_visitor"


async def visitor_context(request: HttpRequest) -> dict[str, Any]:
    """Return a context for ChatServer.get_context whose owner is the session's visitor."""
    user_id = await request.session.aget(SESSION_KEY)
    if not user_id:
        user_id = f"visitor_{secrets.token_hex(16)}"
        await request.session.aset(SESSION_KEY, user_id)
    return {"user_id": user_id, "request": request, "is_visitor": True}


def take_over_visitor(request: HttpRequest, user_id: str) -> Transfer | None:
    """
    Give the threads and uploads of the session's visitor to the user who has signed in.

    Call it in a receiver of ``user_logged_in``. Returns None if the session has no visitor.
    """
    visitor = request.session.pop(SESSION_KEY, None)
    if not visitor:
        return None
    return assign_threads(visitor, user_id, get_database())
