"""V7: what one user can start, counted in a cache that processes share."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from unittest.mock import patch

from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import (
    AsyncClient,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    override_settings,
)

from chatstore.exceptions import LimitReached
from chatstore.server import user_limits
from chatstore.server.user_limits import CREATION, MESSAGE, STREAM
from tests.caches import delete_keys
from tests.endpoint import API, STREAMING_TYPES, Belongings, EndpointMixin
from tests.live import user_input
from tests.rows import everything
from tests.uploading import uploaded

MINUTE = 29_000_000  # since 1970
BACKENDS = "django.core.cache.backends"
SENDS_A_MESSAGE = {
    "threads.create",
    "threads.add_user_message",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "threads.retry_after_item",
    "threads.custom_action",
    "threads.sync_custom_action",
    "input.transcribe",
}
STARTS_SOMETHING = {*SENDS_A_MESSAGE, "attachments.create"}


class BrokenCache(LocMemCache):
    """A cache whose server can't be reached."""

    asked = 0

    def incr(self, *args: Any, **kwargs: Any) -> int:
        type(self).asked += 1
        raise ConnectionError("10.0.0.1 refuses")


class StalledCache(LocMemCache):
    """A cache whose server does not answer until it is told to."""

    may_answer = threading.Event()

    def incr(self, *args: Any, **kwargs: Any) -> int:
        self.may_answer.wait(30)
        return super().incr(*args, **kwargs)


class SharedCache(LocMemCache):
    """A cache in which another process is the first, in the instant before this one."""

    def add(self, key: str, value: int, *args: Any, **kwargs: Any) -> bool:
        super().add(key, MESSAGE)
        return super().add(key, value, *args, **kwargs)


class CountingCache(LocMemCache):
    """A cache that counts its calls."""

    calls = 0

    def incr(self, *args: Any, **kwargs: Any) -> int:
        type(self).calls += 1
        return super().incr(*args, **kwargs)


class CountedMixin:
    """A cache of the test's own, and a clock that the test sets."""

    cache = f"{BACKENDS}.locmem.LocMemCache"
    location = "test-limits"

    def cache_config(self) -> dict[str, Any]:
        return {"BACKEND": self.cache, "LOCATION": self.location}

    def setUp(self) -> None:
        super().setUp()
        self.set(CACHES={"default": self.cache_config()})
        delete_keys("default")
        self.addCleanup(self.forget)
        self.set_clock(0)
        patient = patch.object(user_limits, "CACHE_TIMEOUT_SECONDS", 30)  # on a busy machine
        patient.start()
        self.addCleanup(patient.stop)

    def set(self, **settings: Any) -> None:
        override = override_settings(**settings)
        override.enable()
        self.addCleanup(override.disable)

    def set_clock(self, seconds: float, minute: int = MINUTE) -> None:
        clock = patch.object(user_limits, "now", lambda: minute * 60 + seconds)
        clock.start()
        self.addCleanup(clock.stop)

    def renew(self) -> None:
        """Do what a thread of its own does once a minute."""
        user_limits._thread.submit(user_limits._renew_next_minute).result()

    def settle(self) -> None:
        """Wait until all has been counted."""
        user_limits._thread.submit(int).result()

    def forget(self) -> None:
        user_limits._thread.submit(user_limits._open.clear).result()
        user_limits._paused_until = 0.0
        delete_keys("default")


@override_settings(
    CHATSTORE_MAX_STREAMS=2, CHATSTORE_MESSAGES_PER_MINUTE=5, CHATSTORE_CREATIONS_PER_MINUTE=3
)
class CountsTest(CountedMixin, SimpleTestCase):
    async def fill(self, cost: int, user: Any = "alice") -> list[user_limits.Admission]:
        """Start as much as is let in."""
        admitted = []
        while len(admitted) < 100:
            try:
                admitted.append(await user_limits.admit(user, cost))
            except LimitReached:
                break
        return admitted

    async def test_V7_each_limit_is_reached_exactly(self) -> None:
        for cost, limit in ((MESSAGE, 5), (CREATION, 3), (STREAM, 2)):
            self.assertEqual(len(await self.fill(cost)), limit)
            self.assertEqual(len(await self.fill(cost)), 0)
            self.assertEqual(len(await self.fill(cost, "charlie")), limit)

    async def test_V7_the_answer_says_when_to_try_again(self) -> None:
        await self.fill(MESSAGE)
        self.set_clock(42.5)
        with self.assertRaises(LimitReached) as refused:
            await user_limits.admit("alice", MESSAGE)
        self.assertEqual((refused.exception.status, refused.exception.retry_after), (429, 18))
        self.assertIn("18 seconds", str(refused.exception))
        self.set_clock(0, MINUTE + 1)
        self.assertEqual(len(await self.fill(MESSAGE)), 5)

    async def test_V7_what_is_refused_is_not_counted(self) -> None:
        streams = await self.fill(STREAM)
        for _ in range(10):
            self.assertEqual(await self.fill(STREAM + MESSAGE), [])
        streams[0].end()
        self.assertEqual(len(await self.fill(STREAM + MESSAGE)), 1)
        self.assertEqual(len(await self.fill(MESSAGE)), 4)

    async def test_V7_a_stream_counts_until_it_ends(self) -> None:
        first, second = await self.fill(STREAM)
        first.end()
        [third] = await self.fill(STREAM)
        second.end()
        third.end()
        self.assertEqual(len(await self.fill(STREAM)), 2)

    async def test_V7_a_stream_that_lives_counts_in_each_minute(self) -> None:
        [first, _second] = await self.fill(STREAM)
        for later in range(3):
            self.set_clock(user_limits.RENEWAL_SECOND, MINUTE + later)
            self.renew()
            self.renew()
            self.set_clock(0, MINUTE + later + 1)
            self.assertEqual(await self.fill(STREAM), [])
        first.end()
        self.assertEqual(len(await self.fill(STREAM)), 1)

    async def test_V7_a_stream_that_begins_late_in_a_minute_counts_in_the_next(self) -> None:
        self.set_clock(59.9)
        [first, _second] = await self.fill(STREAM)
        self.set_clock(0, MINUTE + 1)
        self.assertEqual(await self.fill(STREAM), [])
        first.end()
        self.assertEqual(len(await self.fill(STREAM)), 1)

    async def test_V7_without_limits_the_cache_is_not_asked(self) -> None:
        self.set(CACHES={"default": {"BACKEND": f"{__name__}.BrokenCache"}})
        self.set(
            CHATSTORE_MAX_STREAMS=0,
            CHATSTORE_MESSAGES_PER_MINUTE=0,
            CHATSTORE_CREATIONS_PER_MINUTE=0,
        )
        with self.assertNoLogs("chatstore"):
            self.assertEqual(len(await self.fill(MESSAGE + CREATION + STREAM)), 100)
            self.set(CHATSTORE_CREATIONS_PER_MINUTE=1)
            self.assertEqual(len(await self.fill(MESSAGE + STREAM)), 100)
            self.set(CHATSTORE_MESSAGES_PER_MINUTE=1)
            self.assertEqual(len(await self.fill(MESSAGE + CREATION, None)), 100)

    async def test_V7_a_cache_that_fails_stops_no_request(self) -> None:
        self.set(CACHES={"default": {"BACKEND": f"{__name__}.BrokenCache"}})
        asked = BrokenCache.asked
        with self.assertLogs("chatstore", "ERROR") as logs:
            for admission in await self.fill(STREAM):
                admission.end()
        self.settle()
        self.assertEqual(len(logs.output), 1)
        self.assertIn("builtins.ConnectionError at ", logs.output[0])
        self.assertEqual(BrokenCache.asked - asked, 1)  # and then it is left alone for a while

    async def test_V7_what_a_failing_cache_has_not_counted_is_not_subtracted(self) -> None:
        streams = await self.fill(STREAM)
        self.set_clock(user_limits.RENEWAL_SECOND)
        with patch.object(user_limits, "_paused_until", time.monotonic() + 60):
            self.renew()
        self.set_clock(0, MINUTE + 1)
        streams += await self.fill(STREAM)
        for stream in streams:
            stream.end()
        self.assertEqual(len(await self.fill(STREAM)), 2)

    async def test_V7_counts_that_the_cache_has_dropped_stop_no_request(self) -> None:
        streams = await self.fill(STREAM)
        delete_keys("default")
        await user_limits.admit("alice", MESSAGE)
        for stream in streams:
            stream.end()
        self.assertGreaterEqual(len(await self.fill(STREAM)), 2)

    async def test_V7_a_cache_that_does_not_answer_stops_no_request(self) -> None:
        self.set(CACHES={"default": {"BACKEND": f"{__name__}.StalledCache"}})
        self.addCleanup(StalledCache.may_answer.set)
        with (
            patch.object(user_limits, "CACHE_TIMEOUT_SECONDS", 0.01),
            patch.object(user_limits, "QUEUE_TIMEOUT_SECONDS", 60),
            self.assertLogs("chatstore", "ERROR") as logs,
        ):
            admitted = await self.fill(STREAM)
        self.assertEqual((len(admitted), len(logs.output)), (100, 1))
        StalledCache.may_answer.set()
        for admission in admitted:
            admission.end()
        self.settle()
        self.assertFalse(user_limits._open)

    async def test_V7_many_at_once_do_not_switch_the_limits_off(self) -> None:
        is_free = self.occupy()
        with (
            patch.object(user_limits, "CACHE_TIMEOUT_SECONDS", 0.1),
            patch.object(user_limits, "QUEUE_TIMEOUT_SECONDS", 60),
            self.assertNoLogs("chatstore"),
        ):
            starting = self.start(7)
            done, _pending = await asyncio.wait(starting, timeout=0.5)
            self.assertFalse(done)
            user_limits.CACHE_TIMEOUT_SECONDS = 30
            is_free.set()
            answers = await asyncio.gather(*starting, return_exceptions=True)
        self.assertEqual(sum(isinstance(one, LimitReached) for one in answers), 2)

    async def test_V7_who_waits_too_long_behind_others_is_let_in(self) -> None:
        is_free = self.occupy()
        with (
            patch.object(user_limits, "CACHE_TIMEOUT_SECONDS", 0.01),
            patch.object(user_limits, "QUEUE_TIMEOUT_SECONDS", 0.01),
            self.assertLogs("chatstore", "ERROR"),
        ):
            await asyncio.gather(*self.start(7))
        is_free.set()

    async def test_V7_requests_that_wait_for_a_cache_that_fails_do_not_ask_it_too(self) -> None:
        self.set(CACHES={"default": {"BACKEND": f"{__name__}.BrokenCache"}})
        asked = BrokenCache.asked
        is_free = self.occupy()
        starting = self.start(5)
        await asyncio.sleep(0)  # until all wait
        with self.assertLogs("chatstore", "ERROR"):
            is_free.set()
            await asyncio.gather(*starting)
        self.assertEqual(BrokenCache.asked - asked, 1)

    def start(self, count: int) -> list[asyncio.Future[user_limits.Admission]]:
        """Start messages at once."""
        return [asyncio.ensure_future(user_limits.admit("alice", MESSAGE)) for _ in range(count)]

    def occupy(self) -> threading.Event:
        """Let the thread that counts wait until the event is set."""
        is_free = threading.Event()
        self.addCleanup(is_free.set)
        user_limits._thread.submit(is_free.wait, 30)
        return is_free

    async def test_V7_who_is_cancelled_while_it_is_counted_is_not_counted(self) -> None:
        is_free = self.occupy()
        starting = asyncio.ensure_future(user_limits.admit("alice", MESSAGE + STREAM))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        is_free.set()
        self.assertEqual(len(await self.fill(STREAM)), 2)
        self.assertEqual(len(await self.fill(MESSAGE)), 5)

    async def test_V7_a_limit_that_is_exceeded_stops_nothing_else(self) -> None:
        names = ("MESSAGES_PER_MINUTE", "CREATIONS_PER_MINUTE", "MAX_STREAMS")
        costs = (MESSAGE, CREATION, STREAM)
        for name, cost in zip(names, costs, strict=True):
            await self.fill(cost, name)
            with override_settings(**{f"CHATSTORE_{name}": 1}):
                for other in costs:
                    self.assertEqual(len(await self.fill(other, name)) > 0, other != cost)
            with override_settings(**{f"CHATSTORE_{name}": 0}):
                for other, limit in zip(costs, (5, 3, 2), strict=True):
                    expected = 100 if other == cost else limit
                    self.assertEqual(len(await self.fill(other, f"{name} of {other}")), expected)

    async def test_V7_what_is_refused_is_taken_back_from_its_own_minute(self) -> None:
        def refuse(*_args: Any) -> None:
            self.set_clock(0, MINUTE + 1)
            raise LimitReached("No.", retry_after=1)

        self.set_clock(0, MINUTE + 1)
        await user_limits.admit("alice", MESSAGE)
        self.set_clock(59)
        with patch.object(user_limits, "_check", refuse), self.assertRaises(LimitReached):
            await user_limits.admit("alice", MESSAGE)
        self.assertEqual(len(await self.fill(MESSAGE)), 4)

    async def test_V7_what_the_cache_has_forgotten_allows_no_more(self) -> None:
        [first, _second] = await self.fill(STREAM)
        delete_keys("default")
        first.end()
        self.assertEqual(len(await self.fill(STREAM)), 2)

    async def test_V7_the_first_of_two_processes_at_once_is_counted_too(self) -> None:
        self.set(CACHES={"default": {"BACKEND": f"{__name__}.SharedCache", "LOCATION": "two"}})
        self.assertEqual(len(await self.fill(MESSAGE)), 4)

    async def test_V7_the_cache_holds_no_ids_of_users(self) -> None:
        await user_limits.admit("alice", MESSAGE)
        [key] = caches["default"]._cache
        self.assertNotIn("alice", key)
        await user_limits.admit("\ud800" * 255, MESSAGE)  # of another package's store

    async def test_V7_open_streams_are_renewed_each_minute_by_a_thread(self) -> None:
        self.set_clock(user_limits.RENEWAL_SECOND)
        await self.fill(STREAM)
        self.set_clock(5, MINUTE + 1)
        self.assertEqual(await self.fill(STREAM), [])
        assert user_limits._renewer
        self.assertTrue(user_limits._renewer.is_alive() and user_limits._renewer.daemon)
        here, sleep = threading.current_thread(), time.sleep
        slept: list[float] = []

        def sleep_twice(seconds: float) -> None:
            if threading.current_thread() is not here:
                sleep(seconds)
            elif len(slept) == 2:
                raise InterruptedError
            else:
                slept.append(seconds)

        with (
            patch.object(user_limits.time, "sleep", sleep_twice),
            self.assertRaises(InterruptedError),
        ):
            user_limits._renew_each_minute()
        self.assertEqual(slept, [40, 40])
        self.settle()
        self.set_clock(0, MINUTE + 2)
        self.assertEqual(await self.fill(STREAM), [])


class EndpointTest(CountedMixin, EndpointMixin, TransactionTestCase):
    cache = f"{__name__}.CountingCache"

    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")

    def set_limits(self, streams: int = 9, messages: int = 9, creations: int = 9) -> None:
        self.set(
            CHATSTORE_MAX_STREAMS=streams,
            CHATSTORE_MESSAGES_PER_MINUTE=messages,
            CHATSTORE_CREATIONS_PER_MINUTE=creations,
        )

    def assert_limited(self, response: Any) -> None:
        self.assert_refused(response, 429)
        self.assertRegex(response.headers["Retry-After"], r"^[1-9]\d?$")

    async def say(self, text: str = "say fine", client: Any = None) -> Any:
        params = {"thread_id": "thr_1", "input": user_input(text)}
        return await self.post("threads.add_user_message", params, client)

    async def test_V7_messages_a_minute(self) -> None:
        self.set_limits(messages=2)
        for _ in range(2):
            self.assertEqual((await self.say()).status_code, 200)
        before = await sync_to_async(everything)()
        for kind, params in self.has.requests().items():
            if kind in SENDS_A_MESSAGE:
                with self.subTest(kind):
                    self.assert_limited(await self.post(kind, params))
        self.assertEqual(await sync_to_async(everything)(), before)
        stranger = AsyncClient()
        await stranger.aforce_login(self.other)
        response = await self.post("threads.create", {"input": user_input("say a")}, stranger)
        self.assertEqual(response.status_code, 200)

    async def test_V7_threads_and_attachments_a_minute(self) -> None:
        self.set_limits(creations=3)
        await self.send("threads.create", {"input": user_input("say a")})
        await self.get("attachments.create", self.has.requests()["attachments.create"])
        direct = await self.async_client.post("/chat/files/", {"file": uploaded()})
        self.assertEqual(direct.status_code, 200)
        before = await sync_to_async(everything)()
        self.assert_limited(await self.post("threads.create", {"input": user_input("say a")}))
        announced = self.has.requests()["attachments.create"]
        self.assert_limited(await self.post("attachments.create", announced))
        self.assert_limited(await self.async_client.post("/chat/files/", {"file": uploaded()}))
        self.assertEqual(await sync_to_async(everything)(), before)
        self.assertEqual((await self.say()).status_code, 200)

    async def until_open(self, count: int) -> None:
        while len(user_limits._open) > count:  # noqa: ASYNC110 (set in another thread)
            await asyncio.sleep(0.01)

    async def test_V7_streams_at_once(self) -> None:
        self.set_limits(streams=2)
        opened = []
        for _ in range(2):
            params = {"thread_id": "thr_1", "input": user_input("sleep well")}
            body = {"type": "threads.add_user_message", "params": params}
            response = await self.async_client.post(API, body, content_type="application/json")
            self.assertEqual(response.status_code, 200)
            opened.append(response)
        self.assert_limited(await self.say())
        self.assertEqual((await self.get("threads.list", {}))["data"][0]["id"], "thr_1")
        opened[0].close()  # as the server does when the client has gone
        await self.until_open(1)
        self.assertEqual((await self.say()).status_code, 200)
        opened[1].close()
        await self.until_open(0)

    async def test_V7_answers_that_have_ended_are_not_counted(self) -> None:
        self.set_limits(streams=1)
        for text in ("say fine", "fail soon", "say fine"):
            self.assertEqual((await self.say(text)).status_code, 200)
        for thread_id, attachments in (("unknown", []), ("thr_1", ["unknown"])):
            message = user_input("say a", attachments=attachments)
            params = {"thread_id": thread_id, "input": message}
            response = await self.post("threads.add_user_message", params)
            self.assert_refused(response, 404)
        self.assertEqual((await self.say()).status_code, 200)

    async def test_V7_one_call_of_the_cache_a_request_and_none_for_reads(self) -> None:
        self.set_limits(streams=99, messages=99, creations=99)
        await self.send("threads.create", {"input": user_input("say a")})  # the minute's first
        self.settle()
        for kind, params in self.has.requests().items():
            CountingCache.calls = 0
            await self.post(kind, params)
            self.settle()
            expected = 0
            if kind in STARTS_SOMETHING:  # and again when the stream has ended
                expected = 2 if kind in STREAMING_TYPES else 1
            self.assertEqual(CountingCache.calls, expected, kind)


class RefusalHookTest(EndpointMixin, TestCase):
    """ChatServer.refusal is asked for new threads too."""

    async def test_V2_an_application_refuses_a_new_thread(self) -> None:
        for name in ("RefusesThreads", "RefusesThreadsWithoutContext"):
            self.set_server(name)
            [event] = await self.send("threads.create", {"input": user_input("say a")})
            self.assertEqual((event["type"], event["message"]), ("error", "No new ones."))
            self.assertEqual((await self.get("threads.list", {}))["data"], [])

    async def test_V7_an_application_has_limits_of_its_own(self) -> None:
        self.set_server("Limited")
        response = await self.post("threads.create", {"input": user_input("say a")})
        self.assert_refused(response, 429)
        self.assertEqual(response.headers["Retry-After"], "3600")

    def set_server(self, name: str) -> None:
        override = override_settings(CHATSTORE_SERVER=f"tests.assistants.{name}")
        override.enable()
        self.addCleanup(override.disable)


class LengthTest(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_1")

    async def rename(self, title: str) -> Any:
        return await self.post("threads.update", thread_id="thr_1", title=title)

    async def test_V7_the_length_of_a_title(self) -> None:
        self.assertEqual((await self.rename("é" * 200)).status_code, 200)
        sentence = self.assert_refused(await self.rename("é" * 201), 400)
        self.assertIn("200 characters", sentence)
        self.assert_refused(await self.rename("x" * 5_000_000), 400)
        [thread] = (await self.get("threads.list", {}))["data"]
        self.assertEqual(thread["title"], "é" * 200)

    @override_settings(CHATSTORE_MAX_MESSAGE_LENGTH=20)
    async def test_V7_the_length_of_a_message(self) -> None:
        tag = {"type": "input_tag", "id": "t", "text": "x", "data": {"a": "b" * 30}}
        parts = {"type": "input_text", "text": ""}
        for kind, more in (("threads.create", {}), ("threads.add_user_message", self.thread)):
            allowed = user_input("say " + "a" * 10) | {"quoted_text": "b" * 6}
            self.assertEqual((await self.post(kind, {**more, "input": allowed})).status_code, 200)
            for changed in (
                allowed | {"quoted_text": "b" * 7},
                user_input("say " + "a" * 17),
                allowed | {"content": [tag]},
                allowed | {"content": [parts] * 21, "quoted_text": ""},
            ):
                response = await self.post(kind, {**more, "input": changed})
                self.assertIn("20 characters", self.assert_refused(response, 400))
        question = self.has.requests()["threads.add_structured_input"]
        question["input"] = {"answers": {"why": {"values": ["a" * 20, "b"]}}}
        self.assert_refused(await self.post("threads.add_structured_input", question), 400)

    @property
    def thread(self) -> dict[str, str]:
        return {"thread_id": "thr_1"}
