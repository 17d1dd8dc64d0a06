"""Files on the chat page: chosen, dropped, pasted, checked, uploaded and shown."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import Visits, wait_until
from tests.chat import answers, ask

pytestmark = pytest.mark.browser


def png(width: int = 64, height: int = 48) -> bytes:
    """Return a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    rows = (b"\x00" + b"\x2a\x6f\x6b" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PNG = {"name": "bicycle.png", "mimeType": "image/png", "buffer": png()}
TEXT = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Bring the pump."}

DATA_TRANSFER = """([name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  return data;
}"""


@pytest.fixture
def chat(visit: Visits) -> Page:
    """The page of a new user."""
    return visit()


def choose(chat: Page, *files: dict) -> None:
    with chat.expect_file_chooser() as chooser:
        chat.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def test_a_picture_is_chosen_sent_and_shown(chat: Page) -> None:
    choose(chat, PNG)
    upload = chat.locator(".upload")
    expect(upload).to_contain_text("bicycle.png")
    expect(upload.locator("canvas")).to_be_visible()  # the thumbnail
    expect(chat.get_by_role("button", name="Send")).to_be_enabled()
    ask(chat, "What is this?")
    expect(chat.locator(".upload")).to_have_count(0)
    expect(answers(chat).last).to_contain_text("Files received: 1.")
    for _ in range(2):
        picture = chat.get_by_role("img", name="bicycle.png")
        expect(picture).to_be_visible()
        assert picture.evaluate("node => node.decode().then(() => node.naturalWidth)") == 64
        chat.reload()


def test_several_files_and_no_words(chat: Page) -> None:
    choose(chat, PNG, TEXT)
    expect(chat.locator(".upload.done")).to_have_count(2)
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator("#items .file")).to_have_text("notes.txt")
    expect(chat.locator("#items .thumbnail")).to_have_count(1)
    chat.reload()
    with chat.expect_download() as saved:
        chat.get_by_role("link", name="notes.txt").click()
    assert saved.value.suggested_filename == "notes.txt"
    assert Path(saved.value.path()).read_bytes() == TEXT["buffer"]
    with chat.context.expect_page() as opened:
        chat.get_by_role("link", name="bicycle.png").click()
    picture = opened.value.locator("img")
    assert picture.evaluate("node => node.decode().then(() => node.naturalWidth)") == 64


def test_a_file_is_taken_off_again(chat: Page) -> None:
    choose(chat, TEXT)
    expect(chat.locator(".upload.done")).to_have_count(1)
    with chat.expect_request(lambda request: "attachments.delete" in (request.post_data or "")):
        chat.get_by_role("button", name="Remove notes.txt").click()
    expect(chat.locator(".upload")).to_have_count(0)
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()


def test_a_file_is_dropped(chat: Page) -> None:
    data = chat.evaluate_handle(DATA_TRANSFER, ["dropped.txt", "text/plain", list(b"Hello")])
    chat.dispatch_event("#conversation", "dragenter", {"dataTransfer": data})
    expect(chat.get_by_text("Drop files to attach them")).to_be_visible()
    chat.dispatch_event("#conversation", "drop", {"dataTransfer": data})
    expect(chat.get_by_text("Drop files to attach them")).to_be_hidden()
    expect(chat.locator(".upload.done")).to_contain_text("dropped.txt")


def test_a_file_is_pasted(chat: Page) -> None:
    data = chat.evaluate_handle(DATA_TRANSFER, ["pasted.png", "image/png", list(png())])
    chat.locator("#message").evaluate(
        "(node, clipboardData) => node.dispatchEvent("
        "new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))",
        data,
    )
    expect(chat.locator(".upload.done")).to_contain_text("pasted.png")


PROGRAM = {"mimeType": "application/x-msdownload", "buffer": b"MZ\x90\x00\x03"}


def test_the_size_is_checked_before_sending_and_the_type_by_the_server(
    chat: Page, visit: Visits, tmp_path: Path
) -> None:
    visit.expect("status of 400")
    choose(chat, {**PROGRAM, "name": "tool.exe"})
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("tool.exe")
    expect(alert).to_contain_text("Files of this type can't be sent.")
    sent: list[str] = []
    chat.on("request", lambda request: "/files/" in request.url and sent.append(request.url))
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    with chat.expect_file_chooser() as chooser:
        chat.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(large)
    expect(chat.get_by_role("alert")).to_contain_text("large.txt is larger than 20 MB.")
    expect(chat.locator(".upload")).to_have_count(0)
    assert not sent


def test_every_file_that_is_refused_is_named(chat: Page, visit: Visits) -> None:
    visit.expect("status of 400")
    choose(chat, {**PROGRAM, "name": "one.exe"}, {**PROGRAM, "name": "two.exe"}, TEXT)
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("one.exe")
    expect(alert).to_contain_text("two.exe")
    expect(chat.locator(".upload.done")).to_have_count(1)


def test_many_files_do_not_hide_the_send_button(visit: Visits) -> None:
    chat = visit(viewport={"width": 390, "height": 640})
    choose(chat, *({**TEXT, "name": f"{n}.txt"} for n in range(10)))
    expect(chat.locator(".upload.done")).to_have_count(10)
    chat.get_by_role("textbox", name="Message").fill("line\n" * 30)
    expect(chat.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    expect(chat.get_by_role("textbox", name="Message")).to_be_in_viewport(ratio=1)


def test_A3_no_more_files_are_taken_than_a_message_may_have(chat: Page) -> None:
    choose(chat, *({**TEXT, "name": f"{n}.txt"} for n in range(12)))
    expect(chat.get_by_role("alert")).to_contain_text("at most 10 attachments")
    expect(chat.locator(".upload.done")).to_have_count(10)
    chat.get_by_role("button", name="Send").click()
    expect(answers(chat).last).to_contain_text("Files received: 10.")


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("script.py", "text/x-python"),
        ("table.csv", "application/vnd.ms-excel"),  # the type that Windows gives it
        ("settings.toml", ""),
        ("query.sql", "application/sql"),
        ("types.ts", "video/mp2t"),
        ("Makefile", ""),
    ],
)
def test_a_text_file_is_accepted_with_any_type_of_the_browser(
    chat: Page, name: str, mime_type: str
) -> None:
    data = chat.evaluate_handle(DATA_TRANSFER, [name, mime_type, list(b"a = 1\n")])
    chat.dispatch_event("#conversation", "drop", {"dataTransfer": data})
    expect(chat.locator(".upload.done")).to_contain_text(name)


def test_a_file_dropped_on_a_locked_conversation_does_nothing(chat: Page) -> None:
    ask(chat, "/lock")
    data = chat.evaluate_handle(DATA_TRANSFER, ["dropped.txt", "text/plain", list(b"Hello")])
    is_left = chat.evaluate(
        """dataTransfer => document.getElementById("conversation").dispatchEvent(
            new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }))""",
        data,
    )
    assert not is_left  # the browser would leave the page to show the file
    expect(chat.locator(".upload")).to_have_count(0)


def test_a_refused_message_gives_its_files_and_its_quotation_back(
    chat: Page, visit: Visits
) -> None:
    visit.expect("status of 400")
    ask(chat, "Hello")
    chat.get_by_role("button", name="Quote").click()
    choose(chat, TEXT)
    expect(chat.locator(".upload.done")).to_have_count(1)
    chat.route("**/chat/api/", lambda route: route.fulfill(status=400, json={"error": "No."}))
    chat.get_by_role("textbox", name="Message").fill("Look at this")
    chat.get_by_role("button", name="Send").click()
    alert = chat.get_by_role("alert")
    alert.get_by_role("button", name="Edit").click()
    chat.unroute("**/chat/api/")
    expect(chat.locator(".upload.done")).to_have_count(1)
    expect(chat.locator("#quote")).to_be_visible()
    chat.get_by_role("button", name="Send").click()
    expect(answers(chat).last).to_contain_text("Files received: 1.")
    expect(chat.locator("#items .user-message").last.locator(".quoted")).to_be_visible()


def test_V7_who_reaches_a_limit_reads_it_and_can_try_again_when_it_is_time(
    chat: Page, visit: Visits
) -> None:
    visit.expect("status of 429")
    refused = {"status": 429, "json": {"error": "Too many."}, "headers": {"Retry-After": "600"}}
    chat.clock.install()
    for url, act in (
        ("**/files/", lambda: choose(chat, TEXT)),
        ("**/chat/api/", lambda: chat.get_by_role("button", name="Send").click()),
    ):
        chat.route(url, lambda route: route.fulfill(**refused))
        act()
        alert = chat.locator("#problem .alert")
        expect(alert).to_contain_text("Too many.")
        retry = alert.get_by_role("button", name="Try again")
        expect(retry).to_be_disabled()
        chat.unroute(url)
        chat.clock.fast_forward(600_000)
        retry.click()
        expect(alert).to_have_count(0)
        expect(chat.locator(".upload.done")).to_have_count(1 if url == "**/files/" else 0)
        chat.get_by_role("textbox", name="Message").fill("Hello")
    expect(answers(chat).last).to_contain_text("Files received: 1.")


def test_progress_is_shown_and_sending_waits(chat: Page) -> None:
    held: list[Route] = []
    chat.route("**/files/", lambda route: held.append(route))
    choose(chat, TEXT)
    expect(chat.get_by_role("progressbar", name="Uploading notes.txt")).to_be_visible()
    chat.get_by_role("textbox", name="Message").fill("Hello")
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()
    wait_until(chat, lambda: held)
    held[0].continue_()
    expect(chat.get_by_role("progressbar")).to_have_count(0)
    expect(chat.get_by_role("button", name="Send")).to_be_enabled()


def test_what_the_server_refuses_is_said(chat: Page, visit: Visits) -> None:
    visit.expect("status of 400")
    # A script named like a picture passes the page's check, but not the server's.
    choose(chat, {**PNG, "buffer": b"<script>alert(1)</script>"})
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("bicycle.png")
    expect(chat.locator(".upload")).to_have_count(0)
    expect(alert.get_by_role("button", name="Try again")).to_have_count(0)


def test_an_upload_that_fails_can_be_tried_again(chat: Page, visit: Visits) -> None:
    visit.expect("ERR_FAILED")
    chat.route("**/files/", lambda route: route.abort())
    choose(chat, TEXT)
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("notes.txt")
    chat.unroute("**/files/")
    alert.get_by_role("button", name="Try again").click()
    expect(chat.locator(".upload.done")).to_contain_text("notes.txt")
    expect(alert).to_be_empty()


def test_two_phase_upload(chat: Page) -> None:
    chat.locator("#chat").evaluate("node => { node.dataset.uploadStrategy = 'two_phase'; }")
    calls: list[str] = []
    chat.on("request", lambda request: calls.append(f"{request.method} {request.url}"))
    choose(chat, PNG)
    expect(chat.locator(".upload.done")).to_have_count(1)
    methods = [call.split()[0] for call in calls if "/chat/changes/" not in call]
    assert methods[:2] in (["POST", "PUT"], ["POST", "POST"])
    ask(chat, "What is this?")
    expect(chat.get_by_role("img", name="bicycle.png")).to_be_visible()
