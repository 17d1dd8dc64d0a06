"""
Follow docs/tutorial.md to the letter, in an empty folder, on the built wheel, and time each step.

Each block of shell is run and each file written as the page says. Then a real Chromium does what
the step's text tells the reader: it chats, presses the widget's button, reads and locks in the
admin. In place of OpenAI a server on this machine answers, by HTTP, as the model would.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from markdown_it import MarkdownIt
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()
from tests.browser import CHROMIUM_FLAGS  # noqa: E402
from tests.model_api import ModelAPI, Reply  # noqa: E402

TUTORIAL = ROOT / "docs" / "tutorial.md"
SITE = "http://127.0.0.1:8000"
FILE = re.compile(r"# ([\w/]+\.py)(, at the end)?\n")
expect.set_options(timeout=60_000)


def steps() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title of each step of the tutorial, and its blocks: language and text."""
    title, blocks = "", []
    tokens = MarkdownIt().parse(TUTORIAL.read_text())
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            if title:
                yield title, blocks
            title, blocks = tokens[number + 1].content, []
        elif token.type == "fence":
            blocks.append((token.info, token.content))
    yield title, blocks


class Reader:
    """Does what the tutorial says, in a folder, as one who types it."""

    def __init__(self, folder: Path, wheel: Path, model_url: str) -> None:
        self.folder = folder
        self.server: subprocess.Popen[bytes] | None = None
        kept = re.compile("HOME|LANG|PATH|PIP_.*|SSL_.*")
        self.env = {name: value for name, value in os.environ.items() if kept.fullmatch(name)}
        # pip finds the wheel that was built here; the model answers here too.
        links = f"{os.environ.get('PIP_FIND_LINKS', '')} {wheel.parent}".strip()
        self.env |= {"PIP_FIND_LINKS": links, "PIP_QUIET": "1", "OPENAI_BASE_URL": model_url}
        self.env |= {"OPENAI_AGENTS_DISABLE_TRACING": "1"}

    def do(self, language: str, text: str) -> None:
        if language == "python":
            self.write(text)
        elif language == "sh":
            *lines, last = text.strip().splitlines()
            serves = last.startswith("uvicorn ")
            self.run("\n".join(lines if serves else [*lines, last]))
            if serves:
                self.serve(last)
        else:
            sys.exit(f"The tutorial has a block of {language!r}, which nobody can follow.")

    def write(self, text: str) -> None:
        named = FILE.match(text)
        if not named:
            sys.exit(f"A block of the tutorial does not say which file it is:\n{text}")
        path = self.folder / named[1]
        if bool(named[2]) and not path.exists():
            sys.exit(f"There is no {path.name} to add to.")
        with path.open("a" if named[2] else "w") as file:
            file.write(text)

    def run(self, script: str) -> None:
        """Run a block; what it sets in the shell stays, as in a terminal."""
        script = f"set -e\n{script}\nenv -0 >&3"
        read, write = os.pipe()
        with os.fdopen(read, "rb") as pipe:
            command = ["bash", "-c", f"exec 3>&{write}\n{script}"]
            done = subprocess.Popen(command, cwd=self.folder, env=self.env, pass_fds=[write])
            os.close(write)
            found = pipe.read().decode()
        if done.wait():
            sys.exit(f"This block of the tutorial failed:\n{script}")
        self.env = dict(line.split("=", 1) for line in found.split("\0") if line)

    def serve(self, command: str) -> None:
        self.stop()
        if is_open():
            sys.exit("Something else listens on port 8000.")
        self.server = subprocess.Popen(
            ["bash", "-c", f"exec {command} --log-level warning"], cwd=self.folder, env=self.env
        )
        for _ in range(1200):
            if is_open():
                return
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit("The tutorial's server does not start.")

    def stop(self) -> None:
        if self.server:
            self.server.send_signal(signal.SIGINT)  # Ctrl+C
            self.server.wait(30)
            self.server = None


def is_open() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 8000)) == 0


class Browsers:
    """Ann's window, and Bob's private one."""

    def __init__(self, browser: object, api: ModelAPI) -> None:
        self.api = api
        self.ann: Page = browser.new_context().new_page()
        self.bob: Page = browser.new_context().new_page()

    def sign_in(self, page: Page, name: str) -> None:
        page.goto(f"{SITE}/chat/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("let-me-in")
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(f"{SITE}/chat/")

    def say(self, page: Page, text: str) -> None:
        expect(page.locator("#welcome")).to_be_visible()  # the page's modules have been loaded
        box = page.get_by_role("textbox", name="Message")
        box.fill(text)
        box.press("Enter")

    def answers(self, page: Page) -> object:
        return page.locator("#items .assistant-message")

    def a_chat_in_it(self) -> None:
        self.sign_in(self.ann, "ann")
        self.say(self.ann, "Good morning")
        expect(self.answers(self.ann).last).to_contain_text("You said: Good morning")
        self.ann.reload()
        expect(self.ann.locator("#thread-list li")).to_have_count(1)

    def a_widget(self) -> None:
        self.ann.goto(f"{SITE}/chat/")
        self.say(self.ann, "I want a bike")
        self.ann.get_by_role("button", name="Reserve it").click()
        expect(self.answers(self.ann).last).to_contain_text("A city bike is reserved.")

    def other_people_and_a_moderator(self) -> None:
        self.sign_in(self.bob, "bob")
        expect(self.bob.locator("#thread-list li")).to_have_count(0)
        self.say(self.bob, "Buy my watches")
        expect(self.answers(self.bob).last).to_contain_text("You said: Buy my watches")
        self.ann.goto(f"{SITE}/admin/")
        self.ann.get_by_role("link", name="Threads", exact=True).first.click()
        self.ann.get_by_role("link", name="Buy my watches").click()
        self.ann.get_by_role("link", name="Read the conversation").click()
        expect(self.ann.get_by_text("You said: Buy my watches")).to_be_visible()
        self.ann.get_by_role("link", name="Lock").click()
        form = self.ann.locator("form.chatstore-form:not(.chatstore-acts)")
        form.locator("textarea[name=reason]").fill("No advertising, please.")
        self.ann.get_by_role("button", name="Lock").click()
        expect(self.ann.get_by_text("Locked.", exact=True)).to_be_visible()
        self.bob.reload()
        expect(self.bob.get_by_text("No advertising, please.")).to_be_visible()

    def a_model(self) -> None:
        self.api.replies = [
            Reply(tool="show_bikes", is_paced=False),
            Reply(words=("We have ", "two."), item_id="msg_2", is_paced=False),
        ]
        self.ann.goto(f"{SITE}/chat/")
        self.say(self.ann, "Which bikes do you have?")
        expect(self.answers(self.ann).last).to_contain_text("We have two.")
        self.ann.get_by_role("button", name="Reserve it").last.click()
        expect(self.answers(self.ann).last).to_contain_text("A cargo bike is reserved.")


def what_the_reader_sees(title: str) -> str:
    """Return the name of the method for a step: of "2. A chat in it" it is a_chat_in_it."""
    return re.sub(r"\W+", "_", title.partition(". ")[2].lower()).strip("_")


@contextmanager
def timed(name: str, times: dict[str, float]) -> Iterator[None]:
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start
    sys.stdout.write(f"{name}: {times[name]:.1f} s\n")
    sys.stdout.flush()


def build(folder: Path) -> Path:
    # From a copy: another step of CI may build here at the same time.
    source = folder / "source"
    ignored = shutil.ignore_patterns(
        "node_modules", ".*", "site", "build", "*.sqlite3", "*.egg-info"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, source],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with timed("(the wheel)", times):
            wheel = build(folder)
        site = folder / "empty"
        site.mkdir()
        api = ModelAPI()
        reader = Reader(site, wheel, api.url)
        executable = os.environ.get("CHATSTORE_BROWSER") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        browsers, seen = Browsers(browser, api), set[str]()
        try:
            for title, blocks in steps():
                with timed(title, times):
                    for language, text in blocks:
                        reader.do(language, text)
                    look: Callable[[], None] | None = getattr(
                        browsers, what_the_reader_sees(title), None
                    )
                    if look:
                        look()
                        seen.add(look.__name__)
        finally:
            reader.stop()
            browser.close()
            api.close()
    wanted = {"a_chat_in_it", "a_widget", "other_people_and_a_moderator", "a_model"}
    if seen != wanted:
        sys.exit(f"The tutorial has lost the steps of {sorted(wanted - seen)}.")
    total = sum(times.values())
    sys.stdout.write(f"The tutorial works as written; a machine follows it in {total:.0f} s.\n")


if __name__ == "__main__":
    main()
