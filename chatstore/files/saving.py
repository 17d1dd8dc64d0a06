"""
Writes bytes to the storage, with their removal scheduled until a row names the file.

Call these outside of a transaction: the scheduled removal must be stored whatever happens to the
bytes. Then write the returned name to a row and call ``cancel_removal``, both in one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.core.files import File

from chatstore.db.connections import release_connections_sync
from chatstore.files.removals import cancel_removals, remove_now, schedule_removals
from chatstore.files.storage import get_storage
from chatstore.models import ChatFileToRemove


def save(content: File[bytes], using: str) -> str:
    """
    Write a file under a fresh name, and return the name.

    The file is removed after ChatFileToRemove.UPLOAD_TIMEOUT unless its removal is cancelled. What
    the storage raises is raised, and leaves nothing behind.
    """
    return write(lambda path: get_storage().save(path, content, max_length=255), using)


def write(put: Callable[[str], str], using: str) -> str:
    """
    Do the same for bytes that come in another way.

    Args:
        put: writes the bytes under the name that it is given, and returns the name that the
            storage has really used.
        using: alias of the database that holds the scheduled removals.
    """
    # The name tells nothing of owner or content, and has no suffix that a web server would obey.
    name = secrets.token_hex(16)
    path = get_storage().get_available_name(f"chatstore/{name[:2]}/{name[2:]}", max_length=255)
    schedule_removals([path], using, after=ChatFileToRemove.UPLOAD_TIMEOUT)
    release_connections_sync()  # a storage may take its time
    try:
        saved = put(path)
    except BaseException:
        remove_now(path, using)
        raise
    if saved != path:  # the storage may choose another name
        schedule_removals([saved], using, after=ChatFileToRemove.UPLOAD_TIMEOUT)
        cancel_removals([path], using)
    return saved
