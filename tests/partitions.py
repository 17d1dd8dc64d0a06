"""
Divides the tables by owner as Citus does, in one PostgreSQL: hash partitions and composite keys.

The tests of chatstore run on them with CHATSTORE_TEST_PARTITIONS=1 (`make test-partitions`). A plan
tells how many partitions a statement reads: one, if it would go to one shard.
"""

from __future__ import annotations

import os
import re
from typing import Any

from django.db import connection
from django.db.models import ForeignKey, Model

from tests.live import database_url
from tests.shard_rule import OWNER, owned_models

COUNT = 4  # of each table
IS_ON = bool(os.environ.get("CHATSTORE_TEST_PARTITIONS"))


def divide_tables() -> None:
    """Divide the empty tables that the migrations have made."""
    from chatstore.sharding.tables import key_columns  # not before Django has loaded its apps

    models = owned_models()
    with connection.cursor() as cursor:
        indexes = {model: _indexes(cursor, model) for model in models}
        for model in models:
            _divide(cursor, model._meta.db_table)
        for model in models:
            key = f"({', '.join(key_columns(model))})"
            cursor.execute(f"ALTER TABLE {model._meta.db_table} ADD PRIMARY KEY {key}")
            for definition in indexes[model]:
                cursor.execute(definition)
        for model in models:
            for field in model._meta.concrete_fields:
                if isinstance(field, ForeignKey) and field.db_constraint:
                    target = field.related_model._meta
                    cursor.execute(
                        f"ALTER TABLE {model._meta.db_table} ADD FOREIGN KEY"
                        f" ({OWNER}, {field.column})"
                        f" REFERENCES {target.db_table} ({OWNER}, {target.pk.column})"
                    )


def _indexes(cursor: Any, model: type[Model]) -> list[str]:
    """Return the statements that make a table's indexes, without that of the primary key."""
    cursor.execute(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisprimary",
        [model._meta.db_table],
    )
    return [definition for (definition,) in cursor.fetchall()]


def _divide(cursor: Any, table: str) -> None:
    cursor.execute(f"ALTER TABLE {table} RENAME TO undivided")
    cursor.execute(
        f"CREATE TABLE {table} (LIKE undivided INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        f" PARTITION BY HASH ({OWNER})"
    )
    for number in range(COUNT):
        cursor.execute(
            f"CREATE TABLE {table}_p{number} PARTITION OF {table}"
            f" FOR VALUES WITH (MODULUS {COUNT}, REMAINDER {number})"
        )
    cursor.execute("DROP TABLE undivided CASCADE")


def partitions_read(sql: str, params: Any = None) -> set[str]:
    """Return the numbers of the partitions that a statement's plan names."""
    return set(re.findall(r"\bchat_\w+_p(\d+)\b", plan_of(sql, params)))


def plan_of(sql: str, params: Any = None) -> str:
    """Return what EXPLAIN answers."""
    import psycopg

    # On a connection of its own: a test counts, or cuts, what is sent on Django's.
    with psycopg.connect(database_url(), cursor_factory=psycopg.ClientCursor) as db:
        return "\n".join(line for (line,) in db.execute(f"EXPLAIN {sql}", params))
