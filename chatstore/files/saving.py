"""
Saves bytes in the storage; until their path is in a row, their removal is scheduled (A4).

Call these functions outside a transaction, since the scheduled removal must be committed before the
bytes are written. Then write the returned path to a row, and call ``cancel_removal``, in one
transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.core.files import File

from chatstore.db.connections import release_connections_sync
from chatstore.files.removals import delete_removals, remove_file, schedule_removals
from chatstore.files.storage import get_storage
from chatstore.models import ChatFileToRemove


def save(content: File[bytes], using: str) -> str:
    """
    Save a file under a new random name; return its path in the storage.

    The file is removed after ChatFileToRemove.UPLOAD_TIMEOUT unless its removal is cancelled.
    Raises what the storage raises, and then removes what it has written.
    """
    return save_with(lambda path: get_storage().save(path, content, max_length=255), using)


def save_with(write: Callable[[str], str], using: str) -> str:
    """
    Do what ``save`` does, with a function that writes the bytes.

    Args:
        write: takes a path in the storage, writes the bytes, and returns the path that the storage
            has used, which may be another one.
        using: alias of the database with the scheduled removals.
    """
    # Random, so that it reveals neither owner nor content; without a suffix, by which a web server
    # could choose to execute the file.
    name = secrets.token_hex(16)
    path = get_storage().get_available_name(f"chatstore/{name[:2]}/{name[2:]}", max_length=255)
    schedule_removals([path], using, after=ChatFileToRemove.UPLOAD_TIMEOUT)
    release_connections_sync()  # before a slow write to the storage (S16)
    try:
        saved = write(path)
    except BaseException:
        remove_file(path, using)
        raise
    if saved != path:
        schedule_removals([saved], using, after=ChatFileToRemove.UPLOAD_TIMEOUT)
        delete_removals([path], using)
    return saved
