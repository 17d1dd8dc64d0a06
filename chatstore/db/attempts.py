"""
What a database operation is written with: the statements that it yields, and what it knows of its
earlier attempts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias, TypeVar

from django.db import Error, IntegrityError, connections, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from chatstore.db.errors import is_rolled_back
from chatstore.db.statements import Statement

Result = TypeVar("Result")
# The clocks of two servers may differ by less than this.
CLOCK_DIFFERENCE = dt.timedelta(minutes=1)


class Query(NamedTuple):
    """A statement and its values, which an operation yields; it is sent Statement.run's result."""

    statement: Statement
    values: dict[str, Any]


# What an operation yields before it uses Django's connection itself. The event loop has no such
# connection: there the operation ends, and is run anew in the request's thread.
IN_THREAD = None

Steps: TypeAlias = Generator[Query | None, Any, Result]


class Attempt:
    """
    What an operation knows of its own earlier attempts; one instance serves all of them (S15).

    A repeated operation must not insert a row again that was deleted meanwhile. So it may insert
    only if no earlier attempt has found the row (``row_existed``), and none has lost its
    connection during COMMIT, or during a statement that commits by itself, when the row may have
    been inserted (``commit_error``). Where deletions leave their time, it may also insert if the
    last one was before ``earliest_deletion``, and so before the first attempt.
    """

    def __init__(self, using: str) -> None:
        self.using = using  # alias of the database
        self.retries = 0
        self.has_begun = False
        self.row_existed = False
        self.may_insert = True  # for the operation's own use: what an earlier attempt has found
        self.commit_error: Error | None = None
        self.is_reconnected = False  # the connection was replaced in the transaction
        self._is_committing = False

    @cached_property
    def earliest_deletion(self) -> dt.datetime:
        """For an operation that reads it in its first attempt."""
        return timezone.now() - CLOCK_DIFFERENCE

    @property
    def may_create(self) -> bool:
        return not self.row_existed and self.commit_error is None

    def raise_unknown_outcome(self) -> None:
        """Raise the COMMIT's error if it is unknown whether the row was ever inserted."""
        if self.commit_error is not None and not self.row_existed:
            raise self.commit_error

    def run_query(self, query: Query) -> Any:
        """Run a statement on Django's connection: in the transaction, if one is open."""
        connection = connections[self.using]
        self.is_reconnected = False
        self._is_committing = query.statement.is_insert and not connection.in_atomic_block
        result = query.statement.run(connection, query.values)
        self._is_committing = False
        return result

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction, or a savepoint inside the caller's transaction."""
        self._is_committing = self.is_reconnected = False
        connection = connections[self.using]
        opened: Any = None
        try:
            with transaction.atomic(using=self.using):
                opened = connection.connection
                yield
                self._is_committing = True
        except Error:
            self.is_reconnected = connection.connection is not opened
            raise
        self._is_committing = False

    def update_or_create(self, update: Callable[[], int], create: Callable[[], object]) -> bool:
        """
        Update a row, or insert it; return False if its key belongs to another owner's row.

        Args:
            update: updates the caller's row; returns the number of rows updated.
            create: inserts the row; raises IntegrityError if its key exists.
        """
        try:
            with self.transaction():
                if update():
                    self.row_existed = True
                elif not self.may_create:
                    self.raise_unknown_outcome()
                elif not self.may_insert:  # the row that was found is another owner's, or gone
                    return False
                else:
                    create()
        except IntegrityError:
            # The key exists: as another owner's row, or the owner has inserted it concurrently.
            return bool(update())
        return True

    def record_failure(self, error: Error, is_dropped: bool) -> None:
        """Remember an error after which it is unknown whether the transaction was committed."""
        if self._is_committing and is_dropped and not is_rolled_back(error):
            self.commit_error = error
