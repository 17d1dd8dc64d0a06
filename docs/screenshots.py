"""Makes the pictures in docs/img from the running demo: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser import CHROMIUM_FLAGS, Visits, chromium, running
from tests.chat import ask

IMAGES = Path(__file__).resolve().parent / "img"
DESKTOP = {"viewport": {"width": 1200, "height": 760}}
PHONE = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 1.5,
    "has_touch": True,
    "is_mobile": True,
}


def conversation(page: Page) -> None:
    page.get_by_role("link", name="Which tyres for gravel").click()
    page.locator(".work").wait_for()


def asked(*commands: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        for command in commands:
            ask(page, command)

    return do


def reporting(page: Page) -> None:
    conversation(page)
    page.get_by_role("button", name="Report").last.click()
    page.locator("#report-dialog input").first.check()


def searching(page: Page) -> None:
    conversation(page)
    page.get_by_role("searchbox").fill("tyre")
    page.locator(".hit").first.wait_for()


def editing(page: Page) -> None:
    conversation(page)
    page.locator(".user-message").first.hover()
    page.get_by_role("button", name="Edit this message").first.click()


def composing(page: Page) -> None:
    """Name two bicycles, with a tool and a model, and look at one."""
    page.get_by_role("button", name="Tools").click()
    page.get_by_role("menuitemradio").first.click()
    page.get_by_role("button", name="Model: Quick").click()
    page.get_by_role("menuitemradio", name="Thorough").click()
    box = page.get_by_role("textbox", name="Message")
    for words in ("Which one is lighter, @terra", "or @ci"):
        box.press_sequentially(words)
        page.locator("#suggestions [role=option]").first.wait_for()
        box.press("Enter")
    page.locator("#mentions button").first.hover()
    page.locator("#entity-preview:popover-open").wait_for()


def by_touch(page: Page) -> None:
    page.get_by_role("button", name="Show conversations").click()
    conversation(page)


def charts_by_touch(page: Page) -> None:
    page.get_by_role("textbox", name="Message").fill("/chart")
    page.get_by_role("button", name="Send").click()
    page.locator(".chart-frame").first.wait_for()


def coloured(page: Page) -> None:
    ask(page, "/markdown")
    page.locator(".assistant-message pre [class^=hljs]").first.wait_for()
    page.locator(".assistant-message pre").scroll_into_view_if_needed()


def commenting(page: Page) -> None:
    conversation(page)
    page.get_by_role("button", name="Bad answer").last.click()
    page.get_by_label("What is wrong with it?").fill("The width is for another rim.")


def answering(page: Page) -> None:
    """Look at another conversation while one is being answered."""
    ask(page, "/slow", wait=False)
    page.locator(".assistant-message").first.wait_for()
    conversation(page)
    page.locator(".row-answering").wait_for()


def stopped(page: Page) -> None:
    ask(page, "/slow", wait=False)
    page.locator("#items").get_by_text("the first kilometres belong to").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#items").get_by_text("This answer was stopped.").wait_for()


def joined(page: Page) -> None:
    """Show an answer that another tab has asked for, and that goes on."""
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("html[data-ready]").wait_for()
    ask(other, "/slow", wait=False)
    row = page.locator("#thread-list li").first
    row.locator(".row-answering").wait_for()
    row.get_by_role("link").click()
    page.locator("#items").get_by_text("the first kilometres belong to").wait_for()
    page.bring_to_front()


def nothing(page: Page) -> None: ...


PICTURES: dict[str, tuple[dict[str, Any], Callable[[Page], None]]] = {
    "list": (DESKTOP, nothing),
    "conversation": (DESKTOP, conversation),
    "start-screen": (DESKTOP, nothing),
    "composer": (DESKTOP, composing),
    "widget": (DESKTOP, asked("/widget", "/choices")),
    "formulas": (DESKTOP, asked("/formulas")),
    "charts": ({"viewport": {"width": 1200, "height": 900}}, asked("/chart")),
    "table": (DESKTOP, asked("/notes", "/table")),
    "charts-on-a-phone": ({**PHONE, "color_scheme": "dark"}, charts_by_touch),
    "form": (DESKTOP, asked("/form")),
    "report": (DESKTOP, reporting),
    "search": (DESKTOP, searching),
    "edit": (DESKTOP, editing),
    "code": (DESKTOP, coloured),
    "comment": (DESKTOP, commenting),
    "answering": (DESKTOP, answering),
    "stopped": (DESKTOP, stopped),
    "joined": (DESKTOP, joined),
    "questions": (DESKTOP, asked("/ask")),
    "locked": (DESKTOP, asked("/sources", "/lock")),
    "error": (DESKTOP, asked("/error")),
    "dark": ({**DESKTOP, "color_scheme": "dark"}, asked("/markdown")),
    "phone": (PHONE, by_touch),
    "german": ({**DESKTOP, "locale": "de"}, asked("/workflow", "/sources")),
    "right-to-left": ({**DESKTOP, "locale": "ar"}, asked("/markdown")),
}

THREADS = "/admin/chatstore/chatsession/"
REPORTS = "/admin/chatstore/chatreport/"


def transcript(page: Page) -> None:
    page.get_by_role("link", name="Which tyres for gravel").click()
    page.get_by_role("link", name="Read the conversation").click()
    page.locator(".chatstore-transcript").wait_for()


REPORT = """
from chatstore.models import ChatMessage
from chatstore.moderation.reports import flag
answers = ChatMessage.objects.filter(sender_type="assistant").select_related("session")
answer = answers.latest("timestamp")
about = answer.user_id, answer.session.thread_id, answer.item_id
words, reporter = "The width is wrong.", answer.user_id
flag(*about, reason="wrong", words=words, reporter=reporter, source="user")
"""


def report(page: Page) -> None:
    page.get_by_role("link", name="minutes").click()
    page.locator(".chatstore-transcript").wait_for()


def person(page: Page) -> None:
    page.get_by_role("link", name="demo", exact=True).first.click()


ADMIN: dict[str, tuple[str, dict[str, Any], Callable[[Page], None]]] = {
    "admin-list": (THREADS, DESKTOP, nothing),
    "admin-conversation": (THREADS, DESKTOP, transcript),
    "admin-report": (REPORTS, {"viewport": {"width": 1280, "height": 900}}, report),
    "admin-person": (THREADS, DESKTOP, person),
    "admin-overview": (f"{THREADS}overview/", {**DESKTOP, "color_scheme": "dark"}, nothing),
}
# Its scripts need 'unsafe-eval', which the demo's policy forbids.
UNFOLD_DESKTOP = {"viewport": {"width": 1280, "height": 800}, "bypass_csp": True}
UNFOLD: dict[str, tuple[str, dict[str, Any], Callable[[Page], None]]] = {
    "unfold-list": (THREADS, UNFOLD_DESKTOP, nothing),
    "unfold-overview": (f"{THREADS}overview/", UNFOLD_DESKTOP, nothing),
}


def main() -> None:
    wanted = sys.argv[1:] or [*PICTURES, *ADMIN, *UNFOLD]
    IMAGES.mkdir(exist_ok=True)
    take([name for name in wanted if name not in UNFOLD])
    take(
        [name for name in wanted if name in UNFOLD], DJANGO_SETTINGS_MODULE="tests.unfold_settings"
    )


def take(wanted: list[str], **env: str) -> None:
    """Make pictures of a site with these settings."""
    if not wanted:
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), **env) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        visits = Visits(site, browser)
        if "admin-report" in wanted:
            site.shell(REPORT)
        for name in wanted:
            if name in ADMIN or name in UNFOLD:
                path, context, prepare = {**ADMIN, **UNFOLD}[name]
                page = visits(path, user="admin", **context)
            else:
                context, prepare = PICTURES[name]
                page = visits(user="demo", **context)
                page.locator("html[data-ready]").wait_for()
            prepare(page)
            page.wait_for_timeout(800)
            image = IMAGES / f"{name}.png"
            page.screenshot(path=image, animations="disabled")
            sys.stdout.write(f"{image.name} {image.stat().st_size // 1000} kB\n")
        visits.close()


if __name__ == "__main__":
    main()
