"""S19: where CHATSTORE_ASYNC_POOL is set, the store keeps its promises without a thread too."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from chatstore.codec import ModelTurn
from chatstore.db import async_pools
from chatstore.models import ChatMessage, session_key
from chatstore.store import DjangoStore, queries
from tests import test_store, test_store_faults
from tests.async_pool import OPTIONS, AsyncPoolMixin
from tests.base import ALICE, answer, thread, tool_call, user_message

store = DjangoStore()


class ContractTest(AsyncPoolMixin, test_store.DjangoStoreContract, TransactionTestCase):
    pass


class DroppedConnectionsTest(
    AsyncPoolMixin, test_store_faults.DroppedConnections, TransactionTestCase
):
    pass


class DroppedInsertsTest(AsyncPoolMixin, test_store_faults.DroppedInserts, TransactionTestCase):
    pass


@pytest.mark.unsharded  # it plays with a trigger, which Citus refuses
class LostShardsTest(AsyncPoolMixin, test_store_faults.LostShards, TransactionTestCase):
    pass


class TerminatedConnectionsTest(
    AsyncPoolMixin, test_store_faults.TerminatedConnections, TransactionTestCase
):
    def fill_pool(self) -> None:
        async def fill() -> None:
            database: Any = await async_pools.get_database("default")
            await database.pool.wait()

        self.run_in_loop(fill)


async def turn(number: int) -> None:
    thread_id, context = f"thr_{number}", {"user_id": f"user_{number}"}
    await store.save_thread(thread(f"thr_new_{number}"), context)
    await store.load_thread(thread_id, context)
    await store.add_thread_item(thread_id, user_message("msg_1"), context)
    await store.load_thread_items(thread_id, None, 20, "desc", context)
    await store.add_thread_item(thread_id, answer("msg_2"), context)
    await store.save_item(thread_id, answer("msg_2", "Better"), context)
    await store.add_thread_item(thread_id, tool_call(), context)
    await store.add_thread_item(thread_id, tool_call(status="completed"), context)
    await store.load_item(thread_id, "msg_2", context)
    await store.add_model_turn(thread_id, ModelTurn([], {"msg_2": ""}), context)
    assert len(await store.load_model_turns(thread_id, 9, context)) == 1


class LaneTest(AsyncPoolMixin, TransactionTestCase):
    @pytest.mark.unsharded  # where an item is added in a transaction, on Django's connection
    async def test_S19_a_turn_takes_no_thread(self) -> None:
        """Once each statement has run, and so is compiled."""
        for number in range(2):
            await store.save_thread(thread(f"thr_{number}"), {"user_id": f"user_{number}"})
        await turn(0)
        before = threading.active_count()
        async with ThreadSensitiveContext():  # as of a request: its first hop makes a thread
            await turn(1)
            self.assertEqual(threading.active_count(), before)

    async def test_S16_a_hundred_streams_share_a_pool_of_four(self) -> None:
        for number in range(100):
            await store.save_thread(thread(f"thr_{number}"), {"user_id": f"user_{number}"})
        await asyncio.gather(*map(turn, range(100)))
        database: Any = await async_pools.get_database("default")
        stats = database.pool.get_stats()
        self.assertLessEqual(stats["pool_size"], 4)
        self.assertEqual(stats["pool_available"], stats["pool_size"])
        self.assertEqual(await ChatMessage.objects.acount(), 300)

    async def test_S19_no_connection_keeps_what_was_read(self) -> None:
        await store.save_thread(thread(), ALICE)
        database: Any = await async_pools.get_database("default")
        await database.pool.wait()
        for _ in range(9):  # twice on each of the four, and once in a thread, which compiles it
            await store.load_thread("thr_1", ALICE)
        values = {"user_id": ALICE["user_id"], "session_id": session_key("thr_1")}
        sql, _values = queries.select_thread.bind(connection, values)
        async with database.pool.connection() as used:
            self.assertEqual(used.cursor_for(sql).rowcount, 1)
            self.assertEqual(used.cursor_for(sql).pgresult.ntuples, 0)

    async def test_S10_items_added_at_once_have_an_order_and_none_is_lost(self) -> None:
        await store.save_thread(thread(), ALICE)
        names = [f"msg_{number}" for number in range(50)]
        await asyncio.gather(
            *(store.add_thread_item("thr_1", user_message(name), ALICE) for name in names)
        )
        positions = [row async for row in ChatMessage.objects.values_list("timestamp", flat=True)]
        self.assertEqual(len(set(positions)), 50)

    async def test_S16_a_statement_that_has_begun_is_awaited_to_its_end(self) -> None:
        await store.save_thread(thread(), ALICE)
        await store.add_thread_item("thr_1", user_message("msg_0"), ALICE)
        is_locked, may_go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                ChatMessage.objects.first().session.save(update_fields=["title"])
                is_locked.set()
                may_go_on.wait(10)
            connection.close()

        holder = asyncio.create_task(asyncio.to_thread(hold))
        await asyncio.to_thread(is_locked.wait, 10)
        add = asyncio.create_task(store.add_thread_item("thr_1", user_message(), ALICE))
        await asyncio.sleep(0.1)
        for _ in range(3):
            add.cancel()
            await asyncio.sleep(0.02)
            self.assertFalse(add.done())
        may_go_on.set()
        with self.assertRaises(asyncio.CancelledError):
            await add
        await holder
        page = await store.load_thread_items("thr_1", None, 9, "asc", ALICE)
        self.assertEqual([item.id for item in page.data], ["msg_0", "msg_1"])

    @pytest.mark.unsharded  # where an item is added on Django's connection, not on the pool's
    async def test_S16_cancelled_while_it_waits_for_a_connection_it_is_done_all_the_same(
        self,
    ) -> None:
        await store.save_thread(thread(), ALICE)
        await store.add_thread_item("thr_1", user_message("msg_0"), ALICE)
        database: Any = await async_pools.get_database("default")
        taken = [await database.pool.getconn() for _ in range(OPTIONS["max_size"])]
        add = asyncio.create_task(store.add_thread_item("thr_1", user_message(), ALICE))
        await asyncio.sleep(0.05)
        add.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await add
        for each in taken:
            await database.pool.putconn(each)
        page = await store.load_thread_items("thr_1", None, 9, "asc", ALICE)
        self.assertEqual([item.id for item in page.data], ["msg_0", "msg_1"])

    async def test_S16_a_cancellation_is_raised_when_the_statement_has_ended(self) -> None:
        await store.save_thread(thread(), ALICE)
        await store.load_thread("thr_1", ALICE)
        ended: list[str] = []

        async def load() -> None:
            try:
                await store.load_thread("thr_1", ALICE)
            except asyncio.CancelledError:
                ended.append("cancelled")
                await store.load_thread("thr_1", ALICE)  # as what stores a partial answer
                raise
            ended.append("loaded")

        task = asyncio.create_task(load())
        await asyncio.sleep(0)  # it has sent the statement
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(ended, ["cancelled"])

    async def test_S16_a_timeout_around_an_operation_is_a_timeout(self) -> None:
        await store.save_thread(thread(), ALICE)
        await store.load_thread("thr_1", ALICE)
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0):
                await store.load_thread("thr_1", ALICE)
                await asyncio.sleep(1)


@pytest.mark.postgresql
@override_settings(CHATSTORE_ASYNC_POOL=OPTIONS)
class BelowSyncCodeTest(TestCase):
    """The caller's thread may hold a transaction, so the operations must use its connection."""

    async def test_S19_an_async_test_of_djangos_sees_its_own_rows(self) -> None:
        await store.save_thread(thread(), ALICE)
        await store.add_thread_item("thr_1", user_message(), ALICE)
        self.assertIsNone(await async_pools.get_database("default"))
        self.assertEqual(await ChatMessage.objects.acount(), 1)

    def test_S19_async_to_sync_inside_a_transaction_is_inside_it(self) -> None:
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            async_to_sync(store.save_thread)(thread(), ALICE)
            async_to_sync(store.add_thread_item)("thr_1", user_message(), ALICE)
            self.assertEqual(ChatMessage.objects.count(), 1)
            raise ZeroDivisionError
        self.assertEqual(ChatMessage.objects.count(), 0)


class OtherDatabasesTest(TestCase):
    @pytest.mark.sqlite
    @pytest.mark.mariadb
    def test_S19_elsewhere_than_on_postgresql_the_setting_changes_nothing(self) -> None:
        async def run() -> None:
            self.assertIsNone(await async_pools.get_database("default"))

        with override_settings(CHATSTORE_ASYNC_POOL=OPTIONS):
            asyncio.run(run())


@pytest.mark.unsharded  # Citus plans by the values
class PlansTest(AsyncPoolMixin, TransactionTestCase):
    async def ask(self, sql: str, **options: Any) -> Any:
        """Read pages on a new pool of one connection, and return what the server then answers."""
        await async_pools.close_async_pools()
        one = {**OPTIONS, "min_size": 1, "max_size": 1, **options}
        with override_settings(CHATSTORE_ASYNC_POOL=one):
            for _ in range(10):
                await store.load_thread_items("thr_1", None, 20, "desc", ALICE)
            database: Any = await async_pools.get_database("default")
            async with database.pool.connection() as used:
                row = await (await used.execute(sql)).fetchone()
            await async_pools.close_async_pools()
        return row

    async def test_S19_a_prepared_statement_is_planned_once_and_not_for_each_value(self) -> None:
        plans = "SELECT sum(generic_plans) > 0, sum(custom_plans) FROM pg_prepared_statements"
        self.assertEqual(tuple(await self.ask(plans)), (True, 0))
        unprepared = {"kwargs": {"prepare_threshold": None}}  # as behind an old PgBouncer
        self.assertEqual((await self.ask("SHOW plan_cache_mode", **unprepared))[0], "auto")

    async def test_S19_an_applications_configure_comes_after_the_pools_own(self) -> None:
        async def configure(new: Any) -> None:
            await new.execute("SET plan_cache_mode = auto")

        self.assertEqual((await self.ask("SHOW plan_cache_mode", configure=configure))[0], "auto")
