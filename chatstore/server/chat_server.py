"""
ChatServer: the ChatKitServer to write ``respond()`` for.

It adds what the SDK leaves to its users: what is refused, and with which status, before a stream
begins; ids that are unique; times with an offset; feedback; and answers that survive a lost
connection.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncGenerator, Awaitable, Collection
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Generic, TypeVar, cast

from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.store import AttachmentStore, NotFoundError, Store
from chatkit.types import (
    ChatKitReq,
    ErrorEvent,
    StreamingReq,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsRetryAfterItemReq,
    is_streaming_req,
)
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from chatstore.attachments import DjangoAttachmentStore
from chatstore.conf import settings
from chatstore.db.connections import release_unneeded_connections
from chatstore.exceptions import RequestRefused
from chatstore.server import (
    live_streams,
    preconditions,
    requests,
    running_answers,
    suspensions,
    titles,
    user_limits,
)
from chatstore.server.live_streams import stop_replaced
from chatstore.server.stores import AnsweringStore, ExtendedStore
from chatstore.server.streaming_server import StreamingServer
from chatstore.server.streams import EventStream, Reader
from chatstore.store import DjangoStore
from chatstore.store.thread_cache import allow_cache
from chatstore.turns import StateChangedError, Turn, track_request

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


class ChatServer(StreamingServer[TContext], Generic[TContext]):
    """
    Write ``respond()``, name the class in CHATSTORE_SERVER, and the views serve it.

    One instance serves all requests. With no argument it keeps everything in Django's database
    and storage.
    """

    def __init__(
        self,
        store: Store[TContext] | None = None,
        attachment_store: AttachmentStore[TContext] | None = None,
    ) -> None:
        super().__init__(store or DjangoStore(), attachment_store or DjangoAttachmentStore())

    # What an application may override

    # The schemes of the header Authorization, such as ("Bearer",), with which a request that has no
    # cookie needs no CSRF token. Basic is never one: browsers send it by themselves.
    csrf_exempt_schemes: Collection[str] = ()

    async def get_context(self, request: HttpRequest) -> TContext | None:
        """
        Return what the stores and respond() get; None for a visitor who must sign in (401).

        The endpoint, the files and the chat page ask it. An override may be a plain ``def``, which
        may use the ORM: it runs in a thread.
        """
        user = await request.auser()
        if not user.is_authenticated:
            return None
        return cast(TContext, {"user_id": str(user.pk), "request": request})

    def refusal(
        self, thread: ThreadMetadata | None, request: ChatKitReq, context: TContext
    ) -> str | Awaitable[str | None] | None:
        """
        Return why this request is not taken, as a sentence for its user, or None.

        May be a coroutine, and may raise LimitReached (429). Overriding it, keep what super() says:
        it refuses whatever would continue a locked or closed thread (V2).

        Args:
            thread: the one that the request names; None for threads.create, which is asked too.
            request: ChatKit's.
            context: as respond() gets it.
        """
        if (
            thread is None
            or thread.status.type == "active"
            or not isinstance(request, requests.CONTINUES_A_THREAD)
        ):
            return None
        if thread.status.reason:
            return thread.status.reason
        if thread.status.type == "closed":
            return _("This conversation is closed.")
        return _("This conversation is locked.")

    # Requests

    async def process(
        self, request: str | bytes | bytearray, context: TContext
    ) -> StreamingResult | NonStreamingResult:
        """
        Serve one request; a streaming one has its first event when this returns.

        Raises LimitReached where the user has started too much (V7), RequestRefused (403) for a
        suspended person (M6), and what chatstore.server.preconditions.check raises; nothing is
        stored then (V5).
        """
        parsed = requests.parse(request)
        logger.info("Received %s", parsed.type)
        is_read = isinstance(parsed, requests.READS)
        await (self.check_may_read if is_read else self.check_may_write)(context)
        admission = await user_limits.admit(self.get_user_id(context), user_limits.cost_of(parsed))
        try:
            with allow_cache(isinstance(parsed, requests.READS_A_THREAD)):
                result = await self._serve(parsed, context)
        except BaseException:
            admission.end()
            raise
        if isinstance(result, StreamingResult) and isinstance(result.json_events, EventStream):
            result.json_events.on_sent(admission.end)
            admission.end_with(result.json_events)
        else:
            admission.end()
        return result

    async def _serve(
        self, request: ChatKitReq, context: TContext
    ) -> StreamingResult | NonStreamingResult:
        if is_streaming_req(request):
            turn = requests.begin_turn(request)
            if isinstance(request, ThreadsCreateReq) or (
                turn.replaces and isinstance(request, ThreadsAddUserMessageReq)
            ):
                turn.first_title = self.first_title(titles.words_of(request.params.input))
            with track_request(turn):  # a stream that begins here remembers what is seen too (S7)
                stream = await self._stream(request, context, turn)
            return StreamingResult(cast("AsyncGenerator[bytes, None]", stream))
        with track_request():
            await preconditions.check(self, request, context)
            # What the sign-in has taken is not kept while the application transcribes (S16).
            await release_unneeded_connections()
            return NonStreamingResult(await self._process_non_streaming(request, context))

    async def stop(self, thread_id: str, context: TContext) -> None:
        """
        Stop the answers in a thread that are finished without their clients (V16).

        Raises NotFoundError for a thread that the user does not have.
        """
        if not isinstance(self.store, AnsweringStore):
            raise NotImplementedError("The store is no AnsweringStore, and stops no answers")
        await running_answers.stop(self.store, str(self.get_user_id(context)), thread_id, context)

    def join(self, thread_id: str, context: TContext) -> Reader | None:
        """Return the events of an answer that this process makes in a thread; None for none."""
        return live_streams.join(str(self.get_user_id(context)), thread_id)

    # Streams

    async def _stream(
        self, request: StreamingReq, context: TContext, turn: Turn
    ) -> EventStream | AsyncGenerator[bytes, None]:
        try:
            await preconditions.check(self, request, context)
            try:
                return await self._start(request, context, turn)
            except (StateChangedError, ValueError) as error:
                # Another request may have changed meanwhile what was looked at (S20). Of two edits
                # at once the message of one is gone, which says less than the sentence below.
                with suppress(*[NotFoundError] if turn.replaces else []):
                    await preconditions.check(self, request, context)
                if isinstance(error, StateChangedError):
                    message = _("The conversation has changed meanwhile. Try again.")
                    raise RequestRefused(message, 409) from None
                raise
        except preconditions.ThreadRefused as refused:
            return self._only(ErrorEvent(code="custom", message=str(refused)))

    async def _start(self, request: StreamingReq, context: TContext, turn: Turn) -> EventStream:
        live_streams.check_draining()  # before a retry deletes the answer that it replaces
        if isinstance(request, ThreadsRetryAfterItemReq):
            params, replaced = request.params, turn.retry_id
            if isinstance(self.store, ExtendedStore):
                # In one operation, hidden items too (M2); the SDK deletes visible ones, one at a
                # time. Of two retries at once it refuses one.
                await self.store.delete_items_after(params.thread_id, params.item_id, context)
            last_event = self._event(self._replaced())
            await stop_replaced(params.thread_id, replaced, last_event)
        events: AsyncGenerator[bytes, None] = self._process_streaming(request, context)
        answer = running_answers.begin(self.store, context, turn)
        if answer:
            # It has a thread of its own, which needs a connection while the request waits for its
            # first event. With those of the sign-in kept, ten such requests would fill the pool.
            await release_unneeded_connections()
        start = partial(
            live_streams.start,
            error_event=self._error_event,
            turn=turn,
            owner=str(self.get_user_id(context)),
            answer=answer,
        )
        live_streams.look_after(suspensions.watch)
        with_file = isinstance(request, ThreadsCreateReq) and request.params.input.attachments
        events = _with_second(events) if with_file else events
        events = answer.events(events) if answer else events
        if turn.replaces and isinstance(request, ThreadsAddUserMessageReq):
            replaced = turn.retry_id  # as preconditions.check has seen it
            stream = await start(events)
            await stop_replaced(request.params.thread_id, replaced, self._event(self._replaced()))
            return stream
        if not with_file:
            return await start(events)
        try:
            return await start(events)
        except Exception:
            # Of two new threads at once with one file, one is refused (S20), with its thread.
            if turn.thread_id:
                await self.store.delete_thread(turn.thread_id, context)
            raise


async def _with_second(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Send the first event, of a new thread, when its message is stored: it can be refused yet."""
    async with aclosing(events):
        first = [await anext(events)]
        async for event in events:
            while first:
                yield first.pop()
            yield event


def get_server() -> ChatServer[Any]:
    """Return the instance of CHATSTORE_SERVER that serves all requests of this process."""
    if not settings.server:
        raise ImproperlyConfigured("CHATSTORE_SERVER must name a subclass of ChatServer.")
    return _make_server(settings.server)


@functools.cache
def _make_server(path: str) -> ChatServer[Any]:
    server: ChatServer[Any] = import_string(path)()
    return server
