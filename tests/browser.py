"""
A real server and a real browser for the tests marked `browser`.

The server is uvicorn in a process of its own, on a free port, with an SQLite file and a media
folder of its own. Playwright's sync API keeps an event loop in this thread, where Django's ORM
refuses to work: a browser test speaks to the site through HTTP and `site.manage(…)` only.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
USERS = 250
# On a busy disk the server may need seconds to answer. A test that finds what it expects does
# not wait so long.
expect.set_options(timeout=20_000)

# Signing in by the form would compute a password hash in every test, which takes long.
MAKE_USERS = f"""
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
users = get_user_model().objects
for number in range({USERS}):
    users.create_user(f"visitor{{number}}")
sessions = {{}}
for user in users.all():
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    sessions[user.username] = session.session_key
print(json.dumps(sessions))
"""


@dataclass
class Site:
    """A running demo site."""

    url: str
    env: dict[str, str]
    log: Path
    sessions: dict[str, str] = field(default_factory=dict)
    _fresh: list[str] = field(default_factory=list)

    def manage(self, *args: str) -> str:
        """Run a management command on the site's database and return what it prints."""
        command = [sys.executable, "manage.py", *args]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python on the site's database and return what it prints."""
        return self.manage("shell", "--no-imports", "-c", code)

    def fresh_user(self) -> str:
        """Return the name of a user that no other test uses."""
        return self._fresh.pop()


def chromium() -> str | None:
    """Return the browser's executable: CHATSTORE_BROWSER, else Chromium on the PATH."""
    return os.environ.get("CHATSTORE_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def free_port() -> int:
    """
    Return a port that stays free while its server is down.

    Linux chooses ports from 32,768 on for any connection, even for one that is made to that port.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(
    folder: Path,
    port: int | None = None,
    commands: Sequence[str] = ("seed_demo",),
    **env: str,
) -> Iterator[Site]:
    """
    Serve the demo site from `folder` until the block ends.

    `commands` are run before; `env` are settings of the site.
    """
    port = port or free_port()
    env = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "MEDIA_ROOT": str(folder / "media"),
        "OPENAI_API_KEY": "",
        **env,
    }
    site = Site(f"http://127.0.0.1:{port}", env, folder / "server.log")
    site.manage("migrate", "--verbosity", "0")
    for command in commands:
        site.manage(*command.split())
    site.sessions = json.loads(site.shell(MAKE_USERS).splitlines()[-1])
    site._fresh = [name for name in site.sessions if name.startswith("visitor")]
    command = [sys.executable, "-m", "uvicorn", "project.asgi:application"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    with site.log.open("w") as log:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(site, process)
            yield site
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        assert process.poll() is None, site.log.read_text()
        try:
            with urllib.request.urlopen(f"{site.url}/login/", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The server did not start:\n" + site.log.read_text()[-2000:])


class Relay:
    """A TCP relay to the site: a test can close its connections, and open it again."""

    def __init__(self, site: Site):
        self._target = ("127.0.0.1", urlsplit(site.url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()  # what is accepted is closed by cut(), or not relayed
        self.site = replace(site, url=f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._open.clear()

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()


def wait_until(page: Page, is_so: Callable[[], object]) -> None:
    """Wait until something is so that only this process knows, as what a route has seen."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "It did not become so."
        page.wait_for_timeout(50)


def list_is_loaded(page: Page) -> None:
    """Wait until the list of conversations, if the page has one, shows what the server has said."""
    expect(page.locator("#thread-list[aria-busy=true]")).to_have_count(0)


IS_AT_REST = """document.getAnimations().every(({ playState, effect }) =>
  playState !== "running" || effect.getComputedTiming().endTime === Infinity)"""


def settled(page: Page) -> None:
    """Wait until a page is loaded and nothing moves any more, before it is measured."""
    page.wait_for_load_state()
    list_is_loaded(page)
    wait_until(page, lambda: page.evaluate(IS_AT_REST))


def _until_ready(page: Page, load: Callable[..., Any]) -> Callable[..., Any]:
    """Return `load`, which then waits until the chat page, if it is one, can be used."""

    def load_and_wait(*args: Any, **options: Any) -> Any:
        response = load(*args, **options)
        page.locator("html[data-ready], html:not(:has(#chat))").wait_for(state="attached")
        list_is_loaded(page)
        return response

    return load_and_wait


class Visits:
    """Opens pages; a test fails if the console shows a message that it did not expect."""

    def __init__(self, site: Site, browser: Browser):
        self.site = site
        self.browser = browser
        self.problems: list[str] = []
        self.expected: list[str] = []

    def __call__(self, path: str = "/chat/", user: str | None = "", **context: Any) -> Page:
        """
        Open `path` in a new browser context, as `user` (empty: a new user; None: not signed in).

        `context` are options of playwright's new_context: viewport, locale, color_scheme …
        """
        session = self.browser.new_context(base_url=self.site.url, **context)
        if user is not None:
            value = self.site.sessions[user or self.site.fresh_user()]
            session.add_cookies([{"name": "sessionid", "value": value, "url": self.site.url}])
        session.set_default_timeout(30_000)
        page = session.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and self._note(m.text))
        page.on("pageerror", lambda error: self._note(f"{error}\n{error.stack}"))
        page.on("request", self._check_host)
        # What is clicked or typed before the page's modules run is not noticed by them.
        page.goto = _until_ready(page, page.goto)
        page.reload = _until_ready(page, page.reload)
        page.goto(path)
        return page

    def _check_host(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and not request.url.startswith(
            self.site.url
        ):
            self._note(f"request to another host: {request.url}")

    def _note(self, problem: str) -> None:
        self.problems.append(problem)

    def expect(self, *fragments: str) -> None:
        """Allow a message of the console in this test, e.g. "status of 409"."""
        self.expected += fragments

    def close(self) -> None:
        for context in self.browser.contexts:
            context.close()
        surprises = [
            problem
            for problem in self.problems
            if not any(fragment in problem for fragment in self.expected)
        ]
        assert not surprises, "\n".join(surprises)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo site with its example data, the users demo and admin, and many others."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def browser(browser_executable: str) -> Iterator[Browser]:
    """Chromium, closed after each module: other tests fail while Playwright's loop runs."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser_executable, args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`visit("/chat/", user="demo")` opens a page; see Visits."""
    visits = Visits(site, browser)
    yield visits
    visits.close()
