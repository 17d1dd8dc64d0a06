"""V16, V17, V18, S22: answers that are finished without their client, joined and stopped."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import json
import signal
import tempfile
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from asgiref.sync import sync_to_async
from chatkit.server import StreamingResult
from django.db.models import F
from django.test import TransactionTestCase
from django.utils import timezone

from chatstore.exceptions import LimitReached, RequestRefused
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server import live_streams, running_answers, user_limits
from chatstore.server.streams import MAX_READERS, EventStream
from chatstore.store import DjangoStore
from tests.assistants import FOREVER, Scripted
from tests.base import ALICE, CHARLIE, tool_call
from tests.live import Event, LiveTestCase, Visitor, decoded, text_of, until, user_input

FINISH = {"X-Chatstore-Finish": "1"}
MODERATOR = Moderator("Mo", reason="Because")


def endings(thread_id: str) -> list[tuple[str, str]]:
    """Return the text and the ending of each stored answer."""
    rows = ChatMessage.objects.filter(session__thread_id=thread_id, item_type="assistant_message")
    return list(rows.order_by("timestamp").values_list("content", "ending"))


def mark(thread_id: str) -> dt.datetime | None:
    return ChatSession.objects.values_list("answering_until", flat=True).get(thread_id=thread_id)


class Gates:
    """Files that let answers of Scripted.play_gate go on."""

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        self.gate = Path(tempfile.gettempdir()) / f"chatstore-gate-{uuid.uuid4().hex}"
        self.addCleanup(self.gate.unlink, missing_ok=True)  # type: ignore[attr-defined]


class ServedAnswerTests(Gates, LiveTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.another = cls.serve()

    def setUp(self) -> None:
        super().setUp()
        self.path = "/chat/threads/{}/{}/"

    @contextmanager
    def asking(
        self, text: str = "", visitor: Visitor | None = None, **headers: str
    ) -> Iterator[tuple[str, Iterator[Event]]]:
        """Ask as the page does; yield the thread's id, and the events after the first delta."""
        client = (visitor or self.alice).elsewhere().http
        request = {
            "type": "threads.create",
            "params": {"input": user_input(text or f"gate {self.gate}")},
        }
        headers = headers or FINISH
        with client, client.stream("POST", "/chat/api/", json=request, headers=headers) as response:
            events = decoded(response.iter_lines())
            thread_id = next(events)["thread"]["id"]
            for event in events:
                if text_of(event):
                    break
            yield thread_id, events

    @contextmanager
    def joined(self, thread_id: str) -> Iterator[Iterator[Event]]:
        client = self.alice.elsewhere().http
        with client, client.stream("GET", self.path.format(thread_id, "answer")) as response:
            assert response.status_code == 200, response.status_code
            assert response.headers["content-type"] == "text/event-stream"
            yield decoded(response.iter_lines())

    def stop(self, thread_id: str, visitor: Visitor | None = None) -> httpx.Response:
        return (visitor or self.alice).http.post(self.path.format(thread_id, "stop"), json={})

    def changes(self, **query: str) -> Any:
        return self.alice.http.get("/chat/changes/", params=query).json()

    def left(self, *, of: Visitor | None = None) -> str:
        """Ask, and go before the answer has ended; return the thread's id."""
        with self.asking(visitor=of) as (thread_id, _events):
            pass
        return thread_id

    def test_V16_an_answer_is_finished_without_its_client(self) -> None:
        thread_id = self.left()
        self.assertEqual(self.changes()["answering"], [thread_id])
        self.assertEqual(endings(thread_id), [])
        self.gate.touch()
        until(lambda: endings(thread_id) == [("one two", "")])
        until(lambda: mark(thread_id) is None)
        self.assertEqual(self.changes()["answering"], [])

    def test_V4_without_the_header_it_is_stopped_as_ever_and_nothing_is_marked(self) -> None:
        with self.asking(**{"X-Other": "1"}) as (thread_id, _events):
            self.assertEqual(self.changes()["answering"], [])
            joined = self.alice.http.get(self.path.format(thread_id, "answer"))
            self.assertEqual(joined.status_code, 204)
        until(lambda: endings(thread_id) == [("one ", "stopped")])

    def test_V17_a_page_that_comes_back_joins_the_answer_where_it_is(self) -> None:
        thread_id = self.left()
        with self.joined(thread_id) as events, self.joined(thread_id) as others:
            for reading in (events, others):
                for event in reading:
                    if event["type"] == "thread.item.added":
                        break
                self.assertEqual(event["item"]["content"][0]["text"], "one ")
            self.gate.touch()
            for reading in (events, others):
                *_rest, delta, done, ended = reading
                self.assertEqual(text_of(delta), "two")
                self.assertEqual(done["item"]["content"][0]["text"], "one two")
                self.assertEqual(ended, {"type": "answer.ended", "is_stopped": False})
        self.assertEqual(endings(thread_id), [("one two", "")])
        answer = self.alice.http.get(self.path.format(thread_id, "answer"))
        self.assertEqual((answer.status_code, answer.content), (204, b""))

    def test_V17_the_first_client_goes_on_when_others_leave(self) -> None:
        with self.asking() as (thread_id, events):
            with self.joined(thread_id) as others:
                next(others)
            self.gate.touch()
            kinds = [event["type"] for event in events]
        self.assertEqual(kinds[-2:], ["thread.item.done", "answer.ended"])

    def test_V17_more_readers_than_an_answer_has_look_again(self) -> None:
        with self.asking() as (thread_id, _events), ExitStack() as stack:
            readers = [stack.enter_context(self.joined(thread_id)) for _ in range(MAX_READERS - 1)]
            self.assertEqual({next(events)["type"] for events in readers}, {"stream_options"})
            answer = self.alice.http.get(self.path.format(thread_id, "answer"))
            self.assertEqual(answer.status_code, 202)

    def test_V16_a_request_stops_it_and_it_is_marked_as_stopped(self) -> None:
        with self.asking() as (thread_id, events), self.joined(thread_id) as others:
            self.assertEqual(self.stop(thread_id).status_code, 200)
            self.assertEqual(endings(thread_id), [("one ", "stopped")])
            for reading in (events, others):
                *_rest, ended = reading
                self.assertEqual(ended, {"type": "answer.ended", "is_stopped": True})
        self.assertIsNone(mark(thread_id))
        items = self.alice.items(thread_id)
        self.assertEqual([item.get("ending") for item in items], [None, "stopped"])

    def test_S3_nobody_else_joins_stops_or_sees_it(self) -> None:
        charlie = self.visitor("charlie")
        thread_id = self.left()
        missing = "thr_nobody"
        for name, send in (("answer", charlie.http.get), ("stop", charlie.http.post)):
            answers = [send(self.path.format(one, name)) for one in (thread_id, missing)]
            self.assertEqual([answer.status_code for answer in answers], [404, 404])
            self.assertEqual(answers[0].content, answers[1].content)
        found = [
            charlie.http.get("/chat/changes/", params={"thread": one}).json()
            for one in (thread_id, missing)
        ]
        self.assertEqual(found, [{"answering": [], "seen": None}] * 2)
        self.assertEqual(self.changes()["answering"], [thread_id])
        self.gate.touch()
        until(lambda: endings(thread_id) == [("one two", "")])

    def test_V5_the_requests_refuse_as_the_endpoint_does(self) -> None:
        nobody = self.enterContext(httpx.Client(base_url=self.server.url))
        stop = self.path.format("thr_1", "stop")
        for answer, status in (
            (nobody.get("/chat/changes/"), 401),
            (nobody.get(self.path.format("thr_1", "answer")), 401),
            (nobody.post(stop), 401),
            (self.alice.http.get(stop), 405),
            (self.alice.http.post(stop, headers={"X-CSRFToken": "b" * 32}), 403),
            (self.alice.http.get("/chat/changes/more/"), 404),
        ):
            self.assertEqual((answer.status_code, list(answer.json())), (status, ["error"]))

    def test_V18_what_another_page_changes_is_told_and_nothing_new_is_304(self) -> None:
        thread_id = self.alice.ask("say one")[0]["thread"]["id"]
        seen = []

        def look() -> None:
            answer = self.alice.http.get("/chat/changes/", params={"thread": thread_id})
            etag = {"If-None-Match": answer.headers["ETag"]}
            again = self.alice.http.get(
                "/chat/changes/", params={"thread": thread_id}, headers=etag
            )
            self.assertEqual((again.status_code, again.content), (304, b""))
            seen.append(answer.json()["seen"])

        look()
        question = self.alice.items(thread_id)[0]["id"]
        for change in (
            lambda: self.alice.ask("say two", thread_id),
            lambda: self.alice.get("threads.update", thread_id=thread_id, title="New"),
            lambda: self.alice.send(
                "threads.retry_after_item", thread_id=thread_id, item_id=question
            ),
            lambda: ChatSession.objects.update(moderation="locked"),
            lambda: ChatSession.objects.update(moderation_reason="Because"),
            lambda: ChatSession.objects.update(reason="It is over"),
            lambda: actions.hide(ChatMessage.objects.earliest("timestamp"), MODERATOR),
            lambda: actions.show(ChatMessage.objects.earliest("timestamp"), MODERATOR),
            lambda: redact(ChatMessage.objects.earliest("timestamp"), MODERATOR),
        ):
            change()
            look()
        self.assertEqual(len(set(seen)), 10)
        for other in ({"If-Match": '"x"'}, {"If-None-Match": '"x'}):
            answer = self.alice.http.get("/chat/changes/", headers=other)
            self.assertEqual(answer.json(), {"answering": [], "seen": None})

    def test_S22_a_mark_of_a_killed_process_ends_by_itself(self) -> None:
        server = self.serve()
        thread_id = self.left(of=self.visitor("alice", server))
        server.stop(signal.SIGKILL)
        marked_until = mark(thread_id)
        assert marked_until
        self.assertLess(marked_until, timezone.now() + dt.timedelta(seconds=31))
        self.assertEqual(self.changes()["answering"], [thread_id])
        ChatSession.objects.update(answering_until=timezone.now())
        self.assertEqual(self.changes()["answering"], [])
        answer = self.alice.http.get(self.path.format(thread_id, "answer"))
        self.assertEqual(answer.status_code, 204)

    def test_V16_V17_where_another_process_answers(self) -> None:
        alice = self.visitor("alice", self.another)
        with self.asking(visitor=alice) as (thread_id, events):
            answer = self.alice.http.get(self.path.format(thread_id, "answer"))
            self.assertEqual((answer.status_code, answer.headers["connection"]), (202, "close"))
            self.assertEqual(self.stop(thread_id).status_code, 200)
            *_rest, ended = events
            self.assertEqual(ended, {"type": "answer.ended", "is_stopped": True})
        until(lambda: mark(thread_id) is None)
        self.assertEqual(endings(thread_id), [("one ", "stopped")])

    def test_S20_a_retry_elsewhere_ends_it(self) -> None:
        alice = self.visitor("alice", self.another)
        with self.asking(visitor=alice) as (thread_id, events):
            question = self.alice.items(thread_id)[0]["id"]
            retry = {"thread_id": thread_id, "item_id": question}
            with self.alice.stream("threads.retry_after_item", **retry) as again:
                self.assertNotIn("answer.ended", [event["type"] for event in events])
                self.gate.touch()
                list(again)
        self.assertEqual(endings(thread_id), [("one two", "")])

    def test_V4_V16_told_to_stop_the_server_keeps_what_nobody_reads(self) -> None:
        server = self.serve()
        thread_id = self.left(of=self.visitor("alice", server))
        self.assertEqual(server.stop(signal.SIGTERM), -signal.SIGTERM)
        self.assertEqual(endings(thread_id), [("one ", "stopped")])
        self.assertIsNone(mark(thread_id))


@pytest.mark.postgresql
class SmallPoolTests(LiveTestCase):
    env = {"DATABASE_POOL_SIZE": "2", "DATABASE_POOL_TIMEOUT": "30"}  # of each of the two pools

    def test_S16_V16_many_at_once_need_no_second_connection_each(self) -> None:
        def ask(number: int) -> int:
            request = {"type": "threads.create", "params": {"input": user_input("say yes")}}
            with self.alice.elsewhere().http as client:
                return client.post("/chat/api/", json=request, headers=FINISH).status_code

        with ThreadPoolExecutor(12) as pool:
            self.assertEqual(set(pool.map(ask, range(24))), {200})
        self.assertEqual(ChatMessage.objects.filter(content="yes", ending="").count(), 24)


class AnswerTests(Gates, TransactionTestCase):
    """Without a server: what takes long, or needs other settings."""

    def setUp(self) -> None:
        super().setUp()
        self.server = Scripted()
        self.enterContext(patch.multiple(running_answers, LOOK_SECONDS=0.02, RENEW_SECONDS=1))

    async def ask(self, text: str = "", thread_id: str = "") -> EventStream:
        """Ask as the page does; return the stream."""
        params: dict[str, Any] = {"input": user_input(text or f"gate {self.gate}")}
        kind = "threads.create"
        if thread_id:
            kind, params = "threads.add_user_message", {**params, "thread_id": thread_id}
        with running_answers.asked_for(True):
            result = await self.server.process(json.dumps({"type": kind, "params": params}), ALICE)
        assert isinstance(result, StreamingResult)
        stream = result.json_events
        assert isinstance(stream, EventStream)
        return stream

    async def left(self, text: str = "", *, after: bytes = b'"delta"') -> tuple[str, EventStream]:
        stream = await self.ask(text)
        await self.read(aiter(stream), until=after)
        return await self.thread_id(), stream

    async def thread_id(self) -> str:
        return (await ChatSession.objects.aget()).thread_id

    async def read(self, events: AsyncIterator[bytes], until: bytes = b"never") -> list[bytes]:
        """Read up to an event, and leave."""
        read = []
        async for event in events:
            read.append(event)
            if until in event:
                break
        await events.aclose()  # type: ignore[attr-defined]
        return read

    async def ended(self, stream: EventStream) -> None:
        await asyncio.wait_for(asyncio.wait({stream._task}), 60)

    async def unmarked(self, thread_id: str) -> None:
        """Wait until the thread has no mark; it may just be moved on as the answer ends."""
        for _ in range(500):
            if await sync_to_async(mark)(thread_id) is None:
                return
            await asyncio.sleep(0.01)
        self.fail("It is still marked")

    async def stored(self) -> list[tuple[str, str]]:
        return await sync_to_async(endings)(await self.thread_id())

    async def test_V17_who_goes_before_reading_anything_has_left(self) -> None:
        with self.settings(CHATSTORE_FINISH_SECONDS=1):
            _thread_id, stream = await self.left()

            joined = asyncio.Event()

            async def join() -> None:
                assert stream.join()
                joined.set()
                await asyncio.Event().wait()  # a middleware has the response

            request = asyncio.create_task(join())
            await joined.wait()
            request.cancel()
            await self.ended(stream)
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    @staticmethod
    async def join_and_lose(stream: EventStream, on_leave: Callable[[], None]) -> None:
        assert stream.join(on_leave)

    async def test_V17_whose_response_is_lost_has_left(self) -> None:
        left = []
        with self.settings(CHATSTORE_FINISH_SECONDS=1):
            _thread_id, stream = await self.left()
            # A request of its own: what runs at its end would keep the reader.
            await asyncio.create_task(self.join_and_lose(stream, lambda: left.append(True)))
            gc.collect()
            await self.ended(stream)
        self.assertEqual(left, [True])
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    async def test_V16_it_is_stopped_when_nobody_has_come_back_in_time(self) -> None:
        with self.settings(CHATSTORE_FINISH_SECONDS=1):
            _thread_id, stream = await self.left()
            reader = stream.join()
            assert reader
            await asyncio.sleep(1.2)  # longer than it would have gone on without a reader
            self.assertEqual(await self.stored(), [])
            await self.read(aiter(reader), until=b"one ")
            await self.ended(stream)
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    async def test_V16_stopped_before_its_first_event_it_ends_without_an_error(self) -> None:
        stream = await self.ask("say one")
        await self.read(aiter(stream))
        thread_id = await self.thread_id()
        call = tool_call("tc_1", status="pending", thread_id=thread_id)
        await DjangoStore().add_thread_item(thread_id, call, ALICE)
        request = {
            "type": "threads.add_client_tool_output",
            "params": {"thread_id": thread_id, "result": {}},
        }
        is_saving = asyncio.Event()

        async def save_item(*args: Any, **kwargs: Any) -> None:
            is_saving.set()
            await asyncio.sleep(FOREVER)

        with (
            patch.object(self.server.store, "save_item", save_item),
            running_answers.asked_for(True),
        ):
            asking = asyncio.create_task(self.server.process(json.dumps(request), ALICE))
            await asyncio.wait_for(is_saving.wait(), 10)
            await asyncio.wait_for(self.server.stop(thread_id, ALICE), 10)
            result = await asyncio.wait_for(asking, 10)
        assert isinstance(result, StreamingResult)
        events = [event async for event in result.json_events]
        self.assertEqual(events, [b'data: {"type":"answer.ended","is_stopped":true}\n\n'])
        self.assertEqual(await self.stored(), [("one", "")])
        self.assertIsNone(await sync_to_async(mark)(thread_id))

    async def test_V16_zero_switches_it_off(self) -> None:
        with self.settings(CHATSTORE_FINISH_SECONDS=0):
            await self.left()
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    async def test_S22_the_mark_is_moved_on_while_it_runs(self) -> None:
        thread_id, stream = await self.left()
        first = await sync_to_async(mark)(thread_id)
        for _ in range(500):
            if await sync_to_async(mark)(thread_id) != first:
                break
        self.gate.touch()
        await self.ended(stream)
        await self.unmarked(thread_id)
        await asyncio.sleep(0.1)  # and is not set again by who moves it on
        await self.unmarked(thread_id)

    async def test_S7_V16_a_deleted_thread_ends_it_and_nothing_is_stored(self) -> None:
        thread_id, stream = await self.left()
        await DjangoStore().delete_thread(thread_id, ALICE)
        await self.ended(stream)
        self.assertFalse(await ChatMessage.objects.aexists())
        self.assertFalse(await ChatSession.objects.aexists())

    async def test_S20_what_a_retry_elsewhere_has_replaced_ends(self) -> None:
        _thread_id, stream = await self.left()
        await ChatSession.objects.aupdate(retry_id="another")
        await self.ended(stream)
        self.assertEqual(await self.stored(), [])

    async def test_S22_a_stop_of_before_does_not_stop_the_next_answer(self) -> None:
        thread_id, stream = await self.left()
        await self.server.stop(thread_id, ALICE)
        await self.ended(stream)
        self.gate.touch()
        events = await self.read(aiter(await self.ask(thread_id=thread_id)))
        self.assertIn(b'"is_stopped":false', events[-1])
        self.assertEqual(await self.stored(), [("one ", "stopped"), ("one two", "")])

    async def test_S22_nor_while_that_begins(self) -> None:
        begin = DjangoStore.begin_answer

        async def begin_late(*args: Any) -> str:
            await asyncio.sleep(0.3)
            return await begin(*args)

        thread_id, stream = await self.left()
        await self.server.stop(thread_id, ALICE)
        await self.ended(stream)
        other = await self.ask()  # for which it is looked again and again whether one is to stop
        with patch.object(DjangoStore, "begin_answer", begin_late):
            answer = await self.ask(thread_id=thread_id)
        self.gate.touch()
        events = await self.read(aiter(answer))
        await self.ended(other)
        self.assertIn(b'"is_stopped":false', events[-1])

    async def test_S22_a_stop_that_another_process_has_received_ends_it(self) -> None:
        async def slowly() -> None:
            await asyncio.sleep(0.2)

        with (
            patch.object(running_answers, "LOOK_SECONDS", 0.02),
            patch("chatstore.server.chat_server.release_unneeded_connections", slowly),
        ):
            thread_id, stream = await self.left()
        await DjangoStore().stop_answers(thread_id, ALICE)
        await self.ended(stream)
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    async def test_S22_the_end_of_one_answer_leaves_the_mark_of_another(self) -> None:
        thread_id, first = await self.left()
        with patch.object(running_answers, "RENEW_SECONDS", 10**6):
            second = await self.ask("sleep on", thread_id)
            await self.read(aiter(second), until=b'"delta"')
            self.gate.touch()
            await self.ended(first)
            self.assertIsNotNone(await sync_to_async(mark)(thread_id))
        await second.stop()
        await self.unmarked(thread_id)

    async def test_V7_it_counts_as_a_stream_until_it_ends(self) -> None:
        with self.settings(CHATSTORE_MAX_STREAMS=1, CHATSTORE_LIMITS_CACHE="default"):
            _thread_id, stream = await self.left()
            with self.assertRaises(LimitReached):
                await self.ask("say no")
            await stream.stop()
            await asyncio.to_thread(until, lambda: not user_limits._open)
            await self.read(aiter(await self.ask("say yes")))

    async def test_V7_it_counts_until_it_is_sent_to_whoever_takes_it_slowly(self) -> None:
        with self.settings(CHATSTORE_MAX_STREAMS=1, CHATSTORE_LIMITS_CACHE="default"):
            stream = await self.ask("say one")
            slow = stream.join()
            await self.ended(stream)
            for reader in (aiter(stream), aiter(slow)) if slow else ():
                with self.assertRaises(LimitReached):
                    await self.ask("say no")
                await self.read(reader)
            await asyncio.wrap_future(user_limits._thread.submit(int))  # it is counted no longer
            await self.read(aiter(await self.ask("say yes")))

    async def test_V7_one_that_a_middleware_loses_is_counted_until_it_has_ended(self) -> None:
        with self.settings(CHATSTORE_MAX_STREAMS=1, CHATSTORE_LIMITS_CACHE="default"):
            # A request of its own: what runs at its end would keep the stream.
            stream = await asyncio.create_task(self.ask("say one"))
            await self.ended(stream)
            with self.assertRaises(LimitReached):
                await self.ask("say no")
            lost = weakref.ref(stream)
            del stream
            async with asyncio.timeout(20):  # the tasks that look for stops keep it for a second
                while lost():
                    await asyncio.sleep(0.1)
                    gc.collect()
            await asyncio.sleep(0)
            await asyncio.wrap_future(user_limits._thread.submit(int))
            await self.read(aiter(await self.ask("say yes")))

    async def test_V17_V7_of_all_answers_one_joins_as_many_times_as_there_may_be_streams(
        self,
    ) -> None:
        with self.settings(CHATSTORE_MAX_STREAMS=2):
            thread_id, stream = await self.left()
            first, second = (self.server.join(thread_id, ALICE) for _ in range(2))
            assert first
            assert second
            self.assertIsNone(self.server.join(thread_id, ALICE))
            await stream.leave(first)
            third = self.server.join(thread_id, ALICE)
            assert third
            self.assertIsNone(self.server.join(thread_id, ALICE))
            await stream.stop()
            for reader in (second, third):
                await self.read(aiter(reader))
        self.assertFalse(live_streams._joined)

    async def test_M6_a_suspension_stops_it_too(self) -> None:
        _thread_id, stream = await self.left()
        live_streams.refuse_all(ALICE["user_id"], RequestRefused("Not now.", 403))
        await self.ended(stream)
        self.assertEqual(await self.stored(), [("one ", "stopped")])

    async def test_V17_what_is_joined_is_each_item_as_it_is(self) -> None:
        for text, after, expected in (
            ("widget wait some", b" words", b'"value":"some words"'),
            ("work on", b"task.updated", b'"title":"Find"'),
        ):
            with self.subTest(text):
                await ChatMessage.objects.all().adelete()
                await ChatSession.objects.all().adelete()
                _thread_id, stream = await self.left(text, after=after)
                reader = stream.join()
                assert reader
                events = await self.read(aiter(reader), until=b"thread.item.added")
                self.assertEqual(len(events), 2)
                self.assertIn(b"stream_options", events[0])
                self.assertIn(expected, events[1])
                await stream.stop()

    async def test_V17_words_that_have_come_meanwhile_are_not_told_twice(self) -> None:
        stream = await self.ask("slow w")
        first = aiter(stream)
        for _ in range(9):
            await anext(first)
        reader = stream.join()
        assert reader
        said = ""
        async for event in aiter(reader):
            told = json.loads(event.removeprefix(b"data: "))
            if told["type"] == "thread.item.added":
                said = "".join(part["text"] for part in told["item"]["content"])
            said += text_of(told)
            if "w20 " in said:
                break
        self.assertEqual(said, "".join(f"w{number} " for number in range(21)))
        await stream.stop()

    async def test_S3_V18_changes_are_the_owners(self) -> None:
        thread_id, stream = await self.left()
        store = DjangoStore()
        self.assertEqual((await store.load_changes(thread_id, ALICE)).answering, [thread_id])
        self.assertEqual(await store.load_changes(thread_id, CHARLIE), ([], None))
        await ChatSession.objects.aupdate(hidden_at=F("created_at"))
        self.assertEqual(await store.load_changes(thread_id, ALICE), ([], None))
        await stream.stop()
