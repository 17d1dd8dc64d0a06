"""CSV of the admin's lists, and exports of conversations for review."""

from __future__ import annotations

import csv
import io
import json
from unittest.mock import patch

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from chatstore.admin import list_exports
from chatstore.models import ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation.records import Action, Moderator, record
from chatstore.moderation.reports import flag
from tests.moderators import MESSAGES, RECORDS, REPORTS, THREADS, client_of, staff, url
from tests.rows import DAY, StorageMixin, add_thread

VIEWS = {
    THREADS: "view_chatsession",
    MESSAGES: "view_chatmessage",
    REPORTS: "view_chatreport",
    RECORDS: "view_moderationrecord",
}
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


class ListTest(TestCase):
    def setUp(self) -> None:
        self.mine = add_thread("thr_1", messages=3)
        self.old = add_thread("thr_2", "bob", age=100 * DAY)
        ChatMessage.objects.filter(item_id="msg_0").update(feedback="negative")
        flag("alice", "thr_1", "msg_0", reason="harmful")
        record(self.mine, Moderator("carol", "Because"), Action.LOCK)
        self.client = client_of(get_user_model().objects.create_superuser("root"))

    def table(self, address: str, query: str = "", reason: str = "") -> list[dict[str, str]]:
        response = self.client.post(f"{address}csv/?{query}", {"reason": reason})
        self.assertEqual(response["Content-Type"], "text/csv; charset=utf-8")
        return read(b"".join(response.streaming_content))

    def test_it_has_what_the_filters_show(self) -> None:
        rows = self.table(THREADS)
        self.assertEqual([row["Thread id"] for row in rows], ["thr_1", "thr_2"])
        expected = {"Title": "Title of thr_1", "Owner": "alice", "State": "Active"}
        expected |= {"Messages": "3", "Thumbs": "0 / 1", "Reports": "1, 1 open"}
        self.assertLessEqual(expected.items(), rows[0].items())
        self.assertEqual(
            [row["Thread id"] for row in self.table(THREADS, "activity=old")], ["thr_2"]
        )
        self.assertEqual([row["Thread id"] for row in self.table(THREADS, "q=thr_1")], ["thr_1"])
        self.assertEqual(len(self.table(MESSAGES)), 5)
        [row] = self.table(MESSAGES, "feedback__exact=negative&q=x&since=2020-01-01")[:1]
        self.assertEqual((row["Item id"], row["State"]), ("msg_0", "Thumbs down"))
        self.assertEqual([row["Item id"] for row in self.table(REPORTS)], ["msg_0"])
        self.assertEqual([row["What"] for row in self.table(RECORDS, "q=carol")], ["Locked"])

    def test_no_cell_is_a_formula(self) -> None:
        for text in FORMULAS:
            ChatSession.objects.filter(pk=self.mine.pk).update(title=text)
            [row] = self.table(THREADS, "q=thr_1")
            self.assertRegex(row["Title"], r"^'?[^=+\-@\t\r]")

    def test_M3_each_export_of_a_list_is_a_record_without_what_was_searched(self) -> None:
        self.table(THREADS, "q=Title", reason="For the audit")
        made = ModerationRecord.objects.latest("id")
        self.assertEqual((made.action, made.reason, made.found), ("export", "For the audit", 2))
        self.assertEqual((made.item_ids, made.thread_id), (["chatsession"], ""))

    def test_M3_it_needs_the_permissions_to_see_the_list_and_to_export(self) -> None:
        for number, (address, view) in enumerate(VIEWS.items()):
            both = client_of(staff(f"both {number}", view, "export"))
            self.assertContains(both.get(address), "csv/?")
            self.assertEqual(both.get(f"{address}csv/").status_code, 200)
            self.assertTrue(b"".join(both.post(f"{address}csv/").streaming_content))
            for missing in (view, "export"):
                user = staff(f"{number} {missing}", *({*VIEWS.values(), "export"} - {missing}))
                client = client_of(user)
                if missing == "export":
                    self.assertNotContains(client.get(address), "csv/?")
                with self.assertLogs("chatstore.admin.permissions", "WARNING") as logs:
                    self.assertEqual(client.post(f"{address}csv/").status_code, 403)
                self.assertIn(missing, logs.output[0])

    def test_M3_messages_have_no_titles_for_those_who_may_not_see_threads(self) -> None:
        self.client = client_of(staff("carol", "view_chatmessage", "export"))
        self.assertNotIn("Title", str(self.table(MESSAGES)))

    def test_M3_a_lookup_of_text_and_a_wrong_date_are_refused(self) -> None:
        with self.assertLogs("django.security", "ERROR"):
            address = f"{MESSAGES}csv/?content__contains=Text"
            self.assertEqual(self.client.post(address).status_code, 400)
        response = self.client.post(f"{THREADS}csv/?since=tomorrow")
        self.assertRedirects(response, f"{THREADS}?e=1")
        self.assertEqual(len(self.table(THREADS, "q=thr_1%00")), 1)

    @override_settings(CHATSTORE_REASON_TO_READ=True)
    def test_it_needs_a_reason_if_reading_does(self) -> None:
        self.assertContains(self.client.post(f"{THREADS}csv/"), "This field is required")
        self.assertEqual(len(self.table(THREADS, reason="Asked for")), 2)

    def test_it_is_bounded_and_reads_counts_for_many_rows_together(self) -> None:
        with CaptureQueriesContext(connection) as few:
            self.table(THREADS)
        for number in range(20):
            add_thread(f"thr_more_{number}")
        with CaptureQueriesContext(connection) as many:
            self.assertEqual(len(self.table(THREADS)), 22)
        self.assertEqual(len(few), len(many))
        with (
            patch.object(list_exports, "MAX_ROWS", 7),
            patch.object(list_exports, "ROWS_AT_ONCE", 3),
        ):
            self.assertEqual(len(self.table(THREADS)), 7)


class ReviewTest(StorageMixin, TestCase):
    """Selected conversations for review."""

    def setUp(self) -> None:
        super().setUp()
        self.threads = [add_thread("thr_1", messages=3, files=1), add_thread("thr_2", "bob")]
        self.client = client_of(staff("carol", "view_chatsession", "read_transcript", "export"))

    def download(self, form: str) -> bytes:
        selected = [str(thread.pk) for thread in self.threads]
        data = {"action": "export", "_selected_action": selected, "apply": "1", "format": form}
        response = self.client.post(THREADS, data)
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.streaming)
        return b"".join(response.streaming_content)

    def test_as_csv_each_message_is_a_row_and_none_a_formula(self) -> None:
        for text in FORMULAS:
            ChatMessage.objects.filter(item_id="msg_0").update(content=f'{text}\nmore, "words"')
            rows = read(self.download("csv"))
            self.assertEqual({row["thread"] for row in rows}, {"thr_1", "thr_2"})
            self.assertEqual(len(rows), 5)
            found = next(row for row in rows if row["item"] == "msg_0")
            self.assertEqual(found["text"], f'\'{text}\nmore, "words"')
        self.assertEqual(
            ModerationRecord.objects.filter(action="export").count(), 2 * len(FORMULAS)
        )

    def test_as_json_lines_it_is_the_archive_without_files(self) -> None:
        lines = [json.loads(line) for line in self.download("lines").splitlines()]
        kinds = " ".join(line["type"] for line in lines)
        first = "thread item item item attachment thread_end"
        self.assertEqual(kinds, f"chatstore {first} thread item item thread_end end")
        self.assertNotIn("sha256", lines[5])

    def test_M3_without_the_permission_there_is_no_such_action(self) -> None:
        self.client = client_of(staff("dora", "view_chatsession", "read_transcript"))
        data = {"action": "export", "_selected_action": str(self.threads[0].pk), "apply": "1"}
        self.assertNotContains(self.client.post(THREADS, data, follow=True), "Text 0")
        for form in ("csv", "lines"):
            with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                response = self.client.post(url(self.threads[0], "export"), {"format": form})
            self.assertEqual(response.status_code, 403)
        self.assertFalse(ModerationRecord.objects.exists())
