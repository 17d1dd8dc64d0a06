"""The built-in page in a real browser: the list of conversations, and a conversation."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from tests.browser import Site, Visits, running, wait_until
from tests.chat import (
    SLOW,
    SLOW_BEGINS,
    answers,
    ask,
    hide_changes,
    open_thread,
    rows,
    seed,
    thread_menu,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(visit: Visits) -> Page:
    """The page of a new user."""
    return visit()


def hold(chat: Page, kind: str) -> list[Route]:
    """Hold requests of this kind back; returns the list to which they are added."""
    held: list[Route] = []

    def handle(route: Route) -> None:
        if kind in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    chat.route("**/chat/api/", handle)
    return held


def test_a_first_question_streams_into_a_new_conversation(chat: Page) -> None:
    expect(chat.get_by_role("heading", name="What can the workshop do for you?")).to_be_visible()
    ask(chat, "/markdown")
    answer = answers(chat).last
    expect(answer.get_by_role("heading", name="Checking the chain")).to_be_visible()
    expect(answer.get_by_role("row")).to_have_count(4)
    expect(answer.locator("pre code")).to_contain_text("def wear")
    expect(chat.locator("#title")).to_have_text("/markdown")
    expect(rows(chat)).to_have_count(1)
    expect(chat).to_have_url(re.compile("thread=thr_"))


def test_an_answer_appears_while_it_is_made(chat: Page) -> None:
    ask(chat, SLOW, wait=False)
    answer = answers(chat).last
    expect(answer).to_contain_text("A good ride begins")
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    expect(chat.get_by_role("log")).to_have_attribute("aria-busy", "true")


def test_stop_keeps_the_streamed_part(chat: Page, visit: Visits) -> None:
    ask(chat, SLOW, wait=False)
    expect(answers(chat).last).to_contain_text(SLOW_BEGINS)
    with chat.expect_response("**/stop/"):
        chat.get_by_role("button", name="Stop").click()
    expect(answers(chat).last).to_contain_text("This answer was stopped.")
    chat.reload()
    expect(answers(chat)).to_have_count(1)
    expect(answers(chat).last).to_contain_text(SLOW_BEGINS)
    expect(answers(chat).last).to_contain_text("This answer was stopped.")


def test_escape_stops_too(chat: Page) -> None:
    ask(chat, SLOW, wait=False)
    expect(answers(chat).last).to_contain_text("A good")
    chat.keyboard.press("Escape")
    expect(answers(chat).last).to_contain_text("This answer was stopped.")


def test_code_is_copied(visit: Visits) -> None:
    chat = visit(permissions=["clipboard-read", "clipboard-write"])
    ask(chat, "/markdown")
    chat.get_by_role("button", name="Copy the code").click()
    wait_until_copied(chat, "def wear(twelve_links: float)")
    answers(chat).last.get_by_role("button", name="Copy", exact=True).click()
    wait_until_copied(chat, "## Checking the chain")


def wait_until_copied(chat: Page, beginning: str) -> None:
    copied = "navigator.clipboard.readText()"
    wait_until(chat, lambda: chat.evaluate(copied).startswith(beginning))


def test_a_conversation_is_there_after_a_reload(chat: Page) -> None:
    ask(chat, "Good morning")
    chat.reload()
    expect(chat.locator(".user-message")).to_have_text("Good morning")
    expect(answers(chat)).to_have_count(1)


def test_retry_replaces_the_answer(chat: Page) -> None:
    ask(chat, "Hello")
    first = answers(chat).last.get_attribute("data-id")
    chat.get_by_role("button", name="Try again").click()
    expect(answers(chat)).not_to_have_attribute("data-id", first)
    expect(chat.get_by_role("button", name="Send")).to_be_visible()
    expect(answers(chat)).to_have_count(1)
    chat.reload()
    expect(answers(chat)).to_have_count(1)
    assert answers(chat).get_attribute("data-id") != first


def test_thumbs_are_stored_and_stay(chat: Page, site: Site) -> None:
    ask(chat, "Hello")
    good = chat.get_by_role("button", name="Good answer")
    with chat.expect_response(
        lambda answer: "items.feedback" in (answer.request.post_data or "")
    ) as answered:
        good.click()
    assert answered.value.status == 200
    expect(good).to_have_attribute("aria-pressed", "true")
    item = answers(chat).last.get_attribute("data-id")
    stored = site.shell(
        "from chatstore.models import ChatMessage;"
        f"print(ChatMessage.objects.get(item_id='{item}').feedback)"
    )
    assert stored.strip() == "positive"
    chat.reload()
    expect(chat.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    chat.get_by_role("button", name="Bad answer").click()
    expect(chat.get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_rename(chat: Page) -> None:
    ask(chat, "Hello")
    thread_menu(chat, "Rename")
    field = chat.get_by_label("New title")
    expect(field).to_be_focused()
    field.fill("A better <b>title</b>")
    field.press("Enter")
    expect(chat.locator("#title")).to_have_text("A better <b>title</b>")
    expect(rows(chat).first).to_contain_text("A better <b>title</b>")
    chat.reload()
    expect(chat.locator("#title")).to_have_text("A better <b>title</b>")


def test_delete_asks_first(chat: Page) -> None:
    ask(chat, "Hello")
    thread_menu(chat, "Delete")
    dialog = chat.get_by_role("dialog")
    expect(dialog).to_contain_text("Hello")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    expect(rows(chat)).to_have_count(1)
    thread_menu(chat, "Delete")
    chat.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(rows(chat)).to_have_count(0)
    expect(chat.locator("#welcome")).to_be_visible()
    chat.reload()
    expect(chat.get_by_text("Your conversations will be listed here.")).to_be_visible()


def test_the_list_pages_as_one_scrolls(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=75)
    chat = visit(user=user)
    expect(rows(chat)).to_have_count(30)
    for count in (60, 75):
        chat.locator("#more-threads").scroll_into_view_if_needed()
        expect(rows(chat)).to_have_count(count)
    expect(chat.locator("#more-threads")).to_be_hidden()
    titles = chat.locator(".row-title").all_text_contents()
    assert titles == sorted(set(titles), reverse=True), "newest first, each once"


def test_a_row_shows_title_date_and_last_words(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=2)
    row = rows(visit(user=user)).first
    expect(row).to_contain_text("Conversation 001")
    expect(row).to_contain_text("The last words of 1")
    assert row.locator("time").get_attribute("datetime")


@pytest.mark.parametrize(
    ("words", "found"),
    [("conversation 007", 1), ("last words of 41", 1), ("2020", 45), ("nowhere", 0)],
)
def test_search_by_title_words_in_messages_and_date(
    visit: Visits, site: Site, searched: str, words: str, found: int
) -> None:
    chat = visit(user=searched)
    expect(rows(chat)).to_have_count(30)
    chat.get_by_role("searchbox").fill(words)
    expect(rows(chat)).to_have_count(found)
    if not found:
        expect(chat.get_by_text("Nothing found.")).to_be_visible()
    chat.get_by_role("searchbox").fill("")
    expect(rows(chat).nth(29)).to_be_visible()


def test_an_old_conversation_opened_by_its_link_keeps_its_place(
    visit: Visits, searched: str
) -> None:
    chat = visit(user=searched)
    chat.get_by_role("searchbox").fill("conversation 003")
    expect(rows(chat)).to_have_count(1)
    open_thread(chat, 0)
    chat.reload()
    expect(chat.locator("#title")).to_have_text("Conversation 003")
    expect(rows(chat)).to_have_count(31)
    expect(rows(chat).first).to_contain_text("Conversation 044")
    expect(rows(chat).last).to_contain_text("Conversation 003")
    chat.locator("#more-threads").scroll_into_view_if_needed()
    expect(rows(chat)).to_have_count(45)
    expect(rows(chat).nth(41)).to_contain_text("Conversation 003")
    # Also if the list arrives after the conversation.
    held: list[Route] = []
    chat.route("**/chat/threads/?list=recent*", lambda route: held.append(route))
    chat.evaluate("location.reload()")  # which does not wait for the list
    wait_until(chat, lambda: held)
    expect(rows(chat)).to_have_count(1)
    expect(chat.locator("#title")).to_have_text("Conversation 003")
    held[0].continue_()
    expect(rows(chat)).to_have_count(31)


@pytest.fixture(scope="module")
def searched(site: Site) -> str:
    user = site.fresh_user()
    seed(site, user, threads=45, year=2020)
    return user


def test_older_messages_come_on_scrolling_up_and_nothing_jumps(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1, messages=160)
    chat = visit(user=user)
    open_thread(chat, 0)
    messages = chat.locator("#items .item")
    expect(messages).to_have_count(50)
    expect(messages.last).to_be_in_viewport()
    count = 50
    while count < 160:
        chat.locator("#scroller").hover()
        chat.mouse.wheel(0, -100_000)
        expect(messages).not_to_have_count(count)
        count = messages.count()
    texts = chat.locator("#items .bubble").all_text_contents()
    assert texts == [f"Question {n}" for n in range(0, 160, 2)]
    expect(chat.locator("#older")).to_be_hidden()


def test_what_is_read_stays_in_place_while_older_messages_come(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1, messages=160)
    chat = visit(user=user)
    open_thread(chat, 0)
    top = "node => node.getBoundingClientRect().top"
    expect(chat.locator("#items .item")).to_have_count(50)
    name = chat.locator("#items .item").first.get_attribute("data-id")
    chat.locator("#scroller").evaluate("node => { node.scrollTop = 500; }")
    before = chat.locator(f"[data-id='{name}']").evaluate(top)
    expect(chat.locator("#items .item")).to_have_count(100)
    chat.wait_for_timeout(200)
    assert abs(chat.locator(f"[data-id='{name}']").evaluate(top) - before) < 40


# Where a scrolled element has come to rest.
TOP_AT_REST = """async (node) => {
  for (let top = null, same = 0; same < 10; same = node.scrollTop === top ? same + 1 : 0) {
    top = node.scrollTop;
    await new Promise(requestAnimationFrame);
  }
  return node.scrollTop;
}"""


def test_scrolled_up_the_page_does_not_move_while_the_answer_grows(chat: Page) -> None:
    ask(chat, "/long 150", wait=False)
    scroller = chat.locator("#scroller")
    expect(chat.locator("#items h4").nth(10)).to_be_attached()
    expect(chat.locator("#items > article:last-child > .prose > :last-child")).to_be_in_viewport()
    scroller.hover()
    chat.mouse.wheel(0, -1500)
    expect(chat.locator("#to-end")).to_be_visible()
    before = scroller.evaluate(TOP_AT_REST)  # the wheel scrolls smoothly
    expect(chat.locator("#stop")).to_be_hidden(timeout=60_000)
    assert abs(scroller.evaluate("node => node.scrollTop") - before) < 400
    chat.locator("#to-end").click()
    expect(chat.locator("#to-end")).to_be_hidden()


def test_back_and_forward_and_links(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=2)
    chat = visit(user=user)
    open_thread(chat, 0)
    expect(chat.locator("#title")).to_have_text("Conversation 001")
    open_thread(chat, 1)
    expect(chat.locator("#title")).to_have_text("Conversation 000")
    chat.go_back()
    expect(chat.locator("#title")).to_have_text("Conversation 001")
    chat.go_back()
    expect(chat.locator("#title")).to_have_text("New conversation")
    chat.go_forward()
    expect(chat.locator("[aria-current=page]")).to_contain_text("Conversation 001")


def test_an_unknown_conversation_says_so_and_begins_a_new_one(visit: Visits) -> None:
    visit.expect("status of 404")
    chat = visit("/chat/?thread=thr_unknown")
    expect(chat.get_by_role("alert")).not_to_be_empty()
    expect(chat.locator("#welcome")).to_be_visible()
    ask(chat, "Hello")
    expect(answers(chat)).to_have_count(1)


def test_answers_of_two_conversations_stay_apart(chat: Page) -> None:
    ask(chat, SLOW, wait=False)
    expect(answers(chat).last).to_contain_text("A good")
    chat.get_by_role("button", name="New conversation").click()
    expect(chat.locator("#items .item")).to_have_count(0)
    ask(chat, "Hello there")
    expect(answers(chat)).to_have_count(1)
    expect(answers(chat)).not_to_contain_text("ride")
    open_thread(chat, 1)
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    expect(answers(chat).last).to_contain_text(SLOW_BEGINS)
    chat.get_by_role("button", name="Stop").click()


def test_html_in_messages_is_text(chat: Page) -> None:
    evil = "<img src=x onerror=alert(1)> **<script>alert(2)</script>** [x](javascript:alert(3))"
    ask(chat, evil)
    expect(chat.locator(".user-message .bubble")).to_have_text(evil)
    answer = answers(chat).last
    expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    expect(answer.locator("img, script, [href^=javascript]")).to_have_count(0)


def test_a_picture_of_another_host_is_a_link(chat: Page) -> None:
    ask(chat, "![a picture](https://example.com/a.png)")
    expect(answers(chat).last.get_by_role("link", name="a picture")).to_be_visible()


def test_the_page_requests_no_other_host(visit: Visits, site: Site) -> None:
    page = visit()  # Visits fails the test if another host is requested
    policy = page.request.get("/chat/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    html = page.request.get("/chat/").text()
    inline = r'<script(?![^>]*\b(?:src=|type="application/json"))|<style|\sstyle=|\son\w+='
    assert not re.search(inline, html)


def test_the_page_works_under_a_strict_policy(visit: Visits) -> None:
    page = visit("/login/")

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        policy = "default-src 'self'; require-trusted-types-for 'script'"
        route.fulfill(
            response=answer, headers={**answer.headers, "content-security-policy": policy}
        )

    page.route("**/chat/", with_policy)
    page.goto("/chat/")
    visit.expect("TrustedHTML")
    is_refused = "() => { try { document.body.innerHTML = ''; } catch { return true; } }"
    assert page.evaluate(is_refused)
    commands = (
        "markdown",
        "notes",
        "sources",
        "workflow",
        "widget",
        "form",
        "chart",
        "table",
        "image",
    )
    for command in commands:
        ask(page, f"/{command}")  # Visits fails the test if the policy is violated
    expect(answers(page).first.locator("pre")).to_be_visible()
    check_formulas_code_and_diagram(page)


def check_formulas_code_and_diagram(page: Page) -> None:
    """Each is drawn by a library that is loaded when the first answer needs it."""
    loads = "performance.getEntriesByType('resource').map(({ name }) => name).join(' ')"
    assert not re.search(r"katex|mermaid", page.evaluate(loads))
    ask(page, "/formulas")
    answer = answers(page).last
    expect(answer.locator("math")).to_have_count(4)
    expect(answer.locator("code.formula")).to_have_count(0)
    expect(answer).to_contain_text("A new chain is $20 to $40.")
    fraction = answer.locator("math mfrac").first.bounding_box()
    assert fraction
    assert fraction["height"] > 25  # drawn one above the other
    diagram, code = answer.locator(".code").all()
    expect(code.locator(".code-bar span")).to_have_text("JavaScript")
    expect(code.locator(".hljs-keyword")).to_have_text("const")
    assert "mermaid" not in page.evaluate(loads)
    diagram.get_by_role("button", name="Draw").click()
    frame = diagram.frame_locator("iframe")
    expect(frame.locator("svg .node")).to_have_count(4)
    expect(diagram.locator("pre")).to_be_hidden()
    # The frame has no origin: it reaches nothing of the page.
    assert page.frames[-1].evaluate("origin") == "null"
    diagram.get_by_role("button", name="Show the code").click()
    expect(diagram.locator("pre")).to_contain_text("flowchart LR")


def test_hashed_static_files_work(browser: Browser, tmp_path: Path) -> None:
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.manifest_settings",
        "STATIC_ROOT": str(tmp_path / "static"),
    }
    (tmp_path / "static").mkdir()
    with running(tmp_path, commands=["collectstatic --no-input"], **env) as site:
        visits = Visits(site, browser)
        page = visits()
        ask(page, "/markdown")
        expect(answers(page).last.locator("pre")).to_be_visible()
        scripts = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
        ours = [name for name in scripts if "/static/chatstore/" in name]
        assert len(ours) >= 4
        assert all(re.search(r"\.[0-9a-f]{12}\.\w+$", name) for name in ours), ours
        visits.close()


def test_a_copy_button_can_be_pressed_again_and_again(chat: Page) -> None:
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(chat, "Hello")
    button = answers(chat).last.get_by_role("button", name="Copy")
    sign = button.locator("use")
    chat.clock.install()
    chat.clock.pause_at(time.time() + 3600)
    for _ in range(2):
        button.click()
        expect(sign).to_have_attribute("href", "#icon-check")
    chat.clock.run_for(1000)
    expect(sign).to_have_attribute("href", "#icon-check")
    button.click()
    chat.clock.run_for(4000)  # until the last timer has ended
    expect(sign).to_have_attribute("href", "#icon-copy")


def test_the_menu_closes_by_its_own_button_and_by_tab(chat: Page) -> None:
    ask(chat, "Hello")
    button = chat.get_by_role("button", name="Actions for this conversation")
    menu = chat.locator("#menu")
    for _ in range(2):
        button.click()
        expect(menu).to_be_visible()
        button.click()
        expect(menu).to_be_hidden()
    button.click()
    expect(menu).to_be_visible()
    chat.keyboard.press("Tab")
    expect(menu).to_be_hidden()


def test_escape_stops_nothing_if_it_closes_something_else(chat: Page) -> None:
    ask(chat, SLOW, wait=False)
    search = chat.get_by_role("searchbox")
    search.fill("slow")
    chat.keyboard.press("Escape")
    expect(search).to_be_focused()
    # Escape closes the window of an input method.
    chat.locator("#message").evaluate(
        "node => node.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key: 'Escape', isComposing: true, bubbles: true }))"
    )
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()


def test_back_while_a_conversation_is_still_loading(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1)
    chat = visit(user=user)
    held = hold(chat, "threads.get_by_id")
    rows(chat).first.get_by_role("link").click()
    expect(chat.locator("#conversation")).to_have_attribute("aria-busy", "true")
    chat.go_back()
    expect(chat.locator("#welcome")).to_be_visible()
    wait_until(chat, lambda: held)
    with chat.expect_event("requestfinished"):
        held[0].continue_()
    chat.wait_for_timeout(300)
    expect(chat.locator("#title")).to_have_text("New conversation")


def test_earlier_messages_that_fail_to_come_are_not_asked_for_without_end(
    visit: Visits, site: Site
) -> None:
    visit.expect("status of 500")
    user = site.fresh_user()
    seed(site, user, threads=1, messages=80)
    chat = visit(user=user)
    tried: list[str] = []

    def fail(route: Route) -> None:
        request = route.request.post_data or ""
        if "items.list" in request and '"after"' in request:
            tried.append(request)
            route.fulfill(status=500, json={"error": "Not now."})
        else:
            route.continue_()

    chat.route("**/chat/api/", fail)
    open_thread(chat, 0)
    expect(chat.locator("#items .item")).to_have_count(50)
    chat.locator("#scroller").evaluate("node => { node.scrollTop = 0; }")
    expect(chat.get_by_role("alert")).to_contain_text("Not now.")
    chat.wait_for_timeout(500)
    assert len(tried) <= 2
    chat.unroute("**/chat/api/")
    chat.get_by_role("button", name="Earlier messages").click()
    expect(chat.locator("#items .item")).to_have_count(80)


def test_a_retry_that_is_refused_takes_nothing_away(chat: Page, site: Site) -> None:
    hide_changes(chat)
    ask(chat, "Hello")
    thread = rows(chat).first.get_attribute("data-id")
    site.shell(
        "from chatstore.models import ChatSession;"
        f"ChatSession.objects.filter(thread_id='{thread}')"
        ".update(moderation='locked', moderation_reason='Under review.')"
    )
    chat.get_by_role("button", name="Try again").click()
    expect(chat.locator("#closed")).to_contain_text("Under review.")
    expect(answers(chat)).to_have_count(1)


def test_messages_of_another_tab_are_shown_in_order(chat: Page) -> None:
    hide_changes(chat)
    ask(chat, "one")
    other = chat.context.new_page()
    other.goto(chat.url)
    expect(answers(other)).to_have_count(1)
    ask(other, "two")
    ask(chat, "three")
    chat.evaluate("dispatchEvent(new Event('offline'))")  # and back within a second
    bubbles = chat.locator("#items .user-message .bubble")
    expect(bubbles).to_have_text(["one", "two", "three"])
    chat.get_by_role("button", name="Try again").click()
    expect(chat.locator("#stop")).to_be_hidden()
    expect(bubbles).to_have_text(["one", "two", "three"])
    expect(answers(chat)).to_have_count(3)


def test_what_was_asked_for_before_an_answer_takes_nothing_of_it_away(chat: Page) -> None:
    hide_changes(chat)
    ask(chat, "one")
    late: list[tuple[Route, APIResponse]] = []

    def delay(route: Route) -> None:
        request = route.request.post_data or ""
        if not late and "items.list" in request and '"limit":50' in request:
            late.append((route, route.fetch()))
        else:
            route.continue_()

    chat.route("**/chat/api/", delay)
    chat.evaluate("dispatchEvent(new Event('offline'))")  # and back within a second
    wait_until(chat, lambda: late)
    ask(chat, "two")
    route, old = late[0]
    with chat.expect_request(lambda request: '"limit":50' in (request.post_data or "")):
        route.fulfill(response=old)
    expect(chat.locator("#items .user-message .bubble")).to_have_text(["one", "two"])
    expect(answers(chat)).to_have_count(2)


def test_unsent_text_stays_in_its_conversation(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1)
    chat = visit(user=user)
    box = chat.get_by_role("textbox", name="Message")
    box.fill("A thought")
    chat.set_input_files(
        "#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"for later"}
    )
    expect(chat.locator(".upload.done")).to_have_count(1)
    open_thread(chat, 0)
    expect(box).to_have_value("")
    expect(chat.locator(".upload")).to_have_count(0)
    chat.get_by_role("button", name="New conversation").click()
    expect(box).to_have_value("A thought")
    chat.get_by_role("button", name="Send").click()
    expect(answers(chat).last).to_contain_text("Files received: 1.")
    chat.get_by_role("button", name="New conversation").click()
    expect(box).to_have_value("")


def test_a_starter_keeps_the_text_in_the_message_box(chat: Page) -> None:
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Half a sentence")
    chat.get_by_role("button", name="What can you show?").click()
    expect(answers(chat)).to_have_count(1)
    expect(box).to_have_value("Half a sentence")


def test_a_message_stopped_before_it_was_stored_comes_back(chat: Page) -> None:
    ask(chat, "Hello")
    hold(chat, "add_user_message")
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Precious words")
    box.press("Enter")
    chat.get_by_role("button", name="Stop").click()
    expect(box).to_have_value("Precious words")
    expect(chat.locator("#pending .bubble")).to_have_count(0)
    expect(answers(chat).last).not_to_contain_text("Stopped")


# The page tells the other tabs of the end of each answer.
TURN_ENDS = """() => {
  const tabs = new BroadcastChannel(document.getElementById("chat").dataset.changesUrl);
  window.turnEnds = new Promise((done) => tabs.addEventListener("message", () => done()));
}"""


def test_a_message_that_fails_in_the_background_is_kept_in_its_conversation(
    chat: Page, visit: Visits
) -> None:
    visit.expect("status of 500")
    ask(chat, "Hello")
    held = hold(chat, "add_user_message")
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Precious words")
    box.press("Enter")
    expect(chat.locator("#pending .bubble")).to_have_text("Precious words")
    chat.get_by_role("button", name="New conversation").click()
    expect(box).to_have_value("")
    chat.evaluate(TURN_ENDS)
    wait_until(chat, lambda: held)
    held[0].fulfill(status=500, json={"error": "Not now."})
    chat.evaluate("window.turnEnds")
    open_thread(chat, 0)
    expect(box).to_have_value("Precious words")
