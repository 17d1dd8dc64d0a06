"""V22, V23: tools, models, entities, commands, dictation and the page's methods, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Visits, settled
from tests.chat import answers, ask
from tests.test_page_access import assert_accessible

pytestmark = pytest.mark.browser


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def suggestions(page: Page) -> Locator:
    return page.locator("#suggestions").get_by_role("option")


def write(page: Page, text: str) -> Locator:
    """Type into the message box, and return the suggestions."""
    box(page).press_sequentially(text)
    return suggestions(page)


def test_V22_the_tool_and_the_model_reach_respond_and_are_remembered(visit: Visits) -> None:
    page = visit()
    page.get_by_role("button", name="Tools").click()
    assert_accessible(page)
    page.get_by_role("menuitemradio", name="Look into the workshop's diary").click()
    page.get_by_role("button", name="Model: Quick").click()
    expect(page.get_by_role("menuitemradio", name="Quick")).to_be_focused()
    expect(page.get_by_role("menuitemradio", name="Expert")).to_be_disabled()
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    ask(page, "When is it done?")
    asked = answers(page).last.locator("li")
    expect(asked).to_have_text(["Model: thorough", "Tool: diary"])

    page.reload()
    expect(page.get_by_role("button", name="Model: Thorough")).to_be_visible()
    diary = page.get_by_role("button", name="Diary", pressed=True)
    diary.click()
    expect(diary).to_have_count(0)
    page.get_by_role("button", name="Catalogue").click()
    expect(box(page)).to_have_attribute("placeholder", "What are you looking for?")
    ask(page, "And tyres?")
    expect(asked).to_have_text(["Model: thorough", "Tool: catalogue"])
    expect(page.get_by_role("button", name="Catalogue")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("button", name="Model: Quick")).to_be_visible()


def test_V23_an_entity_is_found_previewed_and_sent_as_a_tag(visit: Visits) -> None:
    page = visit()
    page.get_by_role("button", name="Name something").click()
    expect(suggestions(page)).to_have_text(["Terra 2", "City Guard", "Polder"])
    assert_accessible(page)
    expect(write(page, "ci")).to_have_text(["City Guard"])
    box(page).press("Enter")
    expect(box(page)).to_have_value("@City Guard ")
    expect(write(page, "or @terra")).to_have_text(["Terra 2"])
    box(page).press("Tab")
    named = page.get_by_role("list", name="Named in this message").get_by_role("button")
    expect(named).to_have_text(["@City Guard", "@Terra 2"])
    named.first.focus()
    expect(page.locator("#entity-preview")).to_contain_text("890 €")
    assert_accessible(page)
    box(page).press("Enter")
    expect(answers(page).last.locator("li")).to_have_text(["Bicycles: City Guard, Terra 2"])
    expect(page.locator("#stop")).to_be_hidden()
    page.reload()
    clicked = """() => new Promise((done) => document.addEventListener("chatstore:entity",
        ({ detail }) => done(detail.entity.id)))"""
    page.evaluate(f"() => {{ window.clicked = ({clicked})(); }}")
    page.locator("#items").get_by_role("button", name="@Terra 2").click()
    assert page.evaluate("window.clicked") == "terra-2"


def test_commands_are_the_pages_own_and_a_scripts(visit: Visits) -> None:
    page = visit()
    expect(write(page, "/")).to_have_count(6)
    box(page).press("Escape")
    expect(suggestions(page)).to_have_count(0)
    box(page).fill("")
    expect(write(page, "/rep")).to_have_count(1)
    box(page).press("Enter")
    expect(box(page)).to_have_value("Please repair my bicycle: ")
    box(page).fill("")
    expect(write(page, "/bic")).to_have_count(1)
    box(page).press("Enter")
    suggestions(page).get_by_text("Polder").click()
    expect(box(page)).to_have_value("@Polder ")
    ask(page, "/help")  # none of them: it is sent as it is
    expect(answers(page).last).to_contain_text("every part of a chat")


def test_a_prompt_with_a_tag_and_the_disclaimer(visit: Visits) -> None:
    page = visit()
    box(page).fill("Half a sentence")
    page.get_by_role("button", name="What does the Terra 2 weigh?").click()
    expect(answers(page).last.locator("li")).to_have_text(["Bicycles: Terra 2"])
    expect(box(page)).to_have_value("Half a sentence")
    expect(page.locator("#disclaimer strong")).to_have_text("Look before you ride.")


def test_what_is_said_becomes_text(visit: Visits) -> None:
    page = visit(permissions=["microphone"])
    box(page).fill("Note:")
    page.get_by_role("button", name="Dictate").click()
    stop = page.get_by_role("button", name="Stop dictating")
    expect(stop).to_have_attribute("aria-pressed", "true")
    stop.click()
    # The longer it takes to press the button, the more is recorded.
    expect(box(page)).to_have_value(re.compile(r"^Note: I have said something of \d+ kB\.$"))


def test_without_a_microphone_the_page_says_so(visit: Visits) -> None:
    page = visit()
    page.evaluate("""() => { navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("", "NotAllowedError"); }; }""")
    visit.expect("NotAllowedError")
    page.get_by_role("button", name="Dictate").click()
    expect(page.get_by_role("alert")).to_contain_text("The microphone can")


LISTEN = """() => {
  window.told = [];
  for (const name of ["response.start", "response.end", "thread.change", "thread.load.start",
    "thread.load.end", "tool.change", "error", "log"]) {
    document.addEventListener(`chatkit.${name}`, ({ detail }) => window.told.push([name, detail]));
  }
}"""


def test_a_script_drives_the_page_as_it_drives_the_component(visit: Visits) -> None:
    page = visit()
    page.evaluate(LISTEN)
    page.evaluate('() => chat.sendUserMessage({ text: "/progress", model: "thorough" })')
    expect(answers(page)).to_have_count(1)
    expect(page.locator("#stop")).to_be_hidden()
    told = page.evaluate("window.told.filter(([name]) => name !== 'log')")
    thread = told[1][1]["threadId"]
    assert [name for name, _ in told] == ["response.start", "thread.change", "response.end"]
    assert ["log", {"name": "threads.create", "data": {}}] in page.evaluate("window.told")

    page.evaluate("() => { window.told = []; return chat.setThreadId(null); }")
    page.evaluate("""() => chat.setComposerValue({
        content: [{ type: "input_text", text: "About " },
                  { type: "input_tag", id: "polder", text: "Polder" }],
        reply: "Words", selectedToolId: "catalogue", selectedModelId: "thorough" })""")
    expect(box(page)).to_have_value("About @Polder")
    expect(page.locator("#quote-text")).to_have_text("Words")
    expect(page.get_by_role("button", name="Model: Thorough")).to_be_visible()
    page.evaluate("(id) => chat.setThreadId(id)", thread)
    expect(answers(page)).to_have_count(1)
    expect(box(page)).to_have_value("")
    names = page.evaluate("window.told.filter(([name]) => name !== 'log').map(([name]) => name)")
    assert names[:3] == ["thread.change", "tool.change", "tool.change"]
    assert names[-3:] == ["thread.change", "thread.load.start", "thread.load.end"]
    visit.expect("status of 400")
    page.evaluate('() => chat.sendUserMessage({ text: "x", model: "expert" })')
    expect(page.get_by_role("alert")).to_contain_text("This model is not offered here.")
    assert "error" in page.evaluate("window.told.map(([name]) => name)")


def test_the_row_of_tools_fits_a_narrow_phone(visit: Visits) -> None:
    page = visit(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Tools").click()
    page.get_by_role("menuitemradio").first.click()
    page.get_by_role("button", name="Model: Quick").click()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    menu = page.locator("#model-menu").bounding_box()
    assert menu
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 320
