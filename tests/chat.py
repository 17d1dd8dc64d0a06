"""Actions of a user on the chat page, for the browser tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser import Site, list_is_loaded

SEED = """
import datetime as dt
from asgiref.sync import async_to_sync
from chatkit.types import *
from django.contrib.auth import get_user_model
from chatstore.store import DjangoStore
async def main():
    store = DjangoStore()
    user = await get_user_model().objects.aget(username={user!r})
    context = {{"user_id": str(user.pk)}}
    for n in range({threads}):
        at = dt.datetime({year}, 3, 1) + dt.timedelta(days=n)
        name = f"{{n:03}}"
        thread = ThreadMetadata(
            id=f"thr_{{user.pk}}_{{name}}", title=f"Conversation {{name}}", created_at=at
        )
        await store.save_thread(thread, context)
        for m in range({messages}):
            at += dt.timedelta(seconds=1)
            base = dict(id=f"msg_{{m}}", thread_id=thread.id, created_at=at)
            if m % 2:
                text = f"Answer {{m}} in a few words.\\n\\n- one\\n- two"
                if m == {messages} - 1:
                    text = f"The last words of {{n}}"
                item = AssistantMessageItem(**base, content=[AssistantMessageContent(text=text)])
            else:
                item = UserMessageItem(
                    **base,
                    content=[UserMessageTextContent(text=f"Question {{m}}")],
                    inference_options=InferenceOptions(),
                )
            await store.add_thread_item(thread.id, item, context)
async_to_sync(main)()
"""

# Store these items, each {"text": …}, {"widget": …} or {"image": …}, in a thread of a user.
ITEMS = """
import datetime as dt, json, sys
from asgiref.sync import async_to_sync
from chatkit.types import *
from chatkit.widgets import DynamicWidgetRoot
from django.contrib.auth import get_user_model
from chatstore.store import DjangoStore
async def main():
    store = DjangoStore()
    user = await get_user_model().objects.aget(username={user!r})
    context = {{"user_id": str(user.pk)}}
    at = dt.datetime(2024, 3, 1)
    thread = ThreadMetadata(id=f"thr_{{user.pk}}", title="Trouble", created_at=at)
    await store.save_thread(thread, context)
    with open({path!r}) as file:
        items = json.load(file)
    for number, item in enumerate(items):
        base = dict(
            id=f"msg_{{number}}", thread_id=thread.id, created_at=at + dt.timedelta(seconds=number)
        )
        if "widget" in item:
            stored = WidgetItem(**base, widget=DynamicWidgetRoot.model_validate(item["widget"]))
        elif "image" in item:
            image = GeneratedImage(id="image", url=item["image"])
            stored = GeneratedImageItem(**base, image=image)
        else:
            content = AssistantMessageContent(text=item["text"], annotations=item.get("notes", []))
            stored = AssistantMessageItem(**base, content=[content])
        await store.add_thread_item(thread.id, stored, context)
async_to_sync(main)()
"""


def seed(site: Site, user: str, threads: int, messages: int = 2, year: int = 2024) -> None:
    """Create threads of several days for a user, each with questions and answers."""
    site.shell(SEED.format(user=user, threads=threads, messages=messages, year=year))


def store_items(site: Site, user: str, items: list[dict[str, Any]], folder: Path) -> None:
    """Create a thread with these items (see ITEMS), whose messages are an assistant's."""
    path = folder / f"items_{user}.json"
    path.write_text(json.dumps(items))
    site.shell(ITEMS.format(user=user, path=str(path)))


def hide_changes(page: Page) -> None:
    """Let the page not hear what others change, until it asks for something itself."""
    nothing = {"answering": [], "seen": None}
    page.route("**/chat/changes/**", lambda route: route.fulfill(json=nothing))


# A slow answer that no test sees the end of, and its first words.
SLOW = "/slow 50"
SLOW_BEGINS = "A good ride begins slowly"

# Note each text that a visible element of this selector has, however shortly.
WATCH = """(selector) => {
  const seen = new Set();
  const look = () => {
    for (const node of document.querySelectorAll(selector))
      if (node.checkVisibility()) seen.add(node.textContent.trim());
  };
  const changes = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document.body, changes);
  window.seen = { ...window.seen, [selector]: seen };
}"""


def watch(page: Page, selector: str) -> Callable[[], list[str]]:
    """Return what tells the texts that a selector's visible elements have had from now on."""
    page.evaluate(WATCH, selector)
    return lambda: page.evaluate("(selector) => [...window.seen[selector]]", selector)


def ask(page: Page, text: str, wait: bool = True) -> None:
    """Send a message, and wait for the end of the answer unless told otherwise."""
    # While a conversation is loaded, Enter sends nothing.
    expect(page.locator("#conversation")).not_to_have_attribute("aria-busy", "true")
    before = page.locator(".user-message").count()
    box = page.locator("#message")
    box.fill(text)
    box.press("Enter")
    expect(page.locator("#items .user-message")).to_have_count(before + 1)
    if wait:
        expect(page.locator("#stop")).to_be_hidden(timeout=60_000)


def answers(page: Page) -> Locator:
    return page.locator("#items .assistant-message")


def rows(page: Page) -> Locator:
    return page.locator("#thread-list li")


def open_thread(page: Page, number: int) -> None:
    list_is_loaded(page)  # after which its rows stay where they are
    link = rows(page).nth(number).get_by_role("link")
    link.click()
    expect(link).to_have_attribute("aria-current", "page")


def thread_menu(page: Page, item: str) -> None:
    page.get_by_role("button", name="Actions for this conversation").click()
    page.get_by_role("menuitem", name=item).click()
