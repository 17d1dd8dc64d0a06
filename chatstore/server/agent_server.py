"""AgentServer: the part of ChatServer that asks a model, through the Agents SDK."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from agents import (
    Agent,
    InputGuardrailTripwireTriggered,
    Model,
    ModelSettings,
    OutputGuardrailTripwireTriggered,
    Runner,
    TResponseInputItem,
)
from chatkit.agents import AgentContext, ResponseStreamConverter
from chatkit.types import (
    ClientToolCallItem,
    InferenceOptions,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from chatstore.attachments import DjangoAttachmentStore
from chatstore.server.converters import ImageConverter
from chatstore.server.input_server import InputServer
from chatstore.server.kept_turns import ModelRun, model_name
from chatstore.server.model_input import leave_out_files
from chatstore.server.model_runs import (
    AgentRun,
    InputRefusedError,
    InputTooLongError,
    stream_run,
)
from chatstore.turns import turn_of

TContext = TypeVar("TContext")


class AgentServer(InputServer[TContext], Generic[TContext]):
    """``run_agent``, and the attributes and methods by which an application changes it."""

    # What a user's message may choose for its answer: the id that the client's composer sends, and
    # the model, or the tool's name, that run_agent gives to the agent. Any other id is ignored.
    selectable_models: Mapping[str, str | Model] = {}
    selectable_tools: Mapping[str, str] = {}

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
        so on down to the last user message. Where it refuses the thread for another reason, and
        there are files in it, it is asked without those of earlier messages, and at last without
        any; it is told of each. Tools that it has called by then are not called again.

        Args:
            agent: of the Agents SDK.
            thread: as respond() got it.
            context: as respond() got it.
            input: the model's input, which is sent unchanged; by default the thread's newest items.
            converter: how the model's output becomes items.
            agent_context: what the agent's tools get: an AgentContext, or a subclass of it that
                needs no more than ``thread``, ``store`` and ``request_context``.
            options: passed to Runner.run_streamed, such as max_turns or run_config.

        Returns an asynchronous iterator of events; after the last one it has the run's result.
        """
        run = ModelRun(options.get("run_config"))
        converter = converter or self._image_converter(thread, context)
        if isinstance(agent_context, type):
            agent_context = agent_context(thread=thread, store=self.store, request_context=context)
        events = self._run_agent(agent, agent_context, converter, input, options, run)
        return AgentRun(events, run)

    async def _run_agent(
        self,
        agent: Agent[Any],
        agent_context: AgentContext[Any],
        converter: ResponseStreamConverter,
        given_input: list[TResponseInputItem] | None,
        options: dict[str, Any],
        run: ModelRun,
    ) -> AsyncGenerator[ThreadStreamEvent, None]:
        thread, context = agent_context.thread, agent_context.request_context
        if turn := turn_of(thread.id):
            turn.runs.append(run)
        agent = await self._as_chosen(agent, thread, context)
        max_items = self.history_length
        model = model_name(agent, run.config)
        input = given_input  # noqa: A001
        if input is None:
            input = await self.load_input(thread, context, model=model)  # noqa: A001
        made: list[TResponseInputItem] = []  # by this run, until the model has refused its input
        while True:
            run.results.append(
                Runner.run_streamed(agent, input + made, context=agent_context, **options)
            )
            events = stream_run(agent_context, run.results[-1], converter)
            try:
                async with aclosing(events):
                    async for event in events:
                        run.follow(event)
                        yield event
                return
            except (InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered):
                run.is_blocked = True
                raise
            except InputRefusedError as error:
                is_too_long = isinstance(error, InputTooLongError)
                without_files = None if is_too_long else leave_out_files(input)
                if error.__cause__ and (
                    given_input is not None or not (is_too_long or without_files)
                ):
                    raise error.__cause__ from None
            finally:
                run.end()
            result = run.results[-1]
            if new := [item.to_input_item() for item in result.new_items]:
                made += new
                agent = _without_tool_choice(result.last_agent)
            if without_files:
                input = without_files  # noqa: A001
                continue
            length = len(input)
            while len(input) >= length:
                if max_items == 1:
                    raise InputTooLongError
                max_items //= 2
                input = await self.load_input(thread, context, max_items, model=model)  # noqa: A001

    async def _as_chosen(
        self, agent: Agent[Any], thread: ThreadMetadata, context: TContext
    ) -> Agent[Any]:
        """Return the agent with the last user message's model and tool, if they are allowed."""
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

    def _image_converter(
        self, thread: ThreadMetadata, context: TContext
    ) -> ResponseStreamConverter:
        if isinstance(self.attachment_store, DjangoAttachmentStore):
            return ImageConverter(self.attachment_store, thread.id, context)
        return ResponseStreamConverter()


def _without_tool_choice(agent: Agent[Any]) -> Agent[Any]:
    """Return the agent as the Agents SDK goes on with it when it has called a tool."""
    if not agent.reset_tool_choice:
        return agent
    model_settings = dataclasses.replace(agent.model_settings, tool_choice=None)
    return agent.clone(model_settings=model_settings)
