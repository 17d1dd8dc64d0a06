"""The admin's lists, pages and actions, and the permission that each URL needs."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import uuid
import zipfile
from typing import Any
from unittest.mock import patch

from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.admin import lists, thread_admin
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatReport,
    ChatSession,
    ModerationRecord,
)
from chatstore.moderation.records import Moderator, record
from chatstore.moderation.reports import flag
from chatstore.store import DjangoStore
from tests import base
from tests.moderators import MESSAGES, RECORDS, REPORTS, THREADS, client_of, item_url, staff, url
from tests.rows import DAY, StorageMixin, add_thread

READER = ("view_chatsession", "read_transcript")
MODERATOR = (*READER, "moderate", "hold", "view_chatmessage", "view_moderationrecord")


class PermissionsTest(StorageMixin, TestCase):
    """Every URL, requested by staff with and without its permission."""

    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", files=1)
        self.message = self.thread.messages.latest("timestamp")
        self.file = ChatAttachment.objects.get()

    def urls(self) -> dict[str, str]:
        """Return each URL with the permission that it needs besides view_chatsession."""
        acts = {
            "moderate": ("lock", "close", "reopen"),
            "hold": ("hold", "release"),
            "delete_chatsession": ("delete",),
        }
        urls = {url(self.thread, "do", act): key for key, names in acts.items() for act in names}
        urls |= {item_url(self.message, "do", act): "moderate" for act in ("hide", "show")}
        return urls | {
            item_url(self.message, "do", "redact"): "redact",
            item_url(self.message, "do", "flag"): "handle_reports",
            url(self.thread, "export"): "export",
            url(self.thread, "transcript"): "read_transcript",
            url(self.thread, "files", self.file.pk): "read_transcript",
            item_url(self.message): "read_transcript",
            f"{THREADS}search/": "read_transcript",
            f"{THREADS}search/?q=Text": "read_transcript",
            f"{THREADS}reason/search/": "read_transcript",
            f"{THREADS}overview/": "",
        }

    def test_M3_each_url_is_403_and_logged_without_its_permission(self) -> None:
        every = {*filter(None, self.urls().values()), "read_transcript", "view_chatsession"}
        for address, permission in self.urls().items():
            for missing in {permission, "view_chatsession"} - {""}:
                with self.subTest(address, missing=missing):
                    user = staff(f"{address} {missing}"[:150], *(every - {missing}))
                    for method in ("get", "post"):
                        with self.assertLogs("chatstore.admin.permissions", "WARNING") as logs:
                            response = getattr(client_of(user), method)(address, {"reason": "x"})
                        self.assertEqual(response.status_code, 403)
                        self.assertIn(missing, logs.output[0])
                        self.assertNotContains(response, "Text 0", status_code=403)
        self.assertFalse(ModerationRecord.objects.exists())
        self.assertEqual(ChatMessage.objects.filter(hidden_at=None, redacted_at=None).count(), 2)

    def test_each_url_works_with_its_permission(self) -> None:
        for number, (address, permission) in enumerate(self.urls().items()):
            with self.subTest(address):
                user = staff(f"user {number}", *READER, permission)
                response = client_of(user).get(address)
                self.assertEqual(response.status_code, 200)
                if response.streaming:
                    self.assertTrue(b"".join(response.streaming_content))

    def test_staff_without_permission_and_visitors_see_nothing(self) -> None:
        nobody = client_of(staff("nobody"))
        for address in (THREADS, MESSAGES, RECORDS, url(self.thread, "change")):
            with self.subTest(address):
                self.assertEqual(nobody.get(address).status_code, 403)
                self.assertEqual(self.client.get(address).status_code, 302)
        for address in self.urls():
            with self.subTest(address):
                self.assertEqual(self.client.get(address).status_code, 302)

    def test_another_threads_item_or_file_is_unknown_in_this_one(self) -> None:
        other = add_thread("thr_2", "charlie")
        root = client_of(get_user_model().objects.create_superuser("root"))
        for parts in (("items", self.message.pk), ("files", self.file.pk)):
            self.assertEqual(root.get(url(other, *parts)).status_code, 404)
        self.assertEqual(root.get(url(other, "do", "explode")).status_code, 404)
        self.assertEqual(root.get(url(other, "transcript") + "?until=noon").status_code, 404)

    def test_rows_are_changed_by_moderation_only(self) -> None:
        root = client_of(get_user_model().objects.create_superuser("root"))
        record = {"action": "delete_selected", "_selected_action": [str(self.thread.pk)]}
        root.post(THREADS, record | {"post": "yes"})
        for address in (f"{THREADS}add/", url(self.thread, "delete"), f"{RECORDS}add/"):
            self.assertEqual(root.post(address, {"post": "yes"}).status_code, 403)
        root.post(url(self.thread, "change"), {"moderation": "locked"})
        self.assertEqual(ChatSession.objects.get().moderation, "")


class HiddenTextTest(TestCase):
    """Users who may only see the list can't find out the text of conversations."""

    def test_M3_no_lookup_in_the_url_reads_text(self) -> None:
        add_thread("thr_1")
        user = client_of(staff("carol", "view_chatsession", "view_chatmessage"))
        for address in (
            f"{THREADS}?payload__contains=Text",
            f"{THREADS}?messages__content__contains=Text",
            f"{THREADS}?title__startswith=T",
            f"{MESSAGES}?content__contains=Text",
            f"{MESSAGES}?payload__contains=Text",
            f"{MESSAGES}?session__title__contains=T",
            f"{MESSAGES}?timestamp__year=99999",
        ):
            with self.subTest(address), self.assertLogs("django.security", "ERROR"):
                self.assertEqual(user.get(address).status_code, 400)

    def test_M3_lists_and_pages_show_no_text(self) -> None:
        thread = add_thread("thr_1")
        user = client_of(staff("carol", "view_chatsession", "view_chatmessage"))
        message = thread.messages.first()
        for address in (
            THREADS,
            MESSAGES,
            url(thread, "change"),
            f"{MESSAGES}{message.pk}/change/",
        ):
            self.assertNotContains(user.get(address), "Text 0")

    def test_M3_without_view_chatsession_the_list_of_messages_shows_no_titles(self) -> None:
        thread = add_thread("thr_1")
        message = thread.messages.first()
        for permissions, is_shown in (
            (["view_chatmessage"], False),
            (["view_chatmessage", "view_chatsession"], True),
        ):
            user = client_of(staff(f"with {len(permissions)}", *permissions))
            for address in (MESSAGES, f"{MESSAGES}{message.pk}/change/", f"{MESSAGES}?q=Title"):
                with self.subTest(address, permissions=permissions):
                    response = user.get(address)
                    self.assertContains(response, "Title of" if is_shown else "thr_1")
                    if not is_shown:
                        self.assertNotContains(response, "Title of")


class ThreadListTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice = get_user_model().objects.create_user("alice")
        cls.user = get_user_model().objects.create_superuser("root")
        cls.mine = add_thread("thr_mine", str(cls.alice.pk), messages=3)
        cls.old = add_thread("thr_old", "somebody", age=100 * DAY, status="closed")
        cls.held = add_thread("thr_held", age=10 * DAY, is_on_hold=True, moderation="locked")
        ChatMessage.objects.filter(session=cls.mine, item_id="msg_0").update(feedback="negative")
        ChatMessage.objects.filter(session=cls.mine, item_id="msg_1").update(feedback="positive")
        threads = ChatSession.objects
        threads.filter(pk=cls.mine.pk).update(labels="spam", pinned_at=timezone.now())
        threads.filter(pk=cls.old.pk).update(labels="old, spam", hidden_at=timezone.now())
        threads.filter(pk=cls.held.pk).update(assignee="root")

    def setUp(self) -> None:
        self.client.force_login(self.user)

    def day(self, ago: int) -> str:
        """Return the day of so many days ago."""
        return timezone.localdate(timezone.now() - ago * DAY).isoformat()

    def titles(self, query: str = "") -> list[str]:
        response = self.client.get(f"{THREADS}?{query}")
        self.assertEqual(response.status_code, 200)
        return [row.thread_id for row in response.context["cl"].result_list]

    def test_a_row_shows_owner_counts_and_moderation(self) -> None:
        response = self.client.get(THREADS)
        row = response.context["cl"].result_list[0]
        self.assertEqual((row.message_count, row.up_count, row.down_count), (3, 1, 1))
        link = f"{THREADS}people/{str(self.alice.pk).encode().hex()}/"
        self.assertContains(response, f'<a href="{link}">alice</a>', html=True)
        self.assertContains(response, "somebody")
        self.assertContains(response, "Locked by a moderator")
        self.assertContains(response, "On hold")

    def test_an_owner_is_a_user_only_by_the_exact_key(self) -> None:
        """An owner's id may look like a number, and still not be the key of a user."""
        key = str(self.alice.pk)
        for owner in (f"0{key}", f" {key}", "9" * 30, "-1", "1e3"):
            with self.subTest(owner):
                thread = add_thread(f"thr_of_{owner}", owner)
                response = self.client.get(THREADS)
                rows = {row.thread_id: row for row in response.context["cl"].result_list}
                self.assertIsNone(rows[thread.thread_id].owner)
                self.assertEqual(rows["thr_mine"].owner, self.alice)
                self.assertEqual(self.client.get(url(thread, "change")).status_code, 200)

    def test_filters(self) -> None:
        for query, expected in {
            "": ["thr_mine", "thr_held", "thr_old"],
            "state=active": ["thr_mine"],
            "state=locked": ["thr_held"],
            "state=closed": ["thr_old"],
            "state=moderated": ["thr_held"],
            "state=hold": ["thr_held"],
            "state=hidden": ["thr_old"],
            "listing=pinned": ["thr_mine"],
            "listing=archived": [],
            "assignee=root": ["thr_held"],
            "assignee=nobody": [],
            "label=spam": ["thr_mine", "thr_old"],
            "label=old": ["thr_old"],
            "label=am": [],
            "label=spam&state=closed": ["thr_old"],
            f"since={self.day(100)}&until={self.day(100)}": ["thr_old"],
            f"since={self.day(50)}": ["thr_mine", "thr_held"],
            f"until={self.day(9)}": ["thr_held", "thr_old"],
            "activity=today": ["thr_mine"],
            "activity=week": ["thr_mine"],
            "activity=month": ["thr_mine", "thr_held"],
            "activity=old": ["thr_old"],
            "thumbs=down": ["thr_mine"],
        }.items():
            with self.subTest(query):
                self.assertEqual(self.titles(query), expected)

    def test_old_feedback_is_found_even_if_much_is_newer(self) -> None:
        ChatMessage.objects.filter(session=self.old, item_id="msg_0").update(feedback="negative")
        with patch("chatstore.admin.lists.MAX_LISTED", 1):
            self.assertEqual(self.titles("thumbs=down"), ["thr_mine"])
            self.assertEqual(self.titles("thumbs=down&activity=old"), ["thr_old"])

    def test_search_by_id_owner_and_title(self) -> None:
        for text, expected in {
            "thr_old": ["thr_old"],
            str(self.held.pk): ["thr_held"],
            "some": ["thr_old"],
            "alice": ["thr_mine", "thr_held"],  # the user's name, and the owner's id
            "of thr_held": ["thr_held"],
            "nothing": [],
            "%": [],
            "x" * 60_000: [],
            "\x00": ["thr_mine", "thr_held", "thr_old"],
        }.items():
            with self.subTest(text):
                self.assertEqual(self.titles(f"q={text}"), expected)

    def test_the_date_hierarchy_leads_to_a_day(self) -> None:
        response = self.client.get(THREADS)
        day = timezone.localtime(self.old.updated_at)
        self.assertContains(response, f"updated_at__year={day.year}")
        query = f"updated_at__year={day.year}&updated_at__month={day.month}"
        self.assertContains(self.client.get(f"{THREADS}?{query}"), f"updated_at__day={day.day}")
        self.assertEqual(self.titles(f"{query}&updated_at__day={day.day}"), ["thr_old"])

    def test_the_date_hierarchy_shows_a_limited_number_of_years(self) -> None:
        add_thread("thr_future", age=-2_900_000 * DAY)
        add_thread("thr_past", age=300_000 * DAY)
        response = self.client.get(THREADS)
        this = timezone.localtime().year
        self.assertContains(response, f"?updated_at__year={this}")
        self.assertLess(response.content.count(b"?updated_at__year="), 40)

    def test_a_list_takes_at_most_12_queries_however_long(self) -> None:
        with self.assertNumQueries(8):
            self.client.get(THREADS)
        for number in range(60):
            add_thread(f"thr_{number}", str(self.alice.pk), messages=1)
        with self.assertNumQueries(8):
            self.client.get(THREADS)

    def test_a_row_shows_reports_to_those_who_may_see_them(self) -> None:
        flag(self.mine.user_id, "thr_mine", "msg_0", reason="harmful")
        flag(self.mine.user_id, "thr_mine", "msg_1", reason="harmful")
        ChatReport.objects.filter(item_id="msg_1").update(state="resolved", open_key=None)
        response = self.client.get(THREADS)
        link = f"{REPORTS}?queue=all&amp;q=thr_mine"
        self.assertContains(response, f'<a href="{link}">2, 1 open</a>', html=True)
        self.assertContains(response, "1 up, 1 down")
        self.assertEqual(
            len(self.client.get(f"{REPORTS}?queue=all&q=thr_mine").context["cl"].result_list), 2
        )
        carol = client_of(staff("carol", "view_chatsession"))
        self.assertNotContains(carol.get(THREADS), "field-reports")

    def test_the_list_of_messages_takes_as_many_queries_however_long(self) -> None:
        for number in range(2):
            with self.assertNumQueries(5):
                self.client.get(MESSAGES)
            add_thread(f"thr_{number}", str(self.alice.pk), messages=20)

    def test_one_button_closes_a_thread(self) -> None:
        page = self.client.get(url(self.mine, "change")).content.decode()
        self.assertEqual(len(re.findall(r">\s*Close\s*<", page)), 1)

    def test_a_date_that_is_none_shows_the_whole_list(self) -> None:
        for query in ("since=tomorrow", "until=2024-02-30"):
            self.assertRedirects(self.client.get(f"{THREADS}?{query}"), f"{THREADS}?e=1")
        for query in ("since=0001-01-01", "until=9999-12-31"):
            self.assertEqual(len(self.titles(query)), 3)

    def test_the_url_sorts_by_indexed_columns_only(self) -> None:
        newest_first = self.titles()
        for column in range(1, 8):
            expected = newest_first if column != 5 else newest_first[::-1]
            self.assertEqual(self.titles(f"o={column}"), expected)
        for column in range(1, 8):
            with CaptureQueriesContext(connection) as queries:
                self.client.get(f"{MESSAGES}?o={column}")
            for query in queries:
                if "ORDER BY" in query["sql"]:
                    self.assertRegex(query["sql"], "ORDER BY .chat_messages.\\..timestamp.")

    def test_it_counts_up_to_a_limit_and_says_so(self) -> None:
        bound = lists.MAX_LISTED
        lists.MAX_LISTED = 2
        self.addCleanup(setattr, lists, "MAX_LISTED", bound)
        response = self.client.get(THREADS)
        self.assertEqual(response.context["cl"].result_count, 2)
        self.assertContains(response, "The first 2 rows;")

    def test_a_threads_messages_are_counted_up_to_a_limit(self) -> None:
        for bound, shown in ((2, "2+"), (3, "3")):
            with (
                patch.object(lists, "MAX_COUNTED", bound),
                patch.object(thread_admin, "MAX_COUNTED", bound),
            ):
                response = self.client.get(THREADS)
                cell = rf"field-messages[^>]*>\s*{re.escape(shown)}\s*<"
                self.assertRegex(response.content.decode(), cell)
                row = response.context["cl"].result_list[0]
                self.assertEqual((row.up_count, row.down_count), (1, 1))

    def test_M7_lists_read_only_the_beginning_of_a_title(self) -> None:
        metadata = {"note": "y" * 50_000}
        ChatSession.objects.update(title="x" * 50_000, metadata=metadata, reason="z" * 50_000)
        for address in (THREADS, MESSAGES):
            with CaptureQueriesContext(connection) as queries:
                response = self.client.get(address)
            self.assertContains(response, "x" * 79 + "…")
            self.assertLess(len(response.content), 100_000)
            for query in queries:
                columns = query["sql"].partition("FROM")[0]
                self.assertNotRegex(
                    columns, r"(?<!\()[\"`]chat_sessions.\..(title|metadata|reason)."
                )
        data = {"action": "lock", "_selected_action": [str(self.mine.pk), str(self.old.pk)]}
        self.assertLess(len(self.client.post(THREADS, data).content), 100_000)
        response = self.client.get(url(self.mine, "change"))
        self.assertContains(response, "… (cut here)")

    def test_the_lists_of_messages_and_records(self) -> None:
        record(self.mine, Moderator.from_user(self.user), ModerationRecord.Action.READ)
        page = self.client.get(MESSAGES)
        self.assertContains(page, "Title of thr_mine")
        self.assertNotContains(page, "msg_2")
        response = self.client.get(f"{MESSAGES}?feedback__exact=negative")
        self.assertEqual(response.context["cl"].result_count, 1)
        self.assertContains(self.client.get(RECORDS), "thr_mine")


class ActionsTest(StorageMixin, TestCase):
    """Buttons and list actions, each with a reason."""

    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", files=1)
        self.message = self.thread.messages.latest("timestamp")
        self.user = get_user_model().objects.create_superuser("root")
        self.client.force_login(self.user)

    def test_buttons_depend_on_thread_and_permissions(self) -> None:
        response = self.client.get(url(self.thread, "change"))
        self.assertContains(response, url(self.thread, "do", "lock"))
        self.assertNotContains(response, url(self.thread, "do", "reopen"))
        reader = client_of(staff("carol", *READER))
        for page in ("change", "transcript"):
            self.assertNotContains(reader.get(url(self.thread, page)), "/do/")

    def test_an_action_needs_a_reason(self) -> None:
        response = self.client.post(url(self.thread, "do", "lock"), {"reason": "  "})
        self.assertContains(response, "This field is required")
        self.assertEqual(ChatSession.objects.get().moderation, "")

    def test_an_action_is_done_recorded_and_shown_on_the_threads_page(self) -> None:
        response = self.client.post(
            url(self.thread, "do", "lock"), {"reason": "Rude <b>words</b>"}, follow=True
        )
        self.assertContains(response, "Locked.")
        self.assertContains(response, "Rude &lt;b&gt;words&lt;/b&gt;")
        self.assertContains(response, url(self.thread, "do", "reopen"))
        self.assertEqual(ChatSession.objects.get().moderation_reason, "Rude <b>words</b>")

    def test_M3_an_action_is_in_the_admins_own_log_by_ids(self) -> None:
        self.client.post(url(self.thread, "do", "lock"), {"reason": "Rude words"})
        self.client.post(item_url(self.message, "do", "hide"), {"reason": "Rude words"})
        entries = LogEntry.objects.order_by("id")
        self.assertEqual(
            [entry.change_message for entry in entries],
            ["Locked", f"Hid a message {self.message.item_id}"],
        )
        for entry in entries:
            self.assertEqual((entry.user, entry.object_repr), (self.user, "thr_1"))
            self.assertNotIn("Rude", str(vars(entry)))

    def test_M3_an_action_that_the_admin_cannot_log_is_not_done(self) -> None:
        with (
            patch.object(LogEntry.objects, "create", side_effect=DatabaseError),
            self.assertRaises(DatabaseError),
        ):
            self.client.post(url(self.thread, "do", "lock"), {"reason": "x"})
        self.assertEqual(ChatSession.objects.get().moderation, "")
        self.assertFalse(ModerationRecord.objects.exists())

    def test_an_action_that_cannot_be_undone_needs_its_name_typed(self) -> None:
        door = item_url(self.message, "do", "redact")
        response = self.client.post(door, {"reason": "x", "typed": "yes"})
        self.assertContains(response, "The word does not match")
        self.assertIsNone(ChatMessage.objects.get(pk=self.message.pk).redacted_at)
        response = self.client.post(door, {"reason": "x", "typed": "redact"}, follow=True)
        self.assertContains(response, "Removed by a moderator.")
        self.assertNotContains(response, "Text 0")

    def test_hiding_or_showing_a_message_returns_to_the_same_page(self) -> None:
        back = url(self.thread, "transcript") + "?until=2026-01-01T00%3A00%3A00Z"
        address = item_url(self.message, "do", "hide")
        response = self.client.post(f"{address}?next={back}", {"reason": "x"})
        self.assertTrue(response["Location"].startswith(url(self.thread, "transcript")))
        self.assertContains(self.client.get(url(self.thread, "transcript")), "Hidden by root")
        response = self.client.post(f"{address}?next=https://evil.example/", {"reason": "x"})
        self.assertContains(response, "hidden already")
        self.client.post(item_url(self.message, "do", "show"), {"reason": "x"})
        self.assertIsNone(ChatMessage.objects.get(pk=self.message.pk).hidden_at)

    def test_M4_what_its_owner_has_deleted_is_not_offered_to_be_shown(self) -> None:
        row = ChatMessage.objects.filter(pk=self.message.pk)
        show = item_url(self.message, "do", "show")
        row.update(hidden_at=timezone.now(), hidden_by="root")
        self.assertContains(self.client.get(url(self.thread, "transcript")), show)
        row.update(hidden_by="")
        response = self.client.get(url(self.thread, "transcript"))
        self.assertContains(response, "Deleted by its owner")
        self.assertNotContains(response, show)

    def test_no_redirect_leaves_the_site(self) -> None:
        address = item_url(self.message, "do", "hide") + "?next=https://evil.example/"
        self.assertNotIn("evil", self.client.post(address, {"reason": "x"})["Location"])

    def test_M4_a_message_on_hold_is_not_redacted(self) -> None:
        self.client.post(url(self.thread, "do", "hold"), {"reason": "court"})
        address = item_url(self.message, "do", "redact")
        self.assertNotContains(self.client.get(url(self.thread, "transcript")), address)
        response = self.client.post(address, {"reason": "x", "typed": "redact"})
        self.assertContains(response, "on hold: release it first")
        self.assertIsNone(ChatMessage.objects.get(pk=self.message.pk).redacted_at)
        self.assertTrue(ChatAttachment.objects.exists())
        self.assertFalse(ModerationRecord.objects.filter(action="redact").exists())

    def test_M4_a_thread_on_hold_is_not_deleted(self) -> None:
        self.client.post(url(self.thread, "do", "hold"), {"reason": "court"})
        address = url(self.thread, "do", "delete")
        response = self.client.post(address, {"reason": "x", "typed": "delete"})
        self.assertContains(response, "on hold")
        self.assertTrue(ChatSession.objects.exists())

    def test_a_thread_is_deleted_with_its_files(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(
                url(self.thread, "do", "delete"), {"reason": "x", "typed": "delete"}
            )
        self.assertRedirects(response, THREADS)
        self.assertFalse(ChatSession.objects.exists())
        self.assertEqual(self.stored(), set())

    def act(self, action: str, *threads: ChatSession, **data: Any) -> Any:
        selected = {"_selected_action": [str(thread.pk) for thread in threads]}
        return self.client.post(THREADS, {"action": action, **selected, **data}, follow=True)

    def test_a_list_action_asks_for_the_reason_and_changes_each_thread(self) -> None:
        other = add_thread("thr_2")
        response = self.act("lock", self.thread, other)
        self.assertContains(response, "2 threads")
        self.assertEqual(ChatSession.objects.filter(moderation="locked").count(), 0)
        response = self.act("lock", self.thread, other, apply="1", reason="both")
        self.assertContains(response, "2 threads")
        self.assertEqual(ChatSession.objects.filter(moderation_reason="both").count(), 2)
        self.assertEqual(ModerationRecord.objects.filter(action="lock").count(), 2)

    def test_a_list_action_names_the_threads_that_it_skipped(self) -> None:
        held = add_thread("thr_held", is_on_hold=True)
        response = self.act("delete", self.thread, held, apply="1", reason="x", typed="delete")
        self.assertContains(response, "The thread is on hold: release it first. (thr_held)")
        self.assertEqual(ChatSession.objects.get(), held)

    def test_a_list_action_accepts_no_more_threads_than_its_limit(self) -> None:
        with patch.object(lists, "MAX_LISTED", 1):
            response = self.act("lock", self.thread, add_thread("thr_2"), apply="1", reason="x")
        self.assertContains(response, "Nothing was done")
        self.assertFalse(ModerationRecord.objects.exists())

    def test_all_threads_that_a_list_offers_are_selected_and_no_more(self) -> None:
        newest = add_thread("thr_2", age=-DAY)
        with patch.object(lists, "MAX_LISTED", 2):
            add_thread("thr_3", age=-2 * DAY)
            asked = self.act("lock", newest, select_across="1")
            selected = asked.context["rows"]
            self.assertEqual([row.thread_id for row in selected], ["thr_3", "thr_2"])
            self.act("lock", *selected, select_across="0", apply="1", reason="x")
        locked = ChatSession.objects.filter(moderation="locked")
        self.assertEqual({row.thread_id for row in locked}, {"thr_3", "thr_2"})

    def test_a_list_action_accepts_as_many_threads_as_its_limit(self) -> None:
        """Django refuses forms of more than 1,000 fields."""
        others = [uuid.uuid4() for _number in range(lists.MAX_LISTED - 1)]
        selected = [str(self.thread.pk), *map(str, others)]
        data = {"reason": "x", "typed": "", "apply": "1", "csrfmiddlewaretoken": "x"}
        response = self.client.post(
            THREADS, {"action": "lock", "_selected_action": selected, **data}, follow=True
        )
        self.assertContains(response, "Lock: 1 thread.")

    def test_list_actions_depend_on_permissions(self) -> None:
        self.client.force_login(staff("carol", *READER))
        response = self.client.get(THREADS)
        self.assertNotContains(response, '<option value="lock"')
        self.act("lock", self.thread, apply="1", reason="x")
        self.assertEqual(ChatSession.objects.get().moderation, "")


class ExportTest(StorageMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", files=1)
        self.client.force_login(get_user_model().objects.create_superuser("root"))

    def download(self, format: str, **data: str) -> bytes:  # noqa: A002
        response = self.client.post(url(self.thread, "export"), {"format": format, **data})
        self.assertEqual(response.status_code, 200)
        return b"".join(response.streaming_content)

    def test_json_lines_hold_messages_and_files(self) -> None:
        archive = zipfile.ZipFile(io.BytesIO(self.download("jsonl", reason="asked for it")))
        lines = [json.loads(line) for line in archive.read("threads.jsonl").splitlines()]
        kinds = [line["type"] for line in lines]
        self.assertEqual(kinds[:5], ["chatstore", "thread", "item", "item", "attachment"])
        self.assertEqual(len(archive.namelist()), 2)
        record = ModerationRecord.objects.get()
        self.assertEqual((record.action, record.reason), ("export", "asked for it"))

    def test_markdown_is_readable(self) -> None:
        text = self.download("markdown").decode()
        self.assertIn("# Title of thr_1", text)
        self.assertLess(text.index("Text 1"), text.index("Text 0"))
        self.assertNotIn("(hidden)", text)
        ChatMessage.objects.filter(item_id="msg_0").update(hidden_at=timezone.now())
        self.assertEqual(self.download("markdown").decode().count("(hidden)"), 1)

    def test_in_markdown_a_message_cannot_end_its_own_quotation(self) -> None:
        row = ChatMessage.objects.filter(session=self.thread, item_id="msg_0")
        row.update(content="```\n# Mine\n````")
        text = self.download("markdown").decode()
        self.assertIn("\n`````\n```\n# Mine\n````\n`````\n", text)

    def test_a_list_action_exports_several(self) -> None:
        other = add_thread("thr_2", "charlie")
        selected = [str(self.thread.pk), str(other.pk)]
        data = {"action": "export", "_selected_action": selected}
        self.assertContains(self.client.post(THREADS, data), "2 threads")
        response = self.client.post(THREADS, data | {"apply": "1", "format": "markdown"})
        text = b"".join(response.streaming_content).decode()
        self.assertIn("thr_1", text)
        self.assertIn("charlie", text)
        self.assertEqual(ModerationRecord.objects.filter(action="export").count(), 2)

    def test_R6_temporary_threads_are_left_out_and_the_page_says_so(self) -> None:
        ended = add_thread("thr_ended", listing="temporary")
        sentence = "A temporary conversation is not exported."
        both = {
            "action": "export",
            "_selected_action": [str(self.thread.pk), str(ended.pk)],
        }
        page = self.client.post(THREADS, both)
        self.assertContains(page, sentence)
        self.assertContains(page, "<summary>1 thread</summary>")
        for format in ("lines", "csv", "markdown"):  # noqa: A001
            response = self.client.post(THREADS, both | {"apply": "1", "format": format})
            text = b"".join(response.streaming_content)
            self.assertIn(b"thr_1", text)
            self.assertNotIn(b"thr_ended", text)

        for page, data in (
            (THREADS, both | {"_selected_action": [str(ended.pk)]}),
            (url(ended, "export"), {}),
        ):
            response = self.client.post(page, data | {"format": "csv"}, follow=True)
            self.assertContains(response, sentence)
        self.assertContains(self.client.get(url(self.thread, "change")), "/export/")
        self.assertNotContains(self.client.get(url(ended, "change")), "/export/")
        self.assertFalse(ModerationRecord.objects.filter(thread_id="thr_ended").exists())

    @override_settings(CHATSTORE_REASON_TO_READ=True)
    def test_it_needs_a_reason_if_reading_does(self) -> None:
        response = self.client.post(url(self.thread, "export"), {"format": "markdown"})
        self.assertContains(response, "This field is required")


class GroupTest(TestCase):
    def test_the_group_may_read_and_moderate_but_not_delete(self) -> None:
        out = io.StringIO()
        for _time in range(2):
            call_command("create_moderators", stdout=out)
        group = Group.objects.get()
        self.assertIn("12 permissions", out.getvalue())
        user = get_user_model().objects.create_user("carol", is_staff=True)
        user.groups.add(group)
        thread = add_thread("thr_1")
        client = client_of(user)
        self.assertContains(client.get(url(thread, "transcript")), "Text 0")
        client.post(url(thread, "do", "lock"), {"reason": "x"})
        self.assertEqual(ChatSession.objects.get().moderation, "locked")
        with self.assertLogs("chatstore.admin.permissions", "WARNING"):
            self.assertEqual(client.get(url(thread, "do", "delete")).status_code, 403)


class SeenByTheUserTest(TestCase):
    def test_M1_the_chats_user_sees_the_reason_the_next_time_the_client_asks(self) -> None:
        thread = add_thread("thr_1")
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        self.client.post(url(thread, "do", "close"), {"reason": "Settled."})
        store: DjangoStore[dict[str, str]] = DjangoStore()
        loaded = async_to_sync(store.load_thread)("thr_1", base.ALICE)
        self.assertEqual((loaded.status.type, loaded.status.reason), ("closed", "Settled."))

    def test_times_of_the_list_are_of_the_last_activity(self) -> None:
        thread = add_thread("thr_1", age=dt.timedelta(hours=30))
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        self.client.post(url(thread, "do", "lock"), {"reason": "x"})
        self.assertEqual(ChatSession.objects.get().updated_at, thread.updated_at)
