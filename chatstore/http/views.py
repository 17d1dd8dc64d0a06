"""
The ChatKit endpoint, and what it has in common with the views of files.

Every answer of the endpoints is JSON with a sentence, or the stream; never a redirect, never a
traceback, and nothing of the request's text comes back in it (V5).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from chatkit.server import StreamingResult
from chatkit.store import NotFoundError
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import Error, connections, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from chatstore.conf import settings
from chatstore.db.connections import close_dropped_connections, release_connections_sync
from chatstore.exceptions import Refused, RequestRefused
from chatstore.server import get_server
from chatstore.server.errors import describe
from chatstore.server.streams import ServerStoppingError

logger = logging.getLogger(__name__)
# Proxies and browsers keep nothing, and hand each event on as it comes (V6); so does Django's
# GZipMiddleware, which would fill its buffer first, and leaves alone what has an encoding.
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-store, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}


class EndpointView(View):
    """
    Asks who it is, checks CSRF, and says every refusal as JSON.

    CSRF is checked here and not by the middleware, which would answer with a page.
    """

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        view: Callable[..., HttpResponseBase] = csrf_exempt(super().as_view(**initkwargs))
        for using in connections:  # Django refuses async views in ATOMIC_REQUESTS, of any of them
            view = transaction.non_atomic_requests(using=using)(view)
        return view

    async def dispatch(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        try:
            await self.admit(request)
            handler: Any = super().dispatch(request, *args, **kwargs)  # a coroutine
            response: HttpResponseBase = await handler
            return response
        except Refused as error:
            return refusal(str(error), error.status)
        except NotFoundError:
            return refusal(_("There is no such conversation, message or file."), 404)
        except RequestDataTooBig:
            return refusal(_("The request is too large."), 413)
        except (SuspiciousOperation, MultiPartParserError):
            return refusal(_("The request can't be read."), 400)
        except NotImplementedError:
            return refusal(_("This chat does not support that."), 501)
        except ServerStoppingError:
            return refusal(_("The server is about to restart. Try again in a moment."), 503)
        except Exception as error:  # noqa: BLE001 (the client gets a sentence, the log the place)
            logger.error("A request failed: %s", describe(error))
            return refusal(_("Something went wrong. Try again."), 500)

    async def admit(self, request: HttpRequest) -> None:
        """Refuse whoever is not signed in (401), and requests that another site makes (403)."""
        await self.identify(request)
        await sync_to_async(self._check_csrf)(request)

    async def identify(self, request: HttpRequest) -> None:
        """Keep the context that the server makes of the request; without one, 401."""
        try:
            self.context = await get_server().get_context(request)
        except Error:
            # Django asks for session and user once only; after a restart of the database each
            # dead connection in the pool would cost a visitor an error (S15).
            if not await sync_to_async(close_dropped_connections)():
                raise
            self.context = await get_server().get_context(request)
        if self.context is None:
            raise RequestRefused(_("Sign in first."), 401)

    @staticmethod
    def _check_csrf(request: HttpRequest) -> None:
        """Check CSRF, and give back what this and the sign-in took from the database (S16)."""
        try:
            csrf = _CsrfCheck(lambda request: HttpResponse())
            csrf.process_request(request)
            if csrf.process_view(request, lambda request: HttpResponse(), (), {}):
                raise RequestRefused(_("The page is out of date. Reload it."), 403)
        finally:
            release_connections_sync()

    async def http_method_not_allowed(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = refusal(_("This address takes other methods."), 405)
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        response["Allow"] = ", ".join(allowed)
        return response


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(status=403)  # only that there is one counts


def refusal(sentence: str, status: int) -> JsonResponse:
    """Answer with a sentence for the person."""
    return JsonResponse({"error": sentence}, status=status, headers={"Cache-Control": "no-store"})


class ChatKitView(EndpointView):
    """The ChatKit endpoint: one JSON POST, answered by JSON or by server-sent events."""

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        result = await get_server().process(_read_body(request), self.context)
        if not isinstance(result, StreamingResult):
            return HttpResponse(
                result.json,
                content_type="application/json",
                headers={"Cache-Control": "no-store"},
            )
        if isinstance(request, ASGIRequest):
            return StreamingHttpResponse(
                result.json_events, content_type="text/event-stream", headers=STREAM_HEADERS
            )
        # WSGI has no event loop for the stream to live in: all at once, when it is complete.
        body = b"".join([event async for event in result])
        return HttpResponse(body, content_type="text/event-stream", headers=STREAM_HEADERS)


def _read_body(request: HttpRequest) -> bytes:
    """Return the body; RequestRefused where it is over CHATSTORE_MAX_REQUEST_BYTES."""
    body = request.read(settings.max_request_bytes + 1)
    if len(body) > settings.max_request_bytes:
        raise RequestRefused(_("The request is too large."), 413)
    return body
