"""
A model's run as a stream of ChatKit's events; closing the stream stops the model (V4).

The SDK's stream_agent_response does not stop the model.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Any, cast

from agents import (
    ModelBehaviorError,
    ModelRefusalError,
    RawResponsesStreamEvent,
    RunResultStreaming,
    Usage,
)
from chatkit.agents import AgentContext, ResponseStreamConverter, stream_agent_response
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    GeneratedImageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadStreamEvent,
)
from openai import APIError, APIStatusError, BadRequestError, UnprocessableEntityError

from chatstore.server.converters import ImageConverter
from chatstore.server.kept_turns import ModelRun
from chatstore.server.model_events import adapt_event

# OpenAI has codes for it; servers with a compatible API say it in their message.
_TOO_LONG = re.compile(
    "context_length_exceeded|string_above_max_length|exceed_context_size"
    "|maximum context length|context window|context size|maximum number of tokens"
    "|(prompt|input) is too long|request too large",
    re.IGNORECASE,
)
_TOO_LARGE_STATUS = 413  # of a server's limit of a request's body


class InputRefusedError(Exception):
    """The model has refused its input, and no answer is begun. Its cause is the model's error."""


class InputTooLongError(InputRefusedError):
    """The model has refused its input for its length."""


class AgentRun(AsyncIterator[ThreadStreamEvent]):
    """
    What ``ChatServer.run_agent`` returns: iterate it for the events, then ask it for the result.

    Args:
        events: of the run.
        run: where they put the Agents SDK's results: one, and one more each time that the
            model was asked again with a shorter input.
    """

    def __init__(
        self,
        events: AsyncGenerator[ThreadStreamEvent, None],
        run: ModelRun,
    ) -> None:
        self._events = events
        self._run = run

    def __aiter__(self) -> AgentRun:
        return self

    async def __anext__(self) -> ThreadStreamEvent:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Stop the run."""
        await self._events.aclose()

    @property
    def result(self) -> RunResultStreaming | None:
        """The Agents SDK's own result; None until the iteration has begun."""
        return self._run.results[-1] if self._run.results else None

    @property
    def final_output(self) -> Any:
        """The agent's last answer: text, or an object of its ``output_type``; None without one."""
        return self.result.final_output if self.result else None

    @property
    def usage(self) -> Usage:
        """Requests and tokens of the run, up to now; zero tokens where the model tells none."""
        return self._run.usage()


async def stream_run(
    context: AgentContext[Any], result: RunResultStreaming, converter: ResponseStreamConverter
) -> AsyncGenerator[ThreadStreamEvent, None]:
    """
    Yield what the run says; closing the generator cancels the run.

    Raises InputRefusedError where the model refuses its input, and not in the middle of an answer;
    and what the run raises, but for a refusal by the model, which is an answer too.
    """
    run = _Run(result)
    answer: AssistantMessageItem | None = None  # the newest one
    open_ids: set[str] = set()  # of what the model has begun to answer
    has_ended = False
    try:
        async for event in stream_agent_response(
            context, cast(RunResultStreaming, run), converter=converter
        ):
            match event:
                case ThreadItemAddedEvent(item=AssistantMessageItem() | GeneratedImageItem()):
                    open_ids.add(event.item.id)
                case ThreadItemDoneEvent():
                    open_ids.discard(event.item.id)
            match event:
                case ThreadItemAddedEvent() | ThreadItemDoneEvent() if isinstance(
                    event.item, AssistantMessageItem
                ):
                    answer = event.item
            yield event
        has_ended = True
        if (image := context.generated_image_item) and image.id in open_ids:
            # Its partial images are deleted below, and a client would show a broken one.
            context.generated_image_item = None
            yield ThreadItemRemovedEvent(item_id=image.id)
    except ModelRefusalError as error:
        # The events of the refusal that had not been read yet are lost: it is sent as a whole.
        if answer is None or error.refusal not in [part.text for part in answer.content]:
            yield ThreadItemDoneEvent(item=_refusal(context, answer, error.refusal))
    except Exception as error:
        if not open_ids and (refused := _input_refusal(error)):
            raise refused from error
        raise
    finally:
        run.leave()
        if not has_ended:
            # The SDK has left a task that waits for an event of the agent's tools: this ends it.
            await context.stream(ProgressUpdateEvent(text=""))
        if isinstance(converter, ImageConverter):
            await converter.remove_unfinished()


def _refusal(
    context: AgentContext[Any], begun: AssistantMessageItem | None, text: str
) -> AssistantMessageItem:
    """Return the answer that was begun, or one of its own, with a refusal's text."""
    content = [AssistantMessageContent(text=text)]
    if begun and not begun.content:
        return begun.model_copy(update={"content": content})
    return AssistantMessageItem(
        id=context.generate_id("message"),
        thread_id=context.thread.id,
        created_at=datetime.now(),  # noqa: DTZ005 (naive, as the SDK's are)
        content=content,
    )


class _Run:
    """What stream_agent_response needs of a run, and a way to cancel it that leaves no task."""

    def __init__(self, result: RunResultStreaming) -> None:
        self._result = result
        self._is_left = False
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._error: BaseException | None = None

    async def stream_events(self) -> AsyncIterator[Any]:
        reader = asyncio.create_task(self._read())
        while (event := await self._queue.get()) is not None:
            if not isinstance(event, RawResponsesStreamEvent):
                yield event
            elif (data := adapt_event(event.data)) is not None:
                yield dataclasses.replace(event, data=data)
        await reader
        if self._is_left:
            # A task of the SDK waits for one more event, and nobody waits for the task: if the
            # iteration ended now, asyncio would log a StopAsyncIteration that was not retrieved.
            yield None
        elif self._error:
            raise self._error

    async def _read(self) -> None:
        """
        Read the run without waiting for whoever reads from us: when the run fails, the SDK drops
        the events that were not read yet, and an answer's end would be lost with them.
        """
        try:
            async for event in self._result.stream_events():
                self._queue.put_nowait(event)
        except BaseException as error:  # noqa: BLE001 (raised where the events are read)
            self._error = error
        finally:
            self._queue.put_nowait(None)

    def leave(self) -> None:
        self._is_left = True
        if not self._result.is_complete:
            self._result.cancel()


def _input_refusal(error: Exception) -> InputRefusedError | None:
    """Return what to raise for a model's error, if that is a refusal of its input."""
    if is_too_long(error):
        return InputTooLongError()
    is_refused = isinstance(error, BadRequestError | UnprocessableEntityError)
    return InputRefusedError() if is_refused else None


def is_too_long(error: Exception) -> bool:
    """Tell whether a model has refused its input for its length."""
    if isinstance(error, APIStatusError) and error.status_code == _TOO_LARGE_STATUS:
        return True
    if isinstance(error, APIError):
        return bool(_TOO_LONG.search(f"{error.code} {error.message}"))
    # The Agents SDK raises this for an event of the stream that tells of an error.
    return isinstance(error, ModelBehaviorError) and bool(_TOO_LONG.search(str(error)))
