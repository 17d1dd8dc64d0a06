"""All parts of an answer besides text, in a real browser, with the scripted assistant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import Relay, Site, Visits
from tests.chat import answers, ask, hide_changes, rows, seed, watch

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(visit: Visits) -> Page:
    """The page of a new user."""
    return visit(permissions=["clipboard-write"])


def test_help_lists_every_command(chat: Page) -> None:
    ask(chat, "/help")
    for command in ("/workflow", "/widget", "/sources", "/lock", "/slow", "/tool", "/ask"):
        expect(answers(chat).last.get_by_text(command, exact=True)).to_be_visible()


def test_annotations_point_to_their_sources(chat: Page) -> None:
    ask(chat, "/sources")
    answer = answers(chat).last
    expect(answer.locator(".prose")).to_contain_text("same pressure.1 For")
    sources = answer.locator(".sources")
    expect(sources.get_by_role("link")).to_be_hidden()
    answer.get_by_role("button", name="Source 1: How wide is fast?").click()
    link = sources.get_by_role("link", name="How wide is fast?")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("href", "https://example.com/tyres")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(sources).to_contain_text("Workshop manual")


def test_a_workflow_shows_its_tasks_and_folds(chat: Page) -> None:
    loading = watch(chat, ".work .step:has(.spinner)")
    ask(chat, "/workflow")
    assert any("Searched the catalogue" in text for text in loading())
    work = chat.locator(".work")
    expect(work.locator("summary")).to_have_text("Looked into it")
    expect(work.get_by_text("gravel tyres 40 mm · puncture protection")).to_be_hidden()
    work.locator("summary").click()
    expect(work.get_by_text("gravel tyres 40 mm · puncture protection")).to_be_visible()
    expect(work.locator(".spinner")).to_have_count(0)
    chat.reload()
    expect(chat.locator(".work .step")).to_have_count(3)


def test_a_progress_line_comes_and_goes(chat: Page) -> None:
    progress = watch(chat, "#progress")
    ask(chat, "/progress", wait=False)
    expect(answers(chat).last).to_contain_text("Found it")
    lines = [text for text in progress() if text != "Thinking"]
    assert lines == ["Looking in the catalogue", "Comparing"]
    expect(chat.locator("#progress")).to_be_hidden()


def test_notices_can_be_dismissed(chat: Page) -> None:
    ask(chat, "/notice")
    expect(chat.locator(".notice")).to_have_count(2)
    expect(chat.locator(".notice.info strong").first).to_have_text("Opening hours")
    chat.locator(".notice").first.get_by_role("button", name="Dismiss").click()
    expect(chat.locator(".notice")).to_have_count(1)


def test_a_widgets_button_acts(chat: Page) -> None:
    ask(chat, "/widget")
    card = chat.locator(".widget")
    expect(card.get_by_text("Terra 2")).to_be_visible()
    expect(card.get_by_text("In stock")).to_be_visible()
    card.get_by_role("button", name="Reserve").click()
    expect(answers(chat).last).to_contain_text("You chose reserve")
    expect(answers(chat).last).to_contain_text("terra-2")


def test_a_widgets_text_grows(chat: Page) -> None:
    ask(chat, "/typing", wait=False)
    letter = chat.locator(".widget .prose")
    expect(letter).to_contain_text("Dear Ada")
    expect(letter).to_have_text("Dear Ada, your Terra 2 is ready. Come by any day until six.")
    expect(letter.locator("strong")).to_have_text("ready")


def test_a_task_alone(chat: Page) -> None:
    ask(chat, "/task")
    expect(chat.locator(".step")).to_contain_text("chain 11 speed")
    expect(chat.locator(".step").get_by_role("link")).to_have_text("How wide is fast?")


def test_an_action_without_a_stream_changes_its_widget(chat: Page) -> None:
    ask(chat, "/widget")
    chat.get_by_role("button", name="Remember").click()
    expect(chat.locator(".widget").get_by_text("Remembered")).to_be_visible()
    expect(chat.get_by_role("button", name="Reserve")).to_have_count(0)
    chat.reload()
    expect(chat.locator(".widget").get_by_text("Remembered")).to_be_visible()


def test_a_form_sends_its_fields(chat: Page) -> None:
    ask(chat, "/form")
    form = chat.locator(".widget form")
    form.get_by_role("button", name="Book").click()
    expect(answers(chat)).to_have_count(0)  # the name is required
    form.get_by_label("Name").fill("Ada")
    form.get_by_label("Kind").select_option("repair")
    form.get_by_label("Evening").check()
    form.get_by_label("Wash it too").check()
    form.get_by_role("button", name="Book").click()
    answer = answers(chat).last
    expect(answer).to_contain_text("You chose book")
    for value in ("'customer': {'name': 'Ada'}", "'repair'", "'evening'", "'wash': True"):
        expect(answer).to_contain_text(value)


def test_a_half_filled_form_is_kept_when_the_page_reloads_items(chat: Page) -> None:
    ask(chat, "/form")
    name = chat.get_by_role("textbox", name="Name")
    name.fill("Ada")
    with chat.expect_response(lambda answer: "items.list" in (answer.request.post_data or "")):
        chat.evaluate("dispatchEvent(new Event('offline'))")  # and back within a second
    chat.wait_for_timeout(200)
    expect(name).to_have_value("Ada")


def test_a_lists_rows_act(chat: Page) -> None:
    ask(chat, "/choices")
    chat.locator(".widget").get_by_role("button", name="City 5").click()
    expect(answers(chat).last).to_contain_text("city-5")


def test_other_components_are_shown_as_text(chat: Page) -> None:
    ask(chat, "/chart")
    expect(chat.locator(".widget").get_by_text("A component from the future")).to_be_visible()


def test_a_chart_is_as_wide_as_its_place_and_shows_its_numbers(chat: Page) -> None:
    ask(chat, "/chart")
    picture = chat.get_by_role("img", name="Chart: In town, Gravel, Hours")
    expect(picture).to_have_attribute("viewBox", re.compile(r"^0 0 6\d\d\.?\d* 224$"))
    chat.set_viewport_size({"width": 390, "height": 780})
    expect(picture).to_have_attribute("viewBox", re.compile(r"^0 0 3\d\d\.?\d* 224$"))
    picture.hover(position={"x": 5, "y": 50})
    expect(chat.locator(".chart-tip").first).to_have_text("JanuaryIn town9Gravel0Hours4")
    chat.get_by_text("Show the numbers").first.click()
    expect(chat.get_by_role("row", name="May 15 9 26")).to_be_visible()


def test_a_table_of_a_widget(chat: Page) -> None:
    ask(chat, "/table")
    widget = chat.locator(".widget")
    expect(widget.get_by_role("columnheader")).to_have_text(["Bicycle", "Weight", "Price"])
    price = widget.get_by_role("row", name="City 5").get_by_role("cell").last
    expect(price).to_have_css("text-align", "end")
    chat.locator("article.widget").get_by_role("button", name="Copy").click()
    expect(chat.locator("#live")).to_have_text("Copied.")


def test_footnotes_lead_to_each_other(chat: Page) -> None:
    ask(chat, "/notes")
    expect(answers(chat).last.get_by_role("checkbox")).to_have_count(3)
    chat.get_by_role("link", name="Footnote 2", exact=True).focus()
    chat.keyboard.press("Enter")
    expect(chat.locator(".notes > li").nth(1)).to_be_focused()
    chat.keyboard.press("Tab")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("link", name="Footnote 2", exact=True)).to_be_focused()
    assert "#" not in chat.url


def test_a_client_tool_answers_through_the_hook(chat: Page) -> None:
    ask(chat, "/tool", wait=False)
    expect(answers(chat).last).to_contain_text("Your browser answered")
    expect(answers(chat).last).to_contain_text("'width':")
    expect(chat.locator(".tool")).to_contain_text("Called a tool of this page: screen_size")
    expect(chat.locator(".tool .spinner")).to_have_count(0)


def test_an_unknown_tool_is_answered_with_an_error(chat: Page) -> None:
    stop = "event => event.stopImmediatePropagation()"
    chat.evaluate(f"window.addEventListener('chatstore:tool', {stop}, true)")
    ask(chat, "/tool", wait=False)
    expect(answers(chat).last).to_contain_text("Unknown tool screen_size")


def test_a_tool_call_left_open_can_be_answered_later(chat: Page, visit: Visits) -> None:
    visit.expect("ERR_FAILED")

    def lose(route: Route) -> None:
        if "add_client_tool_output" in (route.request.post_data or ""):
            route.abort()
        else:
            route.continue_()

    chat.route("**/chat/api/", lose)
    with chat.expect_event("requestfailed"):
        ask(chat, "/tool")
    chat.unroute("**/chat/api/")
    chat.reload()
    chat.locator(".tool").get_by_role("button", name="Answer").click()
    expect(answers(chat).last).to_contain_text("'width':")


def test_structured_input(chat: Page) -> None:
    ask(chat, "/ask")
    form = chat.locator("form.structured")
    form.get_by_label("Gravel").check()
    form.get_by_role("group", name="Where do you ride?").get_by_label("Another answer").fill("Ice")
    form.get_by_label("At weekends").check()
    form.get_by_role("button", name="Send answers").click()
    expect(answers(chat).last).to_contain_text("Gravel, Ice")
    expect(chat.locator(".answers")).to_contain_text("At weekends")
    expect(chat.locator("form.structured")).to_have_count(0)
    chat.reload()
    expect(chat.locator(".answers dd")).to_have_text(["Gravel, Ice", "At weekends", "Skipped"])


def test_structured_input_can_be_skipped(chat: Page) -> None:
    ask(chat, "/ask")
    chat.get_by_role("button", name="Skip").click()
    expect(chat.locator(".answers dd")).to_have_text(["Skipped"] * 3)


def test_a_generated_picture(chat: Page) -> None:
    places = watch(chat, ".placeholder")
    ask(chat, "/image")
    assert "Drawing" in places()
    picture = chat.get_by_role("img", name="Generated picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("node => node.decode().then(() => node.naturalWidth)") > 0


def test_quoting_an_answer(chat: Page) -> None:
    ask(chat, "/workflow")
    chat.get_by_role("button", name="Quote").click()
    expect(chat.locator("#quote")).to_contain_text("Three steps, and the City Guard")
    expect(chat.get_by_role("textbox", name="Message")).to_be_focused()
    ask(chat, "Why?")
    expect(chat.locator(".user-message").last.locator(".quoted")).to_contain_text("Three steps")
    expect(chat.locator("#quote")).to_be_hidden()
    chat.reload()
    expect(chat.locator(".user-message").last.locator(".quoted")).to_contain_text("Three steps")


def test_quoting_a_selection(chat: Page) -> None:
    ask(chat, "/workflow")
    answers(chat).last.locator("strong").dblclick()
    button = chat.locator("#quote-selection")
    expect(button).to_be_visible()
    button.click()
    expect(chat.locator("#quote-text")).to_have_text("Guard")
    chat.get_by_role("button", name="Remove the quotation").click()
    expect(chat.locator("#quote")).to_be_hidden()


@pytest.mark.parametrize(
    ("command", "says", "reason"),
    [
        ("/lock", "This conversation is locked.", "A colleague is looking into it."),
        ("/close", "This conversation is closed.", "Your question is answered."),
    ],
)
def test_locked_and_closed_threads_say_why(
    chat: Page, command: str, says: str, reason: str
) -> None:
    ask(chat, command)
    for _ in range(2):
        state = chat.locator("#closed")
        expect(state).to_contain_text(says)
        expect(state).to_contain_text(reason)
        expect(chat.get_by_role("textbox", name="Message")).to_be_hidden()
        expect(chat.get_by_role("button", name="Try again")).to_be_hidden()
        chat.reload()


def test_a_lock_set_meanwhile_is_shown_when_one_writes(chat: Page, site: Site) -> None:
    hide_changes(chat)
    ask(chat, "Hello")
    thread = rows(chat).first.get_attribute("data-id")
    site.shell(
        "from chatstore.models import ChatSession;"
        f"ChatSession.objects.filter(thread_id='{thread}')"
        ".update(moderation='locked', moderation_reason='Under review.')"
    )
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Are you there?")
    box.press("Enter")
    expect(chat.locator("#closed")).to_contain_text("Under review.")


def test_V4_an_answer_that_broke_off_says_so_when_it_is_loaded(chat: Page, site: Site) -> None:
    ask(chat, "Hello")
    expect(answers(chat).last).not_to_contain_text("broke off")
    thread = rows(chat).first.get_attribute("data-id")
    site.shell(
        "from chatstore.models import ChatMessage;"
        f"ChatMessage.objects.thread('{thread}').filter(sender_type='assistant')"
        ".update(ending='failed')"
    )
    chat.reload()
    expect(answers(chat).last).to_contain_text("This answer broke off.")


def test_V4_a_widget_that_broke_off_says_so_when_it_is_loaded(chat: Page, site: Site) -> None:
    ask(chat, "/widget")
    expect(chat.locator("div.widget")).to_be_visible()
    thread = rows(chat).first.get_attribute("data-id")
    site.shell(
        "from chatstore.models import ChatMessage;"
        f"ChatMessage.objects.thread('{thread}').filter(item_type='widget')"
        ".update(ending='stopped')"
    )
    chat.reload()
    expect(chat.locator("#items")).to_contain_text("This answer was stopped.")


def test_an_error_offers_to_try_again(chat: Page) -> None:
    ask(chat, "/error")
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("The workshop's computer has hung up.")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_contain_text("hung up")
    expect(answers(chat)).to_have_count(1)
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert).to_be_empty()


def test_a_refusal_shows_the_servers_sentence_and_gives_the_message_back(
    chat: Page, visit: Visits
) -> None:
    visit.expect("status of 413")
    body = '{"error": "That is too much for one message."}'

    def refuse(route: Route) -> None:
        route.fulfill(status=413, content_type="application/json", body=body)

    chat.route("**/chat/api/", refuse)
    box = chat.get_by_role("textbox", name="Message")
    box.fill("A long story")
    box.press("Enter")
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("That is too much for one message.")
    alert.get_by_role("button", name="Edit").click()
    expect(box).to_have_value("A long story")


def test_after_a_sign_out_the_page_says_so_and_keeps_the_message(chat: Page, visit: Visits) -> None:
    visit.expect("status of 401")
    chat.context.clear_cookies()
    box = chat.get_by_role("textbox", name="Message")
    box.fill("A long story")
    box.press("Enter")
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("Sign in")
    expect(alert.get_by_role("link", name="Reload the page")).to_be_visible()
    alert.get_by_role("button", name="Edit").click()
    expect(box).to_have_value("A long story")


def test_offline_and_back(chat: Page, visit: Visits) -> None:
    visit.expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    ask(chat, "Hello")
    chat.context.set_offline(True)
    expect(chat.locator("#offline")).to_be_visible()
    box = chat.get_by_role("textbox", name="Message")
    box.fill("Are you there?")
    box.press("Enter")
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("be reached")
    expect(chat.locator("#pending .bubble")).to_have_text("Are you there?")
    chat.context.set_offline(False)
    expect(chat.locator("#offline")).to_be_hidden()
    expect(alert).to_contain_text("The connection is back.")
    alert.get_by_role("button", name="Try again").click()
    expect(answers(chat)).to_have_count(2)
    expect(chat.locator("#items .user-message")).to_have_count(2)


def test_what_failed_to_load_comes_and_its_alert_goes_when_the_server_is_back(
    visit: Visits, site: Site
) -> None:
    user = site.fresh_user()
    seed(site, user, threads=2)
    page = visit(user=user)
    expect(rows(page)).to_have_count(2)
    visit.expect("status of 502")
    page.route("**/api/", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    rows(page).first.get_by_role("link").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("be reached")
    expect(page.locator("#offline")).to_be_visible()
    page.unroute("**/api/")  # and no event of the browser's
    expect(page.locator("#items .item")).to_have_count(2)
    expect(alert).to_be_empty()
    expect(page.locator("#offline")).to_be_hidden()


@pytest.fixture
def relayed(site: Site, browser: Browser) -> Iterator[tuple[Page, Relay]]:
    """The page of a new user, connected through a Relay."""
    relay = Relay(site)
    visits = Visits(relay.site, browser)
    visits.expect("net::ERR_", "status of 404")
    yield visits(), relay
    visits.close()
    relay.close()


def test_an_answer_that_ends_in_the_middle_is_not_taken_for_whole(chat: Page) -> None:
    ask(chat, "Hello")
    created = "2026-03-01T10:00:00Z"
    thread = rows(chat).first.get_attribute("data-id")
    base = {"thread_id": thread, "created_at": created}
    item = {**base, "type": "assistant_message", "id": "msg_cut", "content": []}
    part = {"type": "output_text", "text": "It begins", "annotations": []}
    question = {
        **base,
        "type": "user_message",
        "id": "msg_question",
        "content": [{"type": "input_text", "text": "And then?"}],
        "attachments": [],
        "inference_options": {},
    }
    update = {
        "type": "assistant_message.content_part.added",
        "content_index": 0,
        "content": part,
    }
    events = [
        {"type": "thread.item.done", "item": question},
        {"type": "thread.item.added", "item": item},
        {"type": "thread.item.updated", "item_id": "msg_cut", "update": update},
    ]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)

    def end_early(route: Route) -> None:
        if "add_user_message" in (route.request.post_data or ""):
            route.fulfill(body=body, content_type="text/event-stream")
        else:
            route.continue_()

    chat.route("**/chat/api/", end_early)
    ask(chat, "And then?")
    expect(answers(chat).last).to_contain_text("It begins")
    alert = chat.get_by_role("alert")
    expect(alert).to_contain_text("The answer failed.")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    expect(answers(chat).last).to_contain_text("This answer broke off.")


def test_a_message_that_arrived_before_the_connection_closed_is_not_sent_twice(
    relayed: tuple[Page, Relay],
) -> None:
    chat, line = relayed
    ask(chat, "Hello")

    def lose_the_answer(route: Route) -> None:
        if "/workflow" in (route.request.post_data or ""):
            route.fetch()  # the server stores and answers it, but the answer is lost
            line.cut()
            route.abort()
        else:
            route.continue_()

    chat.route("**/chat/api/", lose_the_answer)
    box = chat.get_by_role("textbox", name="Message")
    box.fill("/workflow")
    box.press("Enter")
    expect(chat.locator("#offline")).to_be_visible(timeout=40_000)
    chat.unroute("**/chat/api/")
    line.mend()
    expect(chat.locator("#offline")).to_be_hidden()
    expect(chat.locator("#items .user-message")).to_have_count(2)
    expect(chat.locator("#pending .bubble")).to_have_count(0)
    lost = answers(chat).last.get_attribute("data-id")
    chat.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(answers(chat).last).not_to_have_attribute("data-id", lost)
    expect(chat.locator("#stop")).to_be_hidden()
    expect(chat.locator("#items .user-message")).to_have_count(2)
