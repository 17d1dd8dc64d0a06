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
    Iterable,
)
from typing import Any, Generic, TypeVar, cast

from chatkit.errors import ErrorCode
from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.store import AttachmentStore, Store
from chatkit.types import (
    AssistantMessageItem,
    ChatKitReq,
    ErrorEvent,
    FeedbackKind,
    HiddenContextItem,
    SDKHiddenContextItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
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
from chatstore.seen_threads import track_seen_threads
from chatstore.server import preconditions, requests, user_limits
from chatstore.server.agent_server import AgentServer
from chatstore.server.errors import describe
from chatstore.server.event_guards import GuardedStream, join_surrogates
from chatstore.server.stores import ExtendedStore
from chatstore.server.streams import EventStream
from chatstore.server.unfinished_answers import (
    UnfinishedAnswers,
    add_endings,
    end_workflow,
    has_text,
)
from chatstore.store import DjangoStore

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


class ChatServer(AgentServer[TContext], Generic[TContext]):
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

    async def get_context(self, request: HttpRequest) -> TContext | None:
        """Return what the stores and respond() get; None for a visitor who must sign in (401)."""
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

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: TContext
    ) -> None:
        """
        Keep the feedback with its items (V1).

        Raises NotImplementedError (501) where the store has no method for it.
        """
        if not isinstance(self.store, ExtendedStore):
            raise NotImplementedError("The store is no ExtendedStore, and keeps no feedback")
        await self.store.save_feedback(thread_id, item_ids, feedback, context)

    # Requests

    async def process(
        self, request: str | bytes | bytearray, context: TContext
    ) -> StreamingResult | NonStreamingResult:
        """
        Serve one request; a streaming one has its first event when this returns.

        Raises LimitReached where the user has started too much (V7), and what
        chatstore.server.preconditions.check raises; nothing is stored then (V5).
        """
        parsed = requests.parse(request)
        logger.info("Received %s", parsed.type)
        admission = await user_limits.admit(self._user_id(context), user_limits.cost_of(parsed))
        try:
            with track_seen_threads():  # a stream that begins here remembers them too (S7)
                result = await self._serve(parsed, context)
        except BaseException:
            admission.end()
            raise
        if isinstance(result, StreamingResult) and isinstance(result.json_events, EventStream):
            result.json_events.on_end(admission.end)
        else:
            admission.end()
        return result

    async def admit_upload(self, context: TContext) -> None:
        """Count a direct upload; LimitReached where the user has created too much (V7)."""
        await user_limits.admit(self._user_id(context), user_limits.CREATION)

    def _user_id(self, context: TContext) -> Any:
        get_user_id = getattr(self.store, "get_user_id", codec.user_id_from_context)
        return get_user_id(context)

    async def _serve(
        self, request: ChatKitReq, context: TContext
    ) -> StreamingResult | NonStreamingResult:
        try:
            await preconditions.check(self, request, context)
        except preconditions.ThreadRefused as refused:
            if not is_streaming_req(request):
                raise
            event = ErrorEvent(code="custom", message=str(refused))
            return StreamingResult(self._only(event))
        if not is_streaming_req(request):
            return NonStreamingResult(await self._process_non_streaming(request, context))
        try:
            stream = await EventStream.start(
                self._retry(request, context)
                if isinstance(request, ThreadsRetryAfterItemReq)
                else self._process_streaming(request, context),
                error_event=self._error_event,
            )
        except ValueError:
            # Another request has changed the state meanwhile: this one is refused (409).
            await preconditions.check(self, request, context)
            raise
        return StreamingResult(cast("AsyncGenerator[bytes, None]", stream))

    # Streams

    async def _retry(
        self, request: ThreadsRetryAfterItemReq, context: TContext
    ) -> AsyncGenerator[bytes, None]:
        # In one operation, hidden items too (M2); the SDK deletes visible ones, one at a time.
        params = request.params
        if isinstance(self.store, ExtendedStore):
            await self.store.delete_items_after(params.thread_id, params.item_id, context)
        async for event in self._process_streaming(request, context):
            yield event

    async def _process_events(
        self,
        thread: ThreadMetadata,
        context: TContext,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
    ) -> AsyncIterator[ThreadStreamEvent]:
        guarded = GuardedStream(stream, thread, self.store, context)
        answers = UnfinishedAnswers(self._apply_assistant_message_update)
        try:
            async for event in super()._process_events(thread, context, guarded.events):
                answers.follow(event)
                if isinstance(event, ErrorEvent) and not guarded.is_from_respond(event):
                    # The SDK's own, which ends the stream. The client may leave when it gets it.
                    await self._keep_broken_off(thread, answers.take(), context)
                if not _is_hidden(event):
                    yield event
        except asyncio.CancelledError:
            # handle_stream_cancelled has stored the answers.
            workflows = [item for item in answers.take() if isinstance(item, WorkflowItem)]
            await self._keep_answers(thread, workflows, "stopped", context)
            raise
        finally:  # also where an event can't be sent; a workflow may stay open for the next turn
            unfinished = [item for item in answers.take() if not isinstance(item, WorkflowItem)]
            await self._keep_broken_off(thread, unfinished, context)

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: TContext
    ) -> None:
        """
        Keep what there is of an answer that is stopped, marked as such (V4), and leave the SDK's
        note to the model that it was.
        """
        answers = [item for item in pending_items if isinstance(item, AssistantMessageItem)]
        await self._keep_answers(thread, answers, "stopped", context)
        await super().handle_stream_cancelled(thread, [], context)

    async def _keep_broken_off(
        self, thread: ThreadMetadata, items: Iterable[ThreadItem], context: TContext
    ) -> None:
        try:
            await self._keep_answers(thread, items, "failed", context)
        except Exception as error:  # noqa: BLE001 (the stream ends with its first error)
            logger.warning("A part of an answer was lost in %s: %s", thread.id, describe(error))

    async def _keep_answers(
        self,
        thread: ThreadMetadata,
        items: Iterable[ThreadItem],
        ending: codec.Ending,
        context: TContext,
    ) -> None:
        for item in items:
            if isinstance(item, WorkflowItem) and item.workflow.tasks:
                await self.store.add_thread_item(thread.id, end_workflow(item), context)
            if not isinstance(item, AssistantMessageItem) or not has_text(item):
                continue
            join_surrogates(item)
            if isinstance(self.store, ExtendedStore):
                await self.store.add_unfinished_answer(thread.id, item, ending, context)
            else:
                await self.store.add_thread_item(thread.id, item, context)

    async def _only(self, event: ThreadStreamEvent) -> AsyncGenerator[bytes, None]:
        yield self._event(event)

    def _error_event(self, error: BaseException) -> bytes:
        return self._event(ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True))

    def _event(self, event: BaseModel) -> bytes:
        return b"data: " + self._serialize(event) + b"\n\n"

    def _serialize(self, obj: BaseModel) -> bytes:
        obj = codec.with_utc_offsets(obj)
        try:
            serialized = super()._serialize(obj)
        except PydanticSerializationError:  # a lone surrogate, which the store replaces too (S14)
            serialized = super()._serialize(codec.replace_unstorable(obj))
        return add_endings(obj, serialized)


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
