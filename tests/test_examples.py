"""Every block of code in README.md and docs/ is run, or parsed by what would run it."""

from __future__ import annotations

import configparser
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
import unittest
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import agents
import ninja  # noqa: F401  (it registers a converter of URLs, which it may do once only)
import sqlglot
import yaml
from asgiref.sync import async_to_sync, sync_to_async
from chatkit.server import StreamingResult
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.core.cache import CacheHandler
from django.core.files.storage.handler import StorageHandler
from django.core.management import get_commands, load_command_class
from django.db import ConnectionHandler
from django.db.models.signals import post_delete
from django.dispatch import Signal
from django.template import Engine
from django.test import SimpleTestCase, TestCase, override_settings
from openai import AsyncOpenAI
from packaging.requirements import Requirement

from chatstore import signals
from chatstore.server import ChatServer
from chatstore.testing import MemoryStore
from tests import examples_given
from tests.doc_blocks import ROOT, Block, blocks
from tests.live import user_input
from tests.model_api import ModelAPI, Reply

BLOCKS = list(blocks())
# What no test can run: each says why above it, and nothing is added without a look at this number.
MOST_NOT_RUN = 8
PARSED = {"console", "text", "nginx", "ini", "dockerfile", "cron"}


def of(*languages: str) -> list[Block]:
    return [one for one in BLOCKS if one.language in languages and not one.note]


def has(program: str) -> bool:
    """Tell whether there is a program; in CI all of them must be there."""
    found = shutil.which(program) is not None
    assert found or not os.environ.get("CI"), f"{program} is not installed"
    return found


class BlocksTest(SimpleTestCase):
    def test_each_has_a_language_that_is_tested(self) -> None:
        known = {"bash", "css", "django", "html", "js", "json", "python", "sh", "sql", "yaml"}
        for block in BLOCKS:
            with self.subTest(str(block)):
                self.assertIn(block.language, known | PARSED)

    def test_few_are_not_run_and_each_says_why(self) -> None:
        left_out = [block for block in BLOCKS if block.reason]
        self.assertLessEqual(len(left_out), MOST_NOT_RUN, [str(block) for block in left_out])

    def test_those_with_a_test_of_their_own_are_run_by_it(self) -> None:
        for block in BLOCKS:
            if block.test:
                with self.subTest(str(block)):
                    self.assertIn(block.page.name, (ROOT / block.test).read_text())


class PythonTest(TestCase):
    """Each page is a project of its own, in which its blocks are run from first to last."""

    @classmethod
    def setUpTestData(cls) -> None:
        examples_given.make_rows()

    def setUp(self) -> None:
        self.cases: list[tuple[Block, type[unittest.TestCase]]] = []
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.api = ModelAPI()
        self.api.replies = [Reply(is_paced=False)]
        self.addCleanup(self.api.close)
        environment = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": self.api.url}
        self.enterContext(patch.dict(os.environ, environment))
        self.enterContext(patch.dict(sys.modules))
        self.enterContext(redirect_stdout(StringIO()))
        for signal in (*vars(signals).values(), post_delete, user_logged_in):
            if isinstance(signal, Signal):  # the examples' receivers are not for other tests
                self.addCleanup(restore, signal, list(signal.receivers))
        agents.set_tracing_disabled(True)
        self.addCleanup(agents.set_tracing_disabled, False)

    def test_each_is_run(self) -> None:
        for block, failure in async_to_sync(self.run_all)():
            with self.subTest(str(block)):
                self.fail(failure)
        asked = json.dumps(self.api.requests)
        self.assertNotIn("error occurred while running the tool", asked)
        for tool in ("orders", "screen_size", "web_search", "in_stock", "show_bikes"):
            self.assertIn(tool, asked)  # in_stock is known from an MCP server that was started
        for block, case in self.cases:
            with self.subTest(str(block)):
                result = unittest.TestResult()
                unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
                self.assertEqual(result.failures + result.errors, [])
                self.assertTrue(result.testsRun)

    async def run_all(self) -> list[tuple[Block, str]]:
        """Run them in one event loop, which the Agents SDK keeps its clients for."""
        failures = []
        for page in sorted({block.page for block in of("python")}):
            names = examples_given.names()
            base = examples_given.project_settings()
            for block in of("python"):
                if block.page == page:
                    try:
                        await self.run_block(block, names, base)
                    except Exception:  # noqa: BLE001 (each is reported)
                        failures.append((block, traceback.format_exc(limit=-3)))
        return failures

    async def run_block(self, block: Block, names: dict[str, Any], base: dict[str, Any]) -> None:
        if block.is_settings:
            await sync_to_async(self.apply)(block, base)
        elif block.is_in_respond:
            await self.converse(self.within_respond(block, names))
        else:
            module = self.module(block)
            known = module.__dict__ if module else names
            known.update({name: value for name, value in names.items() if name not in known})
            before = dict(known)
            code = compile(block.tree, str(block), "exec")
            await sync_to_async(exec)(code, known)
            names.update({name: value for name, value in known.items() if name[0] != "_"})
            for name, value in known.items():
                if isinstance(value, type) and before.get(name) is not value:
                    await self.use(block, value)

    def module(self, block: Block) -> ModuleType | None:
        """Return the module that a block is: the one that is there, if it is added to it."""
        if not block.file:
            return None
        name = block.file.removesuffix(".py").replace("/", ".")
        package = name.rpartition(".")[0]
        if package and package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = []  # type: ignore[attr-defined]
        module = sys.modules[name] = ModuleType(name)
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code)
        module.__file__ = str(path)
        if block.is_added:
            exec(examples_given.started(Path(block.file).name), module.__dict__)  # noqa: S102
        if package:
            setattr(sys.modules[package], name.rpartition(".")[2], module)
        return module

    async def use(self, block: Block, made: type) -> None:
        """Let a class of the docs do what it is for."""
        if issubclass(made, ChatServer):
            await self.converse(made)
        elif issubclass(made, unittest.TestCase) and block.defines(made.__name__):
            if issubclass(made, SimpleTestCase):
                await self.run_tests(made)
            else:  # it has an event loop of its own
                self.cases.append((block, made))

    async def run_tests(self, made: type[SimpleTestCase]) -> None:
        """Run the tests of a class of Django's, in this event loop and this transaction."""
        names = [name for name in dir(made) if name.startswith("test")]
        self.assertTrue(names)
        for name in names:
            test, method = made(name), getattr(made, name)
            if inspect.iscoroutinefunction(method):
                async with self.model():
                    await method(test)
            else:
                await sync_to_async(method)(test)

    @asynccontextmanager
    async def model(self) -> AsyncIterator[None]:
        """Let agents ask the stand-in of OpenAI's API."""
        async with AsyncOpenAI(max_retries=0) as client:
            agents.set_default_openai_client(client, use_for_tracing=False)
            yield

    async def converse(self, made: type[ChatServer[Any]]) -> None:
        """Send a message, let each tool be called, and press each button."""
        fallback = {"respond": examples_given.respond} if inspect.isabstract(made) else {}
        whole = type(made.__name__, (made,), fallback)
        try:
            server = whole(MemoryStore())
        except TypeError:  # it makes its own stores
            server = whole()
        async with self.model():
            events = await self.send(server, "threads.create", input=user_input("Hello"))
            thread_id = events[0]["thread"]["id"]
            tools = getattr(getattr(server, "agent", None), "tools", [])
            for tool in tools:
                if isinstance(tool, agents.FunctionTool):
                    self.api.replies = [Reply(tool=tool.name, is_paced=False), *self.api.replies]
                    message = user_input("And now?")
                    events += await self.send(
                        server, "threads.add_user_message", thread_id=thread_id, input=message
                    )
            for item in [event["item"] for event in events if "item" in event]:
                if item["type"] == "client_tool_call" and item["status"] == "pending":
                    params = {"thread_id": thread_id, "result": {"width": 1280}}
                    await self.send(server, "threads.add_client_tool_output", **params)
                for action in _actions(item.get("widget")):
                    params = {"thread_id": thread_id, "item_id": item["id"], "action": action}
                    if made.action is not ChatServer.action:
                        await self.send(server, "threads.custom_action", **params)
                    if made.sync_action is not ChatServer.sync_action:
                        await self.send(server, "threads.sync_custom_action", **params)

    async def send(self, server: ChatServer[Any], kind: str, **params: Any) -> list[Any]:
        """Send a request, and return the events of its answer; none may be an error."""
        body = json.dumps({"type": kind, "params": params})
        result = await server.process(body, examples_given.context())
        if not isinstance(result, StreamingResult):
            self.assertIn("updated_item", json.loads(result.json))
            return []
        events = [json.loads(line.removeprefix(b"data: ")) async for line in result]
        self.assertEqual([event for event in events if event["type"] == "error"], [])
        return events

    def within_respond(self, block: Block, names: dict[str, Any]) -> type[ChatServer[Any]]:
        """Return a server with a respond() that consists of the block."""
        needed = block.names_used
        code = "\n".join(
            (
                "async def respond(self, thread, input_user_message, context):",
                *(f"    {line}" for name, line in examples_given.FIRST.items() if name in needed),
                *(f"    {line}" for line in block.code.splitlines()),
                "    if False: yield",
            )
        )
        exec(compile(code, str(block), "exec"), names)  # noqa: S102
        return type("Within", (ChatServer,), {"respond": names["respond"]})

    def apply(self, block: Block, base: dict[str, Any]) -> None:
        """Run a fragment of settings after those of a project, and let Django check them."""
        before = {name: repr(value) for name, value in base.items()}
        exec(compile(block.tree, str(block), "exec"), base)  # noqa: S102
        changed = {
            name: value
            for name, value in base.items()
            if name.isupper() and before.get(name) != repr(value)
        }
        self.assertTrue(changed, "it sets nothing")
        known = {f"CHATSTORE_{name}" for name in examples_given.settings_names()}
        for name in changed:
            if name.startswith("CHATSTORE_"):
                self.assertIn(name, known)
        databases = ConnectionHandler(changed.pop("DATABASES", base["DATABASES"]))
        for alias in databases:
            _check_options(databases[alias])
        for alias in changed.get("CACHES", {}):
            CacheHandler(changed["CACHES"])[alias]
        for alias in changed.get("STORAGES", {}):
            StorageHandler(changed["STORAGES"])[alias]
        changed.pop("CHATSTORE_SERVER", None)  # a class that the page shows later
        changed.pop("CHATSTORE_ASYNC_POOL", None)  # the tests' own database may be another
        with override_settings(
            **{name: value for name, value in changed.items() if name not in examples_given.UNTRIED}
        ):
            errors = checks.run_checks(tags=["chatstore"])
        self.assertEqual([str(error) for error in errors if error.is_serious()], [])


def restore(signal: Signal, receivers: list[Any]) -> None:
    """Disconnect all but these receivers."""
    signal.receivers = receivers
    signal.sender_receivers_cache.clear()


def _actions(widget: Any) -> Iterator[Any]:
    """Yield what the buttons of a widget send."""
    for key, value in widget.items() if isinstance(widget, dict) else ():
        if key == "onClickAction" and value:
            yield {"type": value["type"], "payload": value["payload"]}
        for child in value if isinstance(value, list) else ():
            yield from _actions(child)


def _check_options(connection: Any) -> None:
    """Let the database's driver look at its options, without a connection."""
    params = connection.get_connection_params()
    if connection.vendor == "postgresql":
        from psycopg.conninfo import make_conninfo
        from psycopg_pool import ConnectionPool

        own = ("cursor_factory", "context", "prepare_threshold")
        make_conninfo(**{key: value for key, value in params.items() if key not in own})
        pool = connection.settings_dict["OPTIONS"].get("pool")
        if isinstance(pool, dict):
            ConnectionPool(open=False, **pool)


class ShellTest(SimpleTestCase):
    """What is typed: the shell parses it, and each command's own parser its arguments."""

    def test_the_shell_can_read_it(self) -> None:
        for block in of("sh", "bash"):
            with self.subTest(str(block)):
                done = subprocess.run(
                    ["bash", "-n"], input=block.code, capture_output=True, text=True, check=False
                )
                self.assertEqual(done.stderr, "")

    def test_commands_have_these_arguments(self) -> None:
        for block in of("sh", "bash", "cron", "ini", "yaml", "dockerfile"):
            for words in commands(block.code):
                with self.subTest(f"{block}: {words}"):
                    name, *arguments = words
                    command = load_command_class(get_commands()[name], name)
                    parser = command.create_parser("manage.py", name)
                    parser.error = self.fail  # type: ignore[method-assign]
                    parser.parse_args(arguments)

    def test_make_has_these_targets(self) -> None:
        targets = set(re.findall(r"^([\w-]+(?: [\w-]+)*):", (ROOT / "Makefile").read_text(), re.M))
        targets = {one for names in targets for one in names.split()}
        for block in of("sh", "bash"):
            for line in block.code.splitlines():
                found = re.match(r"(?:[A-Z_]+=\S+ )*make ((?:[a-z-]+ ?)+)", line)
                if found:
                    with self.subTest(f"{block}: {line}"):
                        self.assertLessEqual(set(found[1].split()), targets)

    def test_pip_gets_extras_that_exist(self) -> None:
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for block in of("sh", "bash", "dockerfile"):
            for wanted in re.findall(r'pip install (?:--\S+ )*"?([^"\s]+)"?', block.code):
                with self.subTest(f"{block}: {wanted}"):
                    requirement = Requirement(wanted)
                    if requirement.name == project["name"]:
                        extras = set(project["optional-dependencies"])
                        self.assertLessEqual(requirement.extras, extras)


def commands(code: str) -> Iterator[list[str]]:
    """Yield the words after each manage.py."""
    code = code.replace("\\\n", " ")
    for line in code.splitlines():
        if "manage.py " not in line or line.lstrip().startswith("#"):
            continue
        lexer = shlex.shlex(line.partition("manage.py ")[2], posix=True, punctuation_chars=True)
        lexer.commenters, lexer.whitespace_split = "#", True
        words: list[str] = []
        rest = ["manage.py", *_words(lexer)]
        for word in rest:
            if word == "manage.py":
                words = []
            elif set(word) <= set("&|;<>()"):
                if words:
                    yield words
                words = ["-"]  # until the next manage.py nothing counts
            elif words != ["-"]:
                words.append(word)
        if words and words != ["-"]:
            yield words


def _words(lexer: shlex.shlex) -> Iterator[str]:
    try:
        yield from lexer
    except ValueError:  # a quotation that ends elsewhere, as in YAML
        return


class OtherLanguagesTest(SimpleTestCase):
    def test_json(self) -> None:
        for block in of("json"):
            with self.subTest(str(block)):
                try:
                    json.loads(block.code)
                except json.JSONDecodeError:  # JSON Lines
                    for line in block.code.splitlines():
                        json.loads(line)

    def test_yaml(self) -> None:
        for block in of("yaml"):
            with self.subTest(str(block)):
                self.assertTrue(list(yaml.safe_load_all(block.code)))

    def test_sql(self) -> None:
        for block in of("sql"):
            with self.subTest(str(block)):
                self.assertTrue(sqlglot.parse(block.code, read="postgres"))

    def test_templates(self) -> None:
        engine = Engine(
            app_dirs=True,
            libraries={
                "chatkit": "chatstore.templatetags.chatkit",
                "static": "django.templatetags.static",
                "i18n": "django.templatetags.i18n",
            },
        )
        for block in of("django", "html"):
            with self.subTest(str(block)):
                engine.from_string(block.code)

    def test_dockerfiles(self) -> None:
        known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD", "ENV", "ARG"}
        for block in of("dockerfile"):
            with self.subTest(str(block)):
                text = re.sub(r"\\\n", " ", block.code)
                lines = [line for line in text.splitlines() if line and line[0] != "#"]
                self.assertLessEqual({line.split()[0] for line in lines}, known)
                self.assertIsInstance(json.loads(lines[-1].removeprefix("CMD ")), list)

    def test_css(self) -> None:
        for block in of("css"):
            with self.subTest(str(block)):
                self.assertEqual(block.code.count("{"), block.code.count("}"))

    def test_javascript(self) -> None:
        node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
        assert node or not os.environ.get("CI"), "node is not installed"
        for block in of("js") if node else []:
            with self.subTest(str(block)), tempfile.NamedTemporaryFile("w", suffix=".mjs") as file:
                file.write(block.code)
                file.flush()
                done = subprocess.run(
                    [node, "--check", file.name], capture_output=True, text=True, check=False
                )
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_nginx(self) -> None:
        for block in of("nginx") if has("nginx") else []:
            with self.subTest(str(block)), tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                certificate(folder)
                code = re.sub(r"/etc/letsencrypt/live/[^/]+/", f"{folder}/", block.code)
                config = folder / "nginx.conf"
                config.write_text(
                    f"pid {folder}/pid; events {{}} http {{ access_log off; {code} }}"
                )
                done = subprocess.run(
                    ["nginx", "-t", "-q", "-e", "stderr", "-c", config],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_systemd(self) -> None:
        for block in of("ini"):
            for unit in re.split(r"^# (?=/etc/systemd)", block.code, flags=re.M)[1:]:
                name, _newline, text = unit.partition("\n")
                with self.subTest(f"{block}: {name}"):
                    parser = configparser.ConfigParser(strict=False, interpolation=None)
                    parser.optionxform = str  # type: ignore[assignment]
                    parser.read_string(text)
                    self.assertLessEqual(
                        set(parser.sections()), {"Unit", "Service", "Timer", "Install"}
                    )
                    self.verify(Path(name).name, text)

    def verify(self, name: str, text: str) -> None:
        """Let systemd look at a unit; the programs that it starts are not on this machine."""
        if not has("systemd-analyze"):
            return
        with tempfile.TemporaryDirectory() as folder:
            unit = Path(folder) / name
            unit.write_text(re.sub(r"^(ExecStart)=\S+", r"\1=/bin/true", text, flags=re.M))
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", unit],
                capture_output=True,
                text=True,
                check=False,
            )
            wrong = [line for line in done.stderr.splitlines() if name in line]
            self.assertEqual(wrong, [])


def certificate(folder: Path) -> None:
    """Make a certificate for a server's configuration."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=example.com"
    subprocess.run(
        [*command.split(), "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True,
        capture_output=True,
    )
