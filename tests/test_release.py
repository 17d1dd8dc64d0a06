"""What `make release` checks, builds and tags, in a clone of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent
WHO = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
WHO |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in WHO.items()}


class ReleaseTest(SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.clone = Path(folder.name, "clone")
        # Of the files as they are here, committed or not.
        files = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
        )
        for name in files.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.clone / name)
        newest = max(path.name[:4] for path in (ROOT / "chatstore" / "migrations").glob("0*.py"))
        (self.clone / "tests" / "databases" / newest / "made").mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")
        self.edit("chatstore/__init__.py", r"__version__ = .*", '__version__ = "1.2.3"')
        self.edit("CHANGELOG.md", r"## Unreleased", "## Unreleased\n\n## 1.2.3 - 2026-01-31")
        self.commit()

    def git(self, *command: str) -> str:
        return subprocess.check_output(
            ["git", *command], cwd=self.clone, env=os.environ | WHO, text=True
        )

    def edit(self, name: str, old: str, new: str) -> None:
        text, count = re.subn(old, new, (self.clone / name).read_text(), count=1)
        self.assertEqual(count, 1, f"{old} in {name}")
        (self.clone / name).write_text(text)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def release(self, version: str = "1.2.3") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ".ci/release.py", version, "--without-trial"],
            cwd=self.clone,
            env=os.environ | WHO,
            capture_output=True,
            text=True,
            check=False,
        )

    def assert_refused(self, reason: str, version: str = "1.2.3") -> None:
        done = self.release(version)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(reason, done.stderr)
        self.assertFalse((self.clone / "dist").exists())

    def test_it_is_built_checked_and_tagged_and_nothing_is_published(self) -> None:
        done = self.release()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        built = {path.name for path in (self.clone / "dist").iterdir()}
        self.assertEqual(
            built, {"django_chatstore-1.2.3-py3-none-any.whl", "django_chatstore-1.2.3.tar.gz"}
        )
        self.assertEqual(self.git("cat-file", "-t", "v1.2.3"), "tag\n")
        self.assertEqual(self.git("rev-parse", "v1.2.3^{}"), self.git("rev-parse", "HEAD"))
        self.assertIn("To publish it:\n  git push origin v1.2.3\n", done.stdout)
        self.assertEqual(self.git("status", "--porcelain"), "")
        shutil.rmtree(self.clone / "dist")
        self.assert_refused("The tag v1.2.3 is there already.")

    def test_what_is_no_version_is_refused(self) -> None:
        for version in ("1.2", "v1.2.3", "1.2.3-1", "next"):
            with self.subTest(version):
                self.assert_refused("is no version", version)

    def test_another_version_is_refused(self) -> None:
        self.assert_refused("chatstore.__version__ is 1.2.3.", "1.2.4")

    def test_a_changelog_that_is_not_ready_is_refused(self) -> None:
        for old, new, reason in (
            ("## Unreleased\n", "## Unreleased\n\n- New\n", "has entries under Unreleased"),
            (r"## 1\.2\.3 - ", "## 1.2.2 - ", "has no heading “## 1.2.3 - "),
            ("2026-01-31", "soon", "has no date"),
            (r"(1\.2\.3 - \S+\n)", r"\1\n## 0.0.1 - 2025-01-01\n", "has no entries for 1.2.3"),
        ):
            with self.subTest(reason):
                self.edit("CHANGELOG.md", old, new)
                self.commit()
                self.assert_refused(reason)
                self.git("reset", "--quiet", "--hard", "HEAD~1")

    def test_what_is_not_committed_is_refused(self) -> None:
        (self.clone / "new.txt").write_text("new")
        self.assert_refused("These files are not committed:\n?? new.txt")

    def test_a_tag_at_origin_is_refused(self) -> None:
        origin = self.clone.parent / "origin"
        self.git("clone", "--quiet", "--bare", ".", str(origin))
        self.git("remote", "add", "origin", str(origin))
        self.git(f"--git-dir={origin}", "tag", "v1.2.3")
        self.assert_refused("The tag v1.2.3 is at origin already.")

    def test_without_a_database_for_later_versions_it_is_refused(self) -> None:
        (self.clone / "chatstore" / "migrations" / "0999_new.py").write_text("")
        self.commit()
        self.assert_refused("There is no database of migration 0999 yet: make database-fixture.")
