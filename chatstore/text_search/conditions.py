"""The terms of a search, and the conditions on the rows that have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.models import Q, QuerySet

from chatstore import codec
from chatstore.conf import settings
from chatstore.text_search import words

MAX_TEXT = 1_000  # characters of a search; SQLite refuses very long patterns
_TERM = re.compile(r'"([^"]+)"|(\S+)')


def terms_of(text: str) -> list[str]:
    """Return the words of a text, and what it has in quotes, each once, of one kind of script."""
    text = codec.replace_unstorable(text)[:MAX_TEXT]
    found = [quoted or word for quoted, word in _TERM.findall(text)]
    return list(dict.fromkeys(part for term in found for part in words.split(term)))


def is_indexed(queryset: QuerySet[Any]) -> bool:
    """Tell whether the database finds words by the index of migration 0011."""
    return connections[queryset.db].vendor == "postgresql"


def matching(rows: Any, column: str, terms: list[str]) -> Any:
    """
    Return the rows of which the column, title or content, has all terms.

    A word is found by its beginning too; where there is no index, by any part of it.
    """
    if not is_indexed(rows):
        return rows.filter(*(contains(rows.db, column, term) for term in terms))
    rows = rows.alias(words=words.vector(column)).filter(words=words.query(terms))
    inexact = (term for term in terms if not words.is_exact(term))
    return rows.filter(*(Q((f"{column}__contains", term)) for term in inexact))


@contextmanager
def planned(using: str, **options: str) -> Iterator[None]:
    """
    Let PostgreSQL plan the queries of the block by other settings.

    They are made in a transaction, or a savepoint of the caller's transaction, that is rolled back
    after the block, so that no later query is planned by them.

    Where tables are sharded, the workers plan. Citus passes SET LOCAL on to them, and no
    set_config, if it is told to; a PostgreSQL without Citus takes that setting for one of a
    program, and ignores it.
    """
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            if settings.sharded:
                # One by one: Citus would pass on all of a text that has several.
                for name, value in {"citus.propagate_set_commands": "local", **options}.items():
                    cursor.execute(f"SET LOCAL {name} TO '{value}'")
            else:
                changes = ", ".join(["set_config(%s, %s, true)"] * len(options))
                values = [value for option in options.items() for value in option]
                cursor.execute(f"SELECT {changes}", values)
        yield
        transaction.set_rollback(True, using=using)


def contains(using: str, column: str, text: str) -> Q:
    """Return the condition that a column contains a text, without regard to case."""
    if connections[using].vendor == "sqlite":  # its own comparison knows the case of ASCII only
        return Q((f"{column}__iregex", re.escape(text)))
    return Q((f"{column}__icontains", text))
