"""What a model is told of its earlier turns: tool calls and their results, reasoning, handoffs."""

from __future__ import annotations

import asyncio
import json
import signal
from io import StringIO
from typing import Any, ClassVar

import httpx
import pytest
from agents import Agent, GuardrailFunctionOutput, OutputGuardrail, StopAtTools, function_tool
from agents.tool_context import ToolContext
from asgiref.sync import async_to_sync, sync_to_async
from chatkit.agents import ClientToolCall
from chatkit.server import StreamingResult
from chatkit.types import ThreadItemDoneEvent
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatstore.codec import ModelTurn, Step
from chatstore.models import ChatMessage, ChatModelTurn, ChatSession
from chatstore.moderation import actions, redaction
from chatstore.moderation.records import Moderator
from chatstore.server.model_memory import arrange
from chatstore.store import DjangoStore
from chatstore.testing import MemoryStore
from chatstore.turns import Turn, track_request
from tests.base import ALICE, CHARLIE, NOW, answer, thread, user_message
from tests.live import LiveTestCase, Server, user_input
from tests.model_api import (
    ChatCompletionsMixin,
    ModelAPI,
    Modelled,
    Reply,
    ResponsesTestCase,
    errors,
)

BY = Moderator("moderator")


@function_tool
def count() -> str:
    return "42 bikes"


@function_tool
def price() -> str:
    return "99 euros"


@function_tool
async def ask_client(ctx: ToolContext[Any]) -> None:
    ctx.context.client_tool_call = ClientToolCall(name="ask_client", arguments={"why": "x"})


class MemoryTestCase(ResponsesTestCase):
    def setUp(self) -> None:
        super().setUp()
        Modelled.agent_options = {"tools": [count, price]}

    async def counted(self, **fields: Any) -> str:
        """Have a turn in which the model calls a tool; return the thread's id."""
        called = Reply(tool="count", item_id="fc_1", **fields)
        thread_id, events = await self.create(called, Reply(("We have 42.",)), text="How many?")
        self.assertEqual(errors(events), [])
        return thread_id

    async def told(self, thread_id: str, text: str = "And now?", **reply: Any) -> str:
        """Ask once more; return what the model was given to read, as JSON."""
        self.api.replies = [Reply(item_id=f"msg_{len(self.api.requests)}", **reply)]
        self.assertEqual(errors(await self.ask(text, thread_id)), [])
        self.assert_acceptable(self.api.inputs())
        return json.dumps(self.api.inputs())

    def assert_acceptable(self, items: list[dict[str, Any]]) -> None:
        """Check that each call has its output, after it, and that reasoning has what follows."""
        calls, outputs = [], []
        for number, item in enumerate(items):
            self.assertNotIn("__fake_id__", json.dumps(item))
            if item.get("type") == "function_call":
                calls.append(item["call_id"])
            calls += [call["id"] for call in item.get("tool_calls") or ()]
            if item.get("role") == "tool" or item.get("type") == "function_call_output":
                outputs.append(item.get("tool_call_id") or item["call_id"])
                self.assertIn(outputs[-1], calls)
            if item.get("type") == "reasoning":
                self.assertIn(items[number + 1].get("type"), ("function_call", "reasoning", None))
        self.assertEqual(sorted(calls), sorted(outputs))

    async def row(self, item_type: str) -> ChatMessage:
        rows = ChatMessage.objects.filter(item_type=item_type).select_related("session")
        return await rows.order_by("timestamp").afirst()


class ToolResultTests(MemoryTestCase):
    async def test_a_tools_result_is_known_in_the_next_turn(self) -> None:
        thread_id = await self.counted()
        told = await self.told(thread_id)
        self.assertIn("42 bikes", told)
        self.assertEqual(told.count("We have 42."), 1)
        self.assertLess(told.index("How many?"), told.index("42 bikes"))
        self.assertLess(told.index("42 bikes"), told.index("We have 42."))

    async def test_parallel_calls(self) -> None:
        thread_id = await self.counted(more_tools=("price",))
        told = await self.told(thread_id)
        self.assertIn("42 bikes", told)
        self.assertIn("99 euros", told)

    async def test_after_a_retry_only_the_new_turn_is_known(self) -> None:
        thread_id = await self.counted()
        question = (await self.items(thread_id))[0]["id"]
        self.api.replies = [Reply(tool="price", item_id="fc_2"), Reply(("It is 99.",), "msg_2")]
        await self.send("threads.retry_after_item", thread_id=thread_id, item_id=question)
        self.assertNotIn("42 bikes", json.dumps(self.api.inputs()))
        told = await self.told(thread_id)
        self.assertNotIn("42 bikes", told)
        self.assertIn("99 euros", told)
        self.assertEqual(
            await ChatModelTurn.objects.filter(payload__contains="42 bikes").acount(), 0
        )

    async def test_M2_hidden_ones_come_back_with_their_message(self) -> None:
        thread_id = await self.counted()
        for item_type in ("user_message", "assistant_message"):
            message = await self.row(item_type)
            await sync_to_async(actions.hide)(message, BY)
            self.assertNotIn("42 bikes", await self.told(thread_id))
            await sync_to_async(actions.show)(message, BY)
            self.assertIn("42 bikes", await self.told(thread_id))

    async def test_what_a_broken_off_turn_has_done_is_known(self) -> None:
        replies = Reply(tool="count", item_id="fc_1"), Reply(("Well, ",), end="error")
        thread_id, events = await self.create(*replies)
        self.assertEqual(len(errors(events)), 1)
        told = await self.told(thread_id)
        self.assertIn("42 bikes", told)
        self.assertIn("Well, ", told)

    async def test_a_guardrail_that_trips_leaves_nothing(self) -> None:
        async def check(*args: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

        Modelled.agent_options |= {"output_guardrails": [OutputGuardrail(check)]}
        thread_id, events = await self.create(Reply(tool="count", item_id="fc_1"), Reply())
        self.assertEqual(len(errors(events)), 1)
        self.assertFalse(await ChatModelTurn.objects.aexists())
        del Modelled.agent_options["output_guardrails"]
        self.assertNotIn("42 bikes", await self.told(thread_id))

    async def test_a_handoff_and_its_other_agent(self) -> None:
        clerk: Agent[Any] = Agent(name="clerk", model="m2", tools=[count])
        Modelled.agent_options = {"handoffs": [clerk]}
        replies = (
            Reply(tool="transfer_to_clerk", item_id="fc_1"),
            Reply(tool="count", item_id="fc_2"),
            Reply(("We have 42.",)),
        )
        thread_id, events = await self.create(*replies)
        self.assertEqual(errors(events), [])
        row = await ChatModelTurn.objects.aget()
        self.assertEqual((row.agent, row.model), ("clerk", "m2"))
        steps = json.loads(row.payload)
        self.assertEqual(
            [(step["agent"], step["model"]) for step in steps], [("a", "m"), ("clerk", "m2")]
        )
        told = await self.told(thread_id)
        self.assertIn("transfer_to_clerk", told)
        self.assertIn("42 bikes", told)

    async def test_a_clients_tool_is_told_once_with_its_output(self) -> None:
        stop = StopAtTools(stop_at_tool_names=["ask_client"])
        Modelled.agent_options = {"tools": [ask_client, count], "tool_use_behavior": stop}
        replies = Reply(tool="count", item_id="fc_1"), Reply(tool="ask_client", item_id="fc_2")
        thread_id, events = await self.create(*replies)
        self.assertEqual(errors(events), [])
        self.api.replies = [Reply(("Blue.",))]
        result = {"colour": "blue"}
        await self.send("threads.add_client_tool_output", thread_id=thread_id, result=result)
        for told in (json.dumps(self.api.inputs()), await self.told(thread_id)):
            self.assertIn("42 bikes", told)
            self.assertIn("colour", told)
            self.assertEqual(told.count('"ask_client"'), 1)
        self.assertEqual(await ChatModelTurn.objects.acount(), 3)

    def test_R3_an_import_has_them(self) -> None:
        thread_id = async_to_sync(self.counted)()
        archive = str(self.media / "archive.jsonl")
        call_command("export_threads", archive, stdout=StringIO())
        ChatSession.objects.all().delete()
        self.assertFalse(ChatModelTurn.objects.exists())
        call_command("import_threads", archive, stdout=StringIO())
        self.assertIn("42 bikes", async_to_sync(self.told)(thread_id))


class ChatCompletionsToolResultTests(ChatCompletionsMixin, ToolResultTests):
    """The same behind Chat Completions, where all answers have one id."""


class TurnTests(MemoryTestCase):
    async def test_a_turn_is_kept_by_one_row_with_its_cost(self) -> None:
        await self.counted()
        row = await ChatModelTurn.objects.select_related("session").aget()
        self.assertEqual((row.agent, row.model, row.requests), ("a", "m", 2))
        self.assertEqual((row.input_tokens, row.output_tokens), (14, 10))
        self.assertLessEqual(1, row.first_text_ms)
        self.assertLessEqual(row.first_text_ms, row.duration_ms)
        # The answer is in the thread, and not a second time here.
        self.assertNotIn("We have 42.", row.payload)
        newest = await ChatMessage.objects.order_by("-timestamp").afirst()
        self.assertGreater(row.timestamp, newest.timestamp)
        self.assertEqual(row.session.updated_at, row.timestamp)

    async def test_M4_after_a_retry_on_hold_too(self) -> None:
        thread_id = await self.counted()
        await ChatSession.objects.aupdate(is_on_hold=True)
        question = (await self.items(thread_id))[0]["id"]
        self.api.replies = [Reply(item_id="msg_2")]
        await self.send("threads.retry_after_item", thread_id=thread_id, item_id=question)
        self.assertNotIn("42 bikes", await self.told(thread_id))
        self.assertEqual(
            await ChatModelTurn.objects.filter(payload__contains="42 bikes").acount(), 1
        )

    async def test_an_edited_message_takes_them_along(self) -> None:
        for item_type in ("user_message", "assistant_message"):
            thread_id = await self.counted()
            page = await DjangoStore().load_thread_items(thread_id, None, 9, "asc", self.alice)
            item = next(item for item in page.data if item.type == item_type)
            item.content[0].text = "Changed"
            await DjangoStore().save_item(thread_id, item, self.alice)
            with self.subTest(item_type):
                told = await self.told(thread_id)
                self.assertNotIn("42 bikes", told)
                self.assertIn("Changed", told)

    async def test_a_deleted_message_takes_them_along(self) -> None:
        for item_type in ("user_message", "assistant_message"):
            thread_id = await self.counted()
            page = await DjangoStore().load_thread_items(thread_id, None, 9, "asc", self.alice)
            item = next(item for item in page.data if item.type == item_type)
            await DjangoStore().delete_thread_item(thread_id, item.id, self.alice)
            with self.subTest(item_type):
                self.assertFalse(
                    await ChatModelTurn.objects.filter(session__thread_id=thread_id).aexists()
                )
                self.assertNotIn("42 bikes", await self.told(thread_id))

    async def test_M2_a_redaction_deletes_them_for_good(self) -> None:
        for item_type in ("user_message", "assistant_message"):
            await ChatSession.objects.all().adelete()
            thread_id = await self.counted()
            await sync_to_async(redaction.redact)(await self.row(item_type), BY)
            with self.subTest(item_type):
                self.assertFalse(await ChatModelTurn.objects.aexists())
                self.assertNotIn("42 bikes", await self.told(thread_id))

    async def test_M2_also_of_a_turn_that_runs_then(self) -> None:
        @function_tool
        async def count_and_redact() -> str:
            await sync_to_async(redaction.redact)(await self.row("user_message"), BY)
            return "42 bikes"

        Modelled.agent_options = {"tools": [count_and_redact]}
        replies = Reply(tool="count_and_redact", item_id="fc_1"), Reply()
        _thread, events = await self.create(*replies)
        self.assertEqual(errors(events), [])
        self.assertFalse(await ChatModelTurn.objects.aexists())

    async def test_V4_what_a_stopped_turn_has_done_is_known(self) -> None:
        self.api.replies = [Reply(tool="count", item_id="fc_1"), Reply(end="wait")]
        request = {"type": "threads.create", "params": {"input": user_input("How many?")}}
        result = await Modelled().process(json.dumps(request), self.alice)
        assert isinstance(result, StreamingResult)
        events = aiter(result.json_events)
        async for event in events:
            if b"there." in event:
                break
        await events.aclose()
        thread = await ChatSession.objects.aget()
        told = await self.told(thread.thread_id)
        self.assertIn("42 bikes", told)
        self.assertEqual(told.count("Hello there."), 1)

    async def test_a_turn_that_never_ended_is_known_by_what_people_see(self) -> None:
        """As if its process was killed before it wrote."""
        thread_id = await self.counted()
        await ChatModelTurn.objects.all().adelete()
        told = await self.told(thread_id)
        self.assertNotIn("42 bikes", told)
        self.assertIn("We have 42.", told)

    async def test_a_rename_and_a_lock_change_nothing(self) -> None:
        thread_id = await self.counted()
        await self.post("threads.update", thread_id=thread_id, title="Bikes")
        thread = await ChatSession.objects.aget()
        await sync_to_async(actions.lock)(thread, BY)
        await sync_to_async(actions.reopen)(thread, BY)
        self.assertIn("42 bikes", await self.told(thread_id))

    async def test_without_memory_only_what_people_see_is_given(self) -> None:
        with self.settings(CHATSTORE_MODEL_MEMORY=False):
            thread_id = await self.counted()
            self.assertFalse(await ChatModelTurn.objects.aexists())
        thread_id = await self.counted()
        with self.settings(CHATSTORE_MODEL_MEMORY=False):
            self.assertNotIn("42 bikes", await self.told(thread_id))

    async def test_a_pending_call_of_a_client_is_not_told(self) -> None:
        stop = StopAtTools(stop_at_tool_names=["ask_client"])
        Modelled.agent_options = {"tools": [ask_client], "tool_use_behavior": stop}
        thread_id, _events = await self.create(Reply(tool="ask_client", item_id="fc_2"))
        self.assertNotIn("ask_client", await self.told(thread_id))

    def test_S12_they_cost_one_read_and_one_write_a_turn(self) -> None:
        thread_id = async_to_sync(self.counted)()
        counts = []
        for is_on in (True, False):
            memory = self.settings(CHATSTORE_MODEL_MEMORY=is_on)
            with memory, CaptureQueriesContext(connection) as queries:
                async_to_sync(self.told)(thread_id)
            verbs = [query["sql"].split()[0] for query in queries]
            inserts = [query["sql"] for query in queries if "INSERT INTO" in query["sql"]]
            counts.append((verbs.count("SELECT"), len(inserts)))
        self.assertEqual(counts[0][0] - counts[1][0], 1)
        self.assertEqual(counts[0][1] - counts[1][1], 1)


class PlainStore(MemoryStore):
    """Has only what ChatKit asks of a store, and no place for what models did."""

    add_model_turn = None  # type: ignore[assignment]


class OtherStoreTests(MemoryTestCase):
    async def told_by(self, store: MemoryStore) -> str:
        """Have a turn with a tool and another one; return what the model was given then."""
        self.api.replies = [Reply(tool="count", item_id="fc_1"), Reply(), Reply(item_id="msg_2")]
        server, params = Modelled(store), {"input": user_input("How many?")}
        kind = "threads.create"
        for _turn in range(2):
            result = await server.process(json.dumps({"type": kind, "params": params}), ALICE)
            assert isinstance(result, StreamingResult)
            events = [json.loads(line[6:]) async for line in result]
            self.assertEqual(errors(events), [])
            if "thread" in events[0]:
                params["thread_id"] = events[0]["thread"]["id"]
                kind = "threads.add_user_message"
        return json.dumps(self.api.inputs())

    async def test_a_memory_store_keeps_them(self) -> None:
        self.assertIn("42 bikes", await self.told_by(MemoryStore()))

    async def test_a_store_without_a_place_for_them_works(self) -> None:
        told = await self.told_by(PlainStore())
        self.assertNotIn("42 bikes", told)
        self.assertIn("Hello there.", told)

    async def test_S20_a_turn_that_a_retry_has_replaced_leaves_nothing(self) -> None:
        for store in (MemoryStore(), DjangoStore()):
            await store.save_thread(thread("thr_1"), ALICE)
            await store.add_thread_item("thr_1", user_message("msg_1"), ALICE)
            with track_request(Turn()):
                await store.load_thread("thr_1", ALICE)
                await asyncio.create_task(self.retry(store))
                await store.add_model_turn("thr_1", ModelTurn([], {}, "msg_1"), ALICE)
            self.assertEqual(await store.load_model_turns("thr_1", 9, ALICE), [])

    async def retry(self, store: Any) -> None:
        with track_request(Turn()):
            await store.load_thread("thr_1", ALICE)
            await store.delete_items_after("thr_1", "msg_1", ALICE)

    async def test_what_is_no_json_or_no_text_is_stored_all_the_same(self) -> None:
        """S14"""
        store: DjangoStore[Any] = DjangoStore()
        await store.save_thread(thread("thr_1"), ALICE)
        entry = {"type": "function_call_output", "call_id": "c", "output": "a\x00b\ud83d", "x": NOW}
        turn = ModelTurn([Step("a", "m", [entry])], {"msg_1": ""})
        await store.add_model_turn("thr_1", turn, ALICE)
        (loaded,) = await store.load_model_turns("thr_1", 9, ALICE)
        self.assertEqual(loaded.steps[0].items[0]["output"], "a\ufffdb\ufffd")
        self.assertEqual(await store.load_model_turns("thr_1", 9, CHARLIE), [])


class ChangedAnswers(Modelled):
    """Shows another text than the model's."""

    async def respond(self, *args: Any) -> Any:
        async for event in super().respond(*args):
            if isinstance(event, ThreadItemDoneEvent) and event.item.type == "assistant_message":
                event.item.content[0].text = "Removed."
            yield event


class ChangedAnswerTests(MemoryTestCase):
    async def test_an_answer_is_told_as_people_see_it(self) -> None:
        server = "tests.test_model_memory.ChangedAnswers"
        with self.settings(CHATSTORE_SERVER=server):
            thread_id = await self.counted()
            told = await self.told(thread_id)
        self.assertNotIn("We have 42.", told)
        self.assertEqual(told.count("Removed."), 1)
        self.assertIn("42 bikes", told)


class ChatCompletionsChangedAnswerTests(ChatCompletionsMixin, ChangedAnswerTests):
    pass


class ReasoningTests(MemoryTestCase):
    async def test_reasoning_goes_to_the_model_that_wrote_it(self) -> None:
        thread_id = await self.counted(reasoning="xyzzy")
        told = await self.told(thread_id)
        self.assertIn("xyzzy", told)
        self.assertNotIn("rs_1", told)
        Modelled.agent_options |= {"model": "another"}
        told = await self.told(thread_id)
        self.assertNotIn("xyzzy", told)
        self.assertIn("42 bikes", told)


class ArrangeTests(ResponsesTestCase):
    """Entries that no stand-in makes easily."""

    def arranged(self, *entries: dict[str, Any]) -> list[str]:
        turn = ModelTurn([Step("a", "m", list(entries))], {}, "msg_1")
        units = arrange([answer("msg_2"), user_message("msg_1")], [turn], "m")
        given: list[Any] = [one for unit in reversed(units) for one in unit]
        return [
            one.get("call_id") or one["type"] if isinstance(one, dict) else one.id for one in given
        ]

    def test_no_call_without_its_output_nor_reasoning_without_what_follows(self) -> None:
        thought = {"type": "reasoning", "encrypted_content": "x", "id": "rs_1"}
        call = {"type": "function_call", "name": "f", "arguments": "{}"}
        output = {"type": "function_call_output", "output": "1"}
        found = self.arranged(
            thought,
            {**call, "call_id": "c1"},
            thought,
            {**call, "call_id": "c2"},
            {**output, "call_id": "c1"},
            {**output, "call_id": "c3"},
            thought,
        )
        self.assertEqual(found, ["msg_1", "reasoning", "c1", "c1", "msg_2"])


@pytest.mark.slow
class KilledTests(LiveTestCase):
    """A process is killed while a model answers with the help of a tool."""

    assistant = "Clerk"
    api: ClassVar[ModelAPI]

    @classmethod
    def serve(cls) -> Server:
        cls.api = ModelAPI()
        cls.addClassCleanup(cls.api.close)
        cls.env = {"OPENAI_API_KEY": "sk-stand-in", "OPENAI_BASE_URL": cls.api.url}
        return super().serve()

    def test_S15_a_turn_that_was_killed_leaves_nothing_that_a_model_refuses(self) -> None:
        begun = Reply(("We ", "have "), is_paced=False, end="wait")
        self.api.replies = [Reply(tool="count_bikes", item_id="fc_1"), begun]
        with self.alice.asking("How many?") as (thread_id, events):
            self.assertEqual(self.server.stop(signal.SIGKILL), -signal.SIGKILL)
            with self.assertRaises(httpx.HTTPError):
                list(events)
        self.assertFalse(ChatModelTurn.objects.exists())
        self.server = self.serve()
        self.api.replies = [Reply(tool="count_bikes", item_id="fc_2"), Reply(("42.",), "msg_2")]
        visitor = self.visitor("alice")
        self.assertEqual(errors(visitor.ask("And now?", thread_id)), [])
        told = json.dumps(self.api.inputs())
        self.assertIn("How many?", told)
        self.assertEqual((told.count("function_call_output"), told.count("42 bikes")), (1, 1))
        self.assertEqual(ChatModelTurn.objects.count(), 1)
