"""DjangoSession: the Agents SDK's Session over the rows of a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agents import Agent, OpenAIProvider, RunConfig, Runner, SessionSettings
from agents.memory import Session
from asgiref.sync import sync_to_async
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from django.test import TestCase, TransactionTestCase
from openai import AsyncOpenAI

from chatstore.models import ChatMessage, ChatModelTurn, ChatSession
from chatstore.moderation import actions, redaction
from chatstore.moderation.records import Moderator
from chatstore.server import ChatServer, DjangoSession
from tests.base import ALICE, CHARLIE
from tests.model_api import Modelled, ModelMixin, Reply, errors
from tests.test_model_memory import count

BY = Moderator("moderator")


def item(text: str) -> Any:
    return {"role": "user", "content": text}


def texts(items: list[Any]) -> list[str]:
    return [one["content"] for one in items]


class SessionTests(TestCase):
    async def test_items_come_back_in_their_order(self) -> None:
        session = DjangoSession("thr_1", ALICE)
        self.assertIsInstance(session, Session)
        self.assertEqual(await session.get_items(), [])
        self.assertIsNone(await session.pop_item())
        await session.add_items([item("one"), item("two")])
        await session.add_items([])
        await session.add_items([item("three")])
        self.assertEqual(texts(await session.get_items()), ["one", "two", "three"])
        self.assertEqual(texts(await session.get_items(2)), ["two", "three"])
        self.assertEqual(await session.get_items(0), [])
        self.assertEqual(await session.pop_item(), item("three"))
        self.assertEqual(await session.pop_item(), item("two"))
        self.assertEqual(texts(await session.get_items()), ["one"])
        await session.clear_session()
        self.assertEqual(await session.get_items(), [])
        self.assertTrue(await ChatSession.objects.filter(thread_id="thr_1").aexists())

    async def test_its_settings_bound_it(self) -> None:
        for settings in ({"limit": 1}, SessionSettings(limit=1)):
            session = DjangoSession("thr_1", ALICE, session_settings=settings)
            await session.add_items([item("one"), item("two")])
            self.assertEqual(texts(await session.get_items()), ["two"])

    @pytest.mark.unsharded  # there, an object of the caller's own is made
    async def test_S3_nobody_elses(self) -> None:
        await DjangoSession("thr_1", ALICE).add_items([item("one")])
        other = DjangoSession("thr_1", CHARLIE)
        self.assertEqual(await other.get_items(), [])
        self.assertIsNone(await other.pop_item())
        await other.clear_session()
        with self.assertRaises(NotFoundError):
            await other.add_items([item("two")])
        self.assertEqual(texts(await DjangoSession("thr_1", ALICE).get_items()), ["one"])

    async def test_S17_what_nobody_can_read_is_left_out(self) -> None:
        session = DjangoSession("thr_1", ALICE)
        for text in ("one", "two"):
            await session.add_items([item(text)])
        await ChatModelTurn.objects.filter(payload__contains="two").aupdate(payload="{}")
        self.assertEqual(texts(await session.get_items()), ["one"])
        self.assertEqual(await session.pop_item(), item("one"))

    async def test_what_is_no_json_is_refused(self) -> None:
        session = DjangoSession("thr_1", ALICE)
        with self.assertRaises(TypeError):
            await session.add_items([item("one"), {"role": "user", "content": {1, 2}}])  # type: ignore[list-item,typeddict-item]
        self.assertEqual(await session.get_items(), [])


class WritersTest(TransactionTestCase):
    async def test_two_writers_at_once_keep_their_order(self) -> None:
        await DjangoSession("thr_1", ALICE).add_items([item("0 0")])

        async def write(writer: int) -> None:
            session = DjangoSession("thr_1", ALICE)
            for number in range(10):
                pair = [item(f"{writer} {number}"), item(f"{writer} {number} more")]
                await session.add_items(pair)

        await asyncio.gather(write(1), write(2))
        stored = texts(await DjangoSession("thr_1", ALICE).get_items())[1:]
        self.assertEqual(len(stored), 40)
        for question, more in zip(stored[::2], stored[1::2], strict=True):
            self.assertEqual(more, f"{question} more")
        for writer in "12":
            mine = [text for text in stored[::2] if text.startswith(writer)]
            self.assertEqual(mine, [f"{writer} {number}" for number in range(10)])


class WithRunner(ChatServer[Any]):
    """Calls the Runner itself."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        assert input_user_message
        async with AsyncOpenAI(api_key="sk", base_url=Modelled.api.url, max_retries=0) as client:
            config = RunConfig(
                tracing_disabled=True, model_provider=OpenAIProvider(openai_client=client)
            )
            agent: Agent[Any] = Agent("a", model="m", tools=[count])
            text = "".join(part.text for part in input_user_message.content)
            agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
            session = DjangoSession(thread.id, context)
            result = Runner.run_streamed(
                agent, text, context=agent_context, session=session, run_config=config
            )
            async for event in stream_agent_response(agent_context, result):
                yield event


class ServerTests(ModelMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        override = self.settings(CHATSTORE_SERVER="tests.test_django_session.WithRunner")
        override.enable()
        self.addCleanup(override.disable)

    async def counted(self) -> str:
        replies = (
            Reply(tool="count", item_id="fc_1"),
            Reply(("We have 42.",), is_paced=False),
        )
        thread_id, events = await self.create(*replies, text="How many?")
        self.assertEqual(errors(events), [])
        return thread_id

    async def told(self, thread_id: str) -> str:
        self.api.replies = [Reply(item_id=f"msg_{len(self.api.requests)}", is_paced=False)]
        self.assertEqual(errors(await self.ask("And now?", thread_id)), [])
        return json.dumps(self.api.inputs())

    async def row(self, item_type: str) -> ChatMessage:
        rows = ChatMessage.objects.filter(item_type=item_type).select_related("session")
        found = await rows.order_by("timestamp").afirst()
        assert found
        return found

    async def test_a_session_in_respond_follows_the_thread(self) -> None:
        thread_id = await self.counted()
        told = await self.told(thread_id)
        self.assertIn("42 bikes", told)
        self.assertEqual(told.count("How many?"), 1)
        for item_type in ("user_message", "assistant_message"):
            message = await self.row(item_type)
            await sync_to_async(actions.hide)(message, BY)
            self.assertNotIn("42 bikes", await self.told(thread_id))
            await sync_to_async(actions.show)(message, BY)
            self.assertIn("42 bikes", await self.told(thread_id))
        await sync_to_async(redaction.redact)(await self.row("assistant_message"), BY)
        self.assertFalse(await ChatModelTurn.objects.filter(payload__contains="42").aexists())
        self.assertNotIn("42 bikes", await self.told(thread_id))

    async def test_after_a_retry_only_the_new_turn_is_known(self) -> None:
        thread_id = await self.counted()
        question = (await self.items(thread_id))[0]["id"]
        self.api.replies = [Reply(("Many.",), "msg_2", is_paced=False)]
        await self.send("threads.retry_after_item", thread_id=thread_id, item_id=question)
        told = await self.told(thread_id)
        self.assertNotIn("42 bikes", told)
        self.assertEqual(told.count("How many?"), 1)
        self.assertIn("Many.", told)
