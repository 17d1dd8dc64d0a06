"""All text of the chat page can be translated; its modules contain no text, and are all loaded."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args
from unittest import mock

from chatkit.icons import IconName
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import RequestFactory, SimpleTestCase
from django.urls import reverse
from django.utils import translation

import chatstore

HERE = Path(chatstore.__file__).parent
MODULES = sorted((HERE / "static/chatstore/chat").glob("*.js"))
SCRIPT = "\n".join(path.read_text() for path in MODULES)
VENDOR = HERE / "static/chatstore/vendor"
TEMPLATE = (HERE / "templates/chatstore/chat.html").read_text()
ICONS = (HERE / "templates/chatstore/icons.html").read_text()
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
ENTRIES = {"main", "shared"}
AT_FIRST_BYTES = 145_000  # gzipped
OWN_NAMES = {"chatstore"}  # the demo's name


def render(**context: Any) -> str:
    request = RequestFactory().get("/chat/")
    request.user = AnonymousUser()
    context = {"api_url": "/api/", "export_url": "/export/"} | context
    return render_to_string("chatstore/chat.html", context, request)


class Texts(HTMLParser):
    """Collects the text that users see or that a screen reader reads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in ("script", "style", "small")
        told = ("aria-label", "title", "placeholder", "alt", "data-site-title")
        self.found += [value or "" for name, value in attrs if name in told]

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.found.append(data)


class TextTests(SimpleTestCase):
    def test_every_text_of_the_page_goes_through_gettext(self) -> None:
        marked = {
            "gettext": lambda message: f"[{message}]",
            "ngettext": lambda one, many, count: f"[{one}]",
        }
        texts = Texts()
        with mock.patch.multiple(translation._trans, **marked), translation.override("en"):
            texts.feed(render())
            for items_url in ("", "/items/"):
                texts.feed(render(is_shared=True, items_url=items_url))
        bare = {text.strip() for text in texts.found if re.search(r"[^\W\d_]{2}", text)}
        bare = {text for text in bare if not text.startswith("[")} - OWN_NAMES
        self.assertEqual(bare, set())

    def test_the_modules_and_the_template_use_the_same_texts(self) -> None:
        asked = set(re.findall(r'strings\.(\w+)|say(?:Count)?\("(\w+)"', SCRIPT))
        asked_for = {first or second for first, second in asked}
        # Names that the modules compose: a thumb, a status, an ending, a kind of task.
        computed = {"positive", "negative", "locked", "closed", "ending_stopped", "ending_failed"}
        computed |= {
            f"task_{kind}" for kind in ("custom", "web_search", "thought", "file", "image")
        }
        there = set(re.findall(r'data-s="(\w+)"', TEMPLATE))
        self.assertEqual(asked_for | computed, there)
        with_count = set(re.findall(r'data-s="(\w+)" data-n="', TEMPLATE))
        self.assertEqual(set(re.findall(r'sayCount\("(\w+)"', SCRIPT)), with_count)

    def test_the_modules_contain_no_text(self) -> None:
        code = re.sub(r"/\*.*?\*/|//.*", "", SCRIPT, flags=re.DOTALL)
        self.assertEqual(re.findall(r'"[A-Z][a-z]+(?: [a-z]+)+[.!?]?"', code), [])

    def test_a_right_to_left_language_turns_the_page(self) -> None:
        with translation.override("he"):
            self.assertIn('<html lang="he" dir="rtl">', render())


class DiagramFrameTests(SimpleTestCase):
    def policy(self) -> dict[str, str]:
        response = self.client.get(reverse("chatstore:diagram"))
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response["X-Frame-Options"], "SAMEORIGIN")
        header = response["Content-Security-Policy"]
        return {name: values for name, _, values in (d.partition(" ") for d in header.split("; "))}

    def test_it_has_no_origin_loads_its_scripts_only_and_is_framed_by_the_site_only(self) -> None:
        policy = self.policy()
        self.assertEqual(policy["sandbox"], "allow-scripts")
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["script-src"], "'self'")
        self.assertEqual(policy["style-src"], "'self' 'unsafe-inline'")
        self.assertEqual(policy["frame-ancestors"], "'self'")

    def test_its_scripts_may_be_on_another_host(self) -> None:
        with self.settings(STATIC_URL="https://static.example/assets/"):
            self.assertEqual(self.policy()["script-src"], "https://static.example")


class IconTests(SimpleTestCase):
    def test_each_icon_of_the_component_is_there(self) -> None:
        names, *_ = get_args(IconName)
        there = re.findall(r'<symbol id="icon-([\w-]+)"', ICONS)
        self.assertEqual(set(get_args(names)) - set(there), set())
        self.assertEqual(len(there), len(set(there)))


class StaticFilesTests(SimpleTestCase):
    def test_the_page_works_with_hashed_names(self) -> None:
        folder = self.enterContext(TemporaryDirectory())
        storages = {**settings.STORAGES, "staticfiles": {"BACKEND": MANIFEST}}
        with self.settings(STATIC_ROOT=folder, STORAGES=storages, DEBUG=False):
            call_command("collectstatic", interactive=False, verbosity=0)
            html = render() + render(is_shared=True)
            frame = render_to_string("chatstore/diagram.html")
        names = [f"chat/{path.stem}" for path in MODULES]
        vendored = ("marked.esm", "purify.min", "eventsource-parser", "katex.min", "highlight.min")
        names += [f"vendor/{name}" for name in vendored] + ["theme"]
        for name in names:
            self.assertRegex(html, rf"/static/chatstore/{name}\.[0-9a-f]{{12}}\.js")
        for name in ("vendor/mermaid.min", "diagram"):
            self.assertRegex(frame, rf'<script src="/static/chatstore/{name}\.[0-9a-f]{{12}}\.js"')

    def test_each_library_lies_beside_its_licence(self) -> None:
        licences = {path.name.split(".")[1] for path in VENDOR.glob("LICENSE.*.txt")}
        libraries = {path.name.split(".")[0] for path in VENDOR.glob("*.js")}
        self.assertEqual(libraries, licences)

    def test_what_few_answers_need_is_not_loaded_with_the_page(self) -> None:
        loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', render())
        self.assertEqual(
            [url for url in loaded if re.search("katex|highlight|mermaid|chart", url)], []
        )

    def test_the_template_names_each_module_once(self) -> None:
        links = re.findall(
            r"data-module=\"(\w+)\" href=\"\{% static 'chatstore/chat/(\w+)", TEMPLATE
        )
        later = re.findall(r"data-([\w-]+)-url=\"\{% static 'chatstore/chat/(\w+)\.js", TEMPLATE)
        names = links + [(name.replace("-", "_"), stem) for name, stem in later]
        expected = {path.stem for path in MODULES} - ENTRIES
        self.assertEqual(sorted(names), [(name, name) for name in sorted(expected)])

    def test_what_is_loaded_at_first_stays_small(self) -> None:
        html = render()
        urls = re.findall(r'<(?:script|link)[^>]*(?:src|href)="/static/([^"]+\.(?:js|css))"', html)
        self.assertIn("chatstore/chat/main.js", urls)
        parts = [html.encode(), *(Path(finders.find(url) or "").read_bytes() for url in urls)]
        size = sum(len(gzip.compress(part, 6)) for part in parts)
        self.assertLessEqual(size, AT_FIRST_BYTES)

    def test_no_module_imports_another(self) -> None:
        """A name in an import would not be hashed: main.js loads all by the template's URLs."""
        self.assertEqual(
            re.findall(r'^(?:import|export .* from) ?["{*\w].*', SCRIPT, re.MULTILINE), []
        )
        loads = [
            path.name
            for path in MODULES
            if re.search(r"(?<!typeof )\bimport\((?!\")", path.read_text())
        ]
        # library.js loads what a first look doesn't need, by the template's URLs too.
        self.assertEqual(loads, ["library.js", "main.js", "shared.js"])
