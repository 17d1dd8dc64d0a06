"""
Computes primary keys from ChatKit's ids (S5).

So a row, and the rows that belong to it, are found by ChatKit's ids without a look-up.
"""

from __future__ import annotations

import hashlib
import uuid
from functools import lru_cache


def _uuid5(namespace: uuid.UUID, name: str) -> uuid.UUID:
    """Return uuid.uuid5(), but accept a lone surrogate: such an id is unknown (S14), no error."""
    digest = hashlib.sha1(  # noqa: S324 (RFC 4122 wants SHA-1)
        namespace.bytes + name.encode("utf-8", "surrogatepass")
    ).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


@lru_cache(maxsize=1024)
def session_key(thread_id: str) -> uuid.UUID:
    """Return the primary key of the thread with this ChatKit id (S5)."""
    return _uuid5(uuid.NAMESPACE_DNS, f"chatkit-{thread_id}")


def message_key(thread_id: str, item_id: str) -> uuid.UUID:
    """Return the primary key of the item; the same item id in two threads is two items (S5)."""
    return _uuid5(session_key(thread_id), item_id)


def file_key(attachment_id: str) -> uuid.UUID:
    """Return the primary key of the attachment with this ChatKit id."""
    return _uuid5(uuid.NAMESPACE_DNS, f"chatkit-attachment-{attachment_id}")


def suspension_key(user_id: str) -> uuid.UUID:
    """Return the primary key of a person's suspension."""
    return _uuid5(uuid.NAMESPACE_DNS, f"chatkit-suspension-{user_id}")


def model_turn_key(thread_id: str, turn_id: str) -> uuid.UUID:
    """Return the primary key of what a model did in a turn of the thread."""
    return _uuid5(session_key(thread_id), f"turn-{turn_id}")
