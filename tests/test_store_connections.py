"""S13, S16: the database and the connections that the store uses, and for how long."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import connection, connections, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.utils.connection import ConnectionDoesNotExist

from chatstore.attachments import DjangoAttachmentStore
from chatstore.database import release_connections
from chatstore.models import ChatMessage, ChatSession
from chatstore.store import DjangoStore
from tests.base import ALICE, attachment, thread, user_message
from tests.proxy import connected

store = DjangoStore()


class ReplicaRouter:
    """Sends reads to a database that does not exist, in place of a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        raise AssertionError(f"{model} is read from the replica")

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


@override_settings(DATABASE_ROUTERS=["tests.test_store_connections.ReplicaRouter"])
class RouterTest(TransactionTestCase):
    async def test_S13_every_operation_reads_where_writes_go(self) -> None:
        await store.save_thread(thread(), ALICE)
        await store.save_thread(thread(title="New"), ALICE)
        file = attachment("atc_1")
        await store.save_attachment(file, ALICE)
        for _ in range(2):
            await store.add_thread_item("thr_1", user_message(attachments=[file]), ALICE)
            await store.save_item("thr_1", user_message("msg_2"), ALICE)
        await store.load_thread("thr_1", ALICE)
        await store.load_item("thr_1", "msg_1", ALICE)
        await store.load_attachment("atc_1", ALICE)
        for after in (None, "thr_1"):
            await store.load_threads(9, after, "desc", ALICE)
        for after in (None, "msg_1", "msg_2"):
            await store.load_thread_items("thr_1", after, 9, "asc", ALICE)
        await store.save_feedback("thr_1", ["msg_1"], "positive", ALICE)
        await store.delete_thread_item("thr_1", "msg_1", ALICE)
        await store.delete_thread_item("thr_1", "msg_1", ALICE)
        await store.delete_attachment("atc_1", ALICE)
        await store.save_attachment(attachment(thread_id="thr_1"), ALICE)
        for _ in range(2):
            await store.delete_thread("thr_1", ALICE)


class MissingDatabaseRouter:
    """Sends all queries to a database that does not exist."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "elsewhere"


class OtherDatabaseTest(SimpleTestCase):
    @override_settings(DATABASE_ROUTERS=[MissingDatabaseRouter()])
    async def test_S13_operations_go_to_the_database_that_the_router_gives_to_threads(self) -> None:
        for method, *arguments in (
            (store.load_thread, "thr_1"),
            (store.save_thread, thread()),
            (DjangoAttachmentStore().find, "atc_1"),
        ):
            with (
                self.subTest(method),
                self.assertRaisesMessage(ConnectionDoesNotExist, "elsewhere"),
            ):
                await method(*arguments, ALICE)


async def turn(number: int) -> int:
    """Run the operations of a stream, in its own thread as under ASGI; count the items."""
    context = {"user_id": f"user_{number}"}
    thread_id = f"thr_{number}"
    async with ThreadSensitiveContext():
        await store.save_thread(thread(thread_id), context)
        await store.add_thread_item(thread_id, user_message(), context)
        await asyncio.sleep(0.05)  # waits for the model
        await store.add_thread_item(thread_id, user_message("msg_2"), context)
        page = await store.load_thread_items(thread_id, None, 9, "asc", context)
        await sync_to_async(connections.close_all)()  # as Django does when a request ends
        return len(page.data)


class ManyStreamsTest(TransactionTestCase):
    """In a plain event loop, as in a server: async_to_sync would use one thread for all."""

    @pytest.mark.postgresql
    def test_S16_two_hundred_streams_share_a_pool_of_ten(self) -> None:
        async def run() -> list[int]:
            return await asyncio.gather(*map(turn, range(200)))

        with connected(pool={"min_size": 1, "max_size": 10, "timeout": 10}):
            self.assertEqual(asyncio.run(run()), [2] * 200)
            stats = connection.pool.get_stats()
            self.assertLessEqual(stats["pool_size"], 10)
            self.assertEqual(stats.get("requests_errors", 0), 0)
            self.assertEqual(stats["pool_available"], stats["pool_size"])

    @pytest.mark.postgresql
    def test_S16_a_stream_that_waits_holds_no_connection(self) -> None:
        async def run() -> None:
            async with ThreadSensitiveContext():
                await store.save_thread(thread(), ALICE)
                await store.load_thread("thr_1", ALICE)
                self.assertEqual(in_use(), 0)
                with self.assertRaises(ValueError):
                    await store.load_threads(0, None, "asc", ALICE)
                self.assertEqual(in_use(), 0)
                # respond() uses the ORM itself, then gives the connection back.
                await ChatSession.objects.acount()
                self.assertEqual(in_use(), 1)
                await release_connections()
                self.assertEqual(in_use(), 0)

        def in_use() -> int:
            stats = connection.pool.get_stats()
            return stats["pool_size"] - stats["pool_available"]

        connection.close()
        # A pool that may grow counts the connections that it is about to open, too.
        with connected(pool={"min_size": 1, "max_size": 1}):
            asyncio.run(run())

    @pytest.mark.mariadb
    @pytest.mark.sqlite
    def test_S16_twenty_streams_at_once_without_a_pool(self) -> None:
        async def run() -> list[int]:
            return await asyncio.gather(*map(turn, range(20)))

        self.assertEqual(asyncio.run(run()), [2] * 20)


class CancellationTest(TransactionTestCase):
    def test_S16_an_operation_that_has_begun_is_awaited_to_its_end(self) -> None:
        has_begun, may_go_on = threading.Event(), threading.Event()

        def wait(execute: Any, sql: str, *rest: Any) -> Any:
            if "INSERT" in sql and "chat_messages" in sql:
                has_begun.set()
                may_go_on.wait(10)
            return execute(sql, *rest)

        async def run() -> None:
            await store.save_thread(thread(), ALICE)
            add = asyncio.ensure_future(store.add_thread_item("thr_1", user_message(), ALICE))
            await asyncio.to_thread(has_begun.wait, 10)
            for _ in range(3):  # a second cancellation changes nothing
                add.cancel()
                await asyncio.sleep(0.02)
                self.assertFalse(add.done())
            may_go_on.set()
            with self.assertRaises(asyncio.CancelledError):
                await add
            items = await store.load_thread_items("thr_1", None, 9, "asc", ALICE)
            self.assertEqual(len(items.data), 1)

        with connection.execute_wrapper(wait):
            async_to_sync(run)()  # the loop in another thread, the queries in this one

    def test_S16_a_cancelled_operation_that_fails_logs_nothing(self) -> None:
        async def run() -> None:
            complaints: list[Any] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, c: complaints.append(c))
            load = asyncio.ensure_future(store.load_thread("unknown", ALICE))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            load.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await load
            await asyncio.sleep(0.01)
            self.assertEqual(complaints, [])

        asyncio.run(run())


class CallersTransactionTest(TransactionTestCase):
    def test_S16_inside_the_callers_transaction_the_store_takes_part_in_it(self) -> None:
        class OopsError(Exception):
            pass

        async_to_sync(store.save_thread)(thread("thr_0"), ALICE)
        with self.assertRaises(OopsError), transaction.atomic():
            async_to_sync(store.save_thread)(thread(), ALICE)
            async_to_sync(store.add_thread_item)("thr_1", user_message(), ALICE)
            self.assertEqual(ChatMessage.objects.count(), 1)
            async_to_sync(store.delete_thread)("thr_0", ALICE)
            self.assertTrue(connection.in_atomic_block)
            raise OopsError
        self.assertEqual(ChatSession.objects.get().thread_id, "thr_0")

    @pytest.mark.unsharded  # where it would be an object of one's own
    def test_S16_another_owners_id_leaves_the_callers_transaction_usable(self) -> None:
        async_to_sync(store.save_thread)(thread(), {"user_id": "charlie"})
        with transaction.atomic():
            with self.assertRaisesMessage(Exception, "Thread thr_1 not found"):
                async_to_sync(store.save_thread)(thread(), ALICE)
            async_to_sync(store.save_thread)(thread("thr_2"), ALICE)
        self.assertEqual(ChatSession.objects.count(), 2)


class ApplicationTest(TestCase):
    """An async test on TestCase with rows of its own, as applications write them."""

    @classmethod
    def setUpTestData(cls) -> None:
        async_to_sync(store.save_thread)(thread("thr_class"), ALICE)

    def setUp(self) -> None:
        async_to_sync(store.save_thread)(thread("thr_setup"), ALICE)

    async def both(self) -> None:
        page = await store.load_threads(9, None, "asc", ALICE)
        self.assertEqual({each.id for each in page.data}, {"thr_class", "thr_setup"})
        self.assertEqual(await ChatSession.objects.acount(), 2)
        await store.add_thread_item("thr_setup", user_message(), ALICE)
        await store.save_thread(thread("thr_of_this_test"), ALICE)
        await store.delete_thread("thr_class", ALICE)
        self.assertEqual(await ChatSession.objects.acount(), 2)
        self.assertEqual(await ChatMessage.objects.acount(), 1)

    async def test_S16_setup_is_seen_and_writes_are_rolled_back(self) -> None:
        await self.both()

    async def test_S16_setup_is_seen_and_writes_are_rolled_back_the_second_time_too(self) -> None:
        await self.both()

    async def test_S16_several_at_once(self) -> None:
        names = [f"msg_{number}" for number in range(10)]
        await asyncio.gather(
            *(store.add_thread_item("thr_setup", user_message(name), ALICE) for name in names)
        )
        self.assertEqual(await ChatMessage.objects.acount(), 10)
