"""Dockerfile, .dockerignore and compose.yaml fit each other; no image is built here."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent


class ContainersTest(SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dockerfile = (ROOT / "Dockerfile").read_text()
        self.compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
        self.site = self.compose["services"]["site"]

    def test_what_is_copied_is_there_and_sent_to_the_builder(self) -> None:
        copied = {
            name
            for line in re.findall(r"^COPY (.*) \S+$", self.dockerfile, re.M)
            for name in line.split()
        }
        for name in copied:
            self.assertTrue((ROOT / name).exists(), name)
        sent = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.M))
        self.assertEqual(sent, copied)

    def test_what_the_installation_reads_is_copied_before_it(self) -> None:
        before = self.dockerfile.partition("RUN pip install")[0]
        named = re.findall(
            r"^include (\S+)|readme = \"(\S+)\"", (ROOT / "pyproject.toml").read_text()
        )
        for name in ("requirements.txt", "pyproject.toml", *filter(None, sum(named, ()))):
            self.assertIn(name, before)

    def test_the_demos_settings_read_each_variable(self) -> None:
        settings = (ROOT / "project" / "settings.py").read_text()
        for name in self.site["environment"]:
            self.assertIn(f'"{name}"', settings)

    def test_the_passwords_that_everybody_knows_are_for_this_machine_only(self) -> None:
        self.assertEqual(self.site["ports"], ["127.0.0.1:8000:8000"])
        for name, service in self.compose["services"].items():
            if name != "site":
                self.assertNotIn("ports", service)

    def test_it_waits_for_what_it_needs(self) -> None:
        others = self.compose["services"].keys() - {"site"}
        self.assertEqual(self.site["depends_on"].keys(), others)
        for name in others:
            self.assertIn("healthcheck", self.compose["services"][name])

    def test_it_does_not_run_as_root(self) -> None:
        self.assertRegex(self.dockerfile, r"\nUSER [1-9]\d*\n(?!(.|\n)*\nUSER)")
