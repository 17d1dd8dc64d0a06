"""Tests of S8, S9, M2, V4 and V1: adding, replacing and deleting items, and feedback on them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chatkit.types import StructuredInputAnswer, StructuredInputFreeform

from chatstore import codec
from chatstore.testing import samples
from chatstore.testing.base import ITEM, ContractBase, ids

# Said here once more, so that a store that asks the codec is held to the promise itself.
STAY_AS_STORED = {
    "user_message",
    "assistant_message",
    "hidden_context_item",
    "sdk_hidden_context",
    "end_of_turn",
}


class ItemsContract(ContractBase):
    # S8

    async def test_S8_messages_hidden_context_and_end_of_turn_stay_as_first_stored(self) -> None:
        await self.save_thread()
        first = [item for item in samples.items() if item.type in STAY_AS_STORED]
        self.assertEqual({item.type for item in first}, STAY_AS_STORED)
        await self.add(*first)
        await self.add(*(item.model_copy(update=_changed(item)) for item in reversed(first)))
        for saved, loaded in zip(first, (await self.page()).data, strict=True):
            self.assert_same(loaded, saved, ITEM)

    async def test_S8_other_items_are_replaced_and_keep_their_position(self) -> None:
        await self.save_thread()
        first = [item for item in samples.items() if item.type not in STAY_AS_STORED]
        await self.add(*first)
        changed = [item.model_copy(update=_changed(item)) for item in first]
        await self.add(*reversed(changed))
        for saved, loaded in zip(changed, (await self.page()).data, strict=True):
            self.assert_same(loaded, saved, ITEM)

    async def test_S8_a_different_type_never_replaces(self) -> None:
        await self.save_thread()
        first = [item.model_copy(update={"id": item.type}) for item in samples.items()]
        first = list({item.id: item for item in first}.values())
        await self.add(*first)
        for other in first:
            for item in first:
                if item.type != other.type:
                    await self.add(other.model_copy(update={"id": item.id}))
        for saved, loaded in zip(first, (await self.page()).data, strict=True):
            self.assert_same(loaded, saved, ITEM)

    async def test_S8_a_finished_item_never_goes_back_to_pending(self) -> None:
        await self.save_thread()
        answered = StructuredInputFreeform(
            id="why", question="Why?", answer=StructuredInputAnswer(values=["So"])
        )
        for settled, pending in (
            (samples.tool_call("a", status="completed", output=1), samples.tool_call("a")),
            (
                samples.structured_input("b", status="answered", inputs=[answered]),
                samples.structured_input("b"),
            ),
            (
                samples.structured_input("c", status="skipped"),
                samples.structured_input("c", inputs=[answered]),
            ),
        ):
            await self.add(pending, settled, pending)
            self.assert_same(await self.load(settled.id), settled, ITEM)

    async def test_S8_the_fake_id_of_chat_completions_becomes_a_fresh_one(self) -> None:
        await self.save_thread()
        await self.add(
            samples.answer(codec.FAKE_ID, "one"),
            samples.tool_call(codec.FAKE_ID),
            samples.answer(codec.FAKE_ID, "two"),
            samples.workflow(codec.FAKE_ID),
        )
        loaded: list[Any] = (await self.page()).data
        self.assertEqual([loaded[0].content[0].text, loaded[2].content[0].text], ["one", "two"])
        prefixes = [item.id.split("_")[0] for item in loaded]
        self.assertEqual(prefixes, ["msg", "tc", "msg", "wf"])
        self.assertEqual(len({*ids(loaded), codec.FAKE_ID}), 5)
        for item in loaded:
            self.assertEqual((await self.load(item.id)).id, item.id)

    # S9

    async def test_S9_save_item_creates_or_replaces_in_place(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2")
        await self.store.save_item("thr_1", samples.answer("msg_3", "new"), self.alice)
        await self.store.save_item("thr_1", samples.user_message("msg_1", "new"), self.alice)
        await self.store.save_item("thr_1", samples.workflow("msg_2"), self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_2", "msg_3"])
        self.assertEqual((await self.load("msg_1")).content[0].text, "new")
        self.assertEqual((await self.load("msg_2")).type, "workflow")

    async def test_S9_save_item_may_go_back_to_pending(self) -> None:
        await self.save_thread()
        await self.add(samples.tool_call(status="completed"))
        await self.store.save_item("thr_1", samples.tool_call(), self.alice)
        self.assertEqual((await self.load("tc_1")).status, "pending")

    async def test_S9_what_is_deleted_is_gone_and_may_be_deleted_again(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2", "msg_3")
        for _ in range(2):
            await self.store.delete_thread_item("thr_1", "msg_2", self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_3"])
        with self.assert_not_found():
            await self.load("msg_2")
        await self.add_messages("msg_2")
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_3", "msg_2"])

    async def test_S9_a_thread_is_deleted_with_its_items_and_attachments(self) -> None:
        for thread_id in ("thr_1", "thr_2"):
            await self.save_thread(thread_id)
            await self.add_messages("msg_1", "msg_2", thread_id=thread_id)
            file = samples.attachment(f"atc_{thread_id}", thread_id=thread_id)
            await self.store.save_attachment(file, self.alice)
        for _ in range(2):
            await self.store.delete_thread("thr_1", self.alice)
        with self.assert_not_found():
            await self.store.load_thread("thr_1", self.alice)
        with self.assert_not_found():
            await self.load("msg_1")
        with self.assert_not_found():
            await self.store.load_attachment("atc_thr_1", self.alice)
        self.assertEqual(await self.item_ids(), [])
        self.assertEqual(await self.item_ids(thread_id="thr_2"), ["msg_1", "msg_2"])
        self.assertTrue(await self.store.load_attachment("atc_thr_2", self.alice))
        await self.save_thread()
        self.assertEqual(await self.item_ids(), [])

    async def test_S9_an_attachment_is_deleted_with_its_message_or_alone(self) -> None:
        await self.save_thread()
        files = [samples.attachment(f"atc_{number}") for number in range(3)]
        for file in files:
            await self.store.save_attachment(file, self.alice)
        await self.add(samples.user_message(attachments=files[:2]))
        await self.store.delete_attachment("atc_1", self.alice)
        await self.store.delete_attachment("atc_1", self.alice)
        await self.store.delete_thread_item("thr_1", "msg_1", self.alice)
        for file_id in ("atc_0", "atc_1"):
            with self.assert_not_found(file_id):
                await self.store.load_attachment(file_id, self.alice)
        self.assertTrue(await self.store.load_attachment("atc_2", self.alice))

    async def test_S9_a_redacted_item_stays_redacted(self) -> None:
        await self.save_thread()
        first = [samples.user_message("msg_1"), samples.workflow("wf_1")]
        await self.add(*first)
        for item in first:
            await self.redact_item("thr_1", item.id)
            before = await self.load(item.id)
            changed = item.model_copy(update=_changed(item))
            await self.store.save_item("thr_1", changed, self.alice)
            await self.add(changed)
            self.assertEqual(await self.load(item.id), before)

    async def test_M2_a_hidden_item_is_not_seen_and_stays_hidden_when_written(self) -> None:
        await self.save_thread()
        await self.add(samples.user_message("msg_1"), samples.workflow("wf_1"))
        await self.add_messages("msg_2")
        await self.hide_item("thr_1", "wf_1")
        for put in (self.store.add_thread_item, self.store.save_item):
            await put("thr_1", samples.workflow("wf_1"), self.alice)
            self.assertEqual(await self.item_ids(), ["msg_1", "msg_2"])
            with self.assert_not_found():
                await self.load("wf_1")
        self.assertEqual(ids((await self.page(after="wf_1")).data), ["msg_2"])
        self.assertEqual(ids((await self.page(after="wf_1", order="desc")).data), ["msg_1"])
        page = await self.page(limit=2)
        self.assertEqual((ids(page.data), page.has_more), (["msg_1", "msg_2"], False))
        await self.store.delete_thread_item("thr_1", "wf_1", self.alice)
        await self.add(samples.workflow("wf_1"))
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_2", "wf_1"])

    async def test_M2_what_follows_an_item_is_deleted_hidden_items_too(self) -> None:
        for thread_id in ("thr_1", "thr_2"):
            await self.save_thread(thread_id)
            await self.add_messages("msg_1", "msg_2", "msg_3", thread_id=thread_id)
        await self.hide_item("thr_1", "msg_2")
        delete_items_after = getattr(self.store, "delete_items_after", None)
        if delete_items_after is None:  # not in chatkit's Store
            self.skipTest("The store has no delete_items_after()")
        for thread_id, item_id, context in (
            ("thr_1", "msg_1", self.charlie),
            ("thr_1", "unknown", self.alice),
            ("unknown", "msg_1", self.alice),
            ("thr_2", "msg_3", self.alice),
        ):
            await delete_items_after(thread_id, item_id, context)
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_3"])
        await delete_items_after("thr_1", "msg_1", self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1"])
        await self.add_messages("msg_2")  # the hidden item was deleted too
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_2"])
        page = await self.page(thread_id="thr_2")
        self.assertEqual(ids(page.data), ["msg_1", "msg_2", "msg_3"])

    async def test_V4_an_unfinished_answer_is_loaded_with_its_ending(self) -> None:
        add = getattr(self.store, "add_unfinished_answer", None)
        if add is None:  # ours, not ChatKit's
            self.skipTest("The store has no add_unfinished_answer()")
        await self.save_thread()
        await self.add_messages("msg_1")
        whole = samples.answer("msg_2")
        await self.add(whole)
        for item_id, ending in (("msg_2", "failed"), ("msg_3", "failed"), ("msg_4", "stopped")):
            await add("thr_1", samples.answer(item_id), ending, self.alice)
        await self.store.save_item("thr_1", samples.answer("msg_4", "More"), self.alice)
        page = await self.page()
        endings = [getattr(item, "ending", None) for item in page.data]
        self.assertEqual(endings, [None, None, "failed", "stopped"])
        loaded = await self.store.load_item("thr_1", "msg_4", self.alice)
        self.assertEqual((loaded.ending, loaded.content[0].text), ("stopped", "More"))

    async def test_S8_a_taken_id_is_known_whether_it_is_hidden_or_not(self) -> None:
        has_item = getattr(self.store, "has_item", None)
        if has_item is None:  # ours, not ChatKit's
            self.skipTest("The store has no has_item()")
        await self.save_thread()
        await self.save_thread("thr_2")
        await self.add_messages("msg_1", "msg_2")
        await self.hide_item("thr_1", "msg_2")
        for thread_id, item_id, context, is_taken in (
            ("thr_1", "msg_1", self.alice, True),
            ("thr_1", "msg_2", self.alice, True),
            ("thr_1", "msg_3", self.alice, False),
            ("thr_2", "msg_1", self.alice, False),
            ("thr_0", "msg_1", self.alice, False),
            ("thr_1", "msg_1", self.charlie, False),
            ("thr_1", "nul\0", self.alice, False),
            ("thr_1", "\ud800", self.alice, False),
        ):
            self.assertEqual(await has_item(thread_id, item_id, context), is_taken, item_id)

    async def test_V1_feedback_is_kept_and_unknown_and_hidden_items_are_ignored(self) -> None:
        await self.save_thread()
        await self.save_thread("thr_2")
        await self.add_messages("msg_1", "msg_2", "msg_3")
        await self.add_messages("msg_1", thread_id="thr_2")
        self.assertEqual(await self.feedback_of("thr_1", "msg_1"), "")
        await self.hide_item("thr_1", "msg_3")
        save = self.store.save_feedback
        named = ["msg_1", "msg_2", "msg_3", "unknown", "nul\0", "\ud800"]
        await save("thr_1", named, "positive", self.alice)
        await save("thr_1", ["msg_2", "msg_2"], "negative", self.alice)
        await save("thr_1", ["msg_1"], "negative", self.charlie)
        await save("thr_unknown", ["msg_1"], "negative", self.alice)
        await save("thr_1", [], "negative", self.alice)
        self.assertEqual(await self.feedback_of("thr_1", "msg_1"), "positive")
        self.assertEqual(await self.feedback_of("thr_1", "msg_2"), "negative")
        self.assertEqual(await self.feedback_of("thr_1", "msg_3"), "")
        self.assertEqual(await self.feedback_of("thr_2", "msg_1"), "")
        await self.store.save_item("thr_1", samples.user_message("msg_1"), self.alice)
        self.assertEqual(await self.feedback_of("thr_1", "msg_1"), "positive")
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_2"])


def _changed(item: Any) -> dict[str, Any]:
    """Return an update of a field that every item type has."""
    return {"created_at": item.created_at + dt.timedelta(days=1)}
