"""The store's promises with two real processes that use the same database at once."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import TransactionTestCase

from chatstore.models import ChatAttachment, ChatMessage, ChatSession
from chatstore.store import DjangoStore
from tests.base import ALICE, thread
from tests.live_process import FORKS
from tests.worker import work

ROUNDS = 30

store = DjangoStore()


@pytest.mark.slow
class TwoProcessesTest(TransactionTestCase):
    def at_once(self, *jobs: list[list[Any]]) -> list[list[str | None]]:
        """Run each list of operations in its own process, at the same time; return the errors."""
        connection.close()
        database = str(connection.settings_dict["NAME"])
        workers, pipes = [], []
        for operations in jobs:
            ours, theirs = FORKS.Pipe()
            worker = FORKS.Process(target=work, args=(database, operations, theirs))
            worker.start()
            workers.append(worker)
            pipes.append(ours)
        for pipe in pipes:
            self.assertTrue(pipe.poll(60) and pipe.recv() == "ready")
        for pipe in pipes:
            pipe.send("go")
        answers = [pipe.recv() for pipe in pipes if pipe.poll(60)]
        for worker in workers:
            worker.join(10)
        self.assertEqual([worker.exitcode for worker in workers], [0] * len(workers))
        return answers

    def items(self, order: str = "asc") -> list[Any]:
        load = async_to_sync(store.load_thread_items)
        return load("thr_1", None, 1000, order, ALICE).data

    def test_S10_adding_to_one_thread_loses_nothing_and_the_order_is_total(self) -> None:
        async_to_sync(store.save_thread)(thread(), ALICE)
        jobs = [
            [
                ["add_thread_item", "alice", "thr_1", f"{who}_{number:02}"]
                for number in range(ROUNDS)
            ]
            for who in ("a", "b", "c")
        ]
        for errors in self.at_once(*jobs):
            self.assertEqual(set(errors), {None})
        names = [item.id for item in self.items()]
        self.assertEqual(len(names), 3 * ROUNDS)
        self.assertEqual([item.id for item in self.items("desc")], names[::-1])
        for who in ("a", "b", "c"):
            own = [name for name in names if name.startswith(who)]
            self.assertEqual(own, sorted(own))
        self.assertNotEqual(names, sorted(names), "they were not at work at once")
        positions = ChatMessage.objects.values_list("timestamp", flat=True)
        self.assertEqual(len(set(positions)), 3 * ROUNDS)
        self.assertEqual(ChatSession.objects.get().updated_at, max(positions))

    def test_S8_the_same_id_at_once_is_stored_once(self) -> None:
        async_to_sync(store.save_thread)(thread(), ALICE)
        jobs = [
            [
                [method, "alice", "thr_1", f"{method}_{number:02}", who]
                for number in range(ROUNDS)
                for method in ("add_thread_item", "save_item")
            ]
            for who in ("a", "b")
        ]
        for errors in self.at_once(*jobs):
            self.assertEqual(set(errors), {None})
        self.assertEqual(len(self.items()), 2 * ROUNDS)

    def test_S7_a_new_thread_saved_at_once_is_one_thread(self) -> None:
        job = [["save_thread", "alice", f"thr_{number}"] for number in range(ROUNDS)]
        files = [["save_attachment", "alice", f"atc_{number}"] for number in range(ROUNDS)]
        for errors in self.at_once(job + files, job + files):
            self.assertEqual(set(errors), {None})
        self.assertEqual(ChatSession.objects.count(), ROUNDS)
        self.assertEqual(ChatAttachment.objects.count(), ROUNDS)

    @pytest.mark.unsharded  # where each owner gets an object of their own
    def test_S3_a_new_id_saved_by_two_owners_at_once_belongs_to_one(self) -> None:
        jobs = [
            [["save_thread", who, f"thr_{number}"] for number in range(ROUNDS)]
            for who in ("alice", "charlie")
        ]
        answers = self.at_once(*jobs)
        for number, errors in enumerate(zip(*answers, strict=True)):
            self.assertCountEqual(errors, [None, "NotFoundError"])
            owner = ChatSession.objects.get(thread_id=f"thr_{number}").user_id
            self.assertEqual(owner, ("alice", "charlie")[errors.index(None)])

    def test_S9_deleting_against_adding_leaves_all_or_nothing(self) -> None:
        threads = [f"thr_{number}" for number in range(ROUNDS)]
        for thread_id in threads:
            async_to_sync(store.save_thread)(thread(thread_id), ALICE)
        adding = [
            ["add_thread_item", "alice", thread_id, f"msg_{number}"]
            for thread_id in threads
            for number in range(4)
        ]
        deleting = [["delete_thread", "alice", thread_id] for thread_id in threads]
        added, deleted = self.at_once(adding, [each for each in deleting for _ in range(2)])
        self.assertLessEqual(set(added), {None, "NotFoundError"})
        self.assertEqual(set(deleted), {None})
        self.assertFalse(ChatSession.objects.exists())
        self.assertFalse(ChatMessage.objects.exists())
