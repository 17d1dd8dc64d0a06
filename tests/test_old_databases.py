"""Databases that earlier versions have made are migrated, and everything in them can be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader
from django.test import SimpleTestCase

from tests.databases import dumps

ROOT = Path(__file__).resolve().parent.parent
OLD = sorted(path.name for path in dumps.FOLDER.iterdir() if path.name.isdigit())


def migrations() -> set[str]:
    """Return the numbers of chatstore's migrations."""
    files = MigrationLoader(None).disk_migrations
    return {name[:4] for app, name in files if app == "chatstore"}


@pytest.mark.unsharded  # the dumps are of tables on one node
class OldDatabasesTest(SimpleTestCase):
    databases = {"default"}

    def test_each_is_migrated_and_read_through_store_admin_and_export(self) -> None:
        self.assertTrue(OLD)
        for version in OLD:
            with self.subTest(version), tempfile.TemporaryDirectory() as name:
                folder = dumps.FOLDER / version
                media = shutil.copytree(folder / "files", Path(name, "media"))
                stem = folder / dumps.database_name()
                with dumps.loaded(stem.with_suffix(".sql").read_text(), Path(name)) as database:
                    done = self.run_reading(database, media, stem.with_suffix(".json"))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                if version < max(migrations()):
                    self.assertIn("Applying chatstore.", done.stdout)
                self.assertRegex(done.stdout, r"(?m)^\d+ threads, \d+ pages$")

    def run_reading(
        self, database: str, media: Path, expected: Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.databases.reading", str(expected)],
            cwd=ROOT,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "tests.other_process",
                "OTHER_DATABASE_NAME": database,
                "OTHER_MEDIA_ROOT": str(media),
                "LOG_LEVEL": "ERROR",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def test_each_is_kept_for_all_databases_and_named_after_a_migration(self) -> None:
        for version in OLD:
            with self.subTest(version):
                self.assertIn(version, migrations())
                kept = {path.name for path in (dumps.FOLDER / version).iterdir()}
                for stem in dumps.NAMES.values():
                    self.assertLessEqual({f"{stem}.sql", f"{stem}.json"}, kept)
