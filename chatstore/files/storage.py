"""Chooses the storage of files, and its Presigner."""

from __future__ import annotations

from django.core.files.storage import Storage, storages

from chatstore.conf import settings
from chatstore.files.s3 import Presigner


def get_storage() -> Storage:
    """Return the storage that CHATSTORE_STORAGE names among STORAGES."""
    return storages[settings.storage]


def get_presigner() -> Presigner | None:
    """Return the storage's Presigner; None if it has none, or USE_PRESIGNED_URLS is off."""
    return Presigner.for_storage(get_storage()) if settings.use_presigned_urls else None
