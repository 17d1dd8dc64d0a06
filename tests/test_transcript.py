"""A conversation in the admin: shown in pages, recorded, and its text never interpreted."""

from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    CustomTask,
    FileSource,
    GeneratedImage,
    GeneratedImageItem,
    StructuredInputAnswer,
    StructuredInputFreeform,
    StructuredInputItem,
    URLSource,
    WidgetItem,
    Workflow,
)
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from chatstore.models import ChatAttachment, ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation import display, markdown, transcript
from chatstore.store import DjangoStore
from tests import base
from tests.base import ALICE
from tests.moderators import THREADS, item_url, staff, url
from tests.rows import StorageMixin, add_attachment, add_model_turn, add_thread

NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(2)></div></li>"
    "\x1b[31mred\x1b[0m \u202eevil\u202c \u2066isolated {{ title }} {% load x %} &lt;b&gt; "
) + "w" * 30_000

# Of each row, all cells but one are missing; a parser adds them.
WIDE_TABLE = "|a" * 2_500 + "\n" + "|-" * 2_500 + "\n" + "b\n" * 4_900


def count_calls(function: Any, *args: Any) -> int:
    """Call a function, and return how many functions of Python were called by it."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return calls


class TranscriptTestCase(StorageMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store: DjangoStore[dict[str, str]] = DjangoStore()
        self.user = get_user_model().objects.create_superuser("root")
        self.client.force_login(self.user)

    def add(self, *items: Any, title: str = "A title") -> ChatSession:
        async_to_sync(self.store.save_thread)(base.thread(title=title), ALICE)
        for item in items:
            async_to_sync(self.store.add_thread_item)("thr_1", item, ALICE)
        return ChatSession.objects.get()

    def read(self, thread: ChatSession, query: str = "") -> Any:
        response = self.client.get(url(thread, "transcript") + query)
        self.assertEqual(response.status_code, 200)
        return response


class ItemsTest(TranscriptTestCase):
    def test_each_kind_of_item_is_shown_as_a_person_would_read_it(self) -> None:
        stamp = {"thread_id": "thr_1", "created_at": base.NOW}
        answer = AssistantMessageContent(
            text="Some **bold** words",
            annotations=[
                Annotation(source=URLSource(title="A page", url="https://example.com/a")),
                Annotation(source=URLSource(title="A trap", url="javascript:alert(1)")),
                Annotation(source=FileSource(title="A file", filename="a.pdf")),
            ],
        )
        question = StructuredInputFreeform(
            id="q", question="Which colour?", answer=StructuredInputAnswer(values=["Red"])
        )
        card = {"type": "Card", "children": [{"type": "Text", "value": "On a card"}]}
        task = CustomTask(title="Looked it up", content="in the books")
        thread = self.add(
            base.user_message("i1", "Asked", quoted_text="what was said"),
            base.answer("i2", content=[answer]),
            base.tool_call("i3", name="find", arguments={"what": "a thing"}, output={"at": "home"}),
            WidgetItem(id="i4", widget=card, **stamp),
            StructuredInputItem(id="i5", inputs=[question], status="answered", **stamp),
            base.workflow("i6", workflow=Workflow(type="custom", tasks=[task])),
            base.hidden_context("i7", {"customer": 381}),
            GeneratedImageItem(
                id="i8", image=GeneratedImage(id="i", url="https://example.com/i.png"), **stamp
            ),
        )
        response = self.read(thread)
        for text in (
            "what was said",
            "<strong>bold</strong>",
            'href="https://example.com/a"',
            "A file",
            "find (pending)",
            "&quot;what&quot;: &quot;a thing&quot;",
            "On a card",
            "Which colour?",
            "Red",
            "Looked it up",
            "in the books",
            "Seen by the model only",
            "https://example.com/i.png",
        ):
            self.assertContains(response, text)
        self.assertNotContains(response, "javascript:alert")
        self.assertNotContains(response, '<img src="https://')

    def test_V4_an_answer_that_did_not_come_to_its_end_says_so(self) -> None:
        thread = self.add(base.user_message("i1"))
        for item_id, ending in (("i2", "stopped"), ("i3", "failed")):
            item = base.answer(item_id)
            async_to_sync(self.store.add_unfinished_answer)("thr_1", item, ending, ALICE)
        response = self.read(thread)
        self.assertContains(response, 'data-kind="stopped">Stopped<', 1)
        self.assertContains(response, 'data-kind="failed">Broken off<', 1)
        listed = self.client.get("/admin/chatstore/chatmessage/")
        self.assertContains(listed, 'data-kind="failed">Broken off<', 1)

    @override_settings(SECURE_CONTENT_TYPE_NOSNIFF=False)  # else Django's middleware says it
    def test_an_item_that_cannot_be_decoded_is_named_and_can_be_read_raw(self) -> None:
        thread = self.add(base.answer("i1"))
        payload = json.dumps({"type": "from the future", "text": "Ünicode <b>"})
        ChatMessage.objects.update(payload=payload)
        self.assertContains(self.read(thread), "can&#x27;t read the item")
        response = self.client.get(item_url(ChatMessage.objects.get()))
        self.assertEqual(response["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")
        self.assertIn("Ünicode <b>", response.content.decode())

    def test_files_are_linked_and_served_with_their_type(self) -> None:
        thread = add_thread("thr_1", messages=1)
        message = thread.messages.get()
        image = add_attachment(
            "atc_1",
            session=thread,
            message_id=message.pk,
            name="a<b>.png",
            mime_type="image/png",
            content=b"\x89PNG",
        )
        page = add_attachment(
            "atc_2", session=thread, message_id=message.pk, name="x.html", mime_type="text/html"
        )
        response = self.read(thread)
        self.assertContains(response, f'<img src="{url(thread, "files", image.pk)}"')
        self.assertContains(response, "a&lt;b&gt;.png")
        self.assertNotContains(response, f'<img src="{url(thread, "files", page.pk)}"')
        for file, disposition in ((image, "inline"), (page, "attachment")):
            served = self.client.get(url(thread, "files", file.pk))
            self.assertIn(disposition, served["Content-Disposition"])
            self.assertIn("sandbox", served["Content-Security-Policy"])
            self.assertNotEqual(served["Content-Type"], "text/html")
            self.assertTrue(b"".join(served.streaming_content))
        ids = [record.item_ids for record in ModerationRecord.objects.order_by("id")]
        self.assertEqual(ids, [["msg_0"], ["atc_1"], ["atc_2"]])


class HostileTextTest(TranscriptTestCase):
    def test_text_is_never_interpreted_wherever_it_stands(self) -> None:
        thread = self.add(
            base.user_message("i1", NASTY, quoted_text=NASTY),
            base.answer("i2", NASTY + " ![i](https://evil.example/x.png) [l](javascript:alert(3))"),
            base.tool_call("i3", name=NASTY[:80], arguments={NASTY: NASTY}, output=NASTY),
            base.hidden_context("i4", NASTY),
            title=NASTY[:300],
        )
        ChatMessage.objects.update(hidden_by="<script>who</script>", hidden_at=thread.created_at)
        add_attachment(
            session=thread, message_id=thread.messages.first().pk, name=NASTY[:200], mime_type="<b>"
        )
        first = ChatMessage.objects.get(item_id="i1")
        with self.assertNoLogs(level="WARNING"):
            for page in (
                THREADS,
                url(thread, "change"),
                url(thread, "transcript"),
                url(thread, "do", "lock"),
                url(thread, "export"),
                item_url(first, "do", "redact"),
                f"{THREADS}search/?q=red",
                f"{THREADS}search/?q=%3Cscript%3E+script",
                "/admin/chatstore/chatmessage/",
                f"/admin/chatstore/chatmessage/{first.pk}/change/",
            ):
                with self.subTest(page):
                    text = self.client.get(page).content.decode()
                    for bad in ("<script>alert", "<script>who", "<img src=x", "\x1b", "\u202e"):
                        self.assertNotIn(bad, text)
                    self.assertNotIn('href="javascript', text)
                    self.assertNotIn('evil.example/x.png" alt', text)

    def test_invisible_characters_are_shown(self) -> None:
        response = self.read(self.add(base.user_message("i1", "\u202etxt.exe\x1b[2K")))
        self.assertContains(response, "[U+202E]txt.exe[U+001B][2K")

    def test_invisible_characters_are_shown_in_labels_too(self) -> None:
        task = CustomTask(title="\u202etxt.exe", content="in the books")
        item = base.workflow("i1", workflow=Workflow(type="custom", tasks=[task]))
        response = self.read(self.add(item))
        self.assertContains(response, "[U+202E]txt.exe")
        self.assertNotContains(response, "\u202e")

    def test_a_very_long_text_is_cut_and_the_page_says_so(self) -> None:
        response = self.read(self.add(base.answer("i1", "x" * 500_000)))
        self.assertContains(response, "480000 more characters")
        self.assertLess(len(response.content), 60_000)


class BoundedPageTest(TranscriptTestCase):
    """What a page shows costs a bounded amount of work and bytes (M7)."""

    MAX_BYTES = 1_000_000

    def pages(self, thread: ChatSession) -> list[Any]:
        """Read all pages from the newest to the oldest, and check what each costs."""
        responses, query = [], ""
        while True:
            with self.assertNumQueriesAtMost(8):
                response = self.read(thread, query)
            self.assertLess(len(response.content), self.MAX_BYTES)
            responses.append(response)
            if not (older := response.context["page"].older):
                return responses
            query = f"?until={_quoted(older)}"

    def assertNumQueriesAtMost(self, count: int) -> Any:  # noqa: N802
        @contextmanager
        def check() -> Iterator[None]:
            with CaptureQueriesContext(connection) as queries:
                yield
            self.assertLessEqual(len(queries), count)

        return check()

    def test_M7_wide_tables_are_shown_as_plain_text_and_the_page_says_so(self) -> None:
        thread = self.add(*(base.answer(f"i{n}", WIDE_TABLE) for n in range(17)))
        responses = self.pages(thread)
        self.assertContains(responses[0], "This text is not formatted")
        self.assertNotContains(responses[0], "<td>b")
        self.assertContains(responses[0], "|a|a|a")

    @pytest.mark.slow
    def test_M7_a_page_of_long_messages_has_fewer_and_the_next_goes_on(self) -> None:
        texts = {
            "quotes": '"' * 20_000,
            "invisible": "\u202e" * 20_000,
            "wide": "\U0001f600" * 20_000,
            "nested": "[*" * 10_000,
        }
        for name, text in texts.items():
            with self.subTest(name):
                ChatSession.objects.all().delete()
                items = [
                    (base.answer if n % 2 else base.user_message)(f"i{n}", text) for n in range(10)
                ]
                responses = self.pages(self.add(*items))
                ids = [
                    [entry.row.item_id for entry in response.context["page"].entries]
                    for response in reversed(responses)
                ]
                self.assertEqual(list(chain(*ids)), [item.id for item in items])
                if len(responses) > 1:
                    self.assertContains(responses[0], "this page has fewer")
                    newer = responses[-1].context["page"].newer
                    again = self.read(self.thread(), f"?since={_quoted(newer)}")
                    self.assertEqual(again.context["page"].entries[0].row.item_id, ids[1][0])
                    self.assertLess(len(again.content), self.MAX_BYTES)

    def thread(self) -> ChatSession:
        return ChatSession.objects.get()

    def test_M7_an_item_of_very_many_parts_ends_early_and_says_so(self) -> None:
        stamp = {"thread_id": "thr_1", "created_at": base.NOW}
        sources = [Annotation(source=URLSource(title="s", url="https://a.b/c"))] * 300
        questions = [StructuredInputFreeform(id=str(n), question="q") for n in range(900)]
        tasks = [CustomTask(title="t") for _n in range(600)]
        response = self.read(
            self.add(
                base.answer("i1", content=[AssistantMessageContent(text="a", annotations=sources)]),
                StructuredInputItem(id="i2", inputs=questions, status="pending", **stamp),
                base.workflow("i3", workflow=Workflow(type="custom", tasks=tasks)),
                base.answer("i4", content=[AssistantMessageContent(text="*a*")] * 1_500),
            )
        )
        self.assertContains(response, "The item is long.", 3)
        self.assertContains(response, "and 250 more")
        self.assertLess(len(response.content), 100_000)

    def test_M7_json_is_indented_only_as_far_as_it_is_shown(self) -> None:
        """Indented, each 1 of this would be on a line of its own after 300 spaces."""
        value: Any = 1
        for _level in range(150):
            value = [value, *[1] * 60]
        response = self.read(self.add(base.tool_call("i1", name="n", arguments={}, output=value)))
        self.assertContains(response, "… (cut here)")
        self.assertLess(len(response.content), 100_000)
        stored = ChatMessage.objects.get()
        nested = "[" * 900 + "1," * 100_000 + "1" + "]" * 900
        for payload, expected in (
            (nested, nested),
            ("[" * 100_000, "[" * 100_000),
            ("[" * 100_000 + "]" * 100_000, "[" * 100_000 + "]" * 100_000),
            ('{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'),
        ):
            ChatMessage.objects.update(payload=payload)
            self.assertEqual(self.client.get(item_url(stored)).content.decode(), expected)

    def test_M7_of_a_very_large_item_only_the_beginning_is_read(self) -> None:
        thread = self.add(base.user_message("i1", "x" * 300_000))
        with CaptureQueriesContext(connection) as queries:
            response = self.read(thread)
        self.assertContains(response, "280000 more characters")
        self.assertContains(response, "The item is very long.")
        messages = [query["sql"] for query in queries if "chat_messages" in query["sql"]]
        for sql in messages:
            self.assertNotRegex(
                sql, r"(SELECT|,) .chat_messages.\..(payload|content|metadata).[, ]"
            )

    def test_M7_files_with_long_names_and_very_many_files(self) -> None:
        thread = add_thread("thr_1", messages=1)
        message = thread.messages.get()
        add_attachment(session=thread, message_id=message.pk, name="n" * 100_000)
        self.assertLess(len(self.read(thread).content), 20_000)
        rows = ChatAttachment.objects.all()
        row = rows.get()
        with patch.object(transcript, "MAX_FILES", 20):
            for number in range(25):
                row.pk, row.attachment_id = uuid.uuid4(), f"f{number}"
                row.save(force_insert=True)
            response = self.read(thread)
        self.assertContains(response, "There may be more files")
        self.assertContains(response, "/files/", 20)


class PagesTest(TranscriptTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", messages=120)

    def numbers(self, response: Any) -> list[int]:
        ids = [entry.row.item_id for entry, _acts in response.context["rows"]]
        return [int(item_id.removeprefix("msg_")) for item_id in ids]

    def test_it_is_paged_from_the_newest_50_at_a_time_both_ways(self) -> None:
        response = self.read(self.thread)
        self.assertEqual(self.numbers(response), list(range(49, -1, -1)))
        self.assertIsNone(response.context["page"].newer)
        seen = [self.numbers(response)]
        while older := response.context["page"].older:
            response = self.read(self.thread, f"?until={_quoted(older)}")
            seen.append(self.numbers(response))
        self.assertEqual([len(page) for page in seen], [50, 50, 20])
        newer = response.context["page"].newer
        response = self.read(self.thread, f"?since={_quoted(newer)}")
        self.assertEqual(self.numbers(response), seen[1])

    def test_of_messages_a_microsecond_apart_no_page_skips_one(self) -> None:
        """As they are that come at the same instant (S10)."""
        first = self.thread.messages.earliest("timestamp").timestamp
        for number in range(5):
            position = first + dt.timedelta(microseconds=number)
            self.thread.messages.filter(item_id=f"msg_{119 - number}").update(timestamp=position)
        with patch.object(transcript, "PAGE_SIZE", 2):
            page = transcript.read_page(self.thread, until=first + dt.timedelta(microseconds=4))
            pages = [page]
            while page.older:
                page = transcript.read_page(self.thread, until=page.older)
                pages.insert(0, page)
            found = [[entry.row.item_id for entry in page.entries] for page in pages]
            self.assertEqual(found, [["msg_119"], ["msg_118", "msg_117"], ["msg_116", "msg_115"]])
            page = transcript.read_page(self.thread, since=pages[0].newer)
            self.assertEqual([entry.row.item_id for entry in page.entries], found[1])

    def test_the_newest_page_leads_to_none_that_is_newer(self) -> None:
        """The page that a link of the search opens, by the position of its last message."""
        last = self.thread.messages.latest("timestamp")
        response = self.read(self.thread, f"?until={_quoted(last.timestamp)}")
        self.assertIsNone(response.context["page"].newer)

    def test_no_time_in_the_url_is_out_of_range(self) -> None:
        for time in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"):
            for name in ("until", "since"):
                with self.subTest(time, name=name):
                    self.read(self.thread, f"?{name}={time}")

    def test_a_page_takes_as_few_queries_in_a_long_thread(self) -> None:
        with self.assertNumQueries(6):
            self.read(self.thread)

    def test_each_page_read_is_on_record_with_its_ids(self) -> None:
        self.read(self.thread)
        record = ModerationRecord.objects.get()
        self.assertEqual((record.action, record.staff_name), ("read", "root"))
        self.assertEqual(len(record.item_ids), 50)
        self.assertContains(self.client.get(url(self.thread, "change")), "<td>root</td>")


def _quoted(time: dt.datetime) -> str:
    return time.isoformat().replace("+", "%2B")


class TurnsTest(TranscriptTestCase):
    """What models did is shown with the turn's last item, folded."""

    def details(self, response: Any) -> str:
        html = response.content.decode()
        return html.partition('<details class="chatstore-turn">')[2].partition("</details>")[0]

    def test_a_turns_calls_results_times_and_tokens(self) -> None:
        thread = add_thread("with_turn", messages=2)
        numbers = {"requests": 2, "input_tokens": 14, "output_tokens": 10}
        numbers |= {"first_text_ms": 1500, "duration_ms": 2500}
        add_model_turn(thread, "msg_1", agent="Clerk", model="gpt-x", **numbers)
        with self.assertNumQueries(7):  # one more than without
            response = self.read(thread)
        shown = self.details(response)
        for words in ("Clerk · gpt-x", "2 requests", "14 tokens in, 10 out", "1.5 s", "2.5 s"):
            self.assertIn(words, shown)
        for words in ("Call of count", "Result", "42 bikes"):
            self.assertIn(words, shown)
        entries = response.context["page"].entries
        self.assertEqual([len(entry.turns) for entry in entries], [1, 0])

    def test_M7_hostile_and_long_turns(self) -> None:
        thread = add_thread("with_turn", messages=2)
        steps: list[Any] = [{"agent": NASTY, "model": "m", "items": [{"type": NASTY, "n": 1}]}]
        output = {"type": "function_call_output", "call_id": "c", "output": NASTY}
        for payload in (
            json.dumps(steps),
            json.dumps([{**steps[0], "items": [output] * 200}]),
            json.dumps([{**steps[0], "items": [{**output, "output": "x" * 10**6}]}]),
            "no JSON <script>alert(1)</script>",
        ):
            thread.model_turns.all().delete()
            for _turn in range(20):
                add_model_turn(thread, payload=payload, item_ids="no JSON", agent=NASTY[:255])
            response = self.read(thread)
            self.assertTrue(self.details(response))
            self.assertNotContains(response, "<script>alert")
            self.assertNotContains(response, "\u202e")
            self.assertLess(len(response.content), BoundedPageTest.MAX_BYTES)


class ReasonTest(TranscriptTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1")
        self.client.force_login(staff("carol", "view_chatsession", "read_transcript"))

    @override_settings(CHATSTORE_REASON_TO_READ=True)
    def test_M3_the_setting_asks_for_a_reason_first_and_logs_it(self) -> None:
        message = self.thread.messages.first()
        for page in (
            url(self.thread, "transcript"),
            item_url(message),
            f"{THREADS}search/?q=Text",
        ):
            with self.subTest(page):
                response = self.client.get(page, follow=True)
                self.assertContains(response, "Why do you want to read this?")
                self.assertNotContains(response, "Text 0")
        self.assertFalse(ModerationRecord.objects.exists())

        response = self.client.get(url(self.thread, "transcript"))
        answered = self.client.post(response["Location"], {"reason": "a complaint"}, follow=True)
        self.assertContains(answered, "Text 0")
        self.assertEqual(ModerationRecord.objects.get().reason, "a complaint")
        self.assertContains(self.client.get(item_url(message)), "Text")
        other = add_thread("thr_2")
        self.assertEqual(self.client.get(url(other, "transcript")).status_code, 302)

    def test_without_it_reading_is_on_record_all_the_same(self) -> None:
        self.assertContains(self.read(self.thread), "Text 0")
        self.assertEqual(ModerationRecord.objects.get().reason, "")


class MarkdownTest(SimpleTestCase):
    def test_only_http_links_are_links_and_send_no_referrer(self) -> None:
        for text in (
            "[x](javascript:alert(1))",
            "[x](data:text/html,hi)",
            "[x](/admin/logout/)",
            "[x](vbscript:x)",
            "<javascript:alert(1)>",
        ):
            self.assertNotIn("href", markdown.render(text))
        html = markdown.render("[x](https://example.com)")
        self.assertIn('rel="noopener noreferrer nofollow"', html)
        self.assertNotIn("<img", markdown.render("![x](https://example.com/x.png)"))

    def test_M7_a_text_that_is_too_long_is_not_parsed(self) -> None:
        self.assertIsNotNone(markdown.render("x" * display.MAX_TEXT_LENGTH))
        self.assertIsNone(markdown.render("x" * (display.MAX_TEXT_LENGTH + 1)))
        self.assertIsNone(markdown.render("\u202e" * (display.MAX_TEXT_LENGTH // 8 + 1)))

    @pytest.mark.slow
    def test_M7_text_made_to_be_slow_takes_time_in_proportion_to_its_length(self) -> None:
        """Each has taken a Markdown parser quadratic time, or makes it nest."""
        for pattern in (
            "[",
            "![[",
            "[a](b",
            "[a](<b",
            "[a](b '",
            "[a]: b\n",
            "[a]:\n",
            "[\n",
            "[*",
            "][",
            "> ",
            ">",
            "- ",
            "1. ",
            "> - ",
            "- a\n",
            "*a ",
            "*_",
            "**a *b ~~c ",
            "~",
            "`",
            "`` ` ",
            "<",
            "<a:",
            "<a@",
            "&",
            "&#1",
            "\\*",
            "\n",
            "a\n",
            "a\n-",
            "# a\n",
            "```\n",
            "\t",
            "***\n",
            "|a",
            "a|b\n-|-\n",
            "a_",
        ):
            with self.subTest(pattern):
                few, many = (
                    count_calls(markdown.render, pattern * (length // len(pattern)))
                    for length in (1_500, 6_000)
                )
                self.assertLess(many, 5 * few)

    def test_M7_a_wide_table_of_short_rows_is_not_rendered(self) -> None:
        self.assertIn("<td>1</td>", markdown.render("|a|b|\n|-|-|\n" + "|1|2|\n" * 300))
        steps = count_calls(markdown.render, WIDE_TABLE)
        self.assertLess(steps, 20 * markdown.MAX_TOKENS)
        self.assertIsNone(markdown.render(WIDE_TABLE))
