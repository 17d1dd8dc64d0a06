"""
The page of a shared thread (V11), for whoever has the link. It needs no sign-in and no cookie.

A link that shows nothing is answered alike, whatever the reason. No log has a link: it is
the secret.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from chatkit.store import NotFoundError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.log import log_response

from chatstore.http.languages import OneLanguageResponse
from chatstore.http.views import EndpointView
from chatstore.shares import snapshots

HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",  # the link is the secret
    "X-Robots-Tag": "noindex, nofollow",
}


class _PublicView(EndpointView):
    async def check_access(self, request: HttpRequest) -> None:
        """Let everybody in: the link is the permission."""

    async def dispatch(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        response = await super().dispatch(request, *args, **kwargs)
        if isinstance(response, HttpResponse) and response.status_code >= 400:
            # Django would log it with the path, and mail the admins the request. It logs a
            # response once.
            log = sync_to_async(log_response, thread_sensitive=False)  # as Django does
            await log("%s: a shared conversation", response.reason_phrase, response=response)
        return response


class SharedPageView(_PublicView):
    """GET of the page, which loads the items."""

    async def get(self, request: HttpRequest, link: str) -> HttpResponse:
        # The template of the chat page, so that a site's changes of it are seen here too.
        context: dict[str, Any] = {"is_shared": True}
        status = 200
        try:
            context["shared_title"] = (await snapshots.load_page(link)).title
            context["items_url"] = reverse("chatstore:shared_items", args=[link])
        except NotFoundError:
            status = 404
        page = OneLanguageResponse(
            request, "chatstore/chat.html", context, status=status, headers=HEADERS
        )
        await sync_to_async(page.render)()
        return page


class SharedItemsView(_PublicView):
    """GET of a page of its items, as JSON; ``?after=`` is the cursor that the page before named."""

    async def get(self, request: HttpRequest, link: str) -> HttpResponse:
        page = await snapshots.load_page(link, request.GET.get("after") or None)
        answer = {"data": page.items, "after": page.after, "has_more": page.after is not None}
        return JsonResponse(answer, headers=HEADERS)
