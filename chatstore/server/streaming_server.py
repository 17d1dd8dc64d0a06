"""StreamingServer: the part of ChatServer that makes what its streams send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Generic, TypeVar

from chatkit.errors import ErrorCode
from chatkit.types import (
    AssistantMessageItem,
    ErrorEvent,
    HiddenContextItem,
    SDKHiddenContextItem,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
    WorkflowItem,
)
from django.utils.translation import gettext as _
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import Refused
from chatstore.server.event_guards import GuardedStream
from chatstore.server.kept_turns import keep_turn
from chatstore.server.page_server import PageServer
from chatstore.server.unfinished_answers import UnfinishedAnswers, add_endings, keep_items
from chatstore.turns import StateChangedError, Turn, current_turn

TContext = TypeVar("TContext")


class StreamingServer(PageServer[TContext], Generic[TContext]):
    """Keeps what there is of an answer, ends replaced ones, and hides what only a model may see."""

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


def _is_hidden(event: ThreadStreamEvent) -> bool:
    """Tell whether the event holds what only the model may see; of "done" the SDK sends none."""
    return isinstance(event, (ThreadItemAddedEvent, ThreadItemReplacedEvent)) and isinstance(
        event.item, (HiddenContextItem, SDKHiddenContextItem)
    )
