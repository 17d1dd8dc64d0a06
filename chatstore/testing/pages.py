"""Tests of S11: pages of items and of threads."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chatstore.testing import samples
from chatstore.testing.base import UNKNOWN_IDS, ContractBase, ids

ITEM_IDS = [f"msg_{number}" for number in (5, 3, 9, 1, 7, 2, 8)]


class PagesContract(ContractBase):
    async def test_S11_pages_of_items_of_any_size_add_up_to_the_list(self) -> None:
        await self.save_thread()
        await self.add_messages(*ITEM_IDS)
        for order, expected in (("asc", ITEM_IDS), ("desc", ITEM_IDS[::-1])):
            for limit in (1, 2, 3, 6, 7, 8, 2**64):
                with self.subTest(f"{order}, {limit}"):
                    load = self._items(limit, order)
                    self.assertEqual(await self.all_pages(load), expected)
                    sizes = [len(page) async for page in self.pages(load)]
                    self.assertTrue(all(size == min(limit, 7) for size in sizes[:-1]))

    async def test_S11_pages_of_threads_of_any_size_add_up_to_the_list(self) -> None:
        expected = await self._save_threads()
        for order, names in (("asc", expected), ("desc", expected[::-1])):
            for limit in (1, 2, 3, 6, 7, 8, 2**64):
                with self.subTest(f"{order}, {limit}"):
                    self.assertEqual(await self.all_pages(self._threads(limit, order)), names)

    async def test_S11_threads_are_ordered_by_created_at_in_any_zone(self) -> None:
        noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
        east, west = (dt.timezone(dt.timedelta(hours=hours)) for hours in (9, -9))
        times = [
            noon,
            noon.astimezone(west) + dt.timedelta(seconds=1),
            noon.astimezone(east) + dt.timedelta(seconds=2),
            dt.datetime(2026, 1, 5),  # noqa: DTZ001 (the process's local time)
            dt.datetime(2026, 1, 5, 0, 0, 0, 1),  # noqa: DTZ001
        ]
        for number, time in reversed(list(enumerate(times))):
            await self.save_thread(f"thr_{number}", created_at=time)
        page = await self.store.load_threads(9, None, "asc", self.alice)
        self.assertEqual(ids(page.data), [f"thr_{number}" for number in range(len(times))])

    async def test_S11_threads_of_the_same_time_are_ordered_by_the_bytes_of_their_ids(self) -> None:
        names = ["A", "Z", "a", "a ", "aa", "b", "z", "ä", "\uff5a", "🐘"]
        for name in reversed(names):
            await self.save_thread(name, created_at=samples.NOW)
        self.assertEqual(await self.all_pages(self._threads(3, "asc")), names)
        self.assertEqual(await self.all_pages(self._threads(3, "desc")), names[::-1])

    async def test_S11_after_is_exclusive_and_the_end_is_an_empty_page(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2")
        for after, order in (("msg_2", "asc"), ("msg_1", "desc")):
            page = await self.page(after=after, order=order)
            self.assertEqual((page.data, page.has_more, page.after), ([], False, None))
        for order in ("asc", "desc"):
            page_of_threads = await self.store.load_threads(9, "thr_1", order, self.alice)
            self.assertEqual(page_of_threads.data, [])

    async def test_S11_activity_and_renaming_move_no_thread(self) -> None:
        names = await self._save_threads()
        await self.add_messages("msg_1", thread_id=names[0])
        await self.store.save_thread(samples.thread(names[3], title="New"), self.alice)
        self.assertEqual(await self.all_pages(self._threads(3, "asc")), names)

    async def test_S11_a_list_that_is_added_to_neither_repeats_nor_skips(self) -> None:
        for order in ("asc", "desc"):
            thread_id = f"thr_{order}"
            await self.save_thread(thread_id)
            await self.add_messages(*ITEM_IDS, thread_id=thread_id)
            seen: list[str] = []
            async for page in self.pages(self._items(2, order, thread_id)):
                seen += page
                if len(seen) < 12:
                    late = f"late_{len(seen)}"
                    await self.add(samples.user_message(late), thread_id=thread_id)
            now = await self.item_ids(order, thread_id)
            if order == "desc":  # new items are before the first page
                now = now[len(now) - len(ITEM_IDS) :]
            self.assertEqual(seen, now)

    async def test_S11_a_list_that_is_deleted_from_neither_repeats_nor_skips(self) -> None:
        await self.save_thread()
        await self.add_messages(*ITEM_IDS)
        seen: list[str] = []
        async for page in self.pages(self._items(3, "asc")):
            if not seen:
                for gone in (ITEM_IDS[0], ITEM_IDS[1], ITEM_IDS[4]):
                    await self.store.delete_thread_item("thr_1", gone, self.alice)
            seen += page
        self.assertEqual(seen, [name for name in ITEM_IDS if name != ITEM_IDS[4]])

    async def test_S11_a_list_of_threads_that_is_added_to_neither_repeats_nor_skips(self) -> None:
        names = await self._save_threads()
        seen: list[str] = []
        async for page in self.pages(self._threads(2, "desc")):
            seen += page
            late = samples.NOW + dt.timedelta(days=len(seen) + 1)
            await self.save_thread(f"late_{len(seen)}", created_at=late)
        self.assertEqual(seen, names[::-1])

    async def test_S11_a_limit_below_one_or_another_order_is_a_value_error(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        for limit, order in ((0, "asc"), (-1, "desc"), (1, "ASC"), (1, ""), (1, "random()")):
            with self.subTest(f"{limit}, {order!r}"):
                for thread_id in ("thr_1", "unknown"):
                    with self.assertRaises(ValueError):
                        await self.page(None, limit, order, thread_id)
                with self.assertRaises(ValueError):
                    await self.store.load_threads(limit, None, order, self.alice)

    async def test_S11_an_unknown_cursor_is_not_found(self) -> None:
        await self.save_thread("thr_1")
        await self.save_thread("thr_2")
        await self.add_messages("msg_1")
        await self.add_messages("msg_2", thread_id="thr_2")
        await self.store.save_thread(samples.thread("thr_c"), self.charlie)
        for after in ("msg_2", "thr_1", *UNKNOWN_IDS):
            for order in ("asc", "desc"):
                with self.assert_not_found(f"{after}, {order}"):
                    await self.page(after=after, order=order)
        for after in ("thr_c", "msg_1", *UNKNOWN_IDS):
            for order in ("asc", "desc"):
                with self.assert_not_found(f"{after}, {order}"):
                    await self.store.load_threads(9, after, order, self.alice)

    async def test_S11_in_another_owners_thread_any_cursor_is_an_empty_page(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1")
        for thread_id, context in (("thr_1", self.charlie), ("unknown", self.alice)):
            for after in ("msg_1", *UNKNOWN_IDS):
                page = await self.store.load_thread_items(thread_id, after, 9, "asc", context)
                self.assertEqual((page.data, page.has_more, page.after), ([], False, None))

    async def _save_threads(self) -> list[str]:
        """Save seven threads, three with the same created_at; return their ids in order."""
        names = []
        for number, second in enumerate((1, 2, 3, 3, 3, 4, 5)):
            names.append(f"thr_{'gcbdfae'[number]}")
            created_at = samples.NOW.replace(second=second, microsecond=0)
            await self.save_thread(names[-1], created_at=created_at)
        return [*names[:2], *sorted(names[2:5]), *names[5:]]

    def _items(self, limit: int, order: str, thread_id: str = "thr_1") -> Any:
        return lambda after: self.page(after, limit, order, thread_id)

    def _threads(self, limit: int, order: str) -> Any:
        return lambda after: self.store.load_threads(limit, after, order, self.alice)
