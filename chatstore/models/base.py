"""Shared by the models: their types of fields, and the base class of the querysets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.lookups import Exact, In

from chatstore.conf import settings

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
    _ForeignKey = models.ForeignKey[Any, Any]
else:  # Django's fields are generic for type checkers only
    _CharField = models.CharField
    _ForeignKey = models.ForeignKey

Row = TypeVar("Row", bound=models.Model, covariant=True)


class Owned(Protocol):
    """What has an owner: a row, or a named tuple."""

    @property
    def user_id(self) -> str: ...


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


class PartialIndex(models.Index):
    """
    An index of the rows that satisfy a condition; of all rows where a database has no such indexes.

    For rows that are rare, in a table whose rows are often changed: PostgreSQL adds each change to
    all indexes that hold the row. MariaDB changes an index only where one of its columns changes.
    """

    def __init__(self, *, where: Q, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.where = where  # not ``condition``, of which Django warns on MariaDB

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"where": self.where}

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        is_supported = schema_editor.connection.features.supports_partial_indexes
        condition = self.where if is_supported else None
        index = models.Index(fields=self.fields, name=self.name, condition=condition)
        return index.create_sql(model, schema_editor, using=using, **kwargs)


class AnyOf(In):
    """Django's ``in`` lookup; on PostgreSQL with one array instead of one parameter per value."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", [*params, list(self.rhs)]


class OwnedForeignKey(_ForeignKey):
    """
    A foreign key between rows of one owner: look-ups, and joins of shards, compare the owner too.

    Where tables are sharded by owner, they could not be answered otherwise; and there, two owners
    may have rows with the same primary key. Elsewhere a join does not, since PostgreSQL would
    expect fewer rows of it, and read whole tables. For migrations it is a ForeignKey.
    """

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> Any:
        if not settings.sharded:
            return None
        theirs: Any = self.remote_field.model._meta.get_field("user_id")
        ours: Any = self.model._meta.get_field("user_id")
        return Exact(theirs.get_col(alias), ours.get_col(related_alias))

    def get_extra_descriptor_filter(self, instance: Any) -> dict[str, Any]:
        return {"user_id": instance.user_id}


class OwnedModel(models.Model):
    """
    A row that has an owner, ``user_id``.

    Where tables are sharded another owner may have a row with the same primary key, by which alone
    Django would save, load again and delete this one.
    """

    user_id: Any  # each has such a field

    class Meta:
        abstract = True

    def refresh_from_db(
        self, using: str | None = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        if settings.sharded and "user_id" not in self.get_deferred_fields():
            if from_queryset is None:
                rows: Any = type(self)._base_manager
                from_queryset = rows.db_manager(using, hints={"instance": self})
            from_queryset = from_queryset.filter(user_id=self.user_id)
        super().refresh_from_db(using, fields, from_queryset)

    def _do_update(  # type: ignore[override]
        self, base_qs: Any, using: str, pk_val: Any, values: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if settings.sharded:
            base_qs = base_qs.filter(user_id=self.user_id)
            values = [value for value in values if value[0].name != "user_id"]
        inherited: Any = super()
        return inherited._do_update(base_qs, using, pk_val, values, *args, **kwargs)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> Any:
        if not settings.sharded:
            return super().delete(using, keep_parents)
        rows: Any = type(self)._default_manager.using(using or self._state.db)
        return rows.for_owner(self.user_id).filter(pk=self.pk).delete()


class OwnedQuerySet(models.QuerySet[Row]):
    """Rows that have an owner, ``user_id``."""

    def for_owner(self, user_id: str | models.Expression) -> Self:
        """Filter the rows of this owner."""
        return self.filter(user_id=user_id)

    def for_sessions(self, sessions: Collection[Owned]) -> Self:
        """Filter these sessions, or the rows that belong to them, as ``for_keys`` does."""
        return self.for_keys(sessions, "session_id")

    def for_keys(self, rows: Collection[Owned], key: str) -> Self:
        """
        Filter the rows that have the same key as one of ``rows``.

        Where tables are sharded, another owner's row may have it too: there ``rows`` must have one
        owner (chatstore.db.sharding), or the caller compares the owners.

        Args:
            rows: have the attributes user_id and ``key``.
            key: the name of a column.
        """
        owners = {row.user_id for row in rows}
        mine = self.for_owner(*owners) if len(owners) == 1 else self
        return mine.filter(AnyOf(F(key), [getattr(row, key) for row in rows]))

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

    def delete(self) -> tuple[int, dict[str, int]]:
        """
        Delete these rows, and those that refer to them, as Django does.

        Where tables are sharded, of each owner by itself, and without Django's signals: it would
        find and delete rows by ids alone, and so take another owner's too.
        """
        if not settings.sharded:
            return super().delete()
        counts = Counter[str]()
        with transaction.atomic(using=self.db):
            for owner in set(self.order_by().values_list("user_id", flat=True)):
                counts.update(self.for_owner(owner)._delete_of_owner(owner))
        return counts.total(), dict(counts)

    def _delete_of_owner(self, owner: str) -> Counter[str]:
        keys = list(self.order_by().values_list("pk", flat=True))
        counts = Counter[str]()
        for relation in self.model._meta.related_objects:
            if isinstance(relation.field, OwnedForeignKey) and relation.on_delete is models.CASCADE:
                referring: Any = relation.related_model._default_manager.using(self.db)
                theirs = referring.filter((f"{relation.field.attname}__in", keys), user_id=owner)
                counts.update(theirs.delete()[1])
        rows: Any = self.model._default_manager.using(self.db).filter(user_id=owner, pk__in=keys)
        counts[self.model._meta.label] += rows.raw_delete()
        return counts

    def raw_delete(self) -> int:
        """
        Delete these rows in one statement, without cascade; return how many were deleted.

        Rows that refer to them must be deleted before. Django's delete() would load all rows to
        find those, and then delete by primary keys instead of by this queryset's conditions.
        """
        return self._raw_delete(self.db)
