"""DjangoAttachmentStore: limits, quotas, errors of the storage, and files for the model."""

from __future__ import annotations

import asyncio
import base64
import codecs
import datetime as dt
import json
import random
import threading
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from asgiref.sync import async_to_sync, sync_to_async
from chatkit.store import NotFoundError
from chatkit.types import (
    AttachmentCreateParams,
    GeneratedImage,
    GeneratedImageItem,
    ImageAttachment,
)
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from pydantic import AnyUrl

from chatstore import checks, codec
from chatstore.attachments import DjangoAttachmentStore, validation
from chatstore.conf import settings
from chatstore.converters import FileConverter, ImageConverter
from chatstore.exceptions import UploadRefused
from chatstore.models import ChatAttachment, ChatFileToRemove, ChatMessage
from chatstore.store import DjangoStore
from tests import base
from tests.base import ALICE, CHARLIE
from tests.proxy import elsewhere
from tests.rows import StorageMixin
from tests.uploading import HTML, PDF, PNG, SCRIPT, SVG, ZIP, FailingStorage, uploaded


def announce(name: str = "a.txt", size: int = 10, mime_type: str = "text/plain") -> Any:
    return AttachmentCreateParams(name=name, size=size, mime_type=mime_type)


def token_of(attachment: Any) -> str:
    query = parse_qs(urlsplit(str(attachment.upload_descriptor.url)).query)
    return query[codec.FILE_URL_PARAMETER][0]


class NamesTest(SimpleTestCase):
    def test_A2_a_name_has_neither_path_nor_control_characters(self) -> None:
        for name, cleaned in {
            "../../x": "x",
            "C:\\Users\\me\\report.pdf": "report.pdf",
            "a\nb\r\nc.txt": "a b c.txt",
            "a\x00b.txt": "a\ufffdb.txt",
            "photo\u202egpj.exe": "photogpj.exe",
            "..": "file",
            "": "file",
            "Grüße 👋🏽.md": "Grüße 👋🏽.md",
        }.items():
            with self.subTest(name=name):
                self.assertEqual(validation.clean_name(name), cleaned)

    def test_A2_a_long_name_keeps_its_suffix(self) -> None:
        name = validation.clean_name("x" * 300 + ".png")
        self.assertEqual(name, "x" * 196 + ".png")
        self.assertEqual(validation.clean_name("x" * 300), "x" * 200)


class TypesTest(SimpleTestCase):
    def test_A3_the_type_is_recognised_by_content(self) -> None:
        for name, claim, content, mime_type in [
            ("a.png", "image/png", PNG, "image/png"),
            ("a.png", "image/png", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
            ("a.pdf", "", PDF, "application/pdf"),
            ("a.bin", "application/octet-stream", PNG, "image/png"),
            ("a.csv", "application/vnd.ms-excel", b"a,b\n1,2\n", "text/csv"),
            ("a.md", "", b"# Title\n", "text/markdown"),
            ("a.json", "application/json; charset=utf-8", b'{"a": 1}', "application/json"),
            ("a.py", "text/x-python", b"import os\n", "text/plain"),
            ("a.txt", "text/plain", b"BM is no bitmap here", "text/plain"),
            ("a.txt", "text/plain", "Grüße".encode("latin-1"), "text/plain"),
            ("README.md", "", b"<h1>Title</h1>\n", "text/markdown"),
            ("image.txt", "text/plain", SVG, "text/plain"),
            ("page.txt", "text/plain", HTML, "text/plain"),
            ("data.xml", "application/xml", b"<?xml version='1.0'?><a/>", "text/plain"),
        ]:
            with self.subTest(name=name, claim=claim):
                self.assertEqual(validation.detect_type(content, claim, name), mime_type)

    def test_A3_what_is_not_on_the_list_is_refused_whatever_it_claims_to_be(self) -> None:
        for name, claim, content in [
            ("script.png", "image/png", SCRIPT),
            ("image.svg", "image/svg+xml", SVG),
            ("image.png", "image/png", SVG),
            ("page.html", "text/plain", HTML),
            ("page.txt", "text/html", HTML),
            ("bomb.zip", "application/zip", ZIP),
            ("bomb.txt", "text/plain", ZIP),
            ("bomb.png", "image/png", ZIP),
            ("noise", "", b"\x00\x01\x02\x03"),
        ]:
            with self.subTest(name=name, claim=claim), self.assertRaises(UploadRefused) as caught:
                validation.detect_type(content, claim, name)
            self.assertEqual(caught.exception.status, 400)
            self.assertNotIn(name, str(caught.exception))

    def test_A3_a_container_is_told_by_its_kind_and_not_by_its_first_word(self) -> None:
        for kind in (b"WAVE", b"AVI ", b"RMID", b"ABCD"):
            sound = b"RIFF\x24\x00\x00\x00" + kind + b"fmt " + bytes(30)
            for name, claim in [("a.wav", "audio/wav"), ("a.webp", "image/webp"), ("a", "")]:
                with self.subTest(kind=kind, claim=claim), self.assertRaises(UploadRefused):
                    validation.detect_type(sound, claim, name)
        picture = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(30)
        self.assertEqual(validation.detect_type(picture, "", "a"), "image/webp")
        self.assertEqual(validation.detect_image_type(sound), "image/png")

    def test_A3_a_text_is_taken_whatever_its_suffix_and_its_encoding(self) -> None:
        for name, claim in [
            ("a.ts", "video/mp2t"),
            ("a.sh", "application/x-sh"),
            ("a.sql", "application/sql"),
            ("a.yaml", "application/yaml"),
            ("a.toml", ""),
            ("a.php", "application/x-httpd-php"),
            ("a.rb", "application/x-ruby"),
            ("a.eml", "message/rfc822"),
            ("a.jsonl", "application/jsonl"),
            ("a.ipynb", "application/x-ipynb+json"),
            ("Makefile", ""),
            ("Dockerfile", ""),
        ]:
            for content in (
                "Größe".encode("cp1252"),
                "Größe".encode("utf-16"),
                codecs.BOM_UTF16_BE + "Größe".encode("utf-16-be"),
                "Größe".encode("utf-32"),
            ):
                with self.subTest(name=name, content=content):
                    announced = validation.type_from_claims(claim, name)
                    self.assertIn(announced, ("text/plain", "application/octet-stream"))
                    self.assertEqual(validation.detect_type(content, claim, name), "text/plain")

    @override_settings(CHATSTORE_UPLOAD_TYPES=["text/html", "application/zip"])
    def test_A3_the_list_is_a_setting(self) -> None:
        self.assertEqual(validation.detect_type(HTML, "text/html", "a.html"), "text/html")
        self.assertEqual(validation.detect_type(ZIP, "application/zip", "a.zip"), "application/zip")
        with self.assertRaises(UploadRefused):
            validation.detect_type(PNG, "image/png", "a.png")


class AnyUploadTest(SimpleTestCase):
    @trials(deadline=None)
    @given(st.text(st.characters(exclude_categories=()), max_size=400))
    def test_A2_any_name_becomes_one_that_is_safe(self, name: str) -> None:
        cleaned = validation.clean_name(name)
        self.assertTrue(0 < len(cleaned) <= validation.MAX_NAME_LENGTH)
        self.assertNotRegex(
            cleaned, "[\x00-\x1f\x7f-\x9f/\\\\\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
        )
        self.assertEqual(validation.clean_name(cleaned), cleaned)

    @trials(deadline=None)
    @given(
        st.sampled_from([b"", PNG, PDF, SVG, HTML, ZIP, b"GIF89a", b"RIFF", b"\xff\xd8\xff"]),
        st.binary(max_size=200),
        st.sampled_from(["", "image/png", "text/plain", "text/html", "nonsense", "a/b; c=d"]),
        st.text(max_size=20),
    )
    def test_A3_any_content_has_a_type_of_the_list_or_is_refused(
        self, start: bytes, rest: bytes, claim: str, name: str
    ) -> None:
        try:
            mime_type = validation.detect_type(start + rest, claim, name)
        except UploadRefused:
            return
        self.assertIn(mime_type, settings.upload_types)
        self.assertNotEqual(start, ZIP)
        if start in (SVG, HTML):
            self.assertIn(
                mime_type, ("text/plain", "text/markdown", "text/csv", "application/json")
            )
        downloaded = validation.download_name(name, mime_type)
        self.assertRegex(downloaded.lower(), r"\.[a-z]+$")
        self.assertEqual(validation.download_name(downloaded, mime_type), downloaded)


class ChecksTest(SimpleTestCase):
    def errors(self) -> list[str]:
        return [error.id or "" for error in checks.check_settings()]

    def test_settings_of_uploads(self) -> None:
        self.assertEqual(self.errors(), [])
        for setting, value, error in [
            ("CHATSTORE_MAX_UPLOAD_BYTES", 0, "chatstore.E003"),
            ("CHATSTORE_UPLOAD_URL_TTL", "1h", "chatstore.E003"),
            ("CHATSTORE_UPLOAD_TYPES", "image/png", "chatstore.E004"),
            ("CHATSTORE_UPLOAD_TYPES", ["png"], "chatstore.E004"),
            ("CHATSTORE_BASE_URL", "example.com", "chatstore.E005"),
            ("CHATSTORE_STORAGE", "nowhere", "chatstore.E006"),
        ]:
            with self.subTest(setting=setting), override_settings(**{setting: value}):
                self.assertEqual(self.errors(), [error])


class AttachmentsMixin(StorageMixin):
    def setUp(self) -> None:
        super().setUp()
        override = override_settings(CHATSTORE_BASE_URL="https://chat.example")
        override.enable()
        self.addCleanup(override.disable)
        self.store: DjangoStore[Any] = DjangoStore()
        self.attachments: DjangoAttachmentStore[Any] = DjangoAttachmentStore()

    async def begin(self, context: Any = ALICE, **announced: Any) -> Any:
        """Announce a two-phase upload, as the SDK does."""
        attachment = await self.attachments.create_attachment(announce(**announced), context)
        await self.store.save_attachment(attachment, context)
        return attachment

    async def upload(self, content: bytes = b"some text\n", context: Any = ALICE) -> Any:
        """Upload directly, as the view does."""
        attachment = await self.attachments.upload(uploaded(content), "a.txt", "", context)
        await self.store.save_attachment(attachment, context)
        return attachment

    async def send(self, attachment: Any, thread_id: str = "thr_1", context: Any = ALICE) -> None:
        """Send a message with one attachment in a thread, as the SDK does."""
        await self.attachments.check_sendable([attachment.id], thread_id, context)
        await self.store.save_thread(base.thread(thread_id), context)
        attachment = await self.store.load_attachment(attachment.id, context)
        attachment.thread_id = thread_id
        await self.store.save_attachment(attachment, context)
        message = base.user_message(
            f"msg_{attachment.id}", thread_id=thread_id, attachments=[attachment]
        )
        await self.store.add_thread_item(thread_id, message, context)

    async def refusal(self, coroutine: Any) -> UploadRefused:
        with self.assertRaises(UploadRefused) as caught:
            await coroutine
        return caught.exception

    async def rows(self) -> int:
        return await ChatAttachment.objects.acount()


class DirectTest(AttachmentsMixin, TestCase):
    async def test_A1_metadata_in_the_database_bytes_in_the_storage(self) -> None:
        attachment = await self.upload(PNG)
        row = await ChatAttachment.objects.aget()
        self.assertEqual((row.size, row.mime_type, row.user_id), (len(PNG), "image/png", "alice"))
        self.assertEqual(self.stored(), {row.path})
        self.assertNotIn("a.txt", row.path)
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), PNG)
        self.assertEqual((await self.store.load_attachment(attachment.id, ALICE)).type, "image")
        self.assertFalse(await ChatFileToRemove.objects.aexists())

    async def test_A3_an_empty_or_too_large_file_is_refused(self) -> None:
        empty = await self.refusal(self.upload(b""))
        self.assertEqual(empty.status, 400)
        with override_settings(CHATSTORE_MAX_UPLOAD_BYTES=9):
            large = await self.refusal(self.upload(b"0123456789"))
            announced = await self.refusal(self.begin(size=10))
        self.assertEqual((large.status, announced.status), (413, 413))
        self.assertIn("9\xa0bytes", str(large))
        self.assertEqual((await self.rows(), self.stored()), (0, set()))

    @override_settings(CHATSTORE_USER_QUOTA_BYTES=25)
    async def test_A3_each_users_total_is_bounded(self) -> None:
        await self.upload(b"0123456789")
        await self.begin(size=10)  # an announced size counts like an uploaded one
        self.assertEqual((await self.refusal(self.upload(b"0123456789"))).status, 413)
        self.assertEqual((await self.refusal(self.begin(size=10))).status, 413)
        self.assertEqual(await self.rows(), 2)
        await self.upload(b"0123456789", CHARLIE)

    @override_settings(CHATSTORE_USER_QUOTA_BYTES=20)
    async def test_A3_a_users_total_may_reach_the_quota(self) -> None:
        await self.upload(b"0123456789")
        await self.upload(b"0123456789")
        self.assertEqual((await self.refusal(self.upload(b"0"))).status, 413)

    async def test_A2_an_attachment_is_its_owners_alone(self) -> None:
        attachment = await self.upload()
        for operation in (
            self.attachments.find(attachment.id, CHARLIE),
            self.attachments.read(attachment.id, CHARLIE),
            self.attachments.delete_attachment(attachment.id, CHARLIE),
            self.attachments.receive(attachment.id, "", uploaded(), CHARLIE),
            self.attachments.check_sendable([attachment.id], None, CHARLIE),
            self.store.load_attachment(attachment.id, CHARLIE),
        ):
            with self.subTest(operation=operation.__name__), self.assertRaises(NotFoundError):
                await operation
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), b"some text\n")

    async def test_A3_an_attachment_belongs_to_the_first_thread_it_is_sent_in(self) -> None:
        attachment = await self.upload()
        await self.send(attachment, "thr_1")
        for thread_id in ("thr_2", None):
            refusal = await self.refusal(
                self.attachments.check_sendable([attachment.id], thread_id, ALICE)
            )
            self.assertEqual(refusal.status, 400)
        await self.attachments.check_sendable([attachment.id], "thr_1", ALICE)

    async def test_A3_of_two_threads_at_once_the_first_keeps_it(self) -> None:
        attachment = await self.upload()
        for thread_id in ("thr_1", "thr_2"):
            await self.store.save_thread(base.thread(thread_id), ALICE)
            sent = attachment.model_copy(update={"thread_id": thread_id})
            await self.store.save_attachment(sent, ALICE)
        row = await ChatAttachment.objects.select_related("session").aget()
        self.assertEqual(row.session.thread_id, "thr_1")

    async def test_A3_a_sent_attachment_is_not_deleted_by_itself(self) -> None:
        attachment = await self.upload()
        await self.send(attachment)
        refusal = await self.refusal(self.attachments.delete_attachment(attachment.id, ALICE))
        self.assertEqual(refusal.status, 409)
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), b"some text\n")

    async def test_M2_the_files_of_a_hidden_message_are_hidden_with_it(self) -> None:
        attachment = await self.upload()
        await self.send(attachment)
        await ChatMessage.objects.aupdate(hidden_at=timezone.now())
        with self.assertRaises(NotFoundError):
            await self.attachments.find(attachment.id, ALICE)
        with self.assertRaises(NotFoundError):
            await self.attachments.check_sendable([attachment.id], "thr_1", ALICE)
        await ChatMessage.objects.aupdate(hidden_at=None)
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), b"some text\n")

    @override_settings(CHATSTORE_MAX_ATTACHMENTS=2)
    async def test_A3_the_attachments_of_a_message_are_counted(self) -> None:
        sent = [(await self.upload()).id for _ in range(3)]
        await self.attachments.check_sendable(sent[:2], None, ALICE)
        refusal = await self.refusal(self.attachments.check_sendable(sent, None, ALICE))
        self.assertEqual(refusal.status, 400)
        self.assertIn("at most 2 attachments", str(refusal))


class TwoPhasesTest(AttachmentsMixin, TestCase):
    async def test_A1_the_url_is_used_up_by_a_successful_upload(self) -> None:
        attachment = await self.begin()
        self.assertEqual(attachment.upload_descriptor.method, "PUT")
        early = await self.refusal(self.attachments.check_sendable([attachment.id], None, ALICE))
        self.assertEqual(early.status, 409)
        with self.assertRaises(NotFoundError):
            await self.attachments.read(attachment.id, ALICE)

        token = token_of(attachment)
        await self.attachments.receive(attachment.id, token, uploaded(), ALICE)
        again = self.attachments.receive(attachment.id, token, uploaded(b"other text"), ALICE)
        self.assertEqual((await self.refusal(again)).status, 409)

        self.assertEqual(await self.attachments.read(attachment.id, ALICE), b"some text\n")
        loaded = await self.store.load_attachment(attachment.id, ALICE)
        self.assertIsNone(loaded.upload_descriptor)
        await self.attachments.check_sendable([attachment.id], None, ALICE)
        self.assertEqual(len(self.stored()), 1)

    async def test_A1_the_url_expires(self) -> None:
        attachment = await self.begin()
        with override_settings(CHATSTORE_UPLOAD_URL_TTL=-1):
            late = self.attachments.receive(attachment.id, token_of(attachment), uploaded(), ALICE)
            self.assertEqual((await self.refusal(late)).status, 403)
        self.assertEqual(self.stored(), set())

    async def test_A2_the_url_is_for_one_attachment_and_one_purpose(self) -> None:
        attachment = await self.begin(name="a.png", size=len(PNG), mime_type="image/png")
        other = await self.begin()
        [preview] = parse_qs(urlsplit(str(attachment.preview_url)).query).values()
        for token in ("", "x:y", token_of(other), preview[0]):
            with self.subTest(token=token):
                upload = self.attachments.receive(attachment.id, token, uploaded(PNG), ALICE)
                self.assertEqual((await self.refusal(upload)).status, 403)

    async def test_A3_the_upload_must_match_what_was_announced(self) -> None:
        attachment = await self.begin(name="a.png", size=len(PNG), mime_type="image/png")
        token = token_of(attachment)
        for content, status in [
            (PNG[:-1], 400),
            (PNG + b"x", 413),
            (b"x" * len(PNG), 400),
            (b"", 400),
        ]:
            with self.subTest(content=content):
                upload = self.attachments.receive(attachment.id, token, uploaded(content), ALICE)
                self.assertEqual((await self.refusal(upload)).status, status)
        # After all these refusals the right file is still accepted.
        await self.attachments.receive(attachment.id, token, uploaded(PNG), ALICE)

    async def test_A3_types_that_no_content_can_have_are_refused_at_once(self) -> None:
        for name, claim in [
            ("a.svg", "image/svg+xml"),
            ("a.zip", "application/zip"),
            ("a.html", "text/html"),
            ("a.mp4", "video/mp4"),
            ("a.heic", "image/heic"),
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ]:
            with self.subTest(name=name):
                refusal = await self.refusal(self.begin(name=name, mime_type=claim))
                self.assertEqual(refusal.status, 400)
        self.assertEqual(await self.rows(), 0)

    async def test_A1_previews_are_made_anew_at_each_load(self) -> None:
        attachment = await self.upload(PNG)
        await self.send(attachment)
        stale = timezone.now() - dt.timedelta(days=1)
        await ChatAttachment.objects.aupdate(created_at=stale)
        loaded = await self.store.load_attachment(attachment.id, ALICE)
        page = await self.store.load_thread_items("thr_1", None, 20, "asc", ALICE)
        item = await self.store.load_item("thr_1", page.data[0].id, ALICE)
        with override_settings(CHATSTORE_BASE_URL="https://moved.example"):
            moved = await self.store.load_attachment(attachment.id, ALICE)
        path = f"/chat/files/{attachment.id}/?chatstore="
        for url in (loaded, page.data[0].attachments[0], item.attachments[0]):
            self.assertTrue(str(url.preview_url).startswith(f"https://chat.example{path}"))
        self.assertTrue(str(moved.preview_url).startswith(f"https://moved.example{path}"))

    async def test_S6_without_a_request_the_stored_preview_stays(self) -> None:
        attachment = await self.upload(PNG)
        with override_settings(CHATSTORE_BASE_URL=""):
            loaded = await self.store.load_attachment(attachment.id, ALICE)
        self.assertEqual(loaded.preview_url, attachment.preview_url)

    async def test_S6_the_preview_in_another_storage_stays_as_it_is(self) -> None:
        for url in (
            "https://cdn.example/atc_1/?size=2",
            "https://cdn.example/atc_1?chatstore=x",
        ):
            image = ImageAttachment(
                id="atc_1", name="a.png", mime_type="image/png", preview_url=AnyUrl(url)
            )
            await self.store.save_attachment(image, ALICE)
            loaded = await self.store.load_attachment("atc_1", ALICE)
            self.assertEqual(str(loaded.preview_url), url)


class FaultsTest(AttachmentsMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        backend = {
            "BACKEND": "tests.uploading.FailingStorage",
            "OPTIONS": {"location": str(self.media)},
        }
        override = override_settings(STORAGES=django_settings.STORAGES | {"default": backend})
        override.enable()
        self.addCleanup(override.disable)
        self.addCleanup(self.repair)

    def repair(self) -> None:
        FailingStorage.fails_to_save = FailingStorage.fails_to_delete = False

    async def test_A4_a_save_that_fails_leaves_nothing_and_the_next_one_succeeds(self) -> None:
        attachment = await self.begin()
        FailingStorage.fails_to_save = True
        with self.assertRaises(OSError):
            await self.upload()
        with self.assertRaises(OSError):
            await self.attachments.receive(attachment.id, token_of(attachment), uploaded(), ALICE)
        self.assertEqual((await self.rows(), self.stored()), (1, set()))
        self.assertFalse(await ChatFileToRemove.objects.aexists())

        self.repair()
        await self.upload()
        await self.attachments.receive(attachment.id, token_of(attachment), uploaded(), ALICE)
        self.assertEqual((await self.rows(), len(self.stored())), (2, 2))

    async def test_A4_a_removal_that_fails_stays_scheduled_and_is_done_later(self) -> None:
        attachment = await self.upload()
        FailingStorage.fails_to_delete = FailingStorage.fails_to_save = True
        await self.attachments.delete_attachment(attachment.id, ALICE)
        with self.assertRaises(OSError):
            await self.upload()
        self.assertEqual((await self.rows(), len(self.stored())), (0, 2))
        self.assertEqual(await ChatFileToRemove.objects.acount(), 2)

        self.repair()
        await ChatFileToRemove.objects.aupdate(due_at=timezone.now())
        await sync_to_async(call_command)("cleanup_attachments", verbosity=0)
        self.assertEqual(self.stored(), set())
        self.assertFalse(await ChatFileToRemove.objects.aexists())

    async def test_A1_of_two_uploads_at_once_one_is_kept(self) -> None:
        attachment = await self.begin()
        uploads_at_once = [
            self.attachments.receive(attachment.id, token_of(attachment), uploaded(text), ALICE)
            for text in (b"some text\n", b"other text")
        ]
        results = await asyncio.gather(*uploads_at_once, return_exceptions=True)
        refused = [result for result in results if isinstance(result, UploadRefused)]
        self.assertEqual([refusal.status for refusal in refused], [409])
        self.assertEqual(len(self.stored()), 1)
        self.assertFalse(await ChatFileToRemove.objects.aexists())

    def test_A1_A4_an_upload_whose_client_goes_while_it_is_recorded_keeps_its_file(self) -> None:
        is_writing, may_go_on = threading.Event(), threading.Event()

        def wait(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith("UPDATE") and ChatAttachment._meta.db_table in sql:
                is_writing.set()
                may_go_on.wait(10)
            return execute(sql, *rest)

        async def receive_and_cancel(attachment: Any) -> None:
            token = token_of(attachment)
            receive = asyncio.ensure_future(
                self.attachments.receive(attachment.id, token, uploaded(), ALICE)
            )
            await asyncio.to_thread(is_writing.wait, 10)
            receive.cancel()
            may_go_on.set()
            with self.assertRaises(asyncio.CancelledError):
                await receive

        attachment = async_to_sync(self.begin)()
        with connection.execute_wrapper(wait):
            async_to_sync(receive_and_cancel)(attachment)
        self.assertEqual(self.stored(), {ChatAttachment.objects.get().path})
        self.assertEqual(async_to_sync(self.attachments.read)(attachment.id, ALICE), b"some text\n")
        self.assertFalse(ChatFileToRemove.objects.exists())


class ModelTest(AttachmentsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.converter = FileConverter(self.attachments, ALICE)

    async def content_of(self, content: bytes, name: str, context: Any = ALICE) -> Any:
        attachment = await self.attachments.upload(uploaded(content), name, "", context)
        return await self.converter.attachment_to_message_content(attachment)

    async def test_images_pdfs_and_texts_are_given_to_the_model(self) -> None:
        image = await self.content_of(PNG, "a.png")
        self.assertEqual(image["type"], "input_image")
        self.assertEqual(base64.b64decode(image["image_url"].split(",")[1]), PNG)
        pdf = await self.content_of(PDF, "a.pdf")
        self.assertEqual((pdf["type"], pdf["filename"]), ("input_file", "a.pdf"))
        self.assertTrue(pdf["file_data"].startswith("data:application/pdf;base64,"))
        text = await self.content_of("\ufeffGrüße".encode(), "a.md")
        self.assertIn("<File>\nGrüße\n</File>", text["text"])

    async def test_a_text_in_any_encoding_is_given_to_the_model(self) -> None:
        for encoding, text in [
            ("utf-16", "Name;Größe\n"),
            ("utf-32", "Name;Größe\n"),
            ("cp1252", "Name;Größe;Café\nMüller;groß;déjà vu\n"),
            ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy\n"),
            ("cp1251", "Имя;Город;Сумма\nИван;Москва;100\n"),  # noqa: RUF001
            ("cp932", "名前,都市\n鈴木さん、こんにちは。\n"),
            ("gb18030", "姓名,城市\n李四,上海市浦东新区\n"),
            ("cp949", "이름,도시\n김철수,서울\n"),
        ]:
            with self.subTest(encoding=encoding):
                given = await self.content_of((text * 20).encode(encoding), "a.csv")
                self.assertIn(f"<File>\n{text * 20}\n</File>", given["text"])
                is_guess = not encoding.startswith("utf")
                self.assertEqual(f"read as {encoding}, which is a guess" in given["text"], is_guess)

    async def test_an_encoding_is_guessed_from_the_beginning_of_a_long_file(self) -> None:
        self.converter.max_text_length = 10**7
        text = "名前,都市\n鈴木さん、こんにちは。\n" * 10_000
        given = await self.content_of(text.encode("cp932"), "a.txt")
        self.assertIn(text, given["text"])

    async def test_the_model_is_told_of_a_text_that_cant_be_read(self) -> None:
        noise = bytes(
            byte for byte in random.Random(1).randbytes(9_000) if byte > 31 and byte != 127
        )
        given = await self.content_of(noise, "a.txt")
        self.assertIn("can't read", given["text"])

    async def test_a_long_text_is_cut(self) -> None:
        self.converter.max_text_length = 4
        text = await self.content_of(b"0123456789", "a.txt")
        self.assertIn("0123\n(The rest", text["text"])

    @override_settings(CHATSTORE_UPLOAD_TYPES=["application/zip"])
    async def test_the_model_gets_the_names_of_other_files(self) -> None:
        text = await self.content_of(ZIP, "a.zip")
        self.assertIn("can't read", text["text"])

    async def test_A2_another_users_file_is_not_given_to_the_model(self) -> None:
        text = await self.content_of(b"charlie's", "a.txt", CHARLIE)
        self.assertIn("not there any more", text["text"])

    async def test_a_long_data_url_costs_no_query_of_its_own(self) -> None:
        await self.store.save_thread(base.thread(), ALICE)
        image = GeneratedImage(id="ig_1", url="data:image/png;base64," + "abc/" * 100_000)
        item = GeneratedImageItem(id="msg_1", thread_id="thr_1", created_at=base.NOW, image=image)
        await self.store.add_thread_item("thr_1", item, ALICE)
        loaded = await self.store.load_item("thr_1", "msg_1", ALICE)
        self.assertEqual(json.loads(loaded.model_dump_json())["image"]["id"], "ig_1")


class GeneratedImagesTest(AttachmentsMixin, TransactionTestCase):
    async def test_a_generated_image_goes_to_the_storage(self) -> None:
        await self.store.save_thread(base.thread(), ALICE)
        converter = ImageConverter(self.attachments, "thr_1", ALICE, partial_images=2)
        image = base64.b64encode(PNG).decode()
        urls = [await converter.base64_image_to_url("ig_1", image, index) for index in (0, 1, None)]
        self.assertEqual(len(set(urls)), 3)
        self.assertEqual(len(self.stored()), 1)
        row = await ChatAttachment.objects.aget()
        self.assertIn(row.attachment_id, urls[2])

        item = GeneratedImageItem(
            id="msg_1",
            thread_id="thr_1",
            created_at=base.NOW,
            image=GeneratedImage(id="ig_1", url=urls[2]),
        )
        await self.store.add_thread_item("thr_1", item, ALICE)
        await row.arefresh_from_db()
        self.assertIsNotNone(row.message_id)  # so cleanup_attachments does not delete it

        sent = await FileConverter(self.attachments, ALICE).generated_image_to_input(item)
        self.assertEqual(base64.b64decode(sent["content"][1]["image_url"].split(",")[1]), PNG)
        with override_settings(CHATSTORE_BASE_URL="https://moved.example"):
            loaded = await self.store.load_item("thr_1", "msg_1", ALICE)
        self.assertTrue(loaded.image.url.startswith("https://moved.example/chat/files/atc_"))
        await self.store.delete_thread("thr_1", ALICE)
        self.assertEqual(self.stored(), set())

    async def test_A2_an_image_goes_into_no_thread_of_another_owner(self) -> None:
        await self.store.save_thread(base.thread(), CHARLIE)
        with self.assertRaises(NotFoundError):
            await self.attachments.add_image(PNG, "thr_1", ALICE)
        self.assertEqual((await self.rows(), self.stored()), (0, set()))


class UploadAndDeletionAtOnceTest(AttachmentsMixin, TransactionTestCase):
    def test_A4_a_deletion_takes_the_file_of_an_upload_that_is_about_to_commit(self) -> None:
        attachment = async_to_sync(self.begin)()
        receive = async_to_sync(self.attachments.receive)
        delete = partial(async_to_sync(self.store.delete_attachment), attachment.id, ALICE)
        deletion = threading.Thread(target=elsewhere(delete))
        with transaction.atomic():
            receive(attachment.id, token_of(attachment), uploaded(), ALICE)
            deletion.start()
            deletion.join(0.3)
        deletion.join()
        self.assertFalse(ChatAttachment.objects.exists())
        self.assertEqual(self.stored(), set())
        self.assertFalse(ChatFileToRemove.objects.exists())
