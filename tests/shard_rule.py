"""
The rule on the text of statements that makes the tables fit to be sharded by owner.

Citus sends a statement to one shard only if the statement itself says whose rows it reads or
writes, and refuses some others. ``find_faults`` says what is wrong with a text;
tests/shard_watch.py applies it to what the tests send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import sqlglot
from django.apps import apps
from django.db import connection
from django.db.models import Model
from sqlglot import exp
from sqlglot.errors import SqlglotError

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql"}
OWNER = "user_id"
_KEYWORDS = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s")
# These are syntax, and no functions; they are as immutable as their arguments.
_SYNTAX = (exp.And, exp.Or, exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Greatest, exp.Least)
_SCOPES = (exp.Select, exp.Update, exp.Delete)


@cache
def owned_models() -> tuple[type[Model], ...]:
    """Return the models whose rows have an owner."""
    from chatstore.models import OwnedQuerySet  # not before Django has loaded its apps

    models = apps.get_app_config("chatstore").get_models()
    return tuple(
        model for model in models if isinstance(model._default_manager.all(), OwnedQuerySet)
    )


@cache
def owned_tables() -> frozenset[str]:
    """Return the tables whose rows have an owner."""
    return frozenset(model._meta.db_table for model in owned_models())


def is_watched(sql: Any) -> bool:
    """Tell whether a statement reads or writes rows that have an owner."""
    return (
        isinstance(sql, str)
        and bool(_KEYWORDS.match(sql))
        and any(table in sql for table in owned_tables())
    )


@cache
def find_faults(sql: str, dialect: str = "postgres") -> tuple[str, ...]:
    """
    Return what keeps a statement from going to one shard; nothing if it goes to one.

    Args:
        sql: with values, or with the placeholders of Django's or psycopg's cursor.
        dialect: sqlglot's name of the database.
    """
    if not is_watched(sql):
        return ()
    try:
        tree = sqlglot.parse_one(_PLACEHOLDER.sub("1", sql).replace("%%", "%"), dialect=dialect)
    except SqlglotError as error:
        return (f"it can't be parsed: {error}",)
    return (*_faults_of_owners(tree), *_faults_of_inserts(tree), *_faults_of_updates(tree))


def _is_owned(table: Any) -> bool:
    return isinstance(table, exp.Table) and table.name in owned_tables()


def _is_constant(node: exp.Expression) -> bool:
    node = node.unnest()
    return isinstance(node, exp.Literal) or (isinstance(node, exp.Cast) and _is_constant(node.this))


def _tables_of(scope: exp.Expression) -> Iterator[exp.Table]:
    """Yield the tables that a query itself names, not those of the queries in it."""
    for table in scope.find_all(exp.Table):
        if table.find_ancestor(*_SCOPES) is scope:
            yield table


def _table_of(column: exp.Column) -> exp.Table | None:
    """Return the table of a column, in the nearest query that has one of its name."""
    scope = column.find_ancestor(*_SCOPES)
    while scope:
        tables = list(_tables_of(scope))
        for table in tables:
            if column.table == table.alias_or_name or (not column.table and len(tables) == 1):
                return table
        scope = scope.find_ancestor(*_SCOPES)
    return None


def _is_condition(node: exp.Expression) -> bool:
    """Tell whether a comparison must hold for each row: it is no part of an OR or a NOT."""
    parent = node.parent
    while isinstance(parent, (exp.And, exp.Paren)):
        parent = parent.parent
    return isinstance(parent, (exp.Where, exp.Join))


def _named_owners(tree: exp.Expression) -> set[int]:
    """Return the tables, by their ids in the tree, whose owner is given by a constant."""
    named: set[int] = set()
    equal: list[tuple[int, int]] = []  # tables that have the same owner
    for comparison in tree.find_all(exp.EQ):
        sides = comparison.left.unnest(), comparison.right.unnest()
        tables = [
            _table_of(side) if isinstance(side, exp.Column) and side.name == OWNER else None
            for side in sides
        ]
        if not _is_condition(comparison):
            continue
        match tables:
            case exp.Table() as left, exp.Table() as right:
                equal.append((id(left), id(right)))
            case (exp.Table() as table, None) if _is_constant(sides[1]):
                named.add(id(table))
            case (None, exp.Table() as table) if _is_constant(sides[0]):
                named.add(id(table))
    while more := {table for pair in equal if named & set(pair) for table in pair} - named:
        named |= more
    return named


def _faults_of_owners(tree: exp.Expression) -> Iterator[str]:
    named = _named_owners(tree)
    for table in tree.find_all(exp.Table):
        is_target = table.find_ancestor(exp.Insert, *_SCOPES) is table.find_ancestor(exp.Insert)
        if _is_owned(table) and not is_target and id(table) not in named:
            yield f"no constant names the owner of {table.alias_or_name}"


def _faults_of_inserts(tree: exp.Expression) -> Iterator[str]:
    for insert in tree.find_all(exp.Insert):
        target = insert.find(exp.Table)
        if not _is_owned(target):
            continue
        if insert.find(exp.Unnest) or "UNNEST(" in insert.sql().upper():
            yield "it inserts rows from arrays"
        columns = [column.name for column in insert.this.expressions]
        place = columns.index(OWNER) if OWNER in columns else None
        if place is None:
            yield "it inserts a row without an owner"
        elif isinstance(values := insert.expression, exp.Values):
            if values.find(exp.Select):
                yield "its VALUES contain a query"
            if not all(_is_constant(row.expressions[place]) for row in values.expressions):
                yield "the new row's owner is no constant"
        elif isinstance(values, exp.Select) and not isinstance(values.expressions[0], exp.Star):
            owner = values.expressions[place].unalias()
            if not isinstance(owner, exp.Column) or owner.name != OWNER or not _table_of(owner):
                yield "the new row's owner is no column of the row that is read"


def _faults_of_updates(tree: exp.Expression) -> Iterator[str]:
    for update in tree.find_all(exp.Update):
        for assignment in update.expressions if _is_owned(update.this) else ():
            if assignment.this.name == OWNER:
                yield "it sets the owner"
            yield from _unstable_parts(assignment.expression)


def _unstable_parts(value: exp.Expression) -> Iterator[str]:
    """Yield what PostgreSQL does not take for immutable in a value that is set."""
    if connection.vendor != "postgresql":
        return
    operators, functions = _volatility()
    for node in value.find_all(exp.Binary, exp.Func):
        if node.find_ancestor(exp.Select) or isinstance(node, (*_SYNTAX, exp.Predicate)):
            continue
        if isinstance(node, exp.Func):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            if functions.get(name.lower()) != "i":
                yield f"{name} is not immutable"
        elif isinstance(node, exp.Binary):
            sign = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}.get(type(node))
            types = sign, _type(node.left), _type(node.right)
            if operators.get(types) != "i":
                yield f"{types} is not immutable"


def _type(node: exp.Expression) -> str:
    """Return PostgreSQL's type of a value that is set; empty if that is not known."""
    node = node.unnest()
    match node:
        case exp.Column():
            for model in owned_models():
                for field in model._meta.concrete_fields:
                    if field.column == node.name:
                        return str(field.db_type(connection)).partition("(")[0]
        case exp.AtTimeZone():
            stamp = "timestamp with time zone"
            return "timestamp without time zone" if _type(node.this) == stamp else stamp
        case exp.Interval():
            return "interval"
        case exp.Cast():
            return str(node.to.sql("postgres")).lower()
        case exp.Binary():
            return _type(node.left)
    return ""


@cache
def _volatility() -> tuple[dict[Any, str], dict[str, str]]:
    """Return how volatile operators (with types) and functions are, by pg_proc.provolatile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oprname, oprleft::regtype::text, oprright::regtype::text, provolatile::text"
            " FROM pg_operator JOIN pg_proc ON pg_proc.oid = oprcode"
        )
        operators = {tuple(types): volatility for *types, volatility in cursor.fetchall()}
        # Of functions with one name, the most volatile: v, s, i.
        cursor.execute("SELECT proname, max(provolatile)::text FROM pg_proc GROUP BY proname")
        return operators, dict(cursor.fetchall())
