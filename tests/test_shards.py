"""
The tables can be sharded by owner: the rule on statements itself, and what two owners have alike.

What chatstore sends is watched in all tests on PostgreSQL (tests/conftest.py).
"""

from __future__ import annotations

import json
import zipfile
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from chatstore.lifecycle.decode_check import find_undecodable_rows
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatMessageQuerySet,
    ChatSession,
)
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.store import DjangoStore
from tests.base import ALICE, CHARLIE, answer, attachment, thread, user_message
from tests.partitions import COUNT, partitions_read
from tests.rows import DAY, StorageMixin, add_thread
from tests.shard_rule import find_faults, owned_tables

ONE = "session_id = %s AND user_id = %s"
FIT = [
    f"SELECT title FROM chat_sessions WHERE {ONE}",
    "SELECT title FROM chat_sessions WHERE user_id = ('alice'::varchar)",
    (
        "SELECT 1 FROM chat_messages m JOIN chat_sessions s"
        " ON m.session_id = s.session_id AND m.user_id = s.user_id WHERE s.user_id = %(user_id)s"
    ),
    (
        f"SELECT 1 FROM chat_messages WHERE {ONE} AND EXISTS(SELECT 1 FROM chat_sessions U0"
        " WHERE U0.user_id = chat_messages.user_id AND U0.session_id = chat_messages.session_id)"
    ),
    "INSERT INTO chat_sessions (session_id, user_id) VALUES (%s, %s::varchar)",
    (
        "INSERT INTO chat_messages (message_id, user_id, timestamp)"
        f" SELECT %s, user_id, updated_at FROM chat_sessions WHERE {ONE}"
    ),
    f"UPDATE chat_sessions SET title = %s, is_started = true WHERE {ONE}",
    (
        "UPDATE chat_sessions SET updated_at = GREATEST((updated_at AT TIME ZONE 'UTC'"
        f" + INTERVAL '1 microsecond') AT TIME ZONE 'UTC', %s) WHERE {ONE}"
    ),
    f"DELETE FROM chat_messages WHERE {ONE}",
    "SELECT path FROM chat_files_to_remove",  # has no owner
    "DROP TABLE chat_messages",  # no statement of a conversation
]
UNFIT = {
    "no constant names the owner of chat_sessions": [
        "SELECT title FROM chat_sessions WHERE session_id = %s",
        f"SELECT title FROM chat_sessions WHERE {ONE} OR hidden_at IS NULL",
        "SELECT title FROM chat_sessions WHERE NOT (user_id = %s)",
        "SELECT title FROM chat_sessions WHERE user_id IN (%s, %s)",
        "SELECT title FROM chat_sessions WHERE user_id = ANY(%s)",
        "SELECT session_id FROM chat_sessions WHERE updated_at < %s FOR UPDATE",
        "UPDATE chat_sessions SET title = %s WHERE session_id = %s",
        "DELETE FROM chat_sessions WHERE session_id = ANY(%s)",
        (
            f"DELETE FROM chat_messages WHERE {ONE} AND session_id IN"
            " (SELECT session_id FROM chat_sessions WHERE title = %s)"
        ),
        (
            "INSERT INTO chat_messages (message_id, user_id)"
            " SELECT %s, user_id FROM chat_sessions WHERE session_id = %s"
        ),
    ],
    "no constant names the owner of s": [
        (
            "SELECT 1 FROM chat_messages m JOIN chat_sessions s ON m.session_id = s.session_id"
            " WHERE m.user_id = %s"
        ),
    ],
    "no constant names the owner of U0": [
        (
            f"SELECT 1 FROM chat_messages WHERE {ONE} AND EXISTS(SELECT 1 FROM chat_messages U0"
            " WHERE U0.session_id = chat_messages.session_id)"
        ),
    ],
    "its VALUES contain a query": [
        (
            "INSERT INTO chat_messages (user_id, timestamp) VALUES"
            f" (%s, (SELECT updated_at FROM chat_sessions WHERE {ONE}))"
        ),
    ],
    "the new row's owner is no constant": [
        "INSERT INTO chat_messages (user_id) VALUES (current_user)",
    ],
    "the new row's owner is no column of the row that is read": [
        (
            "INSERT INTO chat_messages (message_id, user_id)"
            f" SELECT %s, %s FROM chat_sessions WHERE {ONE}"
        ),
    ],
    "it inserts a row without an owner": ["INSERT INTO chat_messages (message_id) VALUES (%s)"],
    "it inserts rows from arrays": [
        (
            "INSERT INTO chat_messages (message_id, user_id)"
            " SELECT * FROM UNNEST((%s)::uuid[], (%s)::varchar[])"
        ),
    ],
    "it sets the owner": [f"UPDATE chat_sessions SET user_id = %s WHERE {ONE}"],
    "('+', 'timestamp with time zone', 'interval') is not immutable": [
        f"UPDATE chat_sessions SET updated_at = updated_at + INTERVAL '1 day' WHERE {ONE}",
        (
            "UPDATE chat_sessions SET updated_at = CASE WHEN is_started THEN GREATEST(updated_at +"
            f" '1 day'::interval, %s) ELSE %s END WHERE {ONE}"
        ),
    ],
    "CURRENT_TIMESTAMP is not immutable": [
        f"UPDATE chat_sessions SET updated_at = now() WHERE {ONE}",
    ],
    "rand is not immutable": [f"UPDATE chat_sessions SET title = random() WHERE {ONE}"],
}


@pytest.mark.postgresql
class RuleTest(TestCase):
    def test_what_a_shard_can_take_has_no_fault(self) -> None:
        for sql in FIT:
            with self.subTest(sql):
                self.assertEqual(find_faults(sql), ())

    def test_what_no_shard_can_take_has_one(self) -> None:
        for fault, statements in UNFIT.items():
            for sql in statements:
                with self.subTest(sql):
                    self.assertEqual([each.lower() for each in find_faults(sql)], [fault.lower()])

    def test_what_cannot_be_parsed_is_a_fault(self) -> None:
        [fault] = find_faults("SELECT FROM WHERE chat_sessions (")
        self.assertIn("can't be parsed", fault)


class OwnedTablesTest(SimpleTestCase):
    def test_every_table_of_a_conversation_is_watched(self) -> None:
        named = {"chat_sessions", "chat_messages", "chat_attachments"}
        self.assertLessEqual(named, owned_tables())


@pytest.mark.partitions
class PlanTest(TestCase):
    def test_a_plan_tells_how_many_partitions_are_read(self) -> None:
        owned = "SELECT 1 FROM chat_sessions WHERE user_id = 'alice'"
        self.assertEqual(len(partitions_read(owned)), 1)
        self.assertEqual(len(partitions_read("SELECT 1 FROM chat_sessions")), COUNT)


class SameIds(StorageMixin, TransactionTestCase):
    """Two owners have threads, items and attachments of the same ids, which only shards allow."""

    def setUp(self) -> None:
        super().setUp()
        self.store = DjangoStore()
        for context, text in ((ALICE, "Hers"), (CHARLIE, "His")):
            sent = user_message("msg_1", text, attachments=[attachment("atc_1")])
            self.call(self.store.save_attachment, attachment("atc_1"), context)
            self.call(self.store.save_thread, thread(title=text), context)
            self.call(self.store.add_thread_item, "thr_1", sent, context)

    def call(self, method: Any, *arguments: Any) -> Any:
        return async_to_sync(method)(*arguments)

    def run_command(self, *arguments: str, **options: Any) -> str:
        out = StringIO()
        call_command(*arguments, stdout=out, stderr=StringIO(), **options)
        return out.getvalue().strip()

    def assert_only(self, context: dict[str, str]) -> None:
        """Check that one owner's rows are all there, and none of the other's."""
        for model in (ChatSession, ChatMessage, ChatAttachment):
            owners = list(model.objects.values_list("user_id", flat=True))
            self.assertEqual(owners, [context["user_id"]], model)
        self.call(self.store.load_thread, "thr_1", context)
        self.call(self.store.load_item, "thr_1", "msg_1", context)
        self.call(self.store.load_attachment, "atc_1", context)


@pytest.mark.sharded
class SameIdsTest(SameIds):
    def test_S3_each_owner_has_an_object_of_their_own(self) -> None:
        for context, text in ((ALICE, "Hers"), (CHARLIE, "His")):
            self.assertEqual(self.call(self.store.load_thread, "thr_1", context).title, text)
            page = self.call(self.store.load_thread_items, "thr_1", None, 9, "asc", context)
            self.assertEqual(page.data[0].content[0].text, text)
        self.call(self.store.add_thread_item, "thr_1", answer(), CHARLIE)
        with self.assertRaises(NotFoundError):
            self.call(self.store.load_item, "thr_1", answer().id, ALICE)

    def test_S3_code_of_the_sites_own_saves_and_deletes_the_row_of_one(self) -> None:
        """By Django's own methods, which know a row's primary key only."""
        message = ChatMessage.objects.get(user_id="alice")
        message.content = "New"
        message.save()
        message.feedback = "negative"
        message.save(update_fields=["feedback"])
        message.refresh_from_db()
        self.assertEqual((message.content, message.feedback), ("New", "negative"))
        self.assertEqual(message.session.user_id, "alice")
        self.assertIn("His", ChatMessage.objects.get(user_id="charlie").content)
        self.assertEqual(ChatMessage.objects.defer("content").get(user_id="alice").content, "New")
        for rows, count in ((message.session, 3), (ChatSession.objects.filter(title="Hers"), 2)):
            self.assertEqual(rows.delete()[0], count)
            self.assert_only(CHARLIE)
            self.call(self.store.save_thread, thread(title="Hers"), ALICE)
            self.call(self.store.add_thread_item, "thr_1", user_message("msg_1"), ALICE)

    def test_S3_a_thread_is_deleted_for_its_owner_only(self) -> None:
        self.call(self.store.delete_thread, "thr_1", ALICE)
        self.assert_only(CHARLIE)

    def test_R1_retention_deletes_the_thread_of_one(self) -> None:
        old = ChatSession.objects.filter(user_id="alice")
        old.update(updated_at=old.get().updated_at - 100 * DAY)
        for dry_run, sentence in ((True, "Would delete"), (False, "Deleted")):
            said = self.run_command("cleanup_threads", days=90, dry_run=dry_run)
            self.assertEqual(said, f"{sentence} 1 thread, 1 message and 1 file.")
        self.assert_only(CHARLIE)

    def test_R2_a_batch_of_several_owners_is_archived_and_deleted(self) -> None:
        ChatSession.objects.all().delete()
        for number, user_id in enumerate(["alice", "charlie", "alice", "dora"]):
            add_thread(f"thr_{number // 2}", user_id, age=100 * DAY, messages=2, files=1)
        add_thread("thr_0", "dora", messages=1)
        archive = self.media.parent / f"{self.media.name}.jsonl"
        self.addCleanup(archive.unlink)
        said = self.run_command("cleanup_threads", days=90, batch_size=3, archive=str(archive))
        self.assertEqual(said, "Deleted 4 threads, 8 messages and 4 files.")
        self.assertEqual(ChatSession.objects.get().user_id, "dora")
        records = list(map(json.loads, archive.read_text().splitlines()))
        threads = [(r["user_id"], r["id"]) for r in records if r["type"] == "thread"]
        expected = [("alice", "thr_0"), ("charlie", "thr_0"), ("alice", "thr_1"), ("dora", "thr_1")]
        self.assertCountEqual(threads, expected)
        self.assertEqual([r["type"] for r in records].count("item"), 8)

    def test_R4_one_user_is_erased(self) -> None:
        self.run_command("erase_user", "alice")
        self.assert_only(CHARLIE)

    def test_R3_each_thread_is_exported_and_imported_with_its_own_items(self) -> None:
        for user_id, texts in ((None, ["Hers", "His"]), ("alice", ["Hers"]), ("charlie", ["His"])):
            path = Path(self.media) / f"{user_id}.zip"
            self.run_command("export_threads", str(path), user=user_id)
            with zipfile.ZipFile(path) as archive:
                lines = archive.read("threads.jsonl").splitlines()
            records = list(map(json.loads, lines))
            items = [r["item"]["content"][0]["text"] for r in records if r["type"] == "item"]
            self.assertEqual(items, texts)
            self.assertEqual([r["type"] for r in records].count("attachment"), len(texts))
        before = list(ChatMessage.objects.order_by("user_id").values())
        self.call(self.store.delete_thread, "thr_1", ALICE)
        self.run_command("import_threads", str(Path(self.media) / "None.zip"))
        self.assertEqual(list(ChatMessage.objects.order_by("user_id").values()), before)

    def test_S17_check_items_finds_what_each_owner_has(self) -> None:
        ChatMessage.objects.update(payload="{")
        page = partial(ChatMessageQuerySet.iter_pages, size=1)
        with patch.object(ChatMessageQuerySet, "iter_pages", lambda rows, *by: page(rows, *by)):
            found = list(find_undecodable_rows("default"))
        self.assertCountEqual([row.user_id for row in found], ["alice", "charlie"])

    def test_a_thread_stays_with_its_owner_if_the_new_one_has_its_id(self) -> None:
        with self.assertLogs("chatstore.lifecycle.transfer", "WARNING"):
            said = self.run_command("assign_threads", from_user="alice", to_user="charlie")
        self.assertEqual(
            said,
            "1 thread stays, since charlie has one of its ids already: thr_1.\n"
            "Transferred 0 threads, 0 messages and 0 files from alice to charlie.",
        )
        self.call(self.store.delete_thread, "thr_1", CHARLIE)
        self.assert_only(ALICE)

    def test_an_upload_stays_with_its_owner_if_the_new_one_has_its_id(self) -> None:
        for context in (ALICE, CHARLIE):
            self.call(self.store.delete_thread, "thr_1", context)
            self.call(self.store.save_attachment, attachment("atc_2"), context)
        with self.assertLogs("chatstore.lifecycle.transfer", "WARNING"):
            said = self.run_command("assign_threads", from_user="alice", to_user="charlie")
        self.assertIn("Uploads that are in no thread stay, since charlie has one of their", said)
        self.assertEqual(ChatAttachment.objects.filter(user_id="alice").count(), 1)

    def test_M3_a_moderator_deletes_the_thread_of_one(self) -> None:
        actions.delete(ChatSession.objects.get(user_id="alice"), Moderator("Mo"))
        self.assert_only(CHARLIE)
