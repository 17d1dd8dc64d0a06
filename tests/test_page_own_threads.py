"""V9 to V11, R6: pins, archive, downloads, links and temporary conversations, in a browser."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Site, Visits
from tests.chat import answers, ask, open_thread, rows, seed, thread_menu
from tests.test_page_access import assert_accessible

pytestmark = pytest.mark.browser


def row_menu(page: Page, title: str, item: str) -> None:
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def titles(page: Page) -> Locator:
    return page.locator("#thread-list .row-title")


def download(page: Page, link: Locator) -> Path:
    with page.expect_download() as started:
        link.click()
    return Path(started.value.path())


def test_V9_V10_pin_archive_and_download(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=3)
    page = visit(user=user)
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (2, 1, 0)])

    row_menu(page, "Conversation 000", "Pin")
    expect(page.locator("#thread-list h2").first).to_have_text("Pinned")
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (0, 2, 1)])
    row_menu(page, "Conversation 002", "Archive")
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (0, 1)])
    page.reload()
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (0, 1)])

    archived = page.get_by_role("button", name="Archived")
    archived.click()
    expect(titles(page)).to_have_text(["Conversation 002"])
    assert_accessible(page)
    open_thread(page, 0)
    ask(page, "/help")  # brings it back to the list
    expect(rows(page)).to_have_count(0)
    archived.click()
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (0, 2, 1)])
    row_menu(page, "Conversation 000", "Unpin")
    expect(titles(page)).to_have_text([f"Conversation 00{n}" for n in (2, 1, 0)])

    page.get_by_role("button", name="Actions for this conversation").click()
    entry = page.get_by_role("menuitem", name="Download as Markdown")
    assert re.match(r"# Conversation 002\n", download(page, entry).read_text())
    page.get_by_text("Download all").click()
    path = download(page, page.get_by_role("link", name="Markdown", exact=True))
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 3
    lines = (
        download(page, page.get_by_role("link", name="JSON", exact=True)).read_text().splitlines()
    )
    assert [json.loads(line)["type"] for line in lines].count("thread") == 3


def test_V11_R6_a_temporary_conversation_and_a_shared_one(visit: Visits, site: Site) -> None:
    page = visit()
    page.get_by_role("button", name="Temporary conversation").click()
    note = page.get_by_text("deleted 24 hours after its last message")
    expect(note).to_be_visible()
    ask(page, "/help")
    expect(rows(page)).to_have_count(0)
    page.reload()
    expect(answers(page)).to_have_count(1)
    expect(note).to_be_visible()
    expect(rows(page)).to_have_count(0)
    page.get_by_role("button", name="Actions for this conversation").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Rename", "Delete"])
    page.keyboard.press("Escape")

    page.get_by_role("button", name="New conversation").click()
    expect(note).to_be_hidden()
    for command in ("/markdown", "/widget", "/image"):
        ask(page, command)
    expect(rows(page)).to_have_count(1)
    thread_menu(page, "Share")
    dialog = page.get_by_role("dialog", name="Share the conversation")
    expect(dialog.get_by_text("It is not shared.")).to_be_visible()
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog.get_by_text("Shared since")).to_be_visible()
    link = dialog.get_by_role("textbox", name="Link").input_value()
    assert_accessible(page)

    reader = visit(link.removeprefix(site.url), user=None)
    expect(reader.locator("html[data-ready]")).to_be_attached()
    expect(reader.get_by_role("heading", name="/markdown", exact=True)).to_be_visible()
    expect(reader.get_by_role("heading", name="Checking the chain")).to_be_visible()
    expect(reader.locator(".user-message")).to_have_count(3)
    expect(reader.locator("#items img, .actions button, #items button:enabled")).to_have_count(0)
    expect(reader.get_by_role("textbox", name="Message")).to_have_count(0)
    assert reader.context.cookies() == []
    assert_accessible(reader)

    dialog.get_by_role("button", name="Stop sharing").click()
    expect(dialog.get_by_text("It is not shared.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    visits_expect_gone(visit, reader)


def visits_expect_gone(visit: Visits, reader: Page) -> None:
    """Check that the link shows nothing any more."""
    visit.expect("status of 404")
    reader.reload()
    expect(reader.get_by_role("heading", name="There is nothing here.")).to_be_visible()
    expect(reader.locator(".item")).to_have_count(0)
