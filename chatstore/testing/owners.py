"""Tests of S1 to S5: the Store interface, owners, isolation between them, and ids."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any, get_args

from chatkit.store import NotFoundError, Store, StoreItemType

from chatstore.testing import samples
from chatstore.testing.base import UNKNOWN_IDS, ContractBase, ids


class OwnersContract(ContractBase):
    # S1

    def test_S1_it_is_a_store_with_chatkits_own_signatures(self) -> None:
        self.assertIsInstance(self.store, Store)
        for name, method in inspect.getmembers(Store, inspect.isfunction):
            if not name.startswith("_"):
                expected = list(inspect.signature(method).parameters)[1:]
                given = list(inspect.signature(getattr(self.store, name)).parameters)
                self.assertEqual(given[: len(expected)], expected, name)

    async def test_S1_what_is_not_there_is_not_found(self) -> None:
        await self.save_thread()
        for unknown in UNKNOWN_IDS:
            with self.assert_not_found(unknown):
                await self.store.load_thread(unknown, self.alice)
            with self.assert_not_found(unknown):
                await self.store.load_attachment(unknown, self.alice)
            with self.assert_not_found(unknown):
                await self.store.load_item("thr_1", unknown, self.alice)
            with self.assert_not_found(unknown):
                await self.store.load_item(unknown, "msg_1", self.alice)
            for put in (self.store.add_thread_item, self.store.save_item):
                with self.assert_not_found(unknown):
                    await put(unknown, samples.user_message(), self.alice)

    async def test_S1_what_is_not_there_is_listed_as_empty_and_deleted_without_error(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        for unknown in UNKNOWN_IDS:
            page = await self.page(thread_id=unknown)
            self.assertEqual((page.data, page.has_more, page.after), ([], False, None))
            await self.store.delete_thread(unknown, self.alice)
            await self.store.delete_thread_item("thr_1", unknown, self.alice)
            await self.store.delete_thread_item(unknown, "msg_1", self.alice)
            await self.store.delete_attachment(unknown, self.alice)
        self.assertEqual(await self.item_ids(), ["msg_1"])

    # S2

    async def test_S2_the_owner_is_a_key_or_an_attribute_of_the_context(self) -> None:
        await self.store.save_thread(samples.thread(), {"user_id": "ann"})
        for context in ({"user_id": "ann", "more": 1}, SimpleNamespace(user_id="ann")):
            loaded = await self.store.load_thread("thr_1", context)
            self.assertEqual(loaded.id, "thr_1")

    async def test_S2_without_an_owner_every_operation_is_a_value_error(self) -> None:
        await self.save_thread()
        for context in ({}, {"user_id": ""}, {"user_id": None}, None, SimpleNamespace(id="alice")):
            for name, operation in self.operations("thr_1", "msg_1", "atc_1").items():
                with (
                    self.subTest(f"{name}, {context}"),
                    self.assertRaisesRegex(ValueError, "User ID not found in context"),
                ):
                    await operation(context)

    async def test_S2_an_owner_that_cannot_be_stored_is_a_value_error(self) -> None:
        for user_id in ("x" * 256, "nul\0", "surrogate\udc00"):
            for name, operation in self.operations("thr_1", "msg_1", "atc_1").items():
                with self.subTest(f"{name}, {user_id!r}"), self.assertRaises(ValueError):
                    await operation(self.make_context(user_id))

    async def test_S2_similar_ids_are_different_owners(self) -> None:
        names = [
            "Ann",
            "ann",
            "ann ",
            " ann",
            "änn",
            "a\u0308nn",
            "\uff21NN",
            "ann\t",
            "%",
            "1",
            "01",
        ]
        owners = [*names, "ß", "ss", "\u200bann", "🐘" * 255]
        for number, user_id in enumerate(owners):
            context = self.make_context(user_id)
            await self.store.save_thread(samples.thread(f"thr_{number}"), context)
        for number, user_id in enumerate(owners):
            with self.subTest(user_id):
                page = await self.store.load_threads(99, None, "asc", self.make_context(user_id))
                self.assertEqual(ids(page.data), [f"thr_{number}"])

    async def test_S2_an_owner_may_be_a_number(self) -> None:
        await self.store.save_thread(samples.thread(), self.make_context(7))
        self.assertTrue(await self.store.load_thread("thr_1", self.make_context("7")))

    # S3

    async def test_S3_another_owners_id_is_answered_like_an_unknown_one(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        await self.store.save_attachment(samples.attachment(), self.alice)
        for name, operation in self.operations("thr_1", "msg_1", "atc_1").items():
            if name in ("save_thread", "save_attachment"):  # with an unknown id these create
                continue
            with self.subTest(name):
                answer = await self._answer(operation, self.charlie)
                unknown = self.operations("thr_0", "msg_0", "atc_0")[name]
                expected = await self._answer(unknown, self.charlie)
                for known_id, unknown_id in (
                    ("thr_1", "thr_0"),
                    ("msg_1", "msg_0"),
                    ("atc_1", "atc_0"),
                ):
                    expected = expected.replace(unknown_id, known_id)
                self.assertEqual(answer, expected)

    async def test_S3_no_operation_changes_another_owners_objects(self) -> None:
        saved = [samples.user_message("msg_1"), samples.tool_call("tc_1")]
        await self.save_thread(title="Mine")
        await self.add(*saved)
        await self.store.save_attachment(samples.attachment(), self.alice)
        for item_id in ("msg_1", "tc_1"):
            for name, operation in self.operations("thr_1", item_id, "atc_1").items():
                with self.subTest(name):
                    await self._answer(operation, self.charlie)
                    self.assertEqual((await self.page()).data, saved)
                    loaded = await self.store.load_thread("thr_1", self.alice)
                    self.assertEqual(loaded.title, "Mine")
                    file = await self.store.load_attachment("atc_1", self.alice)
                    self.assertEqual(file.name, "a.txt")

    async def test_S3_another_owner_sees_nothing(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        page = await self.store.load_threads(10, None, "desc", self.charlie)
        self.assertEqual((page.data, page.has_more, page.after), ([], False, None))
        for after in (None, "msg_1", "unknown"):
            for order in ("asc", "desc"):
                args = ("thr_1", after, 1, order, self.charlie)
                items = await self.store.load_thread_items(*args)
                self.assertEqual((items.data, items.has_more, items.after), ([], False, None))

    async def test_S3_an_attachment_sent_in_another_owners_thread_stays_with_its_owner(
        self,
    ) -> None:
        await self.save_thread()
        file = samples.attachment("atc_c", thread_id="thr_1")
        await self.store.save_attachment(file, self.charlie)
        await self.store.delete_thread("thr_1", self.alice)
        self.assertEqual((await self.store.load_attachment("atc_c", self.charlie)).id, "atc_c")

    # S4

    async def test_S4_ids_hold_128_random_bits_and_chatkits_prefixes(self) -> None:
        kinds: tuple[StoreItemType, ...] = get_args(StoreItemType)
        prefixes = dict(zip(kinds, ("thr", "msg", "tc", "tsk", "wf", "atc", "shcx"), strict=True))
        thread = samples.thread()
        made = [self.store.generate_thread_id(self.alice) for _ in range(100)]
        for made_id in made:
            self.assertRegex(made_id, r"^thr_[0-9a-f]{32}$")
        for kind, prefix in prefixes.items():
            made_id = self.store.generate_item_id(kind, thread, self.alice)
            self.assertRegex(made_id, rf"^{prefix}_[0-9a-f]{{32}}$")
            made.append(made_id)
        self.assertEqual(len(set(made)), len(made))

    # S5

    async def test_S5_the_same_item_id_in_two_threads_is_two_items(self) -> None:
        await self.save_thread("thr_1")
        await self.save_thread("thr_2")
        await self.add(samples.user_message("msg_1", "one"), thread_id="thr_1")
        await self.add(samples.user_message("msg_1", "two"), thread_id="thr_2")
        self.assertEqual((await self.load("msg_1", "thr_1")).content[0].text, "one")
        self.assertEqual((await self.load("msg_1", "thr_2")).content[0].text, "two")
        await self.store.delete_thread_item("thr_1", "msg_1", self.alice)
        self.assertEqual(await self.item_ids(thread_id="thr_2"), ["msg_1"])

    async def test_S5_similar_ids_are_different_objects(self) -> None:
        names = [
            "Thr",
            "thr",
            "thr ",
            "thŕ",
            "\uff54hr",
            "x" * 254 + "a",
            "x" * 254 + "b",
            "🐘" * 255,
        ]
        for name in names:
            await self.save_thread(name, title=name)
            await self.add(samples.user_message(name, name), thread_id=names[0])
        for name in names:
            self.assertEqual((await self.store.load_thread(name, self.alice)).title, name)
            self.assertEqual((await self.load(name, names[0])).content[0].text, name)
        self.assertEqual(await self.item_ids(thread_id=names[0]), names)

    async def _answer(self, operation: Any, context: Any) -> str:
        try:
            return repr(await operation(context))
        except NotFoundError as error:
            return f"NotFoundError: {error}"
