"""Questions to the catalogs of PostgreSQL and Citus, answered as things are at that moment."""

from __future__ import annotations

from typing import Any, NamedTuple

_COLUMNS = """ARRAY(
    SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key(number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = key.number ORDER BY place
)"""


class Constraint(NamedTuple):
    table: str
    name: str
    columns: list[str]
    referenced_table: str


class Catalog:
    """
    Args:
        connection: Django's connection to the coordinator.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def has_citus(self) -> bool:
        """Tell whether the database has the extension."""
        return bool(self.rows("SELECT FROM pg_extension WHERE extname = 'citus'"))

    def has_table(self, table: str) -> bool:
        return self.rows("SELECT to_regclass(%s) IS NOT NULL", table) == [(True,)]

    def primary_key(self, table: str) -> Constraint:
        [constraint] = self._constraints("contype = 'p' AND conrelid = %s::regclass", table)
        return constraint

    def foreign_keys(self, *tables: str) -> list[Constraint]:
        """Return the foreign keys from and to these tables."""
        return self._constraints(
            "contype = 'f' AND %s::regclass[] && ARRAY[conrelid, confrelid]::regclass[]"
            " AND conparentid = 0",
            [*tables],
        )

    def _constraints(self, condition: str, *values: Any) -> list[Constraint]:
        found = self.rows(
            f"SELECT conrelid::regclass::text, conname::text, {_COLUMNS},"  # noqa: S608
            f" coalesce(nullif(confrelid, 0)::regclass::text, '') FROM pg_constraint"
            f" WHERE {condition} ORDER BY 1, 2",
            *values,
        )
        return [Constraint(*row) for row in found]

    def is_valid_index(self, name: str) -> bool | None:
        """Tell whether an index is complete; None if there is no such index."""
        found = self.rows(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", name
        )
        return found[0][0] if found else None

    def is_distributed(self, table: str) -> bool:
        """Tell whether the table has shards."""
        return self._has_partition_method(table, "h")

    def is_in_metadata(self, table: str) -> bool:
        """Tell whether Citus knows this table of the coordinator."""
        return self._has_partition_method(table, "n")

    def _has_partition_method(self, table: str, method: str) -> bool:
        return self.has_citus() and bool(
            self.rows(
                "SELECT FROM pg_dist_partition WHERE logicalrelid = %s::regclass"
                " AND partmethod = %s",
                table,
                method,
            )
        )

    def expects_rows_of_owner(self, table: str) -> bool:
        """Tell whether PostgreSQL was told how many rows of an owner to expect (migration 0017)."""
        return bool(
            self.rows(
                "SELECT FROM pg_attribute, unnest(attoptions) AS option"
                " WHERE attrelid = %s::regclass AND attname = 'user_id'"
                " AND option LIKE 'n_distinct=%%'",
                table,
            )
        )

    def node_settings(self, *names: str) -> list[tuple[str, str, str | None]]:
        """Return the node, the setting's name and value (None: unknown there), for each node."""
        # One command for each, since it must return one value.
        return [
            (f"{node}:{port}", name, value or None)
            for name in names
            for node, port, value in self.rows(
                "SELECT nodename, nodeport, result FROM run_command_on_all_nodes(%s)"
                " JOIN pg_dist_node USING (nodeid) ORDER BY 1, 2",
                f"SELECT current_setting('{name}', true)",
            )
        ]

    def node_counts(self) -> tuple[int, int]:
        """Return how many coordinators and how many workers that hold shards Citus knows."""
        [(coordinators, workers)] = self.rows(
            "SELECT count(*) FILTER (WHERE groupid = 0),"
            " count(*) FILTER (WHERE groupid > 0 AND shouldhaveshards)"
            " FROM pg_dist_node WHERE isactive AND noderole = 'primary'"
        )
        return coordinators, workers

    def has_repeated(self, table: str, column: str) -> bool:
        """Tell whether a value is in more than one row."""
        quote = self._connection.ops.quote_name
        return bool(
            self.rows(
                f"SELECT {quote(column)} FROM {quote(table)}"  # noqa: S608
                f" GROUP BY {quote(column)} HAVING count(*) > 1 LIMIT 1"
            )
        )
