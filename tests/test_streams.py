"""V4: the end of a stream if the client disconnects, the server stops, or an error occurs."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ClientEffectEvent,
    CustomTask,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from django.db import connection, transaction
from django.db.models import F
from django.http import StreamingHttpResponse
from django.test import SimpleTestCase

from chatstore.models import ChatMessage, ChatSession
from chatstore.server import live_streams
from chatstore.server.event_queue import MAX_SEPARATE, EventQueue
from chatstore.server.streams import EventStream, ServerStoppingError
from chatstore.streams import with_lifespan
from chatstore.turns import Turn
from tests.assistants import LARGE, Bare
from tests.base import answer
from tests.live import CSRF, LiveTestCase, text_of, until, user_input


def stored_answers(thread_id: str | None = None) -> list[str]:
    """Return the texts of the answers in the database."""
    rows = ChatMessage.objects.filter(item_type="assistant_message")
    if thread_id:
        rows = rows.filter(session__thread_id=thread_id)
    return list(rows.values_list("content", flat=True))


def cancellations(thread_id: str) -> int:
    rows = ChatMessage.objects.filter(session__thread_id=thread_id)
    return rows.filter(item_type="sdk_hidden_context").count()


class EventStreamTests(SimpleTestCase):
    """The stream's task and how it ends, without a server."""

    def setUp(self) -> None:
        self.ends: list[str] = []

    async def events(self, count: int = 3, fail_at: int = -1, pace: float = 0) -> Any:
        try:
            for number in range(count):
                if number == fail_at:
                    raise ValueError("secret words")
                yield str(number).encode()
                await asyncio.sleep(pace)
            self.ends.append("done")
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            self.ends.append("kept")
            raise

    async def start(self, **options: Any) -> EventStream:
        return await live_streams.start(self.events(**options), error_event=lambda error: b"sorry")

    async def ended(self) -> None:
        """Wait until a stream has ended, for a second at most."""
        await asyncio.to_thread(until, lambda: self.ends, 1)

    async def test_V4_a_stream_is_read_to_its_end(self) -> None:
        self.assertEqual([event async for event in await self.start()], [b"0", b"1", b"2"])
        self.assertEqual(self.ends, ["done"])
        self.assertEqual([event async for event in await self.start(count=0)], [])

    async def test_V4_an_exception_before_the_first_event_is_raised(self) -> None:
        with self.assertRaises(ValueError):
            await self.start(fail_at=0)

    async def test_V4_an_exception_after_it_becomes_the_last_event(self) -> None:
        with self.assertLogs("chatstore.server.streams", "ERROR") as logs:
            stream = await self.start(fail_at=2)
            self.assertEqual([event async for event in stream], [b"0", b"1", b"sorry"])
        self.assertNotIn("secret", "".join(logs.output))

    async def test_S20_an_ended_turn_keeps_no_item_for_a_client_that_reads_on(self) -> None:
        turn = Turn(stored={"msg_1": answer("msg_1")}, runs=["of a model"])
        stream = await live_streams.start(
            self.events(), error_event=lambda error: b"sorry", turn=turn
        )
        self.assertEqual([event async for event in stream], [b"0", b"1", b"2"])
        self.assertEqual((turn.stored, turn.runs), ({}, []))

    async def test_V4_leaving_the_iteration_stops_the_answer_and_waits(self) -> None:
        iteration = aiter(await self.start(pace=60))
        await anext(iteration)
        await iteration.aclose()
        self.assertEqual(self.ends, ["kept"])

    async def test_V4_stopped_twice_it_is_cancelled_once(self) -> None:
        stream = await self.start(pace=60)
        stream.close()
        await asyncio.sleep(0.02)  # it is storing the partial answer now
        stream.close()
        await asyncio.gather(stream.stop(), stream.stop())
        self.assertEqual(self.ends, ["kept"])

    async def test_V4_a_response_that_is_closed_without_being_read(self) -> None:
        response = StreamingHttpResponse(await self.start(pace=60))
        await sync_to_async(response.close)()
        await self.ended()
        self.assertEqual(self.ends, ["kept"])

    async def test_V4_cancelled_while_it_waits_for_the_first_event(self) -> None:
        async def thinking() -> Any:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                self.ends.append("kept")
                raise
            yield b""

        start = live_streams.start(thinking(), error_event=lambda error: b"sorry")
        request = asyncio.create_task(start)
        await asyncio.sleep(0.05)
        request.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await request
        self.assertEqual(self.ends, ["kept"])

    async def test_V4_cancelled_while_a_middleware_has_the_response(self) -> None:
        async def handle() -> None:
            await self.start(pace=60)
            await asyncio.sleep(60)

        request = asyncio.create_task(handle())
        await asyncio.sleep(0.05)
        request.cancel()
        await self.ended()
        self.assertEqual(self.ends, ["kept"])

    async def test_V4_lifespan_shutdown_stops_all_and_waits(self) -> None:
        streams = [await self.start(pace=60) for _ in range(10)]
        sent: list[str] = []
        messages = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, str]:
            return {"type": next(messages)}

        async def send(message: dict[str, str]) -> None:
            sent.append(f"{message['type']} {len(self.ends)}")

        handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        await with_lifespan(self.fail)({"type": "lifespan"}, receive, send)
        self.assertEqual(sent, ["lifespan.startup.complete 0", "lifespan.shutdown.complete 10"])
        for stream in streams:
            self.assertEqual([event async for event in stream], [b"0"])
        self.assertEqual(
            [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)], handlers
        )

    async def test_V4_told_to_stop_before_the_first_event_it_says_so(self) -> None:
        async def thinking() -> Any:
            await asyncio.sleep(60)
            yield b""

        start = live_streams.start(thinking(), error_event=lambda error: b"sorry")
        request = asyncio.create_task(start)
        await asyncio.sleep(0.05)
        await live_streams.stop_all()
        with self.assertRaises(ServerStoppingError):
            await request


class EventQueueTests(SimpleTestCase):
    """S20: what waits for a slow client."""

    WORD = 'Ein "Wort", \\ ü 🐘 \ud83d "," \n'

    def event(self, update: Any, item_id: str = "msg_1") -> bytes:
        return Bare()._event(ThreadItemUpdatedEvent(item_id=item_id, update=update))

    def delta(self, text: str, item_id: str = "msg_1", index: int = 0) -> bytes:
        change = AssistantMessageContentPartTextDelta(content_index=index, delta=text)
        return self.event(change, item_id)

    async def test_V4_a_reader_that_waits_gets_each_event_and_one_that_goes_loses_none(
        self,
    ) -> None:
        queue = EventQueue()
        reading = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(b"one")
        queue.put_nowait(b"two")
        self.assertEqual([await reading, await queue.get()], [b"one", b"two"])
        reading = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(b"three")
        reading.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await reading
        self.assertEqual(await queue.get(), b"three")

    def held(self, events: list[bytes]) -> tuple[int, list[Any]]:
        """Return how many bytes the queue holds of the events, and what is read from it."""
        queue = EventQueue()
        for event in events:
            queue.put_nowait(event)
        held = sum(len(event) for event in queue._queue)

        async def rest() -> list[Any]:
            return [await queue.get() for _ in range(len(queue._queue))]

        read = asyncio.run(rest())
        return held, [json.loads(event.removeprefix(b"data: ")) for event in read]

    def test_S20_words_that_wait_take_little_more_than_their_bytes(self) -> None:
        text = "word " * 50_000
        held, read = self.held([self.delta("word ") for _ in range(50_000)])
        self.assertLess(held, 1.2 * len(text))
        self.assertEqual("".join(map(text_of, read)), text)

    def test_S20_events_that_wait_are_joined_only_where_they_may_be(self) -> None:
        deltas = [
            self.delta(f"{self.WORD}{number}", item_id, index)
            for number in range(MAX_SEPARATE)
            for item_id, index in (("msg_1", 0), ("msg_1", 0), ("msg_1", 1), ("msg_2", 1))
        ]
        between = [self.event(WorkflowTaskAdded(task=CustomTask(), task_index=0))]
        effect = ClientEffectEvent(
            name="ring", data={"type": "assistant_message.content_part.text_delta", "delta": "x"}
        )
        events = [*deltas, *between, *deltas, *[Bare()._event(effect)] * 2, *deltas]
        _, read = self.held(events)
        self.assertLess(len(read), len(events))

        def said(events: list[Any]) -> list[Any]:
            """Join the text of successive deltas of one part."""
            joined: list[Any] = []
            for event in events:
                update = event.get("update", {})
                key = event.get("item_id"), update.get("content_index"), event["type"]
                if text_of(event) and joined and joined[-1][0] == key:
                    joined[-1][1] += text_of(event)
                else:
                    joined.append([key, text_of(event), None if text_of(event) else event])
            return joined

        sent = [json.loads(event.removeprefix(b"data: ")) for event in events]
        self.assertEqual(said(read), said(sent))

    def test_S20_of_updates_with_the_whole_value_the_newest_waits(self) -> None:
        tasks = [
            self.event(
                WorkflowTaskUpdated(
                    task=CustomTask(title="x" * number, content=self.WORD), task_index=index
                )
            )
            for index in (0, 1)
            for number in range(100)
        ]
        _, read = self.held(tasks)
        self.assertEqual(len(read), MAX_SEPARATE + 2)
        last = [event["update"]["task"]["title"] for event in read[-2:]]
        self.assertEqual(last, ["x" * 99, "x" * 99])
        self.assertEqual([event["update"]["task_index"] for event in read[-2:]], [0, 1])

    def test_S20_when_an_item_is_done_none_of_its_updates_waits(self) -> None:
        for item_id in ("msg_1", 'a","thread_id":"b'):
            item = answer(item_id, self.WORD)
            done = Bare()._event(ThreadItemDoneEvent(item=item))
            words = [
                self.delta(f"{number} ", speaker)
                for number in range(99)
                for speaker in (item_id, "other")
            ]
            task = self.event(WorkflowTaskAdded(task=CustomTask(), task_index=0), item_id)
            _, read = self.held([*words, task, done, *words[:2]])
            kept = [event.get("item_id") for event in read]
            self.assertEqual((kept[-3:], set(kept[:-3])), ([None, item_id, "other"], {"other"}))
            self.assertEqual(read[-3], json.loads(done.removeprefix(b"data: ")))
            said = "".join(map(text_of, read[:-3]))
            self.assertEqual(said, "".join(f"{number} " for number in range(99)))
        _, read = self.held([*words[:10], done])  # a client that reads on sees them
        self.assertEqual(len(read), 11)


class ServedTests(LiveTestCase):
    def test_V1_to_V6_a_chat(self) -> None:
        events = self.alice.ask("say one")
        thread_id = events[0]["thread"]["id"]
        thread = {"thread_id": thread_id}
        self.assertEqual("".join(map(text_of, events)), "one")
        self.assertEqual(self.alice.get("threads.list")["data"][0]["id"], thread_id)
        self.alice.ask("say two", thread_id)
        self.assertEqual(self.alice.answers(thread_id), ["one", "two"])
        first, reply, *_ = self.alice.get("threads.get_by_id", **thread)["items"]["data"]
        feedback = {"item_ids": [reply["id"]], "kind": "negative"}
        request = {"type": "items.feedback", "params": {**thread, **feedback}}
        self.assertEqual(self.alice.http.post("/chat/api/", json=request).json(), {})
        self.assertEqual(ChatMessage.objects.get(item_id=reply["id"]).feedback, "negative")
        self.alice.send("threads.retry_after_item", **thread, item_id=first["id"])
        self.assertEqual(self.alice.answers(thread_id), ["one"])
        self.alice.get("threads.update", **thread, title="Renamed")
        self.assertEqual(self.alice.get("threads.list")["data"][0]["title"], "Renamed")
        self.assertEqual(self.visitor("charlie").get("threads.list")["data"], [])
        self.alice.get("threads.delete", **thread)
        self.assertEqual(self.alice.post("threads.get_by_id", **thread).status_code, 404)
        self.assertFalse(ChatMessage.objects.exists())

    def test_V5_a_body_over_the_limit_is_413_with_a_length_and_without(self) -> None:
        large = b" " * (10 * 1024 * 1024 + 1)
        pieces = [large[:100_000]] * 110
        for content in (large, iter(pieces)):
            answer = self.alice.http.post("/chat/api/", content=content)
            self.assertEqual(answer.status_code, 413)
            self.assertTrue(answer.json()["error"])
        self.assertEqual(self.alice.get("threads.list")["data"], [])

    def test_V5_csrf_and_sign_in(self) -> None:
        request = {"type": "threads.list", "params": {}}
        for headers, cookies, status in (
            ({"X-CSRFToken": "b" * 32}, {}, 403),
            ({"Origin": "https://evil.example"}, {}, 403),
            ({}, {"sessionid": "unknown"}, 401),
        ):
            with httpx.Client(base_url=self.server.url) as stranger:
                stranger.cookies.update({**self.alice.cookies, **cookies})
                headers = {"X-CSRFToken": CSRF, **headers}
                answer = stranger.post("/chat/api/", json=request, headers=headers)
            self.assertEqual(answer.status_code, status)
            self.assertTrue(answer.json()["error"])

    def check_kept(
        self, thread_id: str, text: str, seconds: float = 1, ending: str = "stopped"
    ) -> None:
        """Check that the partial answer is stored within a second, and only once."""
        until(lambda: stored_answers(thread_id), seconds)
        until(lambda: cancellations(thread_id), seconds)
        time.sleep(0.3)
        (kept,) = stored_answers(thread_id)
        self.assertTrue(kept.startswith(text), kept[:80])
        answers = ChatMessage.objects.filter(item_type="assistant_message")
        row = answers.get(session__thread_id=thread_id)
        self.assertEqual(row.ending, ending)
        self.assertEqual(cancellations(thread_id), 1)

    def test_V6_the_first_events_come_before_the_last_is_made(self) -> None:
        started = time.monotonic()
        with self.alice.asking("sleep early") as (_thread_id, _events):
            self.assertLess(time.monotonic() - started, 2)

    def test_V4_cut_between_deltas(self) -> None:
        with self.alice.asking("slow word") as (thread_id, events):
            for _ in range(5):
                next(events)
        self.check_kept(thread_id, "word0 word1 word2 word3 word4")

    def test_V4_cut_in_a_long_sleep(self) -> None:
        with self.alice.asking("sleep partial") as (thread_id, _events):
            time.sleep(0.3)
        self.check_kept(thread_id, "partial")

    def test_V4_cut_before_the_answer_begins(self) -> None:
        with self.alice.stream("threads.create", input=user_input("think")) as events:
            thread_id = next(events)["thread"]["id"]
            time.sleep(0.3)
        until(lambda: cancellations(thread_id), 1)
        self.assertEqual(stored_answers(thread_id), [])
        self.assertEqual(len(self.alice.items(thread_id)), 1)

    def test_V4_cut_with_megabytes_unread(self) -> None:
        request = json.dumps(
            {"type": "threads.create", "params": {"input": user_input("flood")}}
        ).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.alice.cookies.items())
        head = (
            f"POST /chat/api/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
            f"X-CSRFToken: {CSRF}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(request)}\r\n\r\n"
        )
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", self.server.port))
            line.sendall(head.encode() + request)
            self.assertIn(b" 200 OK", line.recv(100))
            flooded = ChatSession.objects.filter(title="Flooded")
            thread_id = until(lambda: flooded.values_list("thread_id", flat=True).first(), 20)
        self.check_kept(thread_id, LARGE, 5)  # writing eight megabytes takes time
        self.assertEqual(stored_answers(thread_id), [LARGE * 120])

    def test_V4_cut_with_a_write_in_flight(self) -> None:
        with self.alice.asking("wait whole") as (thread_id, events), transaction.atomic():
            # Locks the row that the write needs.
            ChatSession.objects.filter(thread_id=thread_id).update(title=F("title"))
            time.sleep(1)
            events.close()
            self.alice.http.close()
            time.sleep(0.3)
            self.assertEqual(stored_answers(thread_id), [])
        self.check_kept(thread_id, "whole", ending="")  # it was done already

    def test_V4_reopened_after_a_cut_and_asked_again(self) -> None:
        with self.alice.asking("slow word") as (thread_id, _events):
            pass
        until(lambda: stored_answers(thread_id), 1)
        self.alice.ask("say and on", thread_id)
        answers = self.alice.answers(thread_id)
        self.assertEqual(len(answers), 2)
        self.assertTrue(answers[0].startswith("word0"))
        self.assertEqual(answers[1], "and on")


class ShutdownTests(LiveTestCase):
    def test_V4_sigterm_while_ten_stream(self) -> None:
        streams = []
        for number in range(10):
            stream = self.visitor(f"user{number}").asking(f"slow word{number}_")
            streams.append(stream)
            self.addCleanup(stream.__exit__, None, None, None)
        threads = [stream.__enter__()[0] for stream in streams]
        started = time.monotonic()
        self.assertIn(self.server.stop(), (0, -15))
        self.assertLess(time.monotonic() - started, 4)
        self.assertNotIn("Traceback", self.server.log.read_text())
        # After a restart the server would show these rows.
        for number, thread_id in enumerate(threads):
            (answer,) = stored_answers(thread_id)
            self.assertTrue(answer.startswith(f"word{number}_0"), answer)
            rows = ChatMessage.objects.filter(session__thread_id=thread_id)
            self.assertEqual(rows.exclude(ending="").get().ending, "stopped")
            self.assertEqual(cancellations(thread_id), 1)


class DrainTests(LiveTestCase):
    assistant = "Patient"

    def test_V4_a_request_that_comes_while_the_server_stops_gets_503(self) -> None:
        late = self.visitor("late")
        got: list[Any] = []
        ask = threading.Thread(
            target=lambda: got.append(late.post("threads.create", input=user_input("say late")))
        )
        ask.start()
        until(lambda: "Identifies the user" in self.server.log.read_text())
        self.assertIn(self.server.stop(), (0, -15))
        ask.join()
        self.assertEqual(got[0].status_code, 503)
        self.assertIn("restart", got[0].json()["error"])
        self.assertFalse(ChatSession.objects.exists())


class MiddlewareTests(LiveTestCase):
    """A sync middleware runs the view from its own thread; GZipMiddleware fills a buffer."""

    middleware = ("tests.middleware.only_sync", "django.middleware.gzip.GZipMiddleware")
    env = {"LIVE_MIDDLEWARE": " ".join(middleware)}

    def test_V6_a_stream_passes_sync_middleware_and_gzip_as_it_comes(self) -> None:
        with self.alice.asking("slow word") as (thread_id, events):
            deltas = [text_of(next(events)) for _ in range(20)]
        self.assertEqual(deltas[0], "word1 ")
        until(lambda: stored_answers(thread_id), 1)
        self.assertEqual(self.alice.ask("say after all", thread_id)[-1]["type"], "thread.item.done")


def pooled() -> int:
    """Return how many connections the server has, without those of the tests."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            ["live"],
        )
        return cursor.fetchone()[0]


@pytest.mark.postgresql
class PoolTests(LiveTestCase):
    """S16: Django's pool of ten and the async pool of ten serve two hundred streams."""

    STREAMS = 200
    # Seconds. A slow machine takes longer than the demo's five for as many sign-ins at once.
    env = {"DATABASE_POOL_TIMEOUT": "60"}

    def test_S16_200_streams_at_once_on_two_pools_of_ten(self) -> None:
        most, is_over = 0, False

        def ask(number: int) -> list[Any]:
            alice = self.alice.elsewhere()
            with alice.http:
                return alice.ask(f"orm word{number}")

        with ThreadPoolExecutor(self.STREAMS) as pool:
            streams = [pool.submit(ask, number) for number in range(self.STREAMS)]
            while not is_over:
                most = max(most, pooled())
                is_over = all(stream.done() for stream in streams)
                time.sleep(0.02)
        for stream in streams:
            self.assertEqual(stream.result()[-1]["type"], "thread.item.done")
        self.assertEqual(len(stored_answers()), self.STREAMS)
        self.assertLessEqual(most, 20)
        self.assertGreater(most, 1)
        self.assertNotIn("PoolTimeout", self.server.log.read_text())

    def test_S15_all_pooled_connections_terminated(self) -> None:
        self.alice.ask("say warm")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = %s",
                ["live"],
            )
            self.assertGreater(cursor.fetchone()[0], 0)
        for number in range(12):
            events = self.alice.ask(f"say still {number}")
            self.assertEqual(events[-1]["type"], "thread.item.done")


@pytest.mark.postgresql
class SmallPoolTests(LiveTestCase):
    env = {"DATABASE_POOL_SIZE": "4"}  # of each of the two pools

    def test_S16_30_open_streams_hold_none_of_the_connections_they_were_signed_in_with(
        self,
    ) -> None:
        with ExitStack() as stack:
            for number in range(30):
                visitor = self.visitor(f"user{number}")
                stack.enter_context(visitor.asking(f"sleep word{number}"))
            self.assertLessEqual(pooled(), 8)
            # And there is one left for a request that is answered at once.
            self.assertEqual(self.alice.get("threads.list", order="desc")["data"], [])
        self.server.stop(seconds=30)  # it may still store something when the tables are emptied
        self.assertNotIn("PoolTimeout", self.server.log.read_text())
