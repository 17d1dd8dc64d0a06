"""
ChatServers for the tests. The first word of a message says which method answers it.

`say` streams the other words of the message. The other methods produce what can happen in a
stream: pauses, errors, large answers, tool calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import Agent, function_tool
from chatkit.actions import Action
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientEffectEvent,
    CustomTask,
    HiddenContextItem,
    SDKHiddenContextItem,
    SyncCustomActionResponse,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
    WidgetStreamingTextValueDelta,
    Workflow,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetRoot
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from chatstore.codec import FAKE_ID
from chatstore.database import release_connections
from chatstore.exceptions import LimitReached
from chatstore.server import ChatServer
from tests.base import NOW, answer, tool_call, workflow

Events = AsyncIterator[ThreadStreamEvent]
SECRET = "xyzzy-plugh"  # text of a conversation, which no log may contain
FOREVER = 60
LARGE = "large " * 11_000


class Scripted(ChatServer[Any]):
    """Answers with the method play_… that the first word of the message names."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> Events:
        text = input_user_message.content[0].text if input_user_message else "say thanks"
        scene, _, words = text.partition(" ")
        async for event in getattr(self, f"play_{scene}")(thread, words, context):
            yield event

    def item(self, thread: ThreadMetadata, id: str = "", **fields: Any) -> AssistantMessageItem:  # noqa: A002
        id = id or self.store.generate_item_id("message", thread, {})  # noqa: A001
        return answer(id, "", thread_id=thread.id, **fields)

    async def begin(self, item: AssistantMessageItem, *deltas: str, pace: float = 0) -> Events:
        """Stream the beginning of an answer, without its last event."""
        empty = AssistantMessageContent(text="")
        yield ThreadItemAddedEvent(item=item.model_copy(update={"content": []}))
        yield self.update(item, AssistantMessageContentPartAdded(content_index=0, content=empty))
        for delta in deltas:
            change = AssistantMessageContentPartTextDelta(content_index=0, delta=delta)
            yield self.update(item, change)
            await asyncio.sleep(pace)

    @staticmethod
    def update(item: AssistantMessageItem, change: Any) -> ThreadItemUpdatedEvent:
        return ThreadItemUpdatedEvent(item_id=item.id, update=change)

    @staticmethod
    def end(item: AssistantMessageItem, text: str) -> ThreadItemDoneEvent:
        content = [AssistantMessageContent(text=text)]
        return ThreadItemDoneEvent(item=item.model_copy(update={"content": content}))

    async def play_say(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        item = self.item(thread)
        async for event in self.begin(item, *words.split()):
            yield event
        yield self.end(item, words)

    async def play_slow(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams a delta every 20 ms, for a long time."""
        deltas = [f"{words}{number} " for number in range(FOREVER * 50)]
        async for event in self.begin(self.item(thread), *deltas, pace=0.02):
            yield event

    async def play_sleep(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.begin(self.item(thread), words):
            yield event
        await asyncio.sleep(FOREVER)

    async def play_think(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        await asyncio.sleep(FOREVER)
        yield self.end(self.item(thread), words)

    async def play_flood(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams eight megabytes at once, then sets a title, then waits."""
        async for event in self.begin(self.item(thread), *[LARGE] * 120):
            yield event
        named = thread.model_copy(update={"title": "Flooded"})
        await self.store.save_thread(named, context)
        await asyncio.sleep(FOREVER)

    async def play_wait(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Ends the answer, which stores it, half a second after its last delta."""
        item = self.item(thread)
        async for event in self.begin(item, words):
            yield event
        await asyncio.sleep(0.5)
        yield self.end(item, words)

    async def play_gate(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Says "one ", and "two" when the file that the message names is there."""
        item = self.item(thread)
        async for event in self.begin(item, "one "):
            yield event
        while not Path(words).exists():  # noqa: ASYNC110, ASYNC240 (a test in another process makes it)
            await asyncio.sleep(0.02)
        yield self.update(item, AssistantMessageContentPartTextDelta(content_index=0, delta="two"))
        yield self.end(item, "one two")

    async def play_fail(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.begin(self.item(thread), words):
            yield event
        raise ValueError(f"Something with {words} and {SECRET}")

    async def play_failcustom(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.begin(self.item(thread), words):
            yield event
        raise CustomStreamError("Sorry.")

    async def play_failstream(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.begin(self.item(thread), words):
            yield event
        raise StreamError(ErrorCode.STREAM_ERROR)

    async def play_failstore(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """The whole item is none that the store takes: what came before it is."""
        item = self.item(thread)
        async for event in self.begin(item, words):
            yield event
        content = [AssistantMessageContent.model_construct(text=object())]
        yield ThreadItemDoneEvent.model_construct(item=item.model_copy(update={"content": content}))

    async def play_failsend(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """An event that is no JSON."""
        async for event in self.begin(self.item(thread), words):
            yield event
        yield ClientEffectEvent(name="ring", data={"bell": object()})

    async def play_end(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Ends without having said that the answer is done."""
        async for event in self.begin(self.item(thread), words):
            yield event

    async def play_cancel(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Waits for something that somebody else cancels."""
        async for event in self.begin(self.item(thread), words):
            yield event
        waiting = asyncio.ensure_future(asyncio.sleep(FOREVER))
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await waiting

    async def play_exit(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Raises what is no Exception."""
        async for event in self.begin(self.item(thread), words):
            yield event
        raise GeneratorExit

    async def play_half(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Half of an emoji, in a delta and in the whole."""
        item = self.item(thread)
        async for event in self.begin(item, f"{words}\ud83d", "on"):
            yield event
        yield self.end(item, f"{words}\ud83don")

    async def play_repeat(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """An answer under the one id that this model knows."""
        item = self.item(thread, "msg_again")
        async for event in self.begin(item, words):
            yield event
        yield self.end(item, words)

    async def play_repeatdone(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """An answer for each word, all under one id and without an event that begins them."""
        for word in words.split():
            yield self.end(self.item(thread, "msg_again"), word)

    async def play_repeatguard(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.play_repeat(thread, words, context):
            yield event
        yield ThreadItemRemovedEvent(item_id="msg_again")

    async def play_repeattool(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        yield ThreadItemDoneEvent(item=tool_call("tc_again", thread_id=thread.id, name=words))

    async def play_flow(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """A workflow that stays open over several turns, as the SDK adds it."""
        yield ThreadItemDoneEvent(item=workflow("wf_open", thread_id=thread.id))

    async def play_hidden(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Hidden context in each kind of event, and an answer at the end."""
        item_id = self.store.generate_item_id("message", thread, context)
        for event_class in (ThreadItemAddedEvent, ThreadItemDoneEvent, ThreadItemReplacedEvent):
            for item in (
                HiddenContextItem(
                    id=item_id, thread_id=thread.id, created_at=NOW, content=f"{words} {SECRET}"
                ),
                SDKHiddenContextItem(
                    id=f"{item_id}_sdk", thread_id=thread.id, created_at=NOW, content=SECRET
                ),
            ):
                yield event_class(item=item)
        yield self.end(self.item(thread), "seen")

    async def play_work(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Begins a workflow of two tasks, and fails in the second, ends or waits."""
        tasks = [CustomTask(title=title) for title in ("Look", "Find")]
        item = workflow("wf_1", thread_id=thread.id, created_at=datetime.now())
        item.workflow = Workflow(type="custom", tasks=tasks[:1])
        yield ThreadItemAddedEvent(item=item)
        for kind in (WorkflowTaskAdded, WorkflowTaskUpdated):
            change = kind(task=tasks[1], task_index=1)
            yield ThreadItemUpdatedEvent(item_id="wf_1", update=change)
        if words == "fail":
            raise ValueError(SECRET)
        if words != "end":
            await asyncio.sleep(FOREVER)

    async def play_widget(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams a widget, and fails in the middle, ends without its end or waits."""
        how, _, value = words.partition(" ")
        text = {"type": "Text", "id": "text", "value": "", "streaming": True}
        base = WidgetItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=NOW,
            widget=DynamicWidgetRoot.model_validate({"type": "Card", "children": [text]}),
        )
        yield ThreadItemAddedEvent(item=base)
        for change in (
            WidgetStreamingTextValueDelta(component_id="text", delta=value, done=False),
            WidgetStreamingTextValueDelta(component_id="text", delta=" words", done=False),
        ):
            yield ThreadItemUpdatedEvent(item_id=base.id, update=change)
        if how == "fail":
            raise ValueError(SECRET)
        if how != "end":
            await asyncio.sleep(FOREVER)

    async def play_sorry(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        raise CustomStreamError(words)
        yield

    async def play_unstorable(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams an item that the store refuses; the SDK catches and logs the exception."""
        yield ThreadItemDoneEvent(item=self.item(thread, words + "x" * 300))

    async def play_title(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams half of the answer, and sets a title half a second later."""
        item = self.item(thread)
        async for event in self.begin(item, words):
            yield event
        await asyncio.sleep(0.5)
        thread.title = words
        yield self.end(item, words)

    async def play_note(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams half of the answer, changes metadata half a second later, and may fail then."""
        item = self.item(thread)
        async for event in self.begin(item, words):
            yield event
        await asyncio.sleep(0.5)
        thread.metadata["note"] = words
        if words == "fail":
            raise RuntimeError(SECRET)
        yield self.end(item, words)

    async def play_fake(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Streams two answers with the same id, as chat-completions models do."""
        for word in words.split():
            item = self.item(thread, FAKE_ID)
            async for event in self.begin(item, word):
                yield event
            yield self.end(item, word)

    async def play_fakesleep(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.begin(self.item(thread, FAKE_ID), words):
            yield event
        await asyncio.sleep(FOREVER)

    async def play_guard(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        async for event in self.play_fake(thread, words, context):
            yield event
        yield ThreadItemRemovedEvent(item_id=FAKE_ID)

    async def play_orm(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Queries the database, and gives the connection back before a long wait."""
        count = await get_user_model().objects.acount()
        await release_connections()
        item = self.item(thread)
        async for event in self.begin(item, words):
            yield event
        await asyncio.sleep(2)
        yield self.end(item, f"{words} {count > 0}")

    async def play_stages(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        """Queries the database itself and by the store while it streams, before a long wait."""
        await get_user_model().objects.acount()
        await release_connections()
        item, stages = self.item(thread), words.split()
        async for event in self.begin(item, stages[0]):
            yield event
        await asyncio.sleep(0.1)  # the view has given back its own connection by then
        await self.store.load_thread(thread.id, context)
        change = AssistantMessageContentPartTextDelta(content_index=0, delta=stages[1])
        yield self.update(item, change)
        await asyncio.sleep(FOREVER)

    async def play_tool(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        call_id = self.store.generate_item_id("tool_call", thread, context)
        yield ThreadItemDoneEvent(item=tool_call(call_id, thread_id=thread.id, name=words))

    async def play_hide(self, thread: ThreadMetadata, words: str, context: Any) -> Events:
        item_id = self.store.generate_item_id("message", thread, context)
        item = self.item(thread)
        yield ThreadItemDoneEvent(
            item=HiddenContextItem(
                id=item_id, thread_id=thread.id, created_at=item.created_at, content=words
            )
        )
        yield self.end(item, "seen")

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> Events:
        yield self.end(self.item(thread), action.type)

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> SyncCustomActionResponse:
        return SyncCustomActionResponse(updated_item=sender)


class Entities(Scripted):
    """Finds users as entities, as an application does that trusts what it is asked."""

    def search_entities(self, query: str, context: Any) -> list[dict[str, Any]]:
        found = get_user_model().objects.filter(username__icontains=query)
        return [{"id": str(user.pk), "title": user.username} for user in found]

    def preview_entity(self, entity: Any, context: Any) -> Any:
        found = get_user_model().objects.filter(username=entity["title"]).first()
        return {"type": "Text", "value": entity["title"], "data": entity["data"]} if found else None


class Bare(ChatServer[Any]):
    """Overrides only respond(): no actions, no transcription."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> Events:
        yield ThreadItemDoneEvent(item=answer("msg_bare", thread_id=thread.id))


class Broken(Bare):
    async def get_context(self, request: HttpRequest) -> Any:
        raise RuntimeError(SECRET)


class Patient(Scripted):
    """Needs some time to identify the user, and logs that it has begun."""

    async def get_context(self, request: HttpRequest) -> Any:
        logging.getLogger(__name__).warning("Identifies the user")
        await asyncio.sleep(1)
        return await super().get_context(request)


class ByHeader(Scripted):
    """Identifies the user by a header, and loads no session."""

    async def get_context(self, request: HttpRequest) -> Any:
        return {"user_id": request.headers["X-User"]}


class Strict(Scripted):
    """Refuses each request that would change a conversation."""

    def refusal(self, thread: ThreadMetadata, request: Any) -> Any:
        return None if request.type == "threads.get_by_id" else "Not today."


class StrictLater(Strict):
    async def refusal(self, thread: ThreadMetadata, request: Any) -> Any:
        await get_user_model().objects.acount()
        return super().refusal(thread, request)


class RefusesThreads(Scripted):
    """Takes no new conversation."""

    def refusal(self, thread: Any, request: Any, context: Any) -> str | None:
        assert context["user_id"]
        return "No new ones." if thread is None else super().refusal(thread, request, context)


class RefusesThreadsWithoutContext(Scripted):
    """The same, by an override with two parameters."""

    def refusal(self, thread: Any, request: Any) -> str | None:
        return "No new ones." if thread is None else None


class Limited(Scripted):
    """Has a limit of its own."""

    async def refusal(self, thread: Any, request: Any, context: Any) -> str | None:
        raise LimitReached("Come back in an hour.", retry_after=3600)


@function_tool
def count_bikes() -> str:
    return "42 bikes"


class Clerk(ChatServer[Any]):
    """Asks the model at OPENAI_BASE_URL, which may count bikes."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> Events:
        agent: Agent[Any] = Agent("clerk", model="m", tools=[count_bikes])
        async for event in self.run_agent(agent, thread, context):
            yield event
