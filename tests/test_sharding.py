"""distribute_tables: what it refuses, its SQL, and on a Citus cluster the whole way and back."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from chatstore import sharding
from chatstore.models import ChatSession
from chatstore.models.base import OwnedForeignKey, OwnedModel
from chatstore.sharding import requirements, steps
from chatstore.sharding.tables import local_models, owned_models, owned_tables
from tests import citus, rows
from tests.proxy import elsewhere
from tests.rows import DAY, StorageMixin, add_thread

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "scale.md"


def distribute_tables(**options: Any) -> str:
    out = StringIO()
    call_command("distribute_tables", **{"stdout": out, "skip_checks": True, **options})
    return out.getvalue()


def execute(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None


def schema() -> Any:
    """Return the keys and indexes of the tables with an owner."""
    return execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY(%s::regclass[])"
        " UNION SELECT indrelid::regclass::text, indexrelid::regclass::text,"
        " pg_get_indexdef(indexrelid) || indisvalid FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) ORDER BY 1, 2, 3",
        owned_tables(),
        owned_tables(),
    )


class TablesTest(SimpleTestCase):
    """A model's manager decides whether distribute_tables distributes its table."""

    models = list(apps.get_app_config("chatstore").get_models())

    def test_the_rows_of_a_conversation_are_distributed_and_others_are_not(self) -> None:
        self.assertIs(owned_models()[0], ChatSession)
        self.assertCountEqual([*owned_models(), *local_models()], self.models)
        for model in self.models:
            fields = {field.name: field for field in model._meta.concrete_fields}
            # A moderation record of a search has no owner.
            names_owner = "user_id" in fields and not fields["user_id"].blank
            keys = [field for field in fields.values() if isinstance(field, models.ForeignKey)]
            has_owner = names_owner or any(key.related_model in owned_models() for key in keys)
            name = model.__name__
            if not has_owner:
                self.assertIn(model, local_models(), f"{name} needs a user_id that is not blank")
                continue
            self.assertIn(
                model,
                owned_models(),
                f"{name} has rows of one owner each: make its manager of an OwnedQuerySet, so that"
                " distribute_tables distributes its table",
            )
            self.assertTrue(names_owner, f"{name} needs a user_id that is not blank")
            self.assertTrue(
                issubclass(model, OwnedModel),
                f"{name} must be an OwnedModel: Django saves and deletes rows by ids alone",
            )
            for key in keys:
                self.assertIsInstance(key, OwnedForeignKey, f"{name}.{key.name} joins by id only")

    def test_the_guide_names_each_table(self) -> None:
        layout = GUIDE.read_text().partition("## How it is laid out")[2].partition("\n## ")[0]
        for model in self.models:
            table = f"`{model._meta.db_table}`"
            self.assertTrue(table in layout, f"docs/how-to/scale.md does not say where {table} is")
        for model in owned_models():
            key = f"`{model._meta.pk.column}`"
            self.assertTrue(
                key in layout, f"docs/how-to/scale.md does not name {key} among the keys"
            )

    def test_no_table_that_is_distributed_has_an_identity_column(self) -> None:
        """Citus could not undo its distribution."""
        for model in owned_models():
            self.assertNotIsInstance(model._meta.pk, models.AutoField, model)


class RefusedTest(TransactionTestCase):
    def assert_refused(self, message: str, **options: Any) -> None:
        for undistribute in (False, True):
            with self.assertRaisesMessage(CommandError, message):
                distribute_tables(undistribute=undistribute, **options)

    @pytest.mark.sqlite
    @pytest.mark.mariadb
    def test_another_database(self) -> None:
        for dry_run in (False, True):
            self.assert_refused("Only PostgreSQL with the extension citus", dry_run=dry_run)

    @pytest.mark.postgresql
    @pytest.mark.unsharded  # there the database has the extension
    def test_a_postgresql_without_citus(self) -> None:
        before = schema()
        self.assert_refused("The database has no extension citus")
        self.assertEqual(schema(), before)

    def test_arguments(self) -> None:
        for count in ("0", "x", "64001"):
            with self.assertRaisesMessage(CommandError, "a whole number from 1 to 64000"):
                call_command("distribute_tables", f"--shard-count={count}")


@pytest.mark.postgresql
@pytest.mark.unsharded  # it divides the tables itself
@override_settings(CHATSTORE_SHARDED=True)
class StepsTest(TransactionTestCase):
    def test_a_step_may_take_longer_than_statements_of_the_site(self) -> None:
        execute("SET statement_timeout = 20")
        self.addCleanup(connection.close)
        steps.run(connection, ("SELECT pg_sleep(0.1)",))

    """What comes before the shards needs no Citus, and can be undone without it."""

    def plan(self) -> list[str]:
        found = steps.distribute(connection, shard_count=16, concurrently=False)
        return [statement for step in found for statement in step if statement[:4] != "SET "]

    def setUp(self) -> None:
        self.before = schema()
        self.addCleanup(self.undo)

    def undo(self) -> None:
        for step in steps.undistribute(connection):
            sharding.run(connection, step)
        self.assertEqual(schema(), self.before)

    def test_a_dry_run_prints_the_sql_and_changes_nothing(self) -> None:
        printed = distribute_tables(dry_run=True, shard_count=16)
        self.assertEqual(schema(), self.before)
        first, *rest = printed.splitlines()
        self.assertEqual(
            first, "-- The database has no extension citus: CREATE EXTENSION citus on each node."
        )
        inner = [
            line.removesuffix(";") for line in rest if line[:4] not in ("BEGI", "COMM", "SET ")
        ]
        self.assertEqual(inner, self.plan())
        for expected in (
            "ALTER TABLE chat_messages DROP CONSTRAINT chat_messages_session_id_",
            "CONCURRENTLY chat_messages_of_owner_pkey ON chat_messages (message_id, user_id);",
            "ADD CONSTRAINT chat_messages_of_owner_pkey PRIMARY KEY USING INDEX ",
            "('chat_sessions', 'user_id', shard_count := 16, colocate_with := 'none');",
            "('chat_messages', 'user_id', colocate_with := 'chat_sessions');",
            " (user_id, session_id) REFERENCES chat_sessions (user_id, session_id);",
            "SELECT citus_add_local_table_to_metadata('chat_files_to_remove');",
        ):
            self.assertIn(expected, printed)
        self.assertNotIn("DEFERRABLE", printed)
        self.assertNotIn("CASCADE", printed)

    def test_a_dry_run_of_what_lets_chats_go_on(self) -> None:
        printed = distribute_tables(dry_run=True, concurrently=True)
        for table in owned_tables():
            self.assertIn(f"SELECT create_distributed_table_concurrently('{table}'", printed)
        self.assertNotIn("truncate", printed)

    def test_stopped_after_any_step_it_continues(self) -> None:
        add_thread("thr_1", user_id="alice", age=DAY)
        plan = self.plan()
        done = plan.index(next(each for each in plan if "create_distributed_table" in each))
        for number in range(done):
            self.assertEqual(self.plan(), plan[number:])
            # A run that ends after its first step.
            sharding.run(
                connection, next(steps.distribute(connection, shard_count=16, concurrently=False))
            )
        self.assertEqual(self.plan(), plan[done:])
        for model in owned_models():
            found = connection.introspection.get_primary_key_columns(
                connection.cursor(), model._meta.db_table
            )
            self.assertEqual(found, [model._meta.pk.column, "user_id"])

    def test_an_index_that_was_left_unfinished_is_built_anew(self) -> None:
        index = "chat_messages_of_owner_pkey"
        execute(f"CREATE UNIQUE INDEX {index} ON chat_messages (message_id, user_id)")
        execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", index)
        plan = self.plan()
        place = plan.index(f"DROP INDEX CONCURRENTLY {index}")
        self.assertIn(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ", plan[place + 1])
        execute(f"DROP INDEX {index}")

    def test_a_foreign_key_of_another_table_is_named(self) -> None:
        execute(
            "CREATE TABLE bookmarks (id int, session_id uuid CONSTRAINT to_session"
            " REFERENCES chat_sessions)"
        )
        with self.assertRaisesMessage(CommandError, "to_session of bookmarks must be dropped"):
            distribute_tables()
        execute("DROP TABLE bookmarks")


class Nodes:
    """The answers of a cluster's catalog, which a test can't have its nodes give."""

    def __init__(self, coordinators: int, workers: int, *settings: tuple[str, str | None]) -> None:
        self.counts = coordinators, workers
        self.settings = [("worker:5432", name, value) for name, value in settings]

    def node_counts(self) -> tuple[int, int]:
        return self.counts

    def node_settings(self, *names: str) -> list[tuple[str, str, str | None]]:
        return [each for each in self.settings if each[1] in names]


class ClusterTest(SimpleTestCase):
    READY = (
        ("wal_level", "logical"),
        ("max_prepared_transactions", "200"),
        ("output_plugin_libraries", "pgoutput, citus"),
    )

    def problems(self, *nodes: Any) -> list[str]:
        return list(requirements.find_cluster_problems(Nodes(*nodes)))

    def test_a_cluster_that_is_ready(self) -> None:
        self.assertEqual(self.problems(1, 2, *self.READY), [])
        # A server of before the setting existed.
        older = (*self.READY[:2], ("output_plugin_libraries", None))
        self.assertEqual(self.problems(1, 2, *older), [])

    def test_a_cluster_without_nodes(self) -> None:
        self.assertIn("no address", self.problems(0, 1)[0])
        self.assertIn("no worker", self.problems(1, 0)[0])

    def test_a_node_with_a_wrong_setting_is_named(self) -> None:
        for name, value in (
            ("wal_level", "replica"),
            ("max_prepared_transactions", "0"),
            ("output_plugin_libraries", "pgoutput, test_decoding"),
        ):
            settings = dict(self.READY) | {name: value}
            [problem] = self.problems(1, 1, *settings.items())
            self.assertIn(f"worker:5432: {name} must", problem)


@pytest.mark.citus
class CitusTest(StorageMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(citus.distribute_tables)
        for number in range(3):
            add_thread(f"thr_{number}", f"user_{number}", age=DAY, files=1)
        self.rows = rows.everything()
        self.schema = schema()

    def steps(self, kind: str) -> Iterator[sharding.Step]:
        if kind == "undistribute":
            return steps.undistribute(connection)
        return steps.distribute(
            connection, shard_count=citus.SHARD_COUNT, concurrently=kind == "concurrently"
        )

    def assert_distributed(self) -> None:
        self.assertEqual(rows.everything(), self.rows)
        self.assertEqual(schema(), self.schema)
        self.assertEqual(list(self.steps("distribute")), [])
        counts = execute(
            "SELECT shard_count, colocation_id FROM citus_tables"
            " WHERE citus_table_type = 'distributed'"
        )
        self.assertEqual(len(counts), len(owned_tables()))
        self.assertEqual({count for count, _ in counts}, {citus.SHARD_COUNT})
        self.assertEqual(len({group for _, group in counts}), 1)

    def test_the_whole_way_back_and_forth(self) -> None:
        for concurrently in (False, True):
            distribute_tables(undistribute=True)
            self.assertEqual(rows.everything(), self.rows)
            self.assertEqual(list(self.steps("undistribute")), [])
            self.assertNotRegex(str(schema()), "_of_owner_pkey|_id_of_owner")
            self.assertIn("DEFERRABLE", str(schema()))
            told = "attname = 'user_id' AND attoptions::text LIKE '%%n_distinct=-0.01%%'"
            tables = execute(
                f"SELECT attrelid::regclass::text FROM pg_attribute WHERE {told}"
                " AND attrelid = ANY(%s::regclass[])",
                owned_tables(),
            )
            self.assertEqual(
                {table for (table,) in tables}, {*owned_tables()} - {"chat_suspensions"}
            )
            printed = distribute_tables(shard_count=citus.SHARD_COUNT, concurrently=concurrently)
            self.assertIn("create_distributed_table", printed)
            self.assert_distributed()
            self.assertEqual(distribute_tables(), "The tables are distributed.\n")

    def test_stopped_after_any_step_it_continues(self) -> None:
        for kind in ("undistribute", "concurrently", "undistribute", "distribute"):
            while step := next(self.steps(kind), None):
                sharding.run(connection, step)
                self.assertEqual(rows.everything(), self.rows)
        self.assert_distributed()

    def test_a_step_that_waits_too_long_for_a_lock_fails_and_is_done_by_the_next_run(self) -> None:
        def undistribute() -> None:
            with self.assertRaisesMessage(CommandError, "run the command again to continue"):
                distribute_tables(undistribute=True)

        with (
            patch.object(steps, "LOCK_TIMEOUT", "SET LOCAL lock_timeout = '50ms'"),
            transaction.atomic(),
        ):
            execute("LOCK TABLE chat_messages IN ACCESS SHARE MODE")
            elsewhere(undistribute)()
        self.assertNotEqual(schema(), self.schema)
        distribute_tables(shard_count=citus.SHARD_COUNT)
        self.assert_distributed()

    def test_S3_an_id_of_two_owners_must_be_given_up_first(self) -> None:
        add_thread("thr_0", "user_2", age=DAY)
        with self.assertRaisesMessage(CommandError, "chat_sessions: two owners have a row"):
            distribute_tables(undistribute=True)
        self.assertEqual(schema(), self.schema)
