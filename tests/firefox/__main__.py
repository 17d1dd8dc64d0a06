"""
Serves the demo, and lets journey.js use its chat page in Firefox.

Playwright drives a Firefox of its own only, so the journey is puppeteer's, by WebDriver BiDi.
CHATSTORE_FIREFOX names the browser's executable; unset: firefox-esr or firefox on the PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.browser import running

JOURNEY = Path(__file__).with_name("journey.js")


def firefox() -> str | None:
    return os.environ.get("CHATSTORE_FIREFOX") or next(
        filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None
    )


def main() -> None:
    executable = firefox()
    if not executable:
        sys.exit("There is no Firefox here: install firefox-esr, or set CHATSTORE_FIREFOX.")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running(Path(folder)) as site,
    ):
        command = ["node", str(JOURNEY), site.url, executable]
        failed = subprocess.run(command, check=False).returncode
    sys.exit(failed)


if __name__ == "__main__":
    main()
