"""
Requests beside ChatKit's for what it has no words for: a user's threads by last activity,
pinned and archived, what they do with one, and what they search for (V9, V11, V20, V21).
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import RequestRefused
from chatstore.http.views import NO_STORE, EndpointView, read_body, read_texts
from chatstore.models import MAX_REPORT_WORDS
from chatstore.server import get_server
from chatstore.shares import links
from chatstore.store import DjangoStore
from chatstore.store.own_threads import ListedThread
from chatstore.text_search.conditions import MAX_TEXT, terms_of

SEARCH_PAGE = 20  # messages
# Words of a search: where there is no index, each is compared with each message.
MAX_TERMS = 25
_THREAD_FIELDS = {"id", "title", "created_at", "status", "allowed_image_domains"}


class OwnThreadsView(EndpointView):
    """
    GET of the pinned threads (``?list=pinned``), or of a page of those in the list (``recent``) or
    of the archived ones (``archived``), the last active first.

    The answer is that of ChatKit's threads.list, and of each thread the time of its last activity;
    ``after`` is the cursor of the page before, and ``limit`` the most threads of this one.
    """

    async def get(self, request: HttpRequest) -> HttpResponse:
        await get_server().check_may_read(self.context)
        store, limit = get_store(), _limit(request)
        after = request.GET.get("after") or None
        match request.GET.get("list"):
            case "pinned":
                page = await store.load_pinned_threads(limit, self.context)
            case "recent":
                page = await store.load_recent_threads(limit, after, self.context)
            case "archived":
                page = await store.load_recent_threads(
                    limit, after, self.context, listing="archived"
                )
            case _:
                raise RequestRefused(_("There is no such list."), 400)
        answer = {"data": list(map(_as_json, page.data)), **_paging(page.after)}
        return JsonResponse(answer, headers=NO_STORE)


class SearchView(EndpointView):
    """
    GET of a page of the user's messages that have all words of ``q``, the newest first; with the
    first page the threads whose titles have them.

    An excerpt is a list of texts, each with whether it is one of the words.
    """

    async def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        if not text or len(text) > MAX_TEXT or len(terms_of(text)) > MAX_TERMS:
            raise RequestRefused(_("Search for one word or more, and not for a long text."), 400)
        await get_server().admit_search(self.context)
        after = request.GET.get("after") or None
        found = await get_store().search_messages(text, SEARCH_PAGE, after, self.context)
        data = [vars(one) | {"excerpt": list(map(list, one.excerpt))} for one in found.data]
        threads = list(map(_as_json, found.threads))
        answer = {"threads": threads, "data": data}
        return JsonResponse(answer | _paging(found.after), headers=NO_STORE)


class FeedbackCommentView(EndpointView):
    """
    POST of what the user has to say of an answer that has a thumb down: JSON with thread_id,
    item_id and comment; the answer is ``{}``.
    """

    async def post(self, request: HttpRequest) -> HttpResponse:
        names = ("thread_id", "item_id", "comment")
        values = read_texts(request, *names)
        if (limit := MAX_REPORT_WORDS) < len(values["comment"]):
            sentence = _("The description is too long: at most %(limit)d characters.")
            raise RequestRefused(sentence % {"limit": limit}, 400)
        await get_server().add_feedback_comment(**values, context=self.context)
        return JsonResponse({}, headers=NO_STORE)


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


def _as_json(listed: ListedThread) -> dict[str, Any]:
    thread = codec.with_utc_offsets(listed.thread)
    fields = thread.model_dump(mode="json", include=_THREAD_FIELDS, exclude_none=True)
    return fields | {"updated_at": listed.updated_at.isoformat()}


def _limit(request: HttpRequest) -> int:
    """Return how many threads are asked for; RequestRefused (400) for what is no such number."""
    limit = request.GET.get("limit", str(settings.max_page_size))
    if not re.fullmatch("[1-9][0-9]{0,8}", limit):
        raise RequestRefused(_("The limit must be at least 1."), 400)
    return min(int(limit), settings.max_page_size)


def _paging(after: str | None) -> dict[str, Any]:
    return {"has_more": after is not None, "after": after}
