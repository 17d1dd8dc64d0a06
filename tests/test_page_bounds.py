"""Trouble in a real browser: no item breaks the others, and nothing leaves the site."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import Site, Visits
from tests.chat import answers, ask, open_thread, rows, seed, store_items

pytestmark = pytest.mark.browser


@pytest.fixture
def open_items(visit: Visits, site: Site, tmp_path: Any) -> Any:
    """`open_items(items)` stores them in a thread of a new user and opens it."""

    def open_them(items: list[dict[str, Any]]) -> Page:
        user = site.fresh_user()
        store_items(site, user, items, tmp_path)
        page = visit(user=user)
        open_thread(page, 0)
        return page

    return open_them


def test_one_item_never_breaks_the_others(open_items: Any) -> None:
    deep: dict[str, Any] = {"type": "Text", "value": "Deep words"}
    for _ in range(80):
        deep = {"type": "Box", "children": [deep]}
    table = "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "a\n" * 6000
    page = open_items(
        [
            {"text": "Words before"},
            {"text": "> " * 3000},
            {"text": table},
            {"text": "```\n" + "x\n" * 1_000_000 + "```"},
            {"widget": {"type": "Card", "children": [deep]}},
            {
                "widget": {
                    "type": "Card",
                    "children": [{"type": "constructor", "value": "Named so"}],
                }
            },
            {"text": "Words after"},
        ]
    )
    items = page.locator("#items .item")
    expect(items.last).to_contain_text("Words after")
    expect(items.first).to_contain_text("Words before")
    expect(items).to_have_count(7)
    plain = page.locator(".plain")
    expect(plain).to_have_count(3)
    for number, words in enumerate(("> > >", "|a|a|a", "Deep words")):
        expect(plain.nth(number)).to_contain_text("so it is shown as plain text")
        expect(plain.nth(number).locator("pre")).to_contain_text(words)
    expect(items.nth(3).get_by_role("button", name="Show more")).to_be_attached()
    expect(items.nth(5)).to_have_text("Named so")
    plain.nth(2).get_by_role("button", name="Show it formatted").click()
    expect(plain).to_have_count(2)
    expect(items.nth(4).locator(".w-box .w-text")).to_have_text("Deep words")


def test_previews_come_after_the_server_has_refused_them(visit: Visits, site: Site) -> None:
    visit.expect("status of 429")
    user = site.fresh_user()
    seed(site, user, threads=2)
    page = visit("/login/", user=user)
    asked: list[int] = []

    def refuse(route: Route) -> None:
        if "items.list" not in (route.request.post_data or "") or len(asked) >= 2:
            route.continue_()
        else:
            asked.append(429)
            route.fulfill(status=429, json={"error": "Later."}, headers={"Retry-After": "1"})

    page.route("**/chat/api/", refuse)
    page.goto("/chat/")
    expect(rows(page)).to_have_count(2)
    for number in range(2):
        expect(rows(page).nth(number).locator(".row-preview")).to_contain_text("The last words")
    assert asked == [429, 429]


EVIL = "https://evil.example/words?said=here"
ELSEWHERE = [EVIL, "//evil.example/a.png", "/\\evil.example/a.png", "http://evil.example/a.png"]


DIAGRAM = f"""

```mermaid
flowchart LR
    a --> b
    click b href "{EVIL}"
```
"""


def test_nothing_leaves_the_site_by_itself(open_items: Any) -> None:
    """There is no policy here that would stop it: Visits fails a test that asks another host."""
    images = [
        {"type": "Image", "src": address, "alt": "A widget's picture"} for address in ELSEWHERE
    ]
    css = f"url({EVIL})"
    box = dict.fromkeys(
        ("background", "color", "width", "flex", "padding", "border", "radius"), css
    )
    source = {"type": "url", "title": "A source", "url": "/\\evil.example/"}
    page = open_items(
        [
            {"text": " ".join(f"![a picture]({address})" for address in ELSEWHERE)},
            {"text": f'<img src="{EVIL}"><link rel="prefetch" href="{EVIL}">'},
            {"widget": {"type": "Card", "children": images}},
            {
                "widget": {
                    "type": "Card",
                    "children": [{"type": "Markdown", "value": f"![x]({EVIL})"}],
                }
            },
            {
                "widget": {
                    "type": "Card",
                    "children": [{"type": "Box", **box, "children": images[:1]}],
                }
            },
            *[{"image": address} for address in ELSEWHERE],
            {"text": rf"\(\href{{{EVIL}}}{{x}} \includegraphics{{{EVIL}}}\)" + DIAGRAM},
            {"text": "Words", "notes": [{"type": "annotation", "source": source, "index": 0}]},
        ]
    )
    items = page.locator("#items .item")
    expect(items).to_have_count(11)
    expect(page.locator("#items img")).to_have_count(0)
    expect(items.nth(5).get_by_role("link")).to_have_attribute("href", EVIL)
    items.last.get_by_text("Sources (1)").click()
    expect(items.last.locator(".sources li")).to_have_text("A source")
    expect(items.last.locator(".sources a")).to_have_count(0)
    for number in range(11):
        items.nth(number).scroll_into_view_if_needed()
    page.get_by_role("button", name="Draw").click()
    drawing = page.frame_locator(".diagram")
    expect(drawing.locator("svg .node")).to_have_count(2)
    expect(drawing.locator("svg [*|href^=http], svg script")).to_have_count(0)
    ask(page, "Hello")
    expect(answers(page).last).to_be_visible()
