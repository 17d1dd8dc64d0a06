"""
Who asks, and whether the request may come from another site's page: get_context and CSRF, for the
views that answer as JSON and for the chat page.
"""

from __future__ import annotations

from inspect import isawaitable, iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied, SuspiciousOperation, SynchronousOnlyOperation
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.conf import settings
from chatstore.db.connections import replace_dropped_connections
from chatstore.db.errors import is_pool_timeout
from chatstore.exceptions import ContextError, Refused, RequestRefused
from chatstore.http.forms import read_form
from chatstore.server import ChatServer, get_server
from chatstore.store import DjangoStore

# A browser sends these by itself, to whatever site asked for a password: they prove as little as a
# cookie where a request comes from.
AMBIENT_SCHEMES = {"basic", "digest", "negotiate", "ntlm"}


async def load_context(request: HttpRequest) -> Any:
    """
    Return what ChatServer.get_context says, which may be sync or async; None for nobody.

    Raises RequestRefused (401, 403) where it refuses the request, and ContextError, with a sentence
    for the developer, where it fails or its result names no owner.
    """
    server = get_server()
    try:
        context = await _ask(server, request)
    except (Refused, SuspiciousOperation, Error):
        raise
    except SynchronousOnlyOperation as error:
        reason = "used the ORM without await: make it a plain def, or use the ORM's async methods"
        raise ContextError(f"{_name(server)} is async and {reason}.") from error
    except Exception as error:
        status = 403 if isinstance(error, PermissionDenied) else getattr(error, "status_code", None)
        if status == 401:  # of the REST framework's and of Ninja's exceptions
            raise RequestRefused(_("Sign in first."), 401) from error
        if status == 403:
            raise RequestRefused(_("You may not use this chat."), 403) from error
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        raise ContextError(f"{_name(server)} raised {kind}.") from error
    if context is not None:
        _check_owner(server, context)
    return context


async def _ask(server: ChatServer[Any], request: HttpRequest) -> Any:
    try:
        return await _call(server, request)
    except Error as error:
        # Django doesn't repeat the queries for session and user. After a restart of the
        # database each dead connection in the pool would cause a 500 (S15).
        if is_pool_timeout(error) or not await sync_to_async(replace_dropped_connections)():
            raise
        return await _call(server, request)


async def _call(server: ChatServer[Any], request: HttpRequest) -> Any:
    if iscoroutinefunction(server.get_context):
        return await server.get_context(request)
    context: Any = await sync_to_async(server.get_context)(request)  # in the request's thread
    return await context if isawaitable(context) else context


def _check_owner(server: ChatServer[Any], context: Any) -> None:
    """Raise ContextError if the store finds no owner in the context."""
    if not isinstance(server.store, DjangoStore):
        return  # another package's, which may know its owner otherwise
    try:
        user_id = server.store.get_user_id(context)
        if hasattr(user_id, "is_authenticated"):
            raise TypeError  # a user's str() may change, and all visitors have the same
        codec.validate_user_id(user_id)
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise ContextError(
            f"{_name(server)} returned a {type(context).__name__} in which the store finds no "
            'owner: return a context with a user_id, such as {"user_id": str(user.pk)}, or None '
            "for somebody who must sign in."
        ) from error


def _name(server: ChatServer[Any]) -> str:
    return f"{type(server).__module__}.{type(server).__qualname__}.get_context()"


def brings_its_own_credential(request: HttpRequest) -> bool:
    """
    Tell whether the request needs no CSRF token: its credential is none that browsers send for
    another site's page.

    The server must allow it, and the request must have no cookie at all. So a page of another site
    that adds a header to the cookies of its visitor gains nothing.
    """
    scheme, _space, credential = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    allowed = {one.lower() for one in get_server().csrf_exempt_schemes} - AMBIENT_SCHEMES
    return (
        scheme.lower() in allowed
        and bool(credential.strip())
        and not request.META.get("HTTP_COOKIE")
    )


async def check_csrf(request: HttpRequest) -> None:
    """Raise RequestRefused (403) where Django's CSRF check fails."""
    if brings_its_own_credential(request):
        return
    if request.content_type == "application/json" and not settings.csrf_use_sessions:
        _check_csrf(request)
    else:  # this may read a form, or load the session
        await sync_to_async(_check_csrf)(request)


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(status=403)  # the caller only tests that a response was returned


def _check_csrf(request: HttpRequest) -> None:
    read_form(request)
    csrf = _CsrfCheck(lambda request: HttpResponse())
    csrf.process_request(request)
    if csrf.process_view(request, lambda request: HttpResponse(), (), {}):
        raise RequestRefused(_("The page is out of date. Reload it."), 403)
