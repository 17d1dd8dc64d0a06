"""Which storage holds the bytes, and whether it signs URLs of its own."""

from __future__ import annotations

from django.core.files.storage import Storage, storages

from chatstore.conf import settings
from chatstore.files.s3 import Presigner


def get_storage() -> Storage:
    """Return the storage that CHATSTORE_STORAGE names among STORAGES."""
    return storages[settings.storage]


def get_presigner() -> Presigner | None:
    """Return what signs the storage's own URLs; None if it can't, or if a setting forbids it."""
    return Presigner.of(get_storage()) if settings.use_presigned_urls else None
