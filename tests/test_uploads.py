"""Uploads and downloads over HTTP: both ways, every refusal, and the memory used."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, TestCase, TransactionTestCase, override_settings

from chatstore.models import ChatAttachment, ChatFileToRemove
from tests.live import until
from tests.rows import StorageMixin
from tests.uploading import HTML, PDF, PNG, SCRIPT, SVG, ZIP

UPLOAD = "/chat/files/"
API = "/chat/api/"
MEGABYTE = 1024 * 1024


class UsersMixin(StorageMixin):
    """The users Alice and Charlie, each with a client."""

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.charlie, self.nobody = AsyncClient(), AsyncClient(), AsyncClient()
        for name, client in (("alice", self.alice), ("charlie", self.charlie)):
            client.force_login(get_user_model().objects.create_user(name))

    async def upload(
        self,
        content: bytes = b"some text\n",
        name: str = "a.txt",
        mime_type: str = "",
        client: Any = None,
    ) -> Any:
        """Upload directly, and return the response."""
        file = SimpleUploadedFile(name, content, content_type=mime_type or "text/plain")
        return await (client or self.alice).post(UPLOAD, {"file": file})

    async def call(self, kind: str, params: dict[str, Any], client: Any = None) -> Any:
        """Send a ChatKit request, and return the response."""
        return await (client or self.alice).post(
            API, {"type": kind, "params": params}, content_type="application/json"
        )

    async def begin(self, content: bytes, name: str, mime_type: str, client: Any = None) -> Any:
        """Announce a two-phase upload, and return the attachment as JSON."""
        announced = {"name": name, "size": len(content), "mime_type": mime_type}
        response = await self.call("attachments.create", announced, client)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    async def put(self, attachment: Any, content: bytes, client: Any = None) -> Any:
        """Send the bytes to the URL of the upload descriptor."""
        target = attachment["upload_descriptor"]
        return await (client or self.alice).generic(
            target["method"], _path(target["url"]), content, content_type="image/png"
        )

    async def send(self, *attachment_ids: str, thread_id: str | None = None) -> Any:
        """Send a message with these attachments, and return the response."""
        kind, params = "threads.create", {}
        if thread_id:
            kind, params = "threads.add_user_message", {"thread_id": thread_id}
        message = {
            "content": [{"type": "input_text", "text": "Look"}],
            "attachments": list(attachment_ids),
            "inference_options": {},
        }
        response = await self.call(kind, params | {"input": message})
        if response.streaming:
            events = b"".join([chunk async for chunk in response.streaming_content])
            response.events = [
                json.loads(line[6:]) for line in events.splitlines() if line.startswith(b"data: ")
            ]
        return response

    async def get(self, path: str, client: Any = None) -> Any:
        """Download a file, and return the response with the bytes as `body`."""
        response = await (client or self.alice).get(path)
        if response.streaming:
            response.body = b"".join([chunk async for chunk in response.streaming_content])
        return response

    def assert_refused(self, response: Any, status: int) -> None:
        self.assertEqual(response.status_code, status, getattr(response, "content", b""))
        sentence = response.json()["error"]
        self.assertTrue(sentence.endswith("."), sentence)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


class DirectUploadTest(UsersMixin, TestCase):
    async def test_A1_upload_and_download(self) -> None:
        response = await self.upload(PNG, "a.png", "image/png")
        self.assertEqual(response.status_code, 200, response.content)
        attachment = response.json()
        self.assertEqual(
            (attachment["type"], attachment["name"], attachment["mime_type"]),
            ("image", "a.png", "image/png"),
        )
        self.assertNotIn("metadata", attachment)
        self.assertIsNone(attachment["upload_descriptor"])
        self.assertTrue(attachment["preview_url"].startswith("http://testserver/chat/files/atc_"))

        response = await self.get(_path(attachment["preview_url"]))
        self.assertEqual(response.body, PNG)

    @override_settings(SECURE_CONTENT_TYPE_NOSNIFF=False)  # otherwise Django's middleware sets it
    async def test_A2_a_file_is_sent_so_that_no_browser_runs_it(self) -> None:
        for content, name, mime_type, disposition in [
            (PNG, "a.png", "image/png", 'inline; filename="a.png"'),
            (PDF, "a.pdf", "application/pdf", 'attachment; filename="a.pdf"'),
            (b"# <script>", "a.md", "text/markdown", 'attachment; filename="a.md"'),
        ]:
            with self.subTest(name=name):
                attachment = (await self.upload(content, name, mime_type)).json()
                response = await self.get(f"{UPLOAD}{attachment['id']}/")
                self.assertEqual(response["Content-Type"], mime_type)
                self.assertEqual(response["Content-Disposition"], disposition)
                self.assertEqual(response["X-Content-Type-Options"], "nosniff")
                self.assertEqual(response["Content-Security-Policy"], "default-src 'none'; sandbox")
                self.assertIn("private", response["Cache-Control"])
                self.assertEqual(response["Content-Length"], str(len(content)))
                self.assertEqual(response.body, content)

    @override_settings(CHATSTORE_UPLOAD_TYPES=["text/html", "image/svg+xml"])
    async def test_A2_not_even_where_such_types_may_be_uploaded(self) -> None:
        for content, name in [(HTML, "a.html"), (SVG, "a.svg")]:
            attachment = (await self.upload(content, name)).json()
            response = await self.get(f"{UPLOAD}{attachment['id']}/")
            self.assertEqual(response["Content-Type"], "application/octet-stream")
            self.assertTrue(response["Content-Disposition"].startswith("attachment"))

    async def test_A2_names_are_safe_to_show_and_to_save(self) -> None:
        for name, shown in {
            "../../x": "x",
            "a\x00b\nc.txt": "c.txt",
            "photo\u202egpj.txt": "photogpj.txt",
            "x" * 300 + ".txt": "x" * 196 + ".txt",
            'a";b.txt': 'a";b.txt',
        }.items():
            with self.subTest(name=name):
                announced = {"name": name, "size": 10, "mime_type": "text/plain"}
                attachment = (await self.call("attachments.create", announced)).json()
                await self.put(attachment, b"some text\n")
                if "\x00" not in name:
                    self.assertEqual(attachment["name"], shown)
                response = await self.get(f"{UPLOAD}{attachment['id']}/")
                self.assertEqual(response.status_code, 200)
                self.assertNotRegex(response["Content-Disposition"], r"[\x00-\x1f/]|\.\.")
        for path in self.stored():
            self.assertRegex(path, r"^chatstore/[0-9a-f]{2}/[0-9a-f]{30}$")

    async def test_A2_a_text_with_markup_is_taken_and_served_as_text(self) -> None:
        for content, name, downloaded in (
            (b"<h1>Notes</h1>\n", "README.md", "README.md"),
            (b"<!-- draft -->\n# Notes", "notes.markdown", "notes.markdown"),
            (b"const icon = '<svg onload=run()>'\n", "icon.tsx", "icon.tsx"),
            (SVG, "code.txt", "code.txt"),
            (HTML, "page.txt", "page.txt"),
            (b"<script>alert(1)</script>", "a.TXT", "a.TXT"),
            (b"\xef\xbb\xbf<html>", "bom.txt", "bom.txt"),
            (b"<?xml version='1.0'?><a/>", "data.xml", "data.xml.txt"),
            (b"<script>alert(1)</script>", "a.hta", "a.hta.txt"),
            (b"<script>alert(1)</script>", "a.hta.", "a.hta.txt"),
            (b"format c:", "a.bat", "a.bat.txt"),
            (b"alert(1)", "a.js", "a.js.txt"),
            (b"alert(1)", "a.txt.js", "a.txt.js.txt"),
            (b"alert(1)", "noname", "noname.txt"),
            (b"alert(1)", ".txt", "txt.txt"),
            (b"alert(1)", "x" * 300 + ".js", "x" * 196 + ".txt"),
            (PDF + b"<script>", "a.hta", "a.hta.pdf"),
            (PNG + b"<script>", "a.html.png", "a.html.png"),
            (PNG + b"<script>", "a.hta", "a.hta.png"),
        ):
            with self.subTest(name=name, content=content[:9]):
                response = await self.upload(content, name, "application/octet-stream")
                self.assertEqual(response.status_code, 200, response.content)
                mime_type = response.json()["mime_type"]
                if not content.startswith((PDF, PNG)):
                    self.assertIn(mime_type, ("text/plain", "text/markdown"))
                response = await self.get(f"{UPLOAD}{response.json()['id']}/")
                self.assertEqual(response.body, content)
                self.assertEqual(response["Content-Type"], mime_type)
                self.assertEqual(response["X-Content-Type-Options"], "nosniff")
                self.assertIn(f'; filename="{downloaded}"', response["Content-Disposition"])
                is_download = response["Content-Disposition"].startswith("attachment")
                self.assertEqual(is_download, not mime_type.startswith("image/"))

    async def test_A3_files_that_are_not_allowed_are_refused(self) -> None:
        for content, name, mime_type in [
            (SCRIPT, "innocent.png", "image/png"),
            (SVG, "a.svg", "image/svg+xml"),
            (SVG, "a.png", "image/png"),
            (HTML, "a.html", "text/plain"),
            (b"Hello", "a.txt", "text/html; charset=utf-8"),
            (b"Hello", "a.xht", "text/plain"),
            (SVG, "a.txt", "image/svg+xml"),
            (ZIP, "bomb.zip", "application/zip"),
            (b"", "empty.txt", "text/plain"),
        ]:
            with self.subTest(name=name):
                response = await self.upload(content, name, mime_type)
                self.assert_refused(response, 400)
                self.assertNotIn(name.encode(), response.content)
        for name, mime_type in (("a.svg", "text/plain"), ("a.txt", "text/html")):
            announced = {"name": name, "size": 10, "mime_type": mime_type}
            self.assert_refused(await self.call("attachments.create", announced), 400)
        self.assert_refused(await self.alice.post(UPLOAD, {"other": "field"}), 400)
        self.assert_refused(await self.alice.post(UPLOAD, b"x", content_type="text/plain"), 400)
        self.assertEqual(self.stored(), set())
        self.assertFalse(await ChatAttachment.objects.aexists())

    @override_settings(CHATSTORE_MAX_UPLOAD_BYTES=20)
    async def test_A3_a_file_over_the_limit_is_refused(self) -> None:
        self.assert_refused(await self.upload(b"x" * 21), 413)
        self.assertEqual((await self.upload(b"x" * 20)).status_code, 200)

    @override_settings(CHATSTORE_USER_QUOTA_BYTES=20)
    async def test_A3_each_users_total_is_bounded(self) -> None:
        self.assertEqual((await self.upload()).status_code, 200)
        self.assert_refused(await self.upload(b"x" * 11), 413)
        self.assertEqual((await self.upload(client=self.charlie)).status_code, 200)

    async def test_V5_without_sign_in_or_csrf_token_uploads_are_refused(self) -> None:
        self.assert_refused(await self.upload(client=self.nobody), 401)
        client = AsyncClient(enforce_csrf_checks=True)
        client.cookies = self.alice.cookies
        self.assert_refused(await self.upload(client=client), 403)

    async def test_V5_other_methods_are_refused_as_json(self) -> None:
        self.assert_refused(await self.alice.get(UPLOAD), 405)
        self.assert_refused(await self.alice.delete(f"{UPLOAD}atc_1/"), 405)

    async def test_V5_what_django_cant_read_is_refused_as_json(self) -> None:
        many = "&".join(["x"] * 2000)
        form = "multipart/form-data; boundary=x"
        for client in (self.alice, self.nobody):
            for method in (client.get, client.put):
                self.assert_refused(await method(f"{UPLOAD}x/?{many}"), 400)
        for path in (API, UPLOAD, f"{UPLOAD}x/"):
            for body, content_type in (
                (b"a=b", "application/x-www-form-urlencoded; charset=utf-16"),
                (many, "application/x-www-form-urlencoded"),
                (b"--x", f"{form}; charset=utf-16"),
                (b"--x", "multipart/form-data"),
            ):
                with self.subTest(path=path, content_type=content_type):
                    with self.assertNoLogs("django", "ERROR"):
                        client = AsyncClient(enforce_csrf_checks=True)
                        client.cookies = self.alice.cookies
                        client.cookies["csrftoken"] = "a" * 32
                        response = await client.post(
                            path,
                            body,
                            content_type=content_type,
                            headers={"X-CSRFToken": "a" * 32},
                        )
                    self.assertIn(response.status_code, (400, 404))
                    self.assert_refused(response, response.status_code)

    async def test_V5_a_broken_form_is_refused(self) -> None:
        response = await self.alice.post(
            UPLOAD, b"--x\r\nnonsense", content_type="multipart/form-data; boundary="
        )
        self.assert_refused(response, 400)

    async def test_A2_another_users_id_is_unknown_to_every_request(self) -> None:
        attachment = (await self.upload(PNG, "a.png", "image/png")).json()
        two_phase = await self.begin(PNG, "b.png", "image/png")
        url = f"{UPLOAD}{attachment['id']}/"
        for attempt in (
            self.charlie.get(url),
            self.charlie.get(_path(attachment["preview_url"])),
            self.charlie.put(url, PNG),
            self.charlie.post(url, PNG, content_type="image/png"),
            self.put(two_phase, PNG, self.charlie),
            self.call("attachments.delete", {"attachment_id": attachment["id"]}, self.charlie),
            self.alice.get(f"{UPLOAD}atc_unknown/"),
        ):
            with self.subTest(attempt=attempt):
                self.assert_refused(await attempt, 404)
        self.assert_refused(await self.nobody.get(url), 401)
        self.assert_refused(await self.nobody.put(url, PNG), 401)
        self.assertEqual((await self.put(two_phase, PNG)).status_code, 200)

    async def test_A2_a_signed_url_works_without_a_session_until_it_expires(self) -> None:
        """As in the frame of OpenAI's component, whose requests have no cookies of the site."""
        path = _path((await self.upload(PNG, "a.png")).json()["preview_url"])
        response = await self.get(path, self.nobody)
        self.assertEqual(response.body, PNG)
        with override_settings(CHATSTORE_FILE_URL_TTL=-1):
            self.assert_refused(await self.get(path, self.nobody), 404)
            self.assertEqual((await self.get(path)).status_code, 200)
        self.assert_refused(await self.nobody.get(path[:-3] + "abc"), 404)

    async def test_A2_a_lost_file_is_unknown(self) -> None:
        attachment = (await self.upload()).json()
        for path in self.stored():
            (self.media / path).unlink()
        self.assert_refused(await self.get(f"{UPLOAD}{attachment['id']}/"), 404)


class WSGITest(UsersMixin, TestCase):
    def test_A2_a_file_is_sent_in_the_same_way(self) -> None:
        self.client.force_login(get_user_model().objects.get(username="alice"))
        file = SimpleUploadedFile("a.txt", b"some text\n", content_type="text/plain")
        attachment = self.client.post(UPLOAD, {"file": file}).json()
        response = self.client.get(f"{UPLOAD}{attachment['id']}/")
        self.assertEqual(response.getvalue(), b"some text\n")
        self.assertEqual(response["Content-Disposition"], 'attachment; filename="a.txt"')


class SendingTest(UsersMixin, TransactionTestCase):
    async def test_A3_a_file_belongs_to_the_thread_it_was_first_sent_in(self) -> None:
        attachment = (await self.upload(PNG, "a.png")).json()
        sent = await self.send(attachment["id"])
        self.assertEqual(sent.status_code, 200, sent)
        thread_id = sent.events[0]["thread"]["id"]
        self.assert_refused(await self.send(attachment["id"]), 400)
        again = await self.send(attachment["id"], thread_id=thread_id)
        self.assertEqual(again.status_code, 200)

        deleted = await self.call("attachments.delete", {"attachment_id": attachment["id"]})
        self.assert_refused(deleted, 409)
        page = await self.call("items.list", {"thread_id": thread_id, "order": "asc"})
        [shown] = page.json()["data"][0]["attachments"]
        response = await self.get(_path(shown["preview_url"]))
        self.assertEqual(response.body, PNG)

        await self.call("threads.delete", {"thread_id": thread_id})
        self.assertEqual(self.stored(), set())
        self.assert_refused(await self.get(_path(shown["preview_url"])), 404)

    async def test_A3_a_message_with_a_missing_file_is_refused_and_not_stored(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        others = (await self.upload(client=self.charlie)).json()
        self.assert_refused(await self.send(attachment["id"]), 409)
        self.assert_refused(await self.send(others["id"]), 404)
        with override_settings(CHATSTORE_MAX_ATTACHMENTS=1):
            self.assert_refused(await self.send("atc_1", "atc_2"), 400)
        threads = (await self.call("threads.list", {})).json()
        self.assertEqual(threads["data"], [])

    async def test_A3_an_unsent_file_can_be_deleted(self) -> None:
        attachment = (await self.upload()).json()
        response = await self.call("attachments.delete", {"attachment_id": attachment["id"]})
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.stored(), set())
        self.assertFalse(await ChatFileToRemove.objects.aexists())


class TwoPhaseUploadTest(UsersMixin, TransactionTestCase):
    async def test_A1_used_once_in_time_by_its_owner(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        self.assertTrue(
            attachment["upload_descriptor"]["url"].startswith("http://testserver/chat/files/atc_")
        )
        self.assert_refused(await self.put(attachment, PNG, self.charlie), 404)
        self.assert_refused(await self.put(attachment, PNG, self.nobody), 401)
        with override_settings(CHATSTORE_UPLOAD_URL_TTL=-1):
            self.assert_refused(await self.put(attachment, PNG), 403)
        self.assert_refused(await self.put(attachment, PNG[:-1]), 400)
        self.assertEqual(self.stored(), set())

        response = await self.put(attachment, PNG)
        self.assertEqual(response.status_code, 200)
        self.assertIsNone(response.json()["upload_descriptor"])
        self.assert_refused(await self.put(attachment, PNG), 409)
        response = await self.get(_path(attachment["preview_url"]))
        self.assertEqual(response.body, PNG)
        self.assertEqual(len(self.stored()), 1)

    async def test_A1_a_form_is_accepted_too(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        file = SimpleUploadedFile("a.png", PNG, content_type="image/png")
        path = _path(attachment["upload_descriptor"]["url"])
        self.assertEqual((await self.alice.post(path, {"file": file})).status_code, 200)

    async def test_V5_it_needs_no_csrf_token_but_its_signature(self) -> None:
        attachment = await self.begin(PNG, "a.png", "image/png")
        client = AsyncClient(enforce_csrf_checks=True)
        client.cookies = self.alice.cookies
        bare = await client.put(f"{UPLOAD}{attachment['id']}/", PNG)
        self.assert_refused(bare, 403)
        self.assertEqual((await self.put(attachment, PNG, client)).status_code, 200)


@contextmanager
def served() -> Iterator[str]:
    """Serve the demo site with uvicorn in a thread, with the test's database and settings."""
    from project.asgi import application

    # Without WebSockets, which older versions of uvicorn serve by a deprecated module.
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "uvicorn did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def open_files() -> list[str]:
    """Return the names of the files that this process has open."""
    names = []
    for link in os.scandir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed by another thread meanwhile
            names.append(os.readlink(link.path))
    return names


def peak_memory() -> int:
    """Return the peak memory, in bytes, of this process since the last call."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return int(peak.split()[1]) * 1024


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"some text, and more of it ......" * (MEGABYTE // 32)


def form(count: int) -> Any:
    """Yield a form with a file of this many megabytes, for chunked encoding."""

    async def pieces() -> AsyncIterator[bytes]:
        yield (
            b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\n"
        )
        async for piece in megabytes(count):
            yield piece
        yield b"\r\n--edge--\r\n"

    return pieces()


class ServedTest(UsersMixin, TransactionTestCase):
    """Through uvicorn, where bodies arrive in pieces and connections can be closed."""

    def setUp(self) -> None:
        super().setUp()
        override = override_settings(ALLOWED_HOSTS=["127.0.0.1"])
        override.enable()
        self.addCleanup(override.disable)
        server = served()
        self.url = server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        self.host, self.port = self.url.removeprefix("http://").split(":")

    def http(self) -> httpx.AsyncClient:
        cookies = {name: morsel.value for name, morsel in self.alice.cookies.items()}
        cookies["csrftoken"] = "t" * 32
        return httpx.AsyncClient(
            base_url=self.url, cookies=cookies, headers={"X-CSRFToken": "t" * 32}, timeout=60
        )

    async def post_form(self, client: httpx.AsyncClient, count: int) -> httpx.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        return await client.post(UPLOAD, content=form(count), headers=headers)

    async def test_A3_chunked_encoding_is_accepted_within_the_limit_and_refused_above(self) -> None:
        async with self.http() as client:
            response = await self.post_form(client, 2)
            self.assertEqual(response.status_code, 200, response.text)
            with override_settings(CHATSTORE_MAX_UPLOAD_BYTES=3 * MEGABYTE):
                response = await self.post_form(client, 4)
                self.assertEqual(response.status_code, 413)
                self.assertIn("too large", response.json()["error"])
                with_length = await client.put(f"{UPLOAD}atc_1/", content=b"x" * 4 * MEGABYTE)
                self.assertEqual(with_length.status_code, 413)
        self.assertEqual(len(self.stored()), 1)

    @override_settings(CHATSTORE_MAX_REQUEST_BYTES=MEGABYTE)
    async def test_V5_a_chunked_request_over_the_limit_is_refused(self) -> None:
        async with self.http() as client:
            headers = {"Content-Type": "application/json"}
            response = await client.post(API, content=megabytes(2), headers=headers)
        self.assert_refused(response, 413)

    @override_settings(CHATSTORE_MAX_UPLOAD_BYTES=MEGABYTE)
    async def test_A3_expect_100_continue_is_refused_before_the_body(self) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        head = f"PUT {UPLOAD}atc_1/ HTTP/1.1\r\nHost: {self.host}\r\nExpect: 100-continue\r\n"
        writer.write(f"{head}Content-Length: 5000000\r\n\r\n".encode())
        self.assertEqual((await reader.readline()).split()[1], b"413")
        writer.close()

    async def test_A3_a_body_without_end_is_stopped_at_the_limit(self) -> None:
        _reader, writer = await asyncio.open_connection(self.host, self.port)
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {self.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        sent = 0
        with override_settings(CHATSTORE_MAX_UPLOAD_BYTES=2 * MEGABYTE):
            try:
                while sent < 300 * MEGABYTE:
                    writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    await writer.drain()
                    sent += 0x10000
            except ConnectionError:
                pass
        self.assertLess(sent, 200 * MEGABYTE)  # some is discarded, some is still in buffers
        writer.close()

    async def test_A1_a_download_cut_in_the_middle_leaves_no_file_open(self) -> None:
        async with self.http() as client:
            attachment = (await self.post_form(client, 20)).json()
            async with client.stream("GET", f"{UPLOAD}{attachment['id']}/") as response:
                async for _chunk in response.aiter_raw():
                    break
        for _ in range(100):
            if not any(path.startswith(str(self.media)) for path in open_files()):
                return
            await asyncio.sleep(0.05)
        self.fail("A file is still open")

    @pytest.mark.postgresql
    async def test_S16_downloads_hold_no_connection(self) -> None:
        """Twice as many unread downloads as the pool has connections; more requests work."""
        async with self.http() as client:
            attachment = (await self.post_form(client, 20)).json()
            url = f"{UPLOAD}{attachment['id']}/"
            async with AsyncExitStack() as stack:
                for _ in range(20):
                    response = await stack.enter_async_context(client.stream("GET", url))
                    self.assertEqual(response.status_code, 200)
                page = await client.post(API, json={"type": "threads.list", "params": {}})
        self.assertEqual(page.status_code, 200)

    async def test_A4_an_upload_cut_in_the_middle_leaves_nothing(self) -> None:
        cookies = "; ".join(f"{name}={m.value}" for name, m in self.alice.cookies.items())
        for head in (
            f"POST {UPLOAD} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n",
            f"PUT {UPLOAD}atc_1/ HTTP/1.1\r\n",
        ):
            _reader, writer = await asyncio.open_connection(self.host, self.port)
            head += f"Host: {self.host}\r\nCookie: {cookies}\r\nContent-Length: 5000000\r\n\r\n"
            writer.write(head.encode() + b"x" * 1_000_000)
            await writer.drain()
            writer.transport.abort()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(until, lambda: not self.stored())
        self.assertEqual(self.stored(), set())
        self.assertFalse(await ChatAttachment.objects.aexists())
        self.assertFalse(await ChatFileToRemove.objects.aexists())

    @pytest.mark.slow
    @override_settings(CHATSTORE_MAX_UPLOAD_BYTES=200 * MEGABYTE)
    async def test_A1_uploading_and_downloading_100_megabytes_needs_little_memory(self) -> None:
        async with self.http() as client:
            await self.post_form(client, 1)  # so that all modules are imported
            peak_memory()
            before = peak_memory()
            attachment = (await self.post_form(client, 100)).json()
            announced = {"name": "a.txt", "size": 100 * MEGABYTE, "mime_type": "text/plain"}
            request = {"type": "attachments.create", "params": announced}
            target = (await client.post(API, json=request)).json()["upload_descriptor"]
            put = await client.put(target["url"], content=megabytes(100))
            up = peak_memory() - before
            received = 0
            async with client.stream("GET", f"{UPLOAD}{attachment['id']}/") as response:
                async for chunk in response.aiter_raw():
                    received += len(chunk)
            down = peak_memory() - before
        self.assertEqual((put.status_code, received), (200, 100 * MEGABYTE))
        self.assertLess(up, 16 * MEGABYTE)
        self.assertLess(down, 16 * MEGABYTE)
