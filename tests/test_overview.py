"""The charts of the admin's overview: what their bars show, and where they lead."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from unittest.mock import patch

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.models import ChatMessage, ChatReport
from chatstore.moderation import sampling, statistics
from chatstore.moderation.charts import Value, chart, short_number
from chatstore.moderation.reports import flag
from tests.moderators import MESSAGES, REPORTS, THREADS, client_of, staff
from tests.rows import DAY, add_model_turn, add_thread

OVERVIEW = f"{THREADS}overview/"


def bars(name: str, days: int = 30) -> dict[str, float]:
    """Return the values of a chart's bars that are not zero, by the labels of the axis."""
    [found] = [chart for chart in statistics.report(days).charts if chart.name == name]
    return {bar.about.short: bar.value for bar in found.bars if bar.value}


def reads(queries: CaptureQueriesContext) -> list[str]:
    """Return the statements without savepoints, which a test's transaction needs on shards."""
    statements = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in statements if "SAVEPOINT" not in sql]


class ChartsTest(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1", messages=3)
        self.older = add_thread("thr_2", "bob", age=3 * DAY)
        self.today = self.short(0)

    def short(self, ago: int) -> str:
        return f"{timezone.localdate() - ago * DAY:%-d %b}"

    def test_messages_threads_people_and_thumbs_by_day(self) -> None:
        add_thread("thr_3", "alice", messages=1)
        ChatMessage.objects.filter(session=self.older).update(feedback="negative")
        ChatMessage.objects.filter(item_id="msg_1", session=self.thread).update(feedback="positive")
        before = self.short(3)
        self.assertEqual(bars("messages"), {self.today: 4, before: 2})
        self.assertEqual(bars("threads"), {self.today: 2, before: 1})
        self.assertEqual(bars("people"), {self.today: 1, before: 1})
        self.assertEqual(bars("up"), {self.today: 1})
        self.assertEqual(bars("down"), {before: 2})

    def test_more_people_than_are_counted_are_said_to_be_more(self) -> None:
        add_thread("thr_3", "carol")
        with patch.object(statistics, "PEOPLE", 2):
            [people] = [c for c in statistics.report(7).charts if c.name == "people"]
        self.assertEqual(people.bars[-1].text, "≥2")
        self.assertEqual(people.bars[-4].text, "1")

    def test_answers_that_broke_off_or_were_stopped(self) -> None:
        ChatMessage.objects.filter(item_id="msg_0").update(ending="failed")
        ChatMessage.objects.filter(item_id="msg_1", session=self.older).update(ending="stopped")
        self.assertEqual(bars("failed"), {self.today: 1, self.short(3): 1})
        self.assertEqual(bars("stopped"), {self.short(3): 1})

    def test_reports_and_how_long_they_waited(self) -> None:
        for number, hours in enumerate((0.5, 20, 100, 1000, None)):
            flag("alice", "thr_1", f"msg_{number}" if number < 3 else "", reason=f"r{number}")
            row = ChatReport.objects.latest("created_at")
            made = timezone.now() - DAY
            closed = made + dt.timedelta(hours=hours) if hours else None
            ChatReport.objects.filter(pk=row.pk).update(
                created_at=made,
                closed_at=closed,
                state="resolved" if hours else "open",
                open_key=None,
            )
        self.assertEqual(bars("reports"), {self.short(1): 5})
        waits = ("up to 1 hour", "up to 1 day", "up to 7 days", "longer", "still open")
        self.assertEqual(bars("waits"), dict.fromkeys(waits, 1))

    def test_tokens_times_and_cost_by_model(self) -> None:
        for number, (model, tokens) in enumerate((("a", 10), ("a", 20), ("b", 5))):
            noted = {"first_text_ms": 500 * (number + 1), "duration_ms": 4000} if number else {}
            add_model_turn(
                self.thread,
                model=model,
                input_tokens=tokens,
                output_tokens=1,
                timestamp=timezone.now() - number * dt.timedelta(seconds=1),
                **noted,
            )
        add_model_turn(
            self.thread,
            model="c",
            kind="summary",
            input_tokens=1000,
            timestamp=timezone.now() - dt.timedelta(seconds=9),
        )
        add_model_turn(
            self.older, model="d", input_tokens=1000, timestamp=timezone.now() - 50 * DAY
        )
        self.assertEqual(bars("tokens"), {"a": 32, "b": 6})
        self.assertEqual(bars("first_text"), {"a": 1, "b": 1.5})
        self.assertEqual(bars("duration"), {"a": 4, "b": 4})
        self.assertEqual(self.names(), {"tokens", "first_text", "duration"})
        self.note("msg_0", {"cost": 0.25, "model": "a"})
        self.note("msg_1", {"cost": "0.5", "model": "a"})
        self.note("msg_2", {"cost": 1})
        self.assertEqual(bars("cost"), {"a": 0.75, "unnamed": 1})

    def test_what_is_no_cost_is_left_out(self) -> None:
        for wrong in ("dear", None, [1], {"a": 1}, "nan", "inf", -1, "", "x" * 9000):
            self.note("msg_0", {"cost": wrong, "model": {"name": "a"}})
            self.assertEqual(self.names(), set())
        ChatMessage.objects.update(metadata=[1])
        self.assertEqual(self.names(), set())

    def note(self, item_id: str, metadata: Any) -> None:
        ChatMessage.objects.filter(session=self.thread, item_id=item_id).update(metadata=metadata)

    def names(self) -> set[str]:
        by_model = {"tokens", "first_text", "duration", "cost"}
        return {chart.name for chart in statistics.report(30).charts} & by_model

    def test_numbers_are_short(self) -> None:
        for number, text in (
            (0, "0"), (7, "7"), (0.5, "0.5"), (12.345, "12.35"), (999, "999"), (1500, "1.5k"),
            (45_600, "46k"), (2_500_000, "2.5M"), (99_000_000, "99M"),
        ):  # fmt: skip
            self.assertEqual(short_number(number), text)

    def test_a_chart_without_values_is_drawn(self) -> None:
        self.assertEqual(chart("x", "X", []).scale, [("168.0", "0")])
        self.assertEqual(chart("x", "X", [Value("a", 0)]).bars[0].height, "0.0")


class PageTest(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1", messages=3)
        self.older = add_thread("thr_2", "bob", age=60 * DAY)
        ChatMessage.objects.filter(session=self.thread, item_id="msg_1").update(
            feedback="negative", ending="failed"
        )
        flag("alice", "thr_1", "msg_1", reason="harmful")
        self.client = client_of(get_user_model().objects.create_superuser("root"))

    def links(self) -> dict[str, str]:
        """Return the address behind the last bar of each chart that has links."""
        page = self.client.get(f"{OVERVIEW}?days=7").content.decode()
        found = {}
        for name, figure in re.findall(r'(?s)<figure[^>]* id="(\w+)">(.*?)</figure>', page):
            if links := re.findall(r'<a href="([^"]*)"', figure):
                found[name] = links[-1].replace("&amp;", "&")
        return found

    def test_a_click_leads_to_the_list_of_what_the_bar_counts(self) -> None:
        day = timezone.localdate().isoformat()
        days = f"since={day}&until={day}"
        links = self.links()
        self.assertEqual(links["threads"], f"{THREADS}?{days}")
        self.assertEqual(links["down"], f"{MESSAGES}?feedback__exact=negative&{days}")
        self.assertEqual(links["failed"], f"{MESSAGES}?ending__exact=failed&{days}")
        self.assertEqual(links["reports"], f"{REPORTS}?queue=all&{days}")
        self.assertNotIn("up", links)  # there is none
        for name, count in (
            ("threads", 1), ("messages", 3), ("down", 1), ("failed", 1), ("reports", 1),
            ("waits", 1), ("people", 1), ("ages", 1),
        ):  # fmt: skip
            response = self.client.get(links[name])
            self.assertEqual(response.status_code, 200, links[name])
            self.assertEqual(response.context["cl"].result_count, count, links[name])

    def test_M3_it_leads_only_to_lists_that_the_account_may_see(self) -> None:
        self.client = client_of(staff("carol", "view_chatsession"))
        self.assertEqual(set(self.links()), {"threads", "people", "ages"})

    def test_it_is_said_to_readers_of_a_screen_and_shows_each_value(self) -> None:
        page = self.client.get(OVERVIEW)
        self.assertContains(page, '<title id="messages-title">Messages</title>', html=True)
        self.assertRegex(page.content.decode(), r'<desc id="messages-text">[^<]*: 3</desc>')
        self.assertRegex(page.content.decode(), r'text-anchor="middle" aria-hidden="true">3</text>')
        self.assertNotContains(page, "style=")

    def test_M7_a_models_name_is_text(self) -> None:
        add_model_turn(self.thread, model="<script>\u202e" + "x" * 200, input_tokens=1)
        page = self.client.get(OVERVIEW)
        self.assertContains(page, "&lt;script&gt;[U+202E]x")
        self.assertNotContains(page, "x" * 100)

    def test_M7_at_most_12_queries_however_much_there_is(self) -> None:
        counts = set()
        for number in range(2):
            for days in (7, 30, 90):
                with CaptureQueriesContext(connection) as queries:
                    self.client.get(f"{OVERVIEW}?days={days}")
                counts.add(len(reads(queries)))
            add_model_turn(self.thread, model=f"m{number}")
            for other in range(10):
                add_thread(f"thr_{number}_{other}", f"user {other}")
        self.assertEqual(len(counts), 1)
        self.assertLessEqual(counts.pop(), 12)

    def test_M7_it_reads_a_bounded_number_of_rows(self) -> None:
        with (
            patch.object(sampling, "SAMPLE", 2),
            patch.object(statistics, "PEOPLE", 2),
            CaptureQueriesContext(connection) as queries,
        ):
            self.client.get(OVERVIEW)
        for query in queries.captured_queries:
            if re.search("FROM .chat_(sessions|messages|reports|model_turns)", query["sql"]):
                self.assertRegex(query["sql"], "LIMIT|MAX\\(rowid\\)")
