"""conftest.py deselects tests for other databases; in CI a skipped test is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = """
import pytest

@pytest.mark.sqlite
def test_sqlite(): pass

@pytest.mark.postgresql
def test_postgresql(): pass

@pytest.mark.postgresql
@pytest.mark.mariadb
def test_servers(): pass

@pytest.mark.browser
def test_browser(browser_executable): pass

def test_any(): pass
"""
SKIPPED = """
def test_left_out(): pytest.skip("not today")
"""


class SelectionTest(SimpleTestCase):
    def run_tests(self, source: str, *options: str, **environment: str) -> str:
        """Run these tests with the project's conftest; return pytest's output."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "test_example.py"
            file.write_text(source)
            command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
            done = subprocess.run(
                [*command, "--rootdir", folder, "-p", "tests.conftest", "-v", *options, str(file)],
                cwd=ROOT,
                env={"PATH": folder, "HOME": os.environ.get("HOME", folder), **environment},
                capture_output=True,
                text=True,
                check=False,
            )
        return done.stdout + done.stderr

    def test_other_databases_and_a_missing_browser_are_deselected(self) -> None:
        output = self.run_tests(EXAMPLES + SKIPPED)
        self.assertIn("2 passed, 1 skipped, 3 deselected", output)

    def test_each_database_gets_its_own_and_a_browser_is_found_by_its_variable(self) -> None:
        output = self.run_tests(
            EXAMPLES,
            DATABASE_URL="postgres://nobody@127.0.0.1:1/none",
            CHATSTORE_BROWSER="/bin/true",
        )
        for name in ("test_postgresql", "test_servers", "test_browser", "test_any"):
            self.assertIn(f"{name} PASSED", output)
        self.assertNotIn("test_sqlite", output)

    def test_in_ci_a_missing_browser_and_a_skipped_test_are_failures(self) -> None:
        output = self.run_tests(EXAMPLES + SKIPPED, CI="true")
        self.assertIn("1 failed, 2 passed, 2 deselected, 1 error", output)
        self.assertIn("No browser", output)
        self.assertIn("skipped, which CI takes for a failure", output)
