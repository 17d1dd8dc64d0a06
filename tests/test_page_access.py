"""The chat page by keyboard, screen reader and phone, dark, right-to-left; its speed."""

from __future__ import annotations

from typing import Self

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser import Site, Visits, settled
from tests.chat import SLOW, answers, ask, open_thread, rows, seed

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


def assert_accessible(page: Page) -> None:
    """Check that axe-core finds no serious or critical problem."""
    settled(page)  # what is still fading in has other colours
    found = Axe().run(page).response["violations"]
    serious = [
        f"{rule['id']}: {node['html']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visits, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    assert_accessible(page)
    for command in ("/markdown", "/sources", "/workflow", "/widget", "/form", "/choices", "/chart"):
        ask(page, command)
    page.get_by_text("Show the numbers").first.click()
    for command in ("/table", "/notes", "/formulas"):
        ask(page, command)
    page.locator("summary").last.click()
    assert_accessible(page)
    for command in ("/tool", "/ask", "/image", "/notice", "/error"):
        ask(page, command)
        expect(page.locator("#stop")).to_be_hidden()
    assert_accessible(page)
    page.get_by_role("button", name="Actions for this conversation").click()
    assert_accessible(page)
    page.get_by_role("menuitem", name="Delete").click()
    assert_accessible(page)
    page.get_by_role("button", name="Cancel").click()
    ask(page, "/lock")
    expect(page.locator("#closed")).to_be_visible()
    assert_accessible(page)


# Names of the buttons that a finger would miss. What stands within words is as high as these.
SMALL = """[...document.querySelectorAll(
    "button, summary, textarea, select, #search, .choice, .file, aside a",
  )]
  .filter((node) => !node.matches(".cite, .link") && node.checkVisibility())
  .map((node) => [node.ariaLabel ?? node.textContent, node.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 44 || height < 44)
  .map(([name, { width, height }]) => `${name} ${width} ${height}`)"""


def test_axe_and_fingers_on_a_phone(visit: Visits) -> None:
    page = visit(**PHONE)
    ask_by_touch(page, "/sources")
    for command in ("/formulas", "/chart", "/table", "/form"):
        ask_by_touch(page, command)
    assert_accessible(page)
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Show conversations").click()
    page.get_by_text("Download all").click()
    assert_accessible(page)
    assert page.evaluate(SMALL) == []


def ask_by_touch(page: Page, text: str) -> None:
    messages = page.locator("#items .user-message")
    before = messages.count()
    page.locator("#message").fill(text)
    page.locator("#send").click()
    expect(messages).to_have_count(before + 1)
    expect(page.locator("#stop")).to_be_hidden()


def test_everything_can_be_done_by_keyboard(visit: Visits) -> None:
    page = visit()
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_be_focused()
    page.keyboard.type("Hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_have_text("Hello\nthere", use_inner_text=True)
    expect(page.locator("#stop")).to_be_hidden()
    expect(box).to_be_focused()
    menu = page.get_by_role("button", name="Actions for this conversation")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("By keyboard")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_focus_stays_near_when_its_button_disappears(visit: Visits) -> None:
    page = visit()
    box = page.get_by_role("textbox", name="Message")

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")

    box.fill("/widget")
    press("Send")
    expect(box).to_be_focused()
    expect(page.locator("#stop")).to_be_hidden()
    press("Remember")
    expect(page.get_by_text("Remembered")).to_be_visible()
    expect(page.locator("article.widget")).to_be_focused()
    ask(page, "/ask")
    press("Skip")
    expect(page.locator(".answers")).to_be_visible()
    expect(page.locator("article.structured-input")).to_be_focused()
    expect(page.locator("#stop")).to_be_hidden()
    press("Try again")
    expect(box).to_be_focused()
    expect(page.locator("#stop")).to_be_hidden()
    ask(page, "/error")
    press("Dismiss")
    expect(box).to_be_focused()


def test_the_skip_link_leads_to_the_message_box(visit: Visits) -> None:
    page = visit()
    skip = page.get_by_role("link", name="Skip to the message box")
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.type("Hi")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("Hi")


def test_a_screen_reader_hears_the_answer_once_and_whole(visit: Visits) -> None:
    page = visit()
    live = page.locator("#live")
    ask(page, SLOW, wait=False)
    expect(live).to_have_text("The assistant is answering.")
    page.keyboard.press("Escape")
    expect(live).to_have_text("This answer was stopped.")
    ask(page, "/workflow")
    expect(live).to_have_text(
        "The assistant has answered: Three steps, and the City Guard is the one to take."
    )
    log = page.get_by_role("log")
    expect(log).to_have_attribute("aria-busy", "false")
    name = log.get_by_role("article").first.get_attribute("aria-label")
    assert name.startswith("You, ")


def test_on_a_phone_the_list_is_a_drawer(visit: Visits) -> None:
    page = visit(**PHONE)
    ask_by_touch(page, "Hello")
    expect(rows(page).first).not_to_be_in_viewport()
    page.get_by_role("button", name="Show conversations").click()
    # Not the search field, since a phone's keyboard would cover the list.
    expect(page.get_by_role("button", name="Close the list")).to_be_focused()
    expect(rows(page).first).to_be_in_viewport()
    assert page.locator("#conversation").evaluate("node => node.inert")
    page.keyboard.press("Escape")
    expect(rows(page).first).not_to_be_in_viewport()
    expect(page.get_by_role("button", name="Show conversations")).to_be_focused()
    page.locator(".bar").get_by_role("button", name="New conversation").click()
    expect(page.locator("#welcome")).to_be_in_viewport()
    expect(page.locator("#title")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


SWIPE = """([selector, across, down]) => {
  const target = document.querySelector(selector);
  const { left, top, width } = target.getBoundingClientRect();
  const at = (step) => new Touch({
    identifier: 1,
    target,
    clientX: left + width / 2 + across * step / 4,
    clientY: top + 20 + down * step / 4,
  });
  const send = (type, touch) => target.dispatchEvent(new TouchEvent(type, {
    bubbles: true, touches: type === "touchend" ? [] : [touch], changedTouches: [touch],
  }));
  send("touchstart", at(0));
  for (const step of [1, 2, 3, 4]) send("touchmove", at(step));
  send("touchend", at(4));
}"""


@pytest.mark.parametrize(("locale", "towards"), [("en", 1), ("ar", -1)])
def test_a_swipe_shows_and_hides_the_list(visit: Visits, locale: str, towards: int) -> None:
    page = visit(**PHONE, locale=locale)
    ask_by_touch(page, "/markdown")
    answer = answers(page).last

    def swipe(selector: str, across: int, down: int = 0) -> None:
        page.evaluate(SWIPE, [selector, across * towards, down])

    is_open = "drawer-open"
    chat = page.locator("#chat")
    code = answer.locator(".code pre")
    assert code.evaluate("node => node.scrollWidth > node.clientWidth")
    for selector, across, down in (
        (".assistant-message .code pre", 120, 0),  # scrolls sideways by itself
        ("#scroller", 120, 120),
        ("#scroller", 30, 0),
        ("#scroller", -120, 0),
    ):
        swipe(selector, across, down)
        assert is_open not in chat.get_attribute("class")
    swipe("#scroller", 120)
    assert is_open in chat.get_attribute("class")
    expect(rows(page).first).to_be_in_viewport()
    swipe("#threads", -120)
    assert is_open not in chat.get_attribute("class")


def test_the_theme_is_chosen_for_this_device(visit: Visits) -> None:
    page = visit(color_scheme="light")

    def is_dark(page: Page) -> bool:
        ground = page.locator("body").evaluate("node => getComputedStyle(node).backgroundColor")
        return sum(int(part) for part in ground[4:-1].split(",")) < 380

    def choice(page: Page) -> Locator:
        return page.get_by_role("combobox", name="Theme")

    expect(choice(page)).to_have_value("")
    assert not is_dark(page)
    choice(page).select_option("Dark")
    assert is_dark(page)
    # Before any module runs: nothing is seen in the wrong colours.
    unready = page.context.new_page()
    unready.route("**/chat/main*.js", lambda route: route.abort())
    unready.goto("/chat/")
    assert is_dark(unready)
    page.reload()
    expect(choice(page)).to_have_value("dark")
    other = page.context.new_page()
    other.goto("/chat/")
    expect(choice(other)).to_have_value("dark")
    choice(other).select_option("System")
    expect(choice(page)).to_have_value("")
    assert not is_dark(page)


@pytest.mark.parametrize("width", [320, 768, 1024, 1920])
def test_no_width_scrolls_sideways(visit: Visits, width: int) -> None:
    page = visit(viewport={"width": width, "height": 700})
    ask(page, "/markdown")
    for command in ("/form", "/chart", "/table", "/notes"):
        ask(page, command)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    column = page.locator("#scroller")
    assert column.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_a_wide_table_scrolls_by_itself_and_breaks_no_word(visit: Visits) -> None:
    page = visit(viewport={"width": 390, "height": 780})
    ask(page, "/markdown")
    frame = page.get_by_role("region", name="Table")
    frame.evaluate(
        "node => node.querySelectorAll('tr').forEach(row => "
        "[...Array(9)].forEach(() => row.append(row.cells[0].cloneNode(true))))"
    )
    assert frame.evaluate("node => node.scrollWidth > node.clientWidth + 50")
    assert frame.locator("th").first.evaluate("node => node.clientWidth > 40")  # "Wear"


def test_after_deleting_a_row_by_keyboard_the_next_has_the_focus(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=3)
    page = visit(user=user)
    expect(rows(page)).to_have_count(3)
    rows(page).nth(1).get_by_role("link").focus()
    for key in ("Tab", "Enter", "ArrowUp", "Enter", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(rows(page)).to_have_count(2)
    expect(rows(page).nth(1).get_by_role("link")).to_be_focused()


def test_dark_mode(visit: Visits) -> None:
    for scheme, is_dark in (("light", False), ("dark", True)):
        page = visit(color_scheme=scheme)
        ground = page.locator("body").evaluate("node => getComputedStyle(node).backgroundColor")
        brightness = sum(int(part) for part in ground[4:-1].split(","))
        assert (brightness < 380) is is_dark


def test_right_to_left(visit: Visits) -> None:
    page = visit(locale="ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    ask(page, "/markdown")
    side = page.locator("#threads").bounding_box()
    main = page.locator("#conversation").bounding_box()
    assert side["x"] > main["x"]
    bubble = page.locator(".bubble").bounding_box()
    answer = answers(page).last.locator("ol").bounding_box()
    assert bubble["x"] < answer["x"] + answer["width"] / 2
    page.locator("#thread-menu").click()
    menu = page.locator("#menu").bounding_box()
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 1280


FRAMES = """() => {
  const gaps = [];
  let last = performance.now();
  let isOver = false;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (!isOver) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.frameGaps = () => {
    isOver = true;
    return gaps.toSorted((a, b) => a - b);
  };
}"""


class Smoothness:
    """
    Measures the main thread of the page while a block runs.

    Its work is measured in processor time, of which a slow machine needs three times as much as a
    fast one, and the limits are for that. The times of frames depend on other processes too: on an
    idle machine 95 percent take less than 50 ms. Here only a page that hangs is found; what is
    fast is told by `python -m benchmarks page`.
    """

    def __init__(self, page: Page):
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def work(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def __enter__(self) -> Self:
        self.before = self.work()
        self.page.evaluate(FRAMES)
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = self.work() - self.before
        gaps = self.page.evaluate("window.frameGaps()")
        self.usual = gaps[int(len(gaps) * 0.95)]

    def check(self, seconds: float) -> None:
        assert self.seconds < seconds, f"the main thread worked for {self.seconds:.1f} s"
        assert self.usual < 2000, f"95 of a hundred frames in {self.usual:.0f} ms"


@pytest.mark.slow
def test_an_answer_of_200_kilobytes_streams_smoothly(visit: Visits) -> None:
    page = visit()
    with Smoothness(page) as smoothness:
        ask(page, "/long 200")
    assert len(answers(page).last.text_content()) > 150_000
    smoothness.check(seconds=12)


@pytest.mark.slow
def test_a_thread_of_2000_messages_stays_smooth(visit: Visits, site: Site) -> None:
    user = site.fresh_user()
    seed(site, user, threads=1, messages=2000)
    page = visit(user=user)
    open_thread(page, 0)
    items = page.locator("#items .item")
    expect(items).to_have_count(50)
    expect(items.last).to_be_in_viewport()
    page.locator("#scroller").hover()
    with Smoothness(page) as smoothness:
        count = 50
        while count < 2000:
            page.mouse.wheel(0, -1_000_000)
            expect(items).not_to_have_count(count)
            count = items.count()
    smoothness.check(seconds=40)
    page.locator("#to-end").click()
    with Smoothness(page) as smoothness:
        ask(page, "/markdown")
    expect(answers(page).last).to_be_in_viewport()
    smoothness.check(seconds=12)
