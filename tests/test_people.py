"""People: their page in the admin, and their suspension (M6)."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from asgiref.sync import sync_to_async
from chatkit.types import ThreadItemDoneEvent
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import AsyncClient, TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatReport, ChatSuspension, ModerationRecord
from chatstore.moderation import people, reports
from chatstore.moderation.records import Moderator
from chatstore.server import ChatServer, suspensions
from tests import base
from tests.endpoint import API, REQUEST_TYPES, Belongings, EndpointMixin
from tests.moderators import THREADS, client_of, staff
from tests.rows import StorageMixin, add_thread, everything

BY = Moderator("carol", "Be kind", "1")
READS = {"threads.get_by_id", "threads.list", "items.list"}
HOUR = dt.timedelta(hours=1)


def page_of(user_id: str, *parts: str) -> str:
    return "/".join([f"{THREADS}people", user_id.encode().hex(), *parts, ""])


class SuspensionTest(TestCase):
    def test_M6_it_and_its_lifting_are_on_record(self) -> None:
        people.suspend("alice", BY, ends_at=timezone.now() + HOUR)
        suspension = ChatSuspension.objects.get()
        self.assertEqual((suspension.user_id, suspension.reason), ("alice", "Be kind"))
        self.assertEqual(suspension.suspended_by, "carol")
        people.lift("alice", BY)
        self.assertFalse(ChatSuspension.objects.exists())
        records = ModerationRecord.objects.order_by("pk")
        self.assertEqual(
            list(records.values_list("action", "user_id", "thread_id", "reason")),
            [("suspend", "alice", "", "Be kind"), ("lift", "alice", "", "Be kind")],
        )

    def test_M6_a_person_has_one_the_last_that_was_set(self) -> None:
        people.suspend("alice", BY)
        people.suspend("bob", BY)
        people.suspend("alice", Moderator("dora", "Again"), ends_at=timezone.now() + HOUR)
        self.assertEqual(ChatSuspension.objects.get(user_id="alice").reason, "Again")
        self.assertEqual(ChatSuspension.objects.get(user_id="bob").reason, "Be kind")

    def test_M6_of_two_moderators_at_once_the_later_one_wins(self) -> None:
        people.suspend("alice", Moderator("dora", "First"))
        queryset = type(ChatSuspension.objects.all())
        update, answers = queryset.update, [0]  # as if the first was not there yet

        def late(rows: Any, **columns: Any) -> Any:
            return answers.pop() if answers else update(rows, **columns)

        with patch.object(queryset, "update", late):
            people.suspend("alice", BY)
        self.assertEqual(ChatSuspension.objects.get().reason, "Be kind")

    def test_it_needs_a_reason_and_an_end_in_the_future(self) -> None:
        with self.assertRaises(ValueError):
            people.suspend("alice", Moderator("carol"))
        with self.assertRaises(ModerationRefused):
            people.suspend("alice", BY, ends_at=timezone.now())
        with self.assertRaises(ModerationRefused):
            people.lift("alice", BY)
        self.assertFalse(ModerationRecord.objects.exists())

    def test_M6_it_is_not_done_without_its_record(self) -> None:
        with (
            patch("chatstore.moderation.people.record", side_effect=DatabaseError),
            self.assertRaises(DatabaseError),
        ):
            people.suspend("alice", BY)
        self.assertFalse(ChatSuspension.objects.exists())

    def test_R4_erasure_leaves_one_in_force_and_deletes_one_that_has_ended(self) -> None:
        people.suspend("alice", BY)
        people.suspend("bob", BY)
        ended = ChatSuspension.objects.filter(user_id="bob")
        ended.update(ends_at=timezone.now() - HOUR)
        for user_id in ("alice", "bob"):
            call_command("erase_user", user_id, stdout=io.StringIO())
        self.assertEqual(ChatSuspension.objects.get().user_id, "alice")


class RefusedTest(EndpointMixin, TestCase):
    """What a suspended person's requests are answered."""

    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")

    async def suspend(self, **options: Any) -> None:
        await sync_to_async(people.suspend)(self.alice["user_id"], BY, **options)

    async def test_M6_every_writing_request_is_403_with_the_reason_and_stores_nothing(self) -> None:
        await self.suspend()
        before = await sync_to_async(everything)()
        requests = self.has.requests()
        self.assertEqual(set(requests), REQUEST_TYPES)
        for kind, params in requests.items():
            if kind in READS:
                await self.get(kind, params)
                continue
            response = await self.post(kind, params)
            self.assertEqual(response.status_code, 403, kind)
            self.assertEqual(response.json(), {"error": "You are suspended: Be kind"})
        self.assertEqual(await sync_to_async(everything)(), before)

    def test_M6_uploads_and_reports_are_refused_and_files_can_be_read(self) -> None:
        people.suspend(self.alice["user_id"], BY)
        file = io.BytesIO(b"text")
        file.name = "a.txt"
        report = {"thread_id": "thr_1", "item_id": self.has.answer, "reason": "wrong"}
        for response in (
            self.client.post("/chat/files/", {"file": file}),
            self.client.put(f"/chat/files/{self.has.upload}/?token=x", b"text"),
            self.client.post("/chat/reports/", report, content_type="application/json"),
            *(
                self.client.post("/chat/threads/thr_1/", {act: True}, "application/json")
                for act in ("pinned", "archived", "shared")
            ),
        ):
            self.assertEqual(response.status_code, 403)
            self.assertEqual(response.json(), {"error": "You are suspended: Be kind"})
        file_of_theirs = self.client.get(f"/chat/files/{self.has.upload}/")
        self.assertEqual(file_of_theirs.status_code, 200)
        self.assertTrue(b"".join(file_of_theirs.streaming_content))
        self.assertFalse(ChatReport.objects.exists())

    @override_settings(CHATSTORE_SUSPENDED_MAY_READ=False)
    def test_M6_where_the_site_says_so_reading_is_refused_too(self) -> None:
        people.suspend(self.alice["user_id"], BY)
        requests = self.has.requests()
        answers = [
            self.client.post(API, {"type": kind, "params": requests[kind]}, "application/json")
            for kind in READS
        ]
        paths = (
            f"/chat/files/{self.has.upload}/",
            "/chat/threads/?list=pinned",
            "/chat/threads/thr_1/",
            "/chat/export/?format=json",
        )
        answers += map(self.client.get, paths)
        for answer in answers:
            self.assertEqual(answer.status_code, 403)
            self.assertEqual(answer.json(), {"error": "You are suspended: Be kind"})

    async def test_M6_others_do_not_notice_and_lifting_restores_everything(self) -> None:
        await self.suspend()
        theirs = await sync_to_async(Belongings.of)(self.charlie["user_id"], "thr_2")
        params = theirs.requests()["threads.add_user_message"]
        client = AsyncClient()
        await client.aforce_login(self.other)
        self.assertEqual(
            (await self.post("threads.add_user_message", params, client)).status_code, 200
        )
        await sync_to_async(people.lift)(self.alice["user_id"], BY)
        await self.send("threads.add_user_message", self.has.requests()["threads.add_user_message"])

    async def test_M6_it_ends_by_itself(self) -> None:
        params = self.has.requests()["threads.update"]
        await self.suspend(ends_at=timezone.now() + HOUR)
        refused = await self.post("threads.update", params)
        self.assertRegex(refused.json()["error"], r"^You are suspended until .+: Be kind$")
        past = timezone.now() - HOUR
        await sync_to_async(ChatSuspension.objects.update)(ends_at=past)
        await self.get("threads.update", params)

    def test_M6_it_ends_at_its_hour_in_any_time_zone_of_the_site(self) -> None:
        body = {"type": "threads.update", "params": self.has.requests()["threads.update"]}
        for zone in ("America/New_York", "Asia/Tokyo"):
            with self.subTest(zone=zone), override_settings(TIME_ZONE=zone):
                ends_at = timezone.now() + HOUR
                people.suspend(self.alice["user_id"], BY, ends_at=ends_at)
                refused = self.client.post("/chat/api/", body, content_type="application/json")
                sentence = people.describe_suspension("Be kind", ends_at)
                self.assertEqual(refused.json().get("error"), sentence)
                ChatSuspension.objects.update(ends_at=timezone.now() - HOUR)
                served = self.client.post("/chat/api/", body, content_type="application/json")
                self.assertEqual(served.status_code, 200)

    def test_M6_a_request_that_writes_asks_once_and_others_do_not(self) -> None:
        requests = self.has.requests()
        for kind, times in (("threads.add_user_message", 1), ("items.list", 0)):
            body = {"type": kind, "params": requests[kind]}
            with CaptureQueriesContext(connection) as captured:
                self.client.post("/chat/api/", body, content_type="application/json")
            asked = [query for query in captured if "chat_suspensions" in query["sql"]]
            self.assertEqual(len(asked), times)


class Waiting(ChatServer[Any]):
    """Answers in two parts; after the first it waits, for ever if nobody stops it."""

    begun: asyncio.Event

    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        from chatkit.types import (
            AssistantMessageContent,
            AssistantMessageContentPartTextDelta,
            AssistantMessageItem,
            ThreadItemAddedEvent,
            ThreadItemUpdatedEvent,
        )

        item = AssistantMessageItem(
            id="msg_partial",
            thread_id=thread.id,
            created_at=base.NOW,
            content=[AssistantMessageContent(text="")],
        )
        yield ThreadItemAddedEvent(item=item)
        delta = AssistantMessageContentPartTextDelta(content_index=0, delta="The first part")
        yield ThreadItemUpdatedEvent(item_id=item.id, update=delta)
        Waiting.begun.set()
        await asyncio.sleep(120)
        yield ThreadItemDoneEvent(item=item)


@override_settings(CHATSTORE_SERVER="tests.test_people.Waiting")
class RunningStreamTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice = get_user_model().objects.create_user("alice")

    @asynccontextmanager
    async def streaming(self) -> AsyncIterator[asyncio.Task[str]]:
        """Begin an answer, and go on when its first part is there."""
        Waiting.begun = asyncio.Event()
        client = AsyncClient()
        await client.aforce_login(self.alice)

        async def ask() -> str:
            message = {
                "content": [{"type": "input_text", "text": "Hello"}],
                "attachments": [],
                "inference_options": {},
            }
            request = {"type": "threads.create", "params": {"input": message}}
            response = await client.post("/chat/api/", request, content_type="application/json")
            chunks = [chunk async for chunk in response.streaming_content]
            return b"".join(chunks).decode()

        answer = asyncio.create_task(ask())
        await asyncio.wait_for(Waiting.begun.wait(), 30)
        yield answer

    async def assert_stopped(self, answer: asyncio.Task[str]) -> None:
        text = await asyncio.wait_for(answer, 30)
        self.assertIn("You are suspended: Be kind", text)
        self.assertNotIn('"allow_retry":true', text)
        kept = await ChatMessage.objects.aget(item_type="assistant_message")
        self.assertEqual((kept.content, kept.ending), ("The first part", "stopped"))

    @patch.object(suspensions, "CHECK_SECONDS", 3600)
    async def test_M6_a_running_answer_is_stopped_at_once_and_its_part_kept(self) -> None:
        async with self.streaming() as answer:

            def suspend() -> None:
                with self.captureOnCommitCallbacks(execute=True):
                    people.suspend(str(self.alice.pk), BY)

            await sync_to_async(suspend)()
            await self.assert_stopped(answer)

    async def test_M6_also_where_another_process_has_suspended_its_user(self) -> None:
        with patch.object(suspensions, "CHECK_SECONDS", 0.01):
            async with self.streaming() as answer:
                # Without the signal, which the other process's streams hear.
                await sync_to_async(
                    ChatSuspension(user_id=str(self.alice.pk), reason="Be kind").save
                )()
                await self.assert_stopped(answer)

    async def test_M6_one_that_cannot_look_them_up_looks_again(self) -> None:
        find, failures = suspensions._find_sentences, [DatabaseError("secret"), OSError()]

        def fail(*args: Any) -> Any:
            if failures:
                raise failures.pop()
            return find(*args)

        with (
            patch.object(suspensions, "CHECK_SECONDS", 0.01),
            patch.object(suspensions, "_find_sentences", fail),
            self.assertLogs("chatstore.server.suspensions", "WARNING") as logs,
        ):
            async with self.streaming() as answer:
                await sync_to_async(
                    ChatSuspension(user_id=str(self.alice.pk), reason="Be kind").save
                )()
                await self.assert_stopped(answer)
        self.assertNotIn("secret", "".join(logs.output))


class PageTest(StorageMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", files=1)
        ChatMessage.objects.filter(item_id="msg_0").update(feedback="negative")
        reports.flag("alice", "thr_1", "msg_0", reason="harmful", words="Words of a reporter")

    def test_M6_it_shows_what_is_kept_of_a_person_without_text(self) -> None:
        people.suspend("alice", BY)
        add_thread("thr_2", "charlie", messages=7)
        client = client_of(staff("carol", "view_chatsession", "view_chatreport"))
        page = client.get(page_of("alice"))
        summary = page.context["summary"]
        self.assertEqual((summary.threads.value, summary.messages.value), (1, 2))
        self.assertEqual((summary.thumbs_up, summary.thumbs_down), (0, 1))
        self.assertEqual((summary.files.value, summary.bytes), (1, len("Bytes of atc_thr_1_0")))
        self.assertEqual((summary.reports.value, summary.open_reports.value), (1, 1))
        self.assertEqual(summary.acts.value, 1)
        for text in ("Title of thr_1", "harmful or offensive", "Be kind", "Suspended"):
            self.assertContains(page, text)
        for text in ("Text 0", "Words of a reporter", "thr_2"):
            self.assertNotContains(page, text)
        self.assertNotContains(page, '<form method="post" class="chatstore-form')
        empty = client.get(page_of("nobody"))
        self.assertEqual(empty.context["summary"].messages.value, 0)

    def test_M6_its_counts_are_bounded_and_so_are_its_queries(self) -> None:
        client = client_of(staff("carol", "view_chatsession", "view_chatreport", "suspend"))
        asked = set()
        for number in range(2, 4):
            with CaptureQueriesContext(connection) as captured:
                client.get(page_of("alice"))
            asked.add(len(captured))
            add_thread(f"thr_{number}", messages=30)
        self.assertEqual(len(asked), 1)
        self.assertLessEqual(asked.pop(), 20)
        with patch.object(people, "MAX_COUNTED", 10):
            page = client.get(page_of("alice"))
        self.assertEqual(str(page.context["summary"].messages), "Figure(value=10, is_more=True)")
        self.assertContains(page, "<dd>10+</dd>", html=True)

    def test_M6_each_act_needs_its_permission(self) -> None:
        sees = client_of(staff("sees", "view_chatsession"))
        for name in ("suspend", "lift"):
            with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                answer = sees.post(page_of("alice", "do", name), {"reason": "x"})
            self.assertEqual(answer.status_code, 403)
        only = client_of(staff("only", "suspend"))
        for address in (page_of("alice"), page_of("alice", "do", "suspend")):
            with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                self.assertEqual(only.get(address).status_code, 403)
        self.assertFalse(ChatSuspension.objects.exists())

    def test_M6_a_person_is_suspended_and_lifted_with_a_reason(self) -> None:
        client = client_of(staff("carol", "view_chatsession", "suspend"))
        answer = client.post(page_of("alice", "do", "suspend"), {"hours": "24"})
        self.assertContains(answer, "This field is required")
        values = {"hours": "24", "preset": "Insults or hatred"}
        self.assertRedirects(
            client.post(page_of("alice", "do", "suspend"), values), page_of("alice")
        )
        suspension = ChatSuspension.objects.get()
        self.assertEqual(suspension.reason, "Insults or hatred")
        day = suspension.ends_at - timezone.now()
        self.assertTrue(dt.timedelta(hours=23) < day <= dt.timedelta(hours=24))
        client.post(page_of("alice", "do", "lift"), {"reason": "Sorry"})
        self.assertFalse(ChatSuspension.objects.exists())
        self.assertContains(client.get(page_of("alice")), "Sorry")
        again = client.post(page_of("alice", "do", "lift"), {"reason": "Sorry"}, follow=True)
        self.assertContains(again, "is not suspended")
        client.post(page_of("alice", "do", "suspend"), {"hours": "", "reason": "x"})
        self.assertIsNone(ChatSuspension.objects.get().ends_at)

    def test_wrong_addresses_are_404_and_wrong_hours_are_said(self) -> None:
        client = client_of(staff("carol", "view_chatsession", "suspend"))
        for key in ("alice", "0", "ff", "00", "61" * 256):
            self.assertEqual(client.get(f"{THREADS}people/{key}/").status_code, 404, key)
        self.assertEqual(client.post(page_of("alice", "do", "burn")).status_code, 404)
        self.assertRedirects(client.get(page_of("alice", "do", "suspend")), page_of("alice"))
        answer = client.post(page_of("alice", "do", "suspend"), {"hours": "-5", "reason": "x"})
        self.assertContains(answer, "Select a valid choice")

    def test_M6_the_owners_cell_leads_to_it_and_to_the_account_who_may_see_it(self) -> None:
        alice = get_user_model().objects.create_user("alice_account")
        add_thread("thr_9", str(alice.pk))
        call_command("create_moderators", stdout=io.StringIO())
        user = get_user_model().objects.create_user("carol", is_staff=True)
        user.groups.add(Group.objects.get())
        client = client_of(user)
        page = page_of(str(alice.pk))
        self.assertContains(client.get(THREADS), f'<a href="{page}">alice_account</a>', html=True)
        account = f"/admin/auth/user/{alice.pk}/change/"
        self.assertNotContains(client.get(page), account)
        user.user_permissions.add(Permission.objects.get(codename="view_user"))
        self.assertContains(client_of(get_user_model().objects.get(pk=user.pk)).get(page), account)

    def test_all_conversations_of_a_person_are_listed(self) -> None:
        add_thread("thr_2", "charlie")
        client = client_of(staff("carol", "view_chatsession"))
        listed = client.get(f"{THREADS}?user_id__exact=charlie").context["cl"].result_list
        self.assertEqual([row.thread_id for row in listed], ["thr_2"])
