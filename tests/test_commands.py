"""The commands' arguments, exit codes, JSON output, progress and archives."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import OutputWrapper
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.utils import translation

from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.models import ChatSession, Counts
from tests import rows
from tests.rows import DAY, StorageMixin, add_thread

ROOT = Path(__file__).resolve().parent.parent


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class ToArchiveRouter:
    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "archive" if model is ChatSession else "default"


class ArgumentsTest(SimpleTestCase):
    """Wrong arguments are refused before the first query; queries are forbidden here."""

    def assert_refused(self, message: str, *args: str) -> None:
        with self.assertRaisesMessage(CommandError, message):
            call_command(*args, stdout=StringIO(), stderr=StringIO())

    def test_R1_days_below_one_and_far_too_many(self) -> None:
        for days in ("0", "-1", "1.5", "x", "", "99999999999"):
            self.assert_refused("it must be a whole number", "cleanup_threads", f"--days={days}")
        self.assert_refused(
            "one of the arguments --days --temporary is required", "cleanup_threads"
        )

    def test_sizes_and_limits(self) -> None:
        for option in ("--batch-size=0", "--batch-size=10001", "--limit=0", "--max-seconds=0"):
            self.assert_refused("whole number", "cleanup_threads", "--days=1", option)

    def test_choices(self) -> None:
        for option in ("--by=title", "--status=open", "--database=nowhere"):
            self.assert_refused("invalid choice", "cleanup_threads", "--days=1", option)

    @override_settings(DATABASE_ROUTERS=[ToArchiveRouter()])
    def test_the_database_is_by_default_the_one_that_the_store_writes_to(self) -> None:
        """On another database erase_user would find nothing to erase, and report success."""
        commands = [name for name, app in get_commands().items() if app == "chatstore"]
        for name in sorted({*commands} - {"create_moderators"}):
            parser = load_command_class("chatstore", name).create_parser("manage.py", name)
            self.assertEqual(parser.get_default("database"), "archive", name)

    def test_owners(self) -> None:
        for user in ("", "x" * 256, "a\x00b"):
            for command in ("erase_user", "check_items", "export_threads"):
                args = [user] if command == "erase_user" else [f"--user={user}"]
                self.assert_refused("an owner's id", command, *args)

    def test_times(self) -> None:
        for since in ("yesterday", "2026-13-01", "2026-02-30", ""):
            self.assert_refused("a date or a time", "export_threads", f"--since={since}")
        self.assertEqual(
            arguments.date_or_time("2026-01-31").isoformat(), "2026-01-31T00:00:00+00:00"
        )
        self.assertEqual(
            arguments.date_or_time("2026-01-31T12:00+02:00").isoformat(),
            "2026-01-31T10:00:00+00:00",
        )
        for far in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
            arguments.date_or_time(far).astimezone(dt.timezone(dt.timedelta(hours=14)))

    def test_an_archive_that_a_killed_run_would_leave_unreadable(self) -> None:
        for target in ("old.zip", "-"):
            args = ("cleanup_threads", "--days=1", f"--archive={target}")
            self.assert_refused("FILE.jsonl", *args)
            self.assert_refused("FILE.jsonl", *args, "--dry-run")

    def test_counts_use_singular_and_plural(self) -> None:
        self.assertEqual(arguments.format_counts(Counts(1, 1, 1)), "1 thread, 1 message and 1 file")
        self.assertEqual(
            arguments.format_counts(Counts(0, 2, 3)), "0 threads, 2 messages and 3 files"
        )


class ExitCodesTest(StorageMixin, TransactionTestCase):
    """Each case runs in its own process, as with cron."""

    def manage(self, *args: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.other_process",
            "OTHER_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "OTHER_MEDIA_ROOT": str(self.media),
            "LOG_LEVEL": "ERROR",
        }
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "django", *args, "--skip-checks"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_the_documented_exit_codes(self) -> None:
        add_thread("thr_1", age=100 * DAY)
        done = self.manage("cleanup_threads", "--days=90", "--limit=1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["threads"], report["is_finished"]), (1, False))
        self.assertEqual(done.stderr, "")

        self.assertEqual(self.manage("cleanup_threads", "--days=0").returncode, 2)

        add_thread("thr_2")
        ChatSession.objects.update(payload="{}")
        done = self.manage("check_items")
        self.assertEqual(done.returncode, 1)
        self.assertIn("thread thr_2", done.stdout)
        self.assertIn("1 row can't be decoded.", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


class OutputTest(StorageMixin, TransactionTestCase):
    def run_command(self, *args: Any, **options: Any) -> str:
        out = StringIO()
        call_command(*args, stdout=out, **options)
        return out.getvalue().strip()

    def test_progress_is_for_terminals(self) -> None:
        for terminal, is_shown in ((Terminal(), True), (StringIO(), False)):
            rows.delete_everything()
            for number in range(3):
                add_thread(f"old_{number}", age=100 * DAY)
            said = self.run_command("cleanup_threads", days=90, batch_size=1, stderr=terminal)
            self.assertEqual(said, "Deleted 3 threads, 6 messages and 0 files.")
            self.assertEqual("2 threads, 4 messages and 0 files" in terminal.getvalue(), is_shown)

    def test_progress_is_not_red_as_errors_are(self) -> None:
        terminal = Terminal()
        stream = OutputWrapper(terminal)
        stream.style_func = lambda text: f"\x1b[31m{text}"
        with Progress(stream) as progress:
            progress.threads(Counts(1, 1, 1))
        self.assertIn("1 thread", terminal.getvalue())
        self.assertNotIn("\x1b[31m", terminal.getvalue())

    def test_json_is_one_line(self) -> None:
        add_thread("old", age=100 * DAY, files=1)
        add_thread("held", age=100 * DAY, is_on_hold=True)
        said = self.run_command("cleanup_threads", days=90, dry_run=True, json=True)
        report = json.loads(said)
        self.assertIn("T", report.pop("cutoff"))
        expected = {"threads": 1, "messages": 2, "files": 1, "model_turns": 0, "on_hold": 1}
        expected |= {"temporary": 0, "pinned": 0}
        flags = {"dry_run": True, "by": "activity", "is_finished": True}
        self.assertEqual(report, expected | flags)
        report = json.loads(self.run_command("cleanup_attachments", json=True))
        self.assertEqual(report, {"dry_run": False, "uploads": 0, "files": 0, "failed": 0})

    def test_a_stop_at_a_limit_is_reported(self) -> None:
        add_thread("old", age=100 * DAY)
        self.assertIn("Stopped at a limit", self.run_command("cleanup_threads", days=90, limit=1))

    def test_S17_check_items_prints_only_json_where_it_is_asked_for(self) -> None:
        self.assertEqual(self.run_command("check_items", json=True), "")

    def test_no_command_prints_text_of_conversations(self) -> None:
        add_thread("thr_1", age=100 * DAY, files=1)
        with translation.override("en"), self.assertNoLogs("chatstore", "WARNING"):
            said = [
                self.run_command("cleanup_threads", days=90, dry_run=True),
                self.run_command("check_items"),
                self.run_command("assign_threads", from_user="alice", to_user="bob"),
                self.run_command("erase_user", "bob"),
            ]
        self.assertNotIn("Text", " ".join(said))
        self.assertNotIn("Title", " ".join(said))

    def test_R4_a_name_in_place_of_an_id_is_told(self) -> None:
        add_thread("thr_1")
        for user, is_told in (("alice", False), ("Alice Smith", True)):
            with self.subTest(user):
                err = StringIO()
                call_command("erase_user", user, dry_run=True, stdout=StringIO(), stderr=err)
                self.assertEqual("primary key" in err.getvalue(), is_told)

    def test_R2_what_can_not_be_archived_is_not_deleted(self) -> None:
        add_thread("old", age=100 * DAY)
        with self.assertRaisesMessage(CommandError, "No space left"):
            self.run_command("cleanup_threads", days=90, archive=self.full_disk())
        self.assertEqual(ChatSession.objects.count(), 1)

    def full_disk(self) -> str:
        """Return a path at which a file can be created, but nothing can be written."""
        opened = os.open

        def open_full(path: str, *args: Any) -> int:
            return opened("/dev/full", os.O_WRONLY) if path == "/full" else opened(path, *args)

        patcher = patch("chatstore.portability.writer.os.open", open_full)
        patcher.start()
        self.addCleanup(patcher.stop)
        return "/full"

    def test_R2_the_archive_is_an_export_of_what_was_deleted(self) -> None:
        archive = str(self.media / "archive.jsonl.gz")
        for number in range(5):
            add_thread(f"old_{number}", age=(100 + number) * DAY, files=1)
        add_thread("new", age=DAY)
        before = rows.everything()
        stored = {path: (self.media / path).read_bytes() for path in self.stored()}

        self.run_command("cleanup_threads", days=90, batch_size=2, archive=archive, dry_run=True)
        self.assertFalse(Path(archive).exists())
        self.run_command("cleanup_threads", days=90, batch_size=2, archive=archive)
        self.assertEqual(ChatSession.objects.count(), 1)
        with self.assertRaisesMessage(CommandError, "File exists"):
            self.run_command("cleanup_threads", days=90, archive=archive)
        said = self.run_command("import_threads", archive)

        self.assertEqual(said, "Imported 5 threads, 10 messages and 5 files.")
        after = rows.everything()
        for was, row in zip(before[2], after[2], strict=True):
            self.assertEqual((self.media / row.pop("path")).read_bytes(), stored[was.pop("path")])
        self.assertEqual(after, before)
