"""On SQLite, what is redacted or deleted for good is in none of the database's files afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase

from chatstore.lifecycle.sqlite_log import empty_log
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.store import DjangoStore
from tests import base
from tests.base import ALICE
from tests.rows import StorageMixin, add_attachment

SECRET = "squirrel-4711-umbrella"
BY = Moderator("root", "asked for")


@pytest.mark.sqlite
class OverwritingTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        store: DjangoStore[dict[str, str]] = DjangoStore()
        async_to_sync(store.save_thread)(base.thread(title=f"About {SECRET}"), ALICE)
        words = f"About {SECRET} "
        # Short ones share a page with others, long ones fill pages of their own.
        for number, length in enumerate((1, 3, 20, 200, 2_000)):
            for item_id, text in ((f"other{number}", "nothing "), (f"m{number}", words)):
                item = base.user_message(item_id, text * length)
                async_to_sync(store.add_thread_item)("thr_1", item, ALICE)
        for length in range(1, 60, 3):  # a widget or an answer that grows while it is streamed
            grown = base.tool_call("call", output=words * length)
            async_to_sync(store.save_item)("thr_1", grown, ALICE)
        add_attachment(name=SECRET, session=self.thread)

    @property
    def thread(self) -> ChatSession:
        return ChatSession.objects.get()

    def copies(self) -> int:
        """Count the secret in the database's file and in those beside it."""
        name = str(connection.settings_dict["NAME"])
        files = [Path(name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
        return sum(file.read_bytes().count(SECRET.encode()) for file in files if file.exists())

    def redact_all(self) -> None:
        self.thread.attachments.all().delete()
        for message in ChatMessage.objects.filter(payload__contains=SECRET):
            message.session = self.thread
            redact(message, BY, with_title=True)

    def test_M2_R4_what_is_gone_is_gone_from_the_files(self) -> None:
        deletions: dict[str, Callable[[], Any]] = {
            "redacted": self.redact_all,
            "deleted by a moderator": lambda: actions.delete(self.thread, BY),
            "erased": lambda: call_command("erase_user", "alice", verbosity=0),
            "too old": lambda: call_command("cleanup_threads", days=1),
        }
        for number, (name, delete) in enumerate(deletions.items()):
            with self.subTest(name):
                if number:
                    ChatSession.objects.all().delete()
                    self.setUp()
                self.assertGreater(self.copies(), 20)
                ChatSession.objects.update(updated_at="2020-01-01T00:00:00Z")
                delete()
                self.assertEqual(self.copies(), 0)

    def test_M2_R4_after_a_vacuum_also_what_was_stored_without_the_option(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = OFF")
        store: DjangoStore[dict[str, str]] = DjangoStore()
        for number in range(20):
            item = base.user_message(f"more{number}", f"{SECRET} " * 10 * number)
            async_to_sync(store.add_thread_item)("thr_1", item, ALICE)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
            cursor.execute("VACUUM")
        self.redact_all()
        self.assertEqual(self.copies(), 0)

    def test_a_log_that_is_being_read_is_reported(self) -> None:
        other = connections.create_connection("default")
        self.addCleanup(other.close)
        with other.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            cursor.execute("SELECT COUNT(*) FROM chat_messages")
            cursor.fetchall()
        ChatMessage.objects.update(feedback="positive")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 50")
        with self.assertLogs("chatstore.lifecycle.sqlite_log", "WARNING"):
            empty_log("default")
        connection.close()  # the next one has the timeout of the settings
