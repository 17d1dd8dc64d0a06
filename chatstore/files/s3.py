"""
Presigned S3 URLs, with which clients upload and download bytes without Django: django-storages.

They need signature version 4 (``"OPTIONS": {"signature_version": "s3v4"}``), the only version that
signs the size. So an upload URL accepts exactly the announced number of bytes and the announced
type, and by If-None-Match only one upload.

A client uploads to a temporary key. After the check the object is copied to its final key, so that
a later upload to the same URL changes nothing.
"""

from __future__ import annotations

import posixpath
from typing import Any
from weakref import WeakKeyDictionary

from django.core.files.storage import Storage

from chatstore.conf import settings

# In seconds. Below UPLOAD_TIMEOUT, after which the temporary key is removed.
MAX_TTL = 12 * 3600
_presigners: WeakKeyDictionary[Storage, Presigner] = WeakKeyDictionary()


class Presigner:
    """The operations of an S3 storage that Django's storage API doesn't have."""

    def __init__(self, storage: Any) -> None:
        self.bucket: str = storage.bucket_name
        self.location: str = storage.location
        self.client: Any = storage.connection.meta.client

    @classmethod
    def for_storage(cls, storage: Storage) -> Presigner | None:
        """Return the storage's Presigner; None if it is not S3 with signature version 4."""
        config = getattr(storage, "client_config", None)
        if getattr(config, "signature_version", None) != "s3v4":
            return None
        # Kept for all OS threads, which may share a client. django-storages would make one for
        # each request's thread, in 50 ms.
        if storage not in _presigners:
            _presigners[storage] = cls(storage)
        return _presigners[storage]

    def upload_url(self, path: str, size: int, mime_type: str) -> tuple[str, dict[str, str]]:
        """
        Return the URL for one PUT of a file, and the headers that the client must send.

        Args:
            path: the name in the storage.
            size: in bytes; S3 accepts no other.
            mime_type: S3 accepts no other Content-Type.
        """
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
        """Return the URL for a GET, answered with this Content-Type and Content-Disposition."""
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

    def read_head(self, path: str, size: int) -> tuple[int, bytes] | None:
        """Return an object's size in bytes and its first ``size`` bytes; None if there is none."""
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
        """Copy an object within S3, and return the new path."""
        self.client.copy_object(**self._object(path), CopySource=self._object(source))
        return path

    def _object(self, path: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": posixpath.join(self.location, path).lstrip("/")}
