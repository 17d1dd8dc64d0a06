"""
The demo's assistant. With OPENAI_API_KEY it asks a model through the Agents SDK. Without one it
answers the commands of project.chat_commands, so that it needs neither a key nor a network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from agents import Agent
from chatkit.actions import Action
from chatkit.types import (
    AssistantMessageItem,
    AudioInput,
    ClientToolCallItem,
    StructuredInputItem,
    SyncCustomActionResponse,
    ThreadMetadata,
    ThreadStreamEvent,
    TranscriptionResult,
    UserMessageItem,
    WidgetItem,
)
from django.conf import settings
from django.utils.translation import gettext as _

from chatstore.server import ChatServer
from project import options
from project.chat_commands import COMMANDS, echo, list_commands
from project.reply import Reply


class Assistant(ChatServer[Any]):
    """The server that the setting CHATSTORE_SERVER names."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        words = text_of(input_user_message)
        events: AsyncIterator[ThreadStreamEvent]
        if settings.OPENAI_API_KEY:
            agent: Agent[Any] = Agent(
                name="Assistant",
                model=settings.OPENAI_MODEL,
                instructions="You are a friendly assistant. Answer in markdown.",
            )
            events = self.run_agent(agent, thread, context)
        else:
            events = self._answer_without_model(thread, input_user_message, words, context)
        async for event in events:
            yield event

    async def _answer_without_model(
        self,
        thread: ThreadMetadata,
        message: UserMessageItem | None,
        words: str,
        context: Any,
    ) -> AsyncIterator[ThreadStreamEvent]:
        reply = Reply(thread, self.store, context)
        command, _space, rest = words.partition(" ")
        if message is None:
            events = reply.text(await self._describe_input(thread, context))
        elif command == "/help":
            events = list_commands(reply)
        elif command.startswith("/") and command[1:] in COMMANDS:
            events = COMMANDS[command[1:]](reply, rest.strip())
        else:
            choices = options.describe_choices(message)
            events = echo(reply, words, len(message.attachments), choices)
        async for event in events:
            yield event

    def page_options(self, context: Any) -> dict[str, Any]:
        return options.page_options()

    def search_entities(self, query: str, context: Any) -> list[dict[str, Any]]:
        return options.search_bicycles(query)

    def preview_entity(self, entity: Mapping[str, Any], context: Any) -> Any:
        return options.preview_bicycle(entity)

    async def transcribe(self, audio_input: AudioInput, context: Any) -> TranscriptionResult:
        kilobytes = max(1, len(audio_input.data) // 1000)
        text = _("I have said something of %(kilobytes)d kB.")
        return TranscriptionResult(text=text % {"kilobytes": kilobytes})

    async def _describe_input(self, thread: ThreadMetadata, context: Any) -> str:
        """Describe the tool's output or the answers to questions in the thread's last items."""
        page = await self.store.load_thread_items(thread.id, None, 5, "desc", context)
        for item in page.data:
            if isinstance(item, ClientToolCallItem):
                return _("Your browser answered: `%(output)s`") % {"output": item.output}
            if isinstance(item, StructuredInputItem):
                answers = [(one.question, one.answer) for one in item.inputs]
                lines = [
                    f"- {question} **{', '.join(answer.values)}**"
                    for question, answer in answers
                    if answer and answer.values
                ]
                return (
                    "\n".join([_("Thank you. I have noted:"), "", *lines]) if lines else _("Fine.")
                )
        return _("Fine.")

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> AsyncIterator[ThreadStreamEvent]:
        reply = Reply(thread, self.store, context)
        text = _("You chose **%(action)s** with `%(payload)s`.")
        values = {"action": action.type, "payload": action.payload}
        async for event in reply.text(text % values):
            yield event

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> SyncCustomActionResponse:
        """Replace the widget's last button by a badge."""
        if sender is None:
            return SyncCustomActionResponse()
        widget = sender.widget.model_dump(exclude_none=True)
        widget["children"][-1] = {"type": "Badge", "label": _("Remembered"), "color": "info"}
        changed = WidgetItem.model_validate({**sender.model_dump(), "widget": widget})
        await self.store.save_item(thread.id, changed, context)
        return SyncCustomActionResponse(updated_item=changed)


def text_of(message: UserMessageItem | AssistantMessageItem | None) -> str:
    """Return the text of a message; empty without a message."""
    return "".join(part.text for part in message.content).strip() if message else ""
