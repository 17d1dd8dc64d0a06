"""The structure of the project: imports run one way, facts are stated in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml
from django.test import SimpleTestCase
from django.utils.module_loading import import_string

import chatstore
from docs import diagram

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "chatstore"
SETTINGS = ROOT / "docs" / "reference" / "settings.md"
COMMANDS = ROOT / "docs" / "reference" / "commands.md"


def canonical_name(requirement: str) -> str:
    """Return the name of the distribution that a requirement asks for: `Django>=5` -> `django`."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def imports_of(path: Path, *, is_at_import: bool = False) -> set[str]:
    """
    Return what a file imports, as dotted names, wherever in the file it does so.

    With `is_at_import` only what it imports outside functions, when it is itself imported.
    """
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in _outside_functions(tree) if is_at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _outside_functions(child)


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


class DependenciesTest(SimpleTestCase):
    """What is installed with chatstore is what chatstore/ imports."""

    # pydantic-core comes with pydantic, which pins it; botocore with boto3. unfold is used where
    # a site has installed it.
    COMES_WITH = {"pydantic-core": "pydantic", "botocore": "boto3"}
    NOT_ASKED_FOR = {"django-unfold"}

    def setUp(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        self.required = {canonical_name(line) for line in project["dependencies"]}
        self.extras = {
            extra: {canonical_name(line) for line in lines}
            for extra, lines in project["optional-dependencies"].items()
        }

    def distributions(self, *, is_at_import: bool) -> set[str]:
        """Return whose modules chatstore/ imports, when it is itself imported or later."""
        roots = {
            name.split(".")[0]
            for path in APP.rglob("*.py")
            for name in imports_of(path, is_at_import=is_at_import)
        }
        owners = packages_distributions()
        names = {
            canonical_name(owners[root][0])
            for root in roots - sys.stdlib_module_names - {"chatstore"}
        }
        return {self.COMES_WITH.get(name, name) for name in names} - self.NOT_ASKED_FOR

    def test_what_chatstore_imports_is_required_and_nothing_else(self) -> None:
        self.assertEqual(self.distributions(is_at_import=True), self.required)

    def test_what_an_extra_brings_is_imported_only_where_it_is_used(self) -> None:
        late = self.distributions(is_at_import=False) - self.required
        self.assertEqual(late, {"boto3", "psycopg", "psycopg-pool"})
        self.assertLessEqual({"boto3"}, self.extras["s3"])
        self.assertLessEqual({"psycopg"}, self.extras["postgresql"])  # with its extra "pool"

    def test_the_extras_have_the_names_that_the_readme_has(self) -> None:
        named = set(re.findall(r"django-chatstore\[([\w,]+)\]", (ROOT / "README.md").read_text()))
        self.assertEqual({name for names in named for name in names.split(",")}, set(self.extras))

    def test_django_has_no_upper_bound(self) -> None:
        self.assertRegex((ROOT / "pyproject.toml").read_text(), r'"Django>=[\d.]+"')


class WorkflowTest(SimpleTestCase):
    """The workflow tries each Python with each Django that the classifiers name."""

    def setUp(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        classifiers = "\n".join(project["classifiers"])
        self.pythons = re.findall(
            r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.M
        )
        self.djangos = re.findall(r"^Framework :: Django :: (\d\.\d)$", classifiers, re.M)
        self.lowest_python = project["requires-python"].removeprefix(">=")
        text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
        self.jobs = yaml.safe_load(text)["jobs"]

    def test_the_matrix_is_what_the_classifiers_say(self) -> None:
        matrix = self.jobs["matrix"]["strategy"]["matrix"]
        self.assertEqual(matrix["python"], self.pythons)
        self.assertEqual(matrix["django"], self.djangos)
        # Django 6 needs Python 3.12.
        impossible = [
            {"python": python, "django": django}
            for python in self.pythons
            for django in self.djangos
            if python == "3.11" and django >= "6"
        ]
        self.assertEqual(matrix["exclude"], impossible)
        self.assertEqual(self.pythons[0], self.lowest_python)

    def test_it_runs_what_a_developer_runs(self) -> None:
        last = {name: job["steps"][-1]["run"] for name, job in self.jobs.items()}
        self.assertRegex(self.jobs["all"]["steps"][-2]["run"], r" \.ci/run$")
        self.assertEqual(last["all"], 'DATABASE_URL="$POSTGRES_URL" make coverage')
        self.assertIn("make test DJANGO=${{ matrix.django }} PYTHON=python ", last["matrix"])
        self.assertEqual(self.jobs["matrix"]["env"], {"CI": ""})  # it has no Redis
        self.assertEqual(last["audit"], "make audit PYTHON=python")

    def test_newest_is_the_newest_of_both(self) -> None:
        makefile = (ROOT / "Makefile").read_text()
        self.assertIn(f"DJANGO={self.djangos[-1]}\n", makefile)
        self.assertIn(f"NEWEST_PYTHON ?= python{self.pythons[-1]}\n", makefile)


class DiagramTest(SimpleTestCase):
    def test_the_diagram_shows_the_imports_that_there_are(self) -> None:
        self.assertEqual(
            diagram.FILE.read_text(), diagram.draw(), "It is out of date: make diagram"
        )

    def test_only_what_others_lead_to_is_left_out(self) -> None:
        imports = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
        self.assertEqual(diagram.reduce(imports), {"a": {"b"}, "b": {"c"}, "c": set()})


class PublicNamesTest(SimpleTestCase):
    """What README and docs name can be imported from where they say."""

    NAMES = (
        "attachments.DjangoAttachmentStore",
        "converters.FileConverter",
        "converters.HistoryConverter",
        "converters.ImageConverter",
        "database.close_async_pools",
        "database.release_connections",
        "exceptions.LimitReached",
        "exceptions.RequestRefused",
        "exceptions.UploadRefused",
        "models.ChatAttachment",
        "models.ChatMessage",
        "models.ChatSession",
        "moderation.actions.lock",
        "moderation.records.Moderator",
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
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
            for module in re.findall(
                r"^from chatstore\.(\w+)[\w.]* import", page.read_text(), re.M
            ):
                self.assertIn(module, modules, page)


class TextsTest(SimpleTestCase):
    def test_texts_are_marked_by_names_that_makemessages_knows(self) -> None:
        """makemessages finds only texts marked by ``_`` or by gettext's own names."""
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
        """The demo and the tests install chatstore itself, and name what they need besides."""
        said = [*self.pyproject["project"]["dependencies"]]
        for extra in self.pyproject["project"]["optional-dependencies"].values():
            said += extra
        for name in ("requirements.txt", "requirements-dev.txt"):
            lines = (ROOT / name).read_text().splitlines()
            said += [line for line in lines if line[:1] not in ("#", "-", "")]
        names = sorted(canonical_name(requirement) for requirement in said)
        self.assertEqual(names, sorted(set(names)))

    def test_the_changelog_has_an_unreleased_heading(self) -> None:
        self.assertIn("\n## Unreleased\n", (ROOT / "CHANGELOG.md").read_text())

    def test_each_setting_has_a_line_in_the_reference(self) -> None:
        asked = set(re.findall(r'_get\(\s*"(\w+)"', (APP / "conf.py").read_text()))
        listed = set(re.findall(r"^\| `CHATSTORE_(\w+)`", SETTINGS.read_text(), re.M))
        self.assertTrue(asked)
        self.assertEqual(asked, listed)

    def test_each_command_has_a_line_in_the_reference(self) -> None:
        folder = APP / "management" / "commands"
        commands = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
        listed = set(re.findall(r"^\| `(\w+)[^`]*` \|", COMMANDS.read_text(), re.M))
        self.assertLessEqual(commands, listed)
