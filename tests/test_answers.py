"""Answers of a model, through the Agents SDK and the endpoint: what can happen to them."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import AsyncMock, patch

from asgiref.sync import sync_to_async

from chatstore.server.converters import HistoryConverter
from chatstore.store import DjangoStore
from tests.base import attachment, hidden_context, tool_call
from tests.model_api import Reply, ResponsesTestCase, errors
from tests.rows import add_attachment

CITATIONS = (
    {"type": "file_citation", "file_id": "f_1", "filename": "notes.txt", "index": 3},
    {
        "type": "url_citation",
        "url": "https://example.com/",
        "title": "Example",
        "start_index": 0,
        "end_index": 4,
    },
    {
        "type": "container_file_citation",
        "container_id": "c_1",
        "file_id": "f_2",
        "filename": "table.csv",
        "start_index": 0,
        "end_index": 5,
    },
    {"type": "file_path", "file_id": "f_3", "index": 0},
)


class CitationTests(ResponsesTestCase):
    async def check(self, *citations: dict[str, object]) -> list[object]:
        """Ask for an answer with these citations; return what is cited in it as it is served."""
        reply = Reply(annotations=citations)
        thread_id, events = await self.create(reply)
        self.assertEqual(errors(events), [])
        (answer,) = await self.answers(thread_id)
        (part,) = answer["content"]
        self.assertEqual(part["text"], reply.text)
        self.assertEqual(events[-1]["item"]["content"], answer["content"])
        streamed = [
            event["update"]["annotation"]
            for event in events
            if event.get("update", {}).get("type", "").endswith("annotation_added")
        ]
        self.assertEqual(streamed, part["annotations"])
        return [(cited["source"]["type"], cited["index"]) for cited in part["annotations"]]

    async def test_an_answer_with_a_citation_is_stored_with_it(self) -> None:
        kept = [[("file", 3)], [("url", 4)], [("file", 5)], []]
        for citation, expected in zip(CITATIONS, kept, strict=True):
            with self.subTest(citation["type"]):
                self.assertEqual(await self.check(citation), expected)

    async def test_citations_of_all_kinds_in_one_answer(self) -> None:
        found = await self.check(*CITATIONS)
        self.assertEqual(found, [("file", 3), ("url", 4), ("file", 5)])


class InputTests(ResponsesTestCase):
    """What run_agent gives to the model."""

    async def add(self, thread_id: str, *items: Any) -> None:
        for item in items:
            item.thread_id = thread_id
            await DjangoStore().add_thread_item(thread_id, item, self.alice)

    async def test_a_message_with_a_tag_is_answered_and_so_are_the_next_ones(self) -> None:
        tag = {"type": "input_tag", "id": "c_7", "text": "Ada", "data": {"city": "London"}}
        message = {"content": [{"type": "input_text", "text": "Who is "}, tag]}
        thread_id, events = await self.create(Reply(), **message)
        self.assertEqual(errors(events), [])
        told = json.dumps(self.api.inputs())
        for words in ("Who is @Ada", "c_7", "London"):
            self.assertIn(words, told)
        self.assertEqual(errors(await self.ask("And then?", thread_id)), [])
        self.assertIn("London", json.dumps(self.api.inputs()))

    async def test_hidden_context_that_is_no_text_is_told_as_json(self) -> None:
        thread_id, _events = await self.create()
        content = {"orders": [12, None], "note": "grün"}
        await self.add(thread_id, hidden_context(content=content))
        self.assertEqual(errors(await self.ask("Go on", thread_id)), [])
        self.assertIn('{"orders": [12, null], "note": "grün"}', str(self.api.inputs()))

    async def test_S18_what_cant_be_converted_is_left_out_and_logged_by_its_id(self) -> None:
        thread_id, _events = await self.create()
        await self.add(thread_id, hidden_context("hcx_bad", "xyzzy-plugh"))
        refuse = AsyncMock(side_effect=NotImplementedError("xyzzy-plugh"))
        with (
            patch.object(HistoryConverter, "hidden_context_to_input", refuse),
            self.assertLogs("chatstore.server.model_input", "WARNING") as logs,
        ):
            for text in ("Go on", "And on"):
                self.assertEqual(errors(await self.ask(text, thread_id)), [])
        self.assertIn("hcx_bad", logs.output[0])
        self.assertNotIn("plugh", str(logs.output))
        self.assertNotIn("plugh", str(self.api.inputs()))

    async def test_a_question_that_cant_be_converted_is_not_answered(self) -> None:
        self.api.replies = [Reply()]
        refuse = AsyncMock(side_effect=NotImplementedError("xyzzy-plugh"))
        with patch.object(HistoryConverter, "user_message_to_input", refuse):
            events = await self.ask("Hi")
        self.assertEqual(len(errors(events)), 1)
        self.assertEqual(self.api.requests, [])

    async def test_an_attachment_of_another_store_is_named_to_the_model(self) -> None:
        part = await HistoryConverter().attachment_to_message_content(attachment())
        self.assertIn("a.txt", part["text"])

    async def test_the_oldest_is_left_out_where_the_input_would_be_too_long(self) -> None:
        self.api.replies = [Reply()]
        thread_id, _events = await self.create(text="first " + "x" * 300)
        await self.ask("second " + "y" * 300, thread_id)
        with self.settings(CHATSTORE_MAX_INPUT_LENGTH=600):
            await self.ask("third", thread_id)
        told = str(self.api.inputs())
        for words, is_told in (("first", False), ("second", True), ("third", True)):
            self.assertEqual(words in told, is_told, words)

    async def test_a_tool_call_is_never_without_its_output(self) -> None:
        thread_id, _events = await self.create()
        call = tool_call(status="completed", output="z" * 500)
        await self.add(thread_id, call)
        for limit, count in ((2000, 1), (400, 0)):
            with self.settings(CHATSTORE_MAX_INPUT_LENGTH=limit):
                await self.ask("Go on", thread_id)
            kinds = [one.get("type") for one in self.api.inputs()]
            self.assertEqual(kinds.count("function_call"), count)
            self.assertEqual(kinds.count("function_call_output"), count)

    async def test_the_last_message_is_told_whatever_its_length(self) -> None:
        with self.settings(CHATSTORE_MAX_INPUT_LENGTH=10):
            _thread, events = await self.create(text="a long question")
        self.assertEqual(errors(events), [])
        self.assertIn("a long question", str(self.api.inputs()))

    async def test_text_files_count_too_and_are_cut(self) -> None:
        files = []
        for number in range(2):
            content = (f"{number}" * 1000).encode()
            row = await sync_to_async(add_attachment)(
                f"atc_{number}", self.alice["user_id"], content=content
            )
            files.append(row.attachment_id)
        with self.settings(CHATSTORE_MAX_INPUT_LENGTH=1500):
            _thread, events = await self.create(attachments=files)
        self.assertEqual(errors(events), [])
        told = str(self.api.inputs())
        self.assertEqual((told.count("0"), told.count("1")), (1000, 500))
        self.assertIn("The rest of the file is left out.", told)
