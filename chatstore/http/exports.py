"""Downloads of a user's own threads (V10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

from asgiref.sync import sync_to_async
from chatkit.store import NotFoundError
from django.core.handlers.asgi import ASGIRequest
from django.db import router
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.db.connections import release_connections_sync
from chatstore.exceptions import RequestRefused
from chatstore.http.own_threads import get_store
from chatstore.http.views import EndpointView
from chatstore.models import ChatSession
from chatstore.portability import user_exports
from chatstore.server import get_server

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
TYPES = {
    "jsonl": "application/x-ndjson",
    "md": "text/markdown; charset=utf-8",
    "zip": "application/zip",
}


class ExportView(EndpointView):
    """
    GET of all threads, or of one, as ``?format=markdown`` or ``json``.

    It counts as the creation of a thread, and as a stream while it is sent (V7).
    """

    async def get(self, request: HttpRequest, thread_id: str | None = None) -> HttpResponseBase:
        format_ = request.GET.get("format")
        if format_ not in ("json", "markdown"):
            raise RequestRefused(_("There is no such format."), 400)
        if thread_id is not None:
            state = await get_store().load_thread_state(thread_id, self.context)
            if state.is_temporary:
                raise RequestRefused(_("A temporary conversation is not exported."), 409)
        user_id = codec.validate_user_id(get_store().get_user_id(self.context))
        admission = await get_server().admit_export(self.context)
        try:
            chunks, name = await sync_to_async(_make)(user_id, thread_id, format_)
        except BaseException:
            admission.end()
            raise
        make = ExportStream if isinstance(request, ASGIRequest) else SyncExportStream
        stream = make(chunks, admission.end)
        admission.end_with(stream)
        return StreamingHttpResponse(
            stream,
            content_type=TYPES[name.rpartition(".")[2]],
            headers={**HEADERS, "Content-Disposition": content_disposition_header(True, name)},
        )


def _make(user_id: str, thread_id: str | None, format_: str) -> tuple[Iterator[bytes], str]:
    """Return the chunks of an export, and the file's name; NotFoundError without the thread."""
    threads = user_exports.threads_of(user_id, router.db_for_write(ChatSession))
    if thread_id is None:
        name = f"conversations-{timezone.localdate()}"
        if format_ == "json":
            return user_exports.as_archive(threads), f"{name}.jsonl"
        return user_exports.as_markdown_zip(threads), f"{name}.zip"
    threads = threads.thread(thread_id)
    thread = threads.first()
    if thread is None:
        raise NotFoundError(f"Thread {thread_id} not found")
    name = user_exports.document_name(thread)
    if format_ == "json":
        return user_exports.as_archive(threads), f"{name.removesuffix('.md')}.jsonl"
    return user_exports.as_markdown(thread), name


class ExportStream:
    """
    The chunks of an export for an ASGI response.

    Each is made in the request's thread, which gives its connection back before the chunk is sent
    (S16): a client may take it slowly.
    """

    def __init__(self, chunks: Iterator[bytes], on_end: Callable[[], None]) -> None:
        self._chunks = chunks
        self._on_end = on_end
        self._language = translation.get_language()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await sync_to_async(self._next)():
                yield chunk
        finally:
            self._on_end()  # after an exception Django does not close a response

    def _next(self) -> bytes:
        try:
            with translation.override(self._language):
                return next(self._chunks, b"")
        finally:
            release_connections_sync()

    def close(self) -> None:
        """End the export; the response calls it at its end, also after a disconnect."""
        self._on_end()
        with suppress(ValueError):  # a chunk is being made: it is the last one
            self._chunks.close()  # type: ignore[attr-defined]


class SyncExportStream(ExportStream):
    """The same for a WSGI response."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from iter(self._next, b"")
        finally:
            self._on_end()
