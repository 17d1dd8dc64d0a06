"""ChatServer without HTTP: changes of a thread while an answer is streamed."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import IsolatedAsyncioTestCase
from unittest.mock import patch

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig
from asgiref.sync import sync_to_async
from chatkit.agents import ThreadItemConverter
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import AttachmentStore, NotFoundError
from chatkit.types import ThreadItemDoneEvent, ThreadMetadata
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from openai import AsyncOpenAI

from chatstore import codec
from chatstore.exceptions import RequestRefused
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation.actions import hide, lock
from chatstore.moderation.records import Moderator
from chatstore.server import ChatServer, live_streams, preconditions
from chatstore.server.streams import ServerStoppingError
from chatstore.testing import MemoryStore, samples
from tests.assistants import Scripted
from tests.base import ALICE, answer
from tests.live import Event, text_of, user_input


class RequestMixin:
    """Sends requests to a server, and reads what it streams event by event."""

    server: ChatServer[Any]

    async def stream(self, kind: str, **params: Any) -> AsyncIterator[Event]:
        result = await self.server.process(json.dumps({"type": kind, "params": params}), ALICE)
        assert isinstance(result, StreamingResult)
        async for line in result:
            yield json.loads(line[6:])

    async def send(self, kind: str, **params: Any) -> list[Event]:
        return [event async for event in self.stream(kind, **params)]

    async def get(self, kind: str, **params: Any) -> Any:
        result = await self.server.process(json.dumps({"type": kind, "params": params}), ALICE)
        assert not isinstance(result, StreamingResult)
        return json.loads(result.json)

    async def create(self, text: str = "say hello") -> str:
        return (await self.send("threads.create", input=user_input(text)))[0]["thread"]["id"]

    async def items(self, thread_id: str) -> list[Event]:
        return (await self.get("items.list", thread_id=thread_id, order="asc"))["data"]

    def half_way(self, text: str, thread_id: str | None = None) -> Any:
        """Send a message; enter the block after the first delta of the answer."""
        return half_way(self, text, thread_id)


@asynccontextmanager
async def half_way(asking: RequestMixin, text: str, thread_id: str | None) -> AsyncIterator[Any]:
    if thread_id:
        events = asking.stream(
            "threads.add_user_message", thread_id=thread_id, input=user_input(text)
        )
    else:
        events = asking.stream("threads.create", input=user_input(text))
    async for event in events:
        if event["type"] == "thread.created":
            thread_id = event["thread"]["id"]
        if text_of(event):
            break
    rest: list[Event] = []
    yield thread_id, rest
    rest += [event async for event in events]


class Conversation(RequestMixin):
    """Tests that run on MemoryStore and on DjangoStore."""

    async def test_V1_to_V6_a_conversation(self) -> None:
        events = await self.send("threads.create", input=user_input("say one"))
        thread = {"thread_id": events[0]["thread"]["id"]}
        await self.send("threads.add_user_message", **thread, input=user_input("say two"))
        items = await self.items(thread["thread_id"])
        self.assertEqual(
            [item["content"][0]["text"] for item in items], ["say one", "one", "say two", "two"]
        )
        await self.server.add_feedback(thread["thread_id"], [items[1]["id"]], "positive", ALICE)
        await self.send("threads.retry_after_item", **thread, item_id=items[0]["id"])
        items = await self.items(thread["thread_id"])
        self.assertEqual([item["content"][0]["text"] for item in items], ["say one", "one"])
        await self.get("threads.update", **thread, title="Renamed")
        self.assertEqual((await self.get("threads.get_by_id", **thread))["title"], "Renamed")
        self.assertEqual((await self.get("threads.list"))["data"][0]["title"], "Renamed")
        await self.get("threads.delete", **thread)
        with self.assertRaises(NotFoundError):
            await self.get("threads.get_by_id", **thread)

    async def test_V2_a_thread_that_locks_itself_is_refused(self) -> None:
        thread_id = await self.create()
        thread = await self.server.store.load_thread(thread_id, ALICE)
        thread.status = (
            type(thread)
            .model_validate(
                {**thread.model_dump(), "status": {"type": "locked", "reason": "Enough."}}
            )
            .status
        )
        await self.server.store.save_thread(thread, ALICE)
        more = {"thread_id": thread_id, "input": user_input("say more")}
        (event,) = await self.send("threads.add_user_message", **more)
        self.assertEqual((event["type"], event["message"]), ("error", "Enough."))
        action = {"thread_id": thread_id, "action": {"type": "press", "payload": None}}
        with self.assertRaisesMessage(RequestRefused, "Enough."):
            await self.get("threads.sync_custom_action", **action)

    async def test_S8_fake_ids_are_replaced_by_ids_that_do_not_change(self) -> None:
        events = await self.send("threads.create", input=user_input("fake one two"))
        self.assertNotIn(codec.FAKE_ID, json.dumps(events))
        added = [event["item"]["id"] for event in events if event["type"] == "thread.item.added"]
        done = [event["item"]["id"] for event in events if event["type"] == "thread.item.done"][1:]
        updated = [event["item_id"] for event in events if event["type"] == "thread.item.updated"]
        self.assertEqual(added, done)
        self.assertEqual(updated, [added[0]] * 2 + [added[1]] * 2)
        self.assertEqual(len(set(added)), 2)
        items = await self.items(events[0]["thread"]["id"])
        self.assertEqual([item["id"] for item in items[1:]], added)
        self.assertEqual([item["content"][0]["text"] for item in items[1:]], ["one", "two"])

    async def test_S8_a_guardrail_removes_what_had_a_fake_id(self) -> None:
        events = await self.send("threads.create", input=user_input("guard one two"))
        added = [event["item"]["id"] for event in events if event["type"] == "thread.item.added"]
        removed = [event["item_id"] for event in events if event["type"] == "thread.item.removed"]
        self.assertEqual(removed, added)
        self.assertEqual(len(await self.items(events[0]["thread"]["id"])), 1)

    async def test_V4_S8_a_fake_id_of_a_partial_answer_is_real_too(self) -> None:
        events = self.stream("threads.create", input=user_input("fakesleep partial"))
        async for event in events:
            if event["type"] == "thread.created":
                thread_id = event["thread"]["id"]
            if text_of(event):
                break
        await events.aclose()
        for _ in range(500):
            if not live_streams.owners():
                break  # what is stored after the test would wait for the test's lock
            await asyncio.sleep(0.02)
        items = await self.items(thread_id)
        self.assertEqual(items[1]["id"], event["item_id"])
        self.assertEqual(items[1]["ending"], "stopped")
        self.assertEqual(items[1]["content"][0]["text"], "partial")

    async def test_S7_deleted_in_mid_stream_it_stays_deleted(self) -> None:
        for thread_id in (None, await self.create()):
            async with self.half_way("title late", thread_id) as (thread_id, rest):
                await self.get("threads.delete", thread_id=thread_id)
            self.assertIn("error", [event["type"] for event in rest])
            listed = [thread["id"] for thread in (await self.get("threads.list"))["data"]]
            self.assertNotIn(thread_id, listed)
            self.assertEqual(await self.items(thread_id), [])

    async def test_renamed_in_mid_stream_it_keeps_its_new_name(self) -> None:
        for scene in ("note well", "note fail"):
            async with self.half_way(scene) as (thread_id, rest):
                await self.get("threads.update", thread_id=thread_id, title="Mine")
            thread = await self.server.store.load_thread(thread_id, ALICE)
            self.assertEqual((thread.title, len(thread.metadata)), ("Mine", 1))
            (told,) = [event for event in rest if event["type"] == "thread.updated"]
            self.assertEqual(told["thread"]["title"], "Mine")
        async with self.half_way("title The answer's") as (thread_id, rest):
            await self.get("threads.update", thread_id=thread_id, title="Mine")
        thread = await self.server.store.load_thread(thread_id, ALICE)
        self.assertEqual(thread.title, "The answer's")

    async def test_S7_deleted_while_it_is_renamed_it_stays_deleted(self) -> None:
        thread_id = await self.create()
        save = self.server.store.save_thread

        async def delete_and_save(thread: Any, context: Any) -> None:
            await self.server.store.delete_thread(thread_id, context)
            await save(thread, context)

        with patch.object(self.server.store, "save_thread", delete_and_save):
            await self.get("threads.update", thread_id=thread_id, title="Renamed")
        self.assertEqual((await self.get("threads.list"))["data"], [])
        await self.server.store.save_thread(samples.thread(thread_id), ALICE)  # with a limit
        self.assertEqual(len((await self.get("threads.list"))["data"]), 1)

    async def test_V5_what_another_tab_has_answered_in_the_same_moment_is_409(self) -> None:
        look, waiting = preconditions.check, [True]

        async def overtaken(server: Any, request: Any, context: Any) -> None:
            await look(server, request, context)
            if waiting and waiting.pop():
                await self.send(request.type, **request.params.model_dump())

        thread_id = await self.create()
        for question, kind, params in (
            (
                samples.structured_input(thread_id=thread_id),
                "threads.add_structured_input",
                {"item_id": "msg_ask", "input": {"answers": {"why": {"values": ["So"]}}}},
            ),
            (
                samples.tool_call(thread_id=thread_id),
                "threads.add_client_tool_output",
                {"result": "So"},
            ),
        ):
            await self.server.store.add_thread_item(thread_id, question, ALICE)
            waiting[:] = [True]
            with (
                patch("chatstore.server.preconditions.check", overtaken),
                self.assertRaises(RequestRefused) as refused,
            ):
                await self.send(kind, thread_id=thread_id, **params)
            self.assertEqual(refused.exception.status, 409)

    async def test_V4_an_exception_ends_the_stream_with_an_error_event(self) -> None:
        for scene in ("fail", "unstorable", "no_such_scene"):
            events = await self.send("threads.create", input=user_input(f"{scene} words"))
            self.assertEqual(events[-1]["type"], "error", scene)
            self.assertTrue(events[-1]["allow_retry"])
            self.assertNotIn("plugh", json.dumps(events))
        (*_, event) = await self.send("threads.create", input=user_input("sorry No."))
        self.assertEqual((event["code"], event["message"]), ("custom", "No."))

    async def check_kept(self, scene: str, ending: str) -> None:
        events = await self.send("threads.create", input=user_input(f"{scene} partial"))
        thread_id = events[0]["thread"]["id"]
        for _ in range(2):  # it is there once, and stays so
            for items in (
                await self.items(thread_id),
                (await self.get("threads.get_by_id", thread_id=thread_id))["items"]["data"],
            ):
                kept = [item for item in items if item["type"] == "assistant_message"]
                texts = [part["text"] for item in kept for part in item["content"]]
                self.assertEqual(texts, ["partial"], scene)
                self.assertEqual([item.get("ending") for item in kept], [ending], scene)
        added = next(event for event in events if event["type"] == "thread.item.added")
        self.assertEqual(kept[0]["id"], added["item"]["id"])
        self.assertEqual(kept[0]["created_at"], added["item"]["created_at"])

    async def test_V4_what_was_said_before_a_failure_is_kept_and_marked(self) -> None:
        for scene in ("fail", "failcustom", "failstream", "failstore", "end", "cancel", "exit"):
            await self.check_kept(scene, "failed")

    async def test_V4_what_was_said_before_an_event_that_cant_be_sent_is_kept(self) -> None:
        events = await self.send("threads.create", input=user_input("failsend partial"))
        self.assertEqual(events[-1]["type"], "error")
        for _ in range(100):  # the event loop closes the SDK's generators one after the other
            if len(items := await self.items(events[0]["thread"]["id"])) == 2:
                break
            await asyncio.sleep(0.02)
        self.assertEqual(items[1]["content"][0]["text"], "partial")
        self.assertEqual(items[1]["ending"], "failed")

    async def test_V4_a_workflow_that_was_begun_is_kept_and_ended(self) -> None:
        events = await self.send("threads.create", input=user_input("work fail"))
        self.assertEqual(events[-1]["type"], "error")
        await self.check_workflow(events[0]["thread"]["id"])
        stopped = self.stream("threads.create", input=user_input("work"))
        async for event in stopped:
            if event["type"] == "thread.created":
                thread_id = event["thread"]["id"]
            if event.get("update", {}).get("type") == "workflow.task.updated":
                break
        await stopped.aclose()
        for _ in range(100):
            if len(await self.items(thread_id)) == 2:
                break
            await asyncio.sleep(0.02)
        await self.check_workflow(thread_id)

    async def test_V4_a_widget_that_was_begun_is_kept(self) -> None:
        for scene in ("fail", "end", "stop"):
            thread_id = ""
            events = self.stream("threads.create", input=user_input(f"widget {scene} some"))
            async for event in events:
                thread_id = thread_id or event["thread"]["id"]
                if scene == "stop" and text_of(event) == " words":
                    break
            await events.aclose()
            for _ in range(100):
                if len(await self.items(thread_id)) == 2:
                    break
                await asyncio.sleep(0.02)
            _question, item = await self.items(thread_id)
            text = {"type": "Text", "id": "text", "value": "some words"}
            self.assertEqual(item["widget"], {"type": "Card", "children": [text]}, scene)
            ending = "stopped" if scene == "stop" else "failed"
            self.assertEqual(item["ending"], ending, scene)

    async def test_a_workflow_that_stays_open_is_left_to_the_sdk(self) -> None:
        thread_id = await self.create("work end")
        self.assertEqual(len(await self.items(thread_id)), 1)

    async def check_workflow(self, thread_id: str) -> None:
        _question, item = await self.items(thread_id)
        titles = [task["title"] for task in item["workflow"]["tasks"]]
        self.assertEqual(titles, ["Look", "Find"])
        self.assertIn("duration", item["workflow"]["summary"])

    async def test_V4_a_failure_before_the_first_word_leaves_no_answer(self) -> None:
        for scene in ("fail", "sorry"):
            events = await self.send("threads.create", input=user_input(scene))
            self.assertEqual(len(await self.items(events[0]["thread"]["id"])), 1, scene)

    async def test_V4_S6_an_unfinished_answer_that_is_saved_again_stays_what_it_was(self) -> None:
        events = await self.send("threads.create", input=user_input("fail partial"))
        thread_id = events[0]["thread"]["id"]
        item_id = (await self.items(thread_id))[-1]["id"]
        loaded = await self.server.store.load_item(thread_id, item_id, ALICE)
        self.assertNotIn("ending", loaded.model_dump_json())
        await self.server.store.save_item(thread_id, loaded, ALICE)
        self.assertEqual(await self.server.store.load_item(thread_id, item_id, ALICE), loaded)
        self.assertEqual((await self.items(thread_id))[-1]["ending"], "failed")

    async def test_V4_a_finished_answer_has_no_ending(self) -> None:
        thread_id = await self.create("say hello")
        self.assertNotIn("ending", (await self.items(thread_id))[-1])

    async def test_V4_a_cancellation_from_within_ends_with_an_error_event(self) -> None:
        for scene in ("cancel", "exit"):
            events = await self.send("threads.create", input=user_input(f"{scene} partial"))
            self.assertEqual(events[-1]["type"], "error", scene)

    async def test_S14_a_lone_surrogate_ends_no_stream(self) -> None:
        events = await self.send("threads.create", input=user_input("half so"))
        self.assertEqual("".join(map(text_of, events)), "so\ufffdon")
        self.assertEqual(events[-1]["item"]["content"][0]["text"], "so\ufffdon")
        items = await self.items(events[0]["thread"]["id"])
        self.assertEqual(items[-1]["content"][0]["text"], "so\ufffdon")

    async def test_hidden_context_is_stored_and_in_no_event(self) -> None:
        events = await self.send("threads.create", input=user_input("hidden words"))
        self.assertNotIn("plugh", json.dumps(events))
        thread_id = events[0]["thread"]["id"]
        page = await self.server.store.load_thread_items(thread_id, None, 9, "asc", ALICE)
        self.assertEqual(
            [item.type for item in page.data],
            ["user_message", "hidden_context_item", "sdk_hidden_context", "assistant_message"],
        )

    async def test_S8_an_id_that_is_in_the_thread_already_is_renamed(self) -> None:
        thread_id = await self.create("repeat one")
        for words in ("two", "three"):
            message = {"thread_id": thread_id, "input": user_input(f"repeat {words}")}
            events = await self.send("threads.add_user_message", **message)
            own = {event["item_id"] for event in events if "item_id" in event}
            own |= {event["item"]["id"] for event in events[1:] if "item" in event}
            self.assertEqual(len(own), 1, events)
        items = await self.items(thread_id)
        self.assertEqual(len({item["id"] for item in items}), 6)
        texts = [item["content"][0]["text"] for item in items[1::2]]
        self.assertEqual(texts, ["one", "two", "three"])

    async def asked_again(self, scene: str, first: str = "") -> list[Event]:
        """Play a scene twice in one thread, or another one first; return the thread's items."""
        thread_id = await self.create(f"{first or scene} one")
        message = {"thread_id": thread_id, "input": user_input(f"{scene} two")}
        await self.send("threads.add_user_message", **message)
        return await self.items(thread_id)

    async def test_S8_a_tool_call_whose_id_is_taken_is_a_new_one(self) -> None:
        items = await self.asked_again("repeattool")
        self.assertEqual([items[1]["name"], items[3]["name"]], ["one", "two"])
        self.assertEqual(items[1]["id"], "tc_again")
        self.assertTrue(items[3]["id"].startswith("tc_"))

    async def test_S8_an_answer_without_a_beginning_is_not_dropped_either(self) -> None:
        thread_id = await self.create("repeatdone one two two")
        items = await self.items(thread_id)
        self.assertEqual([item["content"][0]["text"] for item in items[1:]], ["one", "two"])

    async def test_S8_a_guardrail_removes_the_new_item_and_not_the_older_one(self) -> None:
        items = await self.asked_again("repeatguard", first="repeat")
        self.assertEqual([item["id"] for item in items[1:2]], ["msg_again"])
        self.assertEqual([item["type"] for item in items].count("assistant_message"), 1)

    async def test_S8_an_open_workflow_is_added_again_under_its_own_id(self) -> None:
        items = await self.asked_again("flow")
        flows = [item["id"] for item in items if item["type"] == "workflow"]
        self.assertEqual(flows, ["wf_open"])

    async def test_V5_a_new_thread_with_an_unknown_attachment_is_not_created(self) -> None:
        message = user_input("say a", attachments=["atc_unknown"])
        with self.assertRaises(NotFoundError):
            await self.send("threads.create", input=message)
        self.assertEqual((await self.get("threads.list"))["data"], [])


class NoFiles(AttachmentStore[Any]):
    """An attachment store of another package."""

    async def delete_attachment(self, attachment_id: str, context: Any) -> None: ...


class MemoryServerTests(Conversation, IsolatedAsyncioTestCase, SimpleTestCase):
    def setUp(self) -> None:
        self.server = Scripted(store=MemoryStore(), attachment_store=NoFiles())


class PlainStore(MemoryStore):
    """A store with only the methods of chatkit's Store."""

    save_feedback: Any = None
    delete_items_after: Any = None


class PlainStoreTests(RequestMixin, IsolatedAsyncioTestCase, SimpleTestCase):
    async def test_everything_works_except_feedback(self) -> None:
        self.server = Scripted(store=PlainStore(), attachment_store=NoFiles())
        thread_id = await self.create("say one")
        (question, _answer) = await self.items(thread_id)
        with self.assertRaises(NotImplementedError):
            await self.server.add_feedback(thread_id, [question["id"]], "positive", ALICE)
        await self.send("threads.retry_after_item", thread_id=thread_id, item_id=question["id"])
        items = await self.items(thread_id)
        self.assertEqual([item["content"][0]["text"] for item in items], ["say one", "one"])


class DjangoServerTests(Conversation, TestCase):
    def setUp(self) -> None:
        self.server = Scripted()

    async def test_M1_a_lock_set_in_mid_stream_stays(self) -> None:
        moderator = Moderator("m", "Stop it.")
        for thread_id in (None, await self.create()):
            async with self.half_way("title late", thread_id) as (thread_id, rest):
                session = await ChatSession.objects.aget(thread_id=thread_id)
                await sync_to_async(lock)(session, moderator)
            self.assertIn("thread.item.done", [event["type"] for event in rest])
            thread = await self.get("threads.get_by_id", thread_id=thread_id)
            self.assertEqual(thread["status"], {"type": "locked", "reason": "Stop it."})
            self.assertEqual(thread["title"], "late")

    async def test_S8_M2_an_id_whose_item_is_hidden_is_taken_too(self) -> None:
        thread_id = await self.create("repeat one")
        message = await ChatMessage.objects.aget(item_id="msg_again")
        await sync_to_async(hide)(message, Moderator("m", "Rude."))
        more = {"thread_id": thread_id, "input": user_input("repeat two")}
        await self.send("threads.add_user_message", **more)
        texts = [item["content"][0]["text"] for item in await self.items(thread_id)]
        self.assertEqual(texts, ["repeat one", "repeat two", "two"])

    async def test_V5_a_retry_that_a_stopping_server_refuses_deletes_nothing(self) -> None:
        thread_id = await self.create("say one")
        items = await self.items(thread_id)
        live_streams.set_draining(True)
        self.addCleanup(live_streams.set_draining, False)
        with self.assertRaises(ServerStoppingError):
            await self.send("threads.retry_after_item", thread_id=thread_id, item_id=items[0]["id"])
        self.assertEqual(await self.items(thread_id), items)

    async def test_M2_retry_removes_hidden_items_too(self) -> None:
        thread_id = await self.create("say one")
        items = await self.items(thread_id)
        moderator = Moderator("m", "Rude.")
        message = await ChatMessage.objects.aget(item_id=items[1]["id"])
        await sync_to_async(hide)(message, moderator)
        await self.send("threads.retry_after_item", thread_id=thread_id, item_id=items[0]["id"])
        self.assertEqual(await ChatMessage.objects.acount(), 2)

    async def test_V3_objects_in_memory_keep_their_times(self) -> None:
        seen: list[Any] = []

        class Watching(Scripted):
            async def respond(self, thread: ThreadMetadata, message: Any, context: Any) -> Any:
                done = ThreadItemDoneEvent(item=answer(thread_id=thread.id))
                seen.extend([thread, message, done.item])
                yield done

        self.server = Watching()
        events = await self.send("threads.create", input=user_input("x"))
        self.assertEqual([one.created_at.tzinfo for one in seen], [None] * 3)
        sent = dt.datetime.fromisoformat(events[-1]["item"]["created_at"])
        self.assertEqual(sent, seen[2].created_at.astimezone())

    async def test_S18_answers_to_questions_that_were_not_asked_are_dropped(self) -> None:
        thread_id = await self.create()
        question = samples.structured_input(thread_id=thread_id)
        await self.server.store.add_thread_item(thread_id, question, ALICE)
        given = {"answers": {"why": {"values": ["So"]}, "secret words": {"values": ["x"]}}}
        with self.assertNoLogs("chatkit"):
            await self.send(
                "threads.add_structured_input", thread_id=thread_id, item_id="msg_ask", input=given
            )
        stored = await self.server.store.load_item(thread_id, "msg_ask", ALICE)
        self.assertEqual((stored.status, stored.inputs[0].answer.values), ("answered", ["So"]))


class PrivateMethodsTests(SimpleTestCase):
    def test_V3_nothing_private_of_the_sdk_is_overridden_but_two(self) -> None:
        own = {
            name
            for server in ChatServer.__mro__
            if server.__module__.startswith("chatstore.")
            for name in vars(server)
            if name.startswith("_") and not name.endswith("__")
        }
        theirs = {name for name in vars(ChatKitServer) if not name.endswith("__")}
        self.assertEqual(own & theirs, {"_serialize", "_process_events", "_abc_impl"})

    def test_the_signature_that_the_converter_builds_on(self) -> None:
        signature = inspect.signature(ThreadItemConverter._thread_item_to_input_item)
        self.assertEqual(list(signature.parameters), ["self", "item", "is_last_message"])

    def test_V3_their_signatures_are_what_we_build_on(self) -> None:
        for name, parameters in {
            "_serialize": ["self", "obj"],
            "_process_events": ["self", "thread", "context", "stream"],
            "_process_streaming": ["self", "request", "context"],
            "_process_non_streaming": ["self", "request", "context"],
            "_apply_assistant_message_update": ["self", "item", "update"],
            "handle_stream_cancelled": ["self", "thread", "pending_items", "context"],
        }.items():
            for server in (ChatKitServer, ChatServer):
                signature = inspect.signature(getattr(server, name))
                self.assertEqual(list(signature.parameters), parameters, name)


# The model


class EndlessModel(BaseHTTPRequestHandler):
    """Both APIs of OpenAI, with an endless answer; counts the events that it has sent."""

    sent = 0
    length = 3000

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        number = 0
        try:
            for number, event in enumerate(self.events()):
                data = json.dumps({"sequence_number": number, **event})
                name = f"event: {event['type']}\n" if "type" in event else ""
                self.wfile.write(f"{name}data: {data}\n\n".encode())
                self.wfile.flush()
                type(self).sent += 1
                time.sleep(0.02)
        except OSError:
            pass

    def events(self) -> Any:
        if self.path.endswith("/chat/completions"):
            base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
            for _ in range(self.length):
                delta = {"role": "assistant", "content": "word "}
                yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            return
        message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        item = {**message, "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": 0, "item": item}
        yield {"type": "response.content_part.added", "part": part, **at}
        for _ in range(self.length):
            yield {"type": "response.output_text.delta", "delta": "word ", "logprobs": [], **at}

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


@contextmanager
def model() -> Any:
    handler = type("Handler", (EndlessModel,), {"sent": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", handler
        server.shutdown()


def modelled(model: Any) -> ChatServer[Any]:
    class Modelled(ChatServer[Any]):
        async def respond(self, thread: Any, message: Any, context: Any) -> Any:
            agent = Agent(name="a", model=model)
            config = RunConfig(tracing_disabled=True)
            async for event in self.run_agent(agent, thread, context, run_config=config):
                yield event

    return Modelled()


class ModelTests(RequestMixin, TransactionTestCase):
    async def check_stopped(self, model_class: Any) -> list[Event]:
        with model() as (url, handler):
            async with AsyncOpenAI(api_key="sk", base_url=url) as client:
                self.server = modelled(model_class("m", client))
                events, got = self.stream("threads.create", input=user_input("Go on")), []
                async for event in events:
                    got.append(event)
                    if len(list(filter(text_of, got))) == 5:
                        break
                stream = events.aclose()
                await stream
                for _ in range(100):
                    if not [
                        one async for one in ChatMessage.objects.filter(sender_type="assistant")
                    ]:
                        await asyncio.sleep(0.02)
                await asyncio.sleep(0.3)
                sent = handler.sent
                await asyncio.sleep(0.7)
                self.assertLessEqual(handler.sent, sent + 1, "the model goes on")
                left = [str(task.get_coro()) for task in asyncio.all_tasks()]
                self.assertFalse([name for name in left if "QueueIterator" in name], left)
                # asyncio logs, at some later time, if the exception of a task was not retrieved.
                # By type(): isinstance would evaluate lazy objects of other tests.
                tasks = [one for one in gc.get_objects() if issubclass(type(one), asyncio.Task)]
                self.assertFalse([task for task in tasks if task._log_traceback])
        return got

    async def test_V4_the_model_is_stopped_with_the_stream(self) -> None:
        await self.check_stopped(OpenAIResponsesModel)
        (answer,) = [one async for one in ChatMessage.objects.filter(sender_type="assistant")]
        self.assertTrue(answer.content.startswith("word word word"))

    async def test_V4_S8_behind_chat_completions_too_and_with_an_id_of_its_own(self) -> None:
        got = await self.check_stopped(OpenAIChatCompletionsModel)
        self.assertNotIn(codec.FAKE_ID, json.dumps(got))
        (answer,) = [one async for one in ChatMessage.objects.filter(sender_type="assistant")]
        self.assertTrue(answer.item_id.startswith("msg_"))
        self.assertIn(answer.item_id, json.dumps(got))

    async def test_behind_chat_completions_a_second_question_is_answered_too(self) -> None:
        with model() as (url, handler):
            handler.length = 2
            async with AsyncOpenAI(api_key="sk", base_url=url) as client:
                self.server = modelled(OpenAIChatCompletionsModel("m", client))
                first = await self.send("threads.create", input=user_input("Hello"))
                second = await self.send(
                    "threads.add_user_message",
                    thread_id=first[0]["thread"]["id"],
                    input=user_input("Hello again"),
                )
        for events in (first, second):
            self.assertEqual(events[-1]["type"], "thread.item.done", events[-1])
            self.assertEqual(events[-1]["item"]["content"][0]["text"], "word word ")
