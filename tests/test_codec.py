"""The codec: ids, times, JSON, derived columns. No database is used."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import subprocess
import sys
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from chatkit.types import (
    ClosedStatus,
    LockedStatus,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadItemDoneEvent,
    ThreadMetadata,
)
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from chatstore import codec
from chatstore.testing import samples

ROOT = Path(__file__).resolve().parent.parent
UTC = dt.UTC

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.datetimes()
    | st.uuids()
    | st.decimals(),
    lambda children: (
        st.lists(children, max_size=4)
        | st.tuples(children, children)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=4), children)
    ),
    max_leaves=20,
)


class Mark(enum.Enum):
    NUL = "a\0"


class Nested(BaseModel):
    text: str = "x\0"


@dataclasses.dataclass
class Record:
    text: str = "y\ud800"


class JSONTest(SimpleTestCase):
    def stored(self, content: Any) -> Any:
        payload = codec.message_values(samples.hidden_context(content=content))["payload"]
        return json.loads(payload)["content"]

    def test_S14_nothing_unstorable_is_left_at_any_depth(self) -> None:
        for given_, stored in (
            ("a\0b", "a\ufffdb"),
            ("\ud83d\ude00", "\ufffd\ufffd"),
            (b"a\0", "a\ufffd"),
            ({"k\0": 1, "k\ufffd": 2}, {"k\ufffd": 2}),
            ({"\ud800": 1}, {"\ufffd": 1}),
            ({b"k\0": 1}, {"k\ufffd": 1}),
            (Mark.NUL, "a\ufffd"),
            ({Mark.NUL: 1}, {"a\ufffd": 1}),
            ([Nested(), Record()], [{"text": "x\ufffd"}, {"text": "y\ufffd"}]),
            (("\0", ["\ud800"]), ["\ufffd", ["\ufffd"]]),
            ("\\u0000 \\ud800", "\\u0000 \\ud800"),
        ):
            with self.subTest(repr(given_)):
                self.assertEqual(self.stored(given_), stored)

    def test_S6_values_become_what_pydantic_makes_of_them(self) -> None:
        number = uuid.uuid4()
        for given_, stored in (
            (float("nan"), None),
            ([float("inf"), -float("inf"), -0.0], [None, None, -0.0]),
            (10**40, 10**40),
            ({1: 2, (1, 2): 3}, {"1": 2, "1,2": 3}),
            (number, str(number)),
            (Decimal("1.50"), "1.50"),
            (dt.timedelta(days=1), "P1D"),
        ):
            with self.subTest(repr(given_)):
                self.assertEqual(self.stored(given_), stored)

    def test_S6_nan_becomes_null_beside_what_must_be_replaced_too(self) -> None:
        for given_, stored in (
            ({"nan": float("nan"), "nul": "\0"}, {"nan": None, "nul": "\ufffd"}),
            ([float("inf"), "\ud800"], [None, "\ufffd"]),
            ([float("nan"), Mark.NUL], [None, "a\ufffd"]),
        ):
            with self.subTest(repr(given_)):
                self.assertEqual(self.stored(given_), stored)

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(values)
    def test_S6_each_accepted_value_can_be_stored_and_read_back(self, content: Any) -> None:
        item = samples.hidden_context(content=content)
        payload = codec.message_values(item)["payload"]
        self.assertNotRegex(payload, "[\0\ud800-\udfff]")
        self.assertEqual(codec.load_item(payload).model_dump_json(), payload)
        again = codec.message_values(codec.load_item(payload))["payload"]
        self.assertEqual(again, payload)

    def test_S6_each_payload_is_the_objects_own_json(self) -> None:
        for item in samples.items():
            self.assertEqual(codec.message_values(item)["payload"], item.model_dump_json())
        for thread in samples.threads():
            self.assertEqual(codec.session_values(thread)["payload"], thread.model_dump_json())
        for file in samples.attachments():
            self.assertEqual(codec.attachment_values(file)["payload"], file.model_dump_json())

    def test_S6_metadata_too_deep_for_a_database_is_in_the_payload_only(self) -> None:
        deep: Any = "x"
        for _ in range(29):
            deep = [deep]
        values_ = codec.session_values(samples.thread(metadata={"a": deep}))
        self.assertEqual(values_["metadata"], {"a": deep})
        values_ = codec.session_values(samples.thread(metadata={"a": [deep]}))
        self.assertEqual(values_["metadata"], {})
        self.assertEqual(codec.load_thread(values_["payload"]).metadata, {"a": [deep]})


class ColumnsTest(SimpleTestCase):
    def test_each_type_of_item_has_a_sender_a_type_and_its_text(self) -> None:
        expected = {
            "msg_user": ("user", "You said\nHello 🐘\u2028 <b>&amp;\n@ann\na.txt"),
            "msg_answer": ("assistant", "Hi"),
            "tc_done": ("tool", "locate\nx"),
            "msg_card": ("assistant", "Title"),
            "msg_no_image": ("assistant", ""),
            "msg_answered": ("assistant", "Which?\nred\nown"),
            "tsk_1": ("assistant", "Search\na\nb\nSite"),
            "hcx_any": ("system", "thing"),
            "shcx_1": ("system", "for the SDK"),
            "msg_end": ("system", ""),
        }
        found = {item.id: codec.message_values(item) for item in samples.items()}
        for item_id, (sender, text) in expected.items():
            with self.subTest(item_id):
                self.assertEqual(found[item_id]["sender_type"], sender)
                self.assertTrue(found[item_id]["content"].startswith(text))
        statuses = {row["item_status"] for row in found.values()}
        self.assertEqual(statuses, {"", "pending", "completed", "answered", "skipped"})

    def test_the_text_of_a_widget_is_only_what_it_shows(self) -> None:
        text = {"type": "Text", "value": "Shown", "weight": "bold", "classes": ["hidden"]}
        chart = {"type": "Chart", "series": ["hidden"], "data": [{"label": "Monday", "x": 4}]}
        item = samples.dynamic_widget(children=[text, chart])
        self.assertEqual(codec.message_values(item)["content"], "Shown\nMonday")

    def test_a_threads_columns_are_derived_from_it(self) -> None:
        thread = samples.thread(title=None, status=LockedStatus(reason="Why"))
        row = codec.session_values(thread)
        self.assertEqual((row["title"], row["status"], row["reason"]), ("", "locked", "Why"))
        row = codec.session_values(samples.thread(title="T", status=ClosedStatus()))
        self.assertEqual((row["title"], row["status"], row["reason"]), ("T", "closed", ""))

    def test_S7_the_items_of_a_thread_are_not_in_its_payload(self) -> None:
        items = Page(data=[samples.user_message()], has_more=False, after=None)
        row = codec.session_values(Thread(**dict(samples.thread()), items=items))
        self.assertEqual(row["payload"], samples.thread().model_dump_json())

    def test_M1_a_moderators_status_is_shown_and_recognized(self) -> None:
        payload = codec.session_values(samples.thread())["payload"]
        for kind, shown in (("locked", LockedStatus), ("closed", ClosedStatus)):
            thread = codec.load_thread(payload, kind, "Because")
            self.assertIsInstance(thread.status, shown)
            self.assertEqual(thread.status.reason, "Because")
            self.assertTrue(codec.is_moderated(thread.status))
            self.assertEqual(json.loads(thread.model_dump_json())["status"]["type"], kind)
        self.assertFalse(codec.is_moderated(codec.load_thread(payload).status))
        self.assertIsNone(codec.load_thread(payload, "locked", "").status.reason)


class TimesTest(SimpleTestCase):
    def test_S6_any_time_becomes_one_that_every_database_can_hold(self) -> None:
        zones = [None, UTC, *(dt.timezone(dt.timedelta(hours=hours)) for hours in (-12, 5.75, 14))]
        for zone in zones:
            for moment in (dt.datetime.min, dt.datetime.max, dt.datetime(2026, 10, 25, 2, 30)):
                found = codec.as_utc(moment.replace(tzinfo=zone))
                self.assertEqual(found.tzinfo, UTC)
                self.assertTrue(codec.EARLIEST <= found <= codec.LATEST)

    def test_S6_a_time_that_no_database_can_hold_becomes_the_nearest_that_it_can(self) -> None:
        for hours in (-12, 0, 14):
            zone = dt.timezone(dt.timedelta(hours=hours))
            self.assertEqual(codec.as_utc(dt.datetime.min.replace(tzinfo=zone)), codec.EARLIEST)
            self.assertEqual(codec.as_utc(dt.datetime.max.replace(tzinfo=zone)), codec.LATEST)

    def test_S6_a_naive_time_is_in_the_processs_time_zone(self) -> None:
        code = (
            "import datetime as dt, warnings; warnings.simplefilter('ignore');"
            "from chatstore.codec import as_utc; print(as_utc(dt.datetime(2026, 1, 1, 12)))"
        )
        for zone, expected in (
            ("UTC", "12:00"),
            ("Asia/Tokyo", "03:00"),
            ("America/Lima", "17:00"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env={"TZ": zone},
                capture_output=True,
                text=True,
                check=True,
            )
            self.assertEqual(done.stdout.strip(), f"2026-01-01 {expected}:00+00:00")

    def test_V3_offsets_are_put_on_a_copy(self) -> None:
        item = samples.user_message()
        thread = samples.thread()
        event = ThreadItemDoneEvent(item=item)
        page = Page(data=[item, samples.answer(created_at=dt.datetime(2026, 1, 1, tzinfo=UTC))])
        shown = codec.with_utc_offsets(event)
        self.assertEqual(shown.item.created_at, codec.as_utc(item.created_at))
        self.assertEqual(
            [each.created_at.tzinfo for each in codec.with_utc_offsets(page).data], [UTC] * 2
        )
        self.assertEqual(codec.with_utc_offsets(thread).created_at.tzinfo, UTC)
        answer = SyncCustomActionResponse(updated_item=item)
        self.assertEqual(codec.with_utc_offsets(answer).updated_item.created_at.tzinfo, UTC)
        for untouched in (item, thread):
            self.assertIsNone(untouched.created_at.tzinfo)


class IdsTest(SimpleTestCase):
    def test_S2_owners(self) -> None:
        for value, expected in (("ann", "ann"), (7, "7"), (0, "0"), ("x" * 255, "x" * 255)):
            self.assertEqual(codec.validate_user_id(value), expected)
        for value in (None, "", "x" * 256, "\0", "\udfff"):
            with self.assertRaises(ValueError):
                codec.validate_user_id(value)

    def test_S4_ids_are_unique_and_each_type_of_item_has_its_prefix(self) -> None:
        made = {codec.new_id("message") for _ in range(1000)}
        self.assertEqual(len(made), 1000)
        kinds = {item.type: codec.store_item_type(item) for item in samples.items()}
        self.assertEqual(kinds["client_tool_call"], "tool_call")
        self.assertEqual(kinds["workflow"], "workflow")
        self.assertEqual(kinds["task"], "task")
        self.assertEqual(kinds["sdk_hidden_context"], "sdk_hidden_context")
        self.assertEqual(kinds["user_message"], "message")

    def test_S8_the_fake_id_is_the_one_of_the_agents_sdk(self) -> None:
        from agents.models.fake_id import FAKE_RESPONSES_ID

        self.assertEqual(codec.FAKE_ID, FAKE_RESPONSES_ID)


class CostTest(SimpleTestCase):
    def test_reading_a_payload_back_before_it_is_stored_costs_little(self) -> None:
        """Reading back ensures S6; for comparison, an insert takes about a millisecond."""
        item = samples.answer(text="word " * 200)
        payload = item.model_dump_json()
        codec.load_item(payload)
        begun = time.process_time()
        for _ in range(1000):
            codec.load_item(payload)
        self.assertLess(time.process_time() - begun, 0.5)

    def test_the_adapters_are_those_of_chatkit(self) -> None:
        payload = samples.thread().model_dump_json()
        self.assertEqual(
            codec.load_thread(payload), TypeAdapter(ThreadMetadata).validate_json(payload)
        )
