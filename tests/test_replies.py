"""Answers without a model (the examples of docs/how-to/replies.md), and titles of new threads."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agents import OpenAIResponsesModel
from chatkit.server import StreamingResult
from django.db import connection
from django.test import SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext
from openai import AsyncOpenAI

from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server import ChatServer, Reply, titles
from chatstore.testing import MemoryStore, samples
from tests.assistants import SECRET, Scripted
from tests.base import ALICE
from tests.endpoint import API, EndpointMixin
from tests.live import Event, user_input
from tests.model_api import Modelled, ResponsesTestCase, attributes, errors, said
from tests.model_api import Reply as ModelReply
from tests.test_long_conversations import Summarizer
from tests.test_server import PlainStore, RequestMixin

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "replies.md"


def example(name: str) -> type[ChatServer[Any]]:
    """Return a class of the page's examples."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    (code,) = [block for block in blocks if f"class {name}(" in block]
    names: dict[str, Any] = {}
    exec(compile(code, f"{PAGE.name}:{name}", "exec"), names)  # noqa: S102
    found: type[ChatServer[Any]] = names[name]
    return found


class ExampleTests(RequestMixin, SimpleTestCase):
    async def answer(self, name: str, text: str = "Hi") -> tuple[str, list[Event]]:
        self.server = example(name)(MemoryStore())
        events = await self.send("threads.create", input=user_input(text))
        self.assertEqual(errors(events), [])
        return events[0]["thread"]["id"], events

    def test_each_example_is_run(self) -> None:
        names = re.findall(r"^class (\w+)\(ChatServer\)", PAGE.read_text(), re.M)
        self.assertEqual(names, ["Hello", "Counting", "Shop", "Untitled", "Titled"])

    async def test_a_whole_answer(self) -> None:
        thread_id, events = await self.answer("Hello")
        self.assertEqual(said(events), "Hello! *What can I do for you?*")
        self.assertEqual(len(await self.items(thread_id)), 2)

    async def test_an_answer_in_parts(self) -> None:
        thread_id, events = await self.answer("Counting")
        updates = [event["update"] for event in events if event["type"] == "thread.item.updated"]
        deltas = [update["delta"] for update in updates if "delta" in update]
        self.assertEqual(deltas, ["3 ", "2 ", "1 "])
        (_question, stored) = await self.items(thread_id)
        self.assertEqual(stored["content"][0]["text"], "3 2 1 ")
        self.assertNotIn("ending", stored)

    async def test_progress_a_widget_a_title_and_a_notice(self) -> None:
        thread_id, events = await self.answer("Shop")
        kinds = [event["type"] for event in events]
        for kind in ("progress_update", "thread.updated", "notice"):
            self.assertEqual(kinds.count(kind), 1, kind)
        self.assertEqual((await self.get("threads.list"))["data"][0]["title"], "A city bike")
        (_question, widget) = await self.items(thread_id)
        self.assertEqual(widget["widget"]["children"][0]["value"], "City bike")
        action = widget["widget"]["children"][1]["onClickAction"]
        events = await self.send(
            "threads.custom_action", thread_id=thread_id, item_id=widget["id"], action=action
        )
        self.assertEqual(said(events), "Bike 7 is reserved.")

    async def test_a_thread_without_a_first_title(self) -> None:
        _thread, events = await self.answer("Untitled")
        self.assertIsNone(events[0]["thread"].get("title"))


class StreamTests(SimpleTestCase):
    async def test_V4_parts_are_closed_with_the_answer(self) -> None:
        closed: list[bool] = []

        async def parts() -> AsyncIterator[str]:
            try:
                yield "one"
                await asyncio.sleep(60)
            finally:
                closed.append(True)

        events = Reply(samples.thread("thr_1"), MemoryStore(), ALICE).stream(parts())
        async for event in events:
            if event.type == "thread.item.updated" and hasattr(event.update, "delta"):
                break
        await events.aclose()
        self.assertEqual(closed, [True])

    async def test_V4_what_came_before_a_failure_is_kept(self) -> None:
        class Failing(ChatServer[Any]):
            async def respond(self, thread: Any, message: Any, context: Any) -> Any:
                async def parts() -> AsyncIterator[str]:
                    yield "partial"
                    raise ValueError(SECRET)

                async for event in self.reply(thread, context).stream(parts()):
                    yield event

        server = Failing(MemoryStore())
        body = {"type": "threads.create", "params": {"input": user_input("Hi")}}
        result = await server.process(json.dumps(body), ALICE)
        assert isinstance(result, StreamingResult)
        with self.assertLogs("chatstore", "ERROR"):
            events = [json.loads(line[6:]) async for line in result]
        self.assertEqual(len(errors(events)), 1)
        thread_id = events[0]["thread"]["id"]
        page = await server.store.load_thread_items(thread_id, None, 1, "desc", ALICE)
        self.assertEqual(page.data[0].content[0].text, "partial")


class WordsTests(SimpleTestCase):
    def test_first_words(self) -> None:
        for text, title in (
            ("", ""),
            (" \n", ""),
            ("What about\nthe tyres?", "What about the tyres?"),
            ("word " * 20, "word " * 11 + "word…"),
            ("x" * 100, "x" * 59 + "…"),
            ("見" * 100, "見" * 59 + "…"),
        ):
            self.assertEqual(titles.shorten(text), title)
            self.assertLessEqual(len(titles.shorten(text)), titles.MAX_LENGTH)

    def test_a_models_title_is_one_line_without_quotes(self) -> None:
        self.assertEqual(titles.clean(' "Bikes\nand tyres." '), "Bikes and tyres")


class FirstTitle(RequestMixin):
    async def test_V15_a_new_thread_is_called_by_its_first_words(self) -> None:
        events = await self.send("threads.create", input=user_input("say  hello\nthere"))
        self.assertEqual(events[0]["thread"]["title"], "say hello there")
        thread = {"thread_id": events[0]["thread"]["id"]}
        self.assertEqual(
            (await self.get("threads.get_by_id", **thread))["title"], "say hello there"
        )
        await self.get("threads.update", **thread, title="Mine")
        await self.send("threads.add_user_message", **thread, input=user_input("say more"))
        self.assertEqual((await self.get("threads.get_by_id", **thread))["title"], "Mine")

    async def test_V15_respond_may_give_it_another(self) -> None:
        events = await self.send("threads.create", input=user_input("title The answer's"))
        told = [event["thread"]["title"] for event in events if "thread" in event]
        self.assertEqual(told, ["title The answer's", "The answer's"])


class MemoryTitleTests(FirstTitle, SimpleTestCase):
    def setUp(self) -> None:
        self.server = Scripted(MemoryStore())


class PlainStoreTitleTests(FirstTitle, SimpleTestCase):
    """A store of another package."""

    def setUp(self) -> None:
        self.server = Scripted(PlainStore())


class DjangoTitleTests(FirstTitle, TestCase):
    def setUp(self) -> None:
        self.server = Scripted()


class TitleTests(EndpointMixin, TestCase):
    def ask(self, text: str) -> list[str]:
        body = {"type": "threads.create", "params": {"input": user_input(text)}}
        with CaptureQueriesContext(connection) as captured:
            self.client.post(API, json.dumps(body), "application/json")
        return [query["sql"] for query in captured]

    def test_V15_the_first_title_costs_no_statement(self) -> None:
        self.ask("say hello")  # compiles the statements
        with_title = self.ask("say hello")
        with patch.object(ChatServer, "first_title", lambda self, message: ""):
            without = self.ask("say hello")
        self.assertEqual(len(with_title), len(without))
        titles = ChatSession.objects.order_by("created_at").values_list("title", flat=True)
        self.assertEqual(list(titles), ["say hello", "say hello", ""])

    def test_V15_M2_a_redaction_takes_the_words_out_of_the_title(self) -> None:
        self.ask("say " + f"{SECRET} " * 20)
        self.assertIn(SECRET, ChatSession.objects.get().title)
        message = ChatMessage.objects.get(item_type="user_message")
        redact(message, Moderator.from_user(self.other, "Private data"))
        self.assertEqual(ChatSession.objects.get().title, "")


class Namer(Summarizer):
    """Stands in for the model that gives titles; without a text it fails."""

    def __init__(self, text: str = '"Bikes\nand tyres."') -> None:
        super().__init__()
        self.text = text

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        response: Any = await super().get_response(*args, **kwargs)
        if not self.text:
            raise ValueError(SECRET)
        response.output[0].content[0].text = self.text
        return response


class ModelTitleTests(ResponsesTestCase):
    """A title by a model, after the first answer."""

    async def titles(self, events: list[Event]) -> tuple[list[str], str]:
        """Return the titles that were told, and the one that is stored."""
        told = [event["thread"]["title"] for event in events if "thread" in event]
        stored = await self.get("threads.get_by_id", thread_id=events[0]["thread"]["id"])
        return told, stored["title"]

    async def test_V15_a_model_names_it_after_the_first_answer_and_only_then(self) -> None:
        namer = Namer()
        with attributes(Modelled, title_model=namer):
            thread_id, events = await self.create(text="Which bikes?")
            await self.ask("And more?", thread_id)
        told = (["Which bikes?", "Bikes and tyres"], "Bikes and tyres")
        self.assertEqual(await self.titles(events), told)
        (given,) = namer.inputs
        for words in ("Which bikes?", "Hello there.", titles.REQUEST):
            self.assertIn(words, given)

    async def test_V15_never_over_a_persons_own_title(self) -> None:
        make_title = Modelled.make_title

        async def renamed_meanwhile(server: Any, thread: Any, history: Any, context: Any) -> str:
            await self.get("threads.update", thread_id=thread.id, title="Mine")
            return await make_title(server, thread, history, context)

        naming = attributes(Modelled, title_model=Namer())
        with naming, patch.object(Modelled, "make_title", renamed_meanwhile):
            _thread, events = await self.create()
        self.assertEqual((await self.titles(events))[1], "Mine")

    async def test_V15_nor_over_one_that_respond_has_set(self) -> None:
        with patch.object(Scripted, "title_model", Namer()):
            events = await self.send_to_scripted("title By respond")
        self.assertEqual((await self.titles(events))[1], "By respond")

    async def send_to_scripted(self, text: str) -> list[Event]:
        with self.settings(CHATSTORE_SERVER="tests.assistants.Scripted"):
            return await self.send("threads.create", input=user_input(text))

    async def test_V15_without_an_answer_or_a_title_the_first_words_stay(self) -> None:
        with (
            attributes(Modelled, title_model=Namer("")),
            self.assertLogs("chatstore", "WARNING") as logs,
        ):
            _thread, events = await self.create(text="Which bikes?")
        self.assertEqual(errors(events), [])
        self.assertEqual(await self.titles(events), (["Which bikes?"], "Which bikes?"))
        self.assertIn("got no title", logs.output[-1])
        self.assertNotIn(SECRET, "".join(logs.output))
        namer = Namer()
        failed = ModelReply(status=500, error={"message": SECRET})
        with attributes(Modelled, title_model=namer), self.assertLogs("chatstore", "ERROR"):
            await self.create(failed, text="Which tyres?")
        self.assertEqual(namer.inputs, [])  # a failed answer is not named

    async def test_V4_a_stop_meanwhile_leaves_the_answer_whole(self) -> None:
        begun = asyncio.Event()

        async def for_ever(*args: Any) -> str:
            begun.set()
            await asyncio.sleep(60)
            return ""

        self.api.replies = [ModelReply()]
        body = {"type": "threads.create", "params": {"input": user_input("Hi")}}
        naming = attributes(Modelled, title_model="any")
        with naming, patch.object(Modelled, "make_title", for_ever):
            server = Modelled()
            result = await server.process(json.dumps(body), self.alice)
            assert isinstance(result, StreamingResult)
            events: Any = result.json_events.__aiter__()
            async for event in events:
                if b"thread.item.done" in event and b"assistant_message" in event:
                    break
            await begun.wait()
            await events.aclose()
        rows = [row async for row in ChatMessage.objects.order_by("timestamp")]
        kinds = [(row.item_type, row.ending) for row in rows]
        self.assertEqual(kinds, [("user_message", ""), ("assistant_message", "")])

    async def test_the_example_with_a_model(self) -> None:
        titled: Any = example("Titled")
        titled.title_model = Namer()
        self.api.replies = [ModelReply(is_paced=False)]
        body = {"type": "threads.create", "params": {"input": user_input("Which bikes?")}}
        async with AsyncOpenAI(api_key="sk", base_url=self.api.url, max_retries=0) as client:
            titled.agent = titled.agent.clone(model=OpenAIResponsesModel("m", client))
            result = await titled().process(json.dumps(body), self.alice)
            events = [json.loads(line[6:]) async for line in result]
        self.assertEqual(said(events), "Hello there.")
        self.assertEqual((await self.titles(events))[1], "Bikes and tyres")
