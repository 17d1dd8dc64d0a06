"""
A model's run as a stream of ChatKit's events, which stops the model when it is left early (V4).

The SDK's stream_agent_response lets a model whose answer nobody waits for talk on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, cast

from agents import RawResponsesStreamEvent, RunResultStreaming
from chatkit.agents import AgentContext, ResponseStreamConverter, stream_agent_response
from chatkit.types import ProgressUpdateEvent, ThreadStreamEvent
from openai.types.responses import ResponseOutputTextAnnotationAddedEvent
from pydantic import BaseModel


async def stream_run(
    context: AgentContext[Any], result: RunResultStreaming, converter: ResponseStreamConverter
) -> AsyncGenerator[ThreadStreamEvent, None]:
    """Yield what the run says; closing the generator cancels the run."""
    run = _Run(result)
    try:
        async for event in stream_agent_response(
            context, cast(RunResultStreaming, run), converter=converter
        ):
            yield event
    finally:
        run.leave()
        # The SDK's other task waits for an event of the agent's tools, for ever but for this.
        await context.stream(ProgressUpdateEvent(text=""))


class _Run:
    """What stream_agent_response needs of a run, and a way to leave it early without a trace."""

    def __init__(self, result: RunResultStreaming) -> None:
        self._result = result
        self._is_left = False

    async def stream_events(self) -> AsyncIterator[Any]:
        async for event in self._result.stream_events():
            yield _with_known_classes(event)
        if self._is_left:
            # The SDK's task that waits for one more is alone now: of an end without an event,
            # which is an exception, asyncio would log that nobody retrieved it.
            yield None

    def leave(self) -> None:
        if not self._result.is_complete:
            self._is_left = True
            self._result.cancel()


def _with_known_classes(event: Any) -> Any:
    """
    Return an event of the run in a form that chatkit's converter takes.

    From openai 3.1 on an annotation that is streamed is of other classes than one of a whole
    message: chatkit refuses these, but not a dict.
    """
    if not isinstance(event, RawResponsesStreamEvent):
        return event
    match event.data:
        case ResponseOutputTextAnnotationAddedEvent(annotation=BaseModel() as annotation):
            data = event.data.model_copy(update={"annotation": annotation.model_dump()})
            return dataclasses.replace(event, data=data)
    return event
