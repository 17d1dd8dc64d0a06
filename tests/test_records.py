"""The moderators' record: its list in the admin, and how long it is kept (M3)."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatstore.models import ChatReport, ModerationRecord
from chatstore.moderation import people, reports
from chatstore.moderation.actions import lock
from chatstore.moderation.records import Action, Moderator, record, record_search
from tests.moderators import RECORDS, client_of, staff
from tests.rows import DAY, add_thread

CAROL, DORA = Moderator("carol", "Because of it"), Moderator("dora", "Another reason")


class ListTest(TestCase):
    def setUp(self) -> None:
        self.client = client_of(staff("boss", "view_moderationrecord", "view_chatsession"))
        self.first, self.second = add_thread("thr_1"), add_thread("thr_2", "bob")
        record(self.first, CAROL, Action.READ)
        record_search([], CAROL)
        lock(self.first, CAROL)
        people.suspend("bob", DORA)

    def listed(self, query: str = "") -> list[str]:
        response = self.client.get(f"{RECORDS}?{query}")
        self.assertEqual(response.status_code, 200)
        return sorted(row.action for row in response.context["cl"].result_list)

    def test_M3_acts_only(self) -> None:
        self.assertEqual(self.listed(), ["lock", "read", "search", "suspend"])
        self.assertEqual(self.listed("acts=only"), ["lock", "suspend"])
        self.assertEqual(self.listed("acts=no"), ["read", "search"])
        self.assertEqual(self.listed("action__exact=lock"), ["lock"])

    def test_M3_by_who_owner_and_thread(self) -> None:
        self.assertEqual(self.listed("q=carol"), ["lock", "read", "search"])
        self.assertEqual(self.listed("q=bob"), ["suspend"])
        self.assertEqual(self.listed("q=thr_1"), ["lock", "read"])
        self.assertEqual(self.listed("q=thr_1&acts=only"), ["lock"])
        self.assertEqual(self.listed("q=nobody"), [])
        self.assertEqual(self.listed("user_id__exact=bob"), ["suspend"])

    def test_M3_by_date(self) -> None:
        for action, days in (("lock", 9), ("read", 40)):
            created_at = timezone.now() - days * DAY
            ModerationRecord.objects.filter(action=action).update(created_at=created_at)
        day = timezone.localdate(timezone.now() - 9 * DAY).isoformat()
        for query, expected in (
            (f"since={day}&until={day}", ["lock"]),
            (f"since={day}", ["lock", "search", "suspend"]),
            (f"until={day}&acts=no", ["read"]),
        ):
            self.assertEqual(self.listed(query), expected, query)
        for period, expected in (
            ("7", ["search", "suspend"]),
            ("30", ["lock", "search", "suspend"]),
            ("older", ["read"]),
        ):
            self.assertEqual(self.listed(f"period={period}"), expected)
        self.assertLessEqual(set(self.listed("period=today")), {"search", "suspend"})

    def test_it_takes_the_same_queries_however_long(self) -> None:
        counts = set()
        for _time in range(2):
            with CaptureQueriesContext(connection) as captured:
                self.listed()
            counts.add(len(captured))
            for _number in range(20):
                record(self.first, CAROL, Action.READ)
        self.assertEqual(len(counts), 1)

    def test_a_long_reason_is_cut_in_the_list_and_whole_on_its_page(self) -> None:
        lock(self.second, Moderator("carol", "long " * 100 + "end"))
        self.assertNotContains(self.client.get(RECORDS), "end</td>")
        row = ModerationRecord.objects.latest("pk")
        self.assertContains(self.client.get(f"{RECORDS}{row.pk}/change/"), "long end")

    def test_people_are_linked_for_those_who_may_see_their_pages(self) -> None:
        page = f"people/{b'bob'.hex()}/"
        self.assertContains(self.client.get(RECORDS), page)
        only = client_of(staff("only", "view_moderationrecord"))
        answer = only.get(RECORDS)
        self.assertNotContains(answer, page)
        self.assertContains(answer, "bob")


class CleanupTest(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1")
        add_thread("thr_2", "bob")
        for age in (1, 40, 41, 42):
            record(self.thread, CAROL, Action.READ)
            self.age(ModerationRecord.objects.latest("pk"), days=age)
        # Old and closed long ago, old and closed lately, old and open.
        of_alice, of_bob = ("alice", "thr_1"), ("bob", "thr_2")
        for thread, closed in ((of_alice, 40), (of_bob, 40), (of_alice, 1), (of_alice, 0)):
            made = reports.flag(*thread, "msg_0", reason="wrong", reporter=str(closed))
            columns: dict[str, Any] = {"created_at": timezone.now() - 50 * DAY}
            if closed:
                columns |= {"state": "dismissed", "closed_at": timezone.now() - closed * DAY}
            ChatReport.objects.filter(pk=made.pk).update(**columns)

    def age(self, row: ModerationRecord, days: int) -> None:
        created_at = timezone.now() - dt.timedelta(days=days)
        ModerationRecord.objects.filter(pk=row.pk).update(created_at=created_at)

    def run_command(self, **options: Any) -> str:
        out = io.StringIO()
        call_command("cleanup_records", stdout=out, **options)
        return out.getvalue().strip()

    def test_M3_records_are_kept_for_ever_unless_the_site_says_for_how_long(self) -> None:
        with self.assertRaisesMessage(CommandError, "CHATSTORE_RECORD_DAYS is 0"):
            self.run_command()
        self.assertEqual(ModerationRecord.objects.count(), 4)

    @override_settings(CHATSTORE_RECORD_DAYS=30)
    def test_M3_older_ones_and_closed_reports_are_deleted_in_batches(self) -> None:
        said = self.run_command(dry_run=True)
        self.assertEqual(said, "Would delete 3 records and 2 reports.")
        self.assertEqual(ModerationRecord.objects.count(), 4)
        said = self.run_command(batch_size=2)
        self.assertEqual(said, "Deleted 3 records and 2 reports.")
        self.assertEqual(ModerationRecord.objects.count(), 1)
        self.assertEqual(set(ChatReport.objects.values_list("reporter", flat=True)), {"1", "0"})
        self.assertEqual(self.run_command(), "Deleted 0 records and 0 reports.")

    @override_settings(CHATSTORE_RECORD_DAYS=30)
    def test_days_of_the_command_come_first_and_counts_as_json(self) -> None:
        values = json.loads(self.run_command(days=41, json=True, dry_run=True))
        self.assertEqual((values["records"], values["reports"], values["dry_run"]), (2, 0, True))
