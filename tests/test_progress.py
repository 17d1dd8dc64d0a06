"""What a command has done so far is shown on a terminal, with a bar, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase
from django.utils import timezone

from chatstore.management.progress import Progress
from chatstore.models import ChatSession, Counts, ModerationRecord
from chatstore.moderation.records import Action, Moderator, record
from tests import rows
from tests.rows import DAY, StorageMixin, add_attachment, add_thread

ROOT = Path(__file__).resolve().parent.parent


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class LineTest(SimpleTestCase):
    def shown(self, work: Callable[[Progress], object], total: int = 0) -> list[str]:
        terminal = Terminal()
        with Progress(OutputWrapper(terminal), (lambda: total) if total else None) as progress:
            work(progress)
        return terminal.getvalue().split("\r\x1b[K")

    def test_without_a_total_there_are_counts(self) -> None:
        lines = self.shown(lambda progress: progress.rows(2))
        self.assertEqual(lines, ["", "2 rows …", ""])

    def test_with_a_total_there_are_a_bar_and_the_time_left(self) -> None:
        [*_, line, last] = self.shown(lambda progress: progress.threads(Counts(5)), total=10)
        self.assertRegex(
            line,
            r"^\[#{10}-{10}\]  50%  5 threads, 0 messages and 0 files, \d:\d\d:\d\d left$",
        )
        self.assertEqual(last, "")

    def test_more_than_were_counted_is_all(self) -> None:
        [*_, line, _last] = self.shown(lambda progress: progress.rows(11), total=10)
        self.assertRegex(line, r"^\[#{20}\] 100%  11 rows, 0:00:00 left$")

    def test_a_long_line_is_cut_so_that_it_can_be_cleared(self) -> None:
        with patch.dict(os.environ, COLUMNS="40"):
            [*_, line, _last] = self.shown(lambda progress: progress.show("x" * 100, 0.5))
        self.assertEqual(len(line), 39)

    def test_elsewhere_nothing_is_shown_nor_counted(self) -> None:
        file = StringIO()
        with Progress(OutputWrapper(file), self.fail) as progress:
            progress.rows(1)
        self.assertEqual(file.getvalue(), "")


class CommandsTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.archive = str(Path(folder.name, "all.jsonl"))

    def run_commands(self, terminal: type[StringIO]) -> Iterator[tuple[str, str]]:
        """Yield each command, and what it has written on standard error."""
        rows.delete_everything()
        for number in range(3):
            add_thread(f"thr_{number}", age=100 * DAY, messages=1)
        add_attachment("unsent", age=2 * DAY)
        record(ChatSession.objects.all()[0], Moderator("carol"), Action.READ)
        ModerationRecord.objects.update(created_at=timezone.now() - 100 * DAY)
        for command in (
            "check_items",
            f"export_threads {self.archive}",
            f"import_threads {self.archive}",
            "cleanup_records --days 1",
            "cleanup_attachments",
            "assign_threads --from alice --to bob",
            "cleanup_threads --days 90 --limit 1",
            "erase_user bob",
        ):
            error = terminal()
            call_command(*command.split(), stdout=StringIO(), stderr=error)
            yield command, error.getvalue()

    def test_each_long_command_shows_a_bar_on_a_terminal(self) -> None:
        for command, error in self.run_commands(Terminal):
            with self.subTest(command):
                self.assertRegex(error, r"\[#{20}\] 100%  \d+ (row|thread)")

    def test_they_show_nothing_elsewhere(self) -> None:
        for command, error in self.run_commands(StringIO):
            with self.subTest(command):
                self.assertEqual(error, "")


class PseudoTerminalTest(StorageMixin, TransactionTestCase):
    def test_the_line_of_a_real_terminal_is_cleared_at_the_end(self) -> None:
        for number in range(2):
            add_thread(f"thr_{number}", age=100 * DAY)
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", "cleanup_threads", "--days=90"],
            cwd=ROOT,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "tests.other_process",
                "OTHER_DATABASE_NAME": str(connection.settings_dict["NAME"]),
                "OTHER_MEDIA_ROOT": str(self.media),
                "LOG_LEVEL": "ERROR",
            },
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
            check=True,
        )
        os.close(slave)
        shown = os.read(master, 65_536).decode()
        self.assertEqual(done.stdout, "Deleted 2 threads, 4 messages and 0 files.\n")
        self.assertIn("[####################] 100%  2 threads, 4 messages and 0 files", shown)
        self.assertTrue(shown.endswith("\r\x1b[K"), shown)
