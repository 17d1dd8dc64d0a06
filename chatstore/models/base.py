"""Shared by the models: the field type of ids, and the base class of the querysets."""

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
    An id from outside: up to 255 characters, compared and sorted byte by byte.

    By default, MariaDB and MySQL compare "Alice", "alice" and "alice " as equal, which would mix
    owners (S3), and PostgreSQL sorts by the database's locale.
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
    """Django's ``in`` lookup; on PostgreSQL with one array instead of one parameter per value."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", [*params, list(self.rhs)]


class OwnedQuerySet(models.QuerySet[Row]):
    """Rows that have an owner, ``user_id``."""

    def for_owner(self, user_id: str | models.Expression) -> Self:
        """Filter the rows of this owner."""
        return self.filter(user_id=user_id)

    def for_sessions(self, keys: Iterable[uuid.UUID]) -> Self:
        """Filter the sessions with these primary keys, or the rows that belong to them."""
        return self.filter(AnyOf(F("session_id"), keys))

    def visible(self) -> Self:
        """Filter what the owner may see: not hidden by a moderator (M2) or during a hold (M4)."""
        return self.filter(hidden_at__isnull=True)

    def after(self, **position: Any) -> Self:
        """
        Return the rows after a position, ordered by its columns.

        Args:
            position: the last row's values of columns that are unique together, in the order of
                sorting.
        """
        is_after = Q()
        for column, value in reversed(position.items()):
            rest = Q((column, value)) & is_after if is_after else Q()
            is_after = Q((f"{column}__gt", value)) | rest
        first, value = next(iter(position.items()))
        # Implied by the condition above, but with it the database can use an index.
        return self.filter(is_after, (f"{first}__gte", value)).order_by(*position)

    def iter_pages(self, *columns: str, size: int = 500) -> Iterator[list[Row]]:
        """
        Yield all rows in lists of ``size``, ordered by columns that are unique together.

        Unlike iterator() it keeps no cursor and no transaction open, and on every database holds
        only one list in memory.
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
        Delete these rows in one statement, without cascade; return how many were deleted.

        Rows that refer to them must be deleted before. Django's delete() would load all rows to
        find those, and then delete by primary keys instead of by this queryset's conditions.
        """
        return self._raw_delete(self.db)
