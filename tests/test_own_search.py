"""V21: a user searches in their own messages and titles."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.models import ChatMessage, ChatSession, message_key, session_key
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server.chat_server import get_server
from chatstore.store import DjangoStore, search
from chatstore.testing import MemoryStore
from chatstore.text_search.conditions import planned
from tests.base import ALICE, answer, hidden_context, thread, tool_call, user_message
from tests.endpoint import EndpointMixin
from tests.live import user_input
from tests.shard_rule import DIALECTS, find_faults

MODERATOR = Moderator("Mo", reason="Because")
store: DjangoStore[Any] = DjangoStore()


class OwnSearchTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        cache.clear()
        self.addCleanup(cache.clear)

    def add(self, thread_id: str, *items: Any, owner: Any = None, title: str = "Untitled") -> None:
        owner = owner or self.alice
        async_to_sync(store.save_thread)(thread(thread_id, title=title), owner)
        for item in items:
            async_to_sync(store.add_thread_item)(thread_id, item, owner)

    def search(self, text: str, client: Client | None = None, **query: str) -> Any:
        response = (client or self.client).get("/chat/search/", {"q": text, **query})
        self.assertEqual(response.status_code, 200, response.content)
        self.assertEqual(response["Cache-Control"], "no-store")
        return response.json()

    def found(self, text: str, client: Client | None = None) -> list[str]:
        return [hit["item_id"] for hit in self.search(text, client)["data"]]

    def test_V21_a_hit_names_the_message_and_marks_the_words(self) -> None:
        said = "Once **upon** a time there was a <b>teapot</b> of tin."
        self.add("thr_1", user_message("msg_1", "Tell me"), answer("msg_2", said), title="Tales")
        page = self.search("teapot upon")
        [hit] = page["data"]
        self.assertEqual(
            {name: hit[name] for name in ("thread_id", "item_id", "item_type", "title")},
            {
                "thread_id": "thr_1",
                "item_id": "msg_2",
                "item_type": "assistant_message",
                "title": "Tales",
            },
        )
        self.assertEqual("".join(text for text, _ in hit["excerpt"]), said.replace("*", ""))
        marked = [text for text, is_match in hit["excerpt"] if is_match]
        self.assertEqual(marked, ["upon", "teapot"])
        self.assertEqual((page["threads"], page["has_more"], page["after"]), ([], False, None))

    def test_V21_every_word_a_phrase_and_scripts_without_spaces(self) -> None:
        self.add(
            "thr_1",
            user_message("msg_1", "The green teapot leaks"),
            user_message("msg_2", "A teapot that is green"),
            user_message("msg_3", "今日は天気がいい"),
            user_message("msg_4", "Straße nach Ödenburg"),
        )
        self.assertEqual(self.found("green TEAPOT"), ["msg_2", "msg_1"])
        self.assertEqual(self.found('"green teapot"'), ["msg_1"])
        self.assertEqual(self.found("teap"), ["msg_2", "msg_1"])
        self.assertEqual(self.found("天気"), ["msg_3"])
        self.assertEqual(self.found("ödenburg"), ["msg_4"])
        self.assertEqual(self.found("teapot coffee"), [])
        for text in ("%", "_", "'", '"', "\\", "!!", ":*", "&|"):
            self.assertEqual(self.found(text), [], text)

    def test_S3_V21_another_users_messages_and_titles_are_not_found(self) -> None:
        self.add("thr_1", user_message("msg_1", "My teapot"), title="Teapots")
        stranger = Client()
        stranger.force_login(self.other)
        page = self.search("teapot", stranger)
        self.assertEqual((page["threads"], page["data"]), ([], []))
        self.add("thr_2", user_message("msg_9", "A teapot"), owner=self.charlie)
        self.assertEqual(self.found("teapot", stranger), ["msg_9"])
        self.assertEqual(self.found("teapot"), ["msg_1"])

    def test_M2_V21_what_its_user_does_not_see_is_not_found(self) -> None:
        names = [f"msg_{number}" for number in range(5)]
        self.add("thr_1", *(user_message(name, "A teapot") for name in names))
        self.add(
            "thr_1",
            hidden_context("msg_8", "A teapot"),
            tool_call("tc_1", arguments={"a": "teapot"}),
        )
        rows = {row.item_id: row for row in ChatMessage.objects.all()}
        actions.hide(rows["msg_1"], MODERATOR)
        redact(rows["msg_2"], MODERATOR)
        async_to_sync(store.delete_thread_item)("thr_1", "msg_3", self.alice)
        self.assertEqual(self.found("teapot"), ["msg_4", "msg_0"])
        self.add("thr_2", user_message("msg_5", "A teapot"), title="My teapot")
        self.add("thr_3", user_message("msg_6", "A teapot"), title="My teapot")
        self.add("thr_4", user_message("msg_7", "A teapot"), title="My teapot")
        actions.hold(ChatSession.objects.get(thread_id="thr_2"), MODERATOR)
        async_to_sync(store.delete_thread)("thr_2", self.alice)
        async_to_sync(store.delete_thread)("thr_3", self.alice)
        ChatSession.objects.filter(thread_id="thr_4").update(listing="temporary")
        page = self.search("teapot")
        self.assertEqual([hit["item_id"] for hit in page["data"]], ["msg_4", "msg_0"])
        self.assertEqual(page["threads"], [])

    def test_V21_titles_are_found_with_the_first_page(self) -> None:
        self.add("thr_1", title="A green teapot")
        self.add("thr_2", title="Green tea")
        async_to_sync(store.archive_thread)("thr_1", True, self.alice)
        page = self.search("teapot green")
        self.assertEqual([one["id"] for one in page["threads"]], ["thr_1"])
        self.assertIn("updated_at", page["threads"][0])
        self.assertNotIn("metadata", page["threads"][0])

    def test_V21_pages_follow_each_other(self) -> None:
        names = [f"msg_{number}" for number in range(50)]
        self.add("thr_1", *(user_message(name, "A teapot") for name in names))
        found: list[str] = []
        query: dict[str, str] = {}
        for has_more in (True, True, False):
            page = self.search("teapot", **query)
            found += [hit["item_id"] for hit in page["data"]]
            self.assertEqual(page["has_more"], has_more)
            query = {"after": page["after"] or ""}
            self.add("thr_1", user_message(f"msg_new_{len(found)}", "A teapot"))
        self.assertEqual(found, names[::-1])

    def test_V5_V21_what_is_no_search_is_refused(self) -> None:
        for query in ({}, {"q": " "}, {"q": "x" * 1001}, {"q": "x", "after": "msg_1"}):
            self.assert_refused(self.client.get("/chat/search/", query), 400)
        # Each is compared with each message.
        for count, status in ((25, 200), (26, 400)):
            words = " ".join(f"w{number}" for number in range(count))
            response = self.client.get("/chat/search/", {"q": f"{words} w0 w1"})
            self.assertEqual(response.status_code, status)
        self.assert_refused(Client().get("/chat/search/?q=x"), 401)
        self.assert_refused(self.client.post("/chat/search/?q=x"), 405)
        self.assertEqual(self.search("\0")["data"], [])

    def test_another_packages_store_has_no_search(self) -> None:
        with mock.patch.object(get_server(), "store", MemoryStore()):
            self.assert_refused(self.client.get("/chat/search/?q=x"), 501)

    @override_settings(CHATSTORE_MESSAGES_PER_MINUTE=2)
    def test_V7_V21_searches_are_bounded_and_leave_messages_alone(self) -> None:
        for _ in range(2):
            self.search("teapot")
        response = self.client.get("/chat/search/?q=teapot")
        self.assertIn("searching too quickly", self.assert_refused(response, 429))
        self.assertIn("Retry-After", response.headers)
        async_to_sync(self.send)("threads.create", {"input": user_input("say fine")})

    def test_V21_each_page_compares_few_and_the_next_ones_go_on(self) -> None:
        names = [f"msg_{number}" for number in range(9)]
        said = ["A teapot" if number in (0, 5) else "No" for number in range(9)]
        self.add("thr_1", *(user_message(*one) for one in zip(names, said, strict=True)))
        found: list[list[str]] = []
        query: dict[str, str] = {}
        few = mock.patch.multiple(search, COMPARED=3, COMPARED_WITH_INDEX=3)
        while not found or query["after"]:
            with few:
                page = self.search("teapot", **query)
            found.append([hit["item_id"] for hit in page["data"]])
            query = {"after": page["after"] or ""}
        if connection.vendor == "postgresql":  # the older ones are found through the index
            self.assertEqual(found, [["msg_5", "msg_0"]])
        else:
            self.assertEqual([*chain.from_iterable(found)], ["msg_5", "msg_0"])
            self.assertGreater(len(found), 2)

    def test_S18_V21_the_log_has_nothing_of_it(self) -> None:
        self.add("thr_1", user_message("msg_1", "A teapot"))
        with self.assertNoLogs("chatstore", "WARNING"):
            self.search("teapot")


@pytest.mark.postgresql
class OwnSearchPlanTests(TransactionTestCase):
    """On PostgreSQL the words' index is read, and no other user's messages are."""

    def setUp(self) -> None:
        owners = {f"thr_{n}": "alice" if n < 20 else f"user_{n}" for n in range(30)}
        sessions = ChatSession.objects.bulk_create(
            ChatSession(
                session_id=session_key(thread_id),
                thread_id=thread_id,
                user_id=user,
                payload=thread(thread_id).model_dump_json(),
                created_at=timezone.now(),
                updated_at=timezone.now(),
            )
            for thread_id, user in owners.items()
        )
        ChatMessage.objects.bulk_create(
            ChatMessage(
                message_id=message_key(session.thread_id, f"msg_{number}"),
                session=session,
                user_id=session.user_id,
                item_id=f"msg_{number}",
                item_type="user_message",
                sender_type="user",
                content=f"{session.thread_id}word{number} and more about {number % 7} " * 5,
                timestamp=session.updated_at + dt.timedelta(seconds=number),
                payload="{}",
            )
            for session in sessions
            for number in range(100)
        )
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE chat_messages")
            cursor.execute("ANALYZE chat_sessions")

    def test_V21_S12_older_messages_are_found_through_the_index_of_words(self) -> None:
        with (
            mock.patch.object(search, "COMPARED_WITH_INDEX", 10),
            CaptureQueriesContext(connection) as captured,
        ):
            found = async_to_sync(store.search_messages)("thr_7word42", 20, None, ALICE)
        self.assertEqual([hit.item_id for hit in found.data], ["msg_42"])
        queries = [query["sql"] for query in captured.captured_queries]
        for sql in queries:
            self.assertEqual(find_faults(sql, DIALECTS[connection.vendor]), (), sql)
        sql = [sql for sql in queries if "to_tsvector" in sql][-1]
        with planned("default", **search._PLAN), connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + sql)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        self.assertIn("chat_messages_text_words", plan)
        self.assertNotIn("Seq Scan on chat_messages", plan)
