"""R1, R2: all old threads are deleted, and nothing else: a wrong deletion can't be undone."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import time
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import TransactionTestCase
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chatstore import files
from chatstore.lifecycle import deletion, retention
from chatstore.models import ChatAttachment, ChatFileToRemove, ChatMessage, ChatSession, Counts
from chatstore.store import DjangoStore
from tests import base, rows
from tests.rows import DAY, StorageMixin, add_attachment, add_thread

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
MINUTE = dt.timedelta(minutes=1)


def cleanup(*args: Any, **options: Any) -> dict[str, Any]:
    """Run the command, and return its counts."""
    out = StringIO()
    call_command("cleanup_threads", *args, json=True, stdout=out, **options)
    return json.loads(out.getvalue())


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["threads"], report["messages"], report["files"]


def thread_ids() -> set[str]:
    return set(ChatSession.objects.values_list("thread_id", flat=True))


@dataclass(frozen=True)
class Spec:
    """A thread of the property-based test; ages are in minutes."""

    age: int
    older: int  # how much older the creation is
    user_id: str
    status: str
    moderation: str
    is_on_hold: bool
    messages: int
    files: int

    def is_old(self, options: dict[str, Any]) -> bool:
        """Compute the rule of R1 in another way than the code does."""
        limit = options["days"] * 24 * 60
        if options["by"] == "created":
            is_old = self.age + self.older > limit and self.age > 60
        else:
            is_old = self.age > limit
        shown = self.moderation or self.status
        return (
            is_old
            and options.get("user", self.user_id) == self.user_id
            and options.get("status", shown) == shown
        )


# Around one hour, one day and two days; never exactly, since time passes in the test.
AGES = st.sampled_from([1, 58, 62, 1438, 1442, 2878, 2882, 50_000])
SPECS = st.builds(
    Spec,
    age=AGES,
    older=st.sampled_from([0, 30, 1500, 3000]),
    user_id=st.sampled_from(["alice", "Alice", "bob"]),
    status=st.sampled_from(["active", "locked", "closed"]),
    moderation=st.sampled_from(["", "", "locked", "closed"]),
    is_on_hold=st.sampled_from([False, False, True]),
    messages=st.integers(0, 3),
    files=st.integers(0, 2),
)
OPTIONS = st.fixed_dictionaries(
    {
        "days": st.sampled_from([1, 2]),
        "by": st.sampled_from(["activity", "created"]),
        "batch_size": st.integers(1, 4),
    },
    optional={
        "user": st.sampled_from(["alice", "Alice", "nobody"]),
        "status": st.sampled_from(["active", "locked", "closed"]),
        "limit": st.integers(1, 5),
    },
)


class WhatIsDeletedTest(StorageMixin, TransactionTestCase):
    def test_R1_R2_exactly_the_threads_of_the_rule_are_deleted(self) -> None:
        """Run and dry run agree with Spec.is_old, for any threads and options."""

        @settings(max_examples=EXAMPLES, deadline=None)
        @given(specs=st.lists(SPECS, max_size=8), options=OPTIONS)
        def check(specs: list[Spec], options: dict[str, Any]) -> None:
            self.check_rule(specs, options)

        check()

    def check_rule(self, specs: list[Spec], options: dict[str, Any]) -> None:
        rows.delete_everything()
        for path in self.stored():
            files.get_storage().delete(path)
        for number, spec in enumerate(specs):
            # A second apart, so that the order by age is the same on every database.
            age = dt.timedelta(minutes=spec.age, seconds=number)
            add_thread(
                f"thr_{number}",
                spec.user_id,
                age=age,
                messages=spec.messages,
                files=spec.files,
                created_at=timezone.now() - age - dt.timedelta(minutes=spec.older),
                status=spec.status,
                moderation=spec.moderation,
                is_on_hold=spec.is_on_hold,
            )
        old = {n: spec for n, spec in enumerate(specs) if spec.is_old(options)}
        on_hold = [spec for spec in old.values() if spec.is_on_hold]
        go = [n for n, spec in old.items() if not spec.is_on_hold]
        go.sort(key=lambda n: (specs[n].age, n), reverse=True)
        go = go[: options.get("limit")]
        expected = (
            len(go),
            sum(specs[n].messages for n in go),
            sum(specs[n].files for n in go),
        )
        before, stored = rows.everything(), self.stored()

        dry = cleanup(dry_run=True, **options)

        self.assertEqual(counts(dry), expected)
        self.assertEqual(dry["on_hold"], len(on_hold))
        self.assertEqual(rows.everything(), before)
        self.assertEqual(self.stored(), stored)

        run = cleanup(**options)

        self.assertEqual(run | {"dry_run": True, "cutoff": ""}, dry | {"cutoff": ""})
        left = {f"thr_{n}" for n in range(len(specs)) if n not in go}
        self.assertEqual(thread_ids(), left)
        for model, was in zip((ChatSession, ChatMessage, ChatAttachment), before, strict=False):
            kept_keys = set(ChatSession.objects.values_list("session_id", flat=True))
            kept = [row for row in was if row["session_id"] in kept_keys]
            self.assertEqual(list(model.objects.order_by("pk").values()), kept)
        self.assertEqual(self.stored(), set(ChatAttachment.objects.values_list("path", flat=True)))
        self.assertFalse(ChatFileToRemove.objects.exists())

    def test_R1_a_thread_exactly_at_the_cutoff_is_kept(self) -> None:
        now = timezone.now().replace(microsecond=0)
        for name, microseconds in (("before", -1), ("on", 0), ("after", 1)):
            time = now + dt.timedelta(microseconds=microseconds)
            add_thread(name, created_at=time, updated_at=time)

        retention.cleanup(retention.Rule(cutoff=now), "default")

        self.assertEqual(thread_ids(), {"on", "after"})

    def test_R2_of_threads_active_at_the_same_instant_no_batch_skips_one(self) -> None:
        time = timezone.now() - 100 * DAY
        for number in range(5):
            add_thread(f"old_{number}", created_at=time, updated_at=time)
        for dry_run in (True, False):
            report = cleanup(days=90, batch_size=2, dry_run=dry_run)
            self.assertEqual(counts(report), (5, 10, 0))
        self.assertEqual(thread_ids(), set())

    def test_R1_S22_a_thread_that_is_being_answered_is_kept(self) -> None:
        for name, seconds in (("thr_answered", 30), ("thr_killed", -1), ("thr_idle", None)):
            add_thread(name, age=40 * DAY)
            until = seconds and timezone.now() + dt.timedelta(seconds=seconds)
            ChatSession.objects.filter(thread_id=name).update(answering_until=until)
        self.assertEqual(cleanup(days=30, dry_run=True)["threads"], 2)
        self.assertEqual(cleanup(days=30)["threads"], 2)
        self.assertEqual(thread_ids(), {"thr_answered"})

    def test_R1_without_items_the_creation_counts(self) -> None:
        store = DjangoStore()
        old = dt.datetime.now() - dt.timedelta(days=100)
        async_to_sync(store.save_thread)(base.thread("empty", created_at=old), base.ALICE)
        async_to_sync(store.save_thread)(base.thread("in_use", created_at=old), base.ALICE)
        async_to_sync(store.add_thread_item)("in_use", base.user_message(), base.ALICE)

        self.assertEqual(counts(cleanup(days=90, by="created")), (1, 0, 0))
        self.assertEqual(thread_ids(), {"in_use"})

    def test_R1_the_sentence_of_a_dry_run_differs_in_its_verb_only(self) -> None:
        add_thread("old", age=100 * DAY, messages=1, files=1)
        add_thread("held", age=100 * DAY, is_on_hold=True)
        add_thread("new", age=DAY)
        sentences = []
        for dry_run in (True, False):
            out = StringIO()
            call_command("cleanup_threads", days=90, dry_run=dry_run, stdout=out)
            sentences.append(out.getvalue().strip())
        self.assertEqual(
            sentences,
            [
                "Would delete 1 thread, 1 message and 1 file. 1 thread on hold is kept.",
                "Deleted 1 thread, 1 message and 1 file. 1 thread on hold is kept.",
            ],
        )

    def test_R2_after_max_seconds_no_batch_begins_and_the_next_run_continues(self) -> None:
        for number in range(4):
            add_thread(f"old_{number}", age=100 * DAY)
        rule = retention.Rule(cutoff=timezone.now() - 90 * DAY)
        stopped = retention.cleanup(rule, "default", batch_size=1, max_seconds=0)
        self.assertEqual((stopped.deleted, stopped.is_finished), (Counts(), False))
        limited = retention.cleanup(rule, "default", batch_size=3, limit=3)
        self.assertEqual((limited.deleted.threads, limited.is_finished), (3, False))
        rest = retention.cleanup(rule, "default", batch_size=1)
        self.assertEqual((rest.deleted.threads, rest.is_finished), (1, True))

    @pytest.mark.unsharded  # where each owner's threads take statements of their own
    def test_R2_statements_do_not_grow_with_the_batch(self) -> None:
        rule = retention.Rule(cutoff=timezone.now() - 90 * DAY)

        def statements(threads: int) -> list[str]:
            for number in range(threads):
                add_thread(f"old_{number}", age=100 * DAY, messages=3)
            seen: list[str] = []

            def note(execute: Any, sql: str, *args: Any) -> Any:
                seen.append(sql.split()[0])
                return execute(sql, *args)

            with connection.execute_wrapper(note):
                retention.cleanup(rule, "default", batch_size=100)
            return [verb for verb in seen if verb in ("SELECT", "DELETE", "INSERT", "UPDATE")]

        lock, files, deletes, nothing_more, on_hold = (
            ["SELECT"],
            ["SELECT"],
            ["DELETE"] * 3,
            ["SELECT"],
            ["SELECT"],
        )
        expected = lock + files + deletes + nothing_more + on_hold
        self.assertEqual(statements(2), expected)
        self.assertEqual(statements(40), expected)


class WhileOthersWriteTest(StorageMixin, TransactionTestCase):
    """In each case a message arrives at another moment."""

    def setUp(self) -> None:
        super().setUp()
        self.store = DjangoStore()
        self.rule = retention.Rule(cutoff=timezone.now() - 90 * DAY)

    def add_message(self, thread_id: str, item_id: str = "msg_new") -> None:
        async_to_sync(self.store.add_thread_item)(thread_id, base.user_message(item_id), base.ALICE)

    def in_thread(self, body: Any) -> tuple[threading.Thread, list[BaseException]]:
        errors: list[BaseException] = []

        def run() -> None:
            try:
                body()
            except (AssertionError, NotFoundError) as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread, errors

    def test_R2_a_message_between_selection_and_deletion_keeps_its_thread(self) -> None:
        add_thread("first", age=101 * DAY)
        add_thread("second", age=100 * DAY)
        saved = []

        def arrive(deleted: Counts) -> None:  # after the first batch
            if not saved:
                self.add_message("second")
                saved.append(deleted)

        report = retention.cleanup(self.rule, "default", batch_size=1, progress=arrive)

        self.assertEqual(report.deleted.threads, 1)
        self.assertEqual(thread_ids(), {"second"})
        self.assertEqual(ChatMessage.objects.count(), 3)

    def uncommitted_message(self) -> Any:
        """Write a message to an old thread in another transaction; yield before it commits."""
        add_thread("old", age=100 * DAY)
        is_written = threading.Event()

        def write() -> None:
            with transaction.atomic():
                self.add_message("old")
                is_written.set()
                time.sleep(0.3)

        in_flight = self.in_thread(write)
        is_written.wait(10)
        return in_flight

    def test_R2_an_uncommitted_message_keeps_its_thread(self) -> None:
        """The message is not committed yet when the batch selects old threads."""
        thread, errors = self.uncommitted_message()
        report = retention.cleanup(self.rule, "default")
        thread.join(30)

        self.assertEqual((report.deleted, errors), (Counts(), []))
        self.assertEqual(ChatMessage.objects.count(), 3)

    def test_R2_after_waiting_for_a_lock_the_rule_is_checked_again(self) -> None:
        """A deletion that waits for locks checks the conditions again on the current row."""
        thread, errors = self.uncommitted_message()
        deleted = deletion.delete_sessions(self.rule.sessions("default").for_owner("alice"))
        thread.join(30)

        self.assertEqual((deleted, errors), (Counts(), []))
        self.assertEqual(ChatMessage.objects.count(), 3)

    def test_R2_the_deleting_statement_checks_the_rule_again(self) -> None:
        """Even if a lock were lost, neither thread nor messages nor files are deleted."""
        add_thread("old", age=100 * DAY, files=1)
        sessions = self.rule.sessions("default").for_owner("alice")
        with transaction.atomic():
            locked = deletion.lock_sessions(sessions)
        self.add_message("old")
        before = rows.everything()
        with self.assertRaisesMessage(IntegrityError, "but 0 were"), transaction.atomic():
            deletion.delete_locked_sessions(sessions, locked)
        self.assertEqual(rows.everything(), before)
        self.assertEqual(len(self.stored()), 1)

    def test_R2_a_message_during_the_deletion_is_refused_not_lost(self) -> None:
        add_thread("old", age=100 * DAY)

        def pause(sessions: Any) -> None:
            """Passed as the archive, which is called between lock and deletion."""
            thread, errors = self.in_thread(lambda: self.add_message("old"))
            thread.join(0.3)
            self.assertTrue(thread.is_alive(), "it waits for the batch")
            self.waiting = thread, errors

        report = retention.cleanup(self.rule, "default", archive=pause)
        thread, errors = self.waiting
        thread.join(30)

        self.assertEqual(report.deleted.threads, 1)
        self.assertIsInstance(errors[0], NotFoundError)
        self.assertFalse(ChatMessage.objects.exists())

    @pytest.mark.postgresql
    @pytest.mark.mariadb
    def test_R2_a_batch_does_not_wait_for_a_thread_that_is_in_use(self) -> None:
        add_thread("in_use", age=100 * DAY)
        add_thread("old", age=100 * DAY)
        is_written, is_cleaned_up = threading.Event(), threading.Event()

        def write() -> None:
            with transaction.atomic():
                self.add_message("in_use")
                is_written.set()
                self.assertTrue(is_cleaned_up.wait(5), "the batch has waited")

        thread, errors = self.in_thread(write)
        is_written.wait(10)
        report = retention.cleanup(self.rule, "default")
        is_cleaned_up.set()
        thread.join(30)
        self.assertEqual((report.deleted.threads, errors), (1, []))
        self.assertEqual(thread_ids(), {"in_use"})


class FilesTest(StorageMixin, TransactionTestCase):
    def run_command(self, **options: Any) -> str:
        out = StringIO()
        call_command("cleanup_attachments", stdout=out, **options)
        return out.getvalue().strip()

    def test_A4_an_upload_that_no_message_used_within_a_day_is_deleted(self) -> None:
        session = add_thread("thr", files=1)
        held = add_thread("held", is_on_hold=True)
        add_attachment("used", age=2 * DAY, session=session, message_id=session.session_id)
        add_attachment("young", age=DAY - MINUTE)
        add_attachment("old", age=DAY + MINUTE)
        add_attachment("held", age=2 * DAY, session=held)
        add_attachment("in_thread", age=2 * DAY, session=session)
        add_attachment("old_too", age=2 * DAY, path="", uploaded_at=None)
        before = rows.everything()

        self.assertEqual(
            self.run_command(dry_run=True),
            "Would delete 2 unused uploads and remove 0 files.",
        )
        self.assertEqual(rows.everything(), before)
        self.assertEqual(
            self.run_command(batch_size=1), "Deleted 2 unused uploads and removed 0 files."
        )

        left = set(ChatAttachment.objects.values_list("attachment_id", flat=True))
        self.assertEqual(left, {"used", "young", "held", "in_thread", "atc_thr_0"})
        self.assertEqual(self.stored(), set(ChatAttachment.objects.values_list("path", flat=True)))
