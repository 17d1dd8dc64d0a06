"""R3, R4: export and import, erasure, and threads that get another owner."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import os
import resource
import secrets
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Length
from django.db.models.signals import post_init
from django.test import TransactionTestCase, override_settings
from django.utils import timezone

from chatstore import codec, signals
from chatstore.lifecycle import erasure
from chatstore.models import (
    ChatAttachment,
    ChatFileToRemove,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
)
from chatstore.portability import imports
from chatstore.portability.import_batches import RowBatch
from chatstore.portability.records import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    MODEL_TURN_COLUMNS,
    ROWS_PER_BATCH,
    SESSION_COLUMNS,
)
from chatstore.store import DjangoStore
from chatstore.turns import mark_seen, track_request
from tests import base, rows
from tests.processes import Commands
from tests.rows import DAY, StorageMixin, add_attachment, add_model_turn, add_thread


def run(command: str, *args: Any, **options: Any) -> str:
    out, err = StringIO(), StringIO()
    call_command(command, *args, stdout=out, stderr=err, **options)
    return (out.getvalue() + err.getvalue()).strip()


@contextmanager
def standard(name: str, content: bytes = b""):
    """Replace standard input or output by bytes."""
    stream = io.TextIOWrapper(io.BytesIO(content))
    with patch.object(sys, name, stream):
        yield stream.buffer


class ArchiveTestCase(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def path(self, name: str = "chat.jsonl") -> str:
        return str(self.folder / name)

    def lines(self, name: str = "chat.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.path(name)).read_bytes().splitlines()]

    def write_lines(self, records: list[dict[str, Any]], name: str = "chat.jsonl") -> str:
        """Write an archive from these lines, with the right checksum."""
        text = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        end = {"type": "end", "sha256": hashlib.sha256(text).hexdigest()}
        Path(self.path(name)).write_bytes(text + json.dumps(end).encode() + b"\n")
        return self.path(name)

    def watch_rows(self, model: type[Any]) -> Callable[[], int]:
        """Return a function that tells how many of the model's objects there were at once since."""
        alive: list[Any] = []
        most = 0

        def watch(instance: Any, **kwargs: Any) -> None:
            nonlocal most
            alive.append(weakref.ref(instance, alive.remove))
            most = max(most, len(alive))

        post_init.connect(watch, sender=model)
        self.addCleanup(post_init.disconnect, watch, sender=model)
        return lambda: most

    def fill(self) -> None:
        """Write rows that use every column."""
        session = add_thread("thr_1", "alice", age=3 * DAY, messages=3, files=2)
        add_model_turn(session)
        add_thread("thr_2", "alice", age=2 * DAY, messages=0)
        add_thread("thr_3", "Ünï\u2028cödé", age=DAY, messages=1, files=1)
        now = timezone.now()
        held = add_thread(
            "held",
            "bob",
            status="locked",
            reason="application's",
            moderation="closed",
            moderation_reason="moderator's",
            is_on_hold=True,
            hold_reason="court",
            hidden_at=now,
        )
        counts = {"requests": 2, "input_tokens": 7, "output_tokens": 5, "first_text_ms": 3}
        add_model_turn(
            held, agent="a", model="m", **counts, duration_ms=4, hidden_at=now, kind="summary"
        )
        ChatMessage.objects.filter(user_id="bob", item_id="msg_0").update(
            metadata={"model": "m", "tokens": {"in": 1}},
            feedback="negative",
            ending="failed",
            hidden_at=now,
            hidden_by="moderator",
            redacted_at=now,
        )
        ChatMessage.objects.filter(user_id="bob", item_id="msg_1").update(
            payload='{"type": "of tomorrow", "id": "msg_1", "number": 1e5, "ü": null}'
        )
        add_attachment("unsent", "bob", age=DAY)
        add_attachment("not_uploaded", "bob", path="", uploaded_at=None)


class RoundTripTest(ArchiveTestCase):
    def comparable(self) -> list[list[dict[str, Any]]]:
        """Return all rows; paths are another storage's, and columns that follow from payloads
        that can't be read aren't known."""
        tables = rows.everything()
        for row in tables[2]:
            row["path"] = bool(row["path"])
        for table in tables:
            for row in table:
                row["payload"] = json.loads(row["payload"])
                if "number" in row["payload"]:
                    row.update(item_type="", sender_type="", content="")
        return tables

    def bytes_by_attachment(self) -> dict[str, bytes]:
        return {
            row.attachment_id: (self.media / row.path).read_bytes()
            for row in ChatAttachment.objects.exclude(path="")
        }

    def test_R3_export_import_and_export_again(self) -> None:
        """Import into an empty database, in each format: equal rows, identical bytes."""
        self.fill()
        before, contents = self.comparable(), self.bytes_by_attachment()
        for name in ("one.jsonl", "one.jsonl.gz", "one.zip"):
            with self.subTest(name):
                said = run("export_threads", self.path(name))
                self.assertEqual(said, "Exported 4 threads, 6 messages and 5 files.")
                rows.delete_everything()
                for path in self.stored():
                    (self.media / path).unlink()

                said = run("import_threads", self.path(name))

                self.assertEqual(said, "Imported 4 threads, 6 messages and 5 files.")
                self.assertEqual(self.comparable(), before)
                self.assertEqual(self.bytes_by_attachment(), contents)
                again = name.replace("one", "again")
                run("export_threads", self.path(again))
                self.assertEqual(
                    Path(self.path(again)).read_bytes(), Path(self.path(name)).read_bytes()
                )

    def test_R3_importing_twice_changes_nothing(self) -> None:
        self.fill()
        run("export_threads", self.path())
        before, stored = rows.everything(), self.stored()
        said = run("import_threads", self.path())
        self.assertIn("Imported 0 threads, 0 messages and 0 files. 4 threads existed already", said)
        self.assertEqual(rows.everything(), before)
        self.assertEqual(self.stored(), stored)

    def test_R3_an_import_leaves_what_was_written_since_alone(self) -> None:
        self.fill()
        run("export_threads", self.path())
        store = DjangoStore()
        async_to_sync(store.delete_thread_item)("thr_1", "msg_0", base.ALICE)
        async_to_sync(store.add_thread_item)("thr_1", base.user_message("new"), base.ALICE)
        before = rows.everything()
        run("import_threads", self.path())
        self.assertEqual(rows.everything(), before)

    def test_R3_through_a_pipe(self) -> None:
        self.fill()
        with standard("stdout") as out:
            run("export_threads", files=self.path("files"))
            archive = out.getvalue()
        before = self.comparable()
        rows.delete_everything()
        with standard("stdin", archive):
            run("import_threads", files=self.path("files"))
        self.assertEqual(self.comparable(), before)

    def test_R3_from_a_named_pipe(self) -> None:
        """A named pipe, as a shell creates for <(…)."""
        self.fill()
        run("export_threads", self.path())
        before = self.comparable()
        rows.delete_everything()
        os.mkfifo(self.path("pipe"))
        content = Path(self.path()).read_bytes()
        writer = threading.Thread(target=Path(self.path("pipe")).write_bytes, args=[content])
        writer.start()
        run("import_threads", self.path("pipe"), files=f"{self.path()}.files")
        writer.join()
        self.assertEqual(self.comparable(), before)

    def test_R3_lone_surrogates_in_the_applications_metadata_are_exported(self) -> None:
        """PostgreSQL accepts none; SQLite and MariaDB store their escape sequences."""
        add_thread("thr_1")
        payload = json.dumps(json.loads(ChatSession.objects.get().payload) | {"more": "\ud800"})
        ChatSession.objects.update(payload=payload)
        run("export_threads", self.path())
        rows.delete_everything()
        self.assertIn("Imported 1 thread", run("import_threads", self.path()))
        self.assertIn("\ufffd", ChatSession.objects.get().payload)

    def test_R3_files_that_are_not_exported_are_reported(self) -> None:
        self.fill()
        with standard("stdout"):
            said = run("export_threads")
        self.assertIn("4 attachments were exported without their files.", said)

    def test_R3_missing_files_are_added_by_a_later_import(self) -> None:
        self.fill()
        contents = self.bytes_by_attachment()
        run("export_threads", self.path())
        rows.delete_everything()
        Path(self.path("chat.jsonl.files")).rename(self.path("elsewhere"))
        self.assertIn("The files of 4 attachments are missing.", run("import_threads", self.path()))
        run("import_threads", self.path(), files=self.path("elsewhere"))
        self.assertEqual(self.bytes_by_attachment(), contents)
        self.assertFalse(ChatFileToRemove.objects.exists())

    def test_R3_a_changed_file_is_not_imported(self) -> None:
        self.fill()
        run("export_threads", self.path())
        rows.delete_everything()
        for file in Path(self.path("chat.jsonl.files")).iterdir():
            file.write_bytes(b"something else")
        self.assertIn("The files of 4 attachments are missing.", run("import_threads", self.path()))
        self.assertEqual(self.bytes_by_attachment(), {})

    def test_only_its_owner_may_read_an_archive(self) -> None:
        self.fill()
        run("export_threads", self.path())
        for path, mode in ((self.path(), 0o600), (self.path("chat.jsonl.files"), 0o700)):
            self.assertEqual(stat.S_IMODE(Path(path).stat().st_mode), mode)

    def test_an_archive_is_never_overwritten(self) -> None:
        Path(self.path()).write_text("mine")
        with self.assertRaisesMessage(CommandError, "File exists"):
            run("export_threads", self.path())
        self.assertEqual(Path(self.path()).read_text(), "mine")

    def test_by_user_and_since(self) -> None:
        self.fill()
        run("export_threads", self.path(), user="alice")
        self.assertEqual({line.get("user_id") for line in self.lines()}, {None, "alice"})
        since = timezone.now() - dt.timedelta(days=1, hours=1)
        run("export_threads", self.path("since.jsonl"), since=since.isoformat())
        ids = {line["id"] for line in self.lines("since.jsonl") if line["type"] == "thread"}
        self.assertEqual(ids, {"thr_3", "held"})

    def test_every_column_is_exported_or_derived_or_a_key(self) -> None:
        keys = {"session_id", "message_id", "file_id", "user_id", "item_id"}
        # They matter while a turn runs (S15, S20).
        short_lived = {"items_deleted_at", "items_redacted_at", "retry_id"}
        # A link is one of the site that has made it (V11).
        short_lived |= {"answering_until", "stop_id"}
        short_lived |= {"share_hash", "shared_at", "shared_until"}
        # What moderators write for each other leaves the site with nothing.
        short_lived |= {"assignee", "labels", "notes"}
        for model, exported, derived in (
            (ChatSession, SESSION_COLUMNS, codec.session_values(base.thread())),
            (ChatMessage, MESSAGE_COLUMNS, codec.message_values(base.user_message())),
            # The file's name differs in another storage.
            (
                ChatAttachment,
                (*ATTACHMENT_COLUMNS, "path"),
                codec.attachment_values(base.attachment()),
            ),
            (
                ChatModelTurn,
                (*MODEL_TURN_COLUMNS, "model_turn_id"),
                codec.model_turn_values(codec.ModelTurn([], {})),
            ),
        ):
            columns = {field.attname for field in model._meta.concrete_fields}
            self.assertEqual(
                columns - keys - short_lived - set(exported) - set(derived), set(), model
            )

    def test_a_long_thread_is_exported_in_order(self) -> None:
        """A thread longer than a page, and short ones."""
        add_thread("long", messages=1203)
        add_thread("short", messages=2)
        run("export_threads", self.path())
        lines = [line for line in self.lines() if line["type"] in ("thread", "item")]
        start = next(n for n, line in enumerate(lines) if line["id"] == "long")
        positions = [line["timestamp"] for line in lines[start + 1 : start + 1204]]
        self.assertEqual(positions, sorted(positions))
        self.assertEqual(len(set(positions)), 1203)
        before = rows.everything()
        rows.delete_everything()
        run("import_threads", self.path())
        self.assertEqual(rows.everything(), before)


class ManyRowsTest(ArchiveTestCase):
    """An import's queries depend on its pages, and its memory on nothing."""

    def import_counting(self) -> tuple[list[str], int]:
        """Import; return the statements, and the most statements that Django kept for DEBUG."""
        statements: list[str] = []
        kept = 0

        def count(execute: Any, sql: str, *arguments: Any) -> Any:
            nonlocal kept
            statements.append(sql)
            kept = max(kept, len(connection.queries_log))
            return execute(sql, *arguments)

        with connection.execute_wrapper(count), override_settings(DEBUG=True):
            run("import_threads", self.path())
        return statements, kept

    @pytest.mark.unsharded  # where each row is a statement
    def test_R3_threads_are_looked_up_and_written_in_batches(self) -> None:
        for number in range(300):
            add_thread(f"thr_{number}", messages=1)
        run("export_threads", self.path())
        before = rows.everything()
        rows.delete_everything()

        new, _kept = self.import_counting()
        self.assertEqual(rows.everything(), before)
        again, _kept = self.import_counting()
        self.assertEqual(rows.everything(), before)

        # 900 records and 6 batches of threads; SQLite inserts at most 50 messages at a time.
        self.assertLessEqual(len(new), 40, new)
        for statements in (new, again):
            reads = [sql for sql in statements if sql.startswith("SELECT")]
            self.assertLessEqual(len(reads), 2, reads)

    @pytest.mark.unsharded  # the same, and it counts statements
    def test_R3_a_long_thread_is_held_in_memory_a_page_at_a_time(self) -> None:
        add_thread("long", messages=1_200)
        run("export_threads", self.path())
        rows.delete_everything()
        most_alive = self.watch_rows(ChatMessage)
        _statements, kept = self.import_counting()
        self.assertEqual(ChatMessage.objects.count(), 1_200)
        self.assertLessEqual(most_alive(), ROWS_PER_BATCH + 1)
        self.assertLessEqual(kept, 20)  # each holds the text of its messages

    def test_R3_an_existing_thread_in_a_later_page_is_left_alone(self) -> None:
        """And the same thread twice, in one page and in another."""
        for number in range(2):
            add_thread(f"thr_{number}", messages=300)
        run("export_threads", self.path())
        before = rows.everything()
        lines = self.lines()[:-1]
        self.write_lines([*lines, *lines[1:]])
        ChatSession.objects.get(thread_id="thr_0").delete()
        said = run("import_threads", self.path())
        self.assertIn("Imported 1 thread, 300 messages and 0 files. 3 threads existed", said)
        self.assertEqual(rows.everything(), before)


class LongTextsTest(ArchiveTestCase):
    """Neither a statement nor the memory grows with what a page of rows holds."""

    @pytest.mark.mariadb  # its statements are bounded: max_allowed_packet is 16 MiB by default
    def test_R3_V12_a_thread_longer_than_a_statement_is_imported_and_transferred(self) -> None:
        add_thread(messages=1)
        run("export_threads", self.path())
        header, thread, record, thread_end, _end = self.lines()
        rows.delete_everything()
        items = [
            json.loads(base.user_message(f"msg_{number}", "x" * 100_000).model_dump_json())
            for number in range(90)
        ]
        records = [record | {"id": item["id"], "item": item} for item in items]
        self.write_lines([header, thread, *records, thread_end])

        self.assertIn("Imported 1 thread, 90 messages", run("import_threads", self.path()))
        said = run("assign_threads", from_user="alice", to_user="carol")
        self.assertIn("Transferred 1 thread, 90 messages", said)
        lengths = ChatMessage.objects.for_owner("carol").values_list(Length("content"), flat=True)
        self.assertEqual(list(lengths), [100_000] * 90)

    def test_R3_long_model_turns_are_held_in_memory_a_few_at_a_time(self) -> None:
        session = add_thread()
        for _number in range(60):
            add_model_turn(session, payload=f'[{{"items":["{"x" * 200_000}"]}}]')
        run("export_threads", self.path())
        before = rows.everything()
        rows.delete_everything()
        most_alive = self.watch_rows(ChatModelTurn)
        run("import_threads", self.path())
        self.assertLessEqual(most_alive(), 25)
        self.assertTrue(rows.everything() == before)  # a difference would be too long to print


class AnotherDatabaseTest(ArchiveTestCase):
    """A project with two databases: the one of the tests, and SQLite."""

    def manage(self, command: str) -> bytes:
        """Run a shell command with $MANAGE in it, and return its output."""
        environment = os.environ | {
            "MANAGE": f"{sys.executable} -W ignore -m django",
            "DJANGO_SETTINGS_MODULE": "tests.other_process",
            "OTHER_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "OTHER_MEDIA_ROOT": str(self.media),
            "OTHER_SQLITE": self.path("other.sqlite3"),
            "FILES": self.path("files"),
            "LOG_LEVEL": "ERROR",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=Path(__file__).resolve().parent.parent,
            env=environment,
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def test_R3_through_a_pipe_into_another_database_and_out_again(self) -> None:
        self.fill()
        with standard("stdout") as out:
            run("export_threads", files=self.path("files"))
            expected = out.getvalue()
        before = rows.everything()
        self.manage("$MANAGE migrate --database other -v 0 --skip-checks")
        self.manage(
            "$MANAGE export_threads --files $FILES.piped --skip-checks"
            " | $MANAGE import_threads --database other --files $FILES.piped --skip-checks"
        )
        again = self.manage(
            "$MANAGE export_threads --database other --files $FILES.again --skip-checks"
        )

        self.assertEqual(again, expected)
        self.assertEqual(
            {path.name for path in Path(self.path("files.again")).iterdir()},
            {path.name for path in Path(self.path("files")).iterdir()},
        )

        said = self.manage("$MANAGE cleanup_threads --days 1 --database other --skip-checks")
        self.assertIn(b"Deleted 3 threads, 4 messages and 3 files.", said)
        said = self.manage("$MANAGE erase_user bob --database other --skip-checks")
        self.assertIn(b"Erased 0 threads, 0 messages and 2 files of bob.", said)
        self.assertEqual(rows.everything(), before)


class BadArchiveTest(ArchiveTestCase):
    """Refused with a sentence without any text of a conversation; nothing half imported."""

    def setUp(self) -> None:
        super().setUp()
        add_thread("thr_1", age=2 * DAY)
        add_thread("thr_2", age=DAY)
        run("export_threads", self.path())
        self.whole = Path(self.path()).read_bytes()
        rows.delete_everything()

    def assert_refused(self, message: str, content: bytes | None = None) -> None:
        if content is not None:
            Path(self.path()).write_bytes(content)
        with self.assertRaisesMessage(CommandError, message) as caught:
            run("import_threads", self.path())
        self.assertNotIn("Text", str(caught.exception))

    def test_cut_short(self) -> None:
        for length in range(0, len(self.whole), 97):
            with self.subTest(length):
                self.assert_refused("", self.whole[:length])
                self.assertFalse(ChatSession.objects.exists())

    def test_cut_short_and_partial(self) -> None:
        second = self.whole.index(b'"thr_2"')
        end = self.whole.index(b'"end"')
        for length, expected in (
            (second, {"thr_1"}),
            (second + 20, {"thr_1"}),
            (end - 20, {"thr_1"}),
            (end, {"thr_1", "thr_2"}),
            (len(self.whole) - 5, {"thr_1", "thr_2"}),
        ):
            for packed in (False, True):
                with self.subTest(length, packed=packed):
                    rows.delete_everything()
                    content = self.whole[:length]
                    if packed:
                        content = gzip.compress(self.whole, 0)[: length + 18]
                    Path(self.path()).write_bytes(content)
                    run("import_threads", self.path(), partial=True)
                    ids = set(ChatSession.objects.values_list("thread_id", flat=True))
                    self.assertEqual(ids, expected)
                    self.assertEqual(ChatMessage.objects.count(), 2 * len(expected))

    def test_changed(self) -> None:
        self.assert_refused("checksum", self.whole.replace(b"Text 1", b"Text 7"))
        with self.assertRaisesMessage(CommandError, "checksum"):
            run("import_threads", self.path(), partial=True)
        self.assertFalse(ChatSession.objects.exists())

    def test_of_another_kind(self) -> None:
        for content, message in (
            (b"", "incomplete"),
            (b"hello\n", "Line 1 is not a JSON object"),
            (b"[]\n", "Line 1 is not a JSON object"),
            (b'{"type": \n', "Line 1 is not a JSON object"),
            (b'{"type": "else"}\n', "not an archive of chatstore"),
            (b'{"type": "chatstore", "version": 2}\n', "has version 2"),
            (b"PK\x03\x04 and no zip", "zip file is damaged"),
            (b"\x1f\x8b and no gzip", "damaged"),
            (b"SQLite format 3\x00 and no database", "not that of ChatKit's sample store"),
        ):
            with self.subTest(content):
                self.assert_refused(message, content)
        with self.assertRaisesMessage(CommandError, "No such file"):
            run("import_threads", self.path("nothing"))

    def test_an_impossible_record(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        thread, item = lines[1], lines[2]
        for number, bad in enumerate(
            (
                item | {"id": "another"},
                item | {"timestamp": "yesterday"},
                item | {"feedback": "meh"},
                item | {"type": "thing"},
                item | {"id": 7},
                {"type": "item"},
                thread | {"user_id": ""},
                thread | {"id": "x" * 256},
                thread | {"is_on_hold": "perhaps"},
                thread | {"user_id": {"a": 1}},
            )
        ):
            with self.subTest(number):
                rows.delete_everything()
                self.write_lines([lines[0], thread, item, bad])
                self.assert_refused("Line 4 can't be imported")
                self.assertFalse(ChatMessage.objects.exclude(session__isnull=False).exists())

    def test_a_line_that_is_nested_too_deeply(self) -> None:
        """The limit depends on Python's version; newer ones read 700 levels."""
        for depth in (700, 100_000):
            with self.subTest(depth):
                lines = self.whole.splitlines(keepends=True)[:2]
                deep = b'{"a":' * depth + b"1" + b"}" * depth
                self.assertIn(b'"metadata":{}', lines[1])
                lines[1] = lines[1].replace(b'"metadata":{}', b'"metadata":' + deep)
                end = {"type": "end", "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
                lines.append(json.dumps(end).encode() + b"\n")
                with suppress(CommandError) if depth == 700 else self.assertRaises(CommandError):
                    Path(self.path()).write_bytes(b"".join(lines))
                    run("import_threads", self.path())

    def test_a_zip_that_can_not_be_unpacked(self) -> None:
        """Encrypted, compressed by an unknown method, or damaged."""
        with zipfile.ZipFile(self.path("zip"), "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("threads.jsonl", self.whole)
        content = Path(self.path("zip")).read_bytes()
        entry = content.index(b"PK\x01\x02")
        for name, places in (
            ("encrypted", {6: 1, entry + 8: 1}),
            ("unknown", {8: 99, entry + 10: 99}),
            ("damaged", {60: 0xFF, 70: 0xFF}),
        ):
            with self.subTest(name):
                changed = bytearray(content)
                for place, value in places.items():
                    changed[place] = value
                self.assert_refused("damaged or incomplete after line 0", bytes(changed))

    def test_R3_a_value_of_a_wrong_type_is_refused(self) -> None:
        """Each value of each record is replaced by values that no export writes there."""
        lines = [json.loads(line) for line in self.whole.splitlines()][:3]
        common = {"created_at": "2026-01-01T00:00:00Z"}
        columns: list[dict[str, Any]] = [
            {},
            lines[1]
            | {"moderation": "locked", "moderation_reason": "r", "is_on_hold": True}
            | {"hold_reason": "h", "hidden_at": common["created_at"]},
            lines[2]
            | {"ending": "failed", "feedback": "negative", "hidden_at": common["created_at"]}
            | {"hidden_by": "m", "redacted_at": common["created_at"]},
            {"type": "attachment", "id": "atc", "item_id": lines[2]["id"], "size": 3}
            | {"attachment": json.loads(base.attachment("atc").model_dump_json())}
            | common
            | {"uploaded_at": common["created_at"], "hidden_at": common["created_at"]}
            | {"sha256": "0" * 64},
        ]
        wrong = ({"a": 1}, [], ["a"], 7, 1e400, True, "\x00", 10**30, "9999-12-31T23:59:59-23:59")
        for number in (1, 2, 3):
            for name, right in columns[number].items():
                for value in wrong:
                    if type(value) is type(right) and value != "\x00":
                        continue
                    with self.subTest(name, value=str(value)[:30], line=number + 1):
                        records = [lines[0], *columns[1:]]
                        records[number] = columns[number] | {name: value}
                        archive = self.write_lines(records)
                        try:
                            run("import_threads", archive)
                        except CommandError as error:
                            self.assertIn("can't be imported", str(error))
                        else:  # as text that can't be decoded is (S17), or as U+FFFD
                            self.assertIsInstance(value, str)
                        rows.delete_everything()
        for value in wrong:
            self.write_lines([lines[0] | {"version": value}, *lines[1:]])
            with self.subTest("version", value=str(value)[:30]):
                if value is not True:  # equals 1
                    self.assert_refused("The archive has version")

    def test_R3_a_line_that_is_too_long_is_refused_before_it_is_in_memory(self) -> None:
        """A small file can hold one: 64 MiB of spaces are 64 kB of gzip."""
        header = self.whole.splitlines(keepends=True)[0]
        length = 65 * 2**20
        for name in ("long.gz", "long.zip", "long.jsonl"):
            path = self.path(name)
            if name.endswith("gz"):
                with gzip.open(path, "wb", 1) as file:
                    file.write(header + b" " * length)
            elif name.endswith("zip"):
                with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.writestr("threads.jsonl", header + b" " * length)
            else:
                with open(path, "wb") as file:
                    file.write(header)
                    file.truncate(length + 1000)
            with self.subTest(name):
                for partial in (False, True):
                    with self.assertRaisesMessage(CommandError, "Line 2 is longer than 64 MiB"):
                        run("import_threads", path, partial=partial)
        with self.assertRaisesMessage(CommandError, "Line 1 is longer than 1 MiB"):
            Path(self.path()).write_bytes(b" " * 2**21)
            run("import_threads", self.path(), max_line_mib=1)
        with self.assertRaisesMessage(CommandError, "incomplete"):
            run("import_threads", self.path(), max_line_mib=3)

    def test_an_item_after_an_upload_is_refused(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:3]
        upload = {
            "type": "upload",
            "user_id": "alice",
            "id": "atc",
            "attachment": json.loads(base.attachment("atc").model_dump_json()),
            "created_at": "2026-01-01T00:00:00Z",
        }
        self.write_lines([lines[0], upload, lines[2]])
        self.assert_refused("Line 3 can't be imported")

    def test_what_fails_while_it_is_read(self) -> None:
        with self.assertRaisesMessage(CommandError, "Input/output error"):
            run("import_threads", "/proc/self/mem")

    def test_a_thread_twice_is_imported_once(self) -> None:
        """A batch that cleanup_threads had to try again is in the archive twice."""
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        said = run("import_threads", self.write_lines([*lines, *lines[1:]]))
        self.assertIn("Imported 2 threads, 4 messages and 0 files. 2 threads existed already", said)

    def test_an_archive_with_only_the_required_fields(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:4]
        thread = {key: lines[1][key] for key in ("type", "user_id", "id", "thread", "created_at")}
        run(
            "import_threads",
            self.write_lines([lines[0], thread, *lines[2:], {"type": "thread_end"}]),
        )
        session = ChatSession.objects.get()
        last = ChatMessage.objects.order_by("timestamp").last()
        self.assertEqual((session.updated_at, session.is_started), (last.timestamp, True))

    def test_the_same_item_twice_is_refused_with_its_place(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:3]
        self.write_lines([*lines, lines[2]])
        self.assert_refused(
            "The database refused a thread (IntegrityError) at or shortly before Line 4"
        )
        self.assertFalse(ChatSession.objects.exists())

    def test_an_item_without_its_thread(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        self.write_lines([lines[0], lines[2]])
        self.assert_refused("Line 2 can't be imported")

    def test_NUL_and_lone_surrogates(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        lines[1]["thread"]["title"] = "a\x00b\ud800c"
        run("import_threads", self.write_lines(lines[:2]))
        self.assertEqual(ChatSession.objects.get().title, "a\ufffdb\ufffdc")

    def test_NUL_and_lone_surrogates_in_columns_and_in_what_is_no_object(self) -> None:
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        lines[1]["hold_reason"] = "a\x00b\ud800c"
        lines[1]["thread"] = "\x00\ud800"
        lines[2]["metadata"] = {"\ud800": "\x00"}
        run("import_threads", self.write_lines(lines[:3]))
        session = ChatSession.objects.get()
        self.assertEqual(
            (session.hold_reason, session.payload), ("a\ufffdb\ufffdc", "\ufffd\ufffd")
        )
        self.assertEqual(ChatMessage.objects.get().metadata, {"\ufffd": "\ufffd"})

    @pytest.mark.unsharded  # where the importing owner gets one too
    def test_a_thread_of_somebody_else(self) -> None:
        add_thread("thr_1", "bob", age=DAY)
        before = rows.everything()[0][0]
        with self.assertRaisesMessage(CommandError, "1 thread or attachment exists with another"):
            run("import_threads", self.path())
        self.assertEqual(ChatSession.objects.filter(user_id="bob").values().get(), before)
        self.assertEqual(ChatSession.objects.count(), 2)

    def test_no_path_out_of_the_folder(self) -> None:
        """Names of files in an archive must be SHA-256 values; others are not opened."""
        (self.folder / "secret").write_text("secret")
        lines = [json.loads(line) for line in self.whole.splitlines()][:-1]
        attachment = {
            "type": "attachment",
            "id": "atc",
            "attachment": json.loads(base.attachment("atc").model_dump_json()),
            "created_at": "2026-01-01T00:00:00Z",
            "sha256": "../secret",
        }
        run("import_threads", self.write_lines([lines[0], lines[1], attachment]))
        self.assertEqual(ChatAttachment.objects.get().path, "")


class FullDiskTest(ArchiveTestCase):
    """A disk that is full ends a command with a sentence, and deletes nothing."""

    def setUp(self) -> None:
        super().setUp()
        add_thread("thr_1", age=3 * DAY)
        # Compression makes it no shorter.
        ChatMessage.objects.update(content=secrets.token_hex(100_000))
        payload = json.dumps({"type": "of tomorrow", "text": secrets.token_hex(100_000)})
        ChatMessage.objects.update(payload=payload)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let no file grow beyond 60 kB: an error in the same place as that of a full disk."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_R3_an_export_to_a_full_disk_is_an_error_with_a_sentence(self) -> None:
        for name in ("a.jsonl", "a.jsonl.gz", "a.zip"):
            with self.subTest(name), self.full_disk():
                message = "The archive can't be read or written: File too large."
                with self.assertRaisesMessage(CommandError, message):
                    run("export_threads", self.path(name))

    def test_R2_an_archive_on_a_full_disk_deletes_nothing(self) -> None:
        for name in ("a.jsonl", "a.jsonl.gz"):
            with self.subTest(name), self.full_disk():
                message = "The archive can't be read or written: File too large."
                with self.assertRaisesMessage(CommandError, message):
                    run("cleanup_threads", days=1, archive=self.path(name))
            self.assertEqual(ChatMessage.objects.count(), 2)

    @pytest.mark.slow
    def test_R3_a_full_standard_output_is_an_error_with_a_sentence(self) -> None:
        for what in ("/dev/full", "a closed pipe"):
            with self.subTest(what):
                if what == "/dev/full":
                    out: Any = open(what, "wb")  # noqa: SIM115 (closed below)
                else:
                    reader, writer = os.pipe()
                    os.close(reader)
                    out = os.fdopen(writer, "wb")
                done = subprocess.run(
                    [
                        sys.executable,
                        "-W",
                        "ignore",
                        "-m",
                        "django",
                        "export_threads",
                        "--skip-checks",
                    ],
                    cwd=Path(__file__).resolve().parent.parent,
                    env=os.environ
                    | {
                        "DJANGO_SETTINGS_MODULE": "tests.other_process",
                        "OTHER_DATABASE_NAME": str(connection.settings_dict["NAME"]),
                        "OTHER_MEDIA_ROOT": str(self.media),
                        "LOG_LEVEL": "ERROR",
                    },
                    stdout=out,
                    stderr=subprocess.PIPE,
                    text=True,
                    check=False,
                )
                with suppress(OSError):
                    out.close()
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(
                    done.stderr, r"^CommandError: The archive can't be read or written: [^\n]+\n$"
                )


class ImportsAtOnceTest(ArchiveTestCase):
    """Two imports of the same threads at the same time."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(12):
            add_thread(f"thr_{number}", messages=2, files=number == 3)
        run("export_threads", self.path())
        self.before, self.stored_before = self.comparable(), self.stored()
        rows.delete_everything()

    def comparable(self) -> list[list[dict[str, Any]]]:
        tables = rows.everything()
        for row in tables[2]:
            row["path"] = bool(row["path"])
        return tables[:3]

    @pytest.mark.postgresql
    @pytest.mark.mariadb
    def test_R3_a_batch_that_another_import_has_written_is_read_again(self) -> None:
        """The other one ends between our look-up of what exists and our first insert."""
        write, begun = RowBatch.write, threading.Event()

        def write_after_the_other(batch: RowBatch) -> None:
            if any(batch._rows.values()) and not begun.is_set():
                begun.set()
                other = threading.Thread(target=self.import_alone)
                other.start()
                other.join()
            write(batch)

        with (
            patch.object(imports, "THREADS_PER_BATCH", 5),
            patch.object(RowBatch, "write", write_after_the_other),
        ):
            said = run("import_threads", self.path())
        self.assertIn("Imported 0 threads", said)
        self.assertIn("12 threads existed already", said)
        self.assertEqual(self.comparable(), self.before)
        self.assertFalse(ChatFileToRemove.objects.exists())

    def import_alone(self) -> None:
        try:
            run("import_threads", self.path())
        finally:
            connection.close()

    @pytest.mark.slow
    def test_R3_two_imports_at_once_both_end_well(self) -> None:
        with Commands(self.media) as commands:
            pids = [commands.start("import_threads", self.path()) for _n in range(3)]
            self.assertEqual([commands.wait(pid) for pid in pids], [0, 0, 0])
        self.assertEqual(self.comparable(), self.before)
        self.assertEqual(len(self.stored() - self.stored_before), 1)


class SampleStoreTest(ArchiveTestCase):
    """The SQLite file of ChatKit's sample store."""

    def write_sample(self) -> str:
        path = self.path("chatkit.db")
        user_message = base.user_message("m1", attachments=[base.attachment("f1")])
        with sqlite3.connect(path) as connection:
            connection.executescript(
                """
                CREATE TABLE threads (id TEXT PRIMARY KEY, user_id TEXT NOT NULL,
                    created_at TEXT NOT NULL, data TEXT NOT NULL);
                CREATE TABLE items (id TEXT PRIMARY KEY, thread_id TEXT NOT NULL,
                    user_id TEXT NOT NULL, created_at TEXT NOT NULL, data TEXT NOT NULL);
                CREATE TABLE files (id TEXT PRIMARY KEY, user_id TEXT NOT NULL,
                    data TEXT NOT NULL);
                """
            )
            thread = base.thread("t1", created_at=dt.datetime(2025, 1, 1), title="Old")
            dump = thread.model_dump_json()
            connection.executemany(
                "INSERT INTO threads VALUES (?, ?, ?, ?)",
                [
                    ("t1", "alice", "2025-01-01T00:00:00", f'{{"thread": {dump}}}'),
                    ("t2", "bob", "2025-01-02T00:00:00", '{"thread": {"of": "yesterday"}}'),
                ],
            )
            connection.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
                [
                    (item.id, "t1", "alice", time, f'{{"item": {item.model_dump_json()}}}')
                    for item, time in (
                        (base.answer("m3"), "2025-01-01T00:00:02"),
                        (user_message, "2025-01-01T00:00:01"),
                        (base.answer("m2"), "2025-01-01T00:00:02"),
                    )
                ],
            )
            for file_id in ("f1", "f2"):
                data = base.attachment(file_id).model_dump_json()
                connection.execute(
                    "INSERT INTO files VALUES (?, ?, ?)",
                    (file_id, "alice", f'{{"attachment": {data}}}'),
                )
        connection.close()
        return path

    def test_threads_of_the_sample_store_are_imported(self) -> None:
        path = self.write_sample()
        said = run("import_threads", path)
        self.assertEqual(said, "Imported 2 threads, 3 messages and 2 files.")

        store = DjangoStore()
        thread = async_to_sync(store.load_thread)("t1", base.ALICE)
        self.assertEqual(thread.title, "Old")
        page = async_to_sync(store.load_thread_items)("t1", None, 10, "asc", base.ALICE)
        self.assertEqual([item.id for item in page.data], ["m1", "m3", "m2"])
        session = ChatSession.objects.get(thread_id="t1")
        last = ChatMessage.objects.get(item_id="m2").timestamp
        self.assertEqual(session.updated_at, last)
        sent = ChatAttachment.objects.get(attachment_id="f1")
        self.assertEqual(sent.message.item_id, "m1")
        self.assertIsNone(ChatAttachment.objects.get(attachment_id="f2").session_id)

    def test_what_can_not_be_read_is_kept(self) -> None:
        run("import_threads", self.write_sample())
        self.assertEqual(ChatSession.objects.get(thread_id="t2").payload, '{"of":"yesterday"}')
        with self.assertRaises(CommandError):
            run("check_items")

    def test_attachments_of_another_version_are_ignored(self) -> None:
        path = self.write_sample()
        with sqlite3.connect(path) as connection:
            for item_id, attachments in (("m1", "5"), ("m2", '["f1", {"name": "f1"}]')):
                data = f'{{"item": {{"id": "{item_id}", "attachments": {attachments}}}}}'
                connection.execute("UPDATE items SET data = ? WHERE id = ?", (data, item_id))
        connection.close()
        self.assertIn("3 messages and 2 files", run("import_threads", path))

    def test_what_can_not_be_imported_is_named_by_its_id(self) -> None:
        path = self.write_sample()
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE items SET created_at = 'today' WHERE id = 'm2'")
        connection.close()
        with self.assertRaisesMessage(CommandError, "item m2 can't be imported"):
            run("import_threads", path)

    def test_twice_changes_nothing(self) -> None:
        path = self.write_sample()
        run("import_threads", path)
        before = rows.everything()
        run("import_threads", path)
        self.assertEqual(rows.everything(), before)


class EraseTest(ArchiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill()

    def test_R4_all_of_one_user_and_nothing_of_another(self) -> None:
        add_attachment("alone", "alice", age=DAY)
        others = [
            list(model.objects.exclude(user_id="alice").order_by("pk").values())
            for model in (ChatSession, ChatMessage, ChatAttachment, ChatModelTurn)
        ]
        before = rows.everything()
        self.assertEqual(
            run("erase_user", "alice", dry_run=True),
            "Would erase 2 threads, 3 messages and 3 files of alice.",
        )
        self.assertEqual(rows.everything(), before)

        self.assertEqual(
            run("erase_user", "alice"), "Erased 2 threads, 3 messages and 3 files of alice."
        )

        self.assertEqual(rows.everything()[:4], others)
        paths = ChatAttachment.objects.exclude(path="").values_list("path", flat=True)
        self.assertEqual(self.stored(), set(paths))
        again = run("erase_user", "alice")
        self.assertIn("Erased 0 threads, 0 messages and 0 files of alice.\nNothing of alice", again)

    def test_R4_what_is_on_hold_is_named_and_left(self) -> None:
        add_thread("free", "bob", files=1)
        held = ChatSession.objects.get(thread_id="held")
        add_attachment("evidence", "bob", session=held)
        said = run("erase_user", "bob")
        self.assertIn("1 thread is on hold and stays: held.", said)
        self.assertIn("Erased 1 thread, 2 messages and 3 files of bob.", said)
        self.assertEqual(ChatSession.objects.get(user_id="bob"), held)
        self.assertEqual(ChatMessage.objects.filter(user_id="bob").count(), 2)
        self.assertEqual(ChatAttachment.objects.get(user_id="bob").attachment_id, "evidence")

    def test_R4_the_receipt_as_json(self) -> None:
        receipt = json.loads(run("erase_user", "bob", json=True))
        counts = {"threads": 0, "messages": 0, "files": 2, "model_turns": 0}
        self.assertEqual(receipt["erased"], counts)
        self.assertEqual(receipt["on_hold"], ["held"])

    def test_R4_the_application_gets_a_signal(self) -> None:
        heard = []

        def receive(user_id: str, receipt: Any, **kwargs: Any) -> None:
            heard.append((user_id, receipt.erased.threads, ChatSession.objects.count()))

        signals.user_erased.connect(receive)
        self.addCleanup(signals.user_erased.disconnect, receive)
        run("erase_user", "alice", dry_run=True)
        run("erase_user", "alice")
        self.assertEqual(heard, [("alice", 2, 2)])

    def test_R4_a_receiver_that_fails_is_reported(self) -> None:
        def receive(**kwargs: Any) -> None:
            raise OSError

        signals.user_erased.connect(receive)
        self.addCleanup(signals.user_erased.disconnect, receive)
        with (
            self.assertLogs("django.dispatch"),
            self.assertRaisesMessage(CommandError, "receive"),
        ):
            run("erase_user", "alice")
        self.assertFalse(ChatSession.objects.filter(user_id="alice").exists())

    def test_R4_a_running_stream_does_not_create_the_thread_again(self) -> None:
        store = DjangoStore()
        self.enterContext(track_request())
        mark_seen("thr_1")
        run("erase_user", "alice")
        async_to_sync(store.save_thread)(base.thread("thr_1", title="back"), base.ALICE)
        with self.assertRaises(Exception):  # noqa: B017
            async_to_sync(store.add_thread_item)("thr_1", base.answer(), base.ALICE)
        self.assertFalse(ChatSession.objects.filter(user_id="alice").exists())

    def test_R4_a_dry_run_names_and_spares_what_is_on_hold_too(self) -> None:
        add_thread("free", "bob", messages=1)
        said = run("erase_user", "bob", dry_run=True)
        self.assertIn("1 thread is on hold and stays: held.", said)
        self.assertIn("Would erase 1 thread, 1 message and 2 files of bob.", said)

    def test_R4_more_than_a_batch_is_erased_to_its_end(self) -> None:
        add_attachment("alone", "alice")
        add_attachment("alone_too", "alice")
        with patch.object(erasure, "BATCH_SIZE", 1):
            said = run("erase_user", "alice")
        self.assertEqual(said, "Erased 2 threads, 3 messages and 4 files of alice.")
        for model in (ChatSession, ChatMessage, ChatAttachment, ChatModelTurn):
            self.assertFalse(model.objects.filter(user_id="alice").exists())


class AssignTest(ArchiveTestCase):
    def test_a_visitors_threads_are_given_to_the_new_user(self) -> None:
        self.fill()
        add_attachment("unsent_of_alice", "alice")
        stored = self.stored()
        before = rows.everything()
        said = run("assign_threads", from_user="alice", to_user="carol", dry_run=True)
        self.assertEqual(
            said, "Would transfer 2 threads, 3 messages and 3 files from alice to carol."
        )
        self.assertEqual(rows.everything(), before)

        said = run("assign_threads", from_user="alice", to_user="carol")

        self.assertEqual(said, "Transferred 2 threads, 3 messages and 3 files from alice to carol.")
        for table in before:
            for row in table:
                if row.get("user_id") == "alice":
                    row["user_id"] = "carol"
        self.assertEqual(rows.everything(), before)
        self.assertEqual(self.stored(), stored)
        thread = async_to_sync(DjangoStore().load_thread)("thr_1", {"user_id": "carol"})
        self.assertEqual(thread.id, "thr_1")

    def test_to_oneself_is_refused(self) -> None:
        with self.assertRaisesMessage(CommandError, "are the same"):
            run("assign_threads", from_user="alice", to_user="alice")


class CheckItemsTest(ArchiveTestCase):
    def test_S17_rows_that_can_not_be_read_are_listed_without_their_text(self) -> None:
        add_thread("thr_1", messages=3, files=1)
        self.assertEqual(run("check_items"), "Every row can be decoded.")
        secret = "not for logs"
        ChatMessage.objects.filter(item_id="msg_1").update(
            payload=json.dumps({"type": "assistant_message", "content": secret})
        )
        ChatMessage.objects.filter(item_id="msg_2").update(payload=secret)
        ChatAttachment.objects.update(payload='{"type": "of tomorrow"}')
        ChatSession.objects.update(payload="{}")
        out = StringIO()
        with self.assertRaisesMessage(CommandError, "4 rows can't be decoded."):
            call_command("check_items", stdout=out)
        said = out.getvalue()
        self.assertNotIn(secret, said)
        for expected in (
            "thread thr_1",
            "item msg_1 (thr_1, alice)",
            "item msg_2",
            "attachment atc",
        ):
            self.assertIn(expected, said)
        out = StringIO()
        with self.assertRaises(CommandError):
            call_command("check_items", json=True, user="alice", stdout=out)
        self.assertEqual(
            {json.loads(line)["kind"] for line in out.getvalue().splitlines()},
            {"thread", "item", "attachment"},
        )
        call_command("check_items", user="bob", stdout=out)
