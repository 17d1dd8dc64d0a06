"""
Makes and reads links to shared threads (V11).

A link names the owner, the thread and a random token, and is signed. So a look-up goes to the
owner's rows, also where tables are sharded, and a link that was not made here asks no database.
The database holds a hash of the token only: who reads it can make no link.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Any, NamedTuple

from django.core.signing import BadSignature, Signer

from chatstore import codec
from chatstore.models import session_key
from chatstore.store import DjangoStore

TOKEN_BYTES = 24


class Link(NamedTuple):
    """What a link says."""

    user_id: str
    session_id: uuid.UUID
    share_hash: str


async def share(store: DjangoStore[Any], thread_id: str, context: Any) -> str:
    """
    Share a thread's items so far, and return the link's text; an older link of it ends.

    Raises NotFoundError, and RequestRefused for a thread that can't be shared.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    await store.share_thread(thread_id, _hash(token), context)
    user_id = codec.validate_user_id(store.get_user_id(context))
    return _signer().sign_object([user_id, session_key(thread_id).hex, token])


def read(text: str) -> Link | None:
    """Return what a link says; None if it was not made by ``share``."""
    try:
        user_id, session_id, token = _signer().unsign_object(text)
        return Link(user_id, uuid.UUID(session_id), _hash(token))
    except (BadSignature, TypeError, ValueError):  # signed for another purpose
        return None


def _signer() -> Signer:
    return Signer(salt="chatstore.share")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
