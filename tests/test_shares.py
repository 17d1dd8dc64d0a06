"""V11: threads that are shared by a link."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any
from unittest import mock

from asgiref.sync import async_to_sync
from chatkit.types import GeneratedImage, GeneratedImageItem, ImageAttachment
from django.conf import settings
from django.core.management import call_command
from django.core.signing import Signer
from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from chatstore.models import ChatMessage, ChatSession, ModerationRecord
from chatstore.moderation import actions, redaction
from chatstore.moderation.records import Moderator
from chatstore.shares import links, snapshots
from chatstore.store import DjangoStore
from chatstore.testing import samples
from tests import base
from tests.endpoint import EndpointMixin
from tests.live import user_input
from tests.rows import add_attachment

MODERATOR = Moderator("Mo", "their reason", "1")
store: DjangoStore[Any] = DjangoStore()


class ShareTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stranger = Client()
        picture = ImageAttachment(
            id="atc_1",
            name="picture.png",
            mime_type="image/png",
            preview_url="https://chat.example/files/1/?token=secret",
        )
        add_attachment("atc_1", self.alice["user_id"])
        async_to_sync(store.save_attachment)(picture, self.alice)
        async_to_sync(store.save_thread)(base.thread("thr_1", title="My <title>"), self.alice)
        self.add(
            base.user_message("msg_1", "my words", attachments=[picture]),
            base.hidden_context("hid_1"),
            base.answer("msg_2", "an answer"),
            base.tool_call("tc_1"),
            samples.structured_input("ask_1"),
            GeneratedImageItem(
                id="img_1",
                thread_id="thr_1",
                created_at=base.NOW,
                image=GeneratedImage(id="atc_2", url="https://chat.example/files/2/?token=secret"),
            ),
        )
        self.link = self.share()

    def add(self, *items: Any) -> None:
        for item in items:
            item.thread_id = "thr_1"
            async_to_sync(store.add_thread_item)("thr_1", item, self.alice)

    def change(self, **change: bool) -> dict[str, Any]:
        path = "/chat/threads/thr_1/"
        response = self.client.post(path, change, content_type="application/json")
        self.assertEqual(response.status_code, 200, response.content)
        return dict(response.json())

    def share(self) -> str:
        state = self.change(shared=True)
        self.assertIsNotNone(state["shared_at"])
        return str(state["link"])

    def items(self, **query: str) -> list[dict[str, Any]]:
        response = self.stranger.get(f"{self.link}items/", query)
        self.assertEqual(response.status_code, 200, response.content)
        return list(response.json()["data"])

    def assert_gone(self, link: str = "") -> None:
        page = self.stranger.get(link or self.link)
        self.assertEqual(page.status_code, 404)
        self.assertNotContains(page, "title&gt;", status_code=404)
        self.assert_refused(self.stranger.get(f"{link or self.link}items/"), 404)

    def test_V11_whoever_has_the_link_reads_what_was_said_so_far(self) -> None:
        self.add(base.user_message("msg_later", "what was said later"))
        page = self.stranger.get(self.link)
        self.assertContains(page, "My &lt;title&gt;")
        self.assertNotContains(page, "my words")  # its modules draw it
        shown = self.items()
        self.assertEqual([item["id"] for item in shown], ["msg_1", "msg_2", "img_1"])
        text = str(shown)
        for word in ("secret", "atc_1", "atc_2", "thr_1", "later", "preview_url"):
            self.assertNotIn(word, text)
        self.assertEqual([file["name"] for file in shown[0]["attachments"]], ["picture.png"])
        self.link = self.share()
        self.assertEqual(self.items()[-1]["id"], "msg_later")

    def test_V11_it_is_for_reading_only_and_in_no_index(self) -> None:
        for path in (self.link, f"{self.link}items/"):
            response = self.stranger.get(path)
            self.assertEqual(response["X-Robots-Tag"], "noindex, nofollow")
            self.assertEqual(response["Referrer-Policy"], "no-referrer")
            self.assertEqual(response["Cache-Control"], "private, no-store")
            self.assertFalse(response.cookies)
            for send in (self.stranger.post, self.stranger.delete, self.stranger.put):
                self.assert_refused(send(path), 405)
        page = self.stranger.get(self.link).content.decode()
        for part in ("csrf", 'id="composer"', "main.js", "thread-list", "data-user", "logout"):
            self.assertNotIn(part, page)
        self.assertIn("chat/shared.js", page)

    def test_V11_it_needs_no_sign_in_where_a_site_asks_everybody_for_one(self) -> None:
        middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
        with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, middleware]):
            stranger = Client()
            self.assertEqual(stranger.get(self.link).status_code, 200)
            self.assertEqual(stranger.get(f"{self.link}items/").status_code, 200)
            self.assertEqual(stranger.get("/chat/").status_code, 302)

    def test_V11_moderation_applies_to_it(self) -> None:
        rows = ChatMessage.objects.filter(session__thread_id="thr_1")
        actions.hide(rows.get(item_id="msg_1"), MODERATOR)
        redaction.redact(rows.get(item_id="msg_2"), MODERATOR)
        self.assertEqual([item["id"] for item in self.items()], ["img_1"])
        thread = ChatSession.objects.get()
        for act in (actions.lock, actions.close):
            act(thread, MODERATOR)
            self.assert_gone()
        path = "/chat/threads/thr_1/"
        response = self.client.post(path, {"shared": True}, content_type="application/json")
        self.assert_refused(response, 409)
        actions.reopen(thread, MODERATOR)
        self.assertEqual(len(self.items()), 1)

    def test_V11_an_answer_that_is_given_later_is_not_in_it(self) -> None:
        question = ChatMessage.objects.get(item_id="ask_1")
        actions.hide(question, MODERATOR)
        self.link = self.share()
        actions.show(question, MODERATOR)
        answers = {"why": {"values": ["a later secret"], "skipped": False}}
        params = {"thread_id": "thr_1", "item_id": "ask_1", "input": {"answers": answers}}
        async_to_sync(self.send)("threads.add_structured_input", params)
        self.assertEqual([item["id"] for item in self.items()], ["msg_1", "msg_2", "img_1"])
        self.link = self.share()
        self.assertIn("a later secret", str(self.items()))

    def test_V11_V19_it_shows_no_title_of_what_was_written_later(self) -> None:
        rows = ChatSession.objects.filter(thread_id="thr_1")
        replace = {
            "params": {"thread_id": "thr_1", "input": user_input("say a later secret")},
            "metadata": {"replaces": "msg_1"},
        }
        titled = base.thread("thr_1", title="my words")
        rows.update(title="my words", payload=titled.model_dump_json())
        body = json.dumps({"type": "threads.add_user_message", **replace})
        self.assertEqual(async_to_sync(self.post_body)(body).status_code, 200)
        self.assertEqual(rows.get().title, "say a later secret")
        self.assertNotContains(self.stranger.get(self.link), "later secret", status_code=404)
        self.assert_gone()

    def test_V11_a_link_ends_when_its_owner_ends_or_renews_it(self) -> None:
        old, self.link = self.link, self.share()
        self.assertNotEqual(old, self.link)
        self.assert_gone(old)
        self.items()
        self.assertIsNone(self.change(shared=False)["shared_at"])
        self.assert_gone()

    def test_V11_it_ends_with_the_thread(self) -> None:
        async_to_sync(self.get)("threads.delete", {"thread_id": "thr_1"})
        self.assert_gone()

    def test_M4_V11_it_ends_when_the_thread_is_deleted_on_hold(self) -> None:
        actions.hold(ChatSession.objects.get(), MODERATOR)
        async_to_sync(self.get)("threads.delete", {"thread_id": "thr_1"})
        self.assertTrue(ChatSession.objects.exists())
        self.assert_gone()

    def test_R4_V11_it_ends_with_its_owner(self) -> None:
        call_command("erase_user", self.alice["user_id"], stdout=StringIO())
        self.assert_gone()

    def test_V11_an_operator_ends_all_links_at_once(self) -> None:
        with override_settings(CHATSTORE_SHARING=False):
            self.assert_gone()
            path = "/chat/threads/thr_1/"
            response = self.client.post(path, {"shared": True}, content_type="application/json")
            self.assert_refused(response, 403)
            self.assertContains(self.client.get("/chat/"), 'data-sharing=""')
            self.assertIsNone(self.change(shared=False)["shared_at"])
        self.assertContains(self.client.get("/chat/"), 'data-sharing="true"')

    def test_M3_V11_a_moderator_sees_and_ends_it_on_record(self) -> None:
        self.user.is_staff = self.user.is_superuser = True
        self.user.save()
        url = "/admin/chatstore/chatsession/"
        self.assertContains(self.client.get(f"{url}?listing=shared"), "Shared by a link")
        self.assertContains(self.client.get(f"{url}?listing=pinned"), "0 threads")
        key = ChatSession.objects.get().pk
        response = self.client.post(f"{url}{key}/do/unshare/", {"reason": "A complaint"})
        self.assertEqual(response.status_code, 302)
        self.assert_gone()
        self.assertIsNone(ChatSession.objects.get().shared_at)
        record = ModerationRecord.objects.get(action="unshare")
        self.assertEqual((record.thread_id, record.reason), ("thr_1", "A complaint"))

    def test_V11_the_database_holds_nothing_that_opens_it(self) -> None:
        text = self.link.removeprefix("/chat/shared/").rstrip("/")
        user_id, session_id, token, *_questions = Signer(salt="chatstore.share").unsign_object(text)
        self.assertEqual(user_id, self.alice["user_id"])
        self.assertGreaterEqual(len(token), 22)  # of base64: 132 bits
        row = ChatSession.objects.values().get()
        self.assertEqual(row["session_id"].hex, session_id)
        self.assertNotIn(token, str(row))
        self.assertIn(links.read(text).share_hash, str(row))

    def test_V11_a_wrong_link_asks_no_database(self) -> None:
        text = self.link.removeprefix("/chat/shared/").rstrip("/")
        signed = Signer(salt="chatstore.share").sign_object
        for wrong in ("x", f"{text}x", f"x{text}", text[:-1], signed(1), signed(["1", "x", "y"])):
            with self.subTest(wrong), CaptureQueriesContext(connection) as captured:
                self.assert_gone(f"/chat/shared/{wrong}/")
            self.assertEqual([], [query for query in captured if "chat_" in query["sql"]])
        other = signed(["charlie", links.read(text).session_id.hex, "token"])
        self.assert_gone(f"/chat/shared/{other}/")

    def test_S18_V11_no_log_has_a_link(self) -> None:
        text = self.link.removeprefix("/chat/shared/").rstrip("/")
        self.stranger.raise_request_exception = False
        with self.assertLogs(level="WARNING") as logs:
            for path in (self.link, f"{self.link}items/"):
                self.assertEqual(self.stranger.post(path).status_code, 405)
                with mock.patch.object(snapshots, "load_page", side_effect=ValueError):
                    self.assertEqual(self.stranger.get(path).status_code, 500)
            self.change(shared=False)
            for path in (self.link, f"{self.link}items/", f"{self.link}).", f"{self.link}x/y/"):
                self.assertEqual(self.stranger.get(path).status_code, 404)
        for record in logs.records:
            self.assertNotIn(text, logging.Formatter().format(record))
            self.assertIsNone(getattr(record, "request", None))  # which is mailed to the admins
        said = [record.getMessage() for record in logs.records if record.name == "django.request"]
        self.assertEqual(len(said), 8)
        self.assertEqual(said[-1], "Not Found: a shared conversation")

    def test_V11_long_threads_come_in_pages(self) -> None:
        with mock.patch.object(snapshots, "PAGE", 2):
            first = self.stranger.get(f"{self.link}items/").json()
            self.assertEqual((first["has_more"], first["after"]), (True, "msg_2"))
            rest = self.stranger.get(f"{self.link}items/?after=msg_2").json()
        self.assertEqual(([item["id"] for item in rest["data"]], rest["after"]), (["img_1"], None))
        self.assert_refused(self.stranger.get(f"{self.link}items/?after=msg_0"), 404)

    def test_S3_V11_every_statement_names_the_owner(self) -> None:
        with CaptureQueriesContext(connection) as captured:
            self.items()
        asked = [query["sql"] for query in captured if "chat_" in query["sql"]]
        self.assertEqual(len(asked), 2)
        for sql in asked:
            self.assertIn("user_id", sql.partition("WHERE")[2])
