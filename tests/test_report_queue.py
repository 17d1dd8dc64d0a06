"""The queue of reports in the admin, and the page of a report (M5)."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any
from unittest.mock import patch

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, models
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from chatstore.db.row_keys import row_key
from chatstore.models import ChatMessage, ChatReport, ChatSession, ModerationRecord
from chatstore.moderation import queue, reports
from chatstore.moderation.actions import delete
from chatstore.moderation.records import Moderator
from tests.moderators import REPORTS, client_of, staff
from tests.rows import add_thread

SEES = ("view_chatsession", "view_chatreport")
READS = (*SEES, "read_transcript")
WORKS = (*READS, "handle_reports")


def page_of(report: ChatReport, *parts: str) -> str:
    return "/".join([REPORTS.rstrip("/"), row_key(report), *(parts or ("change",)), ""])


class QueueTestCase(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1", messages=3)
        self.first = self.report("msg_2", reason="harmful", words="Words of alice")
        self.second = self.report("msg_1", reason="wrong")
        self.third = self.report("msg_0", reason="wrong")

    def report(self, item_id: str, **options: Any) -> ChatReport:
        made = reports.flag("alice", "thr_1", item_id, **options)
        # In a known order, whatever the clock's resolution.
        age = dt.timedelta(days=int(item_id[-1]) + 1)
        ChatReport.objects.filter(pk=made.pk).update(created_at=timezone.now() - age)
        made.refresh_from_db()
        return made


class ListTest(QueueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client = client_of(staff("carol", *SEES))

    def listed(self, query: str = "") -> list[str]:
        response = self.client.get(REPORTS + query)
        self.assertEqual(response.status_code, 200)
        return [row.item_id for row in response.context["cl"].result_list]

    def test_M5_open_reports_are_listed_the_longest_waiting_first(self) -> None:
        self.assertEqual(self.listed(), ["msg_2", "msg_1", "msg_0"])
        reports.take(self.second, Moderator("carol"))
        reports.dismiss(self.third, Moderator("carol"))
        self.assertEqual(self.listed(), ["msg_2", "msg_1"])
        self.assertEqual(self.listed("?queue=mine"), ["msg_1"])
        self.assertEqual(self.listed("?queue=closed"), ["msg_0"])
        self.assertEqual(self.listed("?queue=all"), ["msg_2", "msg_1", "msg_0"])

    def test_M5_by_reason_source_and_owner(self) -> None:
        add_thread("thr_2", "bob")
        reports.flag("bob", "thr_2", "msg_0", reason="wrong", source="user", reporter="bob")
        self.assertEqual(self.listed("?reason=harmful"), ["msg_2"])
        self.assertEqual(self.listed("?source__exact=user"), ["msg_0"])
        self.assertEqual(self.listed("?q=bob"), ["msg_0"])
        self.assertEqual(len(self.listed("?q=thr_1")), 3)
        self.assertEqual(self.listed("?q=nobody"), [])

    def test_M3_no_lookup_in_the_url_reads_the_words(self) -> None:
        with self.assertLogs("django.security", "ERROR"):
            self.assertEqual(self.client.get(f"{REPORTS}?words__contains=W").status_code, 400)
        self.assertNotContains(self.client.get(REPORTS), "Words of alice")

    def test_M5_a_list_takes_the_same_queries_however_long(self) -> None:
        counts = set()
        for _time in range(2):
            with CaptureQueriesContext(connection) as captured:
                self.listed()
            counts.add(len(captured))
            for number in range(20):
                reports.flag("alice", "thr_1", reason="wrong", reporter=f"user {number}")
        self.assertEqual(len(counts), 1)
        self.assertLessEqual(counts.pop(), 12)


class PageTest(QueueTestCase):
    def client_with(self, *permissions: str) -> Any:
        self.user = staff("carol", *permissions)
        return client_of(self.user)

    def test_M5_the_conversation_is_beside_it_and_its_reading_on_record(self) -> None:
        page = self.client_with(*READS).get(page_of(self.second))
        for text in ("Text 0", "Text 1", "Text 2", "is-reported", "wrong or misleading"):
            self.assertContains(page, text)
        record = ModerationRecord.objects.get()
        self.assertEqual((record.action, record.staff_name), ("read", "carol"))
        self.assertEqual(record.item_ids, ["msg_2", "msg_1", "msg_0"])

    def test_M5_a_message_far_back_is_shown_with_those_around_it(self) -> None:
        add_thread("thr_9", messages=200)
        report = reports.flag("alice", "thr_9", "msg_150", reason="wrong")
        page = self.client_with(*READS).get(page_of(report))
        shown = [entry.row.item_id for entry in page.context["page"].entries]
        self.assertEqual((shown[-1], shown[-6], len(shown)), ("msg_145", "msg_150", 50))

    def test_M3_without_the_permission_to_read_it_shows_no_text(self) -> None:
        page = self.client_with(*SEES, "handle_reports").get(page_of(self.first))
        self.assertContains(page, "no permission to read")
        self.assertNotContains(page, "Text 2")
        self.assertNotContains(page, "Words of alice")
        self.assertFalse(ModerationRecord.objects.exists())

    @override_settings(CHATSTORE_REASON_TO_READ=True)
    def test_M3_it_asks_for_a_reason_where_reading_does(self) -> None:
        client = self.client_with(*READS)
        page = client.get(page_of(self.first))
        self.assertNotContains(page, "Text 2")
        answer = client.post(page.context["reason_url"], {"reason": "A report"})
        self.assertRedirects(answer, page_of(self.first))
        self.assertEqual(ModerationRecord.objects.get().reason, "A report")

    def test_M5_previous_and_next_are_those_that_wait(self) -> None:
        client = self.client_with(*READS)

        def neighbours(report: ChatReport, query: str = "") -> tuple[Any, Any]:
            context = client.get(page_of(report) + query).context
            return context["previous"], context["following"]

        self.assertEqual(neighbours(self.first), (None, self.second))
        self.assertEqual(neighbours(self.second), (self.first, self.third))
        self.assertEqual(neighbours(self.second, "?queue=mine"), (None, None))
        reports.take(self.third, Moderator("carol"))
        self.assertEqual(neighbours(self.second, "?queue=mine"), (None, self.third))
        reports.dismiss(self.second, Moderator("carol"))
        self.assertEqual(neighbours(self.first), (None, self.third))
        self.assertEqual(neighbours(self.second), (self.first, self.third))
        at_once = ChatReport.objects.filter(pk__in=[self.first.pk, self.third.pk])
        at_once.update(created_at=timezone.now())
        first, last = at_once.order_by("report_id")
        self.assertEqual(queue.neighbours(first), (None, last))
        self.assertEqual(queue.neighbours(last), (first, None))

    def test_M5_the_page_takes_the_same_queries_however_long_the_queue(self) -> None:
        client = self.client_with(*WORKS)
        counts = set()
        for _time in range(2):
            with CaptureQueriesContext(connection) as captured:
                client.get(page_of(self.second))
            counts.add(len(captured))
            for number in range(20):
                reports.flag("alice", "thr_1", reason="wrong", reporter=f"user {number}")
        self.assertEqual(len(counts), 1)
        self.assertLessEqual(counts.pop(), 20)

    def test_M5_of_a_deleted_thread_the_report_is_shown(self) -> None:
        delete(self.thread, Moderator("script"))
        page = self.client_with(*WORKS).get(page_of(self.first))
        self.assertContains(page, "has been deleted")
        self.assertContains(page, "thr_1")

    def test_an_unknown_report_is_404(self) -> None:
        client = self.client_with(*WORKS)
        for key in ("0", "thr_1", "00000000-0000-0000-0000-000000000000", "a.zz"):
            self.assertEqual(client.get(f"{REPORTS}{key}/change/").status_code, 404)
            self.assertEqual(client.post(f"{REPORTS}{key}/do/take/").status_code, 404)
        self.assertEqual(client.post(page_of(self.first, "do", "burn")).status_code, 404)


class ActsTest(QueueTestCase):
    def act(self, client: Any, name: str, query: str = "", **data: str) -> Any:
        values = {f"{name}-{key}": value for key, value in data.items()}
        return client.post(page_of(self.first, "do", name) + query, values)

    def reload(self) -> ChatReport:
        return ChatReport.objects.get(pk=self.first.pk)

    def test_M5_each_act_needs_its_permission(self) -> None:
        for name, permission in (
            ("take", "handle_reports"),
            ("resolve", "handle_reports"),
            ("dismiss", "handle_reports"),
            ("assign", "assign"),
        ):
            every = {*READS, "handle_reports", "assign"}
            for missing in (permission, "view_chatreport", "view_chatsession"):
                with self.subTest(name, missing=missing):
                    client = client_of(staff(f"{name} {missing}", *(every - {missing})))
                    with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                        self.assertEqual(self.act(client, name, reason="x").status_code, 403)
            client = client_of(staff(f"{name} {permission} only", *SEES, permission))
            self.assertEqual(
                self.act(client, name).status_code, 302 if name in ("take", "assign") else 200
            )
        self.assertEqual(self.reload().state, "open")
        with self.assertLogs("chatstore.admin.permissions", "WARNING"):
            response = client_of(staff("nobody", "view_chatsession")).get(page_of(self.first))
        self.assertEqual(response.status_code, 403)

    def test_M5_it_is_taken_and_resolved_and_the_next_one_follows(self) -> None:
        client = client_of(staff("carol", *WORKS))
        self.assertRedirects(self.act(client, "take"), page_of(self.first))
        self.assertEqual(self.reload().assignee, "carol")
        answer = self.act(client, "resolve", preset="Private data", reason="Message hidden")
        self.assertRedirects(answer, page_of(self.second))
        closed = self.reload()
        self.assertEqual((closed.state, closed.closed_by), ("resolved", "carol"))
        self.assertEqual(closed.resolution, "Private data: Message hidden")
        acts = ModerationRecord.objects.exclude(action="read").order_by("pk")
        self.assertEqual(list(acts.values_list("action", flat=True)), ["take", "resolve"])
        again = self.act(client, "dismiss", preset="Reported by mistake")
        self.assertContains(client.get(again.url), "has changed the report meanwhile")

    def test_M5_the_last_one_leads_back_to_the_list(self) -> None:
        client = client_of(staff("carol", *WORKS))
        self.act(client, "take")
        answer = self.act(client, "dismiss", "?queue=mine", preset="Reported by mistake")
        self.assertRedirects(answer, f"{REPORTS}?queue=mine")

    def test_M5_closing_needs_a_reason_and_offers_those_of_the_site(self) -> None:
        client = client_of(staff("carol", *WORKS))
        page = self.act(client, "dismiss")
        self.assertContains(page, "This field is required")
        self.assertContains(page, "Reported by mistake")
        self.assertEqual(self.reload().state, "open")
        with override_settings(CHATSTORE_DISMISS_REASONS=["House rule 5"]):
            self.assertContains(client.get(page_of(self.first)), "House rule 5")
            self.act(client, "dismiss", preset="House rule 5")
        self.assertEqual(self.reload().resolution, "House rule 5")

    def test_M5_it_is_assigned_to_a_member_of_staff(self) -> None:
        staff("dora")
        get_user_model().objects.create_user("alice")
        client = client_of(staff("carol", *READS, "assign"))
        for name in ("alice", "nobody"):
            self.assertContains(self.act(client, "assign", assignee=name), "no such member")
        self.act(client, "assign", assignee="dora")
        self.assertEqual(self.reload().assignee, "dora")
        self.act(client, "assign", assignee="")
        self.assertEqual(self.reload().assignee, "")

    @isolate_apps("django.contrib.auth")
    def test_M5_also_where_a_property_tells_who_is_staff(self) -> None:
        class Member(AbstractBaseUser):
            """A user model of a site; its rows are those of the tests' own users."""

            username = models.CharField(max_length=150, unique=True)
            objects = BaseUserManager()
            USERNAME_FIELD = "username"

            class Meta:
                app_label = "auth"
                db_table = "auth_user"

            @property
            def is_staff(self) -> bool:
                return self.username == "dora"

        staff("dora")
        get_user_model().objects.create_user("alice")
        client = client_of(staff("carol", *READS, "assign"))
        with patch("chatstore.admin.report_forms.get_user_model", return_value=Member):
            for name in ("alice", "nobody"):
                self.assertContains(self.act(client, "assign", assignee=name), "no such member")
            self.act(client, "assign", assignee="dora")
        self.assertEqual(self.reload().assignee, "dora")

    def test_M5_one_that_somebody_else_has_taken_is_not_taken(self) -> None:
        reports.take(self.first, Moderator("dora"))
        client = client_of(staff("carol", *WORKS))
        answer = self.act(client, "take")
        self.assertContains(client.get(answer.url), "It is taken by dora already.")

    def test_an_act_is_no_get(self) -> None:
        client = client_of(staff("carol", *WORKS))
        self.assertRedirects(client.get(page_of(self.first, "do", "take")), page_of(self.first))
        self.assertEqual(self.reload().assignee, "")

    def test_M5_a_member_of_the_group_needs_nothing_else(self) -> None:
        call_command("create_moderators", stdout=io.StringIO())
        user = get_user_model().objects.create_user("carol", is_staff=True)
        user.groups.add(Group.objects.get())
        client = client_of(user)
        self.assertContains(client.get(REPORTS), "wrong or misleading")
        self.act(client, "take")
        hide = f"/admin/chatstore/chatsession/{row_key(self.thread)}/items/{self.first.message_id}"
        answer = client.post(f"{hide}/do/hide/?next={page_of(self.first)}", {"reason": "Rude"})
        self.assertRedirects(
            answer, f"{page_of(self.first)}#{self.first.message_id}", fetch_redirect_response=False
        )
        self.act(client, "resolve", reason="Hidden")
        self.assertTrue(ChatMessage.objects.get(item_id="msg_2").hidden_at)
        self.assertEqual(self.reload().state, "resolved")
        self.assertEqual(ChatSession.objects.get().moderation, "")
