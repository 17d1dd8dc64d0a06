"""
ChatServer: the ChatKitServer to write ``respond()`` for.

It adds what the SDK leaves to its users: what is refused, and with which status, before a stream
begins; ids that are unique; times with an offset; feedback; and answers that survive a lost
connection.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import aclosing
from typing import Any, Generic, TypeVar, cast

from agents import (
    Agent,
    Model,
    ModelSettings,
    Runner,
    RunResultStreaming,
    TResponseInputItem,
)
from chatkit.agents import AgentContext, ResponseStreamConverter
from chatkit.errors import CustomStreamError, ErrorCode
from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult
from chatkit.store import AttachmentStore, Store
from chatkit.types import (
    AssistantMessageItem,
    ChatKitReq,
    ClientToolCallItem,
    ErrorEvent,
    FeedbackKind,
    HiddenContextItem,
    InferenceOptions,
    SDKHiddenContextItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    UserMessageItem,
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
from chatstore.seen_threads import remember_threads
from chatstore.server import preconditions, requests
from chatstore.server.converters import FileConverter, HistoryConverter, ImageConverter
from chatstore.server.errors import describe
from chatstore.server.event_guards import GuardedStream
from chatstore.server.model_input import newest_input
from chatstore.server.model_runs import AgentRun, InputTooLongError, stream_run
from chatstore.server.stores import ExtendedStore
from chatstore.server.streams import EventStream
from chatstore.server.unfinished_answers import UnfinishedAnswers, add_endings, has_text
from chatstore.store import DjangoStore

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


class ChatServer(ChatKitServer[TContext], Generic[TContext]):
    """
    Write ``respond()``, name the class in CHATSTORE_SERVER, and the views serve it.

    One instance serves all requests. With no argument it keeps everything in Django's database
    and storage.
    """

    # How many of a thread's newest items run_agent gives to the model.
    history_length = 50
    # What a user's message may choose for its answer: the id that the client's composer sends, and
    # the model, or the tool's name, that run_agent gives to the agent. Any other id is ignored.
    selectable_models: Mapping[str, str | Model] = {}
    selectable_tools: Mapping[str, str] = {}

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
        self, thread: ThreadMetadata, request: ChatKitReq
    ) -> str | Awaitable[str | None] | None:
        """
        Return why the thread does not take this request, as a sentence for its user, or None.

        May be a coroutine. Overriding it, keep what super() says: it refuses whatever would
        continue a locked or closed thread (V2).
        """
        if thread.status.type == "active" or not isinstance(request, requests.CONTINUES_A_THREAD):
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

        Raises NotImplementedError (501) where the store is somebody else's that can't.
        """
        if not isinstance(self.store, ExtendedStore):
            raise NotImplementedError("The store has no save_feedback() or no delete_items_after()")
        await self.store.save_feedback(thread_id, item_ids, feedback, context)

    # The model

    def run_agent(
        self,
        agent: Agent[Any],
        thread: ThreadMetadata,
        context: TContext,
        *,
        input: list[TResponseInputItem] | None = None,  # noqa: A002 (the Agents SDK's name)
        converter: ResponseStreamConverter | None = None,
        agent_context: AgentContext[Any] | type[AgentContext[Any]] = AgentContext,
        **options: Any,
    ) -> AgentRun:
        """
        Run an agent and stream its answer; when the stream ends early, the model stops too (V4).

        Where the model refuses the thread for its length, it is asked again with half of it, and
        so on down to the last user message.

        Args:
            agent: of the Agents SDK.
            thread: as respond() got it.
            context: as respond() got it.
            input: what the model reads, as it is; by default the thread's newest items.
            converter: how the model's output becomes items.
            agent_context: what the agent's tools get: an AgentContext, or a subclass of it that
                needs no more than ``thread``, ``store`` and ``request_context``.
            options: passed to Runner.run_streamed, such as max_turns or run_config.

        Returns an asynchronous iterator of events, which has the result when it is at its end.
        """
        results: list[RunResultStreaming] = []
        converter = converter or self._image_converter(thread, context)
        if isinstance(agent_context, type):
            agent_context = agent_context(thread=thread, store=self.store, request_context=context)
        events = self._run_agent(agent, agent_context, converter, input, options, results)
        return AgentRun(events, results)

    async def _run_agent(
        self,
        agent: Agent[Any],
        agent_context: AgentContext[Any],
        converter: ResponseStreamConverter,
        given_input: list[TResponseInputItem] | None,
        options: dict[str, Any],
        results: list[RunResultStreaming],
    ) -> AsyncGenerator[ThreadStreamEvent, None]:
        thread, context = agent_context.thread, agent_context.request_context
        agent = await self._as_chosen(agent, thread, context)
        max_items = self.history_length
        input = given_input if given_input is not None else await self.load_input(thread, context)  # noqa: A001
        while True:
            results.append(Runner.run_streamed(agent, input, context=agent_context, **options))
            events = stream_run(agent_context, results[-1], converter)
            try:
                async with aclosing(events):
                    async for event in events:
                        yield event
                return
            except InputTooLongError as error:
                if given_input is not None and error.__cause__:
                    raise error.__cause__ from None
            length = len(input)
            while len(input) >= length:
                if max_items == 1:
                    raise CustomStreamError(_("This is too long for the assistant to read."))
                max_items //= 2
                input = await self.load_input(thread, context, max_items)  # noqa: A001

    async def _as_chosen(
        self, agent: Agent[Any], thread: ThreadMetadata, context: TContext
    ) -> Agent[Any]:
        """Return the agent with what the user has chosen for the last message, if that may be."""
        if not self.selectable_models and not self.selectable_tools:
            return agent
        page = await self.store.load_thread_items(
            thread.id, None, self.history_length, "desc", context
        )
        is_continued = False
        for item in page.data:
            if isinstance(item, UserMessageItem):
                return self._with_options(agent, item.inference_options, is_continued)
            is_continued = is_continued or isinstance(item, ClientToolCallItem)
        return agent

    def _with_options(
        self, agent: Agent[Any], options: InferenceOptions, is_continued: bool
    ) -> Agent[Any]:
        if model := self.selectable_models.get(options.model or ""):
            agent = agent.clone(model=model)
        tool = self.selectable_tools.get(options.tool_choice.id) if options.tool_choice else None
        if tool and not is_continued:  # else a tool of the client would be called for ever
            chosen = agent.model_settings.resolve(ModelSettings(tool_choice=tool))
            agent = agent.clone(model_settings=chosen)
        return agent

    async def load_input(
        self, thread: ThreadMetadata, context: TContext, max_items: int | None = None
    ) -> list[TResponseInputItem]:
        """
        Return the thread's newest items as the model reads them, oldest first.

        What is longer than CHATSTORE_MAX_INPUT_LENGTH is left out from its beginning, but never
        the last user message.

        Args:
            max_items: how many items to give; run_agent asks for fewer than ``history_length``
                where the model has refused the input for its length.
        """
        page = await self.store.load_thread_items(
            thread.id, None, self.history_length, "desc", context
        )
        return await newest_input(
            self.get_converter(context),
            page.data,
            max_items=max_items or self.history_length,
            max_length=settings.max_input_length,
        )

    def get_converter(self, context: TContext) -> HistoryConverter:
        """Return what converts a thread's items to the model's input."""
        if isinstance(self.attachment_store, DjangoAttachmentStore):
            return FileConverter(self.attachment_store, context)
        return HistoryConverter()

    def _image_converter(
        self, thread: ThreadMetadata, context: TContext
    ) -> ResponseStreamConverter:
        if isinstance(self.attachment_store, DjangoAttachmentStore):
            return ImageConverter(self.attachment_store, thread.id, context)
        return ResponseStreamConverter()

    # Requests

    async def process(
        self, request: str | bytes | bytearray, context: TContext
    ) -> StreamingResult | NonStreamingResult:
        """
        Serve one request; a streaming one has its first event when this returns.

        Raises what chatstore.server.preconditions.check raises; nothing is stored then (V5).
        """
        parsed = requests.parse(request)
        logger.info("Received %s", parsed.type)
        with remember_threads():  # a stream that begins here remembers them too (S7)
            return await self._serve(parsed, context)

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
            # Another tab was faster: that is a refusal (409), and no fault.
            await preconditions.check(self, request, context)
            raise
        return StreamingResult(cast("AsyncGenerator[bytes, None]", stream))

    # Streams

    async def _retry(
        self, request: ThreadsRetryAfterItemReq, context: TContext
    ) -> AsyncGenerator[bytes, None]:
        # All at once and hidden ones too (M2); the SDK would delete one by one what it can see.
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
        async for event in super()._process_events(thread, context, guarded.events):
            answers.follow(event)
            if isinstance(event, ErrorEvent) and not guarded.is_last(event):
                # The SDK's own, which ends the stream. Stored first: its client may go now.
                await self._keep_broken_off(thread, answers, context)
            if not _is_hidden(event):
                yield event
        await self._keep_broken_off(thread, answers, context)

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: TContext
    ) -> None:
        """
        Keep what there is of an answer that is stopped, marked as such (V4), and leave the SDK's
        note to the model that it was.
        """
        await self._keep_answers(thread, pending_items, "stopped", context)
        await super().handle_stream_cancelled(thread, [], context)

    async def _keep_broken_off(
        self, thread: ThreadMetadata, answers: UnfinishedAnswers, context: TContext
    ) -> None:
        try:
            await self._keep_answers(thread, answers.take(), "failed", context)
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
            if not isinstance(item, AssistantMessageItem) or not has_text(item):
                continue
            if isinstance(self.store, ExtendedStore):
                await self.store.add_unfinished_answer(thread.id, item, ending, context)
            else:
                await self.store.add_thread_item(thread.id, item, context)

    async def _only(self, event: ThreadStreamEvent) -> AsyncGenerator[bytes, None]:
        yield self._event(event)

    def _error_event(self, error: Exception) -> bytes:
        return self._event(ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True))

    def _event(self, event: BaseModel) -> bytes:
        return b"data: " + self._serialize(event) + b"\n\n"

    def _serialize(self, obj: BaseModel) -> bytes:
        obj = codec.with_offsets(obj)
        try:
            serialized = super()._serialize(obj)
        except PydanticSerializationError:  # half of an emoji, which the store replaces too (S14)
            serialized = super()._serialize(codec.clean(obj))
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
