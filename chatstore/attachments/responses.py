"""How a file goes out: in pieces, and in a way that runs nothing in anybody's browser (A2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from chatstore.attachments.validation import clean_name
from chatstore.conf import DEFAULT_UPLOAD_TYPES
from chatstore.models import ChatAttachment

CHUNK_BYTES = 256 * 1024
# Images that a browser shows and that can't run anything; all else is a download.
INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
SERVED_TYPES = frozenset(DEFAULT_UPLOAD_TYPES)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=300",
}


def how_to_serve(row: ChatAttachment) -> tuple[str, str]:
    """Return the type and the disposition under which a file can do no harm."""
    is_inline = row.mime_type in INLINE_TYPES
    mime_type = row.mime_type if row.mime_type in SERVED_TYPES else "application/octet-stream"
    return mime_type, content_disposition_header(not is_inline, clean_name(row.name)) or ""


def file_response(
    request: HttpRequest, file: File[bytes], mime_type: str, disposition: str
) -> StreamingHttpResponse:
    """Return the response that streams an open file, and closes it."""
    return StreamingHttpResponse(
        FileStream(file) if isinstance(request, ASGIRequest) else SyncFileStream(file),
        content_type=mime_type,
        headers={**HEADERS, "Content-Length": file.size, "Content-Disposition": disposition},
    )


class FileStream:
    """A file in pieces, each read off the event loop; memory holds one of them."""

    def __init__(self, file: File[bytes]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await sync_to_async(self._file.read)(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Called by the response, also when the client has gone in the middle."""
        self._file.close()


class SyncFileStream(FileStream):
    """The same under WSGI."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(partial(self._file.read, CHUNK_BYTES), b"")
