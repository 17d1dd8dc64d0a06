"""Search in messages: order, excerpts, filters, and limited cost on every database."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import DataError, connection
from django.db.models import Func, TextField, Value
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.admin.lists import counts_by_thread
from chatstore.models import ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation import sampling, search, statistics
from chatstore.moderation.periods import DAYS_PER_BAR
from chatstore.store import DjangoStore
from chatstore.text_search import excerpts
from chatstore.text_search.conditions import planned
from tests import base
from tests.base import ALICE
from tests.moderators import RECORDS, THREADS, url
from tests.rows import DAY, StorageMixin, add_thread
from tests.test_overview import reads

SEARCH = f"{THREADS}search/"


class SearchTestCase(TestCase):
    def setUp(self) -> None:
        self.client.force_login(get_user_model().objects.create_superuser("root"))

    def add(self, **texts: str) -> None:
        """Write messages with these ids into a thread of alice."""
        store: DjangoStore[dict[str, str]] = DjangoStore()
        async_to_sync(store.save_thread)(base.thread(title="A title"), ALICE)
        for number, (item_id, text) in enumerate(texts.items()):
            make = base.answer if number % 2 else base.user_message
            async_to_sync(store.add_thread_item)("thr_1", make(item_id, text), ALICE)

    def found(self, query: str) -> list[str]:
        response = self.client.get(f"{SEARCH}?{query}")
        self.assertEqual(response.status_code, 200)
        result = response.context["result"]
        return [hit.message.item_id for hit in result.hits] if result else []


class WordsTest(SearchTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.add(
            m1="The blue bicycle stands outside",
            m2="Blue is the sky, blue is the sea, blue am I",
            m3="A bicycle that is blue",
            m4="Nothing of the kind" + " and so on" * 200 + " blue",
        )

    def test_all_words_must_be_there_and_quoted_ones_in_a_row(self) -> None:
        for query, expected in {
            "blue+bicycle": {"m1", "m3"},
            "BLUE": {"m1", "m2", "m3", "m4"},
            '"blue+bicycle"': {"m1"},
            "red": set(),
            "": set(),
            "...": set(),
            "%25": set(),
            "a%27b%22%29%3B--": set(),
        }.items():
            with self.subTest(query):
                self.assertEqual(set(self.found(f"q={query}")), expected)

    def test_words_of_every_script_are_found_and_so_are_beginnings(self) -> None:
        texts = {
            "zh": "这是消息队列系统。使用docker部署",
            "zh2": "队列系、系统、统消",
            "ja": "これはマークダウン形式です",
            "ko": "배포안내를 보세요",
            "th": "สวัสดีชาวโลก",
            "ru": "Годовой отчёт",
            "fr": "Le café est fermé",
            "en": "Docker runs at https://example.com/a-b?c=1 since 3.11",
        }
        self.add(**texts)
        for text, expected in {
            "队列": {"zh", "zh2"},
            "队列系": {"zh", "zh2"},
            "消息队列": {"zh"},
            "统": {"zh", "zh2"},
            "队": {"zh", "zh2"},
            "系队": set(),
            "列系统消": set(),  # each two of its characters are side by side
            "マークダウン": {"ja"},
            "배포": {"ko"},
            "ชาวโลก": {"th"},
            "ОТЧЁТ": {"ru"},
            "CAFÉ": {"fr"},
            "dock": {"zh", "en"},
            "docker 队列": {"zh"},
            "docker队列": {"zh"},
            '"runs at"': {"en"},
            "example.com": {"en"},
            "3.11": {"en"},
            "队列'\\": {"zh", "zh2"},
        }.items():
            with self.subTest(text):
                hits = search.messages(text).hits
                self.assertEqual({hit.message.item_id for hit in hits}, expected)
                self.assertTrue(all("<mark>" in hit.excerpt for hit in hits))
        ChatSession.objects.update(title="关于消息队列 ОТЧЁТ")
        for text in ("队列", "消息", "отчёт"):
            with self.subTest(title=text):
                self.assertEqual(search.threads(ChatSession.objects.all(), text).count(), 1)

    def test_the_best_matches_come_first(self) -> None:
        found = self.found("q=blue")
        self.assertEqual((found[0], found[-1]), ("m2", "m4"))

    def test_matches_are_marked_in_an_excerpt(self) -> None:
        response = self.client.get(f"{SEARCH}?q=bicycle")
        self.assertContains(response, "<mark>bicycle</mark>")
        response = self.client.get(f"{SEARCH}?q=kind")
        self.assertNotContains(response, "and so on" * 50)

    def test_an_excerpt_shows_invisible_characters(self) -> None:
        self.add(m5="a \u202egnp.exe\u202c turned \x1b[2J red herring")
        page = self.client.get(f"{SEARCH}?q=herring").content.decode()
        self.assertIn("a [U+202E]gnp.exe[U+202C] turned [U+001B][2J red", page)
        self.assertNotIn("\u202e", page)

    def test_a_hit_leads_to_its_place_in_the_conversation(self) -> None:
        response = self.client.get(f"{SEARCH}?q=outside")
        [link] = re.findall(r'href="([^"]+transcript/[^"]+)"', response.content.decode())
        self.assertContains(self.client.get(link), "stands outside")

    def test_filters(self) -> None:
        ChatMessage.objects.filter(item_id="m1").update(feedback="negative")
        ChatMessage.objects.filter(item_id="m3").update(timestamp=timezone.now() - 40 * DAY)
        month_ago = (timezone.localtime() - 30 * DAY).date().isoformat()
        for query, expected in {
            "sender=user": {"m1", "m3"},
            "sender=assistant": {"m2", "m4"},
            "feedback=negative": {"m1"},
            f"since={month_ago}": {"m1", "m2", "m4"},
            f"until={month_ago}": {"m3"},
            "since=0001-01-01&until=9999-12-31": {"m1", "m2", "m3", "m4"},
        }.items():
            with self.subTest(query):
                self.assertEqual(set(self.found(f"q=blue&{query}")), expected)

    def test_a_message_at_the_very_time_is_since_it_and_not_until_it(self) -> None:
        time = ChatMessage.objects.get(item_id="m2").timestamp
        since = search.messages("blue", since=time).hits
        until = search.messages("blue", until=time).hits
        self.assertEqual({hit.message.item_id for hit in since}, {"m2", "m3", "m4"})
        self.assertEqual({hit.message.item_id for hit in until}, {"m1"})

    def test_M7_a_search_is_one_record_with_its_count_and_no_words(self) -> None:
        store: DjangoStore[dict[str, str]] = DjangoStore()
        other = base.thread("thr_2", title="Another")
        async_to_sync(store.save_thread)(other, ALICE)
        async_to_sync(store.add_thread_item)("thr_2", base.user_message("m1", "bicycle"), ALICE)
        for query, expected in {
            "bicycle": [["thr_1", "m1"], ["thr_1", "m3"], ["thr_2", "m1"]],
            "nothing+of+that": [],
            "...": [],
        }.items():
            with self.subTest(query):
                ModerationRecord.objects.all().delete()
                self.found(f"q={query}")
                record = ModerationRecord.objects.get()
                self.assertEqual((record.action, record.found), ("search", len(expected)))
                self.assertEqual(sorted(record.item_ids), expected)
                self.assertNotIn("bicycle", str(list(ModerationRecord.objects.values())))
                self.assertContains(self.client.get(RECORDS), "Searched in messages")

    def test_a_page_without_words_is_no_search(self) -> None:
        self.found("")
        self.found("q=")
        self.assertFalse(ModerationRecord.objects.exists())

    @pytest.mark.postgresql  # elsewhere a phrase is compared as it is
    def test_M7_an_excerpt_of_a_very_long_match_is_short(self) -> None:
        self.add(m6="very" + "-" * 90_000 + "long")
        response = self.client.get(f"{SEARCH}?q=%22very+long%22")
        self.assertContains(response, "very---")
        self.assertLess(len(response.content), 20_000)

    def test_a_message_whose_thread_is_deleted_meanwhile_is_left_out(self) -> None:
        kept = add_thread("thr_kept")
        kept.messages.filter(item_id="msg_0").update(content="A blue one")
        gone = ["thr_1"]

        def delete_before(execute: Any, sql: str, *rest: Any) -> Any:
            if "title_start" in sql and gone:  # the query of the threads
                ChatSession.objects.filter(thread_id=gone.pop()).delete()
            return execute(sql, *rest)

        with connection.execute_wrapper(delete_before):
            self.assertEqual(self.found("q=blue"), ["msg_0"])

    def test_at_most_12_queries(self) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            self.found("q=blue")
        self.assertLessEqual(len(queries), 12)


class ResultsTest(SearchTestCase):
    def test_a_result_names_the_owner_and_shows_an_answers_text_without_marks(self) -> None:
        self.add(
            m1="**blue** question",
            m2="## Tyres\n* **blue** and _red_, `snake_case`, [a bike](green)",
        )
        response = self.client.get(f"{SEARCH}?q=blue")
        page = re.sub("<mark>|</mark>|<span>|</span>", "", response.content.decode())
        self.assertIn("…Tyres blue and red, snake_case, a bike…", page)
        self.assertIn("…**blue** question…", page)  # a user's text is shown as it was written
        self.assertInHTML(f'<a dir="auto" href="{THREADS}people/616c696365/">alice</a>', page, 2)
        self.assertContains(self.client.get(f"{SEARCH}?q=green"), "<mark>green</mark>")

    def test_M7_marks_are_left_out_in_time_that_grows_with_the_text(self) -> None:
        for text in ("[", "](", "_", "a_", "[a](", "*", "# ", "`"):
            with self.subTest(text):
                begun = time.process_time()
                excerpts._MARKS.sub("", text * (100_000 // len(text)) + "a")
                self.assertLess(time.process_time() - begun, 5)


class LimitsTest(SearchTestCase):
    def shrink(self, **bounds: int) -> None:
        for name, value in bounds.items():
            self.addCleanup(setattr, search, name, getattr(search, name))
            setattr(search, name, value)

    @pytest.mark.sqlite
    @pytest.mark.mariadb
    def test_without_an_index_the_newest_are_looked_through_and_the_page_says_so(self) -> None:
        self.shrink(SCANNED_MESSAGES=2)
        self.add(m1="blue", m2="blue", m3="blue")
        response = self.client.get(f"{SEARCH}?q=blue")
        self.assertEqual(
            [hit.message.item_id for hit in response.context["result"].hits], ["m3", "m2"]
        )
        self.assertContains(response, "Only the newest 2 messages were looked through")

    @pytest.mark.postgresql
    def test_with_an_index_a_rare_word_is_found_however_old(self) -> None:
        self.shrink(SCANNED_MESSAGES=2)
        self.add(m1="rare", m2="blue", m3="blue")
        response = self.client.get(f"{SEARCH}?q=rare")
        self.assertEqual([hit.message.item_id for hit in response.context["result"].hits], ["m1"])
        self.assertNotContains(response, "looked through")

    @pytest.mark.postgresql
    def test_the_newest_matches_are_found_even_if_the_index_returns_only_some(self) -> None:
        self.shrink(SCANNED_MESSAGES=2)
        self.add(m1="blue", m2="rare", m3="blue")
        self.assertEqual(set(self.found("q=blue")), {"m1", "m3"})
        with mock.patch.object(search, "_through_index", return_value=[]):
            self.assertEqual(self.found("q=blue"), ["m3"])

    def test_of_many_matches_the_newest_are_ranked_and_the_page_says_so(self) -> None:
        self.shrink(MAX_RANKED=2, MAX_HITS=2)
        self.add(m1="blue blue blue", m2="blue", m3="blue")
        response = self.client.get(f"{SEARCH}?q=blue")
        self.assertEqual(
            {hit.message.item_id for hit in response.context["result"].hits}, {"m2", "m3"}
        )
        self.assertContains(response, "There are more matches")

    def test_of_more_matches_than_are_shown_the_page_says_so(self) -> None:
        self.shrink(MAX_HITS=2)
        self.add(m1="blue", m2="blue", m3="blue")
        self.assertContains(self.client.get(f"{SEARCH}?q=blue"), "There are more matches")

    def test_a_message_of_many_megabytes_can_be_stored_and_found(self) -> None:
        words = " ".join(f"w{number}" for number in range(600_000))
        self.add(m1=words, m2="x" * 3_000_000)
        self.assertEqual(self.found("q=w77"), ["m1"])

    def test_a_text_of_very_many_pairs_of_characters_can_be_stored_and_found(self) -> None:
        chinese = [chr(0x4E00 + number) for number in range(20_000)]
        several = "".join(first + second for first in chinese[:300] for second in chinese[300:600])
        self.add(m1=several, m2="".join(chinese))
        self.assertEqual(self.found(f"q={chinese[7]}{chinese[8]}"), ["m2"])


class OverviewTest(StorageMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        self.threads = [
            add_thread("thr_1", messages=3, files=1),
            add_thread("thr_2", "charlie", age=3 * DAY),
            add_thread("thr_3", age=20 * DAY),
            add_thread("thr_4", age=200 * DAY),
        ]
        feedback = {"msg_0": "positive", "msg_1": "negative", "msg_2": "positive"}
        for item_id, value in feedback.items():
            ChatMessage.objects.filter(session=self.threads[0], item_id=item_id).update(
                feedback=value
            )

    def test_small_tables_are_counted_as_they_are(self) -> None:
        for days, threads, messages, users in ((7, 2, 5, 2), (30, 3, 7, 2), (90, 3, 7, 2)):
            report = statistics.report(days)
            self.assertEqual(
                (report.threads.total, report.messages.total, report.active_users),
                (threads, messages, users),
            )
            self.assertEqual(len(report.threads.bars), days // DAYS_PER_BAR[days])
        self.assertEqual((report.thumbs_up, report.thumbs_down, report.approval), (2, 1, 67))
        self.assertEqual(report.file_bytes, len(b"Bytes of atc_thr_1_0"))
        self.assertEqual([bar.value for bar in report.ages.bars], [3, 0, 0, 0, 0, 1])
        self.assertFalse(report.is_estimate)

    def test_the_page_shows_charts_without_script_or_style_of_its_own(self) -> None:
        response = self.client.get(f"{THREADS}overview/?days=7")
        self.assertContains(response, '<figure class="chatstore-chart"', 10)
        self.assertContains(response, "67 %")
        self.assertNotContains(response, " style=")
        self.assertEqual(self.client.get(f"{THREADS}overview/?days=8").status_code, 404)

    def test_no_threads_no_error(self) -> None:
        ChatSession.objects.all().delete()
        self.assertContains(self.client.get(f"{THREADS}overview/"), "0 / 0")

    @pytest.mark.sqlite
    @pytest.mark.postgresql  # MariaDB commits when it analyzes
    def test_a_big_table_is_estimated_from_a_fair_sample(self) -> None:
        for number in range(200):
            add_thread(f"thr_x{number}", messages=1)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.addCleanup(setattr, sampling, "SAMPLE", sampling.SAMPLE)
        sampling.SAMPLE = 100
        report = statistics.report(7)
        self.assertTrue(report.is_estimate)
        self.assertTrue(100 < report.threads.total < 320, report.threads.total)
        self.assertContains(self.client.get(f"{THREADS}overview/"), "Estimated")

    def test_at_most_12_queries(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.client.get(f"{THREADS}overview/?days=90")
        self.assertLessEqual(len(reads(queries)), 12)


FILL = """
INSERT INTO chat_sessions (session_id, thread_id, user_id, title, status, reason, payload,
  metadata, created_at, updated_at, is_started, moderation, moderation_reason, is_on_hold,
  hold_reason)
SELECT md5('s' || n)::uuid, 'thr_' || n, 'user_' || n % 2000, 'A title of ' || n % 500, CASE
  WHEN n % 300 = 0 THEN 'closed' ELSE 'active' END, '', repeat('x', 800), '{}',
  now() - n * interval '5 minutes', now() - n * interval '4 minutes', true, CASE WHEN n % 400 = 0
  THEN 'locked' ELSE '' END, '', n % 500 = 0, '' FROM generate_series(1, 30000) n;
INSERT INTO chat_messages (message_id, session_id, user_id, item_id, item_type, item_status,
  sender_type, content, timestamp, payload, metadata, feedback, hidden_by)
SELECT md5('m' || n || '-' || k)::uuid, md5('s' || n)::uuid, 'user_' || n % 2000, 'msg_' || k,
  'user_message', '', 'user', 'everywhere rare' || n % 3000 || CASE WHEN n > 29000
  THEN ' old マークダウン' ELSE '' END,
  now() - n * interval '4 minutes' - k * interval '1 second', repeat('x', 200), '{}', CASE
  WHEN (n + k) % 50 = 0 THEN 'negative' WHEN (n + k) % 25 = 0 THEN 'positive' ELSE '' END, ''
FROM generate_series(1, 30000) n, generate_series(0, 2) k;
INSERT INTO chat_messages (message_id, session_id, user_id, item_id, item_type, item_status,
  sender_type, content, timestamp, payload, metadata, feedback, hidden_by)
SELECT md5('b' || k)::uuid, md5('s7')::uuid, 'user_7', 'big_' || k, 'user_message', '', 'user',
  'everywhere', now() - interval '28 minutes 5 seconds' - k * interval '100 milliseconds',
  '{}', '{}', '', '' FROM generate_series(1, 20000) k;
ANALYZE chat_sessions;
ANALYZE chat_messages;
"""


@pytest.mark.postgresql
@pytest.mark.slow
class PlansTest(TestCase):
    """No page reads a whole table, if the tables are large."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.user = get_user_model().objects.create_superuser("root")
        with connection.cursor() as cursor:
            cursor.execute(FILL)

    def pages(self) -> list[str]:
        big = ChatSession.objects.get(thread_id="thr_7")
        day = timezone.localtime() - 40 * DAY
        filters = [
            "",
            "p=15",
            "state=active",
            "state=closed",
            "state=moderated",
            "state=locked",
            "state=hold",
            "listing=pinned",
            "label=spam",
            "assignee=root",
            f"since={day.date()}&until={day.date()}",
            "activity=today",
            "activity=week",
            "activity=month",
            "activity=old",
            "thumbs=down",
            "thumbs=down&state=locked",
            f"updated_at__year={day.year}",
            f"updated_at__year={day.year}&updated_at__month={day.month}",
            "q=title",
            "q=of+77",
            "q=nowhere",
            "q=user_12",
            "q=thr_77",
        ]
        searches = [
            "everywhere",
            "rare77",
            "nowhere",
            "old",
            "everywhere+rare5&sender=user",
            "everywhere&feedback=negative",
            f"rare&since={day.date()}&until={day.date() + dt.timedelta(days=2)}",
        ]
        return [
            *(f"{THREADS}?{query}" for query in filters),
            *(f"{SEARCH}?q={query}" for query in searches),
            url(big, "change"),
            url(big, "transcript"),
            url(big, "transcript") + "?until=2020-01-01T00:00:00Z",
            url(big, "do", "lock"),
            f"{THREADS}overview/?days=7",
            f"{THREADS}overview/?days=90",
            "/admin/chatstore/chatmessage/",
            "/admin/chatstore/chatmessage/?feedback__exact=negative",
            "/admin/chatstore/moderationrecord/",
        ]

    @pytest.mark.unsharded  # a shard's part of these tables is small enough to be read whole
    def test_no_page_reads_a_big_table_nor_counts_it_in_at_most_12_queries(self) -> None:
        # In proportion to these tables, as it is to those of the benchmarks.
        self.addCleanup(setattr, sampling, "SAMPLE", sampling.SAMPLE)
        sampling.SAMPLE = 500
        self.client.force_login(self.user)
        for page in self.pages():
            with self.subTest(page):
                with CaptureQueriesContext(connection) as queries:
                    self.assertEqual(self.client.get(page).status_code, 200)
                self.assertLessEqual(len(queries), 12)
                for query in queries.captured_queries:
                    if query["sql"].startswith("SELECT"):
                        self.check_plan(query["sql"])

    def test_a_list_reads_a_limited_number_of_a_threads_messages(self) -> None:
        """Of the thread with 20,000 messages it reads 1,001 entries of the index, and no rows."""
        big = ChatSession.objects.get(thread_id="thr_7")
        with CaptureQueriesContext(connection) as queries:
            counts = counts_by_thread([big])
        self.assertEqual(counts, {(big.user_id, big.pk): [1001, 0, 0, 0, 0]})
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {queries[0]['sql']}")
            plan = cursor.fetchone()[0][0]["Plan"]
        self.assertLessEqual(max(rows_read(plan)), 1001, plan)

    @pytest.mark.unsharded  # the same
    def test_a_word_of_several_pairs_reads_of_its_matches_the_newest_only(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            search.messages("マークダウン")
        newest = next(query["sql"] for query in queries if "to_tsquery" in query["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {newest}".replace("%", "%%"))
            plan = cursor.fetchone()[0][0]["Plan"]
        fetched = [node for node in nodes(plan) if node["Node Type"] == "Bitmap Heap Scan"]
        self.assertEqual([node.get("Rows Removed by Filter", 0) for node in fetched], [0], plan)

    def check_plan(self, sql: str) -> None:
        # The search plans these statements, which it orders by an expression, without table scans.
        is_forced = "interval" in sql.partition("ORDER BY")[2]
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL enable_seqscan = {'off' if is_forced else 'on'}")
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        self.assertNotRegex(plan, r"Seq Scan on chat_(sessions|messages)", sql)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for node in plan.get("Plans", ()):
        yield from nodes(node)


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """Yield how many rows each node of a plan has read."""
    return (node["Actual Rows"] * node["Actual Loops"] for node in nodes(plan))


@pytest.mark.postgresql
class PlannerSettingsTest(SearchTestCase):
    """A search inside a request's transaction must not change how later queries are planned."""

    def settings(self) -> list[str]:
        names = ("enable_seqscan", "gin_fuzzy_search_limit")
        with connection.cursor() as cursor:
            return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in names]

    def test_they_are_as_before_after_a_search_of_threads_and_of_messages(self) -> None:
        before = self.settings()
        self.addCleanup(setattr, search, "SCANNED_MESSAGES", search.SCANNED_MESSAGES)
        search.SCANNED_MESSAGES = 1  # more messages than this: they are found through the index
        self.add(m1="rare", m2="blue", m3="blue")
        self.assertEqual(self.found("q=rare"), ["m1"])
        self.assertEqual(self.settings(), before)
        self.assertContains(self.client.get(f"{THREADS}?q=title"), "thr_1")
        self.assertEqual(self.settings(), before)

    def test_they_are_as_before_after_a_search_that_fails(self) -> None:
        before = self.settings()
        rows = ChatSession.objects.extra(where=["1 / (length(title) - length(title)) = 1"])
        self.add(m1="blue")
        with self.assertRaises(DataError):
            search._through_index(rows, "updated_at", 1)
        self.assertEqual(self.settings(), before)

    def test_those_who_read_the_rows_plan_by_them_also_where_these_are_on_other_nodes(self) -> None:
        self.add(m1="blue")
        owner = ChatSession.objects.get().user_id
        setting = Func(
            Value("enable_seqscan"), function="current_setting", output_field=TextField()
        )
        rows = ChatSession.objects.filter(user_id=owner).values_list(setting, flat=True)
        with planned("default", enable_seqscan="off"):
            self.assertEqual(list(rows.all()), ["off"])
        self.assertEqual(list(rows.all()), ["on"])


@pytest.mark.postgresql
class IndexesTest(TestCase):
    def indexes(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename IN "
                "('chat_sessions', 'chat_messages')"
            )
            return {row[0] for row in cursor.fetchall()}

    def test_the_migration_has_made_them(self) -> None:
        self.assertLessEqual(
            {"chat_sessions_title_words", "chat_messages_text_words", "chat_messages_feedback"},
            self.indexes(),
        )
