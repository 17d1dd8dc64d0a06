"""S12: the statements of each operation, and the index that each list uses."""

from __future__ import annotations

import datetime as dt
import re
from itertools import compress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from chatkit.types import ActiveStatus
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.codec import ModelTurn
from chatstore.models import ChatMessage, ChatSession, message_key, session_key
from chatstore.store import DjangoStore
from chatstore.turns import Turn, track_request
from tests.base import ALICE, CHARLIE, answer, attachment, thread, tool_call, user_message
from tests.shard_rule import DIALECTS, find_faults

TABLE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "queries.md"
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START TRANSACTION")

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

store = DjangoStore()


def operations() -> dict[str, tuple[Any, ...]]:
    """Return each line of the table, as a method and its arguments, in the order to run in."""
    file, answered = attachment("atc_1"), answer("msg_new")
    sent = user_message("msg_file", attachments=[attachment("atc_3")])
    changed = answer("msg_new", "changed")
    return {
        "load_thread": (store.load_thread, "thr_1"),
        "load_thread, unknown": (store.load_thread, "thr_0"),
        "save_thread, new": (store.save_thread, thread("thr_2")),
        "save_thread, again": (store.save_thread, thread("thr_2", title="New")),
        "save_thread, somebody else's": (store.save_thread, thread("thr_charlie")),
        "load_threads": (store.load_threads, 2, None, "desc"),
        "load_threads, after a cursor": (store.load_threads, 2, "thr_2", "desc"),
        "load_threads, empty after a cursor": (store.load_threads, 2, "thr_2", "asc"),
        "load_thread_items": (store.load_thread_items, "thr_1", None, 2, "desc"),
        "load_thread_items, after a cursor": (
            *(store.load_thread_items, "thr_1", "msg_2", 2, "desc"),
        ),
        "load_thread_items, empty after a cursor": (
            *(store.load_thread_items, "thr_1", "msg_1", 2, "desc"),
        ),
        "load_item": (store.load_item, "thr_1", "msg_1"),
        "add_thread_item, new": (store.add_thread_item, "thr_1", tool_call()),
        "add_thread_item, again": (store.add_thread_item, "thr_1", tool_call()),
        "add_thread_item, unknown thread": (store.add_thread_item, "thr_0", answered),
        "delete_items_after": (store.delete_items_after, "thr_1", "tc_1"),
        "add_thread_item, with attachments": (store.add_thread_item, "thr_1", sent),
        "save_item, new": (store.save_item, "thr_1", answered),
        "save_item, again": (store.save_item, "thr_1", changed),
        "add_unfinished_answer": (
            *(store.add_unfinished_answer, "thr_1", answer("msg_half"), "failed"),
        ),
        "has_item": (store.has_item, "thr_1", "msg_1"),
        "add_model_turn": (store.add_model_turn, "thr_1", ModelTurn([], {})),
        "load_model_turns": (store.load_model_turns, "thr_1", 50),
        "load_suspension": (store.load_suspension,),
        "save_feedback": (store.save_feedback, "thr_1", ["msg_1"], "positive"),
        "delete_thread_item": (store.delete_thread_item, "thr_1", "msg_1"),
        "delete_thread_item, unknown": (store.delete_thread_item, "thr_1", "msg_1"),
        "save_attachment, new": (store.save_attachment, file),
        "save_attachment, again": (store.save_attachment, file),
        "load_attachment": (store.load_attachment, "atc_1"),
        "delete_attachment": (store.delete_attachment, "atc_1"),
        "pin_thread": (store.pin_thread, "thr_2", True),
        "load_pinned_threads": (store.load_pinned_threads, 2),
        "share_thread": (store.share_thread, "thr_2", "0" * 64),
        "end_share": (store.end_share, "thr_2"),
        "begin_answer": (store.begin_answer, "thr_2", NOW),
        "renew_answers": (store.renew_answers, ["thr_2"], NOW),
        "stop_answers": (store.stop_answers, "thr_2"),
        "load_changes": (store.load_changes, "thr_2"),
        "end_answer": (store.end_answer, "thr_2", NOW),
        "load_thread_state": (store.load_thread_state, "thr_2"),
        "archive_thread": (store.archive_thread, "thr_2", True),
        "load_recent_threads": (store.load_recent_threads, 2, None),
        "search_messages": (store.search_messages, "Hello", 2, None),
        "save_feedback_comment, unknown": (store.save_feedback_comment, "thr_1", "msg_0", "Why"),
        "delete_thread": (store.delete_thread, "thr_2"),
        "delete_thread, unknown": (store.delete_thread, "thr_2"),
        "delete_thread, with attachments": (store.delete_thread, "thr_1"),
    }


class StatementsTest(TransactionTestCase):
    """The table in docs/reference/queries.md is right, for a short thread and for a long one."""

    def setUp(self) -> None:
        self.asked: list[str] = []

    def measured(self, size: int, in_turn: bool = False) -> dict[str, tuple[int, int]]:
        """Return statements and transactions of each operation, on a thread of this size."""
        ChatSession.objects.all().delete()
        async_to_sync(store.save_thread)(thread(created_at=dt.datetime(2020, 1, 1)), ALICE)
        async_to_sync(store.save_thread)(thread("thr_charlie"), CHARLIE)
        for number in range(1, size + 1):
            async_to_sync(store.add_thread_item)("thr_1", user_message(f"msg_{number}"), ALICE)
        async_to_sync(store.save_attachment)(attachment("atc_3"), ALICE)
        counts = {}
        for name, (method, *arguments) in operations().items():
            retries = ChatSession.objects.filter(thread_id="thr_1").values_list("retry_id")
            turn = Turn("thr_1", *(retries.first() or [""]), status=ActiveStatus())
            with CaptureQueriesContext(connection) as captured:
                try:
                    if in_turn:
                        with track_request(turn):
                            async_to_sync(method)(*arguments, ALICE)
                    else:
                        async_to_sync(method)(*arguments, ALICE)
                except NotFoundError:
                    self.assertRegex(name, "unknown|somebody else")
            asked = [query["sql"] for query in captured.captured_queries]
            self.asked += asked
            control = [sql for sql in asked if sql.startswith(CONTROL)]
            begun = [sql for sql in control if sql.startswith(("BEGIN", "START"))]
            counts[name] = (len(asked) - len(control), len(begun))
        return counts

    @pytest.mark.unsharded  # there an item is added as on other databases
    def test_S12_the_table_of_statements_is_true_and_does_not_grow(self) -> None:
        text = TABLE.read_text()
        if connection.vendor != "postgresql":
            text = text.partition("On PostgreSQL")[0]
        # The second table's lines, of PostgreSQL, replace the first one's.
        rows = re.findall(r"^\| `(\w+)`([^|]*) \| (\d+) \| (\d+) \|$", text, re.M)
        documented = {name + case: (int(asked), int(begun)) for name, case, asked, begun in rows}
        for size in (2, 60):
            self.assertEqual(self.measured(size), documented)
        # What a turn requires of its thread (S20) costs no statement.
        self.assertEqual(self.measured(2, in_turn=True), documented)

    def test_S3_every_statement_names_the_owner(self) -> None:
        """Sharding by owner needs this too."""
        self.measured(3)
        self.measured(3, in_turn=True)
        for sql in self.asked:
            if "chat_" in sql and "chat_files_to_remove" not in sql:
                self.assertRegex(sql, "alice|charlie")
                # For each table that the statement reads or writes.
                self.assertEqual(find_faults(sql, DIALECTS[connection.vendor]), (), sql)


class PlansTest(TransactionTestCase):
    """
    Each list is read from its index, in order, starting at the page's first row.

    Without a transaction around the test, since ANALYZE commits it on MariaDB.
    """

    SIZE = 4000
    # How each database calls a full table scan, and a sort without an index.
    BAD = {
        "postgresql": r"Seq Scan on chat|\bSort\b|Bitmap",
        "sqlite": r"SCAN chat\w+$|TEMP B-TREE",
        "mysql": r"chat_\w+ (ALL|index) |filesort|temporary",
    }
    EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN ", "mysql": "EXPLAIN "}

    def setUp(self) -> None:
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        # PostgreSQL sorts where a user has few threads; MariaDB reads from the list's end where
        # one user has a good part of all.
        share = 10 if connection.vendor == "mysql" else 4
        rows = [
            ChatSession(
                session_id=session_key(f"thr_{number}"),
                thread_id=f"thr_{number}",
                user_id="alice" if number % share == 1 else f"user_{number}",
                payload=thread(f"thr_{number}").model_dump_json(),
                created_at=start + dt.timedelta(minutes=number // 3),
                updated_at=start + dt.timedelta(minutes=number),
            )
            for number in range(self.SIZE)
        ]
        ChatSession.objects.bulk_create(rows)
        ChatMessage.objects.bulk_create(
            ChatMessage(
                message_id=message_key(row.thread_id, f"msg_{number}"),
                session=row,
                user_id=row.user_id,
                item_id=f"msg_{number}",
                item_type="user_message",
                sender_type="user",
                timestamp=start + dt.timedelta(seconds=number),
                payload=user_message(f"msg_{number}").model_dump_json(),
            )
            for row in rows
            for number in range(1000 if row.thread_id == "thr_1" else 3)
        )
        self.analyze()

    @staticmethod
    def analyze() -> None:
        with connection.cursor() as cursor:
            for table in ("chat_sessions", "chat_messages"):
                mysql = connection.vendor == "mysql"
                cursor.execute(f"ANALYZE TABLE {table}" if mysql else f"ANALYZE {table}")

    def assert_plan(self, index: str, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.EXPLAIN[connection.vendor] + sql)
            # Without the indexes that MariaDB considered, but did not use.
            shown = [column[0] != "possible_keys" for column in cursor.description]
            rows = [compress(map(str, row), shown) for row in cursor.fetchall()]
            plan = "\n".join(map(" ".join, rows))
        self.assertRegex(plan, index)
        self.assertNotRegex(plan, re.compile(self.BAD[connection.vendor], re.M))

    def assert_plan_of(self, index: str, method: Any, *arguments: Any) -> None:
        with CaptureQueriesContext(connection) as captured:
            page = async_to_sync(method)(*arguments, ALICE)
        self.assertEqual(len(page.data), 20)
        [query] = captured.captured_queries
        self.assert_plan(index, query["sql"])

    def entered(self, column: str) -> str:
        """Return the words of a plan for an index scan that starts at the page's first row."""
        return {
            "postgresql": rf"Index Cond: .*AND \(\"?{column}\"? [<>]",
            "sqlite": rf"AND {column}[<>]\?",
            "mysql": r"chat_\w+ range chat_\w+",
        }[connection.vendor]

    def a_users_threads(self) -> None:
        for order in ("asc", "desc"):
            # With a cursor in the first twentieth of a list, MariaDB reads from its beginning.
            for after in (None, "thr_301", "thr_1501", "thr_3601"):
                with self.subTest(f"{order} after {after}"):
                    index = "chat_sessions_listed" if after is None else self.entered("created_at")
                    self.assert_plan_of(index, store.load_threads, 20, after, order)
        # Of a user who has a quarter of all, PostgreSQL reads the newest threads of everybody.
        most = ChatSession.objects.for_owner("alice").exclude(thread_id__endswith="1")
        most.update(listing="archived")
        self.analyze()
        page = async_to_sync(store.load_recent_threads)(60, None, ALICE)
        for after in (None, page.after):
            self.assert_plan_of("chat_sessions_recent", store.load_recent_threads, 20, after)

    def a_threads_items(self) -> None:
        whole = "chat_messages_(position|of_thread)|sqlite_autoindex_chat_messages_"
        for order in ("asc", "desc"):
            for after in (None, "msg_30", "msg_500", "msg_970"):
                with self.subTest(f"{order} after {after}"):
                    index = whole if after is None else self.entered("timestamp")
                    self.assert_plan_of(index, store.load_thread_items, "thr_1", after, 20, order)

    def threads_by_last_activity(self) -> None:
        cutoff = dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC)
        rows = ChatSession.objects.inactive_since(cutoff).order_by("updated_at", "session_id")
        with CaptureQueriesContext(connection) as captured:
            self.assertEqual(len(rows.values_list("session_id")[:100]), 100)
        self.assert_plan("chat_sessions_activity", captured.captured_queries[0]["sql"])

    def a_thread_by_its_key(self) -> None:
        """Also where most users have one thread: of one who has many, no other row is read."""
        with CaptureQueriesContext(connection) as captured:
            async_to_sync(store.load_thread)("thr_0", {"user_id": "user_0"})
        [query] = captured.captured_queries
        self.assert_plan("chat_sessions_pkey|autoindex_chat_sessions_1|PRIMARY", query["sql"])

    def test_V18_changes_are_read_from_an_index(self) -> None:
        later = timezone.now() + dt.timedelta(hours=1)
        ChatSession.objects.filter(thread_id__in=["thr_5", "thr_2"]).update(answering_until=later)
        with CaptureQueriesContext(connection) as captured:
            async_to_sync(store.load_changes)("thr_1", ALICE)
        self.assert_plan("chat_sessions_answering", captured.captured_queries[0]["sql"])

    def test_S12_each_list_comes_from_its_index(self) -> None:
        self.a_users_threads()
        self.a_threads_items()
        self.a_thread_by_its_key()
        if not settings.CHATSTORE_SHARDED:  # where the nodes' lists are merged by a sort
            self.threads_by_last_activity()
