"""
Bytes in the storage, and signed URLs to reach them.

A database and a storage have no transaction in common. So a file's removal is scheduled before
its bytes are written, and cancelled in the transaction that writes its name to a row; and the
transaction that deletes the row schedules the removal again, and the file is removed after its
commit. At every instant a file is named by a row or its removal is scheduled, and a crash leaves
only scheduled removals, which cleanup_attachments works through (A4).
"""

from chatstore.files.removals import (
    check_deleted_count,
    delete_attachments,
    due,
    keep,
    removals,
    remove,
    remove_now,
    schedule_removals,
)
from chatstore.files.saving import save, write
from chatstore.files.storage import get_presigner, get_storage

__all__ = [
    "check_deleted_count",
    "delete_attachments",
    "due",
    "get_presigner",
    "get_storage",
    "keep",
    "removals",
    "remove",
    "remove_now",
    "save",
    "schedule_removals",
    "write",
]
