"""README and docs/: promises and the tests that prove them, links, files and modules."""

from __future__ import annotations

import ast
import pkgutil
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from django.apps import apps
from django.dispatch import Signal
from django.test import SimpleTestCase

from chatstore import signals
from chatstore.conf import settings
from chatstore.urls import urlpatterns

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "docs" / "reference" / "contract.md"
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# The number of a promise, such as S9; in test_V1_to_V6_a_chat there are two.
NUMBER = re.compile(r"(?<![A-Za-z0-9])[SVAMR]\d+(?![A-Za-z0-9])")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^()\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^()\s]+)\)")
# A file by its path (chatstore/urls.py), and a module by its dotted name (chatstore.urls).
FILE_NAME = re.compile(
    r"(?<![\w/.-])(?:chatstore|project|tests|docs|benchmarks)/[\w/-]+\.(?:py|md)\b"
)
DOTTED_NAME = re.compile(r"(?<![\w./-])chatstore(?:\.[A-Za-z]\w*)+")


def promises() -> dict[str, list[tuple[str, str]]]:
    """Return the promises of docs/reference/contract.md by number, each with its links to tests."""
    sections = re.split(r"^### (\S+)$", CONTRACT.read_text(), flags=re.M)[1:]
    return {
        number: [link for link in LINK.findall(section) if link[0].startswith("test_")]
        for number, section in zip(sections[::2], sections[1::2], strict=True)
    }


def defined_in(path: Path) -> set[str]:
    """Return the names of the tests that a file defines."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^( *)```.*?^\1```", "", path.read_text(), flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sources() -> Iterator[Path]:
    """Yield the files of code that may name others in their comments."""
    for folder in ("benchmarks", "chatstore", "docs", "project", "templates", "tests"):
        for pattern in ("*.py", "*.html", "*.css", "*.js"):
            for path in (ROOT / folder).rglob(pattern):
                if "node_modules" not in path.parts:
                    yield path
    yield from (ROOT / ".ci").iterdir()
    yield from (ROOT / "Makefile", ROOT / "pyproject.toml")


def permissions() -> set[str]:
    """Return the app's permissions, such as chatstore.moderate."""
    config = apps.get_app_config("chatstore")
    return {
        f"chatstore.{codename}"
        for model in config.get_models()
        for codename in (
            *(f"{action}_{model._meta.model_name}" for action in model._meta.default_permissions),
            *(codename for codename, _ in model._meta.permissions),
        )
    }


class ContractTest(SimpleTestCase):
    def test_each_number_in_code_and_docs_is_a_promise(self) -> None:
        known = set(promises())
        for folder, pattern in (("chatstore", "*.py"), ("tests", "*.py"), ("docs", "*.md")):
            for path in (ROOT / folder).rglob(pattern):
                text = re.sub(r"# noqa:.*", "", path.read_text())  # ruff's rules look alike
                unknown = set(NUMBER.findall(text.replace("_", " "))) - known
                self.assertEqual(unknown, set(), path)

    def test_each_promise_links_a_test_with_its_number(self) -> None:
        self.assertTrue(promises())
        for number, links in promises().items():
            with self.subTest(number):
                numbers = {each for name, _ in links for each in name.split("_")}
                self.assertIn(number, numbers)

    def test_each_linked_test_exists(self) -> None:
        for links in promises().values():
            for name, target in links:
                with self.subTest(name):
                    self.assertIn(name, defined_in(CONTRACT.parent / target))

    def test_each_test_that_a_page_names_exists(self) -> None:
        files = [*(ROOT / "tests").glob("*.py"), *(ROOT / "chatstore" / "testing").glob("*.py")]
        known = set().union(*map(defined_in, files)) | {path.stem for path in files}
        for page in PAGES:
            named = set(re.findall(r"\btest_\w*[a-zA-Z0-9]\b", prose(page)))
            self.assertEqual(named - known, set(), page)

    def test_no_number_stands_for_two_promises(self) -> None:
        numbers = re.findall(r"^### (\S+)$", CONTRACT.read_text(), re.M)
        self.assertEqual(len(numbers), len(set(numbers)))


class LinksTest(SimpleTestCase):
    def test_each_link_leads_to_a_file_and_a_heading(self) -> None:
        for page in PAGES:
            targets = [target for _, target in LINK.findall(prose(page))]
            for target in [*targets, *IMAGE.findall(prose(page))]:
                if re.match(r"\w+:", target):  # another site
                    continue
                with self.subTest(f"{page.name}: {target}"):
                    name, _, anchor = target.partition("#")
                    file = page.parent / name if name else page
                    self.assertTrue(file.exists(), "no such file")
                    if anchor:
                        self.assertIn(anchor, anchors(file))


class SiteTest(SimpleTestCase):
    """What `make docs` would refuse or leave out, and what pages say of the code."""

    def test_the_readme_is_short_and_has_a_picture(self) -> None:
        text = (ROOT / "README.md").read_text()
        self.assertLess(len(text.splitlines()), 120)
        self.assertRegex(text, IMAGE)

    def test_each_page_is_in_the_navigation(self) -> None:
        text = (ROOT / "mkdocs.yml").read_text()
        listed = re.findall(r"^ +- (?:[\w ]+: )?(\S+\.md)$", text, re.M)
        pages = [str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")]
        self.assertEqual(sorted(listed), sorted(pages))

    def test_the_commands_arguments_are_those_of_their_parsers(self) -> None:
        script = runpy.run_path(str(ROOT / "docs" / "commands.py"))
        written = script["PAGE"].read_text()
        self.assertEqual(written, script["page"](), "run: python docs/commands.py")

    def test_each_url_is_described(self) -> None:
        described = self.rows("urls")
        self.assertEqual(described, {pattern.name for pattern in urlpatterns})

    def test_each_signal_is_described(self) -> None:
        known = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
        self.assertEqual(self.rows("signals"), known)

    def test_each_permission_is_described(self) -> None:
        unused = re.compile(
            r"chatstore\.(add|change|delete)_(?!chatsession)|.*(add|change)_chatses"
        )
        known = {name for name in permissions() if not unused.match(name)}
        self.assertLessEqual(self.rows("permissions"), known)
        self.assertLessEqual(
            {name for name in known if "view" not in name}, self.rows("permissions")
        )

    def test_settings_have_the_defaults_that_the_table_says(self) -> None:
        pattern = r"^\| `CHATSTORE_(\w+)` \| `([^`]+)` \|"
        text = (ROOT / "docs" / "reference" / "settings.md").read_text()
        shown = re.findall(pattern, text, re.M)
        self.assertGreater(len(shown), 30)
        with patch("chatstore.conf.django_settings", SimpleNamespace()):
            for name, default in shown:
                with self.subTest(name):
                    value = getattr(settings, name.lower())
                    self.assertEqual(ast.literal_eval(default), value)

    @staticmethod
    def rows(page: str) -> set[str]:
        """Return the names in the first column of a page's tables."""
        text = (ROOT / "docs" / "reference" / f"{page}.md").read_text()
        return set(re.findall(r"^\| `([\w.]+)`", text, re.M))


class NamesTest(SimpleTestCase):
    """Pages and comments name files and modules that exist."""

    def test_each_file_that_is_named_exists(self) -> None:
        for path in [*PAGES, *sources()]:
            for name in FILE_NAME.findall(path.read_text()):
                with self.subTest(f"{path.relative_to(ROOT)}: {name}"):
                    self.assertTrue((ROOT / name).exists(), "no such file")

    def test_pages_name_modules_and_permissions_that_exist(self) -> None:
        for page in PAGES:
            for name in set(DOTTED_NAME.findall(page.read_text())) - permissions():
                with self.subTest(f"{page.name}: {name}"):
                    if not re.fullmatch(r"chatstore\.[EW]\d+", name):  # the id of a check
                        pkgutil.resolve_name(name)
