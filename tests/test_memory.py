"""R2, R3: many threads need no more memory than few."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from django.test import TransactionTestCase

from benchmarks.seed import seed
from chatstore.conf import settings
from chatstore.models import ChatMessage, ChatSession
from tests import rows
from tests.processes import Commands
from tests.rows import DAY, StorageMixin

FEW = 300
MANY = 1_000 if settings.sharded else 3_000  # where each row is imported by a statement
MESSAGES = 10


@pytest.mark.slow
class FlatMemoryTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.commands = Commands(self.media)
        self.addCleanup(self.commands.__exit__)

    def test_R2_R3_many_messages_need_no_more_memory_than_few(self) -> None:
        """Export, import, export again with identical bytes, and delete."""
        taken: dict[str, list[int]] = {"export_threads": [], "import_threads": [], "cleanup": []}
        for threads in (FEW, MANY):
            seed(threads, MESSAGES, prefix=f"of_{threads}", newest=200 * DAY)
            # One long thread, the others are short.
            seed(1, threads, prefix=f"long_{threads}", newest=200 * DAY)
            first, again = self.folder / f"{threads}.jsonl", self.folder / f"{threads}_2.jsonl"
            run = self.commands.peak_memory
            taken["export_threads"].append(run("export_threads", str(first)))
            rows.delete_everything()
            taken["import_threads"].append(run("import_threads", str(first)))
            self.assertEqual(ChatSession.objects.count(), threads + 1)
            self.assertEqual(ChatMessage.objects.count(), threads * (MESSAGES + 1))
            run("export_threads", str(again))
            subprocess.run(["cmp", first, again], check=True)
            taken["cleanup"].append(run("cleanup_threads", "--days=90"))
            self.assertFalse(ChatMessage.objects.exists())
        for name, (few, many) in taken.items():
            self.assertLess(many / few, 1.2, f"{name}: {few} kB for few, {many} kB for many")
