"""
Limits how often requests come, and the size of their bodies while they are received.

Under ASGI Django writes the whole body to a temporary file before it calls any middleware, view or
upload handler. A client could so fill the disk; with chunked encoding it doesn't even announce a
length. Therefore ``limit_requests`` counts the bytes before Django receives them. The views then
read Django's temporary file in chunks.

It does so before any middleware: which of the URLs a path belongs to is found as Django and
LocaleMiddleware will find it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import get_script_prefix
from django.urls import NoReverseMatch, URLResolver, get_resolver, get_urlconf, reverse
from django.urls import get_script_prefix as get_urls_prefix
from django.utils.translation import get_language, get_language_from_path, override
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.http.request_rate import RequestRate, session_of
from chatstore.server.errors import describe

logger = logging.getLogger(__name__)
ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]
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
        session = session_of(scope)
        refuse = _reason_to_refuse(scope, remaining)
        delay = 0.0
        if not refuse and scope["method"] not in ("GET", "HEAD") and rate.is_exceeded(session):
            refuse, delay = _send_too_many, rate.refusal_delay(session)
        if refuse:
            # A client that sends "Expect" sends the body only after an answer.
            if b"expect" in dict(scope["headers"]):
                await asyncio.sleep(delay)
            else:
                await _discard(receive)
                await _wait(delay, receive)
            await refuse(send)
            return
        is_refused = False
        turn = rate.turn_of(session)

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
    except (SuspiciousOperation, LookupError, ValueError) as error:  # such as of a wrong charset
        if has_begun:
            raise
        logger.warning("A request can't be read: %s", describe(error))
        await _send_unreadable(send)


def _reason_to_refuse(scope: Any, max_bytes: int) -> Callable[[Any], Awaitable[None]] | None:
    """Return what sends the refusal of a request, judged by its head; None for one that passes."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    if length.isdigit() and int(length) > max_bytes:
        return _send_too_large
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


@lru_cache(maxsize=100)  # to find them takes half a millisecond, and this is asked by every request
def _find_routes(resolver: URLResolver, prefix: str, language: str | None) -> _Routes | None:
    """
    Return where chatstore's URLs are, without the prefix; None if they are not included.

    The arguments are what the answer depends on: ``i18n_patterns`` put the language before a path.
    """

    def path_of(name: str, *args: str) -> str:
        return reverse(f"chatstore:{name}", args=args).removeprefix(prefix)

    try:
        with override(language):
            others = (path_of("shared", "-").removesuffix("-/"), *map(path_of, BESIDE_THE_API))
            return _Routes(path_of("page"), path_of("api"), path_of("upload"), others)
    except NoReverseMatch:
        return None


def _max_body_bytes(scope: Any) -> int | None:
    """Return the largest allowed body in bytes; None for URLs that are not chatstore's."""
    path = scope["path"].removeprefix(get_script_prefix(scope).rstrip("/"))
    urlconf = get_urlconf() or settings.root_urlconf
    language = get_language()
    if is_language_prefix_patterns_used(urlconf)[0]:  # else the look-up would be for nothing
        language = get_language_from_path(path) or language
    routes = _find_routes(get_resolver(urlconf), get_urls_prefix().rstrip("/"), language)
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
