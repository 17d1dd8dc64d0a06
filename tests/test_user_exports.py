"""V10: a user's export of their own threads."""

from __future__ import annotations

import gc
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from asgiref.sync import async_to_sync, sync_to_async
from chatkit.types import ImageAttachment
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation import actions, redaction
from chatstore.moderation.records import Moderator
from chatstore.portability import user_exports
from chatstore.server import user_limits
from chatstore.store import DjangoStore
from tests import base
from tests.endpoint import EndpointMixin
from tests.rows import add_attachment, add_model_turn, add_thread

MODERATOR = Moderator("Mo", reason="their reason")
store: DjangoStore[Any] = DjangoStore()


class ExportTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.add("thr_1", title="Bicycles & tyres")
        self.add("thr_2", title="")

    def add(self, thread_id: str, **values: Any) -> None:
        context, metadata = self.alice, {"for": "the application"}
        picture = ImageAttachment(
            id=f"atc_{thread_id}",
            name="a `b`.png",
            mime_type="image/png",
            preview_url="https://chat.example/files/1/?token=secret",
            metadata=metadata,
        )
        add_attachment(picture.id, context["user_id"])

        async def save() -> None:
            await store.save_attachment(picture, context)
            await store.save_thread(base.thread(thread_id, metadata=metadata, **values), context)
            sent = base.user_message("msg_1", "```\nmy words", attachments=[picture])
            sent.quoted_text = "two\nlines"
            for item in (
                sent,
                base.hidden_context("hid_1"),
                base.answer("msg_2", "**answer**"),
                base.user_message("msg_hidden", "what is hidden"),
                base.user_message("msg_redacted", "what is redacted"),
            ):
                item.thread_id = thread_id
                await store.add_thread_item(thread_id, item, context)

        async_to_sync(save)()
        rows = ChatMessage.objects.filter(session__thread_id=thread_id)
        actions.hide(rows.get(item_id="msg_hidden"), MODERATOR)
        redaction.redact(rows.get(item_id="msg_redacted"), MODERATOR)

    def export(self, format_: str, thread_id: str = "", client: Client | None = None) -> Any:
        path = f"/chat/threads/{thread_id}/export/" if thread_id else "/chat/export/"
        return (client or self.client).get(path, {"format": format_})

    @staticmethod
    def content(response: Any) -> bytes:
        return b"".join(response.streaming_content)

    def lines(self, *arguments: Any) -> list[dict[str, Any]]:
        return list(map(json.loads, self.content(self.export("json", *arguments)).splitlines()))

    def test_V10_a_thread_as_markdown(self) -> None:
        response = self.export("markdown", "thr_1")
        self.assertEqual(response["Content-Type"], "text/markdown; charset=utf-8")
        self.assertRegex(
            response["Content-Disposition"], r'^attachment; filename="[\d-]+-bicycles-tyres\.md"$'
        )
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")
        self.assertEqual(response["Cache-Control"], "private, no-store")
        text = self.content(response).decode()
        self.assertRegex(text, r"^# Bicycles & tyres\n\n\d{4}-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d\n\n")
        said = "> two\n> lines\n\n````\n```\nmy words\n````\n\nFiles: `a 'b'.png`\n\n"
        self.assertRegex(text, rf"## You, [\d: +-]+\n\n{said}## Assistant, [\d: +-]+\n\n\*\*answer")
        self.assertNotRegex(text, "hidden|redacted|secret|application")

    def test_V10_all_threads_as_a_zip_of_markdown(self) -> None:
        response = self.export("markdown")
        self.assertEqual(response["Content-Type"], "application/zip")
        with zipfile.ZipFile(io.BytesIO(self.content(response))) as archive:
            self.assertIsNone(archive.testzip())
            titles = [archive.read(name).decode().splitlines()[0] for name in archive.namelist()]
        self.assertEqual(sorted(titles), ["# Bicycles & tyres", "# Untitled conversation"])

    def test_V10_what_only_others_may_see_is_in_no_export(self) -> None:
        session = ChatSession.objects.get(thread_id="thr_1")
        add_model_turn(session, "msg_1")
        actions.hold(session, MODERATOR)
        actions.lock(session, MODERATOR)
        add_thread("thr_charlie", self.charlie["user_id"])
        for arguments in (("thr_1",), ()):
            text = json.dumps(self.lines(*arguments))
            self.assertIn("my words", text)
            for word in ("hidden", "redacted", "their reason", "hold", "locked", "application"):
                self.assertNotIn(word, text)
            for word in ("secret", "42 bikes", "charlie", '"Mo"'):
                self.assertNotIn(word, text)

    def test_V10_R3_the_archive_can_be_imported_again(self) -> None:
        async_to_sync(store.pin_thread)("thr_1", True, self.alice)
        async_to_sync(store.archive_thread)("thr_2", True, self.alice)
        before = self.content(self.export("json"))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "mine.jsonl"
            path.write_bytes(before)
            call_command("erase_user", self.alice["user_id"], stdout=StringIO())
            self.assertFalse(ChatSession.objects.exists())
            call_command("import_threads", str(path), stdout=StringIO(), stderr=StringIO())
        self.assertEqual(self.content(self.export("json")), before)
        page = async_to_sync(store.load_thread_items)("thr_1", None, 9, "asc", self.alice)
        self.assertEqual([item.id for item in page.data], ["msg_1", "msg_2"])

    def test_S3_V10_another_users_thread_is_unknown(self) -> None:
        stranger = Client()
        stranger.force_login(self.other)
        for format_ in ("json", "markdown"):
            self.assert_refused(self.export(format_, "thr_1", stranger), 404)
            self.assertNotIn(b"thr_1", self.content(self.export(format_, client=stranger)))
        self.assert_refused(self.export("json", client=Client()), 401)
        self.assert_refused(self.export("pdf"), 400)

    def test_V10_a_thread_that_its_owner_deleted_on_hold_is_in_none(self) -> None:
        actions.hold(ChatSession.objects.get(thread_id="thr_1"), MODERATOR)
        async_to_sync(self.get)("threads.delete", {"thread_id": "thr_1"})
        self.assert_refused(self.export("json", "thr_1"), 404)
        self.assertNotIn(b"thr_1", self.content(self.export("json")))

    def test_S17_V10_what_cant_be_decoded_is_left_out(self) -> None:
        ChatMessage.objects.filter(item_id="msg_1").update(payload="{}")
        ChatSession.objects.filter(thread_id="thr_2").update(payload="{}")
        with self.assertLogs("chatstore.portability.user_exports", "WARNING"):
            lines = self.lines()
        self.assertEqual([line["id"] for line in lines if line["type"] == "thread"], ["thr_1"])
        self.assertEqual([line["id"] for line in lines if line["type"] == "item"], ["msg_2"])

    def test_V7_V10_downloads_are_bounded(self) -> None:
        cache.clear()
        self.addCleanup(cache.clear)
        frozen = mock.patch.object(user_limits, "now", return_value=60.0 * 29_000_000)
        with frozen, override_settings(CHATSTORE_CREATIONS_PER_MINUTE=2):
            for _ in range(2):
                self.content(self.export("json"))
            response = self.export("json")
        self.assert_refused(response, 429)
        self.assertIn("Retry-After", response)

    @override_settings(CHATSTORE_MAX_STREAMS=1)
    async def test_V7_V10_one_that_breaks_off_or_that_a_middleware_loses_counts_no_longer(
        self,
    ) -> None:
        def broken(threads: Any) -> Iterator[bytes]:
            yield b"{}"
            raise OSError("connection lost")

        async def start() -> Any:
            return await self.async_client.get("/chat/export/?format=json")

        with mock.patch.object(user_exports, "as_archive", broken):
            response = await start()
            with self.assertRaises(OSError):
                b"".join([chunk async for chunk in response])
        response = await start()
        self.assertEqual(response.status_code, 200)
        self.assertEqual((await start()).status_code, 429)
        del response
        gc.collect()
        response = await start()
        self.assertEqual(response.status_code, 200)
        response.close()

    async def test_V10_S16_it_is_streamed_and_ends_with_its_client(self) -> None:
        for number in range(3):
            await sync_to_async(add_thread)(
                f"thr_long_{number}", self.alice["user_id"], messages=300
            )
        response = await self.async_client.get("/chat/export/?format=json")
        chunks = aiter(response.streaming_content)
        first = await anext(chunks)
        self.assertLess(len(first), 70_000)
        self.assertNotIn(b'"type":"end"', first)
        rest = [chunk async for chunk in chunks]
        self.assertGreater(len(rest), 3)
        self.assertIn(b'"type":"end"', rest[-1])


class MemoryTests(TestCase):
    def peak(self, make: Any) -> int:
        """Return how much memory one export takes, after one that has warmed everything up."""
        for _ in make():
            pass
        tracemalloc.start()
        for _ in make():
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    def chunks(self, make: Any) -> Iterator[bytes]:
        return make(user_exports.threads_of("alice", "default"))

    def write_much(self) -> None:
        item = base.user_message("msg_0", "word " * 5_000)
        ChatMessage.objects.update(payload=item.model_dump_json())

    def test_V10_many_threads_need_no_more_memory_and_no_query_for_each_message(self) -> None:
        for number in range(60):
            add_thread(f"thr_{number}", messages=1)
        self.write_much()
        makers = (user_exports.as_archive, user_exports.as_markdown_zip)
        few = [self.peak(lambda make=make: self.chunks(make)) for make in makers]
        for number in range(60, 400):
            add_thread(f"thr_{number}", messages=1)
        self.write_much()
        many = [self.peak(lambda make=make: self.chunks(make)) for make in makers]
        for before, after in zip(few, many, strict=True):
            self.assertLess(after, before + 2_000_000)
        add_thread("thr_long", messages=300)
        rows = user_exports.threads_of("alice", "default").filter(thread_id="thr_long")
        with CaptureQueriesContext(connection) as captured:
            list(user_exports.as_archive(rows))
        self.assertLessEqual(len(captured), 3)
