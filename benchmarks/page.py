"""
The chat page in Chromium: what is loaded at first, and the time to open conversations.

Times are those of a person: from the press on a row of the list until the newest message is there
and the page answers again. Each is the median of some rounds, each in a new page, on the demo.
Needs Chromium; CHATSTORE_BROWSER names another browser's executable.
"""

from __future__ import annotations

import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Page, Response, sync_playwright

from benchmarks.figure import Figure

ROUNDS = 3
MESSAGES = 2000
PAGES = MESSAGES // 50
# An answer each that took a page of an early version seconds, or hid all others.
ANSWERS = {
    "quotations_3000": "> " * 3000,
    "table_20_kb": "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "a\n" * 6000,
    "code_million_lines": "```\n" + "x\n" * 1_000_000 + "```",
}
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def figures() -> Iterator[Figure]:
    from tests.browser import CHROMIUM_FLAGS, Visits, chromium, running
    from tests.chat import seed, store_items

    with (
        tempfile.TemporaryDirectory() as folder,
        # DEBUG only because the demo's users and static files are not served without it.
        running(Path(folder), DEBUG="on") as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        visits = Visits(site, browser)
        user = site.fresh_user()
        loaded, ready = zip(*(first_load(visits, user) for _ in range(ROUNDS)), strict=True)
        yield Figure("page_first_load_gzipped", max(loaded) / 1000, "kB", at_most=150)
        yield Figure("page_first_load", statistics.median(ready) * 1000, "ms")

        seed(site, user, threads=1, messages=MESSAGES)
        opened, read = zip(*(long_thread(visits, user) for _ in range(ROUNDS)), strict=True)
        yield Figure(f"page_open_{MESSAGES}_messages", statistics.median(opened) * 1000, "ms")
        yield Figure(f"page_read_{MESSAGES}_messages_back", statistics.median(read), "s")

        for name, text in ANSWERS.items():
            user = site.fresh_user()
            store_items(site, user, [{"text": text}, {"text": "The last words"}], Path(folder))
            times = [opening(visits, user)[0] for _ in range(ROUNDS)]
            yield Figure(f"page_open_{name}", statistics.median(times) * 1000, "ms")
        visits.close()


def timed(page: Page, do: Callable[[], object]) -> float:
    """Return the seconds until something is done, and the page has drawn it."""
    started = time.perf_counter()
    do()
    page.evaluate(SETTLED)
    return time.perf_counter() - started


def first_load(visits: Callable[..., Page], user: str) -> tuple[int, float]:
    """Open a new conversation with an empty cache; return bytes, each file gzipped, and seconds."""
    page = visits("/login/", user=user)
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    seconds = timed(page, lambda: page.goto("/chat/"))
    sizes = [
        len(gzip.compress(response.body(), 6))
        for response in responses
        if response.ok and "/api/" not in response.url
    ]
    page.context.close()
    return sum(sizes), seconds


def opening(visits: Callable[..., Page], user: str) -> tuple[float, Page]:
    """Open the newest conversation; return the seconds and the page."""
    page = visits(user=user)
    row = page.locator("#thread-list li").first.get_by_role("link")
    row.wait_for()
    last = page.locator("#items .item").last

    def press() -> None:
        row.click()
        last.get_by_text("The last words").wait_for(timeout=120_000)

    return timed(page, press), page


def long_thread(visits: Callable[..., Page], user: str) -> tuple[float, float]:
    """Open a long conversation, and scroll back to its first message; return seconds of both."""
    seconds, page = opening(visits, user)
    items = page.locator("#items .item")
    page.locator("#scroller").hover()

    def back() -> None:
        for number in range(2, PAGES + 1):
            page.mouse.wheel(0, -1_000_000)
            items.nth(number * 50 - 1).wait_for(state="attached", timeout=120_000)

    read = timed(page, back)
    page.context.close()
    return seconds, read
