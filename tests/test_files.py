"""A4: files are deleted with their rows; each file has a row or a scheduled removal."""

from __future__ import annotations

import datetime as dt
import json
import threading
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import TransactionTestCase, override_settings
from django.utils import timezone

from chatstore import files
from chatstore.attachments import DjangoAttachmentStore
from chatstore.lifecycle.unused_files import FilesReport, cleanup_files
from chatstore.models import (
    ChatAttachment,
    ChatFileToRemove,
    ChatMessage,
    ChatSession,
    message_key,
)
from chatstore.store import DjangoStore
from tests import base
from tests.proxy import elsewhere
from tests.rows import DAY, StorageMixin, add_attachment, add_thread


class FailingStorage(FileSystemStorage):
    """A real storage that fails on request."""

    fails = True

    def delete(self, name: str) -> None:
        if self.fails:
            raise ConnectionError("storage is down")
        super().delete(name)

    def _save(self, name: str, content: Any) -> str:
        saved = super()._save(name, content)
        if self.fails:
            raise ConnectionError("storage went down at the last byte")
        return saved


class WithRowsTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = DjangoStore()

    def do(self, operation: str, *args: Any) -> Any:
        return async_to_sync(getattr(self.store, operation))(*args, base.ALICE)

    def named(self) -> set[str]:
        return set(ChatAttachment.objects.values_list("path", flat=True))

    def assert_files_are_those_of_rows(self, count: int) -> None:
        self.assertEqual(self.stored(), self.named())
        self.assertEqual(len(self.stored()), count)
        self.assertFalse(ChatFileToRemove.objects.exists())

    def test_A4_files_are_removed_with_their_thread(self) -> None:
        add_thread("thr_1", files=2)
        add_thread("thr_2", files=1)
        self.do("delete_thread", "thr_1")
        self.assert_files_are_those_of_rows(1)

    def test_A4_files_are_removed_with_their_message(self) -> None:
        add_thread("thr_1", messages=2, files=2)  # those of msg_1, which is the first message
        self.do("delete_thread_item", "thr_1", "msg_0")
        self.assert_files_are_those_of_rows(2)
        self.do("delete_thread_item", "thr_1", "msg_1")
        self.assert_files_are_those_of_rows(0)
        self.assertFalse(ChatMessage.objects.exists())

    def test_A4_a_single_file_is_removed(self) -> None:
        add_attachment("atc_1")
        add_attachment("atc_2", "bob")
        self.do("delete_attachment", "atc_1")
        self.do("delete_attachment", "atc_2")
        self.assert_files_are_those_of_rows(1)

    def test_A4_an_upload_belongs_to_the_message_that_names_it(self) -> None:
        add_attachment("atc_1", age=2 * DAY)
        add_attachment("atc_2", "bob", age=2 * DAY)
        self.do("save_thread", base.thread())
        sent = [base.attachment("atc_1"), base.attachment("atc_2")]
        self.do("add_thread_item", "thr_1", base.user_message(attachments=sent))
        row = ChatAttachment.objects.get(attachment_id="atc_1")
        self.assertEqual((row.session.thread_id, row.message.item_id), ("thr_1", "msg_1"))
        self.assertIsNone(ChatAttachment.objects.get(attachment_id="atc_2").message_id)
        # The same file in another message: it still belongs to the first one.
        self.do("add_thread_item", "thr_1", base.user_message("msg_2", attachments=sent))
        self.do("delete_thread_item", "thr_1", "msg_2")
        self.assertTrue(ChatAttachment.objects.filter(attachment_id="atc_1").exists())

    def test_M4_on_hold_no_file_is_removed(self) -> None:
        add_thread("thr_1", messages=1, files=1, is_on_hold=True)
        self.do("delete_attachment", "atc_thr_1_0")
        self.do("delete_thread_item", "thr_1", "msg_0")
        self.do("delete_thread", "thr_1")
        self.assert_files_are_those_of_rows(1)
        self.assertFalse(ChatMessage.objects.visible().exists())

    def test_A4_after_a_rollback_no_file_is_removed(self) -> None:
        add_thread("thr_1", files=1)
        with self.assertRaises(KeyError), transaction.atomic():
            self.do("delete_thread", "thr_1")
            self.assertTrue(ChatFileToRemove.objects.exists())
            raise KeyError
        self.assert_files_are_those_of_rows(1)

    def test_A4_with_the_messages_that_a_retry_removes(self) -> None:
        session = add_thread("thr_1", messages=2, files=1)  # of msg_1, which is the first
        add_attachment("atc_2", session=session, message_id=message_key("thr_1", "msg_0"))
        self.do("delete_items_after", "thr_1", "msg_1")
        self.assert_files_are_those_of_rows(1)

    def test_A3_a_message_that_names_a_file_of_another_thread_leaves_it_there(self) -> None:
        add_attachment("atc_1")
        self.do("save_thread", base.thread("thr_1"))
        self.do("save_thread", base.thread("thr_2"))
        self.do("save_attachment", base.attachment("atc_1", thread_id="thr_1"))
        named = base.user_message(thread_id="thr_2", attachments=[base.attachment("atc_1")])
        for operation in ("add_thread_item", "save_item"):
            self.do(operation, "thr_2", named)
            row = ChatAttachment.objects.select_related("session").get()
            self.assertEqual((row.session.thread_id, row.message_id), ("thr_1", None))
        self.do("delete_thread", "thr_2")
        self.assert_files_are_those_of_rows(1)

    def test_M4_a_thread_on_hold_without_files_is_kept_too(self) -> None:
        add_thread("thr_1", messages=2, is_on_hold=True)
        self.do("delete_thread", "thr_1")
        self.assertIsNotNone(ChatSession.objects.get().hidden_at)
        self.assertEqual(ChatMessage.objects.count(), 2)


class RenamingStorage(FileSystemStorage):
    """A real storage that chooses the names of its files itself."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(f"{name}_renamed", content)


class RenamedFilesTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        backend = {
            "BACKEND": "tests.test_files.RenamingStorage",
            "OPTIONS": {"location": str(self.media)},
        }
        override = override_settings(STORAGES={"default": backend})
        override.enable()
        self.addCleanup(override.disable)

    def test_A1_a_file_is_found_under_the_name_that_the_storage_has_chosen(self) -> None:
        store = DjangoAttachmentStore()
        content = ContentFile(b"some text")
        upload = async_to_sync(store.upload)(content, "a.txt", "text/plain", base.ALICE)
        self.assertEqual(async_to_sync(store.read)(upload.id, base.ALICE), b"some text")
        self.assertFalse(ChatFileToRemove.objects.exists())
        async_to_sync(store.delete_attachment)(upload.id, base.ALICE)
        self.assertEqual(self.stored(), set())

    def test_A4_under_that_name_its_removal_is_scheduled(self) -> None:
        path = files.save(ContentFile(b"bytes"), "default")
        self.assertEqual(self.stored(), {path})
        self.assertEqual(ChatFileToRemove.objects.get().path, path)


class FailingStorageTest(StorageMixin, TransactionTestCase):
    """The storage fails, and recovers."""

    def setUp(self) -> None:
        super().setUp()
        backend = {
            "BACKEND": "tests.test_files.FailingStorage",
            "OPTIONS": {"location": str(self.media)},
        }
        override = override_settings(STORAGES={"default": backend})
        override.enable()
        self.addCleanup(override.disable)
        self.addCleanup(setattr, FailingStorage, "fails", True)
        FailingStorage.fails = False

    def test_A4_an_error_while_deleting(self) -> None:
        add_thread("thr_1", files=2)
        FailingStorage.fails = True
        with self.assertLogs("chatstore.files", "WARNING") as logs:
            async_to_sync(DjangoStore().delete_thread)("thr_1", base.ALICE)
        self.assertNotIn("Bytes of", str(logs.output))
        self.assertFalse(ChatAttachment.objects.exists())
        self.assertEqual(
            self.stored(), set(ChatFileToRemove.objects.values_list("path", flat=True))
        )
        self.assertEqual(set(ChatFileToRemove.objects.values_list("tries", flat=True)), {1})

        FailingStorage.fails = False
        with self.assertRaisesMessage(CommandError, "2 files could not be removed"):
            self.cleanup()  # not yet due: an hour later
        ChatFileToRemove.objects.update(due_at=timezone.now())
        self.cleanup()
        self.assertEqual(self.stored(), set())
        self.assertFalse(ChatFileToRemove.objects.exists())

    def test_A4_an_error_while_saving(self) -> None:
        FailingStorage.fails = True
        with self.assertLogs("chatstore.files"), self.assertRaises(ConnectionError):
            files.save(ContentFile(b"bytes"), "default")
        self.assertEqual(
            self.stored(), set(ChatFileToRemove.objects.values_list("path", flat=True))
        )
        FailingStorage.fails = False
        ChatFileToRemove.objects.update(due_at=timezone.now())
        self.cleanup()
        self.assertEqual(self.stored(), set())

    def test_A4_a_file_that_no_row_names_is_removed_after_a_day(self) -> None:
        path = files.save(ContentFile(b"bytes"), "default")
        self.cleanup()
        self.assertEqual(self.stored(), {path})
        note = ChatFileToRemove.objects.get()
        self.assertEqual(note.due_at - note.scheduled_at, dt.timedelta(days=1))
        ChatFileToRemove.objects.update(due_at=timezone.now())
        self.cleanup()
        self.assertEqual(self.stored(), set())
        with self.assertRaises(FileNotFoundError), transaction.atomic():
            files.cancel_removal(path, "default")

    def test_A4_a_dry_run_counts_the_files_that_are_due_and_no_other(self) -> None:
        files.save(ContentFile(b"bytes"), "default")
        for count in (0, 1):
            out = StringIO()
            call_command("cleanup_attachments", dry_run=True, stdout=out)
            noun = "file" if count == 1 else "files"
            self.assertIn(f"remove {count} {noun}.", out.getvalue())
            ChatFileToRemove.objects.update(due_at=timezone.now())
        self.assertEqual(len(self.stored()), 1)

    def test_A4_a_file_that_is_about_to_be_removed_is_not_kept(self) -> None:
        """Otherwise the file could be removed just after its row was written."""
        path = files.save(ContentFile(b"bytes"), "default")
        ChatFileToRemove.objects.update(due_at=timezone.now() + dt.timedelta(minutes=50))
        with self.assertRaises(FileNotFoundError), transaction.atomic():
            files.cancel_removal(path, "default")
        self.assertTrue(ChatFileToRemove.objects.exists())

    def test_A4_a_missing_file_is_no_error(self) -> None:
        add_thread("thr_1", files=1)
        for path in self.stored():
            (self.media / path).unlink()
        async_to_sync(DjangoStore().delete_thread)("thr_1", base.ALICE)
        self.assertFalse(ChatFileToRemove.objects.exists())

    def test_R4_the_receipt_counts_the_files_of_this_user_that_could_not_be_removed(self) -> None:
        yesterday = timezone.now() - DAY
        ChatFileToRemove.objects.create(
            path="of/another", scheduled_at=yesterday, due_at=yesterday, tries=1
        )
        add_thread("thr_1", files=2)
        FailingStorage.fails = True
        out = StringIO()
        with self.assertLogs("chatstore.files", "WARNING"):
            call_command("erase_user", "alice", json=True, stdout=out)
        self.assertEqual(json.loads(out.getvalue())["files_left"], 2)
        self.assertFalse(ChatAttachment.objects.exists())

    def test_A4_names_of_files_reveal_nothing_and_have_no_path(self) -> None:
        content = ContentFile(b"bytes", name="../../evil.html")
        self.assertRegex(files.save(content, "default"), r"^chatstore/[0-9a-f]{2}/[0-9a-f]{30}$")

    def cleanup(self) -> None:
        call_command("cleanup_attachments", stdout=StringIO())


class WaitingStorage(FileSystemStorage):
    """A real storage whose first two deletions wait for each other."""

    deleted: list[str] = []
    both: threading.Barrier

    def delete(self, name: str) -> None:
        self.deleted.append(name)
        if len(self.deleted) <= 2:
            self.both.wait(10)
        super().delete(name)


@pytest.mark.postgresql
@pytest.mark.mariadb
class TwoCleanupsTest(StorageMixin, TransactionTestCase):
    def test_A4_two_clean_ups_at_once_share_the_files_that_are_due(self) -> None:
        for number in range(6):
            files.save(ContentFile(f"bytes {number}".encode()), "default")
        ChatFileToRemove.objects.update(due_at=timezone.now())
        backend = {
            "BACKEND": "tests.test_files.WaitingStorage",
            "OPTIONS": {"location": str(self.media)},
        }
        WaitingStorage.deleted, WaitingStorage.both = [], threading.Barrier(2)
        reports: list[FilesReport] = []

        def run() -> None:
            reports.append(cleanup_files("default", batch_size=2))

        with override_settings(STORAGES={"default": backend}):
            runs = [threading.Thread(target=elsewhere(run)) for _ in range(2)]
            for each in runs:
                each.start()
            for each in runs:
                each.join()
        self.assertEqual(len(WaitingStorage.deleted), len(set(WaitingStorage.deleted)))
        self.assertEqual(sum(report.files for report in reports), 6)
        self.assertEqual(self.stored(), set())
        self.assertFalse(ChatFileToRemove.objects.exists())
