"""
Be a new user: a fresh clone, an empty home, no database server, and ``make run``.

The three lines must be true: the chat is where they say, and one can sign in as they say. The
second start installs nothing, so it must take less than five seconds; on a slow machine, less than
a quarter of the first.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PORT = os.environ.get("PORT", "8109")
SITE = f"http://127.0.0.1:{PORT}"
KEPT = ("PATH", "LANG", "PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "SSL_CERT_FILE")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        home, clone = Path(name, "home"), Path(name, "clone")
        home.mkdir()
        run("git", "clone", "--quiet", ROOT, clone)
        with served(clone, home) as (first, output):
            sys.stdout.write(f"first start: {first:.1f} s\n")
            visit(output)
        seconds = min(restart(clone, home) for _ in range(3))  # the others may meet a busy machine
        sys.stdout.write(f"second start: {seconds:.1f} s\n")
        if seconds >= max(5, first / 4):
            sys.exit("The second start must take less than 5 s, or a quarter of the first.")


def restart(clone: Path, home: Path) -> float:
    with served(clone, home) as (seconds, _):
        return seconds


@contextmanager
def served(clone: Path, home: Path) -> Iterator[tuple[float, Path]]:
    """Run ``make run`` until the block ends; give the seconds it took and its output."""
    environment = {key: os.environ[key] for key in KEPT if key in os.environ}
    output = home / "output"
    started = time.monotonic()
    with output.open("w") as file:
        process = subprocess.Popen(
            ["make", "run", f"PORT={PORT}"],
            cwd=clone,
            env={**environment, "HOME": str(home)},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not answers():
            if process.poll() is not None or time.monotonic() - started > 300:
                sys.exit(f"make run did not come up:\n{output.read_text()}")
            time.sleep(0.05)
        yield time.monotonic() - started, output
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def answers() -> bool:
    try:
        with urllib.request.urlopen(SITE, timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False


def visit(output: Path) -> None:
    """Go where the three lines point, as the users that they name."""
    said = output.read_text()
    for link in (f"{SITE}/chat/", f"{SITE}/admin/"):
        if link not in said:
            sys.exit(f"make run did not say {link}:\n{said}")
    for user, page in (("demo", "/chat/"), ("admin", "/admin/")):
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(cookies)
        form = browser.open(f"{SITE}/login/?next={page}").read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token, form
        fields = {"username": user, "password": user, "next": page}
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        with browser.open(f"{SITE}/login/?next={page}", body) as response:
            html = response.read().decode()
            if response.url != SITE + page:
                sys.exit(f"{user} could not sign in: {response.url}")
        sheets = re.findall(r'href="(/static/[^"]+\.css)"', html)
        assert sheets, html
        for sheet in sheets:
            browser.open(SITE + sheet).close()  # raises on 404


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
