"""
Requests beside ChatKit's for answers that are finished without their client: to join one, to stop
one, and to ask what other pages of its owner have changed (V16, V17, V18).
"""

from __future__ import annotations

import hashlib

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from chatstore.http.own_threads import get_store
from chatstore.http.views import NO_STORE, STREAM_HEADERS, EndpointView
from chatstore.server import get_server


class AnswerView(EndpointView):
    """
    GET of the events of the answer that is made in a thread.

    They begin with what there is of it: items that are not done, as they are now; what is done is
    among the thread's items. Where another process makes the answer it is 202: another request may
    reach that one. Where none is made it is 204.
    """

    async def get(self, request: HttpRequest, thread_id: str) -> HttpResponseBase:
        await get_server().check_may_read(self.context)
        # 404 for an unknown one.
        state = await get_store().load_thread_state(thread_id, self.context)
        headers = dict(NO_STORE)
        if isinstance(request, ASGIRequest):
            if reader := get_server().join(thread_id, self.context):
                return StreamingHttpResponse(
                    reader, content_type="text/event-stream", headers=STREAM_HEADERS
                )
            if state.is_answering:  # the next request may reach that process by a new connection
                headers["Connection"] = "close"
        return HttpResponse(status=202 if state.is_answering else 204, headers=headers)


class StopView(EndpointView):
    """POST stops the answers in a thread; what there is of them is kept, marked as stopped."""

    async def post(self, request: HttpRequest, thread_id: str) -> HttpResponse:
        await get_server().check_may_write(self.context)
        await get_server().stop(thread_id, self.context)
        return JsonResponse({}, headers=NO_STORE)


class ChangesView(EndpointView):
    """
    GET of what a page asks again and again: which of the owner's threads are being answered, and
    of one, ``?thread=``, a text that changes with it; null for an unknown one.

    Where nothing is new it is 304.
    """

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        await get_server().check_may_read(self.context)
        changes = await get_store().load_changes(request.GET.get("thread") or None, self.context)
        seen = None if changes.seen is None else _hash("\0".join(changes.seen))
        response = JsonResponse({"answering": changes.answering, "seen": seen})
        response["ETag"] = etag = f'"{_hash(response.content.decode())}"'
        response["Cache-Control"] = "private, no-cache"
        conditional = get_conditional_response(request, etag=etag, response=response)
        # Of If-Match it makes a 412, without JSON.
        return conditional if conditional and conditional.status_code == 304 else response


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
