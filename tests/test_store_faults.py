"""S15: real locks, deadlocks, serialization failures and dropped connections."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from chatkit.store import NotFoundError
from django.core.files.base import ContentFile
from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.http import HttpRequest
from django.test import AsyncClient, TransactionTestCase, override_settings
from django.utils import timezone
from psycopg_pool import PoolTimeout

from chatstore import files
from chatstore.attachments import DjangoAttachmentStore
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run_sync
from chatstore.db.statements import UpdateThenInsert
from chatstore.models import (
    ChatAttachment,
    ChatFileToRemove,
    ChatMessage,
    ChatSession,
    message_key,
    session_key,
)
from chatstore.store import DjangoStore
from chatstore.turns import StateChangedError, Turn, track_request
from tests import citus
from tests.assistants import Scripted
from tests.base import ALICE, attachment, thread, tool_call, user_message
from tests.endpoint import API, EndpointMixin
from tests.live import until
from tests.proxy import connected, elsewhere, proxied
from tests.rows import StorageMixin

store = DjangoStore()
DROPPED = (OperationalError, InterfaceError)


def call(method: Any, *arguments: Any) -> Any:
    return async_to_sync(method)(*arguments, ALICE)


def item_ids() -> list[str]:
    return [item.id for item in call(store.load_thread_items, "thr_1", None, 99, "asc").data]


class Faults:
    """A thread with an item, for the tests of one kind of fault."""

    def setUp(self) -> None:
        super().setUp()
        call(store.save_thread, thread())
        call(store.add_thread_item, "thr_1", user_message("msg_0"))

    def call(self, method: Any, *arguments: Any) -> Any:
        """Run the operation that is tested; what happens besides it is run by ``call``."""
        return call(method, *arguments)


def delete_thread() -> None:
    call(store.delete_thread, "thr_1")


def delete_item(item_id: str) -> Callable[[], None]:
    return lambda: call(store.delete_thread_item, "thr_1", item_id)


class Proxied(StorageMixin, Faults):
    """A proxy drops the connection between the store and the server."""

    def setUp(self) -> None:
        super().setUp()
        proxy = proxied()
        self.proxy = proxy.__enter__()
        self.addCleanup(proxy.__exit__, None, None, None)
        # Connect now: MariaDB is told READ COMMITTED then, which is no COMMIT.
        self.call(store.load_thread, "thr_1")


class DroppedInserts(Proxied):
    """On PostgreSQL, where a thread is inserted first, and updated where its key exists."""

    def test_S15_a_thread_found_by_its_key_and_deleted_between_the_tries_is_not_found(self) -> None:
        """The first try has not learned whose it was."""
        self.proxy.cut_at('UPDATE "chat_sessions"', meanwhile=elsewhere(delete_thread))
        with self.assertRaises(NotFoundError):
            self.call(store.save_thread, thread(title="New"))
        self.assertFalse(ChatSession.objects.exists())


class DroppedConnections(Proxied):
    @property
    def commit_of_add(self) -> str:
        """Part of the statement that commits when an item is added."""
        return "INSERT INTO" if UpdateThenInsert.is_one_statement("default") else "COMMIT"

    @property
    def commit_of_thread(self) -> str:
        """Part of the statement that commits when a thread is created."""
        return "INSERT INTO" if connection.vendor == "postgresql" else "COMMIT"

    @property
    def commit_of_update(self) -> str:
        """Part of the statement that commits when an item is replaced."""
        is_one = UpdateThenInsert.is_one_statement("default")
        return 'UPDATE "chat_messages"' if is_one else "COMMIT"

    def test_S15_cut_before_a_statement_each_operation_is_tried_again(self) -> None:
        call(store.save_thread, thread("thr_2"))
        for number, (method, *arguments) in enumerate(
            (
                (store.load_thread, "thr_1"),
                (store.load_threads, 9, None, "asc"),
                (store.load_thread_items, "thr_1", None, 9, "asc"),
                (store.load_item, "thr_1", "msg_0"),
                (store.save_thread, thread("thr_2", title="New")),
                (store.add_thread_item, "thr_1", user_message("msg_1")),
                (store.save_item, "thr_1", user_message("msg_1", "New")),
                (store.save_feedback, "thr_1", ["msg_1"], "positive"),
                (store.save_attachment, attachment()),
                (store.load_attachment, "atc_1"),
                (store.delete_attachment, "atc_1"),
                (store.delete_thread_item, "thr_1", "msg_0"),
                (store.delete_thread, "thr_2"),
            )
        ):
            with self.subTest(f"{number}, {method.__name__}"):
                self.proxy.cut_at("chat_")
                self.call(method, *arguments)
        self.assertEqual(item_ids(), ["msg_1"])
        row = ChatMessage.objects.get()
        self.assertEqual((row.content, row.feedback), ("New", "positive"))
        self.assertEqual(ChatSession.objects.count(), 1)
        self.assertFalse(ChatAttachment.objects.exists())

    def test_S15_cut_in_the_middle_of_a_write_it_is_done_once_and_completely(self) -> None:
        self.proxy.cut_at("INSERT INTO")
        self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(item_ids(), ["msg_0", "msg_1"])

        self.proxy.cut_at("DELETE FROM")
        self.call(store.delete_thread, "thr_1")
        self.assertFalse(ChatMessage.objects.exists() or ChatSession.objects.exists())

    def test_S15_a_commit_whose_acknowledgement_is_lost_is_not_done_twice(self) -> None:
        self.proxy.cut_at(self.commit_of_add, answered=True)
        self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.proxy.cut_at(self.commit_of_add, answered=True)
        self.call(store.add_thread_item, "thr_1", tool_call())
        self.proxy.cut_at(self.commit_of_add, answered=True)
        self.call(store.save_item, "thr_1", user_message("msg_2"))
        self.proxy.cut_at(self.commit_of_thread, answered=True)
        self.call(store.save_thread, thread("thr_2"))
        self.proxy.cut_at("COMMIT", answered=True)
        self.call(store.save_attachment, attachment())
        self.assertEqual(item_ids(), ["msg_0", "msg_1", "tc_1", "msg_2"])
        self.assertEqual(ChatSession.objects.count(), 2)
        self.assertEqual(ChatAttachment.objects.count(), 1)
        self.proxy.cut_at("COMMIT", answered=True)
        self.call(store.delete_thread, "thr_1")
        self.assertEqual(ChatSession.objects.count(), 1)

    def test_S15_S20_an_answer_or_a_retry_whose_acknowledgement_is_lost_has_won(self) -> None:
        async def answered(output: str, context: Any) -> None:
            with track_request(Turn(is_answer=True)):
                await store.load_thread("thr_1", context)
                item = tool_call(status="completed", output=output)
                await store.save_item("thr_1", item, context)

        async def retried(context: Any) -> None:
            with track_request(Turn()):
                await store.load_thread("thr_1", context)
                await store.delete_items_after("thr_1", "msg_0", context)
                await store.add_thread_item("thr_1", user_message("msg_1"), context)

        call(store.add_thread_item, "thr_1", tool_call())
        for output, cut in (("warm", False), ("other", False), ("mine", True), ("late", False)):
            if output == "mine":
                call(store.save_item, "thr_1", tool_call())  # it is pending again
                self.call(answered, "warm")
                call(store.save_item, "thr_1", tool_call())
            if cut:
                self.proxy.cut_at(self.commit_of_update, answered=True)
            if output in ("other", "late"):
                with self.assertRaises(StateChangedError):
                    self.call(answered, output)
            else:
                self.call(answered, output)
        self.assertEqual(call(store.load_item, "thr_1", "tc_1").output, "mine")
        self.proxy.cut_at("COMMIT", answered=True)
        self.call(retried)
        self.assertEqual(item_ids(), ["msg_0", "msg_1"])

    def test_S15_an_upload_whose_last_commit_is_uncertain_is_kept_and_answered(self) -> None:
        attachments, cancel_removal = DjangoAttachmentStore(), files.cancel_removal

        def cancel_and_cut(path: str, using: str) -> None:
            cancel_removal(path, using)
            self.proxy.cut_at("COMMIT", answered=True)

        with patch.object(files, "cancel_removal", cancel_and_cut):
            upload = self.call(attachments.upload, ContentFile(b"some text"), "a.txt", "text/plain")
        self.assertEqual(self.call(attachments.read, upload.id), b"some text")
        self.assertEqual((len(self.stored()), ChatFileToRemove.objects.count()), (1, 0))

    def test_S15_a_fake_id_made_fresh_is_the_same_in_each_try(self) -> None:
        self.proxy.cut_at(self.commit_of_add, answered=True)
        self.call(store.add_thread_item, "thr_1", user_message("__fake_id__"))
        self.assertEqual(len(item_ids()), 2)

    def test_S15_a_missing_row_whose_commit_is_uncertain_is_not_inserted_again(
        self,
    ) -> None:
        """The row may have been stored and deleted, or never stored: the error is raised."""
        for put in (store.add_thread_item, store.save_item):
            for item in (user_message("msg_1"), tool_call("msg_1")):
                for gone in (delete_item("msg_1"), delete_thread):
                    with self.subTest(f"{put.__name__}, {item.type}, {gone}"):
                        self.call(store.save_thread, thread())
                        self.proxy.cut_at(
                            self.commit_of_add, answered=True, meanwhile=elsewhere(gone)
                        )
                        with self.assertRaises(DROPPED):
                            self.call(put, "thr_1", item)
                        self.assertNotIn("msg_1", item_ids())

        self.proxy.cut_at(
            self.commit_of_thread,
            answered=True,
            meanwhile=elsewhere(lambda: call(store.delete_thread, "thr_2")),
        )
        with self.assertRaises(DROPPED):
            self.call(store.save_thread, thread("thr_2"))
        self.assertFalse(ChatSession.objects.filter(thread_id="thr_2").exists())

        self.proxy.cut_at(
            "COMMIT",
            answered=True,
            meanwhile=elsewhere(lambda: call(store.delete_attachment, "atc_1")),
        )
        with self.assertRaises(DROPPED):
            self.call(store.save_attachment, attachment())
        self.assertFalse(ChatAttachment.objects.exists())

    def test_S15_cut_before_it_is_stored_a_new_thread_is_stored_once_or_an_error(self) -> None:
        self.proxy.cut_at("INSERT INTO")
        if connection.vendor == "postgresql":  # the statement may have committed
            with self.assertRaises(DROPPED):
                self.call(store.save_thread, thread("thr_2"))
            self.assertEqual(ChatSession.objects.count(), 1)
        self.call(store.save_thread, thread("thr_2"))
        self.assertEqual(ChatSession.objects.count(), 2)

    def test_S15_cut_before_its_commit_a_new_item_is_stored_by_the_next_attempt(self) -> None:
        for number, put in enumerate((store.add_thread_item, store.save_item)):
            self.proxy.cut_at(self.commit_of_add)
            self.call(put, "thr_1", user_message(f"msg_1{number}"))
        self.assertEqual(item_ids(), ["msg_0", "msg_10", "msg_11"])

    def test_S15_a_new_item_is_not_inserted_again_after_a_deletion_in_its_thread(self) -> None:
        """The item itself may have been stored and deleted, so the error is raised."""
        for put in (store.add_thread_item, store.save_item):
            call(store.add_thread_item, "thr_1", user_message("msg_other"))
            self.proxy.cut_at(self.commit_of_add, meanwhile=elsewhere(delete_item("msg_other")))
            with self.assertRaises(DROPPED):
                self.call(put, "thr_1", user_message("msg_1"))
            self.assertEqual(item_ids(), ["msg_0"])

    def test_S15_an_old_deletion_does_not_prevent_the_next_attempt(self) -> None:
        ChatSession.objects.update(items_deleted_at=timezone.now() - dt.timedelta(minutes=2))
        self.proxy.cut_at(self.commit_of_add)
        self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(item_ids(), ["msg_0", "msg_1"])

    def test_S15_a_row_that_was_there_and_is_deleted_between_the_tries_stays_deleted(self) -> None:
        """Without an error: the deletion may have come after the write."""
        for put in (store.add_thread_item, store.save_item):
            for answered in (True, False):
                call(put, "thr_1", tool_call())
                gone = elsewhere(delete_item("tc_1"))
                self.proxy.cut_at(self.commit_of_update, answered=answered, meanwhile=gone)
                self.call(put, "thr_1", tool_call(status="completed"))
                self.assertEqual(item_ids(), ["msg_0"])

        for answered in (True, False):
            call(store.save_thread, thread())
            self.proxy.cut_at("COMMIT", answered=answered, meanwhile=elsewhere(delete_thread))
            self.call(store.save_thread, thread(title="New"))
            self.assertFalse(ChatSession.objects.exists())

    def test_S15_a_thread_deleted_between_the_tries_stays_deleted(self) -> None:
        self.proxy.cut_at("INSERT INTO", meanwhile=elsewhere(delete_thread))
        # A statement that is the whole transaction may have committed before.
        is_one = UpdateThenInsert.is_one_statement("default")
        with self.assertRaises(DROPPED if is_one else NotFoundError):
            self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertFalse(ChatSession.objects.exists() or ChatMessage.objects.exists())

    def test_S15_what_remains_after_three_more_tries_is_raised(self) -> None:
        tries: list[float] = []

        def again() -> None:
            tries.append(time.monotonic())
            self.proxy.cut_at("UPDATE", meanwhile=again)

        self.proxy.cut_at("UPDATE", meanwhile=again)
        with self.assertRaises(DROPPED):
            self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(len(tries), 4)
        self.proxy.cut_at("nothing that is ever said")
        self.assertEqual(item_ids(), ["msg_0"])


@pytest.mark.postgresql
@pytest.mark.mariadb
class DroppedConnectionsTest(DroppedConnections, TransactionTestCase):
    pass


@pytest.mark.postgresql
class DroppedInsertsTest(DroppedInserts, TransactionTestCase):
    pass


@pytest.mark.postgresql
@pytest.mark.mariadb
class CallersTransactionTest(Faults, TransactionTestCase):
    def test_S15_inside_the_callers_transaction_nothing_is_tried_again(self) -> None:
        with proxied() as proxy, self.assertRaises(DROPPED), transaction.atomic():
            call(store.load_thread, "thr_1")
            proxy.cut_at("INSERT INTO")
            call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(sum(b"INSERT INTO" in data for data in proxy.seen), 1)
        self.assertEqual(item_ids(), ["msg_0"])


class WaitingTest(Faults, TransactionTestCase):
    def test_S15_after_a_timeout_of_the_pool_there_is_no_second_wait(self) -> None:
        tries = []

        def body(attempt: Attempt) -> None:
            tries.append(attempt)
            connection.close()  # the pool has given no connection
            raise OperationalError from PoolTimeout()

        with self.assertRaises(OperationalError):
            run_sync("default", body)
        self.assertEqual(len(tries), 1)

    @override_settings(CHATSTORE_SERVER="tests.assistants.Scripted")
    async def test_S15_nor_is_there_one_while_a_user_is_looked_up(self) -> None:
        tries = []

        async def get_context(server: Scripted, request: HttpRequest) -> None:
            tries.append(request)
            await sync_to_async(connections.close_all)()
            raise OperationalError from PoolTimeout()

        with patch.object(Scripted, "get_context", get_context):
            response = await AsyncClient().post(API, {}, content_type="application/json")
        self.assertEqual((response.status_code, len(tries)), (500, 1))


@pytest.mark.postgresql
@pytest.mark.mariadb
class NoConnectionLeftTest(EndpointMixin, Faults, TransactionTestCase):
    """Without a pool to wait in, while the server takes no more connections."""

    def test_S15_requests_and_operations_wait_for_a_connection(self) -> None:
        body = {"type": "threads.list", "params": {}}
        unpooled = {"pool": False} if connection.vendor == "postgresql" else {}
        with proxied() as proxy, connected(**unpooled), ThreadPoolExecutor(2) as threads:
            proxy.is_refusing = True
            post = partial(self.client.post, API, body, content_type="application/json")
            waiting = [
                threads.submit(_and_disconnect, action)
                for action in (post, partial(call, store.load_thread, "thr_1"))
            ]
            until(lambda: proxy.refused > 16 or any(each.done() for each in waiting))
            proxy.is_refusing = False
            response, loaded = (each.result() for each in waiting)
        self.assertEqual((response.status_code, loaded.id), (200, "thr_1"))


def _and_disconnect(action: Callable[[], Any]) -> Any:
    try:
        return action()
    finally:
        connections.close_all()


@pytest.mark.postgresql
@pytest.mark.mariadb
class AbsentServerTest(Faults, TransactionTestCase):
    def test_S15_an_absent_server_is_an_error_and_the_store_works_once_it_is_back(self) -> None:
        with proxied() as proxy:
            pool = {"pool": {"min_size": 1, "max_size": 4, "timeout": 1}}
            with connected(**pool if connection.vendor == "postgresql" else {}):
                self.assertEqual(item_ids(), ["msg_0"])
                proxy.close()
                with self.assertRaises(OperationalError):
                    call(store.load_thread, "thr_1")
        self.assertEqual(item_ids(), ["msg_0"])


class TerminatedConnections(Faults):
    """The server ends connections, as at a restart or by a command of an administrator."""

    def fill_pool(self) -> None:
        """Wait until the pool has all of its connections."""
        if connection.vendor == "postgresql":
            connection.pool.wait()

    def test_S15_after_all_connections_were_ended_the_next_operations_succeed(self) -> None:
        pool = {"pool": {"min_size": 6, "max_size": 6}}
        with connected(**pool if connection.vendor == "postgresql" else {}):
            for number in range(1, 4):
                self.call(store.load_thread, "thr_1")
                self.fill_pool()
                self.assertGreaterEqual(elsewhere(terminate)(), 1)
                self.call(store.add_thread_item, "thr_1", user_message(f"msg_{number}"))
                self.assertEqual(len(item_ids()), number + 1)
                self.fill_pool()
                self.assertGreaterEqual(elsewhere(terminate)(), 1)
                self.call(store.save_thread, thread(f"thr_new_{number}"))
                self.assertTrue(call(store.load_thread, f"thr_new_{number}"))


@pytest.mark.postgresql
@pytest.mark.mariadb
class TerminatedConnectionsTest(TerminatedConnections, TransactionTestCase):
    pass


class LostShards(Faults):
    """The server answers, but has lost its own connection to a shard, which a trigger plays."""

    def lose_shard(self, times: int) -> None:
        """Let so many writes of items fail."""
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE SEQUENCE lost;"
                "CREATE FUNCTION lose_shard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF nextval('lost') <= {times} THEN"
                " RAISE 'connection to the remote node failed' USING ERRCODE = '08006';"
                " END IF; RETURN new; END $$;"
                "CREATE TRIGGER lost BEFORE INSERT OR UPDATE ON chat_messages"
                " FOR EACH ROW EXECUTE FUNCTION lose_shard()"
            )
        self.addCleanup(self.find_shard)

    def find_shard(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION lose_shard CASCADE; DROP SEQUENCE lost")

    def test_S15_a_shard_that_is_lost_for_a_moment_is_tried_again(self) -> None:
        self.lose_shard(3)
        self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(item_ids(), ["msg_0", "msg_1"])

    def test_S15_a_shard_that_stays_lost_is_an_error_in_the_end(self) -> None:
        self.lose_shard(4)
        with self.assertRaisesMessage(OperationalError, "remote node failed"):
            self.call(store.add_thread_item, "thr_1", user_message("msg_1"))
        self.assertEqual(item_ids(), ["msg_0"])


@pytest.mark.unsharded  # it plays with a trigger, which Citus refuses
@pytest.mark.postgresql
class LostShardsTest(LostShards, TransactionTestCase):
    pass


def terminate() -> int:
    """End all other connections to the test database; return how many."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    if connection.vendor == "postgresql":
        find = (
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        end = "SELECT pg_terminate_backend(%s::int)"  # Citus has one that takes a bigint
    else:
        find = (
            "SELECT id FROM information_schema.processlist "
            "WHERE db = database() AND id <> connection_id()"
        )
        end = "KILL %s"
    with own.cursor() as cursor:
        cursor.execute(find)
        found = [row[0] for row in cursor.fetchall()]
        for number in found:
            cursor.execute(end, [number])
    own.close()
    return len(found)


class LocksTest(Faults, TransactionTestCase):
    """Another connection has locked the row."""

    def options(self) -> dict[str, Any]:
        """Return options that make connections wait 0.2 seconds for a lock."""
        match connection.vendor:
            case "postgresql":
                return {"options": "-c lock_timeout=200ms"}
            case "mysql":
                return {"init_command": "SET SESSION innodb_lock_wait_timeout=1"}
        return {"timeout": 0.2}

    def held(self, seconds: float) -> threading.Thread:
        """Lock the thread's row on another connection for some seconds; yield when locked."""
        is_locked = threading.Event()

        def hold() -> None:
            with transaction.atomic():
                ChatSession.objects.filter(thread_id="thr_1").update(title="Held")
                is_locked.set()
                time.sleep(seconds)

        holder = threading.Thread(target=elsewhere(hold))
        holder.start()
        is_locked.wait(10)
        return holder

    def test_S15_the_store_waits_for_a_lock_that_is_released(self) -> None:
        with connected(**self.options()):
            holder = self.held(1.3 if connection.vendor == "mysql" else 0.4)
            call(store.add_thread_item, "thr_1", user_message("msg_1"))
            holder.join()
            self.assertEqual(item_ids(), ["msg_0", "msg_1"])

    @pytest.mark.unsharded  # lock_timeout does not reach the nodes that hold shards
    def test_S15_a_lock_that_stays_is_an_error_in_the_end(self) -> None:
        with connected(**self.options()):
            holder = self.held(6 if connection.vendor == "mysql" else 3)
            with self.assertRaises(OperationalError):
                call(store.add_thread_item, "thr_1", user_message("msg_1"))
            self.assertTrue(holder.is_alive())
            holder.join()
            self.assertEqual(item_ids(), ["msg_0"])

    @pytest.mark.unsharded  # lock_timeout does not reach the nodes that hold shards
    def test_S15_inside_the_callers_transaction_a_lock_is_an_error(self) -> None:
        with connected(**self.options()):
            if connection.vendor == "sqlite":
                connection.settings_dict["OPTIONS"].pop("transaction_mode")
            holder = self.held(1.8 if connection.vendor == "mysql" else 0.8)
            begun = time.monotonic()
            with self.assertRaises(OperationalError), transaction.atomic():
                call(store.load_thread, "thr_1")
                call(store.add_thread_item, "thr_1", user_message("msg_1"))
            self.assertTrue(holder.is_alive(), time.monotonic() - begun)
            holder.join()
            self.assertEqual(item_ids(), ["msg_0"])


class AtOnceTestCase(Faults, TransactionTestCase):
    """Another connection writes, or waits to."""

    def waiting(self) -> None:
        """Return when another connection waits for a lock."""
        is_postgresql = connection.vendor == "postgresql"
        activity = "citus_stat_activity" if citus.URL else "pg_stat_activity"
        query = (
            f"SELECT count(*) FROM {activity} "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            if is_postgresql
            else "SELECT count(*) FROM information_schema.innodb_trx "
            "JOIN information_schema.processlist ON id = trx_mysql_thread_id "
            "WHERE db = database() AND trx_state = 'LOCK WAIT'"
        )
        with connection.cursor() as cursor:
            for _ in range(1000):
                if is_postgresql:
                    # In a transaction pg_stat_activity shows the state of the first query only.
                    cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(query)
                if cursor.fetchone()[0]:
                    return
                # InnoDB renews its view only after nobody has looked for a tenth of a second.
                time.sleep(0.005 if is_postgresql else 0.15)
        self.fail("nobody waits for a lock")

    def operation(self, method: Any, *arguments: Any) -> tuple[threading.Thread, list[Any]]:
        """Start an operation in another thread; its error is added to the list."""
        errors: list[Any] = []

        def run() -> None:
            try:
                call(method, *arguments)
            except Exception as error:  # noqa: BLE001 (whatever it is, the test looks at it)
                errors.append(error)

        runner = threading.Thread(target=elsewhere(run))
        runner.start()
        return runner, errors


@pytest.mark.postgresql
@pytest.mark.mariadb
class AtOnceTest(AtOnceTestCase):
    def test_S15_a_deadlock_is_tried_again(self) -> None:
        with transaction.atomic():
            self.let_the_other_be_the_victim()
            ChatMessage.objects.create(
                message_id=message_key("thr_1", "msg_1"),
                session_id=session_key("thr_1"),
                user_id="alice",
                item_id="msg_1",
                item_type="user_message",
                sender_type="user",
                timestamp=timezone.now() - dt.timedelta(days=9000),
                payload=user_message("msg_1", "first").model_dump_json(),
            )
            runner, errors = self.operation(
                store.add_thread_item, "thr_1", user_message("msg_1", "second")
            )
            self.waiting()
            row = ChatSession.objects.filter(thread_id="thr_1")
            row.update(title="For this the row is needed that the other holds")
        runner.join()
        self.assertEqual(errors, [])
        self.assertEqual(call(store.load_item, "thr_1", "msg_1").content[0].text, "first")

    def test_S15_of_two_who_make_the_same_thread_or_item_at_once_neither_gets_an_error(
        self,
    ) -> None:
        for make, args in (
            (store.save_thread, [thread("thr_2", title=title) for title in ("first", "second")]),
            (store.add_thread_item, [user_message("msg_1", text) for text in ("first", "second")]),
            (store.save_attachment, [attachment(name=name) for name in ("first", "second")]),
        ):
            with self.subTest(make.__name__):
                place = ["thr_1"] if make == store.add_thread_item else []
                with transaction.atomic():
                    call(make, *place, args[0])
                    runner, errors = self.operation(make, *place, args[1])
                    self.waiting()
                runner.join()
                self.assertEqual(errors, [])
        self.assertEqual(call(store.load_thread, "thr_2").title, "second")
        self.assertEqual(call(store.load_item, "thr_1", "msg_1").content[0].text, "first")
        self.assertEqual(call(store.load_attachment, "atc_1").name, "second")

    def let_the_other_be_the_victim(self) -> None:
        """Of two transactions in a deadlock have the server end the other one."""
        if connection.vendor == "postgresql":  # it ends the one that looks first
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '20s'")
        else:  # it ends the one that has changed less
            for number in range(20):
                call(store.save_thread, thread(f"thr_weight_{number}"))


@pytest.mark.postgresql
class PostgreSQLFaultsTest(AtOnceTestCase):
    def test_S15_a_serialization_failure_is_tried_again(self) -> None:
        for level in ("repeatable read", "serializable"):
            call(store.save_thread, thread(title=""))
            with connected(
                options=f"-c default_transaction_isolation={level.replace(' ', chr(92) + ' ')}"
            ):
                with transaction.atomic():
                    ChatSession.objects.update(title="Changed meanwhile")
                    runner, errors = self.operation(
                        store.add_thread_item, "thr_1", user_message(f"msg_{level}")
                    )
                    self.waiting()
                runner.join()
            self.assertEqual(errors, [])
            self.assertIn(f"msg_{level}", item_ids())


@pytest.mark.sqlite
class SQLiteFaultsTest(Faults, TransactionTestCase):
    def test_S15_a_write_after_a_read_that_has_become_stale_is_tried_again(self) -> None:
        """SQLite says busy with a code of its own (SQLITE_BUSY_SNAPSHOT), and at once."""
        titles: list[str] = []

        def body(attempt: Attempt) -> None:
            with attempt.transaction():
                titles.append(ChatSession.objects.get().title)
                if len(titles) == 1:
                    elsewhere(lambda: call(store.save_thread, thread(title="Meanwhile")))()
                ChatSession.objects.update(reason="Written")

        with connected():
            connection.settings_dict["OPTIONS"].pop("transaction_mode")
            run_sync("default", body)
        self.assertEqual(titles, ["", "Meanwhile"])
        self.assertEqual(ChatSession.objects.get().reason, "Written")
