"""
Statements that are compiled once.

Turning a queryset into SQL takes Django longer than the database takes to answer it. What is
asked again and again differs in its values only: such a query is made of parameters, compiled
at its first use on a database, and run with values from then on.

Knows nothing of threads and items.
"""

from __future__ import annotations

from typing import Any, cast

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, Field, Model, QuerySet
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


class Statement:
    """A query made of parameters; ``values`` has each of them by name, and may have more."""

    def __init__(self, query: Query | QuerySet[Any, Any]) -> None:
        self._query = query.query if isinstance(query, QuerySet) else query
        self._compiled: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def rows(self, using: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a select; return the rows as the driver gives them, which is right for text."""
        with connections[using].cursor() as cursor:
            self._execute(cursor, using, values)
            return list(cursor.fetchall())

    def count(self, using: str, values: dict[str, Any]) -> int:
        """Run an insert or an update; return how many rows it has written."""
        with transaction.mark_for_rollback_on_error(using), connections[using].cursor() as cursor:
            self._execute(cursor, using, values)
            return int(cursor.rowcount)

    def _execute(self, cursor: CursorWrapper, using: str, values: dict[str, Any]) -> None:
        if using not in self._compiled:
            self._compiled[using] = self._compile(using)
        sql, params = self._compiled[using]
        connection = connections[using]
        cursor.execute(
            sql,
            [
                each.output_field.get_db_prep_save(values[each.name], connection)
                if isinstance(each, Parameter)
                else each
                for each in params
            ],
        )

    def _compile(self, using: str) -> tuple[str, tuple[Any, ...]]:
        compiled: Any = self._query.clone().get_compiler(using).as_sql()
        sql, params = compiled[0] if isinstance(self._query, InsertQuery) else compiled
        return sql, params


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
