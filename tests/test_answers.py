"""Answers of a model, through the Agents SDK and the endpoint: what can happen to them."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import AsyncMock, patch

from agents import ModelSettings, RunContextWrapper, function_tool
from asgiref.sync import sync_to_async
from chatkit.agents import AgentContext
from chatkit.server import StreamingResult
from chatkit.types import ThreadMetadata
from django.test import TransactionTestCase
from pydantic import BaseModel

from chatstore.models import ChatAttachment, ChatMessage
from chatstore.server.converters import HistoryConverter
from chatstore.store import DjangoStore
from tests.base import NOW, attachment, hidden_context, tool_call
from tests.live import user_input
from tests.model_api import (
    PNG,
    TOO_LONG,
    ChatCompletionsMixin,
    Modelled,
    ModelMixin,
    Reply,
    ResponsesTestCase,
    attributes,
    errors,
    said,
)
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

    async def test_a_citation_that_chatkit_does_not_know_is_left_out(self) -> None:
        known = CITATIONS[1]
        without_title = {key: value for key, value in known.items() if key != "title"}
        without_name = {"type": "file_citation", "file_id": "f_1", "index": 3}
        for citation in ({"type": "of_tomorrow", "of": "what"}, without_title, without_name):
            with self.subTest(citation):
                self.assertEqual(await self.check(citation, known), [("url", 4)])

    async def test_V4_what_was_cited_is_kept_with_an_answer_that_is_not_complete(self) -> None:
        thread_id, _events = await self.create(Reply(annotations=CITATIONS, end="incomplete"))
        (answer,) = await self.answers(thread_id)
        cited = [one["source"]["type"] for one in answer["content"][0]["annotations"]]
        self.assertEqual((cited, answer["ending"]), (["file", "url", "file"], "failed"))

    async def test_a_refusal_after_some_text_is_told_once(self) -> None:
        thread_id, events = await self.create(Reply(("Well.",), refusal="I can't do that."))
        self.assertEqual(errors(events), [])
        (answer,) = await self.answers(thread_id)
        texts = [part["text"] for part in answer["content"]]
        self.assertEqual(texts, ["Well.", "I can't do that."])


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

    async def test_a_converter_of_the_applications_own_is_used(self) -> None:
        class Converter(HistoryConverter):
            async def tag_to_message_content(self, tag: Any) -> Any:
                return {"type": "input_text", "text": f"Customer number {tag.id}"}

        tag = {"type": "input_tag", "id": "c_7", "text": "Ada", "data": {}}
        with patch.object(Modelled, "get_converter", lambda self, context: Converter()):
            await self.create(content=[tag])
        self.assertIn("Customer number c_7", str(self.api.inputs()))

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

    async def test_calls_that_a_model_has_given_the_same_id_are_both_sent(self) -> None:
        thread_id, _events = await self.create()
        for number in range(2):
            call = tool_call(f"tc_{number}", call_id="call_0", status="completed", output=number)
            await self.add(thread_id, call)
        await self.ask("Go on", thread_id)
        sent = self.api.inputs()
        calls = [one["call_id"] for one in sent if one.get("type") == "function_call"]
        told = [one for one in sent if one.get("type") == "function_call_output"]
        self.assertEqual(len(set(calls)), 2)
        self.assertEqual([one["call_id"] for one in told], calls)
        self.assertEqual([one["output"] for one in told], ["0", "1"])

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


class Shop(AgentContext[Any]):
    currency: str = "EUR"


class AnswerTests(ResponsesTestCase):
    """What a model's answer goes through, on both APIs."""

    async def test_V4_what_a_model_said_before_it_failed_is_kept_and_marked(self) -> None:
        for end in ("cut", "error", "failed"):
            with self.subTest(end):
                await self.check_kept(Reply(end=end))

    async def test_V4_also_what_had_not_been_read_yet(self) -> None:
        thread_id, events = await self.create(Reply(end="cut", is_paced=False))
        self.assertEqual(len(errors(events)), 1)
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["content"][0]["text"], "Hello there.")

    async def test_V4_an_answer_that_is_stopped_is_kept_once_and_marked(self) -> None:
        self.api.replies = [Reply(end="wait")]
        request = {"type": "threads.create", "params": {"input": user_input("Hi")}}
        result = await Modelled().process(json.dumps(request), self.alice)
        assert isinstance(result, StreamingResult)
        events = aiter(result.json_events)
        async for event in events:
            if b"there." in event:
                break
        await events.aclose()
        (row,) = await self.rows()
        self.assertEqual((row.content, row.ending), ("Hello there.", "stopped"))
        notes = ChatMessage.objects.filter(item_type="sdk_hidden_context")
        self.assertEqual(await notes.acount(), 1)

    async def check_kept(self, reply: Reply) -> None:
        thread_id, events = await self.create(reply)
        self.assertEqual(len(errors(events)), 1)
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["content"][0]["text"], reply.text)
        self.assertEqual(answer["ending"], "failed")
        self.assertEqual(said(events), reply.text)
        self.api.replies = [Reply(("Now ", "it works."), "msg_2")]
        events = await self.ask("Again", thread_id)
        self.assertEqual(errors(events), [])
        texts = [answer["content"][0]["text"] for answer in await self.answers(thread_id)]
        self.assertEqual(texts, [reply.text, "Now it works."])

    tells_incomplete = True

    async def test_V4_an_answer_that_had_no_room_for_all_of_it_is_marked_too(self) -> None:
        thread_id, events = await self.create(Reply(end="incomplete"))
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["content"][0]["text"], "Hello there.")
        self.assertEqual(answer.get("ending"), "failed" if self.tells_incomplete else None)
        self.assertEqual(len(errors(events)), self.tells_incomplete)

    async def test_V4_output_that_does_not_validate_is_kept(self) -> None:
        class Total(BaseModel):
            euros: int

        Modelled.agent_options = {"output_type": Total}
        thread_id, events = await self.create(Reply(('{"euros": ', '"many"}')))
        self.assertEqual(len(errors(events)), 1)
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["content"][0]["text"], '{"euros": "many"}')

    async def test_a_refusal_is_an_answer(self) -> None:
        words = ("I can't ", "help with that.")
        for is_paced in (True, False):
            thread_id, events = await self.create(Reply(words, is_refusal=True, is_paced=is_paced))
            self.assertEqual(errors(events), [])
            self.assertEqual(said(events), "".join(words))
            (answer,) = await self.answers(thread_id)
            self.assertEqual(answer["content"][0]["text"], "".join(words))
            self.assertNotIn("ending", answer)

    async def test_S14_a_lone_surrogate_ends_no_stream(self) -> None:
        thread_id, events = await self.create(Reply(("So \ud83d", "on")))
        self.assertEqual(errors(events), [])
        self.assertEqual(said(events), "So \ufffdon")
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["content"][0]["text"], "So \ufffdon")

    async def test_S14_the_halves_of_a_pair_come_together(self) -> None:
        for end in ("done", "cut"):
            thread_id, _events = await self.create(Reply(("So \ud83d", "\ude00"), end=end))
            (answer,) = await self.answers(thread_id)
            self.assertEqual(answer["content"][0]["text"], "So \N{GRINNING FACE}")

    async def test_S8_a_model_that_repeats_an_id_loses_no_answer(self) -> None:
        thread_id, first = await self.create(Reply(("One",)))
        self.api.replies = [Reply(("Two",))]
        second = await self.ask("And?", thread_id)
        answers = await self.answers(thread_id)
        self.assertEqual([answer["content"][0]["text"] for answer in answers], ["One", "Two"])
        for events, answer in zip((first, second), answers, strict=True):
            named = {event["item_id"] for event in events if "item_id" in event}
            named |= {event["item"]["id"] for event in events if "item" in event}
            self.assertEqual(len(named), 2)  # the question's and the answer's
            self.assertIn(answer["id"], named)

    async def test_S8_an_id_that_is_repeated_within_a_run_is_renamed_too(self) -> None:
        @function_tool
        def look() -> str:
            return "seen"

        Modelled.agent_options = {"tools": [look]}
        replies = Reply(tool="look", item_id="fc_1"), Reply(("One",)), Reply(("Two",))
        thread_id, events = await self.create(*replies[:2])
        self.assertEqual(said(events), "One")
        self.api.replies = [*replies[::2]]
        events = await self.ask("And?", thread_id)
        self.assertEqual(errors(events), [])
        answers = await self.answers(thread_id)
        self.assertEqual([answer["content"][0]["text"] for answer in answers], ["One", "Two"])

    async def test_the_run_tells_its_output_and_usage(self) -> None:
        await self.create()
        (run,) = Modelled.runs
        self.assertEqual(run.final_output, "Hello there.")
        self.assertEqual(run.result.final_output, "Hello there.")
        self.assertEqual(run.usage.requests, 1)
        self.assertEqual(run.usage.total_tokens, 12)

    async def test_tools_get_an_agent_context_of_the_applications_own(self) -> None:
        seen: list[Any] = []

        @function_tool
        async def price(wrapper: RunContextWrapper[Shop]) -> str:
            seen.append(wrapper.context)
            return "5"

        Modelled.agent_options = {"tools": [price]}
        thread = ThreadMetadata(id="thr_x", created_at=NOW)
        store: DjangoStore[Any] = DjangoStore()
        await store.save_thread(thread, self.alice)
        own = Shop(thread=thread, store=store, request_context=self.alice, currency="CHF")
        for given, currency in ((Shop, "EUR"), (own, "CHF")):
            Modelled.run_options = {"agent_context": given}
            replies = Reply(tool="price", item_id=f"fc_{currency}"), Reply(item_id=currency)
            _thread, events = await self.create(*replies)
            self.assertEqual(errors(events), [])
            self.assertIsInstance(seen[-1], Shop)
            self.assertEqual(seen[-1].currency, currency)

    async def test_a_user_chooses_only_what_the_application_allows(self) -> None:
        @function_tool
        def look() -> str:
            return "seen"

        Modelled.agent_options = {"tools": [look]}
        options = {"model": "fast", "tool_choice": {"id": "eyes"}}
        allowed = {"selectable_models": {"fast": "gpt-fast"}, "selectable_tools": {"eyes": "look"}}
        for server, model, tool in ((allowed, "gpt-fast", "look"), ({}, "m", None)):
            with attributes(Modelled, **server):
                self.api.requests.clear()
                _thread, events = await self.create(inference_options=options)
            self.assertEqual(errors(events), [])
            (request,) = self.api.requests
            self.assertEqual(request["model"], model)
            choice = json.dumps(request.get("tool_choice"))
            self.assertEqual("look" in choice, tool is not None, choice)
        options = {"model": "best", "tool_choice": {"id": "hands"}}
        with attributes(Modelled, **allowed):
            await self.create(inference_options=options)
        self.assertEqual(self.api.requests[-1]["model"], "m")
        self.assertIn(self.api.requests[-1].get("tool_choice", "auto"), (None, "auto"))


class ChatCompletionsAnswerTests(ChatCompletionsMixin, AnswerTests):
    tells_incomplete = False  # the Agents SDK takes it for the end


class LengthTests(ResponsesTestCase):
    """A conversation that the model refuses for its length."""

    too_long = Reply(status=400, error=TOO_LONG)

    async def long_thread(self) -> str:
        thread_id, _events = await self.create(Reply(item_id="msg_0"), text="question 0")
        for number in range(1, 5):
            self.api.replies = [Reply(item_id=f"msg_{number}")]
            await self.ask(f"question {number}", thread_id)
        self.api.requests.clear()
        return thread_id

    async def check_shortened(self, too_long: Reply) -> None:
        thread_id = await self.long_thread()
        self.api.replies = [too_long, too_long, Reply(item_id="msg_last")]
        events = await self.ask("question 5", thread_id)
        self.assertEqual(errors(events), [])
        self.assertEqual(said(events), "Hello there.")
        lengths = [len(self.api.inputs(number)) for number in range(3)]
        self.assertEqual(lengths, [11, 6, 3])
        self.assertIn("question 5", json.dumps(self.api.inputs(2)))
        self.assertEqual(len(await self.answers(thread_id)), 6)

    async def test_a_turn_that_is_too_long_is_asked_again_with_half_of_it(self) -> None:
        await self.check_shortened(self.too_long)

    async def test_also_where_an_event_says_so(self) -> None:
        await self.check_shortened(Reply((), end="error", error=TOO_LONG))

    async def test_in_the_words_of_other_servers(self) -> None:
        for status, message in (
            (400, "This model's maximum context length is 4096 tokens. However, you"),
            (400, "prompt is too long: 210000 tokens > 200000 maximum"),
            (400, "The input token count exceeds the maximum number of tokens allowed (1048576)."),
            (400, "the request exceeds the available context size. try increasing it"),
            (400, "Your input exceeds the context window of this model."),
            (429, "Request too large for gpt-4o: Limit 30000, Requested 40000."),
            (413, "Payload Too Large"),
        ):
            thread_id, _events = await self.create(Reply(item_id="msg_0"))
            self.api.replies = [
                Reply(status=status, error={"message": message}),
                Reply(item_id="msg_1"),
            ]
            self.assertEqual(errors(await self.ask("And?", thread_id)), [], message)

    async def test_a_limit_of_another_kind_is_an_error(self) -> None:
        thread_id, _events = await self.create(Reply(item_id="msg_0"))
        self.api.replies = [Reply(status=429, error={"message": "Rate limit reached."})]
        self.api.requests.clear()
        self.assertEqual(len(errors(await self.ask("And?", thread_id))), 1)
        self.assertEqual(len(self.api.requests), 1)

    async def test_a_tool_that_was_called_is_not_called_again(self) -> None:
        calls: list[int] = []

        @function_tool
        def pay() -> str:
            calls.append(1)
            return "paid"

        thread_id = await self.long_thread()
        Modelled.agent_options = {
            "tools": [pay],
            "model_settings": ModelSettings(tool_choice="pay"),
        }
        Modelled.runs.clear()
        replies = [Reply(tool="pay", item_id="fc_1"), self.too_long, Reply(item_id="msg_5")]
        self.api.replies = replies
        events = await self.ask("question 5", thread_id)
        self.assertEqual(errors(events), [])
        self.assertEqual(said(events), "Hello there.")
        self.assertEqual(len(calls), 1)
        self.assertIn("paid", json.dumps(self.api.inputs()))
        lengths = [len(self.api.inputs(number)) for number in range(3)]
        self.assertEqual(lengths, [11, 13, 8])
        self.assertIn(self.api.requests[-1].get("tool_choice", "auto"), (None, "auto"))
        (run,) = Modelled.runs
        self.assertEqual((run.usage.requests, run.usage.total_tokens), (2, 24))

    async def test_down_to_the_last_message_and_then_it_says_so(self) -> None:
        thread_id = await self.long_thread()
        self.api.replies = [self.too_long]
        events = await self.ask("question 5", thread_id)
        (error,) = errors(events)
        self.assertEqual(error["message"], "This is too long for the assistant to read.")
        self.assertNotIn("plugh", json.dumps(events))
        (last,) = self.api.inputs()
        self.assertIn("question 5", json.dumps(last))
        self.assertEqual(len(self.api.requests), 4)

    async def test_not_after_something_was_said(self) -> None:
        thread_id, events = await self.create(Reply(end="error", error=TOO_LONG))
        self.assertEqual(len(errors(events)), 1)
        self.assertEqual(len(self.api.requests), 1)
        (answer,) = await self.answers(thread_id)
        self.assertEqual(answer["ending"], "failed")

    async def test_input_of_the_applications_own_is_not_shortened(self) -> None:
        Modelled.run_options = {"input": [{"role": "user", "content": "Hello"}] * 4}
        _thread, events = await self.create(self.too_long)
        self.assertEqual(len(errors(events)), 1)
        self.assertEqual(len(self.api.requests), 1)


class ChatCompletionsLengthTests(ChatCompletionsMixin, LengthTests):
    pass


class FailedLengthTests(LengthTests):
    """As the Responses API says it in a response's last event."""

    too_long = Reply((), end="failed", error=TOO_LONG)


class RefusedFileTests(ResponsesTestCase):
    """A file that the model refuses, such as a picture that is none."""

    refused = Reply(status=400, error={"code": "invalid_image_format", "message": "No image"})

    async def picture(self, attachment_id: str) -> str:
        values = {"mime_type": "image/png", "name": "a.png"}
        picture = attachment(attachment_id).model_copy(update=values)
        row = await sync_to_async(add_attachment)(
            attachment_id,
            self.alice["user_id"],
            content=b"no picture",
            payload=picture.model_dump_json(),
            **values,
        )
        return row.attachment_id

    def given(self, number: int) -> tuple[int, int]:
        """Return how many pictures, and how many notes in place of one, a request gave."""
        told = json.dumps(self.api.inputs(number))
        return told.count("data:image/png"), told.count("because you can't read it")

    async def test_it_is_left_out_and_said_and_ends_neither_its_turn_nor_later_ones(self) -> None:
        files = [await self.picture("atc_1")]
        thread_id, events = await self.create(self.refused, Reply(), attachments=files)
        self.assertEqual((errors(events), said(events)), ([], "Hello there."))
        self.assertEqual([self.given(0), self.given(1)], [(1, 0), (0, 1)])
        self.api.requests.clear()
        self.api.replies = [self.refused, self.refused, Reply(item_id="msg_2")]
        files = [await self.picture("atc_2")]
        events = await self.ask("And this?", thread_id, attachments=files)
        self.assertEqual((errors(events), said(events)), ([], "Hello there."))
        given = [self.given(number) for number in range(3)]
        self.assertEqual(given, [(2, 0), (1, 1), (0, 2)])

    async def test_a_refusal_that_has_nothing_to_do_with_files_is_an_error(self) -> None:
        files = [await self.picture("atc_1")]
        _thread, events = await self.create(self.refused, attachments=files)
        self.assertEqual(len(errors(events)), 1)
        self.assertEqual(len(self.api.requests), 2)
        self.api.requests.clear()
        _thread, events = await self.create(self.refused)
        self.assertEqual(len(errors(events)), 1)
        self.assertEqual(len(self.api.requests), 1)


class ChatCompletionsRefusedFileTests(ChatCompletionsMixin, RefusedFileTests):
    pass


class PartialImageTests(ModelMixin, TransactionTestCase):
    async def test_partial_images_without_a_whole_one_are_removed(self) -> None:
        for end in ("done", "cut"):
            thread_id, events = await self.create(Reply(images=(PNG, PNG), end=end))
            removed = [one for one in events if one["type"] == "thread.item.removed"]
            self.assertEqual(len(removed), end == "done")  # a failure ends with its error
            kinds = [item["type"] for item in await self.items(thread_id)]
            self.assertNotIn("generated_image", kinds)
            self.assertEqual(await ChatAttachment.objects.acount(), 0)
            self.assertEqual(self.stored(), set())

    async def test_a_whole_image_stays(self) -> None:
        thread_id, events = await self.create(Reply(images=(PNG,), final_image=PNG))
        self.assertEqual(errors(events), [])
        kinds = [item["type"] for item in await self.items(thread_id)]
        self.assertIn("generated_image", kinds)
        self.assertEqual(await ChatAttachment.objects.acount(), 1)
        self.assertEqual(len(self.stored()), 1)
