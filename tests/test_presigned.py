"""Uploads and downloads by S3's signed URLs, with a local server for the S3 protocol."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from chatkit.store import NotFoundError
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import TransactionTestCase, override_settings
from moto.server import ThreadedMotoServer

from chatstore import files
from chatstore.attachments import DjangoAttachmentStore
from chatstore.exceptions import UploadRefused
from chatstore.files.s3 import Presigner
from chatstore.models import ChatAttachment, ChatFileToRemove
from chatstore.store import DjangoStore
from tests.base import ALICE, CHARLIE
from tests.test_attachments import announce
from tests.uploading import PDF, PNG, uploaded


class PresignedTest(TransactionTestCase):
    server: ThreadedMotoServer

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self) -> None:
        super().setUp()
        _, port = self.server.get_host_and_port()
        self.url = f"http://127.0.0.1:{port}"
        backend = {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": "chat-files",
                "location": "uploads",
                "endpoint_url": self.url,
                "region_name": "eu-central-1",
                "access_key": "test",
                "secret_key": "test",
                "signature_version": "s3v4",
            },
        }
        override = override_settings(
            STORAGES=django_settings.STORAGES | {"default": backend},
            CHATSTORE_BASE_URL="https://chat.example",
        )
        override.enable()
        self.addCleanup(override.disable)
        httpx.post(f"{self.url}/moto-api/reset")
        self.client_of_s3().create_bucket(
            Bucket="chat-files",
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        self.store: DjangoStore[Any] = DjangoStore()
        self.attachments: DjangoAttachmentStore[Any] = DjangoAttachmentStore()

    def client_of_s3(self) -> Any:
        storage: Any = files.get_storage()
        return storage.connection.meta.client

    def keys(self) -> list[str]:
        listed = self.client_of_s3().list_objects_v2(Bucket="chat-files")
        return [entry["Key"] for entry in listed.get("Contents", [])]

    async def begin(self, content: bytes, name: str, mime_type: str) -> Any:
        announced = announce(name=name, size=len(content), mime_type=mime_type)
        attachment = await self.attachments.create_attachment(announced, ALICE)
        await self.store.save_attachment(attachment, ALICE)
        return attachment

    def put(self, attachment: Any, content: bytes) -> int:
        """Send the bytes to the URL of the descriptor, as a browser does."""
        target = attachment.upload_descriptor
        return httpx.put(str(target.url), content=content, headers=target.headers).status_code

    async def test_A1_bytes_go_to_s3_directly_and_are_kept_when_they_are_needed(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        self.assertTrue(str(attachment.upload_descriptor.url).startswith(self.url))
        with self.assertRaises(UploadRefused) as caught:
            await self.attachments.check_sendable([attachment.id], None, ALICE)
        self.assertEqual(caught.exception.status, 409)

        self.assertEqual(self.put(attachment, PNG), 200)
        await self.attachments.check_sendable([attachment.id], None, ALICE)

        row = await ChatAttachment.objects.aget()
        self.assertIn(f"uploads/{row.path}", self.keys())
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), PNG)
        self.assertIsNone(
            (await self.store.load_attachment(attachment.id, ALICE)).upload_descriptor
        )
        # The removal of the uploaded object is scheduled.
        note = await ChatFileToRemove.objects.aget()
        self.assertIn("chatstore/incoming/", note.path)

    async def test_A1_a_url_is_valid_once_for_what_was_announced(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        query = parse_qs(urlsplit(str(attachment.upload_descriptor.url)).query)
        signed = query["X-Amz-SignedHeaders"][0].split(";")
        self.assertLessEqual({"content-length", "content-type", "if-none-match"}, set(signed))
        self.assertEqual(query["X-Amz-Expires"], ["3600"])

        self.assertEqual(self.put(attachment, PNG), 200)
        self.assertEqual(self.put(attachment, PNG), 412)
        await self.attachments.find(attachment.id, ALICE)
        # Even if the storage accepted more, the stored file would not change.
        drop_box = next(key for key in self.keys() if "incoming" in key)
        self.client_of_s3().put_object(Bucket="chat-files", Key=drop_box, Body=b"x" * len(PNG))
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), PNG)

    async def test_A3_size_and_type_are_checked_again(self) -> None:
        for content in (b"x" * len(PNG), PNG + b"x"):
            attachment = await self.begin(PNG, "a.png", "image/png")
            self.put(attachment, content)
            with self.assertRaises(UploadRefused):
                await self.attachments.check_sendable([attachment.id], None, ALICE)
            with self.assertRaises(UploadRefused):
                await self.attachments.find(attachment.id, ALICE)

    async def test_A2_only_the_owner(self) -> None:
        attachment = await self.begin(PDF, "a.pdf", "application/pdf")
        self.put(attachment, PDF)
        with self.assertRaises(NotFoundError):
            await self.attachments.find(attachment.id, CHARLIE)
        self.assertEqual(await self.attachments.read(attachment.id, ALICE), PDF)

    async def test_A2_a_download_is_signed_with_its_type_and_disposition(self) -> None:
        attachment = await self.attachments.upload(uploaded(PDF), "a.pdf", "", ALICE)
        row = await self.attachments.find(attachment.id, ALICE)
        signer = Presigner.for_storage(files.get_storage())
        assert signer
        url = signer.download_url(row.path, "application/pdf", 'attachment; filename="a.pdf"')
        response = await asyncio.to_thread(httpx.get, url)
        self.assertEqual(response.content, PDF)
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        self.assertEqual(response.headers["Content-Disposition"], 'attachment; filename="a.pdf"')

    async def test_A2_the_view_sends_the_owner_to_the_storage(self) -> None:
        user = await get_user_model().objects.acreate(username="alice")
        await self.async_client.aforce_login(user)
        context = {"user_id": str(user.pk)}
        attachment = await self.attachments.upload(uploaded(PNG), "a.png", "", context)
        response = await self.async_client.get(f"/chat/files/{attachment.id}/")
        self.assertEqual(response.status_code, 302)
        self.assertEqual(response["Cache-Control"], "private, no-store")
        image = await asyncio.to_thread(httpx.get, response["Location"])
        self.assertEqual(image.content, PNG)
        self.assertEqual(image.headers["Content-Disposition"], 'inline; filename="a.png"')

    async def test_A4_deleting_removes_the_object(self) -> None:
        attachment = await self.attachments.upload(uploaded(PDF), "a.pdf", "", ALICE)
        self.assertEqual(len(self.keys()), 1)
        await self.attachments.delete_attachment(attachment.id, ALICE)
        self.assertEqual(self.keys(), [])

    async def test_A1_a_setting_sends_all_bytes_through_django(self) -> None:
        with override_settings(CHATSTORE_USE_PRESIGNED_URLS=False):
            attachment = await self.begin(PDF, "a.pdf", "application/pdf")
        url = str(attachment.upload_descriptor.url)
        self.assertTrue(url.startswith(f"https://chat.example/chat/files/{attachment.id}/"))

    @override_settings(CHATSTORE_UPLOAD_URL_TTL=7 * 24 * 3600)
    async def test_A4_an_upload_url_ends_before_what_it_has_left_is_removed(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        query = parse_qs(urlsplit(str(attachment.upload_descriptor.url)).query)
        seconds = ChatFileToRemove.UPLOAD_TIMEOUT.total_seconds()
        self.assertLess(int(query["X-Amz-Expires"][0]), seconds)
