"""
The tests on a Citus cluster, whose coordinator CHATSTORE_TEST_CITUS names; or not, if it is unset.

The tests' database is made on each node, and its tables are distributed after the migrations.
"""

from __future__ import annotations

import os
import re
from io import StringIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

import project.settings
from tests.partitions import plan_of

URL = os.environ.get("CHATSTORE_TEST_CITUS", "")
SHARD_COUNT = 4  # so that TransactionTestCase empties the tables faster


def use() -> None:
    """Let the tests, and the processes that they start, use the cluster; before any query."""
    os.environ |= {"DATABASE_URL": URL, "CHATSTORE_SHARDED": "on"}
    settings.DATABASES["default"] = project.settings.database(URL)
    connections.settings = connections.configure_settings(settings.DATABASES)
    del connections["default"]


def distribute_database() -> None:
    """Distribute the tables of the tests' database, which was made on the coordinator."""
    coordinator, *workers = _nodes()
    drop_workers_databases()
    for worker in workers:
        _run(_url(worker), f'CREATE DATABASE "{_name()}"')
    for node in (coordinator, *workers):
        _run(_url(node, _name()), "CREATE EXTENSION citus")
    url = _url(coordinator, _name())
    _run(url, "SELECT citus_set_coordinator_host(%s, %s)", *coordinator)
    for worker in workers:
        _run(url, "SELECT citus_add_node(%s, %s)", *worker)
    distribute_tables()


def drop_workers_databases() -> None:
    """Drop the tests' database on the workers; Django drops the coordinator's."""
    for worker in _nodes()[1:]:
        _run(_url(worker), f'DROP DATABASE IF EXISTS "{_name()}" WITH (FORCE)')


def distribute_tables() -> None:
    """Distribute what the migrations have created; does nothing without a cluster."""
    if URL:
        options = {"shard_count": SHARD_COUNT, "stdout": StringIO(), "skip_checks": True}
        call_command("distribute_tables", **options)


def tasks(sql: str, params: Any = None) -> set[str]:
    """Return a name for each task that the coordinator divides a statement into."""
    counts = re.findall(r"Task Count: (\d+)", plan_of(sql, params))
    return {f"task {number}" for number in range(sum(map(int, counts)))}


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _nodes() -> list[tuple[str, int]]:
    """Return host and port of the cluster's nodes, the coordinator first."""
    return list(_run(URL, "SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid"))


def _url(node: tuple[str, int], database: str = "postgres") -> str:
    url = urlsplit(URL)
    user = url.netloc.rpartition("@")[0]
    return urlunsplit(url._replace(netloc=f"{user}@{node[0]}:{node[1]}", path=f"/{database}"))


def _run(url: str, sql: str, *values: object) -> Any:
    with psycopg.connect(url, autocommit=True) as db:
        cursor = db.execute(sql, values or None)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else None
