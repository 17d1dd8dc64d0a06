"""Reports: by users on the page, by applications, by thumbs down and by the flagger (M5)."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from django.core import mail
from django.core.management import call_command
from django.test import Client, TestCase, TransactionTestCase, override_settings

from chatstore import signals
from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatReport, ChatSession, ModerationRecord
from chatstore.moderation import flagging, openai_flagger, reports
from chatstore.moderation.actions import hide, hold
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from tests.endpoint import Belongings, EndpointMixin
from tests.rows import StorageMixin, add_thread

REPORTS = "/chat/reports/"
BY = Moderator("carol", "Looked at it", "1")


def report(thread_id: str = "thr_1", item_id: str = "msg_0", **options: Any) -> ChatReport:
    return reports.flag("alice", thread_id, item_id, **{"reason": "harmful", **options})


class FlagTest(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1")

    def test_M5_an_application_reports_a_message_or_a_thread(self) -> None:
        report(words="list of words")
        reports.flag("alice", "thr_1", reason="long thread")
        on_message, on_thread = ChatReport.objects.order_by("created_at")
        self.assertEqual((on_message.item_id, on_message.words), ("msg_0", "list of words"))
        self.assertEqual((on_message.source, on_message.state), ("application", "open"))
        self.assertEqual(on_message.message_id, ChatMessage.objects.get(item_id="msg_0").pk)
        self.assertEqual((on_thread.item_id, on_thread.message_id), ("", None))

    def test_M5_nobody_reports_what_the_owner_does_not_see(self) -> None:
        hide(self.thread.messages.get(item_id="msg_1"), BY)
        for user_id, item_id in (("charlie", "msg_0"), ("alice", "msg_9"), ("alice", "msg_1")):
            with self.assertRaises(NotFoundError):
                reports.flag(user_id, "thr_1", item_id, reason="harmful")
        self.assertFalse(ChatReport.objects.exists())

    def test_M5_of_a_reporter_and_a_message_one_report_is_open(self) -> None:
        first = report(reporter="alice", source="user")
        again = report(reporter="alice", source="user", reason="wrong")
        self.assertEqual((again.pk, again.reason), (first.pk, "harmful"))
        report(reporter="bob", source="user")
        report(item_id="msg_1", reporter="alice", source="user")
        self.assertEqual(ChatReport.objects.count(), 3)
        reports.dismiss(first, BY)
        report(reporter="alice", source="user")
        self.assertEqual(ChatReport.objects.open().count(), 3)

    def test_words_are_bounded_and_can_be_stored(self) -> None:
        made = report(words="a\0" + "b" * 2000, reason="c" * 100)
        made.refresh_from_db()
        self.assertEqual((made.words[:2], len(made.words)), ("a\ufffd", 1000))
        self.assertEqual(len(made.reason), 64)

    def test_M5_it_remains_when_the_thread_is_deleted(self) -> None:
        report()
        ChatMessage.objects.all().delete()
        self.thread.delete()
        self.assertEqual(ChatReport.objects.get().thread_id, "thr_1")

    def test_M2_a_redaction_takes_the_reporters_words(self) -> None:
        report(words="It says: secret")
        other = report(item_id="msg_1", words="Another")
        redact(self.thread.messages.get(item_id="msg_0"), BY)
        self.assertEqual(
            set(ChatReport.objects.values_list("item_id", "words")),
            {("msg_0", ""), (other.item_id, "Another")},
        )


class NotifiedTest(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1")

    def test_M5_a_signal_tells_of_it_after_the_commit_with_ids_only(self) -> None:
        heard: list[dict[str, Any]] = []

        def receive(**values: Any) -> None:
            heard.append(values)

        signals.message_reported.connect(receive)
        self.addCleanup(signals.message_reported.disconnect, receive)
        with self.captureOnCommitCallbacks(execute=True):
            made = report(words="secret")
            self.assertEqual(heard, [])
        with self.captureOnCommitCallbacks(execute=True):
            report(words="secret")  # it is open already
        self.assertEqual(len(heard), 1)
        self.assertEqual(heard[0]["report_id"], str(made.pk))
        self.assertEqual((heard[0]["user_id"], heard[0]["item_id"]), ("alice", "msg_0"))
        self.assertNotIn("secret", str(heard))

    def test_M5_a_mail_names_ids_and_no_text(self) -> None:
        with (
            override_settings(
                CHATSTORE_REPORT_MAIL=["mod@example.com"], CHATSTORE_BASE_URL="https://a.example"
            ),
            self.captureOnCommitCallbacks(execute=True),
        ):
            made = report(words="secret")
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["mod@example.com"])
        self.assertIn("thr_1", sent.body)
        self.assertNotIn("secret", sent.body + sent.subject)
        self.assertNotIn("Text", sent.body)
        self.assertNotIn("Title", sent.body)
        self.assertIn(str(made.pk), sent.body)

    @override_settings(CHATSTORE_REPORT_MAIL=["mod@example.com"])
    def test_M5_a_mail_that_fails_is_logged_and_the_report_is_kept(self) -> None:
        with (
            patch("chatstore.moderation.report_mail.send_mail", side_effect=OSError("secret")),
            self.assertLogs("chatstore.moderation.report_mail", "ERROR") as logs,
            self.captureOnCommitCallbacks(execute=True),
        ):
            report()
        self.assertNotIn("secret", logs.output[0])
        self.assertTrue(ChatReport.objects.exists())


class WorkTest(TestCase):
    """What moderators do with a report; each step is on record."""

    def setUp(self) -> None:
        add_thread("thr_1")
        self.report = report()

    def reload(self) -> ChatReport:
        return ChatReport.objects.get()

    def test_M5_it_is_taken_by_one_and_assigned_by_anybody(self) -> None:
        reports.take(self.report, BY)
        reports.take(self.report, BY)  # again is no error
        with self.assertRaisesMessage(ModerationRefused, "It is taken by carol already."):
            reports.take(self.report, Moderator("dora"))
        reports.assign(self.report, Moderator("boss"), assignee="dora")
        self.assertEqual(self.reload().assignee, "dora")
        acts = ModerationRecord.objects.order_by("pk").values_list("staff_name", "action")
        self.assertEqual(list(acts), [("carol", "take"), ("carol", "take"), ("boss", "assign")])

    def test_M5_it_is_resolved_or_dismissed_once(self) -> None:
        reports.resolve(self.report, BY)
        closed = self.reload()
        self.assertEqual(
            (closed.state, closed.closed_by, closed.resolution), ("resolved", "carol", BY.reason)
        )
        for act in (reports.resolve, reports.dismiss, reports.take):
            with self.assertRaises(ModerationRefused):
                act(self.report, BY)
        record = ModerationRecord.objects.get()
        self.assertEqual((record.action, record.thread_id), ("resolve", "thr_1"))
        self.assertEqual((record.item_ids, record.user_id), (["msg_0"], "alice"))

    def test_M5_an_act_without_its_record_is_not_done(self) -> None:
        with (
            patch("chatstore.moderation.reports.record", side_effect=OSError),
            self.assertRaises(OSError),
        ):
            reports.dismiss(self.report, BY)
        self.assertEqual(self.reload().state, "open")

    def test_a_moderator_reports_a_message_even_if_it_is_hidden(self) -> None:
        message = ChatMessage.objects.get(item_id="msg_1")
        hide(message, BY)
        reports.flag_by_moderator(message, BY)
        made = ChatReport.objects.get(source="moderator")
        self.assertEqual((made.reporter, made.words), ("carol", BY.reason))
        self.assertEqual(ModerationRecord.objects.latest("pk").action, "flag")


class EndpointTest(EndpointMixin, TestCase):
    """POST reports/, which the page's dialog sends."""

    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")

    def send(self, client: Client | None = None, **values: Any) -> Any:
        values = {
            "thread_id": "thr_1",
            "item_id": self.has.answer,
            "reason": "wrong",
            "words": "It is Tuesday.",
            **values,
        }
        return (client or self.client).post(REPORTS, values, content_type="application/json")

    def test_M5_a_user_reports_an_answer_in_a_thread_of_their_own(self) -> None:
        self.assertEqual(self.send().json(), {"reported": True})
        made = ChatReport.objects.get()
        self.assertEqual((made.source, made.reason), ("user", "wrong"))
        self.assertEqual((made.user_id, made.reporter), (self.alice["user_id"],) * 2)
        self.assertEqual(made.words, "It is Tuesday.")

    def test_M5_what_is_no_report_is_refused_and_nothing_stored(self) -> None:
        charlie = Client()
        charlie.force_login(self.charlie_user())
        for status, client, values in (
            (401, Client(), {}),
            (404, charlie, {}),
            (404, None, {"item_id": "msg_unknown"}),
            (404, None, {"thread_id": "thr_\ud800"}),
            (400, None, {"item_id": ""}),
            (400, None, {"reason": "because"}),
            (400, None, {"reason": {"a": 1}}),
            (400, None, {"words": "a" * 1001}),
            (413, None, {"words": "a" * 20_000}),
        ):
            with self.subTest(status, **values):
                response = self.send(client, **values)
                self.assertEqual(response.status_code, status)
                self.assertEqual(list(response.json()), ["error"])
        for body in (b"", b"[]", b"\xff", b"[" * 9000):
            response = self.client.post(REPORTS, body, content_type="application/json")
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self.client.get(REPORTS).status_code, 405)
        self.assertFalse(ChatReport.objects.exists())

    def test_M4_M5_in_a_thread_that_is_deleted_and_kept_on_hold_it_is_404(self) -> None:
        hold(ChatSession.objects.get(), BY)
        async_to_sync(self.get)("threads.delete", {"thread_id": "thr_1"})
        self.assertEqual(self.send().status_code, 404)
        self.assertFalse(ChatReport.objects.exists())

    def charlie_user(self) -> Any:
        from django.contrib.auth import get_user_model

        return get_user_model().objects.create_user("charlie_of_reports")

    def test_M5_without_the_csrf_token_it_is_403(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = self.client.cookies
        self.assertEqual(self.send(strict).status_code, 403)
        self.assertFalse(ChatReport.objects.exists())

    @override_settings(
        CHATSTORE_CREATIONS_PER_MINUTE=2,
        CHATSTORE_LIMITS_CACHE="default",
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    )
    def test_V7_reports_count_as_what_a_user_creates(self) -> None:
        with patch("chatstore.server.user_limits.now", return_value=1_000_000.0):
            statuses = [self.send().status_code for _time in range(3)]
        self.assertEqual(statuses, [200, 200, 429])

    def test_M5_a_thumb_down_is_a_report_if_the_site_says_so(self) -> None:
        feedback = {
            "thread_id": "thr_1", "item_ids": [self.has.answer, "unknown"], "kind": "negative"
        }  # fmt: skip

        def send() -> None:
            body = {"type": "items.feedback", "params": feedback}
            response = self.client.post("/chat/api/", body, content_type="application/json")
            self.assertEqual(response.status_code, 200)

        send()
        self.assertFalse(ChatReport.objects.exists())
        with override_settings(CHATSTORE_REPORT_THUMBS_DOWN=True):
            with self.assertLogs("chatstore.server.moderated_server", "WARNING"):  # the unknown one
                send()
            made = ChatReport.objects.get()
            self.assertEqual((made.source, made.item_id), ("feedback", self.has.answer))
            with (
                patch("chatstore.moderation.reports.flag", side_effect=OSError("secret")),
                self.assertLogs("chatstore", "WARNING") as logs,
            ):
                send()
            self.assertNotIn("secret", "".join(logs.output))

    def test_M5_the_page_has_the_reasons_of_the_settings(self) -> None:
        with override_settings(CHATSTORE_REPORT_REASONS={"rude": "It is <rude>"}):
            page = self.client.get("/chat/").content.decode()
        self.assertIn('value="rude" required>It is &lt;rude&gt;', page)
        self.assertIn(f'data-report-url="{REPORTS}"', page)


@contextmanager
def moderation_endpoint(answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Serve POST /moderations with an answer; yield the address, and what was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append((self.path, json.loads(self.rfile.read(length))))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def moderation_answer(*categories: str) -> dict[str, Any]:
    found = {"hate": False, "violence/graphic": False} | dict.fromkeys(categories, True)
    result = {
        "flagged": bool(categories),
        "categories": found,
        "category_scores": {},
        "category_applied_input_types": {},
    }
    return {"id": "modr_1", "model": "omni-moderation-latest", "results": [result]}


class OpenAIFlaggerTest(TestCase):
    def ask(self, answer: dict[str, Any], text: str = "Hello") -> tuple[Any, list[Any]]:
        with moderation_endpoint(answer) as (address, asked):
            environment = {"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": address}
            with patch.dict("os.environ", environment):
                flagger = openai_flagger.OpenAIModeration()
                found = flagger(text)
                flagger.client.close()
            return found, asked

    def test_M5_what_the_endpoint_flags_is_flagged_with_its_categories(self) -> None:
        found, asked = self.ask(moderation_answer("violence/graphic", "hate"), "x" * 30_000)
        self.assertEqual(found, flagging.Flag("harmful", "hate, violence/graphic"))
        [(path, body)] = asked
        self.assertEqual((path, body["model"]), ("/moderations", "omni-moderation-latest"))
        self.assertEqual(len(body["input"]), 20_000)

    def test_M5_what_it_does_not_flag_is_not(self) -> None:
        self.assertIsNone(self.ask(moderation_answer())[0])


def word_list(text: str) -> flagging.Flag | None:
    if "break" in text:
        raise OSError(f"secret {text}")
    return flagging.Flag("harmful", "on the list") if "bad" in text else None


class FlaggerTest(StorageMixin, TransactionTestCase):
    """The hook at write time; in threads of its own, which see what is committed."""

    def look(self, *texts: tuple[str, str]) -> None:
        for future in flagging.submit("alice", "thr_1", texts):
            future.result(timeout=60)

    @override_settings(CHATSTORE_FLAGGER="tests.test_reports.word_list")
    def test_M5_new_messages_are_shown_to_the_flagger_and_reported(self) -> None:
        add_thread("thr_1")
        self.look(("msg_0", "a bad word"), ("msg_1", "fine"), ("msg_9", "bad and deleted"))
        made = ChatReport.objects.get()
        self.assertEqual((made.item_id, made.source), ("msg_0", "application"))
        self.assertEqual((made.reason, made.words), ("harmful", "on the list"))

    @override_settings(CHATSTORE_FLAGGER="tests.test_reports.word_list")
    def test_M5_a_flagger_that_fails_is_logged_without_the_text(self) -> None:
        with self.assertLogs("chatstore.moderation.flagging", "ERROR") as logs:
            self.look(("msg_0", "break it"))
        self.assertNotIn("secret", logs.output[0])
        self.assertNotIn("break it", logs.output[0])

    @override_settings(CHATSTORE_FLAGGER="tests.test_reports.word_list")
    def test_M5_what_waits_is_bounded(self) -> None:
        with (
            patch.object(flagging, "_waiting", threading.BoundedSemaphore(1)) as waiting,
            self.assertLogs("chatstore.moderation.flagging", "WARNING"),
        ):
            waiting.acquire()
            self.assertEqual(flagging.submit("alice", "thr_1", [("msg_0", "bad")]), [])
            waiting.release()

    def test_without_the_setting_nothing_is_looked_at(self) -> None:
        self.assertEqual(flagging.submit("alice", "thr_1", [("msg_0", "bad")]), [])


class FlaggedTurnTest(EndpointMixin, TestCase):
    def test_M5_a_turn_shows_its_message_and_its_answer(self) -> None:
        self.has = Belongings.of(self.alice["user_id"], "thr_1")
        params = self.has.requests()["threads.add_user_message"]
        body = {"type": "threads.add_user_message", "params": params}
        with (
            override_settings(CHATSTORE_FLAGGER="tests.test_reports.word_list"),
            patch("chatstore.moderation.flagging.submit") as submit,
        ):
            self.client.post("/chat/api/", body, content_type="application/json")
        [(user_id, thread_id, texts)] = [call.args for call in submit.call_args_list]
        self.assertEqual((user_id, thread_id), (self.alice["user_id"], "thr_1"))
        self.assertEqual(texts[0][1], "say fine")
        self.assertEqual(len(texts), 2)


class LaterTest(StorageMixin, TransactionTestCase):
    """What erasure and a transfer do to reports."""

    def setUp(self) -> None:
        super().setUp()
        add_thread("thr_1")
        add_thread("held", is_on_hold=True)
        add_thread("thr_2", "bob")
        report(words="on alice")
        report("held", words="on hold")
        reports.flag("bob", "thr_2", "msg_0", reason="wrong", words="by alice", reporter="alice")
        reports.flag("bob", "thr_2", "msg_1", reason="wrong", words="by bob", reporter="bob")

    def words(self) -> set[str]:
        return set(ChatReport.objects.values_list("words", flat=True))

    def test_R4_erasure_takes_the_words_and_leaves_the_ids(self) -> None:
        call_command("erase_user", "alice", stdout=io.StringIO(), dry_run=True)
        self.assertEqual(len(self.words()), 4)
        call_command("erase_user", "alice", stdout=io.StringIO())
        self.assertEqual(self.words(), {"", "on hold", "by bob"})
        self.assertEqual(ChatReport.objects.count(), 4)

    def test_reports_go_with_their_thread_to_another_owner(self) -> None:
        options = {"from_user": "alice", "to_user": "carol", "stdout": io.StringIO()}
        call_command("assign_threads", **options)
        owners = set(ChatReport.objects.values_list("thread_id", "user_id"))
        self.assertEqual(owners, {("thr_1", "carol"), ("held", "carol"), ("thr_2", "bob")})
