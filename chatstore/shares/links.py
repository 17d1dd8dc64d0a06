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
    """
    What a link says.

    Args:
        open_questions: by ``short_hash``; what is answered later is not shared.
    """

    user_id: str
    session_id: uuid.UUID
    share_hash: str
    open_questions: frozenset[str]


async def share(store: DjangoStore[Any], thread_id: str, context: Any) -> str:
    """
    Share a thread's items so far, and return the link's text; an older link of it ends.

    Raises NotFoundError, and RequestRefused for a thread that can't be shared.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    open_questions = await store.share_thread(thread_id, _hash(token), context)
    user_id = codec.validate_user_id(store.get_user_id(context))
    values = [user_id, session_key(thread_id).hex, token, *map(short_hash, open_questions)]
    return _signer().sign_object(values)


def read(text: str) -> Link | None:
    """Return what a link says; None if it was not made by ``share``."""
    try:
        user_id, session_id, token, *open_questions = _signer().unsign_object(text)
        key = uuid.UUID(session_id)
        return Link(user_id, key, _hash(token), frozenset(open_questions))
    except (BadSignature, TypeError, ValueError):  # signed for another purpose
        return None


def _signer() -> Signer:
    return Signer(salt="chatstore.share")


def short_hash(item_id: str) -> str:
    """Return what names an open question in a link."""
    return _hash(item_id)[:12]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
