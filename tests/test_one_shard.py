"""S3, S19: on shards, each statement of each operation of the store goes to one, on either lane."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from django.test import TransactionTestCase

from chatstore.codec import ModelTurn
from chatstore.store import DjangoStore
from tests import citus, rows
from tests.async_pool import AsyncPoolMixin
from tests.base import ALICE, attachment, thread, user_message
from tests.shard_watch import watch
from tests.test_store_queries import operations, store

# The text alone does not tell which partition an INSERT goes to; a cluster's plan does.
ONE = {1} if citus.URL else {0, 1}


def every_operation() -> dict[str, tuple[Any, ...]]:
    """Return method and arguments for each case of docs/reference/queries.md, and for sessions."""
    turn = ModelTurn([], {})
    items: list[dict[str, Any]] = [{"role": "user", "content": "One"}, {"content": "Two"}]
    return {
        "add_session_items": (store.add_session_items, "thr_1", items),
        "add_session_items, new thread": (store.add_session_items, "thr_3", items),
        "load_session_items": (store.load_session_items, "thr_1", 1),
        "tie_model_turns": (store.tie_model_turns, "thr_1", [turn.id], {"msg_1": ""}),
        "pop_session_item": (store.pop_session_item, "thr_1"),
        "pop_session_item, the last": (store.pop_session_item, "thr_1"),
        "clear_session": (store.clear_session, "thr_1"),
        **operations(),
    }


@pytest.mark.sharded
class OneShardTest(TransactionTestCase):
    """On Django's connection."""

    def call(self, method: Any, *arguments: Any) -> Any:
        return async_to_sync(method)(*arguments, ALICE)

    def lanes(self) -> dict[str, set[str]]:
        """Run each operation, and return on which lanes its statements were sent."""
        rows.delete_everything()
        self.call(store.save_thread, thread())
        for number in range(1, 4):
            self.call(store.add_thread_item, "thr_1", user_message(f"msg_{number}"))
        self.call(store.save_attachment, attachment("atc_3"))
        lanes = {}
        for name, (method, *arguments) in every_operation().items():
            with self.subTest(name), watch.recorded() as sent:
                try:
                    self.call(method, *arguments)
                except NotFoundError:
                    self.assertIn("unknown", name)
                self.assertTrue(sent)
                for each in sent:
                    self.assertIn(each.shards, ONE, each)
                lanes[name] = {each.lane for each in sent}
        return lanes

    def test_S3_each_statement_of_each_operation_goes_to_one_shard(self) -> None:
        lanes = self.lanes()
        self.assertEqual(set.union(*lanes.values()), {"Django's connection"})

    def test_every_operation_is_among_them(self) -> None:
        methods = inspect.getmembers(DjangoStore, inspect.iscoroutinefunction)
        named = {method.__name__ for method, *_ in every_operation().values()}
        self.assertEqual({name for name, _ in methods if name[0] != "_"}, named)


@pytest.mark.sharded
class OneShardAsyncTest(AsyncPoolMixin, OneShardTest):
    """On psycopg's async pool, as far as an operation can be there."""

    # The others need a transaction, or are read by Django.
    ON_POOL = ("load_thread", "load_threads", "load_thread_items", "load_item", "has_item")
    ON_POOL += ("load_model_turns", "save_thread, new")

    def test_S3_each_statement_of_each_operation_goes_to_one_shard(self) -> None:
        self.lanes()  # so that the statements are compiled, which the pool asks for
        lanes = self.lanes()
        self.assertEqual({"the async lane"}, set.union(*map(lanes.get, self.ON_POOL)))
        self.assertEqual(set.union(*lanes.values()), {"the async lane", "Django's connection"})
