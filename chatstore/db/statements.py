"""
SQL statements that are compiled once per database and then run with different values.

Django needs more time to compile a queryset to SQL than the database needs to answer it. A frequent
query is therefore written with a Parameter in place of each value, and compiled at its first use.

Knows nothing of threads and items.
"""

from __future__ import annotations

from typing import Any, cast

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import InsertQuery, Query, UpdateQuery


class Parameter(Expression):
    """
    A placeholder for a value that is given when the statement runs.

    Args:
        name: its key in the values.
        output_field: the model field that converts the value for the database.
    """

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


def column_parameters(model: type[Model], *names: str) -> dict[str, Parameter]:
    """Return a parameter for each of these fields of a model, by the field's name."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: Parameter(name, fields[name]) for name in names}


class Statement:
    """
    A query with parameters, compiled once for each database.

    In the methods, ``using`` is the alias of the database, and ``values`` has the value of each
    parameter by its name; other keys are ignored.
    """

    def __init__(self, query: Query | QuerySet[Any, Any]) -> None:
        self._query = query.query if isinstance(query, QuerySet) else query
        self._compiled: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def fetch_all(self, using: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """
        Run a SELECT, and return its rows.

        Values are the driver's, not converted by Django: right for text columns only.
        """
        with connections[using].cursor() as cursor:
            self._execute(cursor, using, values)
            return list(cursor.fetchall())

    def execute(self, using: str, values: dict[str, Any]) -> int:
        """Run an INSERT or UPDATE, and return the number of rows written."""
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


def update_query(rows: QuerySet[Any, Any], **values: Any) -> Query:
    """Return the query that ``rows.update(**values)`` runs."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    query.add_update_values(values)
    return query


def insert_query(model: type[Model], **values: Any) -> Query:
    """Return the query that ``model.objects.create(**values)`` runs; it sends no Django signals."""
    query = InsertQuery(model)
    query.insert_values(model._meta.local_concrete_fields, [model(**values)])
    return query
