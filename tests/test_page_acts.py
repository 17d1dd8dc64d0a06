"""The built-in page in a real browser: editing, searching in messages, and saying what is wrong."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Site, Visits
from tests.chat import answers, ask, open_thread, rows, seed

pytestmark = pytest.mark.browser


def pencil(chat: Page, number: int) -> None:
    message = chat.locator("#items .user-message").nth(number)
    message.hover()
    message.get_by_role("button", name="Edit this message").click()
    expect(chat.get_by_role("textbox", name="Edit this message")).to_be_focused()


def test_V19_a_message_is_edited_in_its_place_and_answered_anew(visit: Visits) -> None:
    chat = visit()
    for words in ("First", "Second", "Third"):
        ask(chat, words)
    pencil(chat, 1)
    box = chat.get_by_role("textbox", name="Edit this message")
    expect(box).to_be_focused()
    expect(box).to_have_value("Second")
    chat.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(chat.locator("#items .user-message")).to_have_count(3)
    pencil(chat, 1)
    chat.keyboard.type(" thoughts")
    chat.keyboard.press("Enter")
    expect(chat.locator("#items .user-message")).to_have_count(2)
    expect(answers(chat)).to_have_count(2)
    expect(answers(chat).last).to_contain_text("You said: Second thoughts")
    expect(chat.locator("#stop")).to_be_hidden()
    chat.reload()
    expect(answers(chat).last).to_contain_text("You said: Second thoughts")
    expect(chat.locator("#items .user-message")).to_have_count(2)
    pencil(chat, 0)
    chat.keyboard.press("ControlOrMeta+a")
    chat.keyboard.type("New beginning")
    chat.get_by_role("button", name="Send").first.click()
    expect(answers(chat)).to_have_count(1)
    # The title was made of the first message.
    expect(chat.locator("#title")).to_have_text("New beginning")
    expect(rows(chat).first).to_contain_text("New beginning")


def test_V19_an_edit_that_was_begun_is_there_after_another_conversation(visit: Visits) -> None:
    chat = visit()
    ask(chat, "First")
    pencil(chat, 0)
    chat.keyboard.type(" thoughts, half")
    chat.get_by_role("button", name="New conversation").click()
    expect(chat.locator("#items .user-message")).to_have_count(0)
    open_thread(chat, 0)
    pencil(chat, 0)
    expect(chat.get_by_role("textbox", name="Edit this message")).to_have_value(
        "First thoughts, half"
    )


def test_V19_what_is_refused_stays_written(visit: Visits, site: Site) -> None:
    visit.expect("status of 409")
    chat = visit()
    ask(chat, "First")
    pencil(chat, 0)
    thread = re.search(r"thread=(\w+)", chat.url)
    assert thread
    site.shell(
        "from chatstore.models import ChatSession;"
        f"ChatSession.objects.filter(thread_id='{thread[1]}').update(is_on_hold=True)"
    )
    chat.keyboard.type(" and more")
    chat.keyboard.press("Enter")
    expect(chat.locator("#problem")).to_contain_text("can't be edited now")
    box = chat.get_by_role("textbox", name="Edit this message")
    expect(box).to_have_value("First and more")
    expect(box).to_be_enabled()
    expect(answers(chat)).to_have_count(1)


def test_V21_a_hit_opens_the_conversation_at_its_message(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=2, messages=130)
    chat = visit(user=user)
    chat.get_by_role("searchbox").fill('"answer 3 in"')
    hits = chat.locator(".hit")
    expect(hits).to_have_count(2)
    expect(hits.first.locator("mark")).to_have_text("Answer 3 in")
    expect(hits.first).to_contain_text("Conversation 001")
    chat.get_by_role("searchbox").press("ArrowDown")
    expect(hits.first.get_by_role("link")).to_be_focused()
    chat.keyboard.press("Enter")
    message = chat.locator("#items [data-id=msg_3]")
    expect(message).to_be_in_viewport()
    expect(message).to_be_focused()
    expect(chat.locator("#title")).to_have_text("Conversation 001")
    assert "message=msg_3" in chat.url
    # The address opens it there again.
    chat.reload()
    expect(message).to_be_in_viewport()
    chat.get_by_role("searchbox").fill("conversation 000")
    expect(rows(chat)).to_have_count(1)


def test_V20_where_something_happens_comes_to_the_top(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=3)
    chat = visit(user=user)
    expect(rows(chat).first).to_contain_text("Conversation 002")
    rows(chat).last.get_by_role("link").click()
    expect(chat.locator("#title")).to_have_text("Conversation 000")
    ask(chat, "Hello again")
    expect(rows(chat).first).to_contain_text("Conversation 000")
    chat.reload()
    expect(rows(chat).first).to_contain_text("Conversation 000")
    expect(chat.locator("#thread-list h2").first).to_have_text("Today")


def test_V21_a_thumb_down_asks_what_is_wrong(visit: Visits, site: Site) -> None:
    chat = visit()
    ask(chat, "Hello")
    chat.get_by_role("button", name="Bad answer").click()
    box = chat.get_by_role("textbox", name="What is wrong with it? (optional)")
    expect(box).to_be_focused()
    box.fill("It says nothing.")
    with chat.expect_response("**/chat/feedback/") as answered:
        chat.locator(".comment-form").get_by_role("button", name="Send").click()
    assert answered.value.status == 200
    expect(box).to_have_count(0)
    item = answers(chat).last.get_attribute("data-id")
    stored = site.shell(
        "from chatstore.models import ChatMessage;"
        f"print(ChatMessage.objects.get(item_id='{item}').feedback_comment)"
    )
    assert stored.strip() == "It says nothing."
