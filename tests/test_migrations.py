"""Migrations are complete, and can be reversed and applied again on every database."""

from __future__ import annotations

from io import StringIO

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import TestCase, TransactionTestCase

from chatstore.models import ChatMessage, ChatSession
from chatstore.testing import samples


def tables() -> set[str]:
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
    return {name for name in names if name.startswith("chat_")}


class CompleteTest(TestCase):
    def test_no_migration_is_missing(self) -> None:
        out = StringIO()
        call_command("makemigrations", "--check", "--dry-run", stdout=out, skip_checks=True)
        self.assertIn("No changes", out.getvalue())


class ReversibleTest(TransactionTestCase):
    def tearDown(self) -> None:
        call_command("migrate", verbosity=0, skip_checks=True)
        super().tearDown()

    def migrate(self, name: str | None) -> None:
        executor = MigrationExecutor(connection)
        executor.loader.build_graph()
        leaves = executor.loader.graph.leaf_nodes("chatstore")
        executor.migrate([("chatstore", None)] if name is None else leaves)

    def test_back_to_zero_and_forward_again(self) -> None:
        before = tables()
        models = apps.get_app_config("chatstore").get_models()
        self.assertEqual({model._meta.db_table for model in models}, before)
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, "chat_messages")
        self.migrate(None)
        self.assertEqual(tables(), set())
        self.migrate("newest")
        self.assertEqual(tables(), before)
        with connection.cursor() as cursor:
            again = connection.introspection.get_constraints(cursor, "chat_messages")
        self.assertEqual(again.keys(), constraints.keys())
        self.assertFalse(ChatSession.objects.exists() or ChatMessage.objects.exists())

    def test_with_rows_in_the_tables_too(self) -> None:
        from asgiref.sync import async_to_sync

        from chatstore.store import DjangoStore

        context = {"user_id": "alice"}
        async_to_sync(DjangoStore().save_thread)(samples.thread(), context)
        async_to_sync(DjangoStore().add_thread_item)("thr_1", samples.user_message(), context)
        self.migrate(None)
        self.migrate("newest")
        self.assertFalse(ChatSession.objects.exists())
