"""What a model is told of a conversation that is too long for it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from unittest.mock import patch

from agents import Model, ModelResponse, Usage
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from chatstore.codec import ModelTurn, Step, message_digest
from chatstore.models import ChatMessage, ChatModelTurn, ChatSession
from chatstore.moderation import actions, redaction
from chatstore.moderation.records import Moderator
from chatstore.store import DjangoStore
from tests.base import answer, thread, user_message
from tests.model_api import PNG, Modelled, Reply, ResponsesTestCase, attributes, errors
from tests.rows import add_attachment

BY = Moderator("moderator")


class Summarizer(Model):
    """Stands in for a model, and records what it is given to sum up."""

    model = "summarizer"

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None  # what others do once

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        self.inputs.append(json.dumps(kwargs.get("input") or args[1]))
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()
        text = f"Summary number {len(self.inputs)}."
        part = ResponseOutputText(type="output_text", text=text, annotations=[])
        message = ResponseOutputMessage(
            id="msg_s", type="message", role="assistant", status="completed", content=[part]
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class LongTestCase(ResponsesTestCase):
    async def long_thread(self, turns: int = 100) -> str:
        """Store a thread of so many turns, each with a question, a tool's result and an answer."""
        store: DjangoStore[Any] = DjangoStore()
        await store.save_thread(thread("thr_long"), self.alice)
        for number in range(turns):
            question = user_message(f"msg_q{number}", f"question {number}.")
            said = answer(f"msg_a{number}", f"answer {number}.")
            for item in (question, said):
                item.thread_id = "thr_long"
                await store.add_thread_item("thr_long", item, self.alice)
            call = {
                "type": "function_call",
                "call_id": f"c{number}",
                "name": "f",
                "arguments": "{}",
            }
            output = {"type": "function_call_output", "call_id": f"c{number}"}
            output["output"] = f"result {number}. " + "x" * 100
            entries = [call, output, {"type": "thread_item", "id": said.id}]
            ids = {item.id: message_digest(item) for item in (question, said)}
            turn = ModelTurn([Step("a", "m", entries)], ids, question.id)
            await store.add_model_turn("thr_long", turn, self.alice)
        return "thr_long"

    async def told(self, text: str = "And?") -> str:
        self.api.replies = [Reply(item_id=f"msg_{len(self.api.requests)}")]
        self.assertEqual(errors(await self.ask(text, "thr_long")), [])
        items = self.api.inputs()
        calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
        outputs = [i["call_id"] for i in items if i.get("type") == "function_call_output"]
        self.assertEqual(calls, outputs)
        return json.dumps(items)

    def numbers(self, told: str, word: str) -> list[int]:
        return [number for number in range(100) if f"{word} {number}." in told]


class BoundsTests(LongTestCase):
    def setUp(self) -> None:
        super().setUp()
        async_to_sync(self.long_thread)()

    async def test_a_hundred_turns_under_a_limit(self) -> None:
        with self.subTest("items"):
            told = await self.told()
            self.assertEqual(self.numbers(told, "result"), list(range(76, 100)))
            self.assertEqual(self.numbers(told, "answer"), list(range(75, 100)))
        for limit in (0, 700, 1500):
            with self.subTest(f"{limit} characters"):
                with self.settings(CHATSTORE_MAX_INPUT_LENGTH=limit):
                    told = await self.told(f"And {limit}?")
                self.assertIn(f"And {limit}?", told)
                results = self.newest_results(told)
        self.assertGreater(results, 2)

        def count(self: Any, text: str, model: str) -> int:
            asked.append(model)
            return 10

        asked: list[str] = []
        with self.settings(CHATSTORE_MAX_INPUT_TOKENS=400):
            self.assertGreater(self.newest_results(await self.told()), 0)
            with patch.object(Modelled, "count_tokens", count):
                self.assertEqual(self.newest_results(await self.told("And more?")), 0)
        self.assertEqual(set(asked), {"m"})

    def newest_results(self, told: str) -> int:
        """Return how many results are told, which must be the newest."""
        results = self.numbers(told, "result")
        self.assertEqual(results, list(range(100 - len(results), 100)))
        self.assertLess(len(results), 8)
        return len(results)


class FilesTests(LongTestCase):
    async def test_files_are_given_while_they_are_near(self) -> None:
        row = await sync_to_async(add_attachment)("atc_1", self.alice["user_id"], content=b"words")
        output = [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]
        thread_id, _events = await self.create(Reply(), attachments=[row.attachment_id])
        question = (await self.items(thread_id))[0]
        call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
        entries = [call, {"type": "function_call_output", "call_id": "c1", "output": output}]
        turn = ModelTurn([Step("a", "m", entries)], {}, question["id"])
        await DjangoStore().add_model_turn(thread_id, turn, self.alice)
        with self.settings(CHATSTORE_FILE_TURNS=2):
            for number, is_near in ((1, True), (2, False)):
                self.api.replies = [Reply(item_id=f"msg_{number}")]
                await self.ask("And?", thread_id)
                told = json.dumps(self.api.inputs())
                self.assertEqual("words" in told, is_near)
                self.assertEqual(PNG in told, is_near)
                self.assertEqual("not given again" in told, not is_near)


class SummaryTests(LongTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.model = Summarizer()
        attribute = attributes(Modelled, summary_model=self.model, history_length=8)
        attribute.__enter__()
        self.addCleanup(attribute.__exit__, None, None, None)
        async_to_sync(self.long_thread)(5)

    async def test_what_falls_out_is_summed_up_once_and_then_again(self) -> None:
        told = await self.told()
        self.assertTrue(told.startswith('[{"role": "user", "content": "Summary of'))
        self.assertIn("Summary number 1.", told)
        self.assertNotIn("question 2.", told)
        self.assertIn("question 3.", told)
        self.assertIn("result 4.", told)
        (summed_up,) = self.model.inputs
        self.assertIn("result 2.", summed_up)
        self.assertIn("Summary number 1.", await self.told())
        self.assertEqual(len(self.model.inputs), 1)
        await self.told()
        self.assertEqual(len(self.model.inputs), 2)
        self.assertIn("Summary number 1.", self.model.inputs[1])
        self.assertEqual(await ChatModelTurn.objects.filter(kind="summary").acount(), 2)

    async def test_M2_it_is_thrown_away_with_what_it_sums_up(self) -> None:
        for act in (self.redact, self.hide, self.delete):
            with self.subTest(act.__name__):
                self.assertIn("Summary number", await self.told())
                row = await self.summary_of("msg_q2")
                await act("msg_q2")
                self.assertFalse(await ChatModelTurn.objects.filter(pk=row.pk).aexists())
                await ChatSession.objects.all().adelete()
                await self.long_thread(5)

    async def test_M2_it_is_not_kept_if_that_goes_while_it_is_made(self) -> None:
        for act in (self.redact, self.hide, self.delete, self.delete_on_hold):
            with self.subTest(act.__name__):
                self.model.meanwhile = partial(act, "msg_q2")
                await self.told()
                self.assertFalse(await ChatModelTurn.objects.filter(kind="summary").aexists())
                self.model.inputs.clear()
                self.assertNotIn("question 2.", await self.told())
                self.assertNotIn("question 2.", self.model.inputs[0])
                self.assertNotIn("Summary number", self.model.inputs[0])
                await ChatSession.objects.all().adelete()
                await self.long_thread(5)

    async def test_of_a_thread_of_which_something_was_deleted_before_one_is_kept(self) -> None:
        await self.delete("msg_q0")
        before = timezone.now() - dt.timedelta(minutes=2)
        await ChatSession.objects.aupdate(items_deleted_at=before)
        self.assertIn("Summary number 1.", await self.told())
        self.assertTrue(await ChatModelTurn.objects.filter(kind="summary").aexists())

    async def summary_of(self, item_id: str) -> ChatModelTurn:
        rows = ChatModelTurn.objects.filter(kind="summary", item_ids__contains=item_id)
        return await rows.aget()

    async def redact(self, item_id: str) -> None:
        message = await ChatMessage.objects.select_related("session").aget(item_id=item_id)
        await sync_to_async(redaction.redact)(message, BY)

    async def hide(self, item_id: str) -> None:
        message = await ChatMessage.objects.select_related("session").aget(item_id=item_id)
        await sync_to_async(actions.hide)(message, BY)

    async def delete(self, item_id: str) -> None:
        await DjangoStore().delete_thread_item("thr_long", item_id, self.alice)

    async def delete_on_hold(self, item_id: str) -> None:
        await sync_to_async(actions.hold)(await ChatSession.objects.aget(), BY)
        await self.delete(item_id)

    async def test_without_it_the_question_is_answered_all_the_same(self) -> None:
        with (
            patch.object(Summarizer, "get_response", side_effect=ValueError("xyzzy")),
            self.assertLogs("chatstore.server.input_server", "WARNING") as logs,
        ):
            told = await self.told()
        self.assertIn("answer 4.", told)
        self.assertNotIn("xyzzy", str(logs.output))
