"""Tests of S10 and S16: the order of items, also where many are written at once."""

from __future__ import annotations

import asyncio
import datetime as dt

from chatstore.testing import samples
from chatstore.testing.base import ContractBase, ids

# How far the clocks of the items' creators are off.
CLOCK_OFFSETS = [
    dt.timedelta(),
    dt.timedelta(days=-400),
    dt.timedelta(days=400),
    dt.timedelta(microseconds=-1),
    dt.timedelta(),
    dt.timedelta(days=300_000),
    dt.timedelta(days=-700_000),
    dt.timedelta(seconds=1),
]


class OrderContract(ContractBase):
    # S10

    async def test_S10_order_is_order_of_arrival_whatever_the_clocks_say(self) -> None:
        await self.save_thread(created_at=samples.NOW + dt.timedelta(days=999))
        expected = []
        for round_, zone in enumerate((None, dt.UTC, dt.timezone(dt.timedelta(hours=-9)))):
            for number, offset in enumerate(CLOCK_OFFSETS):
                item_id = f"msg_{round_}_{number:x}"
                time = (samples.NOW + offset).replace(tzinfo=zone)
                await self.add(samples.user_message(item_id, created_at=time))
                expected.append(item_id)
        self.assertEqual(await self.item_ids(), expected)
        self.assertEqual(await self.item_ids("desc"), expected[::-1])

    async def test_S10_equal_times_keep_insertion_order(self) -> None:
        await self.save_thread(created_at=samples.NOW)
        expected = [f"msg_{number * 7 % 50}" for number in range(50)]
        await self.add_messages(*expected)
        self.assertEqual(await self.item_ids(), expected)

    async def test_S10_the_position_of_a_deleted_last_item_is_not_reused(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2", "msg_3")
        await self.store.delete_thread_item("thr_1", "msg_3", self.alice)
        await self.store.delete_thread_item("thr_1", "msg_2", self.alice)
        await self.add_messages("msg_4")
        self.assertEqual(ids((await self.page(after="msg_1")).data), ["msg_4"])

    async def test_S10_a_replaced_item_keeps_its_position_whatever_its_time(self) -> None:
        await self.save_thread()
        await self.add_messages("msg_1", "msg_2", "msg_3")
        for days in (-5, 5):
            time = samples.NOW + dt.timedelta(days=days)
            item = samples.user_message("msg_2", created_at=time)
            await self.store.save_item("thr_1", item, self.alice)
            self.assertEqual(await self.item_ids(), ["msg_1", "msg_2", "msg_3"])

    # S16

    async def test_S16_many_writes_at_once_lose_nothing(self) -> None:
        for number in range(5):
            await self.save_thread(f"thr_{number}")
        names = [f"msg_{number}" for number in range(10)]
        await asyncio.gather(
            *(
                self.add_messages(name, thread_id=f"thr_{number}")
                for name in names
                for number in range(5)
            )
        )
        for number in range(5):
            order = await self.item_ids(thread_id=f"thr_{number}")
            self.assertEqual(sorted(order), names)
            self.assertEqual(await self.item_ids("desc", thread_id=f"thr_{number}"), order[::-1])

    async def test_S16_a_cancelled_write_is_complete_or_absent(self) -> None:
        await self.save_thread()
        for number in range(20):
            name = f"msg_{number:02}"
            task = asyncio.ensure_future(self.add_messages(name))
            for _ in range(number % 4):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # The cancelled operation has ended: it must write nothing after this read.
            seen = await self.item_ids()
            await asyncio.sleep(0.001)
            self.assertEqual(await self.item_ids(), seen)
