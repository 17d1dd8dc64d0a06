"""The shape of the project: imports run one way, and things are said in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from django.test import SimpleTestCase
from django.utils.module_loading import import_string

import chatstore

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "chatstore"


def imports_of(path: Path) -> set[str]:
    """Return what a file imports, as dotted names, wherever in the file it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


class LayersTest(SimpleTestCase):
    """Imports run one way. The layers are in pyproject.toml; import-linter compares."""

    def test_no_import_runs_back(self) -> None:
        done = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_app_knows_nothing_of_the_demo(self) -> None:
        for path in APP.rglob("*.py"):
            roots = {name.split(".")[0] for name in imports_of(path)}
            self.assertFalse(roots & {"project", "tests"}, path)

    def test_settings_are_read_in_conf_only(self) -> None:
        readers = {
            path.name
            for path in APP.rglob("*.py")
            if "django.conf.settings" in imports_of(path) or "django.conf" in imports_of(path)
        }
        self.assertEqual(readers, {"conf.py"})

    def test_models_import_django_and_conf_only(self) -> None:
        for path in (APP / "models").glob("*.py"):
            roots = {name.split(".")[0] for name in imports_of(path)}
            self.assertLessEqual(roots - sys.stdlib_module_names, {"django", "chatstore"}, path)

    def test_at_most_12_modules_at_the_top(self) -> None:
        self.assertLessEqual(len(list(APP.glob("*.py"))), 12)

    def test_no_folder_of_one_file(self) -> None:
        for folder in APP.rglob("__init__.py"):
            if folder.parent.name not in ("chatstore", "management"):
                self.assertGreater(len(list(folder.parent.glob("*.py"))), 2, folder)

    def test_the_conformance_kit_needs_no_django_project(self) -> None:
        """StoreContract and MemoryStore serve stores that have nothing to do with Django."""
        code = (
            "import sys, chatstore.testing as t; t.MemoryStore(); t.StoreContract; "
            "assert 'django' not in sys.modules"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)


class PublicNamesTest(SimpleTestCase):
    """What product.md, README and docs name is imported from where they say."""

    NAMES = (
        "attachments.DjangoAttachmentStore",
        "converters.FileConverter",
        "converters.HistoryConverter",
        "converters.ImageConverter",
        "database.release_connections",
        "exceptions.RequestRefused",
        "exceptions.UploadRefused",
        "models.ChatAttachment",
        "models.ChatMessage",
        "models.ChatSession",
        "server.AgentRun",
        "server.ChatServer",
        "signals.feedback_given",
        "signals.item_added",
        "signals.thread_created",
        "signals.thread_deleted",
        "signals.thread_moderated",
        "signals.user_erased",
        "store.DjangoStore",
        "streams.with_lifespan",
        "testing.MemoryStore",
        "testing.StoreContract",
    )

    def test_each_can_be_imported(self) -> None:
        for name in self.NAMES:
            with self.subTest(name):
                import_string(f"chatstore.{name}")

    def test_the_docs_name_no_other(self) -> None:
        modules = {name.split(".")[0] for name in self.NAMES} | {"urls"}
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
            for module in re.findall(
                r"^from chatstore\.(\w+)[\w.]* import", page.read_text(), re.M
            ):
                self.assertIn(module, modules, page)


class TextsTest(SimpleTestCase):
    def test_texts_are_marked_by_names_that_makemessages_knows(self) -> None:
        """It looks for ``_`` and for gettext's own names; marked by another, a text is missed."""
        unknown = [
            f"{path.relative_to(ROOT)}: {alias.name} as {alias.asname}"
            for path in APP.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
            for alias in node.names
            if alias.asname not in (None, "_")
        ]
        self.assertEqual(unknown, [])


class OnePlaceTest(SimpleTestCase):
    def setUp(self) -> None:
        self.pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def test_the_version_is_said_once(self) -> None:
        self.assertIn("version", self.pyproject["project"]["dynamic"])
        source = self.pyproject["tool"]["setuptools"]["dynamic"]["version"]
        self.assertEqual(source, {"attr": "chatstore.__version__"})
        self.assertRegex(chatstore.__version__, r"^\d+\.\d+\.\d+")

    def test_dependencies_are_said_once(self) -> None:
        dynamic = self.pyproject["tool"]["setuptools"]["dynamic"]
        self.assertEqual(dynamic["dependencies"], {"file": "requirements.txt"})
        self.assertIn("-r requirements.txt", (ROOT / "requirements-dev.txt").read_text())

    def test_the_changelog_has_an_unreleased_heading(self) -> None:
        self.assertIn("\n## Unreleased\n", (ROOT / "CHANGELOG.md").read_text())

    def test_each_setting_has_a_line_in_the_readme(self) -> None:
        asked = set(re.findall(r'_get\(\s*"(\w+)"', (APP / "conf.py").read_text()))
        listed = set(re.findall(r"^\| `CHATSTORE_(\w+)`", (ROOT / "README.md").read_text(), re.M))
        self.assertTrue(asked)
        self.assertEqual(asked, listed)

    def test_each_command_has_a_line_in_the_readme(self) -> None:
        folder = APP / "management" / "commands"
        commands = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
        listed = set(re.findall(r"^\| `(\w+)[^`]*` \|", (ROOT / "README.md").read_text(), re.M))
        self.assertLessEqual(commands, listed)
