"""Runs the backup and restore of docs/how-to/operations.md: every row and file is restored."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase

from tests.rows import DAY, StorageMixin, add_attachment, add_thread

OPERATIONS = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "operations.md"


def commands(heading: str) -> str:
    """Return the first block of shell commands under a heading."""
    section = OPERATIONS.read_text().split(f"### {heading}\n", 1)[1]
    found = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


class DocumentedCommandsTest(SimpleTestCase):
    def test_each_command_and_option_exists(self) -> None:
        text = OPERATIONS.read_text()
        named = re.findall(r"manage\.py (\w+)([^\n#|>&]*)", text)
        self.assertGreater(len(named), 10)
        for name, arguments in named:
            app = get_commands()[name]
            if app == "chatstore":
                parser = load_command_class(app, name).create_parser("manage.py", name)
                parser.parse_args(arguments.replace('"', "").split())

    def test_each_option_of_the_table_exists(self) -> None:
        table = re.search(r"\| option \|.*?\n\n", OPERATIONS.read_text(), re.DOTALL)
        assert table
        parser = load_command_class("chatstore", "cleanup_threads").create_parser("", "")
        options = {name for action in parser._actions for name in action.option_strings}
        for cell in re.findall(r"^\| (`--.*?) \|", table[0], re.MULTILINE):
            self.assertLessEqual(set(re.findall(r"--[a-z-]+", cell)), options)


@pytest.mark.postgresql
class BackupTest(StorageMixin, TransactionTestCase):
    def url(self, database: str) -> str:
        settings = connection.settings_dict
        password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
        server = f"{settings['HOST']}:{settings['PORT'] or 5432}"
        return f"postgres://{settings['USER']}{password}@{server}/{database}"

    def rows(self, url: str) -> dict[str, list[Any]]:
        with psycopg.connect(url) as other:
            tables = other.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
            return {
                table: sorted(map(repr, other.execute(f'SELECT * FROM "{table}"').fetchall()))
                for (table,) in tables
            }

    def test_the_documented_backup_and_restore(self) -> None:
        for number in range(20):
            add_thread(f"thr_{number}", f"user_{number % 3}", age=number * DAY, files=1)
        add_attachment("unsent", content=os.urandom(100_000))
        name = connection.settings_dict["NAME"]
        new_name = f"{name}_restored"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        new_media = Path(folder.name) / "restored"
        environment = os.environ | {
            "DATABASE_URL": self.url(name),
            "MEDIA_ROOT": str(self.media),
            "BACKUP": folder.name,
            "NEW_DATABASE": new_name,
            "NEW_DATABASE_URL": self.url(new_name),
            "NEW_MEDIA_ROOT": str(new_media),
        }
        drop = f'DROP DATABASE IF EXISTS "{new_name}"'
        self.execute_on_server(drop)
        self.addCleanup(self.execute_on_server, drop)

        for heading in ("Back up", "Restore"):
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands(heading)], env=environment, check=True
            )

        before, after = self.rows(self.url(name)), self.rows(self.url(new_name))
        self.assertEqual(len(before["chat_messages"]), 40)
        self.assertEqual(after, before)
        self.assertEqual(
            {path: (new_media / path).read_bytes() for path in self.stored()},
            {path: (self.media / path).read_bytes() for path in self.stored()},
        )

    def execute_on_server(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as server:
            server.execute(statement)
