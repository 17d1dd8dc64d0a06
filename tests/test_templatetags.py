"""`{% chatkit %}` in a real browser, with a substitute for OpenAI's component."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory, SimpleTestCase, override_settings
from django.utils import translation
from playwright.sync_api import Page, Route, expect

from chatstore.templatetags.chatkit import COMPONENT
from tests.browser import Visits

# What a page sees of the component: it accepts options and calls api.fetch.
DOUBLE = """
customElements.define("openai-chatkit", class extends HTMLElement {
  setOptions(options) {
    window.options = options;
    this.textContent = "The component";
    this.dispatchEvent(new CustomEvent("chatkit.ready"));
  }
});
"""

REQUEST = """async (body) => {
  const { url, fetch } = window.options.api;
  const response = await fetch(url, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  return [response.status, response.headers.get("content-type"), await response.text()];
}"""

CREATE = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": "Hello"}],
            "attachments": [],
            "inference_options": {},
        }
    },
}


def open_official(visit: Visits, component: str | None = DOUBLE) -> Page:
    visit.expect(COMPONENT)
    page = visit("/chat/")

    def serve(route: Route) -> None:
        if component is None:
            route.abort()
        else:
            route.fulfill(body=component, content_type="text/javascript")

    page.route(COMPONENT, serve)
    page.goto("/chat/official/")
    return page


@pytest.mark.browser
class TestInTheBrowser:
    @pytest.fixture
    def page(self, visit: Visits) -> Page:
        page = open_official(visit)
        expect(page.get_by_text("The component")).to_be_visible()
        return page

    def test_the_component_gets_its_options(self, page: Page) -> None:
        options = page.evaluate("JSON.parse(JSON.stringify(window.options))")
        assert options["api"]["domainKey"]
        assert options["history"] == {"enabled": True, "showDelete": True, "showRename": True}
        assert options["threadItemActions"] == {"feedback": True, "retry": True}
        assert options["composer"]["attachments"]["enabled"] is True
        assert options["theme"] == "light"
        expect(page.get_by_role("alert")).to_be_hidden()

    def test_json_with_the_csrf_token(self, page: Page) -> None:
        status, kind, body = page.evaluate(REQUEST, {"type": "threads.list", "params": {}})
        assert (status, kind.split(";")[0]) == (200, "application/json")
        assert json.loads(body)["data"] == []

    def test_a_stream(self, page: Page) -> None:
        status, kind, body = page.evaluate(REQUEST, CREATE)
        assert (status, kind.split(";")[0]) == (200, "text/event-stream")
        events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]
        assert events[0]["type"] == "thread.created"
        assert {event["type"] for event in events} >= {"thread.item.updated", "thread.item.done"}

    def test_an_upload(self, page: Page) -> None:
        status, attachment = page.evaluate(
            """async () => {
              const { uploadStrategy, fetch } = window.options.api;
              const body = new FormData();
              const file = new File(["Bring the pump."], "notes.txt", { type: "text/plain" });
              body.append("file", file);
              const response = await fetch(uploadStrategy.uploadUrl, { method: "POST", body });
              return [response.status, await response.json()];
            }"""
        )
        assert status in (200, 201)
        assert (attachment["type"], attachment["name"]) == ("file", "notes.txt")

    def test_a_request_object_keeps_its_headers(self, page: Page) -> None:
        sent: list[dict[str, str]] = []
        page.on(
            "request", lambda request: "x-mine" in request.headers and sent.append(request.headers)
        )
        page.evaluate(
            """() => window.options.api.fetch(new Request(window.options.api.url, {
              method: "POST",
              headers: { "X-Mine": "kept" },
              body: '{"type": "threads.list", "params": {}}',
            }))"""
        )
        assert [headers["x-mine"] for headers in sent] == ["kept"]
        assert sent[0]["x-csrftoken"]

    def test_no_token_goes_to_another_host(self, page: Page) -> None:
        # The page's policy forbids other hosts, so the request is checked without sending it.
        tokens = page.evaluate(
            """() => {
              const sent = [];
              const original = window.fetch;
              const hasToken = (headers) => new Headers(headers).has("X-CSRFToken");
              window.fetch = (url, { headers }) => sent.push(hasToken(headers));
              const options = { method: "PUT", headers: { "X-Mine": "1" } };
              window.options.api.fetch("https://storage.example.com/upload", options);
              window.options.api.fetch("/chat/api/", options);
              window.fetch = original;
              return sent;
            }"""
        )
        assert tokens == [False, True]

    def test_client_tools_go_through_the_pages_hook(self, page: Page) -> None:
        answer = page.evaluate(
            """() => {
              document.addEventListener("chatstore:tool", ({ detail }) => detail.respondWith({
                asked: detail.name, with: detail.arguments,
              }));
              return window.options.onClientTool({ name: "where", params: { unit: "km" } });
            }"""
        )
        assert answer == {"asked": "where", "with": {"unit": "km"}}

    def test_V22_V23_it_gets_the_options_and_asks_the_application(self, page: Page) -> None:
        options = page.evaluate("JSON.parse(JSON.stringify(window.options))")
        assert [one["id"] for one in options["composer"]["models"]][:2] == ["quick", "thorough"]
        assert options["startScreen"]["greeting"] == "What can the workshop do for you?"
        found = page.evaluate('() => window.options.entities.onTagSearch("pol")')
        assert [one["title"] for one in found] == ["Polder"]
        shown = page.evaluate("(one) => window.options.entities.onRequestPreview(one)", found[0])
        assert shown["preview"]["type"] == "Card"
        change = page.evaluate(
            """() => new Promise((resolve) => {
              document.addEventListener("chatkit.thread.change", ({ detail }) => resolve(detail));
              const detail = { threadId: "thr_1" };
              const event = new CustomEvent("chatkit.thread.change", { detail });
              document.querySelector("openai-chatkit").dispatchEvent(event);
            })"""
        )
        assert change == {"threadId": "thr_1"}

    def test_while_it_comes_the_page_says_so(self, visit: Visits) -> None:
        page = open_official(visit, component="")
        loading = page.get_by_text("The chat is being loaded from OpenAI.")
        expect(loading).to_be_visible()
        page.evaluate(f"() => {{{DOUBLE}}}")
        expect(page.get_by_text("The component")).to_be_visible()
        expect(loading).to_be_hidden()

    def test_an_unreachable_cdn_says_so_and_links_to_the_built_in_page(self, visit: Visits) -> None:
        visit.expect("ERR_FAILED")
        page = open_official(visit, component=None)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("be loaded from OpenAI")
        alert.get_by_role("link").click()
        expect(page.get_by_role("textbox", name="Message")).to_be_visible()


@override_settings(CHATSTORE_SERVER="tests.assistants.Scripted")
class ChatkitTagTests(SimpleTestCase):
    def render(self, arguments: str = "", **context: Any) -> dict[str, Any]:
        """Return the options that the tag gives to the component."""
        template = Template("{% load chatkit %}{% chatkit " + arguments + " %}")
        request = RequestFactory().get("/")
        html = template.render(Context({"request": request, **context}))
        _, _, rest = html.partition('type="application/json">')
        return json.loads(rest.partition("</script>")[0])

    @override_settings(CHATSTORE_DOMAIN_KEY="domain_pk_1", CHATSTORE_MAX_UPLOAD_BYTES=1000)
    def test_settings_reach_the_component(self) -> None:
        options = self.render()
        self.assertEqual(options["api"]["domainKey"], "domain_pk_1")
        self.assertEqual(options["composer"]["attachments"]["maxSize"], 1000)
        self.assertIn(".png", options["composer"]["attachments"]["accept"]["image/png"])

    def test_upload_strategies(self) -> None:
        self.assertEqual(self.render()["api"]["uploadStrategy"]["type"], "direct")
        two_phase = self.render('upload="two_phase"')["api"]["uploadStrategy"]
        self.assertEqual(two_phase, {"type": "two_phase"})
        none = self.render('upload=""')
        self.assertNotIn("uploadStrategy", none["api"])
        self.assertEqual(none["composer"], {})

    def test_own_options_extend_and_replace(self) -> None:
        mine = {"history": {"showDelete": False}, "startScreen": {"greeting": "</script>"}}
        options = self.render("options=mine", mine=mine)
        self.assertEqual(
            options["history"], {"enabled": True, "showDelete": False, "showRename": True}
        )
        self.assertEqual(options["startScreen"], {"greeting": "</script>"})

    def test_the_pages_language_is_the_components(self) -> None:
        for language, locale in {
            "de": "de",
            "pt-br": "pt-BR",
            "zh-hant": "zh-Hant",
            "en-us": "en-US",
            None: "en",
        }.items():
            with self.subTest(language), translation.override(language):
                self.assertEqual(self.render()["locale"], locale)
