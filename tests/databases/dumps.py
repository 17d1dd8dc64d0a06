"""Writes a database as SQL, and makes a database of such SQL."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

# The folders' and files' names.
FOLDER = Path(__file__).resolve().parent
NAMES = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mariadb"}


def database_name() -> str:
    return NAMES[connection.vendor]


def dump() -> str:
    """Return the SQL of the current database."""
    settings = connection.settings_dict
    match connection.vendor:
        case "sqlite":
            with contextlib.closing(sqlite3.connect(settings["NAME"])) as database:
                return "\n".join(database.iterdump()) + "\n"
        case "postgresql":
            command = ["pg_dump", "--no-owner", "--no-privileges", "--inserts"]
            options = {"--host": "HOST", "--port": "PORT", "--username": "USER"}
        case _:
            command = ["mysqldump", "--skip-dump-date", "--skip-add-locks", "--compact"]
            # A row a line, with its newlines escaped: so statements end at the ends of lines.
            command += ["--skip-extended-insert", "--default-character-set=utf8mb4"]
            options = {"--host": "HOST", "--port": "PORT", "--user": "USER"}
    command += [f"{name}={settings[key]}" for name, key in options.items() if settings[key]]
    password = str(settings["PASSWORD"])
    done = subprocess.run(
        [*command, settings["NAME"]],
        env=os.environ | {"PGPASSWORD": password, "MYSQL_PWD": password},
        capture_output=True,
        text=True,
        check=True,
    )
    # psql's own commands, which no server understands, and comments that name versions.
    return re.sub(r"^(\\|--).*\n", "", done.stdout, flags=re.M)


@contextlib.contextmanager
def loaded(sql: str, folder: Path) -> Iterator[str]:
    """
    Make a database of the SQL beside the current one, and drop it at the end.

    Args:
        folder: for the file of SQLite's.

    Yields:
        Its name, which is a path for SQLite.
    """
    if connection.vendor == "sqlite":
        path = str(folder / "old.sqlite3")
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript(sql)
        yield path
        return
    name = f"{connection.settings_dict['TEST']['NAME']}_old"
    quoted = connection.ops.quote_name(name)
    is_postgresql = connection.vendor == "postgresql"
    # By force: a connection of a process that has just ended may still be there.
    drop = f"DROP DATABASE IF EXISTS {quoted}{' WITH (FORCE)' if is_postgresql else ''}"
    with connection._nodb_cursor() as server:
        server.execute(drop)
        server.execute(
            f"CREATE DATABASE {quoted}{'' if is_postgresql else ' CHARACTER SET utf8mb4'}"
        )
        try:
            _fill(name, sql)
            yield name
        finally:
            server.execute(drop)


def _fill(name: str, sql: str) -> None:
    new = connection.copy()
    new.settings_dict["NAME"] = name
    new.settings_dict["OPTIONS"].pop("pool", None)
    with contextlib.closing(new), new.cursor() as cursor:
        if new.vendor == "mysql":  # tables may refer to later ones
            cursor.execute("SET foreign_key_checks = 0")
        for statement in _statements(sql):
            cursor.execute(statement)


def _statements(sql: str) -> list[str]:
    if connection.vendor == "postgresql":
        return [sql]  # the server takes several
    return [each for each in re.split(r";$", sql, flags=re.M) if each.strip()]
