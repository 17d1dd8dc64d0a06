"""
The SQL that distributes the tables, and that undoes it, as steps.

Before each step the catalog is asked whether it is still to be done. So a run that was killed is
continued by the next one, and a run on tables that are distributed already does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from django.db import transaction

from chatstore.models import ChatSuspension
from chatstore.sharding.catalog import Catalog
from chatstore.sharding.tables import (
    Key,
    Model,
    foreign_keys,
    key_columns,
    local_models,
    owned_models,
    owned_tables,
)

# One statement, or several that are one transaction.
Step: TypeAlias = tuple[str, ...]

# A statement that waits for a lock lets all others wait behind it. In time for their timeouts the
# step fails instead, and is done by the next run.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def run(connection: Any, step: Step) -> None:
    """Run a step on Django's connection to the coordinator."""
    # A large table takes longer to copy than a statement of the site may take.
    _execute(connection, ("SET statement_timeout = 0",))
    if len(step) == 1:  # it may be one that PostgreSQL forbids in a transaction
        _execute(connection, step)
    else:
        with transaction.atomic(using=connection.alias):
            _execute(connection, step)


def _execute(connection: Any, step: Step) -> None:
    with connection.cursor() as cursor:
        for statement in step:
            cursor.execute(statement)


def distribute(connection: Any, *, shard_count: int, concurrently: bool) -> Iterator[Step]:
    """
    Yield the steps that are left to do; the caller runs each before it asks for the next.

    Args:
        connection: Django's connection to the coordinator.
        shard_count: into how many shards each table is divided.
        concurrently: let chats write while rows are copied.
    """
    catalog = Catalog(connection)
    models = owned_models()
    yield from _drop_foreign_keys(catalog, with_owner=False)
    for model in models:
        name = f"{model._meta.db_table}_of_owner_pkey"
        yield from _replace_primary_key(catalog, model, name, key_columns(model))
    yield from _create_shards(catalog, shard_count, concurrently=concurrently)
    for model in models:
        for field in foreign_keys(model):
            yield from _add_foreign_key(catalog, model, field)
    for model in local_models():
        # Else a transaction that writes to it and to a shard commits on one node after the other,
        # and a crash between them loses a file's removal (A4) or a moderator's record (M3).
        if not catalog.is_in_metadata(table := model._meta.db_table):
            yield (f"SELECT citus_add_local_table_to_metadata('{table}')",)


def undistribute(connection: Any) -> Iterator[Step]:
    """
    Yield the steps that are left to do to have all rows on the coordinator, as before.

    The other tables stay known to Citus, which can't let go of one with an identity column; for
    queries they are like any table of the coordinator.
    """
    catalog = Catalog(connection)
    models = owned_models()
    yield from _drop_foreign_keys(catalog, with_owner=True)
    if distributed := [table for table in owned_tables() if catalog.is_distributed(table)]:
        yield (LOCK_TIMEOUT, *(f"SELECT undistribute_table('{table}')" for table in distributed))
    for model in models:
        name = f"{model._meta.db_table}_pkey"
        yield from _replace_primary_key(catalog, model, name, [model._meta.pk.column])
    for model in models:
        for field in foreign_keys(model):
            if not _has_foreign_key(catalog, model, [field.column]):
                yield (LOCK_TIMEOUT, _djangos_foreign_key(connection, model, field))
    for model in models:
        table = model._meta.db_table
        # As migration 0017 does, which changes nothing where tables are sharded. A person has one
        # suspension.
        if model is not ChatSuspension and not catalog.expects_rows_of_owner(table):
            change = f"ALTER TABLE {table} ALTER COLUMN user_id SET (n_distinct = -0.01)"
            yield (LOCK_TIMEOUT, change, f"ANALYZE {table}")


def _drop_foreign_keys(catalog: Catalog, *, with_owner: bool) -> Iterator[Step]:
    """Drop those that include the owner, or those that don't."""
    for key in catalog.foreign_keys(*owned_tables()):
        if ("user_id" in key.columns) == with_owner:
            yield (LOCK_TIMEOUT, f"ALTER TABLE {key.table} DROP CONSTRAINT {key.name}")


def _replace_primary_key(
    catalog: Catalog, model: Model, name: str, columns: list[str]
) -> Iterator[Step]:
    table = model._meta.db_table
    key = catalog.primary_key(table)
    if key.columns == columns:
        return
    if not catalog.is_valid_index(name):
        if catalog.is_valid_index(name) is False:  # a run was killed while it was built
            yield (f"DROP INDEX CONCURRENTLY {name}",)
        yield (f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({', '.join(columns)})",)
    change = f"DROP CONSTRAINT {key.name}, ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}"
    yield (LOCK_TIMEOUT, f"ALTER TABLE {table} {change}")


def _create_shards(catalog: Catalog, shard_count: int, *, concurrently: bool) -> Iterator[Step]:
    """Distribute the threads, and the rest so that an owner's rows are on the same node."""
    function = f"create_distributed_table{'_concurrently' if concurrently else ''}"
    first, *others = owned_tables()
    options = {
        first: f"shard_count := {shard_count}, colocate_with := 'none'",
        **dict.fromkeys(others, f"colocate_with := '{first}'"),
    }
    statements = [
        f"SELECT {function}('{table}', 'user_id', {option})"
        for table, option in options.items()
        if not catalog.is_distributed(table)
    ]
    if not statements:
        return
    if concurrently:
        yield from ((statement,) for statement in statements)
    else:
        # The rows that were copied stay in the coordinator's own table until they are truncated.
        truncate = (
            f"SELECT truncate_local_data_after_distributing_table('{table}')"
            for table in reversed(options)
        )
        # One transaction: a statement that joins a table with shards and one without may fail.
        yield (LOCK_TIMEOUT, *statements, *truncate)
    yield (f"ANALYZE {', '.join(options)}",)


def _has_foreign_key(catalog: Catalog, model: Model, columns: list[str]) -> bool:
    table = model._meta.db_table
    return any((key.table, key.columns) == (table, columns) for key in catalog.foreign_keys(table))


def _add_foreign_key(catalog: Catalog, model: Model, field: Key) -> Iterator[Step]:
    """
    Add a foreign key that includes the owner.

    Not deferrable: at COMMIT a violation would be an internal error. Without a cascade, which would
    delete attachments whose files are not scheduled for removal: the store deletes in order.
    """
    table, columns = model._meta.db_table, ["user_id", field.column]
    if _has_foreign_key(catalog, model, columns):
        return
    other = field.related_model
    references = f"{other._meta.db_table} (user_id, {other._meta.pk.column})"
    constraint = f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {references}"
    name = f"{table}_{field.column}_of_owner"
    yield (LOCK_TIMEOUT, f"ALTER TABLE {table} ADD CONSTRAINT {name} {constraint}")


def _djangos_foreign_key(connection: Any, model: Model, field: Key) -> str:
    """Return the statement by which migrations create this foreign key."""
    editor = connection.schema_editor(collect_sql=True)
    return str(editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s"))
