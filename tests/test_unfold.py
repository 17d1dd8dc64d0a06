"""Runs the tests of the admin again with django-unfold, which is optional."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent
FILES = ("tests/test_admin.py", "tests/test_list_exports.py", "tests/test_overview.py")


@pytest.mark.slow
@pytest.mark.sqlite
class UnfoldTest(SimpleTestCase):
    def run_python(self, *args: str) -> str:
        environment = os.environ | {
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "tests.unfold_settings",
            "TEST_DATABASE_NAME": f"test_unfold_{os.getpid()}",
        }
        done = subprocess.run(
            [sys.executable, *args], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-1000:])
        return done.stdout

    def test_every_test_of_the_admin_holds(self) -> None:
        options = ("-q", "-p", "no:cacheprovider", "--ds=tests.unfold_settings")
        self.assertIn("passed", self.run_python("-m", "pytest", *options, *FILES))

    def test_the_lists_are_unfolds_own(self) -> None:
        code = (
            "import django; django.setup(); from django.contrib import admin; "
            "from unfold.admin import ModelAdmin; from chatstore.models import ChatSession; "
            "assert isinstance(admin.site._registry[ChatSession], ModelAdmin)"
        )
        self.run_python("-c", code)
