"""R2, A4: commands killed at any moment, and two at once, leave nothing half done."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

import pytest
from django.test import TransactionTestCase

from chatstore.models import ChatAttachment, ChatFileToRemove, ChatMessage, ChatSession
from chatstore.portability.archive import ArchiveError
from chatstore.portability.reader import Reader
from tests import rows
from tests.processes import Commands
from tests.rows import DAY, StorageMixin, add_thread

KILLS = 50


@pytest.mark.slow
class KilledTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        commands = Commands(self.media)
        self.addCleanup(commands.__exit__)
        self.commands = commands

    def assert_nothing_half_done(self) -> None:
        sessions = set(ChatSession.objects.values_list("session_id", flat=True))
        self.assertLessEqual(
            set(ChatMessage.objects.values_list("session_id", flat=True)), sessions
        )
        for session in sessions:
            self.assertEqual(ChatMessage.objects.filter(session_id=session).count(), 2)
            self.assertEqual(ChatAttachment.objects.filter(session_id=session).count(), 1)
        named = set(ChatAttachment.objects.values_list("path", flat=True))
        noted = set(ChatFileToRemove.objects.values_list("path", flat=True))
        stored = self.stored()
        self.assertLessEqual(named, stored, "a row without its file")
        self.assertLessEqual(stored, named | noted, "a file that nobody knows of")
        self.assertFalse(named & noted, "a file noted for removal that a row names")

    def test_R2_killed_fifty_times(self) -> None:
        for number in range(3):
            add_thread(f"stays_{number}", age=DAY, files=1)
        add_thread("held", age=100 * DAY, files=1, is_on_hold=True)
        stays = rows.everything()
        deleted: set[str] = set()
        archived: set[str] = set()
        kills = 0
        for name in ("first", "undisturbed"):  # the first one waits for the imports
            self.add_old_threads(name)
            started_at = time.monotonic()
            run = self.commands.start("cleanup_threads", "--days=90", "--batch-size=2")
            self.commands.wait(run)
            seconds_undisturbed = time.monotonic() - started_at
        for round_number in range(10 * KILLS):
            if kills == KILLS:
                break
            self.add_old_threads(str(round_number))
            before = set(ChatSession.objects.values_list("thread_id", flat=True))
            archive = self.folder / f"{round_number}.jsonl{random.choice(['', '.gz'])}"
            pid = self.commands.start(
                "cleanup_threads", "--days=90", "--batch-size=2", f"--archive={archive}"
            )
            # From before the first statement until about the last one.
            time.sleep(random.uniform(0, seconds_undisturbed))
            kills += self.commands.kill(pid) < 0
            self.wait_for_the_database()

            self.assert_nothing_half_done()
            deleted |= before - set(ChatSession.objects.values_list("thread_id", flat=True))
            archived |= self.thread_ids_in(archive)
        self.assertEqual(kills, KILLS)
        self.assertLessEqual(deleted, archived, "deleted, and in no archive")
        self.assertTrue(deleted, "no kill came late enough to tell")

        self.assertEqual(self.commands.wait(self.commands.start("cleanup_threads", "--days=90")), 0)
        self.assertEqual(self.commands.wait(self.commands.start("cleanup_attachments")), 0)

        self.assertEqual(rows.everything(), stays)
        self.assertEqual(self.stored(), set(ChatAttachment.objects.values_list("path", flat=True)))

    def add_old_threads(self, name: str) -> None:
        for number in range(6):
            add_thread(f"old_{name}_{number}", age=100 * DAY, files=1)

    def wait_for_the_database(self) -> None:
        """Wait: a server may notice late that its client is gone, and roll back late."""
        from django.db import OperationalError, transaction

        for _attempt in range(100):
            try:
                for owner in set(ChatSession.objects.values_list("user_id", flat=True)):
                    with transaction.atomic():
                        rows = ChatSession.objects.for_owner(owner)
                        list(rows.select_for_update(nowait=True).values("pk"))
                return
            except OperationalError:
                time.sleep(0.05)

    def thread_ids_in(self, archive: Path) -> set[str]:
        if not archive.exists():
            return set()
        try:
            with Reader(str(archive)) as reader:
                records = list(reader.records(reader.check(partial=True)))
                files = [record["sha256"] for record in records if "sha256" in record]
                for sha256 in files:
                    content = reader.open_file(sha256)
                    self.assertIsNotNone(content, "archived without its file")
                    content.close()
        except ArchiveError:
            return set()  # killed before it wrote its first line
        return {record["id"] for record in records if record["type"] == "thread"}

    def test_R2_two_runs_at_once(self) -> None:
        for number in range(60):
            add_thread(f"old_{number}", age=100 * DAY, files=1)
        add_thread("new", age=DAY, files=1)
        outs = [self.folder / f"{number}.json" for number in range(2)]
        pids = [
            self.commands.start("cleanup_threads", "--days=90", "--batch-size=3", "--json", out=out)
            for out in outs
        ]
        self.assertEqual([self.commands.wait(pid) for pid in pids], [0, 0])
        reports = [json.loads(out.read_text()) for out in outs]
        # Each thread is counted by exactly one run, the one that deleted it.
        left = ChatSession.objects.filter(thread_id__startswith="old").count()
        self.assertEqual(sum(report["threads"] for report in reports) + left, 60)
        self.assertEqual(left, 0)
        self.assertEqual(sum(report["messages"] for report in reports), 120)
        self.assertEqual(sum(report["files"] for report in reports), 60)
        self.assert_nothing_half_done()
        self.assertEqual(len(self.stored()), 1)

    def test_R3_an_import_killed_and_run_again(self) -> None:
        for number in range(120):
            add_thread(f"thr_{number}", age=DAY, files=1)
        archive = str(self.folder / "chat.zip")
        self.assertEqual(self.commands.wait(self.commands.start("export_threads", archive)), 0)
        before = rows.everything()
        for row in before[2]:
            row["path"] = (self.media / row["path"]).read_bytes()
        rows.delete_everything()
        for path in self.stored():
            (self.media / path).unlink()
        for _kill in range(5):
            pid = self.commands.start("import_threads", archive)
            time.sleep(random.uniform(0, 0.3))
            self.commands.kill(pid)
            self.wait_for_the_database()
            # Threads are whole. Files may be missing; none is without a row or a removal.
            for session in ChatSession.objects.all():
                self.assertEqual(session.messages.count(), 2)
            named = set(ChatAttachment.objects.exclude(path="").values_list("path", flat=True))
            noted = set(ChatFileToRemove.objects.values_list("path", flat=True))
            self.assertLessEqual(self.stored() - named, noted)
        self.assertEqual(self.commands.wait(self.commands.start("import_threads", archive)), 0)
        after = rows.everything()
        for row in after[2]:
            row["path"] = (self.media / row["path"]).read_bytes()
        self.assertEqual(after[:3], before[:3])
