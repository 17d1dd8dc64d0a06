"""V16, V17, V18 in a browser: an answer outlives its page, and other tabs join and stop it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Relay, Site, Visits
from tests.chat import SLOW, SLOW_BEGINS, answers, ask, rows

pytestmark = pytest.mark.browser
# Of /slow: which no word is missing from, or in twice.
MORE = "A good ride begins slowly: the first kilometres belong to the muscles, the next ones to"


def begin(chat: Page) -> None:
    """Ask for a slow answer, and wait for its beginning."""
    ask(chat, SLOW, wait=False)
    expect(answers(chat).last).to_contain_text(SLOW_BEGINS)


def expect_more(chat: Page) -> None:
    """The one answer goes on, and nothing failed."""
    expect(answers(chat).last).to_contain_text(MORE)
    expect(chat.locator("#stop")).to_be_visible()
    expect(answers(chat)).to_have_count(1)
    expect(chat.get_by_role("alert")).to_have_text("")


@pytest.fixture
def relayed(site: Site, browser: Browser) -> Iterator[tuple[Page, Relay]]:
    """The page of a new user, connected through a Relay."""
    relay = Relay(site)
    visits = Visits(relay.site, browser)
    visits.expect("net::ERR_")
    yield visits(), relay
    visits.close()
    relay.close()


def test_V16_V17_a_reload_shows_what_there_is_of_the_answer_and_goes_on(visit: Visits) -> None:
    chat = visit()
    begin(chat)
    chat.reload()
    expect(answers(chat).last).to_contain_text(SLOW_BEGINS)
    expect(chat.locator("#stop")).to_be_visible()
    expect_more(chat)


def test_V16_V17_after_a_lost_connection_the_answer_goes_on(relayed: tuple[Page, Relay]) -> None:
    chat, line = relayed
    begin(chat)
    line.cut()
    expect(chat.locator("#offline")).to_be_visible()
    line.mend()
    expect_more(chat)
    expect(chat.locator("#offline")).to_be_hidden()


def test_V16_V17_V18_two_tabs_show_one_answer_and_either_stops_it(visit: Visits) -> None:
    chat = visit()
    ask(chat, "Hello")
    other = chat.context.new_page()
    other.goto("/chat/")
    mark = rows(other).get_by_text("Being answered")
    expect(rows(other)).to_have_count(1)
    expect(mark).to_have_count(0)
    begin_in = answers(chat)
    ask(chat, SLOW, wait=False)
    expect(begin_in.last).to_contain_text(SLOW_BEGINS)
    expect(mark).to_have_count(1)
    rows(other).first.get_by_role("link").click()
    expect(answers(other).last).to_contain_text(SLOW_BEGINS)
    other.get_by_role("button", name="Stop").click()
    for page in (other, chat):
        expect(answers(page).last).to_contain_text("This answer was stopped.")
        expect(page.locator("#stop")).to_be_hidden()
        expect(page.get_by_role("alert")).to_have_text("")
    expect(mark).to_have_count(0)
    # What one tab sends, the other shows.
    ask(other, "And now?")
    expect(answers(chat)).to_have_count(3)
    expect(chat.locator("#items .user-message")).to_have_count(3)
    chat.reload()
    expect(answers(chat)).to_have_count(3)
    expect(answers(chat).nth(1)).to_contain_text("This answer was stopped.")
