"""The SDK alone in a Django view: its server with a store that keeps nothing."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from benchmarks.site.assistant import HOLD, respond


class Nothing(Store[Any]):
    """Takes all that it is given, and has none of it."""

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        pass

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        raise NotFoundError(thread_id)

    async def load_threads(self, *args: Any, **kwargs: Any) -> Page[ThreadMetadata]:
        return Page()

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        pass

    async def load_thread_items(self, *args: Any, **kwargs: Any) -> Page[ThreadItem]:
        return Page()

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        pass

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        pass

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        pass

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        pass

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        pass


class Server(ChatKitServer[Any]):
    respond = respond


_server = Server(Nothing())


async def view(request: HttpRequest) -> HttpResponseBase:
    """Answer a signed-in user's request by the SDK."""
    user = await request.auser()
    if not user.is_authenticated:
        return HttpResponse(status=401)
    if HOLD.encode() in request.body:  # else ten streams would take all connections of the pool
        await sync_to_async(connections.close_all)()
    result = await _server.process(request.body, {"user_id": str(user.pk)})
    assert isinstance(result, StreamingResult)  # noqa: S101
    return StreamingHttpResponse(result, content_type="text/event-stream")
