"""Tests of S6, S14, S17 and S18: values are loaded as saved, refused, replaced or skipped."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from chatkit.types import ThreadMetadata

from chatstore import codec
from chatstore.testing import samples
from chatstore.testing.base import ATTACHMENT, ITEM, THREAD, ContractBase, ids

FAR_EAST = dt.timezone(dt.timedelta(hours=14))
FAR_WEST = dt.timezone(dt.timedelta(hours=-12))
TIMES = {
    "naive": dt.datetime(2026, 3, 29, 2, 30, 0, 1),  # noqa: DTZ001
    "without microseconds": dt.datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001
    "UTC": dt.datetime(2026, 3, 29, 2, 30, tzinfo=dt.UTC),
    "aware": dt.datetime(
        2026, 3, 29, 2, 30, 0, 999999, tzinfo=dt.timezone(dt.timedelta(hours=5.5))
    ),
    "the earliest": dt.datetime.min,  # noqa: DTZ901
    "the latest": dt.datetime.max,  # noqa: DTZ901
    "the earliest anywhere": dt.datetime.min.replace(tzinfo=FAR_EAST),
    "the latest anywhere": dt.datetime.max.replace(tzinfo=FAR_WEST),
    "before computers": dt.datetime(1492, 10, 12, tzinfo=dt.UTC),
}
NESTED_TOO_DEEP: Any = []
for _ in range(300):
    NESTED_TOO_DEEP = [NESTED_TOO_DEEP]
UNSERIALIZABLE = (object(), {"a": [object()]}, lambda: None, b"\xff", NESTED_TOO_DEEP)
SECRET = "the-text-of-a-conversation"  # noqa: S105 (no password)


class ValuesContract(ContractBase):
    # S6

    async def test_S6_each_type_of_item_comes_back_as_it_was(self) -> None:
        await self.save_thread()
        saved = samples.items()
        await self.add(*saved)
        self.assertEqual(len({item.type for item in saved}), 11)
        for item, listed in zip(saved, (await self.page()).data, strict=True):
            with self.subTest(item.id):
                self.assert_same(listed, item, ITEM)
                self.assert_same(await self.load(item.id), item, ITEM)

    async def test_S6_each_type_of_item_comes_back_as_it_was_replaced(self) -> None:
        await self.save_thread()
        await self.add_messages(*ids(samples.items()))
        for item in samples.items():
            with self.subTest(item.id):
                await self.store.save_item("thr_1", item, self.alice)
                self.assert_same(await self.load(item.id), item, ITEM)
        self.assertEqual(await self.item_ids(), ids(samples.items()))

    async def test_S6_threads_come_back_as_they_were_and_as_they_were_updated(self) -> None:
        for thread in samples.threads():
            with self.subTest(thread.id):
                await self.store.save_thread(thread, self.alice)
                self.assert_same(
                    await self.store.load_thread(thread.id, self.alice), thread, THREAD
                )
        for thread in (await self.store.load_threads(99, None, "asc", self.alice)).data:
            [saved] = [each for each in samples.threads() if each.id == thread.id]
            self.assert_same(thread, saved, THREAD)
        for update in samples.threads():
            update.id = "thr_full"
            await self.store.save_thread(update, self.alice)
            self.assert_same(await self.store.load_thread("thr_full", self.alice), update, THREAD)

    async def test_S6_attachments_come_back_as_they_were_and_as_they_were_updated(self) -> None:
        for saved in samples.attachments():
            await self.store.save_attachment(saved, self.alice)
            self.assert_same(
                await self.store.load_attachment(saved.id, self.alice), saved, ATTACHMENT
            )
        for saved in samples.attachments():
            saved.id = "atc_bare"
            await self.store.save_attachment(saved, self.alice)
            loaded = await self.store.load_attachment("atc_bare", self.alice)
            self.assert_same(loaded, saved, ATTACHMENT)

    async def test_S6_times_come_back_as_given_naive_or_aware(self) -> None:
        for number, (name, time) in enumerate(TIMES.items()):
            with self.subTest(name):
                thread = samples.thread(f"thr_{number}", created_at=time)
                await self.store.save_thread(thread, self.alice)
                loaded = await self.store.load_thread(thread.id, self.alice)
                self.assert_same(loaded, thread, THREAD)
                item = samples.user_message(created_at=time)
                await self.add(item, thread_id=thread.id)
                self.assert_same(await self.load(item.id, thread.id), item, ITEM)

    async def test_S6_a_dynamic_widget_loses_no_property(self) -> None:
        await self.save_thread()
        variants: tuple[dict[str, Any], ...] = (
            {},
            {"mine": 1},
            {"mine": {"deep": [{"er": None}, 2.5]}, "children": []},
            {"type": "ListView", "children": {"type": "ListViewItem", "glow": "a"}},
            {"type": "Basic", "glow": True, "size": "enormous"},
            {"mine": "with \0 in it"},
            {"mine": {"with \ud800": "in its key"}},
        )
        for number, properties in enumerate(variants):
            item = samples.dynamic_widget(f"msg_{number}", **properties)
            expected = codec.replace_unstorable(item.widget.model_dump(exclude_none=True))
            for put in (self.store.add_thread_item, self.store.save_item):
                await put("thr_1", item, self.alice)
                listed: Any = (await self.page()).data[number]
                for loaded in (await self.load(item.id), listed):
                    widget = loaded.widget.model_dump(mode="json", exclude_none=True)
                    with self.subTest(properties):
                        self.assertEqual(widget, {**widget, **expected})

    async def test_S6_nan_and_infinity_become_null(self) -> None:
        numbers = {"nan": float("nan"), "deep": [float("inf"), -float("inf"), 1.5]}
        await self.save_thread(metadata=numbers)
        await self.add(samples.hidden_context(content=numbers))
        expected = {"nan": None, "deep": [None, None, 1.5]}
        loaded = await self.store.load_thread("thr_1", self.alice)
        self.assertEqual(loaded.metadata, expected)
        self.assertEqual((await self.load("hcx_1")).content, expected)

    async def test_S6_big_numbers_and_deep_values_keep_their_value(self) -> None:
        deep: Any = 10**30
        for _ in range(150):
            deep = [deep]
        await self.save_thread(metadata={"deep": deep})
        await self.add(samples.hidden_context(content=deep))
        loaded = await self.store.load_thread("thr_1", self.alice)
        self.assertEqual(loaded.metadata, {"deep": deep})
        self.assertEqual((await self.load("hcx_1")).content, deep)

    async def test_S6_what_cant_be_serialized_or_read_back_is_refused_and_not_stored(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        broken = samples.tool_call()
        broken.status = "neither"  # type: ignore[assignment]
        items = [samples.hidden_context(content=value) for value in UNSERIALIZABLE]
        for item in (*items, broken, samples.hidden_context("x" * 256)):
            for put in (self.store.add_thread_item, self.store.save_item):
                with self.subTest(item.id), self.assertRaises(ValueError):
                    await put("thr_1", item, self.alice)
        for value in UNSERIALIZABLE:
            thread = samples.thread(metadata={"value": value})
            with self.subTest(repr(value)[:40]), self.assertRaises(ValueError):
                await self.store.save_thread(thread, self.alice)
            attachment = samples.attachment(metadata={"value": value})
            with self.subTest(repr(value)[:40]), self.assertRaises(ValueError):
                await self.store.save_attachment(attachment, self.alice)
        for too_long in (samples.thread("x" * 256), samples.attachment("x" * 256)):
            is_thread = isinstance(too_long, ThreadMetadata)
            save = self.store.save_thread if is_thread else self.store.save_attachment
            with self.assertRaises(ValueError):
                await save(too_long, self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1"])
        self.assertEqual((await self.store.load_thread("thr_1", self.alice)).metadata, {})
        with self.assert_not_found():
            await self.store.load_attachment("atc_1", self.alice)

    async def test_S6_what_was_saved_or_loaded_may_be_changed_without_harm(self) -> None:
        thread, item = samples.thread(metadata={"a": 1}), samples.user_message(text="before")
        await self.store.save_thread(thread, self.alice)
        await self.add(item)
        loaded_thread, loaded = (
            await self.store.load_thread("thr_1", self.alice),
            await self.load("msg_1"),
        )
        for changed in (thread, loaded_thread):
            changed.metadata["a"] = 2
        for each in (item, loaded):
            each.content[0].text = "after"
        self.assertEqual((await self.store.load_thread("thr_1", self.alice)).metadata, {"a": 1})
        self.assertEqual((await self.load("msg_1")).content[0].text, "before")

    # S14

    async def test_S14_nul_and_lone_surrogates_are_replaced_in_values_and_keys(self) -> None:
        await self.save_thread(title="a\0b\ud800c", metadata={"k\0": ["v\udfff", {"\0": "\0"}]})
        thread = await self.store.load_thread("thr_1", self.alice)
        self.assertEqual(thread.title, "a\ufffdb\ufffdc")
        self.assertEqual(thread.metadata, {"k\ufffd": ["v\ufffd", {"\ufffd": "\ufffd"}]})
        await self.save_thread(metadata={"in a key \ud800": 1})
        thread = await self.store.load_thread("thr_1", self.alice)
        self.assertEqual(thread.metadata, {"in a key \ufffd": 1})

        await self.add(samples.user_message("msg_1", "a\0\ud83d\ude00 🐘 \\u0000 \\ud800"))
        text = (await self.load("msg_1")).content[0].text
        self.assertEqual(text, "a\ufffd\ufffd\ufffd 🐘 \\u0000 \\ud800")

        content = {"x\0": 1, "x\ufffd": 2, "y": {"z\ud800": b"\0"}}
        await self.add(samples.hidden_context(content=content))
        expected = {"x\ufffd": 2, "y": {"z\ufffd": "\ufffd"}}
        self.assertEqual((await self.load("hcx_1")).content, expected)

        saved = samples.attachment(name="\0.txt", metadata={"\ud800": "\0"})
        await self.store.save_attachment(saved, self.alice)
        attachment = await self.store.load_attachment("atc_1", self.alice)
        self.assertEqual(
            (attachment.name, attachment.metadata), ("\ufffd.txt", {"\ufffd": "\ufffd"})
        )

    async def test_S14_an_id_with_nul_or_a_surrogate_is_unknown(self) -> None:
        await self.save_thread("thr_1")
        for mark in ("\0", "\ud800"):
            await self.save_thread(f"thr_{mark}")
            await self.add_messages(f"msg_{mark}")
            await self.store.save_attachment(samples.attachment(f"atc_{mark}"), self.alice)
            with self.assert_not_found():
                await self.store.load_thread(f"thr_{mark}", self.alice)
            with self.assert_not_found():
                await self.load(f"msg_{mark}")
            with self.assert_not_found():
                await self.store.load_attachment(f"atc_{mark}", self.alice)
            with self.assert_not_found():
                await self.page(after=f"msg_{mark}")
            with self.assert_not_found():
                await self.store.load_threads(9, f"thr_{mark}", "asc", self.alice)
            self.assertEqual((await self.page(thread_id=f"thr_{mark}")).data, [])
        self.assertEqual(await self.item_ids(), ["msg_\ufffd"])
        self.assertEqual((await self.load("msg_\ufffd")).id, "msg_\ufffd")
        self.assertTrue(await self.store.load_thread("thr_\ufffd", self.alice))

    # S17

    async def test_S17_an_item_that_cant_be_decoded_is_skipped_logged_and_kept(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2", "msg_3", "msg_4")
        await self.break_payload("thr_1", "msg_2")
        with self.assertLogs("chatstore", logging.WARNING) as logs:
            page = await self.page(limit=2)
        self.assertIn("msg_2", logs.output[0])
        self.assertEqual((ids(page.data), page.has_more, page.after), (["msg_1"], True, "msg_2"))
        self.assertEqual(ids((await self.page(after="msg_2")).data), ["msg_3", "msg_4"])
        with self.assertLogs("chatstore", logging.WARNING), self.assert_not_found():
            await self.load("msg_2")
        await self.store.save_item("thr_1", samples.user_message("msg_2"), self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1", "msg_2", "msg_3", "msg_4"])

    # S18

    async def test_S18_neither_log_nor_error_holds_the_text_of_a_conversation(self) -> None:
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger("chatstore").debug("assertLogs fails without any record")
            await self.save_thread(title=SECRET, metadata={SECRET: SECRET})
            item = samples.user_message(text=SECRET)
            await self.add(item, item)
            await self.store.save_item("thr_1", item, self.alice)
            await self.load("msg_1")
            await self.page()
            errors = []
            for content in (
                {SECRET: object()},
                [SECRET, SECRET.encode() + b"\xff"],
                [SECRET, NESTED_TOO_DEEP],
            ):
                with self.assertRaises(ValueError) as caught:
                    await self.add(samples.hidden_context(content=content))
                errors.append(caught.exception)
            broken = samples.tool_call(arguments={"a": SECRET})
            broken.status = SECRET  # type: ignore[assignment]
            with self.assertRaises(ValueError) as caught:
                await self.add(broken)
            errors.append(caught.exception)
        formatter = logging.Formatter()
        for record in logs.records:
            self.assertNotIn(SECRET, formatter.format(record))
        for error in errors:
            self.assertNotIn(SECRET, repr(error))
            self.assertIsNone(error.__cause__)
            self.assertTrue(error.__suppress_context__)
