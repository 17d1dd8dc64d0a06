"""
Saves and removes the bytes of files in the storage, and signs the URLs to them.

A database and a storage have no common transaction. So before a file is saved, its removal is
scheduled in the database; the transaction that writes its path to a row cancels the removal, and
the transaction that deletes the row schedules it again. The file is removed after that commit. At
every moment a file has a row or a scheduled removal: after a crash cleanup_attachments removes it,
if nothing else does (A4).

Knows nothing of what may be uploaded; chatstore.attachments does.
"""

from chatstore.files.removals import (
    cancel_removal,
    check_deleted_count,
    delete_attachments,
    remove_due_files,
    remove_file,
    remove_files,
    schedule_removals,
    scheduled_removals,
)
from chatstore.files.saving import save, save_with
from chatstore.files.storage import get_presigner, get_storage

__all__ = [
    "cancel_removal",
    "check_deleted_count",
    "delete_attachments",
    "get_presigner",
    "get_storage",
    "remove_due_files",
    "remove_file",
    "remove_files",
    "save",
    "save_with",
    "schedule_removals",
    "scheduled_removals",
]
