"""V19: a user's message is edited and sent again, and takes the place of the old one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient, TestCase, TransactionTestCase, override_settings

from chatstore.exceptions import RequestRefused
from chatstore.models import ChatAttachment, ChatMessage, ChatModelTurn, ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.moderation.redaction import redact
from chatstore.server.chat_server import get_server
from chatstore.server.live_streams import stop_replaced
from chatstore.testing import MemoryStore
from tests.base import ALICE
from tests.endpoint import EndpointMixin
from tests.live import Event, text_of, user_input
from tests.rows import add_attachment, add_model_turn, everything
from tests.test_races import Gated, RaceMixin, Reader, _nothing

MODERATOR = Moderator("Mo", reason="Because")


def edit_body(thread_id: str, item_id: str, text: str, **fields: Any) -> str:
    params = {"thread_id": thread_id, "input": user_input(text, **fields)}
    kind = "threads.add_user_message"
    return json.dumps({"type": kind, "params": params, "metadata": {"replaces": item_id}})


class EditMixin(EndpointMixin):
    def begin(self, *texts: str, **fields: Any) -> str:
        """Let Alice begin a thread with these messages, each answered; return its id."""
        send = async_to_sync(self.send)
        first, *rest = texts
        created = send("threads.create", {"input": user_input(first, **fields)})
        thread_id: str = created[0]["thread"]["id"]
        for text in rest:
            params = {"thread_id": thread_id, "input": user_input(text)}
            send("threads.add_user_message", params)
        return thread_id

    def items(self, thread_id: str) -> list[dict[str, Any]]:
        params = {"thread_id": thread_id, "order": "asc"}
        data: list[dict[str, Any]] = async_to_sync(self.get)("items.list", params)["data"]
        return data

    def texts(self, thread_id: str) -> list[str]:
        return [item["content"][0]["text"] for item in self.items(thread_id)]

    def edit(
        self, thread_id: str, item_id: str, text: str, client: Any = None, **fields: Any
    ) -> Any:
        body = edit_body(thread_id, item_id, text, **fields)
        return async_to_sync(self.post_body)(body, client)


class EditTests(EditMixin, TestCase):
    def test_V19_the_edited_message_takes_its_place_and_what_follows_goes(self) -> None:
        thread_id = self.begin("say one", "say two", "say three")
        first, answer, second, *_ = self.items(thread_id)
        response = self.edit(thread_id, second["id"], "say TWO")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.events[0]["item"]["content"][0]["text"], "say TWO")
        self.assertTrue(any(map(text_of, response.events)))
        self.assertEqual(self.texts(thread_id), ["say one", "one", "say TWO", "TWO"])
        items = self.items(thread_id)
        self.assertEqual(items[:2], [first, answer])
        self.assertNotIn(second["id"], [item["id"] for item in items])
        self.assertEqual(ChatMessage.objects.count(), 4)

    def test_V19_what_models_did_in_the_turns_that_go_goes_too(self) -> None:
        thread_id = self.begin("say one", "say two")
        session = ChatSession.objects.get()
        first, _, second, _ = ChatMessage.objects.order_by("timestamp")
        kept = add_model_turn(session, first.item_id, timestamp=first.timestamp)
        add_model_turn(
            session, second.item_id, timestamp=session.updated_at, model_turn_id=second.pk
        )
        self.edit(thread_id, second.item_id, "say TWO")
        self.assertEqual(list(ChatModelTurn.objects.all()), [kept])

    def test_V19_files_that_are_kept_stay_and_the_others_go(self) -> None:
        for name in ("atc_1", "atc_2", "atc_later"):
            add_attachment(name, self.alice["user_id"])
        thread_id = self.begin("say one", attachments=["atc_1", "atc_2"])
        params = {"thread_id": thread_id, "input": user_input("say b", attachments=["atc_later"])}
        async_to_sync(self.send)("threads.add_user_message", params)
        message = self.items(thread_id)[0]
        with self.captureOnCommitCallbacks(execute=True):
            self.edit(thread_id, message["id"], "say ONE", attachments=["atc_1"], quoted_text="q")
        [edited, _] = self.items(thread_id)
        self.assertEqual([one["id"] for one in edited["attachments"]], ["atc_1"])
        self.assertEqual(edited["quoted_text"], "q")
        row = ChatAttachment.objects.get()
        self.assertEqual((row.attachment_id, row.message.item_id), ("atc_1", edited["id"]))
        self.assertEqual(len(self.stored()), 1)

    def test_V19_a_file_of_an_earlier_message_stays_with_that(self) -> None:
        for name in ("atc_1", "atc_new"):
            add_attachment(name, self.alice["user_id"])
        thread_id = self.begin("say one", attachments=["atc_1"])
        for text in ("say two", "say three"):
            params = {"thread_id": thread_id, "input": user_input(text)}
            async_to_sync(self.send)("threads.add_user_message", params)
        first, _, second, *_ = self.items(thread_id)
        both = ["atc_1", "atc_new"]
        self.edit(thread_id, second["id"], "say TWO", attachments=both)
        edited = self.items(thread_id)[2]
        self.assertEqual([one["id"] for one in edited["attachments"]], both)
        rows = ChatAttachment.objects.order_by("attachment_id")
        rows = rows.values_list("attachment_id", "message__item_id")
        self.assertEqual(list(rows), [("atc_1", first["id"]), ("atc_new", edited["id"])])
        with self.captureOnCommitCallbacks(execute=True):
            self.edit(thread_id, edited["id"], "say three")
        self.assertEqual(list(rows.all()), [("atc_1", first["id"])])
        self.assertEqual(len(self.stored()), 1)

    def test_V19_a_title_of_the_old_words_becomes_one_of_the_new(self) -> None:
        thread_id = self.begin("say Anna", "say two")
        message = self.items(thread_id)[0]["id"]
        response = self.edit(thread_id, message, "say Berta")
        titles = [e["thread"]["title"] for e in response.events if e["type"] == "thread.updated"]
        self.assertEqual(titles, ["say Berta"])
        self.assertEqual(ChatSession.objects.get().title, "say Berta")

    def test_V19_a_persons_own_title_stays(self) -> None:
        thread_id = self.begin("say Anna")
        async_to_sync(self.get)("threads.update", {"thread_id": thread_id, "title": "Mine"})
        self.edit(thread_id, self.items(thread_id)[0]["id"], "say Berta")
        self.assertEqual(ChatSession.objects.get().title, "Mine")

    def refuse(self, thread_id: str, item_id: str, status: int, **options: Any) -> str:
        before = everything()
        sentence = self.assert_refused(self.edit(thread_id, item_id, "say x", **options), status)
        self.assertEqual(everything(), before)
        return sentence

    def test_V19_only_ones_own_message_that_is_there(self) -> None:
        thread_id = self.begin("say one")
        message, answer = (item["id"] for item in self.items(thread_id))
        self.refuse(thread_id, answer, 409)
        self.refuse(thread_id, "msg_0", 404)
        self.refuse("thr_0", message, 404)
        stranger = AsyncClient()
        stranger.force_login(self.other)
        self.refuse(thread_id, message, 404, client=stranger)
        row = ChatMessage.objects.get(item_id=message)
        actions.hide(row, MODERATOR)
        self.refuse(thread_id, message, 404)
        actions.show(row, MODERATOR)
        redact(row, MODERATOR)
        self.refuse(thread_id, message, 409)

    def test_V19_a_hold_refuses_it_and_a_lock_says_why(self) -> None:
        thread_id = self.begin("say one")
        message = self.items(thread_id)[0]["id"]
        session = ChatSession.objects.get()
        actions.hold(session, MODERATOR)
        self.assertIn("can't be edited now", self.refuse(thread_id, message, 409))
        actions.release(session, MODERATOR)
        actions.lock(session, MODERATOR)
        before = everything()
        [event] = self.edit(thread_id, message, "say x").events
        self.assertEqual((event["type"], event["message"]), ("error", "Because"))
        self.assertEqual(everything(), before)

    @override_settings(CHATSTORE_MESSAGES_PER_MINUTE=1, CHATSTORE_MAX_MESSAGE_LENGTH=20)
    def test_V7_V19_it_is_bounded_as_a_message_is(self) -> None:
        thread_id = self.begin("say one")
        message = self.items(thread_id)[0]["id"]
        self.assertIn("too quickly", self.refuse(thread_id, message, 429))
        response = self.edit(thread_id, message, "say much more than that")
        self.assertIn("too long", self.assert_refused(response, 400))

    def test_another_packages_store_has_none(self) -> None:
        with mock.patch.object(get_server(), "store", MemoryStore()):
            self.assert_refused(self.edit("thr_1", "msg_1", "say x"), 501)

    def test_M2_hidden_items_after_it_go_too(self) -> None:
        thread_id = self.begin("say one", "say two")
        message = self.items(thread_id)[0]["id"]
        actions.hide(ChatMessage.objects.order_by("timestamp").last(), MODERATOR)
        self.edit(thread_id, message, "say ONE")
        self.assertEqual(ChatMessage.objects.count(), 2)


class EditRaceTests(RaceMixin, TransactionTestCase):
    def setUp(self) -> None:
        self.server = Gated()

    def editing(self, thread_id: str, item_id: str, text: str) -> Reader:
        async def events() -> AsyncIterator[Event]:
            result = await self.server.process(edit_body(thread_id, item_id, text), ALICE)
            async for line in result:
                yield json.loads(line[6:])

        return Reader(events())

    async def test_V19_S20_of_two_edits_at_once_one_wins(self) -> None:
        thread_id, message_id = await self.begun()
        with self.together("add_thread_item"):
            readers = [self.editing(thread_id, message_id, text) for text in ("a", "b")]
            self.assertEqual(await self.all_at_once(*readers), [200, 409])
        [winner] = [word for word, one in zip("ab", readers, strict=True) if one.events]
        self.assertEqual(await self.texts(thread_id), [winner, "answer 2"])

    async def test_V19_S20_an_edit_that_a_retry_overtakes_is_409(self) -> None:
        thread_id, message_id = await self.begun()

        async def retry() -> None:
            params = {"thread_id": thread_id, "item_id": message_id}
            await self.answered(self.asking("threads.retry_after_item", **params))

        for stop in (stop_replaced, _nothing):  # in this process, and as if in another one
            with (
                mock.patch("chatstore.server.chat_server.stop_replaced", stop),
                self.before("add_thread_item", retry),
                self.assertRaises(RequestRefused) as refused,
            ):
                await self.editing(thread_id, message_id, "a").task
            await self.acting
            self.assertEqual(refused.exception.status, 409)
            expected = ["Hello", f"answer {len(self.server.gates)}"]
            self.assertEqual(await self.texts(thread_id), expected)

    async def test_V19_S20_an_edit_that_a_moderator_overtakes_changes_nothing(self) -> None:
        thread_id, message_id = await self.begun()

        def hide() -> None:
            actions.hide(ChatMessage.objects.get(item_id=message_id), MODERATOR)

        with (
            self.before("add_thread_item", sync_to_async(hide)),
            self.assertRaises(RequestRefused),
        ):
            await self.editing(thread_id, message_id, "a").task
        self.assertEqual(await self.texts(thread_id), ["answer 1"])
        await sync_to_async(actions.show)(
            await ChatMessage.objects.aget(item_id=message_id), MODERATOR
        )

        def lock() -> None:
            actions.lock(ChatSession.objects.get(), MODERATOR)

        with self.before("add_thread_item", sync_to_async(lock)):
            [event] = await self.editing(thread_id, message_id, "a").task
        self.assertEqual(event["message"], "Because")
        self.assertEqual(await self.texts(thread_id), ["Hello", "answer 1"])

    async def test_V19_S20_it_stops_the_answer_that_is_streamed(self) -> None:
        thread_id, message_id = await self.begun()
        params = {"thread_id": thread_id, "item_id": message_id}
        first = self.asking("threads.retry_after_item", **params)
        await first.until(text_of)
        second = self.editing(thread_id, message_id, "Hello again")
        await second.until(text_of)
        self.assertEqual((await first.task)[-1]["type"], "error")
        await self.answered(second)
        self.assertEqual(await self.texts(thread_id), ["Hello again", "answer 3"])

    async def test_V19_one_that_fails_midway_leaves_all_as_it_was(self) -> None:
        thread_id, message_id = await self.begun()
        before = await sync_to_async(everything)()
        failing = mock.patch(
            "chatstore.models.ChatModelTurnQuerySet.raw_delete", side_effect=RuntimeError
        )
        with failing, self.assertRaises(RuntimeError):
            await self.server.process(edit_body(thread_id, message_id, "a"), ALICE)
        self.assertEqual(await sync_to_async(everything)(), before)
