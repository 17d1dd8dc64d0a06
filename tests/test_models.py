"""The tables: keys, querysets, exact comparison, and what sharding by owner needs."""

from __future__ import annotations

import datetime as dt
import uuid

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.test import SimpleTestCase, TestCase
from django.utils import timezone

from chatstore.models import (
    ChatMessage,
    ChatSession,
    IdentifierField,
    file_key,
    message_key,
    session_key,
)
from tests.base import thread, user_message
from tests.shard_rule import owned_models

NOW = timezone.now()


def session(thread_id: str = "thr_1", user_id: str = "alice", **fields: object) -> ChatSession:
    return ChatSession.objects.create(
        **{
            "session_id": session_key(thread_id),
            "thread_id": thread_id,
            "user_id": user_id,
            "payload": thread(thread_id).model_dump_json(),
            "created_at": NOW,
            "updated_at": NOW,
            **fields,
        }
    )


def message(row: ChatSession, item_id: str = "msg_1", **fields: object) -> ChatMessage:
    return ChatMessage.objects.create(
        **{
            "message_id": message_key(row.thread_id, item_id),
            "session": row,
            "user_id": row.user_id,
            "item_id": item_id,
            "item_type": "user_message",
            "sender_type": "user",
            "timestamp": NOW,
            "payload": user_message(item_id).model_dump_json(),
            **fields,
        }
    )


class KeysTest(SimpleTestCase):
    def test_S5_a_threads_key_is_the_documented_uuid5(self) -> None:
        for thread_id in ("thr_1", "ü🐘", ""):
            expected = uuid.uuid5(uuid.NAMESPACE_DNS, f"chatkit-{thread_id}")
            self.assertEqual(session_key(thread_id), expected)

    def test_S5_an_items_key_is_of_its_thread_and_its_id(self) -> None:
        expected = uuid.uuid5(session_key("thr_1"), "msg_1")
        self.assertEqual(message_key("thr_1", "msg_1"), expected)
        self.assertNotEqual(message_key("thr_2", "msg_1"), expected)
        self.assertNotEqual(file_key("thr_1"), session_key("thr_1"))

    def test_S14_any_string_has_a_key(self) -> None:
        keys = {session_key(each) for each in ("a", "a\0", "a\ud800", "a\udfff", "a" * 1000)}
        self.assertEqual(len(keys), 5)


class ShardableTest(SimpleTestCase):
    """What facts about Citus ask of the schema from the first migration on."""

    owned = owned_models()

    def test_every_row_names_its_owner(self) -> None:
        for model in self.owned:
            field = model._meta.get_field("user_id")
            self.assertIsInstance(field, IdentifierField)
            self.assertEqual((field.null, field.max_length), (False, 255))

    def test_the_owner_is_part_of_every_unique_constraint(self) -> None:
        for model in self.owned:
            for constraint in model._meta.total_unique_constraints:
                self.assertIn("user_id", constraint.fields)
            self.assertEqual(model._meta.unique_together, ())
            unique = [field.name for field in model._meta.fields if field.unique]
            self.assertEqual(unique, [model._meta.pk.name])

    def test_nothing_refers_to_the_user_table(self) -> None:
        for model in apps.get_app_config("chatstore").get_models():
            for field in model._meta.get_fields():
                if isinstance(field, models.ForeignKey) and model in self.owned:
                    self.assertEqual(field.related_model._meta.app_label, "chatstore")


class RowsTest(TestCase):
    def test_ids_are_compared_byte_by_byte(self) -> None:
        names = ["Ann", "ann", "ann ", "änn"]
        for name in names:
            session(name, name)
        for name in names:
            self.assertEqual(ChatSession.objects.for_owner(name).get().thread_id, name)
        order = ChatSession.objects.order_by("user_id").values_list("user_id", flat=True)
        self.assertEqual(list(order), sorted(names))

    def test_ids_of_255_characters_of_any_kind_fit_their_indexes(self) -> None:
        long = "🐘" * 255
        row = session(long, long)
        message(row, long)
        self.assertEqual(ChatSession.objects.for_owner(long).thread(long).get(), row)
        self.assertEqual(ChatMessage.objects.for_owner(long).item(long, long).count(), 1)

    def test_text_of_any_length_fits(self) -> None:
        text = "🐘" * 2_000_000
        row = session(title=text[:100_000], reason=text[:100_000])
        message(row, content=text, payload=text)
        self.assertEqual(ChatMessage.objects.get().content, text)

    def test_times_at_both_ends_are_kept_to_the_microsecond(self) -> None:
        from chatstore.codec import EARLIEST, LATEST

        for time in (EARLIEST, LATEST, EARLIEST + dt.timedelta(microseconds=1)):
            row = session(f"thr_{time}", created_at=time, updated_at=time)
            row.refresh_from_db()
            self.assertEqual((row.created_at, row.updated_at), (time, time))

    def test_S10_two_items_of_a_thread_never_share_a_position(self) -> None:
        row = session()
        message(row, "msg_1")
        with self.assertRaises(IntegrityError), transaction.atomic():
            message(row, "msg_2")
        message(session("thr_2"), "msg_1")

    def test_querysets_filter_by_owner_id_and_time(self) -> None:
        old = session("thr_old", updated_at=NOW - dt.timedelta(days=9))
        hidden = session("thr_hidden", hidden_at=NOW)
        other = session("thr_other", "charlie")
        mine = ChatSession.objects.for_owner("alice")
        self.assertCountEqual(mine, [old, hidden])
        self.assertCountEqual(mine.visible(), [old])
        self.assertCountEqual(mine.thread("thr_other"), [])
        self.assertCountEqual(ChatSession.objects.inactive_since(NOW), [old])
        rows = [message(old, "msg_1"), message(old, "msg_2", timestamp=NOW + dt.timedelta(1))]
        message(other, "msg_1")
        self.assertCountEqual(ChatMessage.objects.thread("thr_old"), rows)
        self.assertCountEqual(ChatMessage.objects.item("thr_old", "msg_2"), rows[1:])

    def test_str_of_a_row_has_ids_and_no_text(self) -> None:
        row = session(title="What the conversation is about")
        self.assertEqual(str(row), "thr_1")
        self.assertEqual(str(message(row)), "msg_1")
