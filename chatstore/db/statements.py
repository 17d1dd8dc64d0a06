"""
SQL statements that are compiled once per database and then run with different values.

Django needs more time to compile a queryset to SQL than the database needs to answer it. A frequent
query is therefore written with a Parameter in place of each value, and compiled at its first use.

Knows nothing of threads and items.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

from django.db import connections, transaction
from django.db.models import Expression, Field, JSONField, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, Query, UpdateQuery

from chatstore.conf import settings


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

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        # The server can't deduce one type for a value that it meets both as text and as varchar.
        # Without a length, to which a cast would cut the value.
        db_type, _, _length = str(self.output_field.db_type(connection)).partition("(")
        return f"%s::{db_type}", (self,)


@cache  # In an event loop Django takes long to find a connection.
def is_postgresql(using: str) -> bool:
    """Tell whether the database with this alias is PostgreSQL."""
    return bool(connections[using].vendor == "postgresql")


def column_parameters(model: type[Model], *names: str) -> dict[str, Parameter]:
    """Return a parameter for each of these fields of a model, by the field's name."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: Parameter(name, fields[name]) for name in names}


class _Compiled(NamedTuple):
    """
    A statement as one database runs it.

    Args:
        sql: names each value that it takes.
        adapters: the name of each parameter, and what converts its value for the driver, given
            Django's connection; None if the driver takes the value as it is.
        constants: the other values, by their names.
        converted: the columns, if Django converts the driver's value of any; else none.
    """

    sql: str
    adapters: dict[str, Callable[[Any, Any], Any] | None]
    constants: dict[str, Any]
    converted: tuple[Any, ...] = ()

    @classmethod
    def of(cls, sql: str, params: tuple[Any, ...], vendor: str) -> _Compiled:
        places = []
        compiled = cls("", {}, {})
        for number, param in enumerate(params):
            if isinstance(param, Parameter):
                field = param.output_field
                # psycopg itself adapts text, UUIDs and aware datetimes, but not JSON as Django.
                is_adapted = vendor != "postgresql" or isinstance(field, JSONField)
                compiled.adapters[param.name] = field.get_db_prep_save if is_adapted else None
                places.append(f"%({param.name})s")
            elif vendor == "postgresql":
                # In the text, since it would be sent with each execution.
                from psycopg.sql import Literal

                places.append(Literal(param).as_string().replace("%", "%%"))
            else:
                compiled.constants[f"constant_{number}"] = param
                places.append(f"%(constant_{number})s")
        # %% stands for a %, both here and where the statement is executed.
        return compiled._replace(sql=sql.replace("%%", "%%%%") % tuple(places))


class Statement:
    """
    A query with parameters, compiled once for each database.

    It runs on Django's connection (fetch_all, execute, run), or gives its SQL and values to
    another one (bind). In the methods, ``connection`` is Django's, and ``values`` has the value of
    each parameter by its name; other keys are ignored.

    Attributes:
        is_select: whether it returns rows; else it writes some.
        is_insert: whether it can create a row.
    """

    def __init__(self, query: Query | QuerySet[Any, Any]) -> None:
        self._query = query.query if isinstance(query, QuerySet) else query
        self._compiled: dict[str, _Compiled] = {}
        self.is_insert = isinstance(self._query, InsertQuery)
        self.is_select = not isinstance(self._query, (InsertQuery, UpdateQuery))

    def run(self, connection: Any, values: dict[str, Any]) -> Any:
        """Run it, and return a SELECT's rows, or the number of rows that another has written."""
        run = self.fetch_all if self.is_select else self.execute
        return run(connection, values)

    def fetch_all(self, connection: Any, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT, and return its rows, with the values that Django gives."""
        with connection.cursor() as cursor:
            cursor.execute(*self.bind(connection, values))
            rows: list[tuple[Any, ...]] = list(cursor.fetchall())
        converted = self._compiled[connection.alias].converted
        if converted:
            # By this connection's converters: those of another one would keep it alive.
            compiler: Any = self._query.get_compiler(connection=connection)
            converters = compiler.get_converters(converted)
            rows = [tuple(row) for row in compiler.apply_converters(rows, converters)]
        return rows

    def execute(self, connection: Any, values: dict[str, Any]) -> int:
        """Run an INSERT or UPDATE, and return the number of rows written."""
        with (
            transaction.mark_for_rollback_on_error(connection.alias),
            connection.cursor() as cursor,
        ):
            cursor.execute(*self.bind(connection, values))
            return int(cursor.rowcount)

    def is_compiled(self, using: str) -> bool:
        """Tell whether bind() needs no open connection, since it was called before."""
        return using in self._compiled

    def bind(self, connection: Any, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the SQL for a connection of Django's, and the driver's values by their names."""
        if connection.alias not in self._compiled:
            sql, params = self._compile(connection)
            compiled = _Compiled.of(sql, params, connection.vendor)
            converted = self._find_converted(connection) if self.is_select else ()
            self._compiled[connection.alias] = compiled._replace(converted=converted)
        sql, adapters, constants, _converted = self._compiled[connection.alias]
        adapted = {
            name: adapt(values[name], connection) if adapt else values[name]
            for name, adapt in adapters.items()
        }
        return sql, adapted | constants

    def _find_converted(self, connection: Any) -> tuple[Any, ...]:
        """Return the columns of a SELECT, if Django converts the driver's value of any."""
        compiler: Any = self._query.clone().get_compiler(connection=connection)
        compiler.setup_query()
        columns = tuple(column for column, *_ in compiler.select)
        return columns if compiler.get_converters(columns) else ()

    def _compile(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        compiled: Any = self._query.clone().get_compiler(connection=connection).as_sql()
        sql, params = compiled[0] if self.is_insert else compiled
        return sql, tuple(params)


class SourceColumn(Expression):
    """
    A column of the row that an InsertSelect reads, as a value of its insert_query.

    Args:
        column: the name of the column.
        output_field: the model field of the value.
    """

    def __init__(self, column: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field)
        self._column = column

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return connection.ops.quote_name(self._column), ()


class InsertSelect(Statement):
    """
    An INSERT of one row that takes columns from another row, if there is that row.

    With the owner's id as one of these columns it is the only insert of this kind that a shard
    can take.

    Args:
        insert: an insert_query, some values of which are SourceColumns.
        source: selects the other row.
    """

    def __init__(self, insert: Query, source: QuerySet[Any, Any]) -> None:
        super().__init__(insert)
        self._source = Statement(source.values("pk"))

    def _compile(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        insert, params = self._insert_from(connection)
        select, source_params = self._source._compile(connection)
        source = select.partition(" FROM ")[2]
        return f"{insert} FROM {source}", (*params, *source_params)

    def _insert_from(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compile all up to the FROM."""
        insert, params = super()._compile(connection)
        into, _values, places = insert.partition(" VALUES (")
        return f"{into} SELECT {places.removesuffix(')')}", params


class UpdateThenInsert(InsertSelect):
    """
    An UPDATE of one row and, if there is this row, an INSERT that takes columns from it.

    It is one statement where ``is_one_statement``; else two, which the caller must run in one
    transaction. It returns the number of rows inserted.

    Args:
        update: an update_query.
        insert: an insert_query, some values of which are SourceColumns.
        source: selects the row that was updated.
        columns: the names of the SourceColumns' columns.
    """

    def __init__(
        self, update: Query, insert: Query, source: QuerySet[Any, Any], *columns: str
    ) -> None:
        super().__init__(insert, source)
        self._update, self._insert = Statement(update), InsertSelect(insert, source)
        self._columns = columns

    @staticmethod
    def is_one_statement(using: str) -> bool:
        """Tell whether it is one; Citus would send the row through the coordinator for that."""
        return is_postgresql(using) and not settings.sharded

    def execute(self, connection: Any, values: dict[str, Any]) -> int:
        if self.is_one_statement(connection.alias):
            return super().execute(connection, values)
        return self._update.execute(connection, values) and self._insert.execute(connection, values)

    def _compile(self, connection: Any) -> tuple[str, tuple[Any, ...]]:
        update, update_params = self._update._compile(connection)
        insert, insert_params = self._insert_from(connection)
        # From the WITH: another query in the same statement would see the row as it was before.
        returned = ", ".join(map(connection.ops.quote_name, self._columns))
        sql = f"WITH updated AS ({update} RETURNING {returned}) {insert} FROM updated"
        return sql, (*update_params, *insert_params)


def update_query(rows: QuerySet[Any, Any], **values: Any) -> Query:
    """Return the query that ``rows.update(**values)`` runs."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    query.add_update_values(values)
    return query


def insert_unless_exists_query(model: type[Model], **values: Any) -> Query:
    """
    Return an insert_query that leaves a row with the same key as it is, without an error.

    Not for MariaDB, which would ignore other errors too.
    """
    query: Any = insert_query(model, **values)
    query.on_conflict = OnConflict.IGNORE
    return cast(Query, query)


def insert_query(model: type[Model], /, **values: Any) -> Query:
    """Return the query that ``model.objects.create(**values)`` runs; it sends no Django signals."""
    query = InsertQuery(model)
    query.insert_values(model._meta.local_concrete_fields, [model(**values)])
    return query
