"""
What differs where the tables are sharded by owner (CHATSTORE_SHARDED).

There a statement may lock, change or insert only rows of one owner, named by a constant; and two
owners may have rows with the same primary key. Elsewhere one statement serves rows of all owners,
which is faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from chatstore.conf import settings
from chatstore.models.base import Owned

Row = TypeVar("Row", bound=Owned)
# MariaDB refuses a statement that is longer than its max_allowed_packet, by default 16 MiB; there
# a character has up to 4 bytes. A row that is longer is inserted alone.
MAX_INSERT_CHARACTERS = 2**20


def split_by_owner(rows: Iterable[Row]) -> list[list[Row]]:
    """Return rows in lists, each of which one statement may serve: by owner if sharded."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.user_id if settings.sharded else "", []).append(row)
    return list(groups.values())


def unique_columns(model: type[Model]) -> tuple[str, ...]:
    """Return the columns of the table's primary key, with the owner if sharded."""
    key = model._meta.pk.name
    return ("user_id", key) if settings.sharded else (key,)


def insert_rows(
    rows: Iterable[Model], table: QuerySet[Any, Any], batch_size: int | None = None
) -> None:
    """
    Insert rows, as bulk_create does it, in statements of bounded length.

    Where tables are sharded, one by one: Django inserts several from arrays, by UNNEST, which no
    shard can take.
    """
    for each in _split_for_insert(rows):
        table.bulk_create(each, batch_size)


def _split_for_insert(rows: Iterable[Model]) -> Iterator[list[Model]]:
    """Yield rows in lists, each of which one statement may insert."""
    group: list[Model] = []
    length = 0
    for row in rows:
        added = sum(len(str(getattr(row, each.attname))) for each in row._meta.concrete_fields)
        if group and (settings.sharded or length + added > MAX_INSERT_CHARACTERS):
            yield group
            group, length = [], 0
        group.append(row)
        length += added
    if group:
        yield group
