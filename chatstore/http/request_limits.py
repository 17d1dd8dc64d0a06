"""
Limits how often requests come, and the size of their bodies while they are received, and reads
bodies without holding them in memory.

Under ASGI Django writes the whole body to a temporary file before it calls any middleware, view or
upload handler. A client could so fill the disk; with chunked encoding it doesn't even announce a
length. Therefore ``limit_requests`` counts the bytes before Django receives them. The views then
read Django's temporary file in chunks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.urls import (
    NoReverseMatch,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
    reverse,
)
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatstore.attachments.validation import file_too_large
from chatstore.conf import settings
from chatstore.exceptions import Refused, RequestRefused, UploadRefused
from chatstore.http.request_rate import RequestRate

ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]
CHUNK_BYTES = 64 * 1024
# Names of URLs, of which the first begins others.
BESIDE_THE_API = (
    *("threads", "export", "report", "changes"),
    *("search", "feedback_comment", "entities"),
)
MAX_DISCARDED_BYTES = 32 * 1024 * 1024  # of a refused body, read and thrown away
MULTIPART_OVERHEAD_BYTES = 64 * 1024  # of a multipart form around its file


def limit_requests(application: ASGIApplication) -> ASGIApplication:
    """
    Wrap an ASGI application so that of the requests for chatstore's URLs those with too large a
    body get 413, and those of a session that sends too many get 429.

    The limits are CHATSTORE_MAX_UPLOAD_BYTES for files, CHATSTORE_MAX_REQUEST_BYTES for all else,
    and CHATSTORE_REQUESTS_PER_SECOND for both. With the latter, requests of a session begin one
    after the other.
    """
    rate = RequestRate()

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        remaining = _max_body_bytes(scope) if scope["type"] == "http" else None
        if remaining is None:
            await application(scope, receive, send)
            return
        refuse = _reason_to_refuse(scope, remaining, rate)
        if refuse:
            delay = rate.refusal_delay(scope) if refuse is _send_too_many else 0
            # A client that sends "Expect" sends the body only after an answer.
            if b"expect" in dict(scope["headers"]):
                await asyncio.sleep(delay)
            else:
                await _discard(receive)
                await _wait(delay, receive)
            await refuse(send)
            return
        is_refused = False
        turn = rate.turn_of(scope)

        async def receive_limited() -> Any:
            nonlocal remaining, is_refused
            if not is_refused:
                message = await receive()
                remaining -= len(message.get("body", b""))
                if remaining >= 0:
                    # A request that is still being sent takes no turn.
                    if message["type"] == "http.request" and not message.get("more_body"):
                        await turn.wait()
                    return message
                is_refused = True
                if message.get("more_body"):
                    await _discard(receive)
                await _send_too_large(send)
            # Django then ends the request without a response, as after a client's disconnect.
            return {"type": "http.disconnect"}

        async def send_and_end_turn(message: Any) -> None:
            turn.end()
            await send(message)

        try:
            await _run_or_refuse(application, scope, receive_limited, send_and_end_turn)
        finally:
            turn.end()

    return wrapped


async def _run_or_refuse(application: ASGIApplication, scope: Any, receive: Any, send: Any) -> None:
    """Run the application; answer 400 where Django can't make its request, before any view."""
    has_begun = False

    async def send_noted(message: Any) -> None:
        nonlocal has_begun
        has_begun = True
        await send(message)

    try:
        await application(scope, receive, send_noted)
    except (SuspiciousOperation, LookupError, ValueError):  # such as a query in a wrong charset
        if has_begun:
            raise
        await _send_unreadable(send)


def _reason_to_refuse(
    scope: Any, max_bytes: int, rate: RequestRate
) -> Callable[[Any], Awaitable[None]] | None:
    """Return what sends the refusal of a request, judged by its head; None for one that passes."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    if length.isdigit() and int(length) > max_bytes:
        return _send_too_large
    if rate.is_exceeded(scope):
        return _send_too_many
    return None if _is_readable(scope) else _send_unreadable


async def _discard(receive: Any) -> None:
    """Read the rest of the body, up to a limit: a client that still sends does not read answers."""
    remaining = MAX_DISCARDED_BYTES
    while remaining > 0:
        message = await receive()
        if not message.get("more_body"):
            return
        remaining -= len(message["body"])


async def _wait(seconds: float, receive: Any) -> None:
    """Wait for a time, or until the client has gone; its body must have been received."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


class _Routes(NamedTuple):
    """Where chatstore's URLs are; a path belongs to one of ``others`` if it begins so."""

    page: str
    api: str
    upload: str
    others: tuple[str, ...]


@lru_cache(maxsize=8)  # to find them takes half a millisecond, and this is asked by every request
def _find_routes(resolver: URLResolver, prefix: str, language: str | None) -> _Routes | None:
    """
    Return where chatstore's URLs are; None if they are not included.

    The arguments are what the answer depends on.
    """
    try:
        shared = reverse("chatstore:shared", args=["-"]).removesuffix("-/")
        others = (shared, *(reverse(f"chatstore:{name}") for name in BESIDE_THE_API))
        page, api, upload = (reverse(f"chatstore:{name}") for name in ("page", "api", "upload"))
        return _Routes(page, api, upload, others)
    except NoReverseMatch:
        return None


def _max_body_bytes(scope: Any) -> int | None:
    """Return the largest allowed body in bytes; None for URLs that are not chatstore's."""
    path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
    routes = _find_routes(get_resolver(get_urlconf()), get_script_prefix(), get_language())
    if routes is None:
        return None
    if path in (routes.page, routes.api):
        return settings.max_request_bytes
    if path.startswith(routes.upload):
        return settings.max_upload_bytes + MULTIPART_OVERHEAD_BYTES
    return settings.max_request_bytes if path.startswith(routes.others) else None


async def _send_too_large(send: Any) -> None:
    await _send_error(send, 413, _("This is too large."), (b"connection", b"close"))


async def _send_too_many(send: Any) -> None:
    sentence = _("You are sending requests too quickly. Try again in a second.")
    await _send_error(send, 429, sentence, (b"retry-after", b"1"))


def _is_readable(scope: Any) -> bool:
    """Tell whether Django can decode the query; it answers HTML if not, before any view."""
    try:
        scope.get("query_string", b"").decode()
    except UnicodeDecodeError:
        return False
    return True


async def _send_unreadable(send: Any) -> None:
    await _send_error(send, 400, _("The request can't be read."), (b"connection", b"close"))


async def _send_error(send: Any, status: int, sentence: str, header: tuple[bytes, bytes]) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        header,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes a form's file to a temporary file, and stops as soon as it exceeds the limit."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.max_upload_bytes:
            self.upload_interrupted()
            raise file_too_large()
        super().receive_data_chunk(raw_data, start)


def limit_form(request: HttpRequest) -> None:
    """
    Limit the size of the file in a request's form.

    Must be called before anything reads the form; the CSRF check is the first to do so.
    """
    request.upload_handlers = [LimitedUploadHandler(request)]
    if is_form(request) and not request.META.get("CONTENT_LENGTH"):
        # With chunked encoding there is no length, and Django reads no form whose length is 0.
        request.META["CONTENT_LENGTH"] = "1"


def is_form(request: HttpRequest) -> bool:
    """Tell whether the body is a multipart form."""
    return request.method == "POST" and request.content_type == "multipart/form-data"


def read_form(request: HttpRequest) -> None:
    """
    Let Django read the form, if there is one. Blocking: don't call it on the event loop.

    Raises RequestRefused (400) for a form that it can't read, whatever the reason;
    RequestDataTooBig; and what an upload handler raises.
    """
    try:
        request.POST  # noqa: B018 (a property that reads the body)
    except (Refused, RequestDataTooBig, OSError):
        raise
    except Exception:  # noqa: BLE001 (it depends on charset, boundary, encoding, number of fields …)
        raise RequestRefused(_("The request can't be read."), 400) from None


def file_from_form(request: HttpRequest) -> UploadedFile[bytes]:
    """
    Return the field ``file`` of a form. Blocking: don't call it on the event loop.

    Raises UploadRefused: 400 without a file, 413 if it is too large.
    """
    read_form(request)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise UploadRefused(_("There is no file in this upload."))
    return file


def file_from_body(request: HttpRequest) -> UploadedFile[bytes]:
    """
    Return the body as a file, which the caller closes. Blocking: don't call it on the event loop.

    Raises UploadRefused (413) if it is too large.
    """
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
