"""What `make run` says while it installs: .ci/install.py, with a wheel that is made here."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
import unittest
import zipfile
from importlib.util import find_spec
from pathlib import Path

from django.test import SimpleTestCase

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "install.py"


@unittest.skipUnless(find_spec("pip"), "uv, which needs no such help, makes environments without")
class InstallTest(SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        with zipfile.ZipFile(self.folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
            about = "tiny-1.0.dist-info"
            wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
            tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{about}/WHEEL", tag)
            wheel.writestr(f"{about}/RECORD", "")

    def install(self, name: str, stdout: int) -> subprocess.CompletedProcess[str]:
        options = ["--no-index", "--find-links", str(self.folder)]
        options += ["--target", str(self.folder / "target")]
        return subprocess.run(
            [sys.executable, str(SCRIPT), *options, name],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    def test_elsewhere_than_on_a_terminal_each_step_is_a_line(self) -> None:
        done = self.install("tiny", subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^  installing 1 in all\n  done in \d+ s\n$")
        self.assertTrue((self.folder / "target" / "tiny-1.0.dist-info").is_dir())

    def test_on_a_terminal_one_line_has_the_seconds_and_is_cleared(self) -> None:
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.assertEqual(self.install("tiny", slave).returncode, 0)
        os.close(slave)
        shown = os.read(master, 65_536).decode()
        self.assertRegex(shown, r"\r\x1b\[K +\d+ s  installing 1 in all")
        self.assertRegex(shown, r"\r\x1b\[K  done in \d+ s\r\n$")

    def test_of_a_failure_all_is_printed_that_pip_has_said(self) -> None:
        done = self.install("missing", subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No matching distribution found for missing", done.stderr)
