"""
Signed URLs of the storage itself, with which clients send and fetch bytes without Django in
between: S3 through django-storages.

They need signature version 4 (``"OPTIONS": {"signature_version": "s3v4"}``), the only one that
binds the size: an upload URL is good for exactly as many bytes as were announced, of one type, and
once, because the upload is made on condition that nothing is there.

What a client uploads lands under a temporary key and is copied, within S3, once it has been
checked: whatever is sent later to the same URL changes nothing.
"""

from __future__ import annotations

import posixpath
from typing import Any
from weakref import WeakKeyDictionary

from django.core.files.storage import Storage

from chatstore.conf import settings

# Seconds. Well below UPLOAD_TIMEOUT, after which the temporary key is removed for the last time.
MAX_TTL = 12 * 3600
_known: WeakKeyDictionary[Storage, Presigner] = WeakKeyDictionary()


class Presigner:
    """What S3 can do besides Django's storage API."""

    def __init__(self, storage: Any) -> None:
        self.bucket: str = storage.bucket_name
        self.location: str = storage.location
        self.client: Any = storage.connection.meta.client

    @classmethod
    def of(cls, storage: Storage) -> Presigner | None:
        """Return what signs URLs of this storage; None if it can't."""
        config = getattr(storage, "client_config", None)
        if getattr(config, "signature_version", None) != "s3v4":
            return None
        # django-storages makes a client for each thread, and each request has a thread of its
        # own. But threads may share a client, and making one takes 50 ms.
        if storage not in _known:
            _known[storage] = cls(storage)
        return _known[storage]

    def upload_url(self, path: str, size: int, mime_type: str) -> tuple[str, dict[str, str]]:
        """Return the URL for a PUT of exactly this size, and the headers that it wants."""
        url: str = self.client.generate_presigned_url(
            "put_object",
            Params={
                **self._object(path),
                "ContentLength": size,
                "ContentType": mime_type,
                "IfNoneMatch": "*",
            },
            ExpiresIn=min(settings.upload_url_ttl, MAX_TTL),
        )
        return url, {"Content-Type": mime_type, "If-None-Match": "*"}

    def download_url(self, path: str, mime_type: str, disposition: str) -> str:
        """Return the URL for a GET that answers with these headers."""
        url: str = self.client.generate_presigned_url(
            "get_object",
            Params={
                **self._object(path),
                "ResponseContentType": mime_type,
                "ResponseContentDisposition": disposition,
                "ResponseCacheControl": "private",
            },
            ExpiresIn=settings.file_url_ttl,
        )
        return url

    def look(self, path: str, size: int) -> tuple[int, bytes] | None:
        """Return an object's size and its first bytes; None if it isn't there."""
        from botocore.exceptions import ClientError

        try:
            found = self.client.get_object(**self._object(path), Range=f"bytes=0-{size - 1}")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        with found["Body"] as body:
            return int(found["ContentRange"].rpartition("/")[2]), body.read()

    def copy(self, source: str, path: str) -> str:
        """Copy an object within S3, and return where to."""
        self.client.copy_object(**self._object(path), CopySource=self._object(source))
        return path

    def _object(self, path: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": posixpath.join(self.location, path).lstrip("/")}
