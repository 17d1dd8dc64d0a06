"""Tests of S7: saving a thread again, without its items, and after it was deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chatkit.types import ActiveStatus, LockedStatus, Page, Thread, ThreadMetadata

from chatstore.testing import samples
from chatstore.testing.base import ContractBase, ids
from chatstore.turns import track_request


class ThreadsContract(ContractBase):
    async def test_S7_a_thread_with_items_is_saved_without_them(self) -> None:
        items: Page[Any] = Page(
            data=[samples.user_message("msg_unsaved")], has_more=False, after=None
        )
        await self.store.save_thread(Thread(**dict(samples.thread()), items=items), self.alice)
        loaded = await self.store.load_thread("thr_1", self.alice)
        self.assertIs(type(loaded), ThreadMetadata)
        self.assertEqual(await self.item_ids(), [])

    async def test_S7_updating_a_thread_keeps_its_items_and_its_place(self) -> None:
        early, late = samples.NOW, samples.NOW + dt.timedelta(days=1)
        await self.save_thread("thr_1", created_at=early)
        await self.save_thread("thr_2", created_at=early + dt.timedelta(hours=1))
        await self.add_messages("msg_1")
        await self.save_thread("thr_1", created_at=late, title="New")
        page = await self.store.load_threads(10, None, "asc", self.alice)
        self.assertEqual(ids(page.data), ["thr_1", "thr_2"])
        self.assertEqual(page.data[0].title, "New")
        self.assertEqual(await self.item_ids(), ["msg_1"])

    async def test_S7_within_a_stream_a_deleted_thread_stays_deleted(self) -> None:
        await self.save_thread()
        with track_request():
            thread = await self.store.load_thread("thr_1", self.alice)
            await self.store.save_thread(thread, self.alice)  # which updates
            await self.store.delete_thread("thr_1", self.alice)
            await self.store.save_thread(thread, self.alice)
            with self.assert_not_found():
                await self.store.load_thread("thr_1", self.alice)
            await self.save_thread("thr_new")
            self.assertTrue(await self.store.load_thread("thr_new", self.alice))
            await self.store.delete_thread("thr_new", self.alice)
            await self.save_thread("thr_new")
            with self.assert_not_found():
                await self.store.load_thread("thr_new", self.alice)
        await self.save_thread()
        self.assertTrue(await self.store.load_thread("thr_1", self.alice))

    async def test_S7_a_status_is_replaced_and_taken_back(self) -> None:
        for status in (LockedStatus(reason="a"), ActiveStatus(), LockedStatus()):
            await self.save_thread(status=status)
            self.assertEqual((await self.store.load_thread("thr_1", self.alice)).status, status)
