"""
Responses that stream a file in chunks, with headers that keep a browser from executing it (A2).

Checks no permission: the caller has found the row for its owner.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from chatstore.attachments.validation import download_name
from chatstore.conf import DEFAULT_UPLOAD_TYPES
from chatstore.models import ChatAttachment

CHUNK_BYTES = 256 * 1024
# Types that a browser may show, since they can't contain scripts; others are downloads.
INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
SERVED_TYPES = frozenset(DEFAULT_UPLOAD_TYPES)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=300",
}


def safe_type_and_disposition(row: ChatAttachment) -> tuple[str, str]:
    """Return the Content-Type and Content-Disposition with which a browser executes nothing."""
    is_inline = row.mime_type in INLINE_TYPES
    mime_type = row.mime_type if row.mime_type in SERVED_TYPES else "application/octet-stream"
    name = download_name(row.name, row.mime_type)
    return mime_type, content_disposition_header(not is_inline, name) or ""


def file_response(
    request: HttpRequest, file: File[bytes], mime_type: str, disposition: str
) -> StreamingHttpResponse:
    """Return a response that streams an open file, and closes it; ``disposition`` is the header."""
    return StreamingHttpResponse(
        FileStream(file) if isinstance(request, ASGIRequest) else SyncFileStream(file),
        content_type=mime_type,
        headers={**HEADERS, "Content-Length": file.size, "Content-Disposition": disposition},
    )


class FileStream:
    """The chunks of a file for an ASGI response; the event loop is not blocked by reading."""

    def __init__(self, file: File[bytes]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await sync_to_async(self._file.read)(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Close the file; the response calls it at its end, also after a disconnect."""
        self._file.close()


class SyncFileStream(FileStream):
    """The chunks of a file for a WSGI response."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(partial(self._file.read, CHUNK_BYTES), b"")
