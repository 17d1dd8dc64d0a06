"""
Request bodies: bounded while they arrive, and never held in memory.

Under ASGI Django writes the whole body to a temporary file before any view, middleware or upload
handler is asked: memory stays flat, but a client could fill the disk, with chunked encoding
without even announcing it. Hence ``bounded``, which counts the bytes in front of Django; what it
lets through, the views read from Django's temporary file in pieces.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from chatstore.attachments.validation import file_too_large
from chatstore.conf import settings
from chatstore.exceptions import UploadRefused

ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]
CHUNK_BYTES = 64 * 1024
DISCARDED_BYTES = 32 * 1024 * 1024
OVERHEAD_BYTES = 64 * 1024  # of a multipart form around its file


def bounded(application: ASGIApplication) -> ASGIApplication:
    """Wrap an ASGI application so that no body for chatstore's URLs is longer than it may be."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        left = _limit(scope) if scope["type"] == "http" else None
        if left is None:
            await application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > left:
            if b"expect" not in headers:  # else the client waits for an answer before it sends
                await _discard(receive)
            await _refuse(send)
            return
        is_refused = False

        async def receive_bounded() -> Any:
            nonlocal left, is_refused
            if not is_refused:
                message = await receive()
                left -= len(message.get("body", b""))
                if left >= 0:
                    return message
                is_refused = True
                if message.get("more_body"):
                    await _discard(receive)
                await _refuse(send)
            # Django ends the request without a word, as if the client had gone.
            return {"type": "http.disconnect"}

        await application(scope, receive_bounded, send)

    return wrapped


async def _discard(receive: Any) -> None:
    """Let some more go by: a client that is still sending would not see the answer."""
    left = DISCARDED_BYTES
    while left > 0:
        message = await receive()
        if not message.get("more_body"):
            return
        left -= len(message["body"])


def _limit(scope: Any) -> int | None:
    """How many bytes the body of a request may have; None where that isn't ours to say."""
    path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
    try:
        if path == reverse("chatstore:api"):
            return settings.max_request_bytes
        if path.startswith(reverse("chatstore:upload")):
            return settings.max_upload_bytes + OVERHEAD_BYTES
    except NoReverseMatch:  # chatstore.urls are not included
        pass
    return None


async def _refuse(send: Any) -> None:
    body = json.dumps({"error": _("This is too large.")}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Puts a form's file on the disk, whatever its size, and stops at the limit, not after it."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.max_upload_bytes:
            self.upload_interrupted()
            raise file_too_large()
        super().receive_data_chunk(raw_data, start)


def prepare(request: HttpRequest) -> None:
    """Bound a request's form, before anything (the CSRF check is first) reads it."""
    request.upload_handlers = [BoundedUploadHandler(request)]
    if is_form(request) and not request.META.get("CONTENT_LENGTH"):
        # Chunked encoding tells no length; of a length of 0 Django would not read the form.
        request.META["CONTENT_LENGTH"] = "1"


def is_form(request: HttpRequest) -> bool:
    return request.method == "POST" and request.content_type == "multipart/form-data"


def file_of_form(request: HttpRequest) -> UploadedFile[bytes]:
    """Return the field ``file`` of a prepared request. Reads from the disk: off the event loop."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise UploadRefused(_("There is no file in this upload."))
    return file


def file_of_body(request: HttpRequest) -> UploadedFile[bytes]:
    """Return the whole body as a file. Reads from the disk: off the event loop."""
    file = TemporaryUploadedFile("upload", request.content_type or "", 0, None)
    try:
        while chunk := request.read(CHUNK_BYTES):
            file.write(chunk)
            if file.tell() > settings.max_upload_bytes:
                raise file_too_large()
    except BaseException:
        file.close()
        raise
    file.size = file.tell()
    return file
