"""
The rule on the text of statements that makes the tables fit to be sharded by owner.

Citus sends a statement to one shard only if the statement itself says whose rows it reads or
writes, and refuses some others. ``find_faults`` says what is wrong with a text; ``Watch`` looks at
every statement that the tests send, on both lanes of the store (S19).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import sqlglot
from django.apps import apps
from django.db import connection
from django.db.backends.signals import connection_created
from django.db.models import Model
from sqlglot import exp
from sqlglot.errors import SqlglotError

from chatstore.conf import settings

ROOT = Path(__file__).resolve().parent.parent
DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql"}
OWNER = "user_id"
# What reads the rows of all owners by nature, by the function that does it, and why. It may only
# read, and lock nothing.
FANS_OUT = {
    "chatstore.moderation.search": "moderators search in all conversations",
    "chatstore.moderation.statistics": "the overview's figures are those of all owners",
    "chatstore.admin.lists": "the moderators' lists show the rows of all owners",
    "chatstore.admin.model_admins": "the same: Django reads a list, or a page by its key",
    "chatstore.admin.report_admin": "the list of reports; Django's",
    "chatstore.admin.report_pages.ReportPages.report": "elsewhere a URL names the key only",
    "chatstore.admin.read_only.ReadOnlyAdmin.get_object": "elsewhere a URL names the key only",
    "chatstore.admin.permissions.PageBase.thread": "a page's URL names the thread's key only",
    "chatstore.lifecycle.retention.cleanup": "retention looks for old threads of all owners",
    "chatstore.lifecycle.erasure._owners_of_reports_by": "reports that a user has written",
    "chatstore.server.suspensions._find_sentences": "those whom a process streams to",
    "chatstore.moderation.queue": "the queue holds reports on threads of all owners",
    "chatstore.lifecycle.records": "and for closed reports of all owners",
    "chatstore.lifecycle.unused_files.cleanup_files": "and for unused uploads of all owners",
    "chatstore.lifecycle.decode_check": "check_items reads every row",
    "chatstore.sharding.requirements": "undoing looks for keys that two owners have",
    "chatstore.portability.exports": "an export holds all owners, unless one is named",
}
# Where the tables are not sharded, these use one statement for the rows of several owners.
ONE_STATEMENT_FOR_ALL = (
    "chatstore.lifecycle.deletion",
    "chatstore.lifecycle.retention",
    "chatstore.lifecycle.transfer",
    "chatstore.lifecycle.unused_files",
    "chatstore.portability.imports",
)
_KEYWORDS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
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


def _functions_of_ours(frame: FrameType | None) -> Iterator[str]:
    """Yield the functions that have sent a statement, the innermost first, up to a test's."""
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module.startswith("tests.") and module != __name__:
                return
            # A test may use a model's queryset itself.
            if module.startswith(("chatstore.", "project.")) and ".models." not in module:
                yield f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back


class Sent(NamedTuple):
    """
    A statement that was sent.

    Attributes:
        shards: how many shards it goes to, by its plan; None if no plan was asked for.
    """

    lane: str
    sql: str
    shards: int | None


class Watch:
    """
    Applies the rule to every statement of chatstore on owned rows, and remembers what breaks it.

    Attributes:
        shards_of: returns the shards, or what stands for them, that a statement goes to.
        broken: what broke the rule, in sentences.
    """

    def __init__(self) -> None:
        self.shards_of: Callable[[str, Any], set[str]] | None = None
        self.broken: list[str] = []
        self._counts: dict[str, int] = {}
        self._sent: list[Sent] | None = None

    def install(self) -> None:
        from chatstore.db.async_pools import AsyncDatabase

        connection_created.connect(self._watch_connection)
        run = AsyncDatabase.run

        async def run_watched(database: AsyncDatabase, statement: Any, values: Any) -> Any:
            sql, params = statement.bind(database._wrapper, values)
            self._look_at(sql, params, "the async lane")
            return await run(database, statement, values)

        AsyncDatabase.run = run_watched  # type: ignore[method-assign]

    @contextmanager
    def recorded(self) -> Iterator[list[Sent]]:
        """Yield a list of the statements on owned rows that are sent in the block."""
        self._sent = []
        try:
            yield self._sent
        finally:
            self._sent = None

    def _watch_connection(self, connection: Any, **_kwargs: Any) -> None:
        if connection.vendor == "postgresql" and self._watch not in connection.execute_wrappers:
            # First, since a test that adds its own removes the last one.
            connection.execute_wrappers.insert(0, self._watch)

    def _watch(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self._look_at(sql, params, "")
        return execute(sql, params, many, context)

    def _look_at(self, sql: Any, params: Any, lane: str) -> None:
        if not is_watched(sql):
            return
        shards = None
        if faults := find_faults(sql):
            functions = [] if lane else list(_functions_of_ours(sys._getframe()))
            if lane or (functions and not self._is_allowed(sql, functions)):
                self._add(sql, faults, lane or " < ".join(functions))
        elif self.shards_of:
            if self._sent is not None or sql not in self._counts:
                self._counts[sql] = len(self.shards_of(sql, params))
            shards = self._counts[sql]
            if shards > 1:
                self._add(sql, (f"it goes to {shards} shards",), lane or "anybody")
        if self._sent is not None:
            self._sent.append(Sent(lane or "Django's connection", sql, shards))

    def _is_allowed(self, sql: str, functions: list[str]) -> bool:
        if not settings.sharded and any(f.startswith(ONE_STATEMENT_FOR_ALL) for f in functions):
            return True
        only_reads = sql.startswith("SELECT") and " FOR UPDATE" not in sql
        return only_reads and any(f.startswith(tuple(FANS_OUT)) for f in functions)

    def _add(self, sql: str, faults: tuple[str, ...], sender: str) -> None:
        if faults:
            self.broken.append(f"{'; '.join(faults)}, sent by {sender}: {sql}")


watch = Watch()  # of all tests; tests/conftest.py installs it
