"""What the errors of the databases mean: whether an operation that has failed can succeed yet."""

from __future__ import annotations

from typing import Any

from django.db import Error, IntegrityError, InterfaceError, OperationalError

# Errors after which the same operation can succeed: serialization failure, deadlock and lock not
# available (SQLSTATE); record has changed, lock wait timeout and deadlock (InnoDB); busy and
# locked (SQLite).
_TRANSIENT_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_TRANSIENT_MYSQL = frozenset({1020, 1205, 1213})
_TRANSIENT_SQLITE = frozenset({5, 6})


def is_pool_timeout(error: Error) -> bool:
    """Tell whether no connection of psycopg's pool was free: it has waited for that long enough."""
    return type(error.__cause__).__name__ == "PoolTimeout"


def is_connection_error(error: Error) -> bool:
    """Tell from an error of psycopg whether the connection is lost, or the server is stopping."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, (OperationalError, InterfaceError)) and (
        sqlstate is None or sqlstate.startswith(("08", "57P"))
    )


def is_shard_lost(error: Error) -> bool:
    """
    Tell whether the server has lost its own connection to another one, though ours lives.

    Citus says so of a shard. As after a connection of ours, a COMMIT's outcome is unknown.
    """
    return str(getattr(error.__cause__, "sqlstate", "")).startswith("08")


def is_rolled_back(error: Error) -> bool:
    """
    Tell whether PostgreSQL itself has ended the connection, and so committed nothing.

    It does not say so (57P01) to whom it can't promise that.
    """
    return getattr(error.__cause__, "sqlstate", None) == "57P01"


def is_transient(error: Error, is_dropped: bool) -> bool:
    """Tell whether the operation can succeed if it is repeated."""
    if is_pool_timeout(error):
        return False
    cause: Any = error.__cause__
    return (
        is_dropped
        # Two operations inserted the same row: the next attempt finds it.
        or isinstance(error, IntegrityError)
        or getattr(cause, "sqlstate", None) in _TRANSIENT_SQLSTATES
        or (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _TRANSIENT_SQLITE
        or (bool(error.args) and error.args[0] in _TRANSIENT_MYSQL)
    )
