"""What the models share: the type of an id's column, and the verbs of every queryset."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import In

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:  # Django's fields are generic for type checkers only
    _CharField = models.CharField

Row = TypeVar("Row", bound=models.Model, covariant=True)


class IdentifierField(_CharField):
    """
    An id of the outside world: up to 255 characters, compared and sorted byte by byte.

    MariaDB and MySQL would hold "Alice", "alice" and "alice " for the same owner, and
    PostgreSQL sorts by the database's language.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 255)
        super().__init__(*args, **kwargs)

    def db_parameters(self, connection: Any) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            mariadb = connection.mysql_is_mariadb
            parameters["collation"] = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
        elif connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class AnyOf(In):
    """Django's ``in``; on PostgreSQL with one array, not hundreds of parameters to work through."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", [*params, list(self.rhs)]


class OwnedQuerySet(models.QuerySet[Row]):
    def for_owner(self, user_id: str | models.Expression) -> Self:
        """Only the rows of this owner."""
        return self.filter(user_id=user_id)

    def for_sessions(self, keys: Iterable[uuid.UUID]) -> Self:
        """Only these threads, or what belongs to them."""
        return self.filter(AnyOf(F("session_id"), keys))

    def visible(self) -> Self:
        """Only what its owner may see: not what a moderator, or a hold, has hidden."""
        return self.filter(hidden_at__isnull=True)

    def after(self, **position: Any) -> Self:
        """The rows beyond a position, in the order of its columns, which must be unique."""
        beyond = Q()
        for column, value in reversed(position.items()):
            beyond = Q((f"{column}__gt", value)) | (Q((column, value)) & beyond if beyond else Q())
        first, value = next(iter(position.items()))
        # The first column once more, in a form by which an index is entered.
        return self.filter(beyond, (f"{first}__gte", value)).order_by(*position)

    def iter_pages(self, *columns: str, size: int = 500) -> Iterator[list[Row]]:
        """
        Yield all rows, ``size`` at a time, in the order of columns that are unique together.

        Unlike iterator() it keeps no cursor and no transaction open, and the memory is that of
        a page on every database.
        """
        page = list(self.order_by(*columns)[:size])
        while page:
            yield page
            if len(page) < size:
                return
            position = {column: getattr(page[-1], column) for column in columns}
            page = list(self.after(**position)[:size])

    def raw_delete(self) -> int:
        """
        Delete these rows in one statement, and return how many they were.

        Nothing cascades, and what refers to the rows must be gone: delete() would load them
        all, to look for it, and would name their keys instead of these conditions.
        """
        return self._raw_delete(self.db)
