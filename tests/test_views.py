"""The endpoint over HTTP: refusals (V5), locks (V2), times (V3), and its logs (S18)."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from asgiref.sync import sync_to_async
from django.core.handlers.base import BaseHandler
from django.db import connection, connections
from django.middleware.csrf import CSRF_SESSION_KEY
from django.test import AsyncClient, Client, TestCase, modify_settings, override_settings
from django.test.utils import CaptureQueriesContext

from chatstore.http.files import FileView, UploadView
from chatstore.http.views import ChatKitView
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.actions import close, lock, reopen
from chatstore.moderation.records import Moderator
from chatstore.store import DjangoStore
from tests.assistants import SECRET
from tests.endpoint import API, REQUEST_TYPES, STREAMING_TYPES, Belongings, EndpointMixin
from tests.live import CSRF, decoded, user_input
from tests.rows import everything

LOCKABLE = {
    "threads.add_user_message",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "threads.retry_after_item",
    "threads.custom_action",
    "threads.sync_custom_action",
}


def created_ats(value: Any) -> Iterator[str]:
    """Yield every created_at in some JSON."""
    if isinstance(value, dict):
        if "created_at" in value:
            yield value["created_at"]
        for child in value.values():
            yield from created_ats(child)
    elif isinstance(value, list):
        for child in value:
            yield from created_ats(child)


class RefusalTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")

    @contextmanager
    def nothing_stored(self) -> Iterator[None]:
        before = everything()
        yield
        self.assertEqual(everything(), before)

    def send_sync(self, body: Any, client: Client | None = None, **headers: Any) -> Any:
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers.setdefault("content_type", "application/json")
        return (client or self.client).post(API, data=body, **headers)

    def refuse(self, status: int, kind: str, params: dict[str, Any], **more: Any) -> str:
        with self.nothing_stored(), self.assertNoLogs("chatstore", "ERROR"):
            response = self.send_sync({"type": kind, "params": params}, **more)
            self.assertNotIn(SECRET, response.content.decode())
            return self.assert_refused(response, status)

    def test_V5_not_signed_in_is_401(self) -> None:
        for kind, params in self.has.requests().items():
            self.refuse(401, kind, params, client=Client())
        self.client.logout()
        self.refuse(401, "threads.list", {})

    def test_V5_csrf_is_403_as_json(self) -> None:
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(self.user)
        for kind, params in self.has.requests().items():
            self.refuse(403, kind, params, client=careful)
        careful.cookies["csrftoken"] = "a" * 32
        self.refuse(403, "threads.list", {}, client=careful)
        self.refuse(403, "threads.list", {}, client=careful, headers={"X-CSRFToken": "b" * 32})
        body = {"type": "threads.list", "params": {}}
        passed = self.send_sync(body, careful, headers={"X-CSRFToken": "a" * 32})
        self.assertEqual(passed.status_code, 200)
        form = careful.post(API, {"csrfmiddlewaretoken": "b" * 32, "text": SECRET})
        self.assert_refused(form, 403)

    def test_V5_unknown_threads_items_and_attachments_are_404(self) -> None:
        thread = {"thread_id": "thr_1"}
        unknown = {"thread_id": SECRET}
        file = user_input("say hello", attachments=[SECRET])
        for kind, params in self.has.requests().items():
            if "thread_id" in params and kind not in ("items.list", "threads.delete"):
                with self.subTest(kind):
                    self.refuse(404, kind, {**params, **unknown})
            if "item_id" in params:
                with self.subTest(kind):
                    self.refuse(404, kind, {**params, "item_id": SECRET})
        self.refuse(404, "threads.create", {"input": file})
        self.refuse(404, "threads.add_user_message", {**thread, "input": file})
        self.refuse(404, "attachments.delete", {"attachment_id": SECRET})
        self.refuse(404, "threads.list", {"after": SECRET})
        self.refuse(404, "items.list", {**thread, "after": SECRET})
        for wild in ("nul\0", "\ud800", "x" * 5000, "", "' OR 1=1 --"):
            self.refuse(404, "threads.get_by_id", {"thread_id": wild})

    def test_V5_reading_the_items_of_an_unknown_thread_and_deleting_it_is_fine(self) -> None:
        for kind, answer in (
            ("items.list", {"data": [], "has_more": False}),
            ("threads.delete", {}),
        ):
            with self.nothing_stored():
                body = {"type": kind, "params": {"thread_id": "unknown"}}
                response = self.send_sync(body)
            self.assertEqual((response.status_code, response.json()), (200, answer))

    def test_V5_wrong_state_is_409(self) -> None:
        asked = self.has.requests()
        self.refuse(
            409, "threads.retry_after_item", {"thread_id": "thr_1", "item_id": "msg_answer"}
        )
        for kind in ("threads.custom_action", "threads.sync_custom_action"):
            self.refuse(409, kind, {**asked[kind], "item_id": "msg_user"})
        question = "threads.add_structured_input"
        self.refuse(409, question, {**asked[question], "item_id": "msg_user"})
        self.assertEqual(
            self.send_sync({"type": question, "params": asked[question]}).status_code, 200
        )
        self.refuse(409, question, asked[question])
        # The newest item is now that answer, not a tool call.
        self.refuse(409, "threads.add_client_tool_output", {"thread_id": "thr_1", "result": SECRET})
        body = {"type": "threads.create", "params": asked["threads.create"]}
        self.assertEqual(self.send_sync(body).status_code, 200)
        self.refuse(409, "attachments.delete", asked["attachments.delete"])

    def test_V5_an_unreadable_request_is_400(self) -> None:
        bodies = [
            b"",
            b"{",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"[" * 100_000,
            b'{"type": "%s", "params": {}}' % SECRET.encode(),
            b'{"type": "threads.list"}',
            b'{"type": "threads.list", "params": {"limit": 1%s}}' % (b"0" * 5000),
            b'{"type": "threads.list", "params": {"limit": 1e400}}',
            b'{"type": "threads.list", "params": {"limit": 0}}',
            b'{"type": "threads.list", "params": {"limit": -1}}',
            b'{"type": "threads.list", "params": {"order": "%s"}}' % SECRET.encode(),
            b'{"type": "threads.get_by_id", "params": {"thread_id": {"%s": 1}}}' % SECRET.encode(),
            b'{"type": "input.transcribe", "params": {"audio_base64": "a", "mime_type": ""}}',
        ]
        for body in bodies:
            with self.subTest(body[:60]), self.nothing_stored():
                response = self.send_sync(body)
                self.assert_refused(response, 400)
                self.assertNotIn(SECRET, response.content.decode())
        many = {"thread_id": "thr_1", "item_ids": ["msg_1"] * 101, "kind": "positive"}
        self.refuse(400, "items.feedback", many)
        for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
            response = self.send_sync(b"--x\r\n" + SECRET.encode(), content_type=content_type)
            self.assert_refused(response, 400)

    def test_V5_half_an_emoji_is_no_error(self) -> None:
        body = {"type": "threads.update", "params": {"thread_id": "thr_1", "title": "a\ud83d"}}
        response = self.send_sync(body)
        self.assertEqual(response.json()["title"], "a\ufffd")

    @override_settings(CHATSTORE_MAX_REQUEST_BYTES=1000)
    def test_V5_a_body_over_the_limit_is_413(self) -> None:
        exact = json.dumps({"type": "threads.list", "params": {}}).ljust(1000)
        self.assertEqual(self.send_sync(exact).status_code, 200)
        with self.nothing_stored():
            self.assert_refused(self.send_sync(exact + " "), 413)
            self.assert_refused(self.send_sync(SECRET * 1000), 413)

    def test_V5_an_unsupported_request_is_501(self) -> None:
        asked = self.has.requests()
        self.refuse(501, "input.transcribe", asked["input.transcribe"])
        with override_settings(CHATSTORE_SERVER="tests.assistants.Bare"):
            for kind in ("threads.custom_action", "threads.sync_custom_action"):
                self.refuse(501, kind, asked[kind])

    def test_V5_any_other_error_is_500_and_logged_without_its_message(self) -> None:
        for setting in ("tests.assistants.Broken", "", "tests.assistants.Nowhere"):
            with (
                self.subTest(setting),
                override_settings(CHATSTORE_SERVER=setting, DEBUG=False),
                self.assertLogs() as logs,
                self.nothing_stored(),
            ):
                response = self.send_sync({"type": "threads.list", "params": {}})
                self.assert_refused(response, 500)
            self.assertNotIn(SECRET, "".join(logs.output) + response.content.decode())
            self.assertTrue(any("A request failed" in line for line in logs.output))
            self.assertFalse([record for record in logs.records if record.exc_info])

    def test_V5_other_methods_are_405(self) -> None:
        for method in ("get", "put", "patch", "delete", "head", "trace"):
            with self.subTest(method):
                response = getattr(self.client, method)(API)
                self.assertEqual(response.status_code, 405)
                self.assertIn("POST", response.headers["Allow"])
        self.assert_refused(self.client.get(API), 405)

    async def test_V5_the_same_through_asgi(self) -> None:
        self.assert_refused(await self.post("threads.list", {}, AsyncClient()), 401)
        careful = AsyncClient(enforce_csrf_checks=True)
        await careful.aforce_login(self.user)
        self.assert_refused(await self.post("threads.list", {}, careful), 403)
        self.assert_refused(await self.post("threads.get_by_id", thread_id="unknown"), 404)
        self.assert_refused(await self.post_body(b"{"), 400)
        with override_settings(CHATSTORE_MAX_REQUEST_BYTES=100):
            self.assert_refused(await self.post_body(b" " * 101), 413)
        self.assert_refused(await self.async_client.get(API), 405)

    @override_settings(CSRF_USE_SESSIONS=True)
    @modify_settings(MIDDLEWARE={"remove": "django.middleware.csrf.CsrfViewMiddleware"})
    async def test_V5_csrf_with_its_secret_in_the_session(self) -> None:
        """Whether get_context has loaded the session or not; Django's middleware would load it."""
        careful = AsyncClient(enforce_csrf_checks=True)
        await careful.aforce_login(self.user)
        session = await careful.asession()
        await session.aset(CSRF_SESSION_KEY, CSRF)
        await session.asave()
        body = json.dumps({"type": "threads.list", "params": {}})
        for assistant in ("Scripted", "ByHeader"):
            for token, status in ((CSRF, 200), ("b" * 32, 403)):
                with (
                    self.subTest(f"{assistant}, {status}"),
                    override_settings(CHATSTORE_SERVER=f"tests.assistants.{assistant}"),
                ):
                    headers = {"X-CSRFToken": token, "X-User": "alice"}
                    response = await careful.post(
                        API, body, content_type="application/json", headers=headers
                    )
                    self.assertEqual(response.status_code, status)

    def test_V5_atomic_requests_may_be_on(self) -> None:
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        self.addCleanup(connection.settings_dict.update, ATOMIC_REQUESTS=False)
        body = {"type": "threads.create", "params": {"input": user_input("say a")}}
        self.assertEqual(self.send_sync(body).status_code, 200)

    def test_V5_atomic_requests_of_another_database_may_be_on(self) -> None:
        connections.settings["other"] = {**connection.settings_dict, "ATOMIC_REQUESTS": True}
        self.addCleanup(connections.settings.pop, "other")
        for view in (ChatKitView, UploadView, FileView):  # raises if a view is not exempt
            BaseHandler().make_view_atomic(view.as_view())

    def test_V5_limits_are_capped(self) -> None:
        for number in range(6):
            Belongings.of(self.alice["user_id"], f"thr_more_{number}")
        with override_settings(CHATSTORE_MAX_PAGE_SIZE=3):
            for limit in (4, 10**18, None):
                for kind, params in (("threads.list", {}), ("items.list", {"thread_id": "thr_1"})):
                    body = {"type": kind, "params": {**params, "limit": limit}}
                    self.assertEqual(len(self.send_sync(body).json()["data"]), 3)
        with patch("chatstore.server.requests.DEFAULT_PAGE_SIZE", 2):
            body = {"type": "threads.list", "params": {}}
            self.assertEqual(len(self.send_sync(body).json()["data"]), 2)

    def test_V5_no_response_may_be_cached(self) -> None:
        for kind, params in (
            ("threads.list", {}),
            ("threads.create", {"input": user_input("say a")}),
        ):
            response = self.send_sync({"type": kind, "params": params})
            self.assertIn("no-store", response.headers["Cache-Control"])
        self.assertEqual(response.headers["X-Accel-Buffering"], "no")
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")


class LockTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")
        self.session = ChatSession.objects.get()
        self.moderator = Moderator.from_user(self.other, "Be nice.")

    async def check_refused(self, reason: str) -> None:
        before = await sync_to_async(everything)()
        for kind in sorted(LOCKABLE):
            with self.subTest(kind):
                response = await self.post(kind, self.has.requests()[kind])
                if kind in STREAMING_TYPES:
                    self.assertEqual(response.status_code, 200)
                    self.assertEqual(response.headers["Content-Type"], "text/event-stream")
                    (event,) = response.events
                    self.assertEqual(event["type"], "error")
                    self.assertEqual(event["code"], "custom")
                    self.assertEqual(event["message"], reason)
                    self.assertFalse(event["allow_retry"])
                else:
                    self.assertEqual(self.assert_refused(response, 409), reason)
        self.assertEqual(await sync_to_async(everything)(), before)

    async def check_passes(self) -> None:
        title = await self.get("threads.update", thread_id="thr_1", title="Renamed")
        self.assertEqual(title["title"], "Renamed")
        feedback = {"thread_id": "thr_1", "item_ids": ["msg_answer"], "kind": "negative"}
        await self.get("items.feedback", feedback)
        row = await ChatMessage.objects.aget(item_id="msg_answer")
        self.assertEqual(row.feedback, "negative")
        self.assertTrue((await self.get("items.list", thread_id="thr_1"))["data"])
        await self.get("threads.delete", thread_id="thr_1")
        self.assertFalse(await ChatSession.objects.aexists())

    async def test_V2_the_applications_lock(self) -> None:
        for status, sentence in (
            ({"type": "locked", "reason": "Over quota."}, "Over quota."),
            ({"type": "closed", "reason": "Solved."}, "Solved."),
            ({"type": "locked"}, "This conversation is locked."),
            ({"type": "closed"}, "This conversation is closed."),
        ):
            store: DjangoStore[Any] = DjangoStore()
            thread = await store.load_thread("thr_1", self.alice)
            await store.save_thread(
                type(thread).model_validate({**thread.model_dump(), "status": status}), self.alice
            )
            await self.check_refused(sentence)
        await self.check_passes()

    async def test_V2_M1_a_moderators_lock_and_close(self) -> None:
        for act in (lock, close):
            await sync_to_async(act)(self.session, self.moderator)
            await self.check_refused("Be nice.")
        await sync_to_async(reopen)(self.session, self.moderator)
        events = await self.send(
            "threads.add_user_message", thread_id="thr_1", input=user_input("say fine")
        )
        self.assertEqual(events[-1]["type"], "thread.item.done")
        await sync_to_async(lock)(self.session, self.moderator)
        await self.check_passes()

    async def test_V2_an_application_may_decide_by_itself(self) -> None:
        for assistant in ("Strict", "StrictLater"):
            with override_settings(CHATSTORE_SERVER=f"tests.assistants.{assistant}"):
                await self.check_refused("Not today.")
                self.assert_refused(
                    await self.post("threads.update", self.has.requests()["threads.update"]), 409
                )
                await self.get("threads.get_by_id", thread_id="thr_1")

    def test_V2_thread_status_and_404_are_one_query(self) -> None:
        lock(self.session, self.moderator)
        for thread_id in ("thr_1", "unknown"):
            params = {"thread_id": thread_id, "input": user_input("say fine")}
            body = json.dumps({"type": "threads.add_user_message", "params": params})
            with CaptureQueriesContext(connection) as captured:
                self.client.post(API, body, content_type="application/json")
            asked = [query for query in captured if "chat_sessions" in query["sql"]]
            self.assertEqual(len(asked), 1)

    def test_S8_a_new_thread_is_not_asked_whether_an_id_is_taken(self) -> None:
        body = json.dumps({"type": "threads.create", "params": {"input": user_input("say fine")}})
        with CaptureQueriesContext(connection) as captured:
            response = self.client.post(API, body, content_type="application/json")
        self.assertIn(b'"thread.item.done"', response.content)
        statements = [query["sql"] for query in captured if "chat_messages" in query["sql"]]
        self.assertTrue(statements)
        self.assertFalse([one for one in statements if one.startswith("SELECT")])


class TimesTests(EndpointMixin, TestCase):
    async def test_V3_every_created_at_has_an_offset(self) -> None:
        has = await sync_to_async(Belongings.of)(self.alice["user_id"], "thr_1")
        answered = 0
        kinds = sorted(REQUEST_TYPES - {"input.transcribe", "threads.delete"}, reverse=True)
        for kind in kinds:
            has = await sync_to_async(Belongings.of)(self.alice["user_id"], f"thr_{kind}")
            response = await self.post(kind, has.requests()[kind])
            self.assertEqual(response.status_code, 200)
            found = list(created_ats(response.events if response.streaming else response.json()))
            answered += bool(found)
            for time in found:
                self.assertIsNotNone(dt.datetime.fromisoformat(time).utcoffset(), (kind, time))
        self.assertGreaterEqual(answered, 9)


class WsgiTests(EndpointMixin, TestCase):
    """A sync handler, as in runserver, which sends a stream only when it is complete."""

    def ask(self, kind: str, **params: Any) -> Any:
        body = {"type": kind, "params": params}
        response = self.client.post(API, json.dumps(body), content_type="application/json")
        self.assertEqual(response.status_code, 200)
        if "event-stream" in response.headers["Content-Type"]:
            return list(decoded(iter(response.content.decode().splitlines())))
        return response.json()

    def test_V6_a_conversation(self) -> None:
        events = self.ask("threads.create", input=user_input("say one two"))
        thread = events[0]["thread"]["id"]
        self.assertEqual(events[-1]["item"]["content"][0]["text"], "one two")
        events = self.ask("threads.add_user_message", thread_id=thread, input=user_input("fail x"))
        self.assertEqual(events[-1]["type"], "error")
        first = self.ask("items.list", thread_id=thread, order="asc")["data"][0]["id"]
        self.ask("threads.retry_after_item", thread_id=thread, item_id=first)
        items = self.ask("items.list", thread_id=thread, order="asc")["data"]
        self.assertEqual([item["type"] for item in items], ["user_message", "assistant_message"])
        self.ask("threads.delete", thread_id=thread)
        self.assertEqual(self.ask("threads.list")["data"], [])


class LogTests(EndpointMixin, TestCase):
    async def test_S18_no_word_of_a_conversation_is_logged(self) -> None:
        say = lambda scene: {"input": user_input(f"{scene} {SECRET}")}  # noqa: E731
        level = logging.getLogger("chatkit").level
        self.addCleanup(logging.getLogger("chatkit").setLevel, level)
        logging.getLogger("chatkit").setLevel(logging.DEBUG)
        with self.assertLogs(level="DEBUG") as logs:
            events = await self.send("threads.create", say("say"))
            thread = {"thread_id": events[0]["thread"]["id"]}
            for scene in ("fail", "sorry", "unstorable", "title", "fake", "guard", "hide", "tool"):
                await self.send("threads.add_user_message", {**thread, **say(scene)})
            await self.send("threads.add_user_message", {**thread, **say("say")})
            await self.send("threads.add_user_message", {**thread, **say("no_such_scene")})
            has = await sync_to_async(Belongings.of)(self.alice["user_id"], "thr_2", SECRET)
            for kind, params in has.requests().items():
                if kind == "threads.add_structured_input":
                    answers = {"why": {"values": [SECRET]}, SECRET: {"values": [SECRET]}}
                    params = {**params, "input": {"answers": answers}}
                await self.post(kind, params)
                await self.post(kind, {**params, "thread_id": SECRET, "after": SECRET})
                await self.post(kind, {SECRET: SECRET})
            await self.post_body(SECRET)
        said = "\n".join(logging.Formatter().format(record) for record in logs.records)
        self.assertNotIn(SECRET, said)
        self.assertIn("respond() failed in thr_", said)
        self.assertIn("A stream failed", said)
