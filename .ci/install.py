"""
Run pip, and say which package it is at.

On a terminal this is one line, with the seconds so far, which is overwritten; elsewhere a line for
each package. If pip fails, all that it has said is printed.

    python .ci/install.py -r requirements.txt
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import sys
import time

# What pip says, and what is made of it.
STEPS = (
    (re.compile(r"^Collecting ([\w.-]+)"), "finding {}"),
    (re.compile(r"^\s*Downloading ([\w.]+)-\d.*(\(.*\))"), "downloading {} {}"),
    (re.compile(r"^\s*Building wheel for (\S+)"), "building {}"),
    (re.compile(r"^Installing collected packages: (.*)"), "installing {} in all"),
)
TICK = 1.0  # seconds


def main() -> int:
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    # Python compiles what it imports; to compile all takes as long as the rest.
    process = subprocess.Popen(
        [*command, "--no-compile", "--progress-bar", "off", *sys.argv[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    line = Line()
    said: list[str] = []
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(TICK):
                data = os.read(process.stdout.fileno(), 65_536)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for text in (each.decode(errors="replace") for each in lines):
                    said.append(text)
                    if step := describe(text):
                        line.show(step)
            line.tick()
    code = process.wait()
    line.end()
    if code:
        sys.stderr.write("\n".join(said) + "\n")
    return code


def describe(text: str) -> str | None:
    """Return what pip is doing, if the line tells it."""
    for pattern, sentence in STEPS:
        if found := pattern.match(text):
            if text.startswith("Installing"):
                return sentence.format(found[1].count(",") + 1)
            return sentence.format(*found.groups())
    return None


class Line:
    """The line that is overwritten; elsewhere than on a terminal, lines."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.started = time.monotonic()
        self.step = ""

    def show(self, step: str) -> None:
        self.step = step
        if self.is_terminal:
            self.tick()
        else:
            self._write(f"  {step}\n")

    def tick(self) -> None:
        if self.is_terminal and self.step:
            text = f"  {self._seconds():3} s  {self.step}"
            self._write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")

    def end(self) -> None:
        clear = "\r\x1b[K" if self.is_terminal else ""
        self._write(f"{clear}  done in {self._seconds()} s\n")

    def _seconds(self) -> int:
        return round(time.monotonic() - self.started)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
