"""S21: the thread cache never serves another owner's thread, nor one from before a change."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from chatkit.store import NotFoundError
from django.core.cache import caches
from django.core.cache.backends.base import memcache_key_warnings
from django.db import connection, transaction
from django.test import SimpleTestCase, TransactionTestCase
from django.utils import timezone

from chatstore.lifecycle.erasure import erase_user
from chatstore.lifecycle.retention import Rule, cleanup
from chatstore.lifecycle.transfer import assign_threads
from chatstore.models import ChatMessage, ChatSession, session_key
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.store import DjangoStore, thread_cache
from chatstore.turns import Turn, track_request
from tests import test_store
from tests.assistants import Scripted
from tests.async_pool import AsyncPoolMixin
from tests.base import ALICE, CHARLIE, answer, thread, user_message
from tests.caches import LOCMEM, SlowReaderMixin, delete_keys, redis, redis_server, use_cache
from tests.live import user_input
from tests.proxy import Proxy, elsewhere
from tests.test_server import RequestMixin

ROOT = Path(__file__).resolve().parent.parent
KEY = session_key("thr_1")
MODERATOR = Moderator("A moderator", reason="Rude")
store = DjangoStore()


def call(method: Any, *arguments: Any, context: Any = ALICE) -> Any:
    return async_to_sync(method)(*arguments, context)


def load_thread(context: Any = ALICE) -> Any:
    return call(store.load_thread, "thr_1", context=context)


@contextmanager
def changed_behind_the_cache() -> Iterator[None]:
    """Give the row another status in the block, without a word to the cache."""
    ChatSession.objects.update(moderation="closed")
    yield
    ChatSession.objects.update(moderation="")


def is_cached(load: Callable[[], Any] = load_thread) -> bool:
    """Tell whether load_thread serves the row from the cache."""
    with changed_behind_the_cache():
        return bool(load().status.type != "closed")


def forget_change() -> None:
    """Let the mark of a change expire, after which the thread is cached again."""
    entry = thread_cache._Entry("default", "alice", KEY)
    if caches["threads"].get(entry.version_key) == thread_cache._CHANGED:
        caches["threads"].delete(entry.version_key)


class CacheMixin:
    """Uses a thread cache, in which thr_1 of alice is."""

    config: dict[str, Any] = LOCMEM

    def setUp(self) -> None:
        super().setUp()
        override = use_cache(self.config)
        override.enable()
        self.addCleanup(override.disable)
        self.addCleanup(delete_keys)
        self.put_into_cache()

    def put_into_cache(self) -> None:
        call(store.save_thread, thread(title="Old"))
        call(store.add_thread_item, "thr_1", user_message(text="Old"))
        forget_change()
        load_thread()
        self.assertTrue(is_cached())


class Contents(CacheMixin):
    def test_S21_a_thread_in_the_cache_is_loaded_without_a_query(self) -> None:
        with self.assertNumQueries(0):
            loaded = load_thread()
        self.assertEqual(loaded, thread(title="Old"))

    def test_S21_what_is_loaded_is_the_callers_own(self) -> None:
        load_thread().title = "Changed, and not saved"
        self.assertEqual(load_thread().title, "Old")

    def test_S21_S3_another_owner_finds_nothing(self) -> None:
        for context in (CHARLIE, {"user_id": "alice "}, {"user_id": ""}, {"user_id": "Alice"}):
            with self.subTest(context), self.assertRaises((NotFoundError, ValueError)):
                load_thread(context)

    def test_S21_any_text_is_an_owner_and_an_id(self) -> None:
        context = {"user_id": "Zoë: a\nb {}" + "x" * 240}
        thread_id = "thr \t\r\n“1” %s" + "y" * 240
        call(store.save_thread, thread(thread_id), context=context)
        call(store.load_thread, thread_id, context=context)
        with self.assertRaises(NotFoundError):
            call(store.load_thread, "thr\x00", context=context)

    def test_S21_a_moderators_status_comes_from_the_cache_too(self) -> None:
        actions.close(ChatSession.objects.get(), MODERATOR)
        forget_change()
        load_thread()
        with self.assertNumQueries(0):
            loaded = load_thread()
        loaded.title = "Renamed"
        call(store.save_thread, loaded)
        actions.reopen(ChatSession.objects.get(), MODERATOR)
        self.assertEqual((load_thread().status.type, load_thread().title), ("active", "Renamed"))


class Changes(CacheMixin):
    """Each change is seen by the next load, whoever makes it."""

    def seen_at_once(self, change: Callable[[], object], **expected: Any) -> None:
        """Make the change on a thread that is in the cache, and compare what is loaded then."""
        self.assertTrue(is_cached())
        change()
        loaded = load_thread()
        for name, value in expected.items():
            self.assertEqual(getattr(loaded, name), value)
        self.assertFalse(is_cached(), "it could be older than a change that is under way")

    def gone_at_once(self, change: Callable[[], object]) -> None:
        self.assertTrue(is_cached())
        change()
        with self.assertRaises(NotFoundError):
            load_thread()

    def test_S21_a_save(self) -> None:
        self.seen_at_once(lambda: call(store.save_thread, thread(title="New")), title="New")

    def test_S21_a_save_in_a_request_that_has_loaded_the_thread(self) -> None:
        with track_request():
            load_thread()
            self.seen_at_once(lambda: call(store.save_thread, thread(title="New")), title="New")

    def test_S21_a_lock_and_its_end(self) -> None:
        row = ChatSession.objects.get()
        for act, status in (
            (actions.lock, "locked"),
            (actions.close, "closed"),
            (actions.reopen, "active"),
        ):
            act(row, MODERATOR)
            self.assertEqual(load_thread().status.type, status)
            forget_change()
            load_thread()

    def test_S21_a_title_that_is_redacted(self) -> None:
        self.seen_at_once(lambda: redact(ChatMessage.objects.get(), MODERATOR), title=None)

    def test_S21_S20_a_retry(self) -> None:
        """Of a turn that begins after it, nothing is refused."""
        call(store.add_thread_item, "thr_1", answer("msg_2"))
        call(store.delete_items_after, "thr_1", "msg_1")
        turn = Turn()
        with track_request(turn):
            load_thread()
            call(store.add_thread_item, "thr_1", answer("msg_3"))
        self.assertEqual(turn.retry_id, ChatSession.objects.get().retry_id)

    def test_S21_a_deletion_by_the_owner(self) -> None:
        self.gone_at_once(lambda: call(store.delete_thread, "thr_1"))

    def test_S21_a_deletion_on_hold_which_hides(self) -> None:
        actions.hold(ChatSession.objects.get(), MODERATOR)
        forget_change()
        load_thread()
        self.gone_at_once(lambda: call(store.delete_thread, "thr_1"))

    def test_S21_a_deletion_by_a_moderator(self) -> None:
        self.gone_at_once(lambda: actions.delete(ChatSession.objects.get(), MODERATOR))

    def test_S21_retention(self) -> None:
        rule = Rule(cutoff=timezone.now() + dt.timedelta(days=1))
        self.gone_at_once(lambda: cleanup(rule, "default"))

    def test_S21_an_erasure(self) -> None:
        self.gone_at_once(lambda: erase_user("alice", "default"))

    def test_S21_a_transfer_to_another_owner_and_back(self) -> None:
        self.gone_at_once(lambda: assign_threads("alice", "charlie", "default"))
        self.assertEqual(load_thread(CHARLIE).title, "Old")
        forget_change()
        assign_threads("charlie", "alice", "default")
        self.assertEqual(load_thread().title, "Old")
        with self.assertRaises(NotFoundError):
            load_thread(CHARLIE)

    def test_S21_no_text_of_a_deleted_thread_stays_in_the_cache(self) -> None:
        entry = thread_cache._Entry("default", "alice", KEY)
        self.assertIn("Old", str(caches["threads"].get(entry.row_key)))
        call(store.delete_thread, "thr_1")
        self.assertNotIn("Old", str(caches["threads"].get(entry.row_key)))


class Races(CacheMixin):
    """What happens between the steps of another reader or writer."""

    def load_elsewhere(self) -> Any:
        return elsewhere(load_thread)()

    def save_elsewhere(self, title: str) -> None:
        elsewhere(lambda: call(store.save_thread, thread(title=title)))()

    def test_S21_a_row_read_before_a_change_and_stored_after_it_is_never_served(self) -> None:
        for is_cached_again in (False, True):
            delete_keys()
            self.save_elsewhere("Old")
            forget_change()

            def meanwhile(is_cached_again: bool = is_cached_again) -> None:
                self.save_elsewhere("New")
                if is_cached_again:  # by another reader, when the mark of the change has expired
                    forget_change()
                    self.load_elsewhere()

            SlowReaderMixin.meanwhile.append(meanwhile)
            self.assertEqual(load_thread().title, "Old")
            self.assertEqual(SlowReaderMixin.meanwhile, [])
            self.assertEqual(load_thread().title, "New")
            forget_change()
            self.assertEqual(load_thread().title, "New")
            self.assertTrue(is_cached())
            self.assertEqual(load_thread().title, "New")

    def test_S21_what_is_not_committed_is_neither_served_nor_stored(self) -> None:
        for ends_in_rollback in (True, False):
            with transaction.atomic():
                call(store.save_thread, thread(title="New"))
                forget_change()  # as if it took that long
                self.assertEqual(load_thread().title, "New")
                self.assertEqual(load_thread().title, "New")
                for _ in range(2):  # the second one is served from the cache
                    self.assertEqual(self.load_elsewhere().title, "Old")
                transaction.set_rollback(ends_in_rollback)
            expected = "Old" if ends_in_rollback else "New"
            self.assertEqual(load_thread().title, expected)
            self.assertEqual(self.load_elsewhere().title, expected)

    def test_S21_while_a_change_is_under_way_nothing_is_stored(self) -> None:
        with transaction.atomic():
            actions.lock(ChatSession.objects.get(), MODERATOR)
            for _ in range(2):
                self.assertEqual(self.load_elsewhere().status.type, "active")
        self.assertEqual(load_thread().status.type, "locked")


LOCK_AND_DIE = """
import os, signal
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = os.environ["KILLED_IN"]
from chatstore.models import ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.signals import thread_moderated
from tests.caches import redis, use_cache

def die(**values):
    os.kill(os.getpid(), signal.SIGKILL)

thread_moderated.connect(die)  # sent after the commit
with use_cache(redis()):
    actions.lock(ChatSession.objects.get(), Moderator("A moderator", reason="Rude"))
"""


class InMemoryTest(Contents, Changes, Races, TransactionTestCase):
    pass


@pytest.mark.redis
class OnRedisTest(Contents, Changes, Races, TransactionTestCase):
    config = redis()

    @pytest.mark.slow
    def test_S21_of_a_writer_killed_between_commit_and_word_to_the_cache(self) -> None:
        connection.close()
        environment = os.environ | {"KILLED_IN": str(connection.settings_dict["NAME"])}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", LOCK_AND_DIE],
            cwd=ROOT,
            env=environment,
            check=False,
        )
        self.assertEqual(done.returncode, -signal.SIGKILL)
        self.assertEqual(load_thread().status.type, "locked")


@pytest.mark.sqlite  # the cache does not depend on the database
class ContractTest(CacheMixin, test_store.DjangoStoreContract, TransactionTestCase):
    """All that the store promises holds with a cache too."""

    def put_into_cache(self) -> None:
        pass


class OnTheAsyncPoolTest(AsyncPoolMixin, CacheMixin, TransactionTestCase):
    """The cache is asked in a thread, since it would block the event loop."""

    async def test_S21_S19_a_thread_in_the_cache_is_loaded_from_it(self) -> None:
        await sync_to_async(ChatSession.objects.update)(moderation="closed")
        self.assertEqual((await store.load_thread("thr_1", ALICE)).status.type, "active")

    async def test_S21_S19_a_change_is_seen_at_once(self) -> None:
        for title in ("New", "Newer"):
            with track_request():
                await store.load_thread("thr_1", ALICE)
                await store.save_thread(thread(title=title), ALICE)
            self.assertEqual((await store.load_thread("thr_1", ALICE)).title, title)
            await sync_to_async(forget_change)()
        await store.delete_thread("thr_1", ALICE)
        with self.assertRaises(NotFoundError):
            await store.load_thread("thr_1", ALICE)


class ServerTest(RequestMixin, CacheMixin, TransactionTestCase):
    """A writer that could not reach the cache has left an old row in it."""

    def test_S21_V2_whoever_writes_asks_the_database(self) -> None:
        self.server = Scripted()
        ask = partial(self.send, thread_id="thr_1", input=user_input("say hello"))
        with changed_behind_the_cache():
            [event] = async_to_sync(ask)("threads.add_user_message")
            self.assertEqual(event["type"], "error")
            shown = async_to_sync(self.get)("threads.get_by_id", thread_id="thr_1")
            self.assertEqual(shown["status"]["type"], "active")
        self.assertEqual(ChatMessage.objects.count(), 1)
        events = async_to_sync(ask)("threads.add_user_message")
        self.assertNotIn("error", [event["type"] for event in events])

    def test_S21_a_thread_that_is_gone_is_gone_for_whoever_writes(self) -> None:
        self.server = Scripted()
        ChatMessage.objects.all().raw_delete()
        ChatSession.objects.all().raw_delete()
        for kind, params in (
            ("threads.add_user_message", {"input": user_input("say hello")}),
            ("threads.update", {"title": "New"}),
        ):
            with self.subTest(kind), self.assertRaises(NotFoundError):
                async_to_sync(partial(self.send, thread_id="thr_1", **params))(kind)
        self.assertFalse(ChatSession.objects.exists())


class DownTest(TransactionTestCase):
    """A cache that is down costs nothing but its time-out."""

    def test_S21_where_nothing_listens_the_database_answers(self) -> None:
        with socket.socket() as unused, track_request():
            unused.bind(("127.0.0.1", 0))
            with (
                use_cache(redis(server=unused.getsockname())),
                self.assertLogs("chatstore.store.thread_cache", "WARNING") as logs,
            ):
                for title in ("Secret", "New"):
                    call(store.save_thread, thread(title=title))
                    self.assertEqual(load_thread().title, title)
                actions.lock(ChatSession.objects.get(), MODERATOR)
                self.assertEqual(load_thread().status.type, "locked")
                call(store.delete_thread, "thr_1")
                with self.assertRaises(NotFoundError):
                    load_thread()
        for line in logs.output:
            self.assertIn(str(KEY), line)
            self.assertIn("ConnectionError", line)
            self.assertNotIn("Secret", line)

    @pytest.mark.redis
    def test_S21_one_that_goes_and_comes_back(self) -> None:
        proxy = Proxy(redis_server())
        with use_cache(redis(server=("127.0.0.1", proxy.port))):
            call(store.save_thread, thread(title="Old"))
            forget_change()
            load_thread()
            self.assertTrue(is_cached())
            proxy.close()
            with self.assertLogs("chatstore.store.thread_cache", "WARNING"):
                self.assertFalse(is_cached())
                self.assertEqual(load_thread().title, "Old")
        with use_cache(redis()):
            self.assertTrue(is_cached())
            delete_keys()


class KeysTest(SimpleTestCase):
    def test_S21_keys_are_valid_in_memcached_and_tell_owners_databases_and_threads_apart(
        self,
    ) -> None:
        names = ("default", "alice", KEY), ("default", "bob", KEY), ("default", "alice", uuid4())
        entries = [thread_cache._Entry(*name) for name in names]
        for entry in entries:
            for key in (entry.version_key, entry.row_key):
                self.assertEqual(list(memcache_key_warnings(key)), [])
        self.assertEqual(len({entry.version_key for entry in entries}), 3)
        self.assertEqual(len({entry.row_key for entry in entries}), 3)

    def test_S21_aliases_of_one_database_share_the_mark_of_a_change_and_no_row(self) -> None:
        one, other = (thread_cache._Entry(using, "alice", KEY) for using in ("default", "other"))
        self.assertEqual(one.version_key, other.version_key)
        self.assertNotEqual(one.row_key, other.row_key)
