"""What keyboards, clipboards and sessions really do to what is being written, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Site, Visits
from tests.chat import answers, ask

pytestmark = pytest.mark.browser

# What a spreadsheet copies: the cells as text and as HTML, and a picture of them.
COPY_CELLS = """async () => {
  const canvas = document.createElement("canvas");
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const of = (type, text) => new Blob([text], { type });
  await navigator.clipboard.write([new ClipboardItem({
    "text/plain": of("text/plain", "one\\ttwo"),
    "text/html": of("text/html", "<table><tr><td>one</td><td>two</td></tr></table>"),
    "image/png": picture,
  })]);
}"""
COPY_PICTURE = """async () => {
  const canvas = document.createElement("canvas");
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""
SLOW_TOOL = """window.addEventListener("chatstore:tool", (event) => {
  event.stopImmediatePropagation();
  event.detail.respondWith(new Promise((done) => { window.finishTool = done; }));
}, true)"""


@pytest.fixture
def chat(visit: Visits) -> Page:
    """The page of a new user."""
    return visit()


def test_enter_that_ends_a_composition_sends_nothing(chat: Page) -> None:
    box = chat.get_by_role("textbox", name="Message")
    box.focus()
    keyboard = chat.context.new_cdp_session(chat)
    at_end = {"selectionStart": 2, "selectionEnd": 2}
    keyboard.send("Input.imeSetComposition", {"text": "你好", **at_end})
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter"}
    keyboard.send("Input.dispatchKeyEvent", {**enter, "windowsVirtualKeyCode": 229})
    # In Safari the composition has ended before the key is down.
    keyboard.send("Input.insertText", {"text": "你好"})
    keyboard.send("Input.dispatchKeyEvent", {**enter, "windowsVirtualKeyCode": 229})
    expect(box).to_have_value("你好")
    expect(chat.locator(".user-message")).to_have_count(0)
    box.press("Enter")
    expect(chat.locator("#items .user-message .bubble")).to_have_text("你好")


def test_cells_are_pasted_as_text_and_a_picture_as_a_file(chat: Page) -> None:
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    box = chat.get_by_role("textbox", name="Message")
    chat.evaluate(COPY_CELLS)
    box.press("Control+v")
    expect(box).to_have_value("one\ttwo")
    expect(chat.locator(".upload")).to_have_count(0)
    chat.evaluate(COPY_PICTURE)
    box.press("Control+v")
    expect(chat.locator(".upload.done")).to_have_count(1)
    expect(box).to_have_value("one\ttwo")


def test_text_outlives_the_session_in_which_it_was_written(visit: Visits, site: Site) -> None:
    visit.expect("status of 401", "status of 403")
    user = site.fresh_user()
    chat = visit(user=user)
    ask(chat, "Hello")
    thread = chat.url
    chat.context.clear_cookies()
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Precious words")
    box.press("Enter")
    chat.get_by_role("alert").get_by_role("link", name="Reload the page").click()
    chat.wait_for_url(re.compile("/login/"))
    session = {"name": "sessionid", "value": site.sessions[user], "url": site.url}
    chat.context.add_cookies([session])
    chat.goto(thread)
    expect(box).to_have_value("Precious words")
    box.press("Enter")
    expect(answers(chat)).to_have_count(2)
    chat.reload()
    expect(answers(chat)).to_have_count(2)
    expect(box).to_have_value("")


def test_a_message_waits_while_a_tool_of_the_page_runs(chat: Page) -> None:
    chat.evaluate(SLOW_TOOL)
    ask(chat, "/tool", wait=False)
    expect(chat.locator(".tool .spinner")).to_be_visible()
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Next question")
    box.press("Enter")
    expect(box).to_have_value("Next question")
    chat.evaluate("finishTool({ width: 7 })")
    expect(answers(chat).last).to_contain_text("'width': 7")
    expect(chat.locator("#items .user-message")).to_have_count(1)
    box.press("Enter")
    expect(chat.locator("#items .user-message")).to_have_count(2)


def test_a_tool_that_never_ends_can_be_stopped(chat: Page) -> None:
    chat.evaluate(SLOW_TOOL)
    ask(chat, "/tool", wait=False)
    expect(chat.locator(".tool .spinner")).to_be_visible()
    chat.get_by_role("button", name="Stop").click()
    expect(answers(chat).last).to_contain_text("Stopped by the user")
