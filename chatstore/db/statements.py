"""
Statements that are compiled once.

Django takes longer to turn a queryset into SQL than the database takes to answer it. Queries that
are run again and again differ only in their values: such a query is built with parameters in
their places, compiled when it first runs on a database, and run with values from then on.

A statement knows no driver's connection: it runs on Django's (rows, count), or gives its SQL and
values to another (bound). This module knows nothing of threads and items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, cast

from django.db import connections, transaction
from django.db.models import Expression, Field, JSONField, Model, QuerySet, Subquery
from django.db.models.sql import InsertQuery, Query, UpdateQuery


class Parameter(Expression):
    """A value that is known when the statement runs, wherever a query takes an expression."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


def parameters(model: type[Model], *names: str) -> dict[str, Parameter]:
    """Return a parameter for each of these columns."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: Parameter(name, fields[name]) for name in names}


class _Placeholder(NamedTuple):
    """
    What the SQL takes in one place.

    Args:
        name: of the parameter; empty for a constant.
        adapt: turns a parameter's value into the driver's, given Django's connection; None where
            the driver takes the value as it is.
        value: of a constant.
    """

    name: str
    adapt: Callable[[Any, Any], Any] | None = None
    value: Any = None

    @classmethod
    def of(cls, param: Any, vendor: str) -> _Placeholder:
        if not isinstance(param, Parameter):
            return cls("", value=param)
        field = param.output_field
        # psycopg takes uuid.UUID, aware datetimes, numbers and text as they are.
        is_adapted = vendor != "postgresql" or isinstance(field, JSONField)
        return cls(param.name, field.get_db_prep_save if is_adapted else None)


class Statement:
    """
    A query made of parameters.

    ``values`` has the value of each parameter by its name, and may have more. ``is_select`` and
    ``is_insert`` say what it does; what is neither updates rows.
    """

    def __init__(self, query: Query | QuerySet[Any, Any]) -> None:
        self._query = query.query if isinstance(query, QuerySet) else query
        self._compiled: dict[str, tuple[str, tuple[_Placeholder, ...]]] = {}
        self.is_insert = isinstance(self._query, InsertQuery)
        self.is_select = not isinstance(self._query, (InsertQuery, UpdateQuery))

    def run(self, using: str, values: dict[str, Any]) -> Any:
        """Return a select's rows, or how many rows another statement has written."""
        return self.rows(using, values) if self.is_select else self.count(using, values)

    def rows(self, using: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a select; return the rows as the driver gives them, which is right for text."""
        with connections[using].cursor() as cursor:
            cursor.execute(*self.bound(connections[using], values))
            return list(cursor.fetchall())

    def count(self, using: str, values: dict[str, Any]) -> int:
        """Run an insert or an update; return how many rows it has written."""
        with transaction.mark_for_rollback_on_error(using), connections[using].cursor() as cursor:
            cursor.execute(*self.bound(connections[using], values))
            return int(cursor.rowcount)

    def is_compiled(self, using: str) -> bool:
        """Tell whether it has run on this database, so that bound() needs no connection to it."""
        return using in self._compiled

    def bound(self, connection: Any, values: dict[str, Any]) -> tuple[str, list[Any]]:
        """Return the SQL, with %s for each value, and the values that the driver takes."""
        if connection.alias not in self._compiled:
            sql, params = self._compile(connection)
            placeholders = tuple(_Placeholder.of(param, connection.vendor) for param in params)
            self._compiled[connection.alias] = sql, placeholders
        sql, placeholders = self._compiled[connection.alias]
        return sql, [
            (value if not name else adapt(values[name], connection) if adapt else values[name])
            for name, adapt, value in placeholders
        ]

    def _compile(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return _compiled(self._query, connection)


class UpdatedColumn(Subquery):
    """
    A column of the row that an UpdateThenInsert has just updated, as a value of its insert.

    Args:
        queryset: selects the row.
        column: its name.
    """

    contains_column_references = False  # none of the row that is inserted
    ROWS: ClassVar[str] = "updated"

    def __init__(self, queryset: QuerySet[Any, Any], column: str) -> None:
        super().__init__(queryset.values(column))
        self._column = column

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        # A subquery would see the row as it was before the statement.
        return f"{self.ROWS}.{connection.ops.quote_name(self._column)}", ()


class UpdateThenInsert(Statement):
    """
    An update of one row and, if it was there, an insert.

    On PostgreSQL this is one statement; elsewhere two, which need a transaction of the caller's.

    Args:
        update: the update.
        insert: the insert; it has one UpdatedColumn.
        column: the column that UpdatedColumn names.
    """

    def __init__(self, update: Query, insert: Query, column: str) -> None:
        super().__init__(insert)
        self._column = column
        self._update, self._insert = Statement(update), Statement(insert)

    @staticmethod
    def is_one_statement(using: str) -> bool:
        return connections[using].vendor == "postgresql"

    def count(self, using: str, values: dict[str, Any]) -> int:
        if self.is_one_statement(using):
            return super().count(using, values)
        return self._update.count(using, values) and self._insert.count(using, values)

    def _compile(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        update, update_params = self._update._compile(connection)
        insert, insert_params = self._insert._compile(connection)
        into, _, values = insert.partition(" VALUES (")
        returning = connection.ops.quote_name(self._column)
        return (
            f"WITH {UpdatedColumn.ROWS} AS ({update} RETURNING {returning})"
            f" {into} SELECT {values.removesuffix(')')} FROM {UpdatedColumn.ROWS}",
            (*update_params, *insert_params),
        )


def _compiled(query: Query, connection: Any) -> tuple[str, tuple[Any, ...]]:
    compiled: Any = query.clone().get_compiler(connection=connection).as_sql()
    sql, params = compiled[0] if isinstance(query, InsertQuery) else compiled
    return sql, tuple(params)


def update(rows: QuerySet[Any, Any], **values: Any) -> Query:
    """Return the query that ``rows.update(**values)`` runs."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    query.add_update_values(values)
    return query


def insert(model: type[Model], **values: Any) -> Query:
    """Return the query that ``model.objects.create(**values)`` runs, which sends no signals."""
    query = InsertQuery(model)
    query.insert_values(model._meta.local_concrete_fields, [model(**values)])
    return query
