"""The moderators' pages where two owners have threads, items and files of the same ids."""

from __future__ import annotations

import json
import re
import zipfile
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.urls import reverse

from chatstore.admin.lists import counts_by_thread
from chatstore.db.row_keys import row_key
from chatstore.models import (
    ChatSession,
    session_key,
)
from chatstore.moderation import sampling, search, statistics
from chatstore.portability import downloads
from tests.base import CHARLIE, answer
from tests.test_shards import SameIds


@pytest.mark.sharded
class AdminTest(SameIds):
    """The moderators' pages and forms name the owner of a thread that is there twice."""

    def setUp(self) -> None:
        super().setUp()
        root = get_user_model().objects.create_superuser("root", password="x")
        self.client.force_login(root)
        self.list_url = reverse("admin:chatstore_chatsession_changelist")
        self.hers, self.his = ChatSession.objects.order_by("user_id")

    def get(self, url: str) -> str:
        response = self.client.get(url)
        self.assertEqual(response.status_code, 200, url)
        return response.content.decode()

    def test_M3_each_page_shows_the_thread_of_one(self) -> None:
        links = re.findall(r'href="([^"]*/chatsession/[^"/]+/change/)', self.get(self.list_url))
        self.assertEqual(len(set(links)), 2)
        for link in links:
            page = self.get(link)
            owner = "alice" if row_key(self.hers) in link else "charlie"
            self.assertIn(owner, page)
            [transcript] = set(re.findall(r'href="([^"]*/transcript/)', page))
            text, other = ("Hers", "His") if owner == "alice" else ("His", "Hers")
            page = self.get(transcript)
            self.assertIn(text, page)
            self.assertNotIn(other, page)
            for inner in set(re.findall(r'href="([^"]*/(?:items|do|export)/[^"]*)', page)):
                self.get(inner)
        self.get(reverse("admin:chatstore_chatmessage_changelist"))

    def test_a_link_without_an_owner_leads_to_the_list(self) -> None:
        change = reverse("admin:chatstore_chatsession_change", args=[self.hers.pk])
        page = self.client.get(change, follow=True).content.decode()
        self.assertIn("Find the row in the list.", page)
        for name in ("transcript", "export"):
            url = reverse(f"admin:chatstore_chatsession_{name}", args=[self.hers.pk])
            self.assertEqual(self.client.get(url).status_code, 404)
        self.call(self.store.delete_thread, "thr_1", CHARLIE)
        self.get(change)

    def test_M3_an_action_on_selected_threads_changes_the_thread_of_one(self) -> None:
        selected = re.findall(r'name="_selected_action" value="([^"]+)"', self.get(self.list_url))
        self.assertCountEqual(selected, [row_key(self.hers), row_key(self.his)])
        data = {"action": "delete", "_selected_action": row_key(self.hers)}
        page = self.client.post(self.list_url, data).content.decode()
        again = re.findall(r'name="_selected_action" value="([^"]+)"', page)
        self.assertEqual(again, [row_key(self.hers)])
        answers = {"apply": "1", "reason": "Spam", "typed": "delete"}
        self.client.post(self.list_url, data | answers)
        self.assert_only(CHARLIE)

    def test_M3_counts_and_search_are_those_of_each_thread(self) -> None:
        self.call(self.store.add_thread_item, "thr_1", answer(), CHARLIE)
        self.call(self.store.save_feedback, "thr_1", [answer().id], "negative", CHARLIE)
        counts = counts_by_thread([self.hers, self.his])
        self.assertEqual(counts["alice", self.hers.pk], [1, 0, 0, 0, 0])
        self.assertEqual(counts["charlie", self.his.pk], [2, 0, 1, 0, 0])
        listed = re.findall('name="_selected_action"', self.get(f"{self.list_url}?thumbs=down"))
        self.assertEqual(len(listed), 1)
        found = search.messages("hers").hits
        self.assertEqual([hit.message.session.user_id for hit in found], ["alice"])

    def test_R3_a_download_holds_the_selected_thread(self) -> None:
        with downloads.as_archive([self.hers]) as file, zipfile.ZipFile(file) as archive:
            lines = archive.read("threads.jsonl").splitlines()
        owners = [record.get("user_id") for record in map(json.loads, lines)]
        self.assertEqual([owner for owner in owners if owner], ["alice"])

    def test_M7_the_overview_counts_all_owners(self) -> None:
        report = statistics.report(7)
        self.assertEqual((report.threads.total, report.messages.total), (2, 2))
        self.get(reverse("admin:chatstore_chatsession_overview"))

    @pytest.mark.citus
    def test_M7_the_overview_estimates_by_what_the_nodes_have_counted(self) -> None:
        ChatSession.objects.bulk_create(
            ChatSession(
                session_id=session_key(f"x{number}"),
                thread_id=f"x{number}",
                user_id=f"user_{number}",
                payload="{}",
                **dict.fromkeys(("created_at", "updated_at"), self.hers.updated_at),
            )
            for number in range(400)
        )
        connection.cursor().execute("ANALYZE chat_sessions")
        with patch.object(sampling, "SAMPLE", 100):
            report = statistics.report(7)
        self.assertTrue(report.is_estimate)
        # Of a sample of 100 in which each row is, or is not, by its key: five standard deviations.
        self.assertTrue(200 < report.threads.total < 600, report.threads.total)
