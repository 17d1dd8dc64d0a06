"""V21: what a user writes with a thumb down."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import Client, TestCase, override_settings

from chatstore.models import ChatMessage, ChatReport, ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server.chat_server import get_server
from chatstore.testing import MemoryStore
from tests.endpoint import Belongings, EndpointMixin
from tests.rows import everything

MODERATOR = Moderator("Mo", reason="Because")


class CommentTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_alice")

    def rate(self, kind: str) -> None:
        params = {"thread_id": "thr_alice", "item_ids": [self.has.answer], "kind": kind}
        async_to_sync(self.get)("items.feedback", params)

    def comment(self, comment: Any, client: Client | None = None, **fields: Any) -> Any:
        body = {"thread_id": "thr_alice", "item_id": self.has.answer, "comment": comment}
        client = client or self.client
        return client.post("/chat/feedback/", body | fields, content_type="application/json")

    def stored(self) -> str | None:  # type: ignore[override]
        return ChatMessage.objects.get(item_id=self.has.answer).feedback_comment

    @override_settings(CHATSTORE_REPORT_THUMBS_DOWN=True)
    def test_V21_M5_a_comment_is_kept_and_is_in_the_report(self) -> None:
        self.rate("negative")
        self.assertEqual(ChatReport.objects.get().words, "")
        response = self.comment("It is <b>wrong</b>.\0")
        self.assertEqual((response.status_code, response.json()), (200, {}))
        self.assertEqual(self.stored(), "It is <b>wrong</b>.\ufffd")
        self.assertEqual(ChatReport.objects.get().words, "It is <b>wrong</b>.\ufffd")
        self.comment("No, worse.")
        self.assertEqual((self.stored(), ChatReport.objects.get().words), ("No, worse.",) * 2)
        ChatReport.objects.update(state="dismissed", open_key=None)
        self.comment("Again.")
        self.assertEqual(
            sorted(ChatReport.objects.values_list("state", "words")),
            [("dismissed", "No, worse."), ("open", "Again.")],
        )

    @override_settings(CHATSTORE_REPORT_THUMBS_DOWN=True)
    def test_V21_M5_another_thumb_down_leaves_the_comment_in_the_report(self) -> None:
        self.rate("negative")
        self.comment("Wrong.")
        self.rate("negative")
        self.assertEqual((self.stored(), ChatReport.objects.get().words), ("Wrong.",) * 2)
        self.comment("")
        self.assertEqual((self.stored(), ChatReport.objects.get().words), (None, ""))

    def test_V21_without_that_setting_there_is_no_report(self) -> None:
        self.rate("negative")
        self.comment("Wrong.")
        self.assertFalse(ChatReport.objects.exists())

    def test_V21_a_comment_goes_with_another_thumb_and_a_redaction(self) -> None:
        self.rate("negative")
        self.comment("Wrong.")
        self.rate("negative")
        self.assertEqual(self.stored(), "Wrong.")
        self.rate("positive")
        self.assertIsNone(self.stored())
        self.rate("negative")
        self.comment("Wrong.")
        self.comment("")
        self.assertIsNone(self.stored())
        self.comment("Wrong.")
        redact(ChatMessage.objects.get(item_id=self.has.answer), MODERATOR)
        self.assertIsNone(self.stored())

    def test_V21_what_is_no_comment_is_refused(self) -> None:
        before = everything()
        self.assert_refused(self.comment("Wrong."), 404)  # it has no thumb down
        self.rate("negative")
        before = everything()
        for fields in ({"item_id": "msg_0"}, {"thread_id": "thr_0"}, {"item_id": ""}):
            self.assert_refused(self.comment("Wrong.", **fields), 404)
        self.assert_refused(self.comment("x" * 1001), 400)
        self.assert_refused(self.comment(1), 400)
        self.assert_refused(self.client.post("/chat/feedback/", "{", "application/json"), 400)
        self.assert_refused(self.comment("x" * 20_000), 413)
        self.assert_refused(self.comment("Wrong.", Client()), 401)
        stranger = Client()
        stranger.force_login(self.other)
        self.assert_refused(self.comment("Wrong.", stranger), 404)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.user)
        self.assert_refused(self.comment("Wrong.", strict), 403)
        with override_settings(CHATSTORE_CREATIONS_PER_MINUTE=1):
            self.comment("Wrong.", item_id="msg_0")
            self.assert_refused(self.comment("Wrong."), 429)
        self.assertEqual(before[0], everything()[0])
        actions.hide(ChatMessage.objects.get(item_id=self.has.answer), MODERATOR)
        before = everything()
        self.assert_refused(self.comment("Wrong."), 404)
        self.assertIsNone(self.stored())
        self.assertEqual(before[0], everything()[0])
        with mock.patch.object(get_server(), "store", MemoryStore()):
            self.assert_refused(self.comment("Wrong."), 501)

    def test_R3_V10_V21_it_is_in_exports_and_comes_back(self) -> None:
        self.rate("negative")
        self.comment("Wrong.")
        own = b"".join(self.client.get("/chat/export/?format=json"))
        self.assertIn(b'"feedback_comment":"Wrong."', own)
        with TemporaryDirectory() as folder:
            path = str(Path(folder) / "a.jsonl")
            call_command("export_threads", path, stdout=StringIO())
            call_command("erase_user", self.alice["user_id"], stdout=StringIO())
            self.assertFalse(ChatMessage.objects.exists())
            call_command("import_threads", path, stdout=StringIO())
        self.assertEqual(self.stored(), "Wrong.")

    def test_M3_V21_a_moderator_reads_it_in_the_transcript(self) -> None:
        self.rate("negative")
        self.comment("It is <b>wrong</b>.")
        self.user.is_staff = self.user.is_superuser = True
        self.user.save()
        session = ChatSession.objects.get()
        page = self.client.get(
            f"/admin/chatstore/chatsession/{session.pk}/transcript/", follow=True
        )
        self.assertContains(page, "It is &lt;b&gt;wrong&lt;/b&gt;.")

    def test_S18_V21_the_log_has_none_of_it(self) -> None:
        self.rate("negative")
        with self.assertLogs("chatstore", "DEBUG") as logged:
            self.comment("My secret.")
            self.comment("My secret.", item_id="msg_0")
            self.rate("negative")
        self.assertNotIn("secret", json.dumps(logged.output))
