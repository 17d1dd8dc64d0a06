"""The shape of the project: imports run one way, and things are said in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from django.test import SimpleTestCase

import chatstore

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "chatstore"

# Each room, and what it may import of ours. conf is open to all, so it isn't listed.
BELOW_MODELS = {"models"}
BELOW_STORE = {"codec", "text", "files", "links", "database", "signals", *BELOW_MODELS}
BELOW_SERVER = {
    "admission",
    "agent_runs",
    "streams",
    "requests",
    "fresh_ids",
    "store",
    "attachments",
    "converters",
    "uploads",
    *BELOW_STORE,
}
DOMAIN = {"moderation", "retention", "portability", "integrity"}
BELOW_PAGES = {"transcript", "search", "overview", "acts", "downloads", "serving", "uploads"}
BELOW_ADMIN = {*BELOW_PAGES, *BELOW_STORE, *DOMAIN}
HTTP = {"urls", "file_views"}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "conf": set(),
    "models": set(),
    "database": set(),
    "statements": set(),
    "queries": {"statements", *BELOW_MODELS},
    "text": set(),
    "codec": {"text"},
    "signals": set(),
    "files": {"database", "signals", *BELOW_MODELS},
    "links": {"codec"},
    "uploads": {"codec"},
    "bodies": {"uploads"},
    "presigned": set(),
    "streams": {"bodies", "database"},
    "operations": {"queries", "statements", *BELOW_STORE},
    "store": {"operations", *BELOW_STORE},
    "requests": {"codec"},
    "agent_runs": set(),
    "admission": {"requests", "attachments"},
    "fresh_ids": {"codec"},
    "intake": {"uploads", "presigned", *BELOW_STORE},
    "attachments": {"intake", "uploads", "presigned", *BELOW_STORE},
    "converters": {"attachments", "uploads", *BELOW_STORE},
    "server": BELOW_SERVER,
    "views": {"server", *BELOW_SERVER},
    "file_views": {"views", "server", "bodies", "presigned", "serving", *BELOW_SERVER},
    "serving": {"uploads", *BELOW_MODELS},
    "urls": {"views", "file_views"},
    "moderation": {*BELOW_STORE, *DOMAIN},
    "retention": {*BELOW_STORE, *DOMAIN},
    "portability": {*BELOW_STORE, *DOMAIN},
    "integrity": {*BELOW_STORE, *DOMAIN},
    "transcript": {"codec", "text", *BELOW_MODELS},
    "search": {"codec", "transcript", *BELOW_MODELS},
    "overview": BELOW_MODELS,
    "acts": {"moderation", *BELOW_MODELS},
    "downloads": {"portability", *BELOW_MODELS},
    "admin": {"admin_views", "admin_doors", "admin_lists", *BELOW_ADMIN},
    "admin_views": {"admin_doors", "admin_forms", *BELOW_ADMIN},
    "admin_doors": {"admin_forms", *BELOW_ADMIN},
    "admin_lists": BELOW_MODELS,
    "admin_forms": BELOW_MODELS,
    "management": {*BELOW_STORE, *DOMAIN},
    "templatetags": {"transcript", *BELOW_MODELS},
    "testing": {"codec"},
    "checks": {"server"},
    "apps": {"checks"},
    "migrations": BELOW_MODELS,
}


def rooms() -> dict[str, list[Path]]:
    """Return the files of each room: a module, or a package with all that is in it."""
    found: dict[str, list[Path]] = {}
    for path in sorted(APP.rglob("*.py")):
        found.setdefault(path.relative_to(APP).with_suffix("").parts[0], []).append(path)
    return found


def imports_of_ours(path: Path) -> set[str]:
    """Return the rooms that a file imports, wherever in the file it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {
        name.split(".")[1] for name in names if name.startswith("chatstore.") and name.count(".")
    }


class ArrowsTest(SimpleTestCase):
    """House rule: urls, views, server, store, codec, models, conf; never back."""

    def test_each_room_is_known(self) -> None:
        self.assertLessEqual(set(rooms()), set(MAY_IMPORT), "say in MAY_IMPORT what it may import")

    def test_no_arrow_runs_back(self) -> None:
        backward = [
            f"{path.relative_to(ROOT)} imports {target}"
            for room, paths in rooms().items()
            for path in paths
            for target in imports_of_ours(path) - MAY_IMPORT[room] - {room, "conf", "__version__"}
        ]
        self.assertEqual(backward, [])

    def test_the_map_itself_has_no_circle(self) -> None:
        def reach(room: str, path: tuple[str, ...] = ()) -> None:
            self.assertNotIn(room, path, f"a circle: {path}")
            for target in MAY_IMPORT.get(room, set()) - DOMAIN - {room}:
                reach(target, (*path, room))

        for room in MAY_IMPORT:
            reach(room)

    def test_nothing_imports_views_or_admin(self) -> None:
        for room, paths in rooms().items():
            for path in paths:
                forbidden = {"views", "admin"} - ({"views"} if room in HTTP else {room})
                self.assertFalse(imports_of_ours(path) & forbidden, path)

    def test_the_app_knows_nothing_of_the_demo(self) -> None:
        for path in APP.rglob("*.py"):
            self.assertNotRegex(path.read_text(), r"(?m)^\s*(from|import) (project|tests)\b")

    def test_settings_are_read_in_conf_only(self) -> None:
        readers = {
            path.name
            for path in APP.rglob("*.py")
            if re.search(r"\bCHATSTORE_\w+", path.read_text())
            and "from django.conf import settings" in path.read_text()
        }
        self.assertLessEqual(readers, {"conf.py"})

    def test_models_import_django_and_conf_only(self) -> None:
        tree = ast.parse((APP / "models.py").read_text())
        modules = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        self.assertLessEqual(modules - sys.stdlib_module_names, {"django", "chatstore"})

    def test_the_conformance_kit_needs_no_django_project(self) -> None:
        """StoreContract and MemoryStore serve stores that have nothing to do with Django."""
        code = "import chatstore.testing as t; t.MemoryStore(); t.StoreContract"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)


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
