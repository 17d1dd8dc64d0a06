"""
Requests beside ChatKit's for what it has no words for: a user's pinned and archived threads, and
what they do with one (V9, V11).
"""

from __future__ import annotations

import json
from typing import Any

from chatkit.types import Page, ThreadMetadata
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import RequestRefused
from chatstore.http.views import EndpointView, read_body
from chatstore.server import get_server
from chatstore.shares import links
from chatstore.store import DjangoStore

NO_STORE = {"Cache-Control": "no-store"}
_THREAD_FIELDS = {"id", "title", "created_at", "status", "allowed_image_domains"}


class OwnThreadsView(EndpointView):
    """
    GET of the pinned threads (``?list=pinned``), or a page of the archived ones, newest first.

    The answer is that of ChatKit's threads.list; ``after`` is the cursor of the archived ones.
    """

    async def get(self, request: HttpRequest) -> HttpResponse:
        await get_server().check_may_read(self.context)
        store, limit = get_store(), settings.max_page_size
        after = request.GET.get("after") or None
        match request.GET.get("list"):
            case "pinned":
                page = Page(data=await store.load_pinned_threads(limit, self.context))
            case "archived":
                page = await store.load_archived_threads(limit, after, "desc", self.context)
            case _:
                raise RequestRefused(_("There is no such list."), 400)
        answer = {"has_more": page.has_more, "after": page.after}
        return JsonResponse(answer | {"data": list(map(_as_json, page.data))}, headers=NO_STORE)


class OwnThreadView(EndpointView):
    """
    What the owner has done with a thread.

    GET tells it. POST of ``{"pinned": true}``, ``{"archived": true}`` or ``{"shared": true}``, or
    the same with false, changes one of them, and is answered like GET; that of a new link has the
    link's path too, which is shown this once.
    """

    async def get(self, request: HttpRequest, thread_id: str) -> HttpResponse:
        await get_server().check_may_read(self.context)
        return await self._state(thread_id)

    async def post(self, request: HttpRequest, thread_id: str) -> HttpResponse:
        await get_server().check_may_write(self.context)
        match _change(read_body(request)):
            case ("pinned", bool() as is_pinned):
                await get_store().pin_thread(thread_id, is_pinned, self.context)
            case ("archived", bool() as is_archived):
                await get_store().archive_thread(thread_id, is_archived, self.context)
            case ("shared", True):
                if not settings.sharing:
                    raise RequestRefused(_("Conversations can't be shared here."), 403)
                link = await links.share(get_store(), thread_id, self.context)
                return await self._state(thread_id, link=reverse("chatstore:shared", args=[link]))
            case ("shared", False):
                await get_store().end_share(thread_id, self.context)
            case _:
                raise RequestRefused(_("The request can't be read."), 400)
        return await self._state(thread_id)

    async def _state(self, thread_id: str, **more: str) -> HttpResponse:
        state = await get_store().load_thread_state(thread_id, self.context)
        return JsonResponse(vars(state) | more, headers=NO_STORE)


def get_store() -> DjangoStore[Any]:
    """Return the server's store; NotImplementedError (501) if it is another package's."""
    store = get_server().store
    if not isinstance(store, DjangoStore):
        raise NotImplementedError("The server's store is not a DjangoStore")
    return store


def _change(body: bytes) -> tuple[str, Any] | None:
    try:
        changes = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return next(iter(changes.items())) if isinstance(changes, dict) and len(changes) == 1 else None


def _as_json(thread: ThreadMetadata) -> dict[str, Any]:
    thread = codec.with_utc_offsets(thread)
    return thread.model_dump(mode="json", include=_THREAD_FIELDS, exclude_none=True)
