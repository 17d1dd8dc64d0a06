"""What keyboards, clipboards and sessions really do to what is being written, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import Site, Visits
from tests.chat import SLOW, answers, ask, open_thread, rows

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
    expect(chat.get_by_role("button", name="Send")).to_be_enabled()  # the thread is loaded
    box.press("Enter")
    expect(answers(chat)).to_have_count(2)
    expect(chat.locator("#stop")).to_be_hidden()  # a reload in the answer would end it
    chat.reload()
    expect(answers(chat)).to_have_count(2)
    expect(box).to_have_value("")


# The browser discards a hidden page: it says that it is hidden, and no more.
DISCARD = """() => {
  Object.defineProperty(document, "hidden", { get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
  window.addEventListener("pagehide", (event) => event.stopImmediatePropagation(), true);
}"""


def test_what_is_written_in_each_conversation_outlives_a_discarded_page(chat: Page) -> None:
    ask(chat, "Hello")
    box = chat.get_by_role("textbox", name="Message")
    box.fill("An answer")
    chat.get_by_role("button", name="New conversation").click()
    expect(box).to_have_value("")
    box.fill("A beginning")
    chat.evaluate(DISCARD)
    chat.reload()
    expect(box).to_have_value("A beginning")
    open_thread(chat, 0)
    expect(box).to_have_value("An answer")
    box.fill("")
    chat.reload()
    expect(answers(chat)).to_have_count(1)
    expect(box).to_have_value("")


def write(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")
    expect(box).to_have_value("")


def bubbles(page: Page) -> Locator:
    return page.locator("#items .user-message .bubble")


def test_messages_wait_while_a_tool_of_the_page_runs(chat: Page) -> None:
    """They can be edited, removed and moved away from; then they are sent, in order, with files."""
    chat.evaluate(SLOW_TOOL)
    ask(chat, "/tool", wait=False)
    expect(chat.locator(".tool .spinner")).to_be_visible()
    waiting = chat.locator("#waiting li")
    for text in ("First", "Second", "Third"):
        write(chat, text)
    file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Some words"}
    chat.locator("#file").set_input_files([file])
    expect(chat.locator(".upload.done")).to_have_count(1)
    write(chat, "With a file")
    expect(waiting).to_have_count(4)
    waiting.nth(1).get_by_role("button", name="Remove this message").click()
    waiting.nth(1).get_by_role("button", name="Edit this message").click()
    expect(chat.get_by_role("textbox", name="Message")).to_have_value("Third")
    write(chat, "Third, edited")
    expect(waiting.locator(".bubble")).to_have_text(["First", "With a file", "Third, edited"])
    expect(bubbles(chat)).to_have_text(["/tool"])
    expect(rows(chat)).to_have_count(1)
    chat.get_by_role("button", name="New conversation").click()
    expect(waiting).to_have_count(0)
    open_thread(chat, 0)
    expect(waiting).to_have_count(3)
    chat.evaluate("finishTool({ width: 7 })")
    expect(bubbles(chat)).to_have_text(["/tool", "First", "With a file", "Third, edited"])
    expect(waiting).to_have_count(0)
    expect(answers(chat).nth(0)).to_contain_text("'width': 7")
    expect(answers(chat)).to_have_count(4)
    expect(chat.locator("#items .user-message").nth(2).locator(".file")).to_have_text("notes.txt")


def test_what_waits_goes_back_into_the_box_when_the_answer_is_stopped(
    visit: Visits, chat: Page
) -> None:
    ask(chat, SLOW, wait=False)
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    for text in ("First", "Second"):
        write(chat, text)
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Third")
    chat.get_by_role("button", name="Stop").click()
    expect(box).to_have_value("First\n\nSecond\n\nThird")
    expect(chat.locator("#waiting li")).to_have_count(0)
    expect(bubbles(chat)).to_have_text([SLOW])


def test_what_waits_outlives_an_error_and_a_reload(visit: Visits, chat: Page) -> None:
    visit.expect("status of 500")
    chat.evaluate(SLOW_TOOL)
    ask(chat, "/tool", wait=False)
    expect(chat.locator(".tool .spinner")).to_be_visible()
    for text in ("First", "Second"):
        write(chat, text)

    def refuse(route: Route) -> None:
        if "add_client_tool_output" in (route.request.post_data or ""):
            route.fulfill(status=500, json={"error": "No."})
        else:
            route.continue_()

    chat.route("**/chat/api/", refuse)
    chat.evaluate("finishTool({ width: 7 })")
    expect(chat.get_by_role("alert")).to_contain_text("No.")
    expect(chat.locator("#waiting li")).to_have_count(2)
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Third")
    chat.reload()
    expect(box).to_have_value("First\n\nSecond\n\nThird")


def test_a_tool_that_never_ends_can_be_stopped(chat: Page) -> None:
    chat.evaluate(SLOW_TOOL)
    ask(chat, "/tool", wait=False)
    expect(chat.locator(".tool .spinner")).to_be_visible()
    chat.get_by_role("button", name="Stop").click()
    expect(answers(chat).last).to_contain_text("Stopped by the user")
