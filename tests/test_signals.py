"""Signals are sent after the commit, or not at all."""

from __future__ import annotations

from io import StringIO
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import transaction
from django.test import TransactionTestCase

from chatstore import signals
from chatstore.models import ChatSession
from chatstore.store import DjangoStore
from tests import base
from tests.rows import DAY, StorageMixin, add_thread


class SignalsTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        for name in ("thread_created", "item_added", "thread_deleted", "feedback_given"):
            signal = getattr(signals, name)

            def receive(signal: Any, name: str = name, **values: Any) -> None:
                self.assertIs(values.pop("sender"), ChatSession)
                self.assertEqual(values.pop("using"), "default")
                self.assertFalse(transaction.get_connection().in_atomic_block)
                self.heard.append((name, values))

            signal.connect(receive, weak=False)
            self.addCleanup(signal.disconnect, receive)
        self.store = DjangoStore()

    def do(self, operation: str, *args: Any) -> None:
        async_to_sync(getattr(self.store, operation))(*args, base.ALICE)

    def test_each_operation_sends_one_signal(self) -> None:
        alice = {"user_id": "alice", "thread_id": "thr_1"}
        item = alice | {"item_id": "msg_1"}
        self.do("save_thread", base.thread())
        self.do("save_thread", base.thread(title="Renamed"))
        self.do("add_thread_item", "thr_1", base.user_message())
        self.do("add_thread_item", "thr_1", base.user_message())
        self.do("save_item", "thr_1", base.user_message(text="Other"))
        self.do("save_feedback", "thr_1", ["msg_1"], "positive")
        self.do("save_feedback", "thr_1", ["unknown"], "positive")
        self.do("delete_thread_item", "thr_1", "msg_1")
        self.do("delete_thread", "thr_1")
        self.do("delete_thread", "thr_1")
        self.assertEqual(
            self.heard,
            [
                ("thread_created", alice),
                ("item_added", item | {"item_type": "user_message"}),
                ("feedback_given", alice | {"item_ids": ["msg_1"], "kind": "positive"}),
                ("thread_deleted", alice),
            ],
        )

    def test_deleting_a_thread_with_files_sends_a_signal(self) -> None:
        add_thread("thr_1", files=1)
        self.do("delete_thread", "thr_1")
        self.assertEqual([name for name, _values in self.heard], ["thread_deleted"])

    def test_retention_and_erasure_send_a_signal_for_each_thread(self) -> None:
        add_thread("old", "alice", age=100 * DAY)
        add_thread("held", "alice", age=100 * DAY, is_on_hold=True)
        add_thread("mine", "bob")
        call_command("cleanup_threads", days=90, stdout=StringIO())
        call_command("erase_user", "bob", stdout=StringIO())
        self.assertEqual([values["thread_id"] for _name, values in self.heard], ["old", "mine"])

    def test_after_a_rollback_no_signal_is_sent(self) -> None:
        with self.assertRaises(KeyError), transaction.atomic():
            self.do("save_thread", base.thread())
            raise KeyError
        self.assertEqual(self.heard, [])

    def test_an_error_in_a_receiver_does_no_harm(self) -> None:
        def fail(**values: Any) -> None:
            raise OSError

        signals.item_added.connect(fail)
        self.addCleanup(signals.item_added.disconnect, fail)
        self.do("save_thread", base.thread())
        with self.assertLogs("django.dispatch", "ERROR"):
            self.do("add_thread_item", "thr_1", base.user_message())
        self.do("load_item", "thr_1", "msg_1")
        self.assertEqual(len(self.heard), 2)
