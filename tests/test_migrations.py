"""Migrations are complete, and can be reversed and applied again on every database."""

from __future__ import annotations

from functools import partial
from io import StringIO
from typing import Any

from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, UniqueConstraint
from django.test import TestCase, TransactionTestCase

from chatstore.models import ChatMessage, ChatSession, IdentifierField
from chatstore.testing import samples
from tests import citus
from tests.shard_rule import owned_models


def tables() -> set[str]:
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
    return {name for name in names if name.startswith("chat_")}


class CompleteTest(TestCase):
    def test_no_migration_is_missing(self) -> None:
        out = StringIO()
        call_command("makemigrations", "--check", "--dry-run", stdout=out, skip_checks=True)
        self.assertIn("No changes", out.getvalue())


# The last migration that may do anything: no version before it was distributed.
LAST_FREE = "0011"
# Its code does nothing where the tables are distributed.
NOT_ON_SHARDS = "0017_expected_rows"
OWNED = {model._meta.model_name for model in owned_models()}
HARMLESS = (
    operations.AddIndex,
    operations.AlterModelManagers,
    operations.AlterModelOptions,
    operations.DeleteModel,
    operations.RemoveConstraint,
    operations.RemoveField,
    operations.RemoveIndex,
    operations.RenameField,
    operations.RenameIndex,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)


def find_fault(operation: Any, before: ProjectState) -> str | None:
    """
    Return why an operation would not run on distributed tables, or not without a long lock.

    Args:
        before: the state of the models before the operation.
    """
    model = str(getattr(operation, "model_name", getattr(operation, "name", ""))).lower()
    match operation:
        case operations.CreateModel():
            named = dict(operation.fields)
            return next(filter(None, map(_fault_of_key, named.values())), None)
        case operations.RunSQL() | operations.RunPython() | operations.SeparateDatabaseAndState():
            return "nobody can tell what it does"
        case _ if model not in OWNED:
            field = getattr(operation, "field", None)
            return _fault_of_key(field) if field else None
        case operations.RemoveField(name="user_id") | operations.RenameField(old_name="user_id"):
            return "the owner divides the tables"
        case operations.AddField(field=field):
            is_filled = field.null or field.has_db_default()
            return _fault_of_key(field) or (None if is_filled else "it needs null or db_default")
        case operations.AlterField(field=field, name=name):
            old = before.models["chatstore", model].get_field(name)
            field.set_attributes_from_name(name)
            is_same = old.db_parameters(connection) == field.db_parameters(connection)
            return _fault_of_key(field) or (None if is_same else "the type of a column is changed")
        case operations.AddConstraint(constraint=UniqueConstraint() as unique):
            return None if "user_id" in unique.fields else "an id is unique for its owner only"
        case operations.AddConstraint(constraint=CheckConstraint()):
            return None
        case _ if isinstance(operation, HARMLESS):
            return None
    return "it is not known to run there"


def _fault_of_key(field: Any) -> str | None:
    """Return what is wrong with a new column that is a key."""
    if field.unique and not field.primary_key:
        return "an id is unique for its owner only"
    if field.is_relation and field.db_constraint:
        return "a foreign key needs the owner too: db_constraint=False"
    return None


class ShardsTest(TestCase):
    """Later migrations run where the tables are distributed (docs/explanation/testing.md)."""

    def test_each_later_migration_runs_on_distributed_tables(self) -> None:
        loader = MigrationLoader(connection)
        for app, name in sorted(loader.disk_migrations):
            if app == "chatstore" and name[:4] > LAST_FREE and name != NOT_ON_SHARDS:
                state = loader.project_state((app, name), at_end=False)
                for operation in loader.disk_migrations[app, name].operations:
                    with self.subTest(f"{name}: {operation.describe()}"):
                        self.assertIsNone(find_fault(operation, state))
                    operation.state_forwards(app, state)

    def test_the_rule_tells_what_runs_from_what_does_not(self) -> None:
        add = partial(operations.AddField, "chatmessage")
        alter = partial(operations.AlterField, "chatmessage")
        constrain = partial(operations.AddConstraint, "chatmessage")
        key = partial(models.ForeignKey, "chatstore.ChatSession", models.CASCADE)
        status = partial(models.CharField, max_length=16, blank=True)
        runs = [
            add("tokens", models.IntegerField(null=True)),
            add("tokens", models.IntegerField(db_default=0)),
            add("other", key(null=True, db_constraint=False)),
            alter("item_status", status(help_text="New")),
            constrain(UniqueConstraint(fields=["user_id", "item_id"], name="a")),
            constrain(CheckConstraint(condition=models.Q(item_id="a"), name="a")),
            operations.AddIndex("chatmessage", models.Index(fields=["item_id"], name="a")),
            operations.RemoveField("chatmessage", "feedback"),
            operations.AddField("moderationrecord", "new", models.IntegerField()),
            operations.CreateModel("New", [("id", models.UUIDField(primary_key=True))]),
        ]
        fails = [
            add("tokens", models.IntegerField(default=0)),
            add("other", key(null=True)),
            add("number", models.IntegerField(null=True, unique=True)),
            alter("item_status", models.TextField()),
            alter("item_status", status(max_length=32)),
            alter("user_id", IdentifierField(max_length=100)),
            constrain(UniqueConstraint(fields=["item_id"], name="a")),
            operations.RemoveField("chatmessage", "user_id"),
            operations.RenameField("chatmessage", "user_id", "owner_id"),
            operations.AddField("moderationrecord", "thread", key(null=True)),
            operations.CreateModel("New", [("session", key())]),
            operations.AlterUniqueTogether("chatmessage", {("item_id",)}),
            operations.AlterModelTable("chatmessage", "messages"),
            operations.RenameModel("ChatMessage", "Message"),
            operations.RunSQL("SELECT 1"),
            operations.RunPython(operations.RunPython.noop),
        ]
        state = MigrationLoader(connection).project_state()
        for operation in (*runs, *fails):
            with self.subTest(operation.describe()):
                self.assertEqual(find_fault(operation, state) is None, operation in runs)


class ReversibleTest(TransactionTestCase):
    def tearDown(self) -> None:
        call_command("migrate", verbosity=0, skip_checks=True)
        citus.distribute_tables()
        super().tearDown()

    def migrate(self, name: str | None) -> None:
        executor = MigrationExecutor(connection)
        executor.loader.build_graph()
        leaves = executor.loader.graph.leaf_nodes("chatstore")
        executor.migrate([("chatstore", None)] if name is None else leaves)
        if name is not None:
            citus.distribute_tables()

    def test_back_to_zero_and_forward_again(self) -> None:
        before = tables()
        ours = apps.get_app_config("chatstore").get_models()
        self.assertEqual({model._meta.db_table for model in ours}, before)
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
