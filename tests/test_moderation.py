"""M1 to M4: moderators' actions, and their effect on the store, users and the record."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import partial
from typing import Any
from unittest.mock import patch

from asgiref.sync import async_to_sync, sync_to_async
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageItem,
    ClosedStatus,
    EndOfTurnItem,
    GeneratedImage,
    GeneratedImageItem,
    LockedStatus,
    SDKHiddenContextItem,
    StructuredInputFreeform,
    StructuredInputItem,
    TaskItem,
    ThoughtTask,
    ThreadItemDoneEvent,
    WidgetItem,
)
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.test import AsyncClient, TestCase, TransactionTestCase, override_settings

from chatstore import codec, signals
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatAttachment, ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server import ChatServer
from chatstore.store import DjangoStore
from tests import base
from tests.base import ALICE
from tests.proxy import elsewhere
from tests.rows import StorageMixin, add_attachment, add_thread

SECRET = "my secret is 12345"


class ModerationTestCase(StorageMixin, TestCase):
    """A thread of alice with a question and an answer, and bob, a moderator."""

    def setUp(self) -> None:
        super().setUp()
        self.store: DjangoStore[dict[str, str]] = DjangoStore()
        self.bob = get_user_model().objects.create_superuser("bob")
        self.by = Moderator.from_user(self.bob, "rude")
        self.save(base.thread(title="A title", status=LockedStatus(reason="by the application")))
        self.add(base.user_message(text=SECRET))
        self.add(base.answer())

    def save(self, thread: Any) -> None:
        async_to_sync(self.store.save_thread)(thread, ALICE)

    def add(self, item: Any) -> None:
        async_to_sync(self.store.add_thread_item)("thr_1", item, ALICE)

    def load(self) -> Any:
        return async_to_sync(self.store.load_thread)("thr_1", ALICE)

    def load_item(self, item_id: str) -> Any:
        return async_to_sync(self.store.load_item)("thr_1", item_id, ALICE)

    def item_ids(self) -> list[str]:
        page = async_to_sync(self.store.load_thread_items)("thr_1", None, 20, "asc", ALICE)
        return [item.id for item in page.data]

    @property
    def thread(self) -> ChatSession:
        return ChatSession.objects.get()

    def message(self, item_id: str = "msg_1") -> ChatMessage:
        return ChatMessage.objects.get(item_id=item_id)


class StatusTest(ModerationTestCase):
    def test_M1_the_lock_is_shown_with_its_reason_and_stored_apart(self) -> None:
        actions.lock(self.thread, self.by)
        loaded = self.load()
        self.assertIsInstance(loaded.status, LockedStatus)
        self.assertEqual(loaded.status.reason, "rude")

        loaded.title = "Renamed"
        self.save(loaded)
        self.assertEqual(self.load().status.reason, "rude")
        self.assertEqual(self.thread.reason, "by the application")

    def test_M1_reopening_restores_the_status_of_the_application(self) -> None:
        actions.close(self.thread, self.by)
        before = self.load()
        self.assertIsInstance(before.status, ClosedStatus)
        actions.reopen(self.thread, self.by)
        self.assertEqual(self.load().status, LockedStatus(reason="by the application"))

        self.save(before)  # a rename that began before
        self.assertEqual(self.load().status, LockedStatus(reason="by the application"))

    def test_a_thread_that_is_gone_is_refused_and_leaves_no_record(self) -> None:
        thread = self.thread
        async_to_sync(self.store.delete_thread)("thr_1", ALICE)
        with self.assertRaises(ModerationRefused):
            actions.lock(thread, self.by)
        self.assertFalse(ModerationRecord.objects.exists())


class HidingTest(ModerationTestCase):
    def setUp(self) -> None:
        super().setUp()
        add_attachment(session=self.thread, message_id=self.message().pk)
        self.add(base.answer("msg_3"))

    def test_M2_a_hidden_message_and_its_files_are_not_seen_and_can_be_shown_again(
        self,
    ) -> None:
        actions.hide(self.message(), self.by)
        self.assertEqual(self.item_ids(), ["msg_2", "msg_3"])
        with self.assertRaises(NotFoundError):
            self.load_item("msg_1")
        with self.assertRaises(NotFoundError):
            async_to_sync(self.store.load_attachment)("atc_1", ALICE)

        actions.show(self.message(), self.by)
        self.assertEqual(self.item_ids(), ["msg_1", "msg_2", "msg_3"])
        async_to_sync(self.store.load_attachment)("atc_1", ALICE)

    def test_M2_later_writes_keep_it_hidden(self) -> None:
        actions.hide(self.message("msg_2"), self.by)
        async_to_sync(self.store.save_item)("thr_1", base.answer(text="Again"), ALICE)
        self.add(base.answer(text="And again"))
        self.assertEqual(self.item_ids(), ["msg_1", "msg_3"])

    def test_M2_a_retry_removes_the_hidden_ones_after_its_message_too(self) -> None:
        actions.hide(self.message("msg_2"), self.by)
        async_to_sync(self.store.delete_items_after)("thr_1", "msg_1", ALICE)
        self.assertEqual(ChatMessage.objects.count(), 1)

    def test_M2_what_a_script_has_hidden_can_be_shown_again(self) -> None:
        cron = Moderator("cron")
        actions.hide(self.message(), cron)
        self.assertEqual(self.message().hidden_by, "cron")
        actions.show(self.message(), cron)
        self.assertIsNone(self.message().hidden_at)

    def test_what_is_hidden_already_or_not_at_all_is_refused(self) -> None:
        with self.assertRaises(ModerationRefused):
            actions.show(self.message(), self.by)
        actions.hide(self.message(), self.by)
        with self.assertRaises(ModerationRefused):
            actions.hide(self.message(), self.by)


class RedactionTest(ModerationTestCase):
    def redact(self, item_id: str, **options: Any) -> ChatMessage:
        with self.captureOnCommitCallbacks(execute=True):
            redact(self.message(item_id), self.by, **options)
        return self.message(item_id)

    def test_M2_each_type_of_item_is_overwritten_by_a_valid_one_of_its_type(self) -> None:
        stamp = {"thread_id": "thr_1", "created_at": base.NOW}
        question = StructuredInputFreeform(id="q", question=SECRET)
        card = {"type": "Card", "children": [{"type": "Text", "value": SECRET}]}
        items = [
            base.user_message("i1", SECRET, quoted_text=SECRET, attachments=[base.attachment()]),
            base.answer("i2", SECRET),
            base.tool_call("i3", name="find", arguments={"what": SECRET}, output=SECRET),
            WidgetItem(id="i4", widget=card, **stamp),
            GeneratedImageItem(id="i5", image=GeneratedImage(id="i", url=SECRET), **stamp),
            StructuredInputItem(id="i6", inputs=[question], **stamp),
            base.workflow("i7"),
            TaskItem(id="i8", task=ThoughtTask(content=SECRET), **stamp),
            base.hidden_context("i9", {"note": SECRET}),
            SDKHiddenContextItem(id="i10", content=SECRET, **stamp),
            EndOfTurnItem(id="i11", **stamp),
        ]
        for item in items:
            with self.subTest(item.type):
                self.add(item)
                before = self.message(item.id)
                row = self.redact(item.id)
                self.assertIsNotNone(row.redacted_at)
                self.assertNotIn(SECRET, row.payload + row.content)
                self.assertEqual(row.item_type, item.type)
                self.assertEqual(row.timestamp, before.timestamp)
                loaded = self.load_item(item.id)
                self.assertIs(type(loaded), type(item))
                self.assertEqual(loaded.created_at, base.NOW)

    def test_M2_it_refuses_later_writes(self) -> None:
        row = self.redact("msg_2")
        async_to_sync(self.store.save_item)("thr_1", base.answer(text=SECRET), ALICE)
        self.add(base.answer(text=SECRET))
        self.assertEqual(self.message("msg_2").payload, row.payload)

    def test_M2_its_files_are_deleted_from_table_and_storage(self) -> None:
        add_attachment(session=self.thread, message_id=self.message().pk)
        self.assertEqual(len(self.stored()), 1)
        self.redact("msg_1")
        self.assertFalse(ChatAttachment.objects.exists())
        self.assertEqual(self.stored(), set())

    def test_M2_a_title_is_removed_if_it_is_taken_from_the_message(self) -> None:
        self.redact("msg_1")
        self.assertEqual(self.load().title, "A title")

        ChatSession.objects.all().delete()
        for title in ("My Secret is…", SECRET):
            with self.subTest(title):
                self.save(base.thread(title=title))
                self.add(base.user_message(text=f"Hello,  {SECRET}"))
                self.redact("msg_1")
                self.assertIsNone(self.load().title)
                self.assertEqual(self.thread.title, "")
                ChatSession.objects.all().delete()

    def test_a_title_is_removed_if_the_moderator_chooses_it(self) -> None:
        self.redact("msg_1", with_title=True)
        self.assertIsNone(self.load().title)

    def test_what_cannot_be_read_today_is_redacted_all_the_same(self) -> None:
        payload = json.dumps({"type": "from the future", "text": SECRET})
        rows = ChatMessage.objects.filter(item_id="msg_1")
        rows.update(payload=payload, item_type="from the future", metadata={"note": SECRET})
        row = self.redact("msg_1")
        self.assertNotIn(SECRET, row.payload + row.content + json.dumps(row.metadata))
        codec.load_item(row.payload)

    def test_the_placeholder_is_in_the_language_of_the_site_not_the_moderator(self) -> None:
        from django.utils import translation

        with translation.override("de"):
            row = self.redact("msg_2")
        self.assertEqual(row.content, "Removed by a moderator.")


class HoldTest(ModerationTestCase):
    def setUp(self) -> None:
        super().setUp()
        add_attachment(session=self.thread, message_id=self.message().pk)
        actions.hold(self.thread, self.by)

    def delete(self, name: str, *args: str) -> None:
        async_to_sync(getattr(self.store, name))(*args, ALICE)

    def test_M4_deletions_by_the_user_hide_and_keep(self) -> None:
        for name, args in (
            ("delete_thread_item", ("thr_1", "msg_2")),
            ("delete_items_after", ("thr_1", "msg_1")),
            ("delete_attachment", ("atc_1",)),
            ("delete_thread", ("thr_1",)),
        ):
            self.delete(name, *args)
        with self.assertRaises(NotFoundError):
            self.load()
        with self.assertRaises(NotFoundError):
            async_to_sync(self.store.load_attachment)("atc_1", ALICE)
        self.assertEqual(ChatMessage.objects.count(), 2)
        self.assertEqual(len(self.stored()), 1)

    def test_M4_an_attachment_deleted_by_itself_is_hidden_and_kept(self) -> None:
        self.delete("delete_attachment", "atc_1")
        with self.assertRaises(NotFoundError):
            async_to_sync(self.store.load_attachment)("atc_1", ALICE)
        self.assertEqual(len(self.stored()), 1)

    def test_M4_files_of_what_their_owner_deletes_are_hidden_from_them(self) -> None:
        for name, args in (
            ("delete_thread_item", ("thr_1", "msg_1")),
            ("delete_thread", ("thr_1",)),
        ):
            with self.subTest(name):
                self.delete(name, *args)
                with self.assertRaises(NotFoundError):
                    async_to_sync(self.store.load_attachment)("atc_1", ALICE)
                ChatAttachment.objects.update(hidden_at=None)
        self.assertEqual(len(self.stored()), 1)

    def test_M4_save_thread_does_not_show_it_again(self) -> None:
        self.delete("delete_thread", "thr_1")
        with self.assertRaises(NotFoundError):
            self.save(base.thread(title="Again"))
        self.assertIsNotNone(self.thread.hidden_at)

    def test_M4_a_thread_that_its_owner_deleted_is_not_listed_and_takes_no_item(self) -> None:
        self.delete("delete_thread", "thr_1")
        page = async_to_sync(self.store.load_threads)(9, None, "asc", ALICE)
        self.assertEqual(page.data, [])
        self.assertEqual(self.item_ids(), [])
        for put in (self.store.add_thread_item, self.store.save_item):
            with self.subTest(put.__name__), self.assertRaises(NotFoundError):
                async_to_sync(put)("thr_1", base.answer("msg_3"), ALICE)
        self.delete("delete_items_after", "thr_1", "msg_1")
        self.assertEqual(ChatMessage.objects.visible().count(), 2)

    def test_M4_what_its_owner_deleted_is_not_shown_to_them_again(self) -> None:
        actions.hide(self.message("msg_2"), self.by)
        self.delete("delete_items_after", "thr_1", "msg_1")
        with self.assertRaises(ModerationRefused):
            actions.show(self.message("msg_2"), self.by)

    def test_M4_not_even_a_moderator_deletes_it_before_it_is_released(self) -> None:
        with self.assertRaises(ModerationRefused):
            actions.delete(self.thread, self.by)
        self.assertEqual(ModerationRecord.objects.count(), 1)  # of the hold
        actions.release(self.thread, self.by)
        with self.captureOnCommitCallbacks(execute=True):
            actions.delete(self.thread, self.by)
        self.assertFalse(ChatSession.objects.exists())
        self.assertEqual(self.stored(), set())

    def test_M4_a_file_that_its_owner_deleted_is_not_shown_with_its_message(self) -> None:
        self.delete("delete_attachment", "atc_1")
        actions.hide(self.message(), self.by)
        actions.show(self.message(), self.by)
        with self.assertRaises(NotFoundError):
            async_to_sync(self.store.load_attachment)("atc_1", ALICE)

    def test_M4_what_is_on_hold_is_not_redacted(self) -> None:
        payload = self.message().payload
        with self.assertRaises(ModerationRefused):
            redact(self.message(), self.by)
        self.assertEqual(self.message().payload, payload)
        actions.release(self.thread, self.by)
        redact(self.message(), self.by)
        self.assertNotIn(SECRET, self.message().payload)


class OtherRowsTest(StorageMixin, TestCase):
    def test_M1_M2_an_action_changes_what_it_is_for_and_nothing_else(self) -> None:
        by = Moderator("bob", "rude")
        thread = add_thread("thr_1", messages=2, files=1)
        message = thread.messages.get(item_id="msg_1")
        other_message = thread.messages.get(item_id="msg_0")
        add_attachment("atc_other", session=thread, message_id=other_message.pk)
        add_thread("thr_2", messages=2, files=1)

        def others() -> list[Any]:
            return [
                list(ChatSession.objects.exclude(pk=thread.pk).values()),
                list(ChatMessage.objects.exclude(pk=message.pk).order_by("pk").values()),
                list(ChatAttachment.objects.exclude(message=message).order_by("pk").values()),
            ]

        before = others()
        for act in ("lock", "close", "reopen", "hold", "release"):
            with self.subTest(act):
                getattr(actions, act)(thread, by)
                self.assertEqual(others(), before)
        for act in (actions.hide, actions.show, redact):
            with self.subTest(act.__name__):
                act(message, by)
                self.assertEqual(others(), before)
        actions.delete(thread, by)
        self.assertEqual(ChatSession.objects.get().thread_id, "thr_2")
        self.assertEqual(ChatMessage.objects.count(), 2)

    def test_M1_M4_what_has_ended_leaves_no_reason(self) -> None:
        thread, by = add_thread("thr_1"), Moderator("bob", "rude")
        for act in ("lock", "reopen", "hold", "release"):
            getattr(actions, act)(thread, by)
        thread.refresh_from_db()
        self.assertEqual((thread.moderation_reason, thread.hold_reason), ("", ""))


class HoldAndDeletionAtOnceTest(StorageMixin, TransactionTestCase):
    """A moderator puts a thread on hold; before that commits, its owner deletes."""

    def test_M4_a_deletion_waits_for_a_hold_that_is_being_set(self) -> None:
        store: DjangoStore[dict[str, str]] = DjangoStore()
        by = Moderator("bob")
        for number, (operation, files, *item_ids) in enumerate(
            (
                (store.delete_thread_item, 0, "msg_1"),
                (store.delete_items_after, 0, "msg_1"),
                (store.delete_thread, 0),
                (store.delete_thread, 1),
            )
        ):
            thread = add_thread(f"thr_{number}", files=files)
            arguments = (thread.thread_id, *item_ids, ALICE)
            deletion = threading.Thread(
                target=elsewhere(partial(async_to_sync(operation), *arguments))
            )
            with self.subTest(operation.__name__, files=files):
                with transaction.atomic():
                    actions.hold(thread, by)
                    deletion.start()
                    deletion.join(0.2)
                deletion.join()
                self.assertEqual(ChatMessage.objects.filter(session=thread).count(), 2)
                self.assertEqual(ChatAttachment.objects.filter(session=thread).count(), files)

    def test_M4_a_redaction_waits_for_a_hold_that_is_being_set(self) -> None:
        thread = add_thread("thr_1")
        message = thread.messages.first()
        refusals: list[ModerationRefused] = []

        def try_to_redact() -> None:
            try:
                redact(message, Moderator("carol"))
            except ModerationRefused as refused:
                refusals.append(refused)

        redaction = threading.Thread(target=elsewhere(try_to_redact))
        with transaction.atomic():
            actions.hold(thread, Moderator("bob"))
            redaction.start()
            redaction.join(0.2)
        redaction.join()
        self.assertIn("on hold", str(refusals[0]))
        self.assertEqual(ChatMessage.objects.get(pk=message.pk).payload, message.payload)


class RecordTest(ModerationTestCase):
    def test_M3_each_action_is_recorded_with_who_when_why_and_which_ids(self) -> None:
        for act in ("lock", "close", "reopen", "hold", "release"):
            getattr(actions, act)(self.thread, self.by)
        for act in (actions.hide, actions.show, redact):
            act(self.message(), self.by)
        actions.delete(self.thread, self.by)
        records = ModerationRecord.objects.order_by("id")
        acts = ["lock", "close", "reopen", "hold", "release", "hide", "show", "redact", "delete"]
        self.assertEqual([record.action for record in records], acts)
        for record in records:
            self.assertEqual(
                (record.staff_id, record.staff_name, record.reason, record.thread_id),
                (str(self.bob.pk), "bob", "rude", "thr_1"),
            )
            self.assertEqual(record.user_id, "alice")
        self.assertEqual(records[5].item_ids, ["msg_1"])

    def test_M3_the_record_holds_no_text_and_outlives_the_account(self) -> None:
        actions.hide(self.message(), self.by)
        redact(self.message(), self.by, with_title=True)
        kept = str(list(ModerationRecord.objects.values()))
        for text in (SECRET, "A title"):
            self.assertNotIn(text, kept)
        self.bob.delete()
        self.assertEqual(ModerationRecord.objects.count(), 2)

    def test_M3_an_action_without_its_record_is_not_done(self) -> None:
        with (
            patch.object(ModerationRecord.objects, "using", side_effect=DatabaseError),
            self.assertRaises(DatabaseError),
        ):
            actions.lock(self.thread, self.by)
        self.assertEqual(ChatSession.objects.get().moderation, "")
        self.assertFalse(ModerationRecord.objects.exists())

    def test_M3_a_script_without_an_account_moderates_under_its_name(self) -> None:
        actions.lock(self.thread, Moderator("cron", "Over quota."))
        record = ModerationRecord.objects.get()
        self.assertEqual((record.staff_name, record.staff_id), ("cron", ""))
        self.assertEqual((record.action, record.reason), ("lock", "Over quota."))
        self.assertEqual(ChatSession.objects.get().moderation, "locked")

    def test_M3_a_moderator_needs_a_name(self) -> None:
        with self.assertRaisesMessage(ValueError, "needs a name"):
            Moderator("")

    def test_the_signal_is_sent_after_the_commit(self) -> None:
        heard: list[dict[str, Any]] = []

        def listen(sender: Any, **values: Any) -> None:
            heard.append(values)

        signals.thread_moderated.connect(listen)
        self.addCleanup(signals.thread_moderated.disconnect, listen)
        with self.captureOnCommitCallbacks(execute=True):
            actions.lock(self.thread, self.by)
            self.assertEqual(heard, [])
        self.assertEqual(heard[0]["action"], "lock")
        self.assertEqual(heard[0]["thread_id"], "thr_1")
        self.assertNotIn("rude", str(heard))


class Pausing(ChatServer[Any]):
    """Answers in two parts; between them it waits until the moderator has acted."""

    begun: asyncio.Event
    go_on: asyncio.Event

    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        thread.title = "Set while it was open"
        Pausing.begun.set()
        await asyncio.wait_for(Pausing.go_on.wait(), 10)
        item = base.answer(codec.new_id("message"), "All of the answer", thread_id=thread.id)
        yield ThreadItemDoneEvent(item=AssistantMessageItem.model_validate(item.model_dump()))


@override_settings(CHATSTORE_SERVER="tests.test_moderation.Pausing")
class WhileItStreamsTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        users = get_user_model().objects
        cls.alice = users.create_user("alice")
        cls.bob = users.create_superuser("bob")

    async def ask(self, client: AsyncClient, type_: str, **params: Any) -> str:
        message = {
            "content": [{"type": "input_text", "text": "Hello"}],
            "attachments": [],
            "inference_options": {},
        }
        request = {"type": type_, "params": {**params, "input": message}}
        response = await client.post("/chat/api/", request, content_type="application/json")
        self.assertEqual(response.status_code, 200)
        chunks = [chunk async for chunk in response.streaming_content]
        return b"".join(chunks).decode()

    async def test_M1_a_lock_set_while_an_answer_streams_is_there_afterwards(self) -> None:
        Pausing.begun, Pausing.go_on = asyncio.Event(), asyncio.Event()
        chat, admin = AsyncClient(), AsyncClient()
        await chat.aforce_login(self.alice)
        await admin.aforce_login(self.bob)

        answer = asyncio.create_task(self.ask(chat, "threads.create"))
        await asyncio.wait_for(Pausing.begun.wait(), 10)
        thread = await ChatSession.objects.aget()
        url = f"/admin/chatstore/chatsession/{thread.pk}/do/"
        await admin.post(f"{url}lock/", {"reason": "Please be kind."})
        Pausing.go_on.set()
        self.assertIn("All of the answer", await answer)

        await thread.arefresh_from_db()
        self.assertEqual((thread.moderation, thread.status), ("locked", "active"))
        self.assertEqual(thread.title, "Set while it was open")
        self.assertEqual(await ChatMessage.objects.acount(), 2)

        refused = await self.ask(chat, "threads.add_user_message", thread_id=thread.thread_id)
        self.assertIn("Please be kind.", refused)
        self.assertEqual(await ChatMessage.objects.acount(), 2)

        await admin.post(f"{url}reopen/", {"reason": "Sorry."})
        store: DjangoStore[dict[str, str]] = DjangoStore()
        loaded = await store.load_thread(thread.thread_id, {"user_id": str(self.alice.pk)})
        self.assertEqual(loaded.status.type, "active")
        records = await sync_to_async(ModerationRecord.objects.count)()
        self.assertEqual(records, 2)
