"""The recipe for django-allauth in docs/how-to/sign-in.md, in a site that is made of the docs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
SIGN_IN = ROOT / "docs" / "how-to" / "sign-in.md"
BLOCK = re.compile(r"```python\n# (mysite/\w+\.py)(?:, at the end)?\n(.*?)```", re.S)
# What the page leaves to its reader: to put get_context into the class that has respond().
BOTH = """
from mysite.assistant import Assistant as Answers
from mysite.visitors import Assistant as Visitors


class Assistant(Visitors, Answers): ...
"""
# allauth's own stand-in for a site whose accounts people may sign in with, and a quick digest.
FOR_TESTS = """
INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.dummy"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""


def section(page: Path, title: str) -> list[tuple[str, str]]:
    """Return the files that a section of a page shows, or adds to: paths and code."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", page.read_text(), re.M | re.S)
    found = BLOCK.findall(text)
    assert found, title
    return found


@pytest.mark.sqlite
class AllauthTest(SimpleTestCase):
    def test_V12_a_site_as_the_page_makes_it(self) -> None:
        site = Path(self.enterContext(tempfile.TemporaryDirectory()))
        call_command("startproject", "mysite", site)
        for path, code in (
            *section(TUTORIAL, "2. A chat in it"),
            *section(SIGN_IN, "Visitors who have not signed in"),
            *section(SIGN_IN, "django-allauth"),
            ("mysite/both.py", BOTH),
            ("mysite/settings.py", FOR_TESTS),
            ("mysite/tests.py", (ROOT / "tests" / "allauth_site.py").read_text()),
        ):
            with (site / path).open("a") as file:
                file.write(code)
        kept = ("COVERAGE", "HOME", "LANG", "PATH")
        environment = {name: value for name, value in os.environ.items() if name.startswith(kept)}
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", "test"],
            cwd=site,
            env=environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said[-5000:])
        self.assertRegex(said, r"Ran [1-9]\d* tests in [\d.]+s\n\nOK\n")
