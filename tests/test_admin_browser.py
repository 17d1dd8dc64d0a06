"""The admin in a real browser: as a moderator, as a reader, and as staff without permission."""

from __future__ import annotations

import json
import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import Site, Visits, settled, wait_until
from tests.chat import ask, seed

pytestmark = pytest.mark.browser

THREADS = "/admin/chatstore/chatsession/"
READER = ("view_chatsession", "read_transcript")
MODERATOR = (
    *READER,
    *(
        "view_chatmessage",
        "view_chatreport",
        "view_moderationrecord",
        "moderate",
        "redact",
        "hold",
        "export",
        "delete_chatsession",
    ),
)
MAKE_STAFF = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.backends.db import SessionStore
user, _ = get_user_model().objects.get_or_create(username={name!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(codename__in={permissions!r}))
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print(json.dumps(session.session_key))
"""


@pytest.fixture(scope="module")
def staff(site: Site) -> None:
    for name, permissions in (
        ("moderator", MODERATOR),
        ("reader", READER),
        ("nobody", ()),
    ):
        made = site.shell(MAKE_STAFF.format(name=name, permissions=permissions))
        site.sessions[name] = json.loads(made.splitlines()[-1])


@pytest.fixture
def owner(site: Site, staff: None) -> str:
    """A user with two conversations of four messages."""
    name = site.fresh_user()
    seed(site, name, threads=2, messages=4)
    return name


def open_thread(page: Page, owner: str) -> None:
    page.locator("#searchbar").fill(owner)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Conversation 000").click()
    expect(page.get_by_role("heading", name="Moderation records")).to_be_visible()


def give_reason(page: Page, button: str, reason: str = "Because", typed: str = "") -> None:
    page.locator("form.chatstore-form:not(.chatstore-acts) textarea[name=reason]").fill(reason)
    if typed:
        page.get_by_label(f"Type “{typed}” to confirm").fill(typed)
    page.get_by_role("button", name=button).click()


LONG_WORDS = """
from django.contrib.auth import get_user_model
from chatstore.models import ChatSession
owner = get_user_model().objects.get(username={name!r}).pk
ChatSession.objects.filter(user_id=owner).update(title="W" * 80, hold_reason="W" * 300)
"""


# Whether the list is clipped nowhere; one without rows has no table.
FITS = """(list) => innerWidth === 1280 && [...list.querySelectorAll('.results')].every(
  (results) => results.scrollWidth <= results.clientWidth)"""


def test_long_words_hide_no_other_part_of_the_page(site: Site, visit: Visits, owner: str) -> None:
    site.shell(LONG_WORDS.format(name=owner))
    page = visit(f"{THREADS}?q={owner}", user="moderator")
    assert page.locator("th.field-shown_title").first.bounding_box()["width"] < 400
    for address in (page.url, "/admin/chatstore/chatmessage/", "/admin/chatstore/chatreport/"):
        page.goto(address)  # 1280 pixels wide
        assert page.locator("#changelist").evaluate(FITS), address
    page.goto(f"{THREADS}?q={owner}")
    page.locator("th.field-shown_title a").first.click()
    page.get_by_role("link", name="Lock", exact=True).click()
    give_reason(page, "Lock", "https://example.com/" + "w" * 500)
    who = page.locator(".chatstore-records tbody td").nth(1)
    expect(who).to_have_text("moderator")
    settled(page)
    assert who.bounding_box()["width"] > 60
    for value in page.locator(".readonly").all():
        assert value.evaluate("value => value.scrollWidth <= value.clientWidth")
        assert value.evaluate("value => value.getBoundingClientRect().right <= innerWidth")
    page.goto("/admin/chatstore/moderationrecord/?acts=only")
    expect(page.locator("#result_list")).to_contain_text("https://example.com/")
    settled(page)
    assert page.locator("#changelist").evaluate(FITS)


def test_a_moderator_finds_reads_locks_and_reopens_and_the_user_sees_it(
    visit: Visits, owner: str
) -> None:
    page = visit(THREADS, user="moderator")
    open_thread(page, owner)
    page.get_by_role("link", name="Read the conversation").click()
    expect(page.locator(".chatstore-entry")).to_have_count(4)
    expect(page.locator(".chatstore-entry").nth(1).locator("li")).to_have_text(["one", "two"])

    page.get_by_role("link", name="Lock").click()
    give_reason(page, "Lock", "Please be kind.")
    expect(page.get_by_text("Locked.", exact=True)).to_be_visible()
    expect(page.locator(".chatstore-records")).to_contain_text("Please be kind.")

    chat = visit("/chat/", user=owner)
    chat.get_by_text("Conversation 000").click()
    expect(chat.get_by_text("Please be kind.")).to_be_visible()

    page.get_by_role("link", name="Reopen").click()
    give_reason(page, "Reopen")
    expect(page.get_by_text("Reopened.", exact=True)).to_be_visible()
    chat.reload()
    expect(chat.get_by_text("Question 0")).to_be_visible()
    expect(chat.get_by_text("Please be kind.")).to_be_hidden()


def test_a_moderator_hides_shows_and_redacts_a_message(visit: Visits, owner: str) -> None:
    page = visit(THREADS, user="moderator")
    open_thread(page, owner)
    page.get_by_role("link", name="Read the conversation").click()
    entry = page.locator(".chatstore-entry", has_text="Question 2")
    entry.get_by_role("link", name="Hide").click()
    give_reason(page, "Hide")
    expect(entry).to_contain_text("Hidden by moderator")
    chat = visit("/chat/", user=owner)
    chat.get_by_text("Conversation 000").click()
    expect(chat.get_by_text("Question 0")).to_be_visible()
    expect(chat.get_by_text("Question 2")).to_have_count(0)

    entry.get_by_role("link", name="Show again").click()
    give_reason(page, "Show again")
    expect(entry).not_to_contain_text("Hidden by")
    entry.get_by_role("link", name="Redact").click()
    give_reason(page, "Redact", typed="redact")
    expect(page.get_by_text("Question 2")).to_have_count(0)
    expect(page.get_by_text("Removed by a moderator.")).to_be_visible()
    chat.reload()
    expect(chat.get_by_text("Removed by a moderator.")).to_be_visible()


def test_a_moderator_acts_on_several_from_the_list(visit: Visits, owner: str) -> None:
    page = visit(THREADS, user="moderator")
    page.locator("#searchbar").fill(owner)
    page.get_by_role("button", name="Search").click()
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Put on hold")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("2 threads")).to_be_visible()
    give_reason(page, "Put on hold", "A court asked")
    expect(page.get_by_text("Put on hold: 2 threads.")).to_be_visible()
    expect(page.locator(".chatstore-badge", has_text="On hold")).to_have_count(2)


def test_a_moderator_exports_and_deletes(visit: Visits, owner: str) -> None:
    page = visit(THREADS, user="moderator")
    open_thread(page, owner)
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Markdown, for reading").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert "Question 0" in download.value.path().read_text()
    page.go_back()
    page.get_by_role("link", name="Delete").click()
    give_reason(page, "Delete", typed="delete")
    expect(page.get_by_text("Deleted.")).to_be_visible()
    chat = visit("/chat/", user=owner)
    expect(chat.get_by_text("Conversation 001")).to_be_visible()
    expect(chat.get_by_text("Conversation 000")).to_have_count(0)


def test_a_moderator_searches_and_sees_the_overview(visit: Visits, owner: str) -> None:
    page = visit(THREADS, user="moderator", color_scheme="dark")
    page.get_by_role("link", name="Search in messages").click()
    page.get_by_label("Words").fill('"the last words"')
    page.get_by_role("button", name="Search").click()
    expect(page.locator("mark").first).to_have_text(re.compile("the last words", re.IGNORECASE))
    page.locator(".chatstore-entry a").first.click()
    expect(page.locator(".chatstore-entry:target")).to_be_visible()
    page.goto(f"{THREADS}overview/")
    expect(page.locator("figure svg")).to_have_count(10)
    page.locator("#messages a").last.press("Enter")
    expect(page).to_have_url(re.compile(r"chatmessage/\?since="))
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(page.get_by_role("link", name="7 days", exact=True)).to_have_attribute(
        "aria-current", "page"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_our_part_of_a_page(
    visit: Visits, owner: str, scheme: str
) -> None:
    visit.expect("Applying inline style", "preload assets")  # of axe itself
    page = visit(f"{THREADS}overview/", user="moderator", color_scheme=scheme)
    check_access(page)
    page.goto(f"{THREADS}search/?q=question")
    check_access(page)
    page.goto(THREADS)
    open_thread(page, owner)
    check_access(page)
    page.get_by_role("link", name="Read the conversation").click()
    check_access(page)
    page.get_by_role("link", name="Redact").first.click()
    check_access(page)


def check_access(page: Page) -> None:
    settled(page)
    found = Axe().run(page, context=".chatstore").response["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert not grave, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in grave]


def test_a_reader_reads_and_can_do_nothing(visit: Visits, owner: str) -> None:
    page = visit(THREADS, user="reader")
    open_thread(page, owner)
    expect(page.get_by_role("link", name="Lock")).to_have_count(0)
    page.get_by_role("link", name="Read the conversation").click()
    expect(page.locator(".chatstore-entry")).to_have_count(4)
    expect(page.get_by_role("link", name="Redact")).to_have_count(0)
    visit.expect("status of 403", "status of 404")  # Django's page for 403 has no icon
    url = page.url.replace("transcript/", "do/lock/")
    response = page.goto(url)
    assert response
    assert response.status == 403


def test_staff_without_permission_see_no_chat(visit: Visits, owner: str) -> None:
    page = visit("/admin/", user="nobody")
    expect(page.get_by_text("permission to view or edit anything")).to_be_visible()
    visit.expect("status of 403", "status of 404")  # Django's page for 403 has no icon
    for path in (THREADS, f"{THREADS}search/?q=Question", f"{THREADS}overview/"):
        response = page.goto(path)
        assert response
        assert response.status == 403
        expect(page.get_by_text("Question 0")).to_have_count(0)


def test_scripts_in_text_are_not_run(visit: Visits, site: Site, staff: None) -> None:
    """Visits fails the test if a script runs or is blocked, or another host is requested."""
    name = site.fresh_user()
    seed(site, name, threads=1, messages=2)
    site.shell(
        "from chatstore.models import *\n"
        "import json\n"
        "from django.contrib.auth import get_user_model\n"
        f"u = get_user_model().objects.get(username={name!r})\n"
        "nasty = '<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>' "
        "+ '![x](https://evil.example/y.png) \\u202e' + 'w' * 5000\n"
        "for m in ChatMessage.objects.filter(user_id=u.pk):\n"
        "    p = json.loads(m.payload); p['content'][0]['text'] = nasty\n"
        "    m.payload = json.dumps(p); m.content = nasty; m.save()\n"
        "ChatSession.objects.filter(user_id=u.pk).update(title=nasty)\n"
    )
    page = visit(f"{THREADS}?q={name}", user="moderator")
    page.locator("#result_list tbody th a").click()
    page.get_by_role("link", name="Read the conversation").click()
    expect(page.locator(".chatstore-entry").first).to_contain_text("<script>alert(1)</script>")
    settled(page)
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, "a huge word widens the page"
    page.goto(f"{THREADS}search/?q=script")
    expect(page.locator(".chatstore-entry").first).to_contain_text("evil.example")


JOIN_GROUP = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
user = get_user_model().objects.get(username="member")
user.user_permissions.clear()
user.groups.set(Group.objects.filter(name="Chat moderators"))
"""


def test_M5_M6_a_day_of_a_member_of_the_group(site: Site, visit: Visits, owner: str) -> None:
    """From a report on the page to the person's suspension, and its end."""
    made = site.shell(MAKE_STAFF.format(name="member", permissions=()))
    site.sessions["member"] = json.loads(made.splitlines()[-1])
    site.manage("create_moderators")
    site.shell(JOIN_GROUP)

    chat = visit("/chat/", user=owner)
    chat.get_by_text("Conversation 000").click()
    report = chat.locator(".assistant-message").last.get_by_role("button", name="Report")
    report.click()
    chat.get_by_label("It is wrong or misleading").check()
    chat.get_by_label("What should the moderators know?").fill("It is not so.")
    chat.locator("#report-dialog").get_by_role("button", name="Report").click()
    expect(report).to_have_attribute("aria-pressed", "true")
    expect(chat.locator("#live")).to_have_text("Thank you. The moderators will look at it.")

    page = visit("/admin/chatstore/chatreport/", user="member")
    owner_id = site.shell(OWNER_ID.format(name=owner)).splitlines()[-1]
    page.locator("#searchbar").fill(owner_id)
    page.get_by_role("button", name="Search").click()
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.get_by_text("taken by member")).to_be_visible()
    expect(page.get_by_text("It is not so.")).to_be_visible()
    visit.expect("Applying inline style", "preload assets")  # of axe itself
    check_page(page, "report")
    reported = page.locator(".chatstore-entry.is-reported")
    expect(reported).to_contain_text("The last words of 0")
    reported.get_by_role("checkbox").check()
    bar = page.locator(".chatstore-acts")
    bar.get_by_label("Reason").select_option("Private data")
    bar.get_by_role("button", name="Hide").click()
    expect(reported).to_contain_text("Hidden by member")

    page.locator(".chatstore-facts").get_by_role("link", name=owner_id, exact=True).click()
    check_page(page, "person")
    page.get_by_label("In your own words").fill("Please be kind.")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator(".chatstore-warning")).to_contain_text("Please be kind.")

    visit.expect("403")
    chat.get_by_role("textbox", name="Message").fill("Hello")
    chat.get_by_role("textbox", name="Message").press("Enter")
    expect(chat.locator("#problem")).to_contain_text("You are suspended until")
    expect(chat.locator("#problem")).to_contain_text("Please be kind.")
    chat.reload()
    expect(chat.get_by_text("Question 0")).to_be_visible()
    expect(chat.get_by_text("The last words of 0")).to_have_count(0)

    page.get_by_label("In your own words").fill("A mistake")
    page.get_by_role("button", name="Lift the suspension").click()
    expect(page.get_by_text("The suspension is lifted.")).to_be_visible()
    page.get_by_role("link", name="It is wrong or misleading").click()
    resolve = page.locator("form", has=page.get_by_role("button", name="Resolve"))
    resolve.get_by_label("In your own words").fill("Hidden")
    resolve.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("Done: Resolve.")).to_be_visible()
    ask(chat, "Hello again")

    page.goto(f"/admin/chatstore/moderationrecord/?acts=only&user_id__exact={owner_id}")
    expect(page.locator("td.field-action")).to_have_text(
        [
            "Resolved a report",
            "Lifted the suspension",
            "Suspended",
            "Hid a message",
            "Took a report",
        ]
    )


def check_page(page: Page, name: str) -> None:
    """Check that a page can be used by everybody, and fits a computer's screen and a phone's."""
    check_access(page)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        wait_until(page, lambda width=width: page.evaluate("innerWidth") == width)
        widest = page.evaluate(WIDEST)
        assert widest <= width, (name, width, widest)
        if folder := os.environ.get("CHATSTORE_TEST_PICTURES"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


# The right edge of the widest element of ours that does not scroll by itself.
WIDEST = """() => Math.max(...[...document.querySelectorAll('#content-main, #content-main *')]
  .filter((each) => !each.closest('pre, table'))
  .map((each) => Math.floor(each.getBoundingClientRect().right)))"""
OWNER_ID = """
from django.contrib.auth import get_user_model
print(get_user_model().objects.get(username={name!r}).pk)
"""
