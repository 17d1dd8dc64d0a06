"""
The demo's assistant: with OPENAI_API_KEY it asks a model through the Agents SDK, without one it
plays the scenes that a user asks for, so that every part can be seen with no key and no network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from agents import Agent
from chatkit.actions import Action
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    StructuredInputItem,
    SyncCustomActionResponse,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from django.conf import settings
from django.utils.translation import gettext as _

from chatstore.server import ChatServer
from project.scenes import SCENES, anything_else, help_
from project.stage import Stage


class Assistant(ChatServer[Any]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        words = text_of(input_user_message)
        if words and not thread.title:
            thread.title = words.replace("\n", " ")[:60]
        events: AsyncIterator[ThreadStreamEvent]
        if settings.OPENAI_API_KEY:
            agent: Agent[Any] = Agent(
                name="Assistant",
                model=settings.OPENAI_MODEL,
                instructions="You are a friendly assistant. Answer in markdown.",
            )
            events = self.run_agent(agent, thread, context)
        else:
            events = self._play(thread, input_user_message, words, context)
        async for event in events:
            yield event

    async def _play(
        self,
        thread: ThreadMetadata,
        message: UserMessageItem | None,
        words: str,
        context: Any,
    ) -> AsyncIterator[ThreadStreamEvent]:
        stage = Stage(thread, self.store, context)
        command, _space, rest = words.partition(" ")
        if message is None:
            events = stage.say(await self._what_came_back(thread, context))
        elif command == "/help":
            events = help_(stage)
        elif command.startswith("/") and command[1:] in SCENES:
            events = SCENES[command[1:]](stage, rest.strip())
        else:
            events = anything_else(stage, words, len(message.attachments))
        async for event in events:
            yield event

    async def _what_came_back(self, thread: ThreadMetadata, context: Any) -> str:
        """Answer a tool's output or a form's answers: the newest item of the thread holds them."""
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
        stage = Stage(thread, self.store, context)
        text = _("You chose **%(action)s** with `%(payload)s`.")
        values = {"action": action.type, "payload": action.payload}
        async for event in stage.say(text % values):
            yield event

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> SyncCustomActionResponse:
        """Change the widget itself: its last button says that it was pressed."""
        if sender is None:
            return SyncCustomActionResponse()
        widget = sender.widget.model_dump(exclude_none=True)
        widget["children"][-1] = {"type": "Badge", "label": _("Remembered"), "color": "info"}
        changed = WidgetItem.model_validate({**sender.model_dump(), "widget": widget})
        await self.store.save_item(thread.id, changed, context)
        return SyncCustomActionResponse(updated_item=changed)


def text_of(message: UserMessageItem | AssistantMessageItem | None) -> str:
    return "".join(part.text for part in message.content).strip() if message else ""
