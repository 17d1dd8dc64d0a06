"""StoreContract on MemoryStore, and on DjangoStore with the database in DATABASE_URL."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any
from unittest import IsolatedAsyncioTestCase

from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from chatkit.types import LockedStatus
from django.test import TestCase, TransactionTestCase
from django.utils import timezone

from chatstore.models import ChatAttachment, ChatMessage, ChatSession, message_key
from chatstore.store import DjangoStore
from chatstore.testing import MemoryStore, StoreContract, samples


class MemoryStoreTest(StoreContract, IsolatedAsyncioTestCase):
    store: MemoryStore

    def make_store(self) -> MemoryStore:
        return MemoryStore()

    def _item(self, thread_id: str, item_id: str):
        return self.store._threads[thread_id].items[item_id]

    async def break_payload(self, thread_id: str, item_id: str) -> None:
        self._item(thread_id, item_id).payload = '{"type": "from the future"}'

    async def hide_item(self, thread_id: str, item_id: str) -> None:
        self._item(thread_id, item_id).is_hidden = True

    async def redact_item(self, thread_id: str, item_id: str) -> None:
        self._item(thread_id, item_id).is_redacted = True

    async def feedback_of(self, thread_id: str, item_id: str) -> str:
        return self._item(thread_id, item_id).feedback


class DjangoStoreContract(StoreContract):
    def make_store(self) -> DjangoStore:
        return DjangoStore()

    def _row(self, thread_id: str, item_id: str):
        return ChatMessage.objects.filter(message_id=message_key(thread_id, item_id))

    async def break_payload(self, thread_id: str, item_id: str) -> None:
        await self._row(thread_id, item_id).aupdate(payload='{"type": "from the future"}')

    async def hide_item(self, thread_id: str, item_id: str) -> None:
        await self._row(thread_id, item_id).aupdate(hidden_at=timezone.now())

    async def redact_item(self, thread_id: str, item_id: str) -> None:
        await self._row(thread_id, item_id).aupdate(redacted_at=timezone.now())

    async def feedback_of(self, thread_id: str, item_id: str) -> str:
        return (await self._row(thread_id, item_id).aget()).feedback


class DjangoStoreTest(DjangoStoreContract, TestCase):
    """In the transaction of the test."""


class DjangoStoreWithCommitsTest(DjangoStoreContract, TransactionTestCase):
    """Each operation commits and gives its connection back, as in production."""


class PositionsTest(TestCase):
    """S10: the positions and the last activity in the rows."""

    def setUp(self) -> None:
        self.now = timezone.now().replace(microsecond=0)
        self.context = {"user_id": "alice"}
        self.call("save_thread", samples.thread(created_at=self.now - dt.timedelta(days=9)))

    def call(self, method: str, *arguments: Any) -> Any:
        return async_to_sync(getattr(DjangoStore(), method))(*arguments, self.context)

    def add(self, item_id: str, created_at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Add an item, and return its position and the thread's last activity."""
        item = samples.user_message(item_id, created_at=created_at)
        self.call("add_thread_item", "thr_1", item)
        return ChatMessage.objects.get(item_id=item_id).timestamp, self.activity()

    def activity(self) -> dt.datetime:
        return ChatSession.objects.get().updated_at

    def test_S10_a_position_is_the_items_time_if_it_is_later_than_the_last(self) -> None:
        self.assertEqual(self.activity(), self.now - dt.timedelta(days=9))
        for number, days in enumerate((-20, -8, -7)):
            time = self.now + dt.timedelta(days=days)
            self.assertEqual(self.add(f"msg_{number}", time), (time, time))

    def test_S10_a_position_is_a_microsecond_after_the_last_otherwise(self) -> None:
        time = self.now - dt.timedelta(days=8)
        self.add("msg_0", time)
        for number, days in enumerate((0, -1, -400, -300_000), start=1):
            position = time + dt.timedelta(microseconds=number)
            added = self.add(f"msg_{number}", time + dt.timedelta(days=days))
            self.assertEqual(added, (position, position))

    def test_S10_a_position_is_never_in_the_future(self) -> None:
        position, activity = self.add("msg_0", self.now + dt.timedelta(days=3))
        self.assertEqual(position, activity)
        self.assertTrue(self.now <= position <= timezone.now())
        later, _ = self.add("msg_1", self.now + dt.timedelta(days=1))
        self.assertTrue(position < later <= timezone.now())

    def test_S10_after_a_clock_that_was_ahead_positions_still_grow(self) -> None:
        ahead = self.now + dt.timedelta(days=30)
        ChatSession.objects.update(updated_at=ahead, is_started=True)
        position = ahead + dt.timedelta(microseconds=1)
        self.assertEqual(self.add("msg_0", self.now), (position, position))

    def test_S10_reading_renaming_and_feedback_are_no_activity(self) -> None:
        before = self.add("msg_0", self.now)
        self.call("add_thread_item", "thr_1", samples.user_message("msg_0"))
        self.call("save_item", "thr_1", samples.user_message("msg_0", "New"))
        self.call("save_thread", samples.thread(title="New"))
        self.call("save_feedback", "thr_1", ["msg_0"], "positive")
        self.call("load_thread_items", "thr_1", None, 9, "asc")
        position = ChatMessage.objects.get().timestamp
        self.assertEqual((position, self.activity()), before)
        self.call("delete_thread_item", "thr_1", "msg_0")
        self.assertEqual(self.activity(), before[1])


class ModeratedStatusTest(TestCase):
    """M1: the part that the store does."""

    async def test_M1_saving_what_shows_a_moderators_status_keeps_the_applications_own(
        self,
    ) -> None:
        store, context = DjangoStore(), {"user_id": "alice"}
        own = LockedStatus(reason="The application's")
        await store.save_thread(samples.thread(status=own), context)
        await ChatSession.objects.aupdate(moderation="closed", moderation_reason="Rude")
        shown = await store.load_thread("thr_1", context)
        self.assertEqual((shown.status.type, shown.status.reason), ("closed", "Rude"))
        [listed] = (await store.load_threads(9, None, "asc", context)).data
        self.assertEqual(listed.status.type, "closed")
        shown.title = "Renamed"
        await store.save_thread(shown, context)
        self.assertEqual((await store.load_thread("thr_1", context)).status.reason, "Rude")
        await ChatSession.objects.aupdate(moderation="", moderation_reason="")
        await store.save_thread(shown, context)  # still with the moderator's status
        reopened = await store.load_thread("thr_1", context)
        self.assertEqual((reopened.status, reopened.title), (own, "Renamed"))


class UndecodableThreadTest(TestCase):
    async def test_S17_a_thread_or_attachment_that_cant_be_decoded_is_skipped_and_kept(
        self,
    ) -> None:
        store, context = DjangoStore(), {"user_id": "alice"}
        for number in range(3):
            created_at = samples.NOW + dt.timedelta(seconds=number)
            await store.save_thread(samples.thread(f"thr_{number}", created_at=created_at), context)
        await ChatSession.objects.filter(thread_id="thr_1").aupdate(payload="{}")
        with self.assertLogs("chatstore", "WARNING") as logs:
            page = await store.load_threads(2, None, "asc", context)
        self.assertIn("thr_1", logs.output[0])
        self.assertEqual([each.id for each in page.data], ["thr_0"])
        self.assertEqual((page.has_more, page.after), (True, "thr_1"))
        page = await store.load_threads(2, "thr_1", "asc", context)
        self.assertEqual([each.id for each in page.data], ["thr_2"])
        with self.assertLogs("chatstore", "WARNING"), self.assertRaises(NotFoundError):
            await store.load_thread("thr_1", context)
        await store.save_attachment(samples.attachment(), context)
        await ChatAttachment.objects.aupdate(payload="not even JSON")
        with self.assertLogs("chatstore", "WARNING"), self.assertRaises(NotFoundError):
            await store.load_attachment("atc_1", context)
        self.assertEqual(await ChatSession.objects.acount(), 3)

    async def test_S18_of_what_cant_be_decoded_the_log_tells_the_id_and_no_text(self) -> None:
        store, context = DjangoStore(), {"user_id": "alice"}
        await store.save_thread(samples.thread(), context)
        await store.add_thread_item("thr_1", samples.user_message(), context)
        await ChatMessage.objects.aupdate(payload='{"type": "from the future", "text": "secret"}')
        with self.assertLogs("chatstore", "WARNING") as logs:
            await store.load_thread_items("thr_1", None, 9, "asc", context)
        logged = "\n".join(map(logging.Formatter().format, logs.records))
        self.assertIn("msg_1", logged)
        self.assertNotIn("secret", logged)
