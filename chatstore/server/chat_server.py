"""
ChatServer: the ChatKitServer to write ``respond()`` for.

It adds what the SDK leaves to its users: what is refused, and with which status, before a stream
begins; ids that are unique; times with an offset; feedback; and answers that survive a lost
connection.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
)
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Generic, TypeVar, cast

from chatkit.errors import ErrorCode
from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.store import AttachmentStore, NotFoundError, Store
from chatkit.types import (
    AssistantMessageItem,
    ChatKitReq,
    ErrorEvent,
    HiddenContextItem,
    SDKHiddenContextItem,
    StreamingReq,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    WidgetItem,
    WorkflowItem,
    is_streaming_req,
)
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from chatstore import codec
from chatstore.attachments import DjangoAttachmentStore
from chatstore.conf import settings
from chatstore.db.connections import release_unneeded_connections
from chatstore.exceptions import Refused, RequestRefused
from chatstore.server import (
    preconditions,
    requests,
    running_answers,
    streams,
    suspensions,
    titles,
    user_limits,
)
from chatstore.server.event_guards import GuardedStream
from chatstore.server.kept_turns import keep_turn
from chatstore.server.page_server import PageServer
from chatstore.server.stores import AnsweringStore, ExtendedStore
from chatstore.server.streams import EventStream, Reader, stop_replaced
from chatstore.server.unfinished_answers import UnfinishedAnswers, add_endings, keep_items
from chatstore.store import DjangoStore
from chatstore.store.thread_cache import allow_cache
from chatstore.turns import StateChangedError, Turn, current_turn, track_request

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


class ChatServer(PageServer[TContext], Generic[TContext]):
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
        admission = await user_limits.admit(self._user_id(context), user_limits.cost_of(parsed))
        try:
            with allow_cache(isinstance(parsed, requests.READS_A_THREAD)):
                result = await self._serve(parsed, context)
        except BaseException:
            admission.end()
            raise
        if isinstance(result, StreamingResult) and isinstance(result.json_events, EventStream):
            result.json_events.on_end(admission.end)
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
        await running_answers.stop(self.store, str(self._user_id(context)), thread_id, context)

    def join(self, thread_id: str, context: TContext) -> Reader | None:
        """Return the events of an answer that this process makes in a thread; None for none."""
        return streams.join(str(self._user_id(context)), thread_id)

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
        start = partial(
            EventStream.start,
            error_event=self._error_event,
            turn=turn,
            owner=str(self._user_id(context)),
            answer=answer,
        )
        suspensions.watch()
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

    async def _process_events(
        self,
        thread: ThreadMetadata,
        context: TContext,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
    ) -> AsyncIterator[ThreadStreamEvent]:
        turn = current_turn() or Turn()
        turn.thread_id = turn.thread_id or thread.id  # another package's store does not tell
        turn.after_item_id = turn.after_item_id or next(iter(turn.stored), "")
        with_title = partial(self._with_title, stream, thread, turn, context)
        if turn.is_title_stored and not thread.title:
            thread.title = turn.first_title
        guarded = GuardedStream(with_title, thread, self.store, context, self.describe_failure)
        answers = UnfinishedAnswers(self._apply_assistant_message_update, self.store, context)
        waiting: list[ThreadStreamEvent] = []
        turn.replay = lambda: [self._event(event) for event in answers.replay()]
        try:
            events: Any = super()._process_events(thread, context, guarded.events)
            async with aclosing(events):
                async for event in events:
                    if turn.is_replaced and waiting:
                        raise StateChangedError
                    if turn.is_replaced:
                        yield self._replaced()
                        return
                    answers.follow(event)
                    if isinstance(event, ErrorEvent) and not guarded.is_from_respond(event):
                        # The SDK's own, which ends the stream. The client may leave with it.
                        await answers.keep(thread.id, "failed")
                    if turn.is_answer and isinstance(event, StreamOptionsEvent):
                        # The answer to a question is written next. If another one was faster, the
                        # request is refused, for which it is too late after the first event (S20).
                        waiting.append(event)
                        continue
                    while waiting:
                        yield waiting.pop()
                    if not _is_hidden(event):
                        yield event
        except asyncio.CancelledError:
            # handle_stream_cancelled has stored the answers.
            await answers.keep(thread.id, "stopped", (WidgetItem, WorkflowItem))
            raise
        finally:  # also where an event can't be sent; a workflow may stay open for the next turn
            await answers.keep(thread.id, "failed", (AssistantMessageItem, WidgetItem))
            await keep_turn(self.store, thread.id, turn, context)
            self._show_to_flagger(thread.id, turn, context)

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: TContext
    ) -> None:
        """
        Keep what there is of an answer that is stopped, marked as such (V4), and leave the SDK's
        note to the model that it was; nothing of a turn that a retry has replaced (S20).
        """
        turn = current_turn()
        if turn and turn.is_replaced:
            return
        answers = [item for item in pending_items if isinstance(item, AssistantMessageItem)]
        with suppress(StateChangedError):
            await keep_items(self.store, thread.id, answers, "stopped", context)
            await super().handle_stream_cancelled(thread, [], context)

    async def _only(self, event: ThreadStreamEvent) -> AsyncGenerator[bytes, None]:
        yield self._event(event)

    def _replaced(self) -> ErrorEvent:
        message = _("This answer was stopped, since its question has been asked again.")
        return ErrorEvent(code="custom", message=message, allow_retry=False)

    def _error_event(self, error: BaseException) -> bytes:
        if isinstance(error, Refused):
            return self._event(ErrorEvent(code="custom", message=str(error), allow_retry=False))
        if settings.debug:
            words = f"{type(error).__name__}: {error}"
            return self._event(ErrorEvent(code="custom", message=words, allow_retry=True))
        return self._event(ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True))

    def _event(self, event: BaseModel) -> bytes:
        return b"data: " + self._serialize(event) + b"\n\n"

    def _serialize(self, obj: BaseModel) -> bytes:
        turn = current_turn()
        if isinstance(obj, ThreadCreatedEvent) and turn and turn.first_title:
            obj.thread.title = obj.thread.title or turn.first_title
        obj = codec.with_utc_offsets(obj)
        try:
            serialized = super()._serialize(obj)
        except PydanticSerializationError:  # a lone surrogate, which the store replaces too (S14)
            serialized = super()._serialize(codec.replace_unstorable(obj))
        return add_endings(obj, serialized)


async def _with_second(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Send the first event, of a new thread, when its message is stored: it can be refused yet."""
    async with aclosing(events):
        first = [await anext(events)]
        async for event in events:
            while first:
                yield first.pop()
            yield event


def _is_hidden(event: ThreadStreamEvent) -> bool:
    """Tell whether the event holds what only the model may see; of "done" the SDK sends none."""
    return isinstance(event, (ThreadItemAddedEvent, ThreadItemReplacedEvent)) and isinstance(
        event.item, (HiddenContextItem, SDKHiddenContextItem)
    )


def get_server() -> ChatServer[Any]:
    """Return the instance of CHATSTORE_SERVER that serves all requests of this process."""
    if not settings.server:
        raise ImproperlyConfigured("CHATSTORE_SERVER must name a subclass of ChatServer.")
    return _make_server(settings.server)


@functools.cache
def _make_server(path: str) -> ChatServer[Any]:
    server: ChatServer[Any] = import_string(path)()
    return server
