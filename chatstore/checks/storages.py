"""Checks that nobody reads uploaded files without asking chatstore (chatstore.W006)."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages
from django.urls import Resolver404, resolve

from chatstore.conf import settings


def check_storage_is_private() -> list[CheckMessage]:
    """Warn of a storage whose files are served to everybody."""
    storage = _load()
    if storage is None:
        return []
    if isinstance(storage, FileSystemStorage):
        return [*_check_static(storage), *_check_view(storage)]
    return _check_s3(storage)


def check_media_are_private(**kwargs: Any) -> list[CheckMessage]:
    """Warn where a web server that serves MEDIA_URL would serve the files too; for deployment."""
    storage = _load()
    if not isinstance(storage, FileSystemStorage) or settings.media_url in ("", "/"):
        return []
    if not settings.media_root or not _is_below(storage.location, settings.media_root):
        return []
    return [
        _warning(
            f"files are below MEDIA_ROOT, so they are public if a web server serves "
            f"{settings.media_url}."
        )
    ]


def _load() -> Storage | None:
    try:
        return storages[settings.storage]
    except (InvalidStorageError, ImportError):
        return None  # E006, or Django's own error


def _check_static(storage: FileSystemStorage) -> list[CheckMessage]:
    if settings.static_root and _is_below(storage.location, settings.static_root):
        return [_warning("files are below STATIC_ROOT, where all are public.")]
    return []


def _check_view(storage: FileSystemStorage) -> list[CheckMessage]:
    """Look for a URL of the site, such as those of django.conf.urls.static, with the files."""
    base = storage.base_url or ""
    if not base.startswith("/") or base == "/":
        return []
    try:
        match = resolve(f"{base}a.txt")
    except (Resolver404, AttributeError):  # no ROOT_URLCONF
        return []
    root = match.kwargs.get("document_root")
    if root and _is_below(storage.location, str(root)):
        return [_warning(f"files are public at {base}: a view of the site's URLs serves them.")]
    return []


def _check_s3(storage: Any) -> list[CheckMessage]:
    """Look at the options of django-storages' S3 storage."""
    if str(getattr(storage, "default_acl", "") or "").startswith("public"):
        return [_warning(f"files are public by their default_acl, {storage.default_acl!r}.")]
    if getattr(storage, "querystring_auth", True) is False:
        return [_warning("files have URLs without a signature, so they would have to be public.")]
    return []


def _is_below(path: str | PathLike[str], folder: str) -> bool:
    return Path(path).resolve().is_relative_to(Path(folder).resolve())


def _warning(reason: str) -> CheckMessage:
    return CheckWarning(
        f"CHATSTORE_STORAGE names {settings.storage!r}, whose {reason}",
        hint="Give chatstore a private storage of its own in STORAGES, and name it in "
        "CHATSTORE_STORAGE.",
        id="chatstore.W006",
    )
