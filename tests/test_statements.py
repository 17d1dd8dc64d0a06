"""Statements are compiled once, and give the same results as their querysets."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, transaction
from django.db.models.sql.compiler import SQLCompiler
from django.test import TestCase

from chatstore.db.statements import (
    Statement,
    column_parameters,
    insert_query,
    insert_unless_exists_query,
    update_query,
)
from chatstore.models import ChatSession
from chatstore.store import DjangoStore
from tests.base import ALICE, NOW, answer, thread, tool_call, user_message

COLUMNS = column_parameters(
    ChatSession, "session_id", "user_id", "title", "metadata", "created_at", "updated_at"
)
VALUES: dict[str, Any] = {
    "session_id": uuid.uuid4(),
    "user_id": "alice",
    "title": '100 % \'s "quoted" \\ %s %(name)s 🙂',
    "metadata": {"key": ["%s", None, 1.5, {"deep": "'"}]},
    "created_at": dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC),
    "updated_at": dt.datetime(2026, 1, 2, 3, 4, 5, 678902, tzinfo=dt.UTC),
}

insert_row = Statement(insert_query(ChatSession, **COLUMNS))
rows = ChatSession.objects.for_owner(COLUMNS["user_id"])
row = rows.filter(session_id=COLUMNS["session_id"])
select_title = Statement(row.values_list("title"))
update_title = Statement(update_query(row, title=COLUMNS["title"]))


class StatementTest(TestCase):
    def test_what_is_inserted_is_what_create_would_store(self) -> None:
        self.assertEqual(insert_row.execute(connection, VALUES), 1)
        stored = ChatSession.objects.values().get()
        ChatSession.objects.all().delete()
        ChatSession.objects.create(**VALUES)
        self.assertEqual(stored, ChatSession.objects.values().get())
        self.assertLessEqual(VALUES.items(), stored.items())

    def test_what_is_selected_is_what_a_queryset_gives(self) -> None:
        insert_row.execute(connection, VALUES)
        columns = ("session_id", "is_started", "metadata", "created_at", "pinned_at", "title")
        selected = Statement(row.values_list(*columns)).fetch_all(connection, VALUES)
        self.assertEqual(selected, list(ChatSession.objects.values_list(*columns)))

    @pytest.mark.postgresql
    @pytest.mark.sqlite
    @pytest.mark.unsharded  # where two owners may have the same key
    def test_an_insert_unless_the_row_exists_leaves_it_as_it_is(self) -> None:
        insert = Statement(insert_unless_exists_query(ChatSession, **COLUMNS))
        self.assertEqual(insert.execute(connection, VALUES), 1)
        for change in ({"title": "New"}, {"title": "New", "user_id": "charlie"}):
            self.assertEqual(insert.execute(connection, VALUES | change), 0)
        stored = ChatSession.objects.values().get()
        self.assertLessEqual(VALUES.items(), stored.items())

    def test_each_run_takes_its_own_values(self) -> None:
        others = {**VALUES, "session_id": uuid.uuid4(), "user_id": "charlie", "title": "Other"}
        for values in (VALUES, others):
            insert_row.execute(connection, values)
        for values in (VALUES, others, VALUES):
            self.assertEqual(select_title.fetch_all(connection, values), [(values["title"],)])
        self.assertEqual(update_title.execute(connection, {**VALUES, "title": "New"}), 1)
        self.assertEqual(update_title.execute(connection, {**VALUES, "user_id": "charlie"}), 0)
        self.assertEqual(select_title.fetch_all(connection, VALUES), [("New",)])
        self.assertEqual(select_title.fetch_all(connection, others), [("Other",)])

    def test_an_error_is_djangos_and_marks_the_transaction_for_rollback(self) -> None:
        insert_row.execute(connection, VALUES)
        with self.assertRaises(IntegrityError), transaction.atomic():
            insert_row.execute(connection, VALUES)
        with transaction.atomic():
            with self.assertRaises(IntegrityError):
                insert_row.execute(connection, VALUES)
            self.assertTrue(transaction.get_rollback())
            transaction.set_rollback(True)
        self.assertEqual(ChatSession.objects.count(), 1)

    def test_S12_a_turn_compiles_nothing_a_second_time(self) -> None:
        store = DjangoStore()

        async def turn(number: int) -> None:
            await store.save_thread(thread("thr_1", title=f"Turn {number}"), ALICE)
            await store.load_thread("thr_1", ALICE)
            await store.add_thread_item("thr_1", user_message(f"msg_{number}"), ALICE)
            await store.load_thread_items("thr_1", None, 20, "desc", ALICE)
            await store.load_thread_items("thr_1", f"msg_{number}", 20, "desc", ALICE)
            await store.load_item("thr_1", f"msg_{number}", ALICE)
            await store.add_thread_item("thr_1", tool_call(f"tc_{number}"), ALICE)
            await store.save_item("thr_1", answer(f"answer_{number}"), ALICE)
            await store.load_threads(20, None, "desc", ALICE)

        async_to_sync(store.save_thread)(thread("thr_1", created_at=NOW), ALICE)
        async_to_sync(store.add_thread_item)("thr_1", user_message("msg_0"), ALICE)
        async_to_sync(turn)(1)
        with patch.object(SQLCompiler, "compile", side_effect=AssertionError("compiled")):
            async_to_sync(turn)(2)
