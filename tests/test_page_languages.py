"""The chat page in other languages, in a browser: the whole of it, and one language at a time."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Site, Visits, list_is_loaded
from tests.chat import ask, seed
from tests.test_translations import ROOT, texts_of

pytestmark = pytest.mark.browser

# What a person sees or is read to, outside of what people and the assistant have written.
WORDS = r"""() => {
  const written = ".bubble, .prose, .widget, .row-title, .row-preview, #title, small, code";
  const found = [];
  const walk = document.createTreeWalker(document.body);
  for (let node = walk.currentNode; node; node = walk.nextNode()) {
    const isText = node.nodeType === Node.TEXT_NODE;
    const element = isText ? node.parentElement : node;
    if (!element || element.closest(written)) continue;
    if (isText) found.push(node.data.trim());
    else if (node.nodeType === Node.ELEMENT_NODE)
      for (const name of ["aria-label", "title", "placeholder", "alt"])
        if (node.getAttribute(name)) found.push(node.getAttribute(name));
  }
  return found.filter((text) => /\p{L}{2}/u.test(text));
}"""


def english_texts(language: str) -> re.Pattern[str]:
    """Return what matches each text of the app and of the demo that is another in the language."""
    sources = set()
    for app in ("chatstore", "project"):
        for key, text in texts_of(ROOT / app / f"locale/{language}/LC_MESSAGES/django.mo").items():
            source = (key[0] if isinstance(key, tuple) else key).split("\x04")[-1]
            if source != text and re.search(r"[^\W\d_]{2}", re.sub(r"\{\w+\}", "", source)):
                sources.add(re.sub(r"\\\{\w+\\\}", ".+", re.escape(source)))
    return re.compile("|".join(sources))


def assert_all_is_translated(page: Page, language: str) -> None:
    english = english_texts(language)
    list_is_loaded(page)
    words = page.evaluate(WORDS)
    assert len(words) > 60, words
    assert [text for text in words if english.fullmatch(text)] == []


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl")])
def test_no_word_of_the_page_is_english(visit: Visits, language: str, direction: str) -> None:
    page = visit(locale=language)
    html = page.locator("html[data-ready]")
    expect(html).to_have_attribute("lang", language)
    expect(html).to_have_attribute("dir", direction)
    assert_all_is_translated(page, language)
    for command in ("/workflow", "/sources", "/ask", "/markdown"):
        ask(page, command)
    page.locator("#thread-menu").click()
    assert_all_is_translated(page, language)
    page.keyboard.press("Escape")
    ask(page, "/lock")
    expect(page.locator("#closed")).to_be_visible()
    assert_all_is_translated(page, language)


def test_dates_and_counts_are_of_the_same_language(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1)
    for locale, month, hours in (
        ("de-DE", "März 2024", "24 Stunden nach"),
        ("ja-JP", "2024年3月", "24 時間"),
        ("it-IT", "March 2024", "24 hours after"),
    ):
        page = visit(user=user, locale=locale)
        expect(page.locator("#thread-list h2")).to_have_text(month)
        expect(page.locator("#temporary-text")).to_contain_text(hours)


def test_a_language_without_a_catalogue_gets_english_whole(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    words = []
    for locale in ("en", "he", "it"):
        page = visit(user=user, locale=locale)
        ready = page.locator("html[data-ready]")
        expect(ready).to_have_attribute("lang", "en")
        expect(ready).to_have_attribute("dir", "ltr")
        expect(page.get_by_text("Your conversations will be listed here.")).to_be_visible()
        words.append(page.evaluate(WORDS))
    assert words[0] == words[1] == words[2]
    ask(page, "/markdown")
    expect(page.locator("#thread-list h2")).to_have_text("Today")
