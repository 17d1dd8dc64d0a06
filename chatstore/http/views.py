"""
The ChatKit endpoint, and the base class that it shares with the views for files.

A failed request is answered as JSON with a sentence: never a redirect, never a traceback, and
never with text from the request (V5).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from chatkit.server import StreamingResult
from chatkit.store import NotFoundError
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import ContextError, LimitReached, Refused, RequestRefused
from chatstore.http.access import check_csrf, load_context
from chatstore.http.languages import spoken_language
from chatstore.server import get_server, running_answers
from chatstore.server.errors import describe
from chatstore.server.streams import ServerStoppingError

MAX_TEXTS_BYTES = 16 * 1024  # of a body that read_texts reads
logger = logging.getLogger(__name__)
# A client that sends X-Chatstore-Finish has its answer finished without it, and stops it by a
# request (V16). Read from META, since request.headers is a copy that lasts as long as the stream.
FINISH_HEADER = "HTTP_X_CHATSTORE_FINISH"
NO_STORE = {"Cache-Control": "no-store"}
# Keep proxies and browsers from caching and buffering the events (V6). Django's GZipMiddleware
# would buffer them too; it skips responses that have a Content-Encoding.
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-store, no-transform",
    "Content-Encoding": "identity",
    "X-Accel-Buffering": "no",
}


class EndpointView(View):
    """
    Authenticates the user, checks CSRF, and answers every error as JSON.

    CSRF is checked here and not by the middleware, which would answer with an HTML page.
    """

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        view: Callable[..., HttpResponseBase] = csrf_exempt(super().as_view(**initkwargs))
        view = login_not_required(view)  # get_context decides, and a refusal is JSON
        for using in connections:  # Django refuses async views if any database has ATOMIC_REQUESTS
            view = transaction.non_atomic_requests(using=using)(view)
        return view

    async def dispatch(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        with override(spoken_language()):
            return await self._answer(request, *args, **kwargs)

    async def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            await self.check_access(request)
            handler: Any = super().dispatch(request, *args, **kwargs)  # a coroutine
            response: HttpResponseBase = await handler
            return response
        except LimitReached as error:
            return limit_response(error)
        except Refused as error:
            return error_response(str(error), error.status)
        except NotFoundError:
            return error_response(_("There is no such conversation, message or file."), 404)
        except RequestDataTooBig:
            return error_response(_("The request is too large."), 413)
        except SuspiciousOperation:
            return error_response(_("The request can't be read."), 400)
        except NotImplementedError:
            return error_response(_("This chat does not support that."), 501)
        except ServerStoppingError:
            return error_response(_("The server is about to restart. Try again in a moment."), 503)
        except ContextError as error:
            logger.error("A request failed: %s %s", error, describe(error.__cause__ or error))
            return _failed(error)
        except Exception as error:  # noqa: BLE001 (the details go to the log only)
            logger.error("A request failed: %s", describe(error))
            return _failed(error)

    async def check_access(self, request: HttpRequest) -> None:
        """
        Raise RequestRefused: 401 without a signed-in user, 403 where the CSRF check fails.

        The server releases the connection that authentication has used (S16).
        """
        await self.authenticate(request)
        await check_csrf(request)

    async def authenticate(self, request: HttpRequest) -> None:
        """Set ``self.context`` by ChatServer.get_context; RequestRefused (401) for None."""
        self.context = await load_context(request)
        if self.context is None:
            raise RequestRefused(_("Sign in first."), 401)

    async def http_method_not_allowed(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = error_response(_("This URL does not allow this method."), 405)
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        response["Allow"] = ", ".join(allowed)
        return response


def _failed(error: Exception) -> JsonResponse:
    """Return the answer 500; while DEBUG is on, it has the exception's words."""
    if not settings.debug:
        return error_response(_("Something went wrong. Try again."), 500)
    found = [one for one in (error, error.__cause__) if one]
    words = [f"{type(one).__name__}: {one}" for one in found]
    return error_response(" ".join(words), 500)


def error_response(sentence: str, status: int) -> JsonResponse:
    """Return the JSON answer ``{"error": sentence}``; the sentence is for the user."""
    return JsonResponse({"error": sentence}, status=status, headers=NO_STORE)


def limit_response(error: LimitReached) -> JsonResponse:
    """Return the answer 429, which says after how many seconds to try again (V7)."""
    response = error_response(str(error), error.status)
    response["Retry-After"] = str(error.retry_after)
    return response


class ChatKitView(EndpointView):
    """The ChatKit endpoint: a POST of JSON, answered by JSON or by server-sent events."""

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        is_asgi = isinstance(request, ASGIRequest)
        with running_answers.asked_for(is_asgi and FINISH_HEADER in request.META):
            result = await get_server().process(read_body(request), self.context)
        if not isinstance(result, StreamingResult):
            return HttpResponse(
                result.json,
                content_type="application/json",
                headers=NO_STORE,
            )
        if is_asgi:
            return StreamingHttpResponse(
                result.json_events, content_type="text/event-stream", headers=STREAM_HEADERS
            )
        warn_of_wsgi()
        # Under WSGI no event loop outlives the view, so the events are sent when all are there.
        body = b"".join([event async for event in result])
        return HttpResponse(body, content_type="text/event-stream", headers=STREAM_HEADERS)


@cache
def warn_of_wsgi() -> None:
    """Say once in a process what runserver is told by chatstore.W005."""
    logger.warning(
        "The site is served by WSGI, so each answer arrives all at once: serve it by ASGI."
    )


@csrf_exempt
@login_not_required
def unknown(request: HttpRequest) -> HttpResponse:
    """Answer for an URL at which there is nothing: 404 as JSON, and not as Django's page."""
    return error_response(_("There is nothing at this URL."), 404)


def read_texts(request: HttpRequest, *names: str) -> dict[str, str]:
    """
    Return the texts that a body of JSON has under these names; empty for one that is missing.

    RequestRefused (400, 413) for a body that is something else, or too large for a few texts.
    """
    try:
        given: Any = json.loads(read_body(request, MAX_TEXTS_BYTES))
    except (ValueError, RecursionError):
        raise RequestRefused(_("The request is not JSON."), 400) from None
    if not isinstance(given, dict) or not all(
        isinstance(given.get(name, ""), str) for name in names
    ):
        raise RequestRefused(_("The request can't be read."), 400)
    return {name: str(codec.replace_unstorable(given.get(name, ""))) for name in names}


def read_body(request: HttpRequest, max_bytes: int | None = None) -> bytes:
    """
    Return the body; RequestRefused (413) if it is too large.

    Args:
        max_bytes: how large it may be; by default CHATSTORE_MAX_REQUEST_BYTES.
    """
    max_bytes = settings.max_request_bytes if max_bytes is None else max_bytes
    body = request.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise RequestRefused(_("The request is too large."), 413)
    return body
