"""S20: two requests that need the same state, and what a turn that is replaced stores late."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any
from unittest import IsolatedAsyncioTestCase
from unittest.mock import patch

from asgiref.sync import sync_to_async
from chatkit.store import NotFoundError
from chatkit.types import (
    ClosedStatus,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    UserMessageItem,
    WorkflowItem,
)
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from chatstore.exceptions import Refused, RequestRefused
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.actions import close, hide, lock
from chatstore.moderation.records import Moderator
from chatstore.server.live_streams import stop_all, stop_replaced
from chatstore.testing import MemoryStore, samples
from tests.assistants import Events, Scripted
from tests.async_pool import AsyncPoolMixin
from tests.base import ALICE, attachment, workflow
from tests.live import Event, text_of, user_input
from tests.test_server import NoFiles, PlainStore, RequestMixin

FASTER = "The conversation has changed meanwhile. Try again."


class Gated(Scripted):
    """Begins its n-th answer with its number, and ends it when the test opens gate n."""

    def __init__(self, **stores: Any) -> None:
        super().__init__(**stores)
        self.gates: list[asyncio.Event] = []

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> Events:
        gate, item = asyncio.Event(), self.item(thread)
        self.gates.append(gate)
        text = f"answer {len(self.gates)}"
        async for event in self.begin(item, text):
            yield event
        await gate.wait()
        for late_event in self.late_events(text):
            yield late_event
        thread.title = text
        yield self.end(item, text)

    def late_events(self, text: str) -> Iterable[Any]:
        """Return what this answer sends once its gate is open, before it ends."""
        return ()


class Reader:
    """Reads a stream in a task of its own, as a client does."""

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self.events: list[Event] = []
        self._has_news = asyncio.Event()
        self.task = asyncio.create_task(self._read(events))

    async def _read(self, events: AsyncIterator[Event]) -> list[Event]:
        async for event in events:
            self.events.append(event)
            self._has_news.set()
        return self.events

    async def until(self, is_it: Callable[[Event], Any]) -> None:
        while not any(map(is_it, self.events)):
            self._has_news.clear()
            news = asyncio.create_task(self._has_news.wait())
            await asyncio.wait({news, self.task}, return_when=asyncio.FIRST_COMPLETED)
            if self.task.done() and not any(map(is_it, self.events)):
                self.task.result()
                raise AssertionError(f"it has ended: {self.events}")


class RaceMixin(RequestMixin):
    server: Gated

    def __init__(self, name: str) -> None:
        super().__init__(name)  # type: ignore[call-arg]
        test = getattr(self, name, None)  # pytest makes one that has none
        if not test:
            return

        async def stop_what_is_left() -> None:
            try:
                await test()
            finally:
                # Streams of a test that fails would store what there is when the event loop is
                # closed, in another thread, and wait there for the test's own transaction.
                await stop_all()

        setattr(self, name, stop_what_is_left)

    @contextmanager
    def together(self, name: str, count: int = 2) -> Iterator[None]:
        """Let calls of a method of the store wait until so many have come."""
        method, barrier = getattr(self.server.store, name), asyncio.Barrier(count)
        left = [None] * count

        async def wait_and_call(*arguments: Any, **options: Any) -> Any:
            if left:
                left.pop()
                await barrier.wait()
            return await method(*arguments, **options)

        with patch.object(self.server.store, name, wait_and_call):
            yield

    @contextmanager
    def before(self, name: str, act: Callable[[], Any]) -> Iterator[None]:
        """Do something between the look of a request and the next call of the store's method."""
        method, waiting = getattr(self.server.store, name), [act]

        async def act_and_call(*arguments: Any, **options: Any) -> Any:
            if waiting:
                # In a task, so that it is no part of the request, nor cancelled with it.
                loop = asyncio.get_running_loop()
                self.acting = loop.create_task(waiting.pop()(), context=contextvars.Context())
                await asyncio.shield(self.acting)
            return await method(*arguments, **options)

        with patch.object(self.server.store, name, act_and_call):
            yield

    def asking(self, kind: str, **params: Any) -> Reader:
        return Reader(self.stream(kind, **params))

    async def begin(self, kind: str, **params: Any) -> list[Event]:
        """Send a request that must be refused; if it is answered, read as far as the first word."""
        events = []
        async with aclosing(self.stream(kind, **params)) as stream:
            async for event in stream:
                events.append(event)
                if text_of(event):
                    break
        return events

    async def answered(self, reader: Reader) -> None:
        """Let the newest answer end."""
        await reader.until(text_of)
        self.server.gates[-1].set()
        await reader.task

    async def begun(self) -> tuple[str, str]:
        """Return a thread and its message, which has an answer."""
        reader = self.asking("threads.create", input=user_input("Hello"))
        await self.answered(reader)
        thread_id = reader.events[0]["thread"]["id"]
        return thread_id, (await self.items(thread_id))[0]["id"]

    async def all_at_once(self, *readers: Reader) -> list[int]:
        """Return for each request the status with which it was refused, or 200."""
        statuses = []
        for reader in readers:
            try:
                await reader.until(text_of)
            except Refused as refused:
                statuses.append(refused.status)
            else:
                statuses.append(200)
        for gate in self.server.gates:
            gate.set()
        await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
        return sorted(statuses)

    async def texts(self, thread_id: str) -> list[str]:
        """Return what the thread has, hidden items too."""
        page = await self.server.store.load_thread_items(thread_id, None, 99, "asc", ALICE)
        return [
            item.content[0].text if hasattr(item, "content") else item.type for item in page.data
        ]


class Races(RaceMixin):
    """Tests that run on MemoryStore and on DjangoStore."""

    async def test_S20_of_two_outputs_of_a_tool_call_at_once_one_is_stored(self) -> None:
        kind = "threads.add_client_tool_output"
        for results in ((1, 2), (1, 1)):
            thread_id, _ = await self.begun()
            await self.server.store.add_thread_item(
                thread_id, samples.tool_call(thread_id=thread_id), ALICE
            )
            with self.together("save_item"):
                readers = [self.asking(kind, thread_id=thread_id, result=one) for one in results]
                self.assertEqual(await self.all_at_once(*readers), [200, 409], results)
            [winner] = [one for one, by in zip(results, readers, strict=True) if by.events]
            items = await self.items(thread_id)
            self.assertEqual([item["output"] for item in items if "output" in item], [winner])
            self.assertEqual(len(items), 4)

    async def test_S20_only_the_answer_itself_must_be_the_first(self) -> None:
        """What the turn saves after it may replace what is done."""
        thread_id, _ = await self.begun()
        store = self.server.store
        await store.add_thread_item(thread_id, samples.tool_call(thread_id=thread_id), ALICE)

        class Replacing(Gated):
            async def respond(self, thread: ThreadMetadata, message: Any, context: Any) -> Events:
                done = self.end(self.item(thread), "first")
                yield done
                part = done.item.content[0].model_copy(update={"text": "second"})
                item = done.item.model_copy(update={"content": [part]})
                yield ThreadItemReplacedEvent(item=item)

        self.server = Replacing(store=store, attachment_store=self.server.attachment_store)
        kind = "threads.add_client_tool_output"
        events = [event async for event in self.stream(kind, thread_id=thread_id, result=1)]
        self.assertNotIn("error", [event["type"] for event in events])
        self.assertEqual((await self.texts(thread_id))[-1], "second")

    async def test_S20_of_two_answers_to_a_question_at_once_one_is_stored(self) -> None:
        thread_id, _ = await self.begun()
        await self.server.store.add_thread_item(
            thread_id, samples.structured_input(thread_id=thread_id), ALICE
        )
        with self.together("save_item"):
            readers = [
                self.asking(
                    "threads.add_structured_input",
                    thread_id=thread_id,
                    item_id="msg_ask",
                    input={"answers": {"why": {"values": [word]}}},
                )
                for word in ("a", "b")
            ]
            self.assertEqual(await self.all_at_once(*readers), [200, 409])
        [winner] = [word for word, one in zip("ab", readers, strict=True) if one.events]
        stored = await self.server.store.load_item(thread_id, "msg_ask", ALICE)
        self.assertEqual(stored.inputs[0].answer.values, [winner])
        self.assertEqual(len(await self.items(thread_id)), 4)

    async def test_S20_of_two_retries_at_once_one_is_answered(self) -> None:
        thread_id, message_id = await self.begun()
        kind, params = "threads.retry_after_item", {"thread_id": thread_id, "item_id": message_id}
        with self.together("delete_items_after"):
            readers = [self.asking(kind, **params) for _ in range(2)]
            self.assertEqual(await self.all_at_once(*readers), [200, 409])
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 2"])

    async def test_S20_a_later_retry_stops_the_run_of_the_earlier_one(self) -> None:
        thread_id, message_id = await self.begun()
        kind, params = "threads.retry_after_item", {"thread_id": thread_id, "item_id": message_id}
        first = self.asking(kind, **params)
        await first.until(text_of)
        second = self.asking(kind, **params)
        await second.until(text_of)
        self.assertEqual((await first.task)[-1]["type"], "error")
        self.assertIn("asked again", first.events[-1]["message"])
        await self.answered(second)
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 3"])

    async def test_S20_a_retry_stops_no_stream_of_another_thread(self) -> None:
        thread_id, message_id = await self.begun()
        other = self.asking("threads.create", input=user_input("Hello"))
        await other.until(text_of)
        gate = self.server.gates[-1]
        params = {"thread_id": thread_id, "item_id": message_id}
        await self.answered(self.asking("threads.retry_after_item", **params))
        gate.set()
        await other.task
        other_id = other.events[0]["thread"]["id"]
        self.assertEqual(await self.texts(other_id), ["Hello", "answer 2"])

    async def test_S20_a_retry_awaits_the_stream_that_is_being_stopped(self) -> None:
        thread_id, message_id = await self.begun()
        asking = self.stream("threads.retry_after_item", thread_id=thread_id, item_id=message_id)
        async for event in asking:
            if text_of(event):
                break
        add, gate = self.server.store.add_thread_item, asyncio.Event()
        is_stopping = asyncio.Event()

        async def late(id: str, item: Any, context: Any) -> None:  # noqa: A002
            if item.type == "sdk_hidden_context":
                is_stopping.set()
                await gate.wait()
            await add(id, item, context)

        with patch.object(self.server.store, "add_thread_item", late):
            stop = asyncio.create_task(asking.aclose())
            await is_stopping.wait()
            retry = self.asking("threads.retry_after_item", thread_id=thread_id, item_id=message_id)
            await asyncio.sleep(0)
            gate.set()
            await stop
            await self.answered(retry)
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 3"])

    async def test_S20_what_another_process_stores_later_is_dropped(self) -> None:
        thread_id, message_id = await self.begun()
        params = {"thread_id": thread_id, "item_id": message_id}
        for is_stopped in (False, True):
            events = self.stream("threads.retry_after_item", **params)
            async for event in events:
                if text_of(event):
                    break
            gate = self.server.gates[-1]
            with patch("chatstore.server.chat_server.stop_replaced", _nothing):
                retry = self.asking("threads.retry_after_item", **params)
                await self.answered(retry)
            expected = ["Hello", f"answer {len(self.server.gates)}"]
            if is_stopped:
                await events.aclose()
            else:
                gate.set()
                rest = [event async for event in events]
                self.assertEqual([event["type"] for event in rest], ["error"])
                self.assertIn("asked again", rest[0]["message"])
            self.assertEqual(await self.texts(thread_id), expected)
            thread = await self.server.store.load_thread(thread_id, ALICE)
            self.assertEqual(thread.title, expected[1])

    async def test_S20_a_late_update_changes_no_item_of_the_new_turn(self) -> None:
        """Under an id that the application has chosen, such as that of an open workflow."""
        thread_id, message_id = await self.begun()
        seen: list[Any] = []

        class Late(Gated):
            async def respond(self, thread: ThreadMetadata, message: Any, context: Any) -> Events:
                number = len(seen)
                seen.append(asyncio.Event())
                item = workflow("wf_open", thread_id=thread.id)
                async for event in self.begin(self.item(thread), "x"):
                    yield event
                await seen[number].wait()
                for change in ({"expanded": True}, {"expanded": False})[number:]:
                    item.workflow = item.workflow.model_copy(update=change)
                    method = self.store.save_item if number else self.store.add_thread_item
                    await method(thread.id, item, context)
                    await self.store.delete_thread_item(thread.id, "wf_other", context)

        store = self.server.store
        self.server = Late(store=store, attachment_store=self.server.attachment_store)
        params = {"thread_id": thread_id, "item_id": message_id}
        old = self.asking("threads.retry_after_item", **params)
        await old.until(text_of)
        with patch("chatstore.server.chat_server.stop_replaced", _nothing):
            new = self.asking("threads.retry_after_item", **params)
            await new.until(text_of)
        await store.add_thread_item(thread_id, workflow("wf_other", thread_id=thread_id), ALICE)
        seen[1].set()
        await new.task
        seen[0].set()
        self.assertEqual((await old.task)[-1]["type"], "error")
        stored = await store.load_item(thread_id, "wf_open", ALICE)
        assert isinstance(stored, WorkflowItem)
        self.assertFalse(stored.workflow.expanded)

    async def test_S20_a_turn_that_is_replaced_deletes_nothing(self) -> None:
        thread_id, message_id = await self.begun()

        class Late(Gated):
            def late_events(self, text: str) -> Iterable[Any]:
                return [ThreadItemRemovedEvent(item_id=message_id)] if text == "answer 1" else ()

        store = self.server.store
        self.server = Late(store=store, attachment_store=self.server.attachment_store)
        params = {"thread_id": thread_id, "item_id": message_id}
        old = self.asking("threads.retry_after_item", **params)
        await old.until(text_of)
        with patch("chatstore.server.chat_server.stop_replaced", _nothing):
            await self.answered(self.asking("threads.retry_after_item", **params))
        self.server.gates[0].set()
        self.assertEqual((await old.task)[-1]["type"], "error")
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 2"])

    async def test_S20_a_message_that_a_retry_overtakes_is_409(self) -> None:
        thread_id, message_id = await self.begun()

        async def retry() -> None:
            params = {"thread_id": thread_id, "item_id": message_id}
            await self.answered(self.asking("threads.retry_after_item", **params))

        more = {"thread_id": thread_id, "input": user_input("And now?")}
        for stop in (stop_replaced, _nothing):  # in this process, and as if in another one
            with (
                patch("chatstore.server.chat_server.stop_replaced", stop),
                self.before("add_thread_item", retry),
                self.assertRaises(RequestRefused) as refused,
            ):
                await self.begin("threads.add_user_message", **more)
            await self.acting
            self.assertEqual((refused.exception.status, str(refused.exception)), (409, FASTER))
            expected = ["Hello", f"answer {len(self.server.gates)}"]
            self.assertEqual(await self.texts(thread_id), expected)

    async def test_S20_V2_a_thread_that_is_closed_after_the_look_takes_nothing(self) -> None:
        for method, kind, params in (
            ("add_thread_item", "threads.add_user_message", {"input": user_input("More")}),
            ("save_item", "threads.add_client_tool_output", {"result": 1}),
            (
                "save_item",
                "threads.add_structured_input",
                {"item_id": "msg_ask", "input": {"answers": {}}},
            ),
            ("delete_items_after", "threads.retry_after_item", {}),
        ):
            thread_id, message_id = await self.begun()
            if "retry" in kind:
                params = {"item_id": message_id}
            for item in (samples.structured_input(), samples.tool_call()):
                item.thread_id = thread_id
                await self.server.store.add_thread_item(thread_id, item, ALICE)
            before = await self.items(thread_id)
            with self.before(method, lambda thread_id=thread_id: self.close(thread_id)):
                (event,) = await self.begin(kind, thread_id=thread_id, **params)
            self.assertEqual((event["type"], event["message"]), ("error", "Enough."), kind)
            self.assertEqual(await self.items(thread_id), before, kind)

    async def close(self, thread_id: str) -> None:
        thread = await self.server.store.load_thread(thread_id, ALICE)
        thread.status = ClosedStatus(reason="Enough.")
        await self.server.store.save_thread(thread, ALICE)

    async def test_S20_a_lock_while_an_answer_streams_loses_nothing_of_it(self) -> None:
        thread_id, _ = await self.begun()
        more = {"thread_id": thread_id, "input": user_input("More")}
        reader = self.asking("threads.add_user_message", **more)
        await reader.until(text_of)
        await self.close(thread_id)
        await self.answered(reader)
        self.assertEqual((await self.texts(thread_id))[2:], ["More", "answer 2"])

    async def test_S20_two_messages_at_once_are_both_answered(self) -> None:
        thread_id, _ = await self.begun()
        kind, more = "threads.add_user_message", {"thread_id": thread_id}
        readers = [self.asking(kind, **more, input=user_input(text)) for text in ("A", "B")]
        self.assertEqual(await self.all_at_once(*readers), [200, 200])
        self.assertEqual(len(await self.texts(thread_id)), 6)

    async def test_S20_a_retry_whose_message_is_deleted_after_the_look_is_not_found(self) -> None:
        thread_id, message_id = await self.begun()

        async def delete() -> None:
            await self.server.store.delete_thread_item(thread_id, message_id, ALICE)

        params = {"thread_id": thread_id, "item_id": message_id}
        with self.before("delete_items_after", delete), self.assertRaises(NotFoundError):
            await self.begin("threads.retry_after_item", **params)
        self.assertEqual(await self.texts(thread_id), ["answer 1"])

    async def test_V4_S20_what_was_kept_of_an_answer_is_replaced_by_its_retry(self) -> None:
        for scene in ("fail", "failstore", "end", "widget fail", "widget end"):
            server = Scripted(
                store=self.server.store, attachment_store=self.server.attachment_store
            )
            with patch.object(self, "server", server):
                thread_id = await self.create(f"{scene} partial")
                question, kept = await self.items(thread_id)
            self.assertIn("partial", str(kept), scene)
            retry = self.asking(
                "threads.retry_after_item", thread_id=thread_id, item_id=question["id"]
            )
            await self.answered(retry)
            texts = await self.texts(thread_id)
            self.assertEqual(texts[1:], [f"answer {len(self.server.gates)}"], scene)


async def _nothing(*arguments: Any) -> None: ...


class MemoryRacesTests(Races, IsolatedAsyncioTestCase, SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = Gated(store=MemoryStore(), attachment_store=NoFiles())


class DjangoRacesTests(Races, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = Gated()

    async def test_S20_V2_a_message_that_a_moderators_lock_overtakes_is_refused(self) -> None:
        thread_id, _ = await self.begun()

        async def act() -> None:
            session = await ChatSession.objects.aget(thread_id=thread_id)
            await sync_to_async(lock)(session, Moderator("m", "Stop it."))

        more = {"thread_id": thread_id, "input": user_input("More")}
        with self.before("add_thread_item", act):
            (event,) = await self.begin("threads.add_user_message", **more)
        self.assertEqual(event["message"], "Stop it.")
        self.assertEqual(await ChatMessage.objects.acount(), 2)

    async def test_S20_V2_what_the_application_takes_in_a_locked_thread_can_be_overtaken_too(
        self,
    ) -> None:
        thread_id, message_id = await self.begun()

        async def do(action: Callable[..., Any]) -> None:
            session = await ChatSession.objects.aget(thread_id=thread_id)
            await sync_to_async(action)(session, Moderator("m", "Stop it."))

        await do(lock)
        more = {"thread_id": thread_id, "input": user_input("More")}

        async def retry() -> None:
            params = {"thread_id": thread_id, "item_id": message_id}
            await self.answered(self.asking("threads.retry_after_item", **params))

        for act in (retry, lambda: do(close)):
            with (
                patch("chatstore.server.chat_server.stop_replaced", _nothing),
                patch.object(Gated, "refusal", lambda *arguments: None),
                self.before("add_thread_item", act),
                self.assertRaises(RequestRefused) as refused,
            ):
                await self.begin("threads.add_user_message", **more)
            await self.acting
            self.assertEqual(refused.exception.status, 409)
        self.assertEqual(len(await self.texts(thread_id)), 2)

    async def test_S20_M2_an_output_of_a_tool_call_that_is_hidden_meanwhile_is_refused(
        self,
    ) -> None:
        thread_id, _ = await self.begun()
        call = samples.tool_call(thread_id=thread_id)
        await self.server.store.add_thread_item(thread_id, call, ALICE)

        async def act() -> None:
            row = await ChatMessage.objects.aget(item_id=call.id)
            await sync_to_async(hide)(row, Moderator("m", "Not this."))

        with self.before("save_item", act), self.assertRaises(RequestRefused):
            await self.begin("threads.add_client_tool_output", thread_id=thread_id, result=1)
        row = await ChatMessage.objects.aget(item_id=call.id)
        self.assertEqual(row.item_status, "pending")

    async def test_S20_an_attachment_that_is_sent_twice_at_once_is_in_one_message(self) -> None:
        threads = [(await self.begun())[0] for _ in range(2)]
        store = self.server.store
        await store.save_attachment(attachment("atc_1"), ALICE)
        message = {"input": user_input("Look", attachments=["atc_1"])}
        with (
            patch.object(type(self.server.attachment_store), "check_sendable", _nothing),
            self.together("save_attachment"),
        ):
            readers = [
                self.asking("threads.add_user_message", thread_id=thread_id, **message)
                for thread_id in threads
            ]
            self.assertEqual(await self.all_at_once(*readers), [200, 409])
        self.assertEqual(await ChatMessage.objects.filter(item_type="user_message").acount(), 3)

    async def test_S20_A3_of_two_new_threads_at_once_with_one_file_one_is_stored(self) -> None:
        store = self.server.store
        await store.save_attachment(attachment("atc_1"), ALICE)
        message = {"input": user_input("Look", attachments=["atc_1"])}
        with self.together("save_attachment"):
            readers = [self.asking("threads.create", **message) for _ in range(2)]
            self.assertEqual(await self.all_at_once(*readers), [200, 400])
        self.assertEqual(await ChatSession.objects.acount(), 1)
        [message] = (await self.items((await ChatSession.objects.aget()).thread_id))[:1]
        self.assertEqual(message["attachments"][0]["id"], "atc_1")

    async def test_S20_an_attachment_that_is_deleted_after_the_look_is_not_sent(self) -> None:
        thread_id, _ = await self.begun()
        store = self.server.store
        await store.save_attachment(attachment("atc_1"), ALICE)

        async def delete() -> None:
            await store.delete_attachment("atc_1", ALICE)

        message = {"thread_id": thread_id, "input": user_input("Look", attachments=["atc_1"])}
        with (
            patch.object(type(self.server.attachment_store), "check_sendable", _nothing),
            self.before("save_attachment", delete),
            self.assertRaises(NotFoundError),
        ):
            await self.begin("threads.add_user_message", **message)
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 1"])


class AsyncPoolRacesTests(AsyncPoolMixin, Races, TransactionTestCase):
    """The same in a server's event loop, on the async pool (S19)."""

    def setUp(self) -> None:
        super().setUp()
        self.server = Gated()


class PlainRacesTests(RaceMixin, IsolatedAsyncioTestCase, SimpleTestCase):
    """A store that keeps ChatKit's interface only, and knows nothing of turns."""

    async def test_S20_in_one_process_a_retry_stops_what_it_replaces(self) -> None:
        with (
            patch("chatstore.testing.memory.turn_of", lambda thread_id: None),
            patch("chatstore.testing.memory.mark_thread_seen", lambda *args, **kwargs: None),
        ):
            self.server = Gated(store=PlainStore(), attachment_store=NoFiles())
            thread_id, message_id = await self.begun()
            params = {"thread_id": thread_id, "item_id": message_id}
            first = self.asking("threads.retry_after_item", **params)
            await first.until(text_of)
            second = self.asking("threads.retry_after_item", **params)
            await second.until(text_of)
            self.assertEqual((await first.task)[-1]["type"], "error")
            await self.answered(second)
            self.assertEqual(await self.texts(thread_id), ["Hello", "answer 3"])
