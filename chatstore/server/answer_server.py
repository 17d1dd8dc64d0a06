"""AnswerServer: the part of ChatServer for what is said without a model, and for titles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from agents import Agent, Model, RunConfig, Runner, TResponseInputItem
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata, ThreadStreamEvent

from chatstore.server import titles
from chatstore.server.agent_server import AgentServer
from chatstore.server.errors import describe
from chatstore.server.failures import Failure
from chatstore.server.replies import Reply
from chatstore.turns import Turn

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")
MAX_SECONDS = 15  # for which a stream stays open for its thread's title
MAX_ITEMS = 10  # of a thread that a model reads to name it


class AnswerServer(AgentServer[TContext], Generic[TContext]):
    """Replies without a model, the words of failures, and titles of new threads."""

    # What gives a new thread a title after its first answer; None: it keeps the first words.
    title_model: str | Model | None = None

    def reply(self, thread: ThreadMetadata, context: TContext) -> Reply:
        """Return what makes the events of an answer without a model: text, widgets, notices."""
        return Reply(thread, self.store, context)

    def describe_failure(self, failure: Failure, context: TContext) -> Failure:
        """
        Return what the person is told about an answer that has failed.

        An override words it, for example by ``dataclasses.replace(failure, message="…")``. It is
        asked for each exception of respond() but ChatKit's CustomStreamError and StreamError, which
        say by themselves what is told.
        """
        return failure

    def first_title(self, message: str) -> str:
        """
        Return a new thread's title, of the text of its first message; empty for none.

        With a ``title_model`` that gives it a better one after the first answer.
        """
        return titles.shorten(message)

    async def make_title(
        self, thread: ThreadMetadata, history: list[TResponseInputItem], context: TContext
    ) -> str:
        """Return a title of a thread whose first answer has ended, by ``title_model``."""
        agent: Agent[Any] = Agent("Title", instructions=titles.PROMPT, model=self.title_model)
        question: TResponseInputItem = {"role": "user", "content": titles.REQUEST}
        config = RunConfig(tracing_disabled=True)
        result = await Runner.run(agent, [*history, question], run_config=config)
        return titles.clean(str(result.final_output))

    async def _retitle(self, thread: ThreadMetadata, first_title: str, context: TContext) -> None:
        """Give a thread the model's title, unless somebody has given it one meanwhile."""
        try:
            async with asyncio.timeout(MAX_SECONDS):
                history = await self.load_input(thread, context, MAX_ITEMS, with_memory=False)
                title = await self.make_title(thread, history, context)
                stored = await self.store.load_thread(thread.id, context)
        except asyncio.CancelledError:
            return  # the answer is whole: a stop takes only the title away
        except NotFoundError:
            return  # deleted meanwhile
        except Exception as error:  # noqa: BLE001 (the thread has a title)
            logger.warning("%s got no title: %s", thread.id, describe(error))
            return
        if title and (stored.title or "") == (thread.title or "") == first_title:
            thread.title = title

    async def _with_title(
        self,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
        thread: ThreadMetadata,
        turn: Turn,
        context: TContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """
        Yield the events of respond(), and give a new thread its title; another one where it was
        made of the message that the turn has replaced (V19).
        """
        if turn.first_title is not None and (thread.title or "") == turn.old_title:
            thread.title = turn.first_title or None
        elif turn.old_title:
            turn.first_title = None  # somebody has given the thread a title
        events: Any = stream()
        async with aclosing(events):
            async for event in events:
                yield event
        if turn.first_title is not None and self.title_model:
            await self._retitle(thread, turn.first_title, context)
