"""
Figures of tables of any size at a bounded cost, for the admin's overview.

Large tables are not counted but estimated from a sample. Primary keys are hashes (uuid5) or random
(uuid4), so the rows whose key is below a bound are a random sample of the table, and the index of
the primary key finds them on every database. Tables no larger than the sample are counted exactly.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, connections, models, transaction

from chatstore.conf import settings
from chatstore.models import ChatAttachment, ChatMessage, ChatModelTurn, ChatReport, ChatSession

MODELS = (ChatSession, ChatMessage, ChatAttachment, ChatReport, ChatModelTurn)
# Rows that are read of a table. In a large one nearly each is on a page of its own, and takes the
# server 1 to 2 µs.
SAMPLE = 3_000


class Sample:
    """A random sample of a table's rows, and the factor from its counts to those of the table."""

    def __init__(self, model: type[models.Model], table_rows: int) -> None:
        self.is_complete = table_rows <= SAMPLE
        self.factor = 1.0 if self.is_complete else table_rows / SAMPLE
        self._rows = model._default_manager.all()
        if not self.is_complete:
            part = f"{int(2**48 / self.factor):012x}"
            # The same bound in the first and the last digits: MariaDB compares the last ones first.
            self._rows = self._rows.filter(pk__lt=uuid.UUID(f"{part}00000000{part}"))

    def counts(self, *columns: str, sums: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """
        Return each combination of the columns' values in the sample, and its number of rows.

        Args:
            sums: other columns; of each, the sum and the number of values follow.

        Grouped by the database: to read each row's times takes psycopg longer than the query.
        """
        rows = self._rows.values_list(*columns, *sums)
        # Limited again, because the database's number of rows may be out of date. By hand, because
        # Django can't group rows that are limited.
        sql, params = rows[: 2 * SAMPLE].query.get_compiler(rows.db).as_sql()
        names = ", ".join(columns)
        totals = "".join(f", SUM({name}), COUNT({name})" for name in sums)
        with connections[rows.db].cursor() as cursor:
            cursor.execute(
                f"SELECT {names}, COUNT(*){totals} FROM ({sql}) AS sampled GROUP BY {names}",  # noqa: S608 (our own names)
                params,
            )
            counts: list[tuple[Any, ...]] = cursor.fetchall()
        self.is_complete &= sum(row[len(columns)] for row in counts) < 2 * SAMPLE
        return counts

    def annotate(self, **expressions: Any) -> Sample:
        """Add columns to the sample's rows."""
        self._rows = self._rows.annotate(**expressions)
        return self

    def total(self, column: str) -> int:
        """Return the sum of a column in the sample."""
        rows = self._rows.values(column)[: 2 * SAMPLE]
        found = rows.aggregate(rows=models.Count("*"), total=models.Sum(column))
        self.is_complete &= found["rows"] < 2 * SAMPLE
        return int(found["total"] or 0)

    def estimate(self, count: float) -> int:
        """Return the estimate for the table, of a count or sum in the sample."""
        return round(count * self.factor)


def table_sizes(using: str) -> tuple[dict[Any, int], int | None]:
    """Return each table's approximate number of rows, and the size of all in bytes, if known."""
    names = [model._meta.db_table for model in MODELS]
    found = settings.sharded and _sizes_of_shards(using, names)
    if not found:
        match connections[using].vendor:
            case "postgresql":
                regclasses = ", ".join("to_regclass(%s)" for _name in names)
                sql = (
                    "SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class "  # noqa: S608
                    f"WHERE oid IN ({regclasses})"
                )
            case "mysql":
                marks = ", ".join("%s" for _name in names)
                sql = (  # our own names
                    "SELECT table_name, table_rows, data_length + index_length "  # noqa: S608
                    "FROM information_schema.tables "
                    f"WHERE table_schema = DATABASE() AND table_name IN ({marks})"
                )
            case _:  # SQLite: the highest rowid, which counts deleted rows too
                sql = " UNION ALL ".join(
                    f"SELECT %s, COALESCE(MAX(rowid), 0), NULL FROM {name}"  # noqa: S608 (our own names)
                    for name in names
                )
        found = _select_sizes(using, sql, names)
    sizes = [found[name][1] for name in names]
    rows = {model: int(found[model._meta.db_table][0] or 0) for model in MODELS}
    return rows, None if None in sizes else int(sum(sizes))


def _select_sizes(using: str, sql: str, params: list[str]) -> dict[str, tuple[Any, Any]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return {name: (rows, size) for name, rows, size in cursor.fetchall()}


def _sizes_of_shards(using: str, names: list[str]) -> dict[str, tuple[Any, Any]] | None:
    """
    Ask the nodes, since Citus's coordinator has no statistics; None if there are no shards.

    One command for each node, which adds up its shards: for each shard there would be a connection.
    """
    sql = " UNION ALL ".join(
        "SELECT %s, (SELECT SUM(result::float) FROM run_command_on_all_nodes(%s) WHERE success),"
        " citus_total_relation_size(%s)"
        for _name in names
    )
    count = (
        "SELECT COALESCE(SUM(GREATEST(reltuples, 0)), 0) FROM pg_class"
        " WHERE relkind = 'r' AND relname ~ '^{}_[0-9]+$'"
    )
    params = [each for name in names for each in (name, count.format(name), name)]
    try:
        with transaction.atomic(using=using):  # a savepoint, if the caller has a transaction
            return _select_sizes(using, sql, params)
    except DatabaseError:  # they are not distributed yet
        return None
