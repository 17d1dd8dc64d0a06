"""Selects the tests to run, by the database in DATABASE_URL and the parts that there are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests import citus, partitions
from tests.browser import browser, chromium, site, visit
from tests.caches import has_redis
from tests.no_limits import NO_LIMITS
from tests.postgresql import can_run, has_namespaces
from tests.shard_watch import watch

__all__ = ["browser", "site", "visit"]  # fixtures

VENDORS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mariadb"}
IN_CI = bool(os.environ.get("CI"))
if citus.URL:
    citus.use()
    watch.shards_of = citus.tasks
elif partitions.IS_ON:
    watch.shards_of = partitions.partitions_read


# Whether the tests run on tables that are divided, or distributed, by owner.
SHARDS = {"partitions": partitions.IS_ON, "citus": bool(citus.URL)}
SHARDS["sharded"] = any(SHARDS.values())


# Tells whether the machine has what the tests with this marker need.
PARTS: dict[str, Callable[[], object]] = {
    "browser": chromium,
    "redis": has_redis,
    "own_postgresql": can_run,
    "namespace": has_namespaces,
    "gettext": lambda: shutil.which("msgcmp"),
}


def pytest_configure() -> None:
    """
    Run the store in threads, unless a test sets the pool; live servers use the demo's pool.

    Without limits for users, unless a test sets them: users of several tests have the same id, and
    what they start in a minute would be counted together.
    """
    from chatstore.http.views import warn_of_wsgi  # where settings are not read yet, not above

    watch.install()
    warn_of_wsgi()  # said once, and not among what a test expects to be logged
    settings.CHATSTORE_SHARDED = SHARDS["sharded"]
    settings.CHATSTORE_ASYNC_POOL = {}
    for name, value in NO_LIMITS.items():
        setattr(settings, name, value)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Deselect tests for other databases. They are not skipped, so that each skip is unexpected.

    So are tests of a part that the machine does not have; in CI they are run, and fail.
    """
    unfit = set(VENDORS.values()) - {VENDORS[connection.vendor]}
    if not IN_CI:
        unfit |= {name for name, is_there in PARTS.items() if not is_there()}
    unfit |= {name for name, is_on in SHARDS.items() if not is_on}
    if settings.CHATSTORE_SHARDED:
        unfit.add("unsharded")
    deselected = [item for item in items if _is_only_for(item, unfit)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


def _is_only_for(item: pytest.Item, unfit: set[str]) -> bool:
    markers = {marker.name for marker in item.iter_markers()}
    databases = markers & set(VENDORS.values())
    return bool((markers - databases) & unfit or (databases and databases <= unfit))


@pytest.fixture(autouse=True)
def _no_statement_is_unfit_for_shards() -> Iterator[None]:
    """Fail a test in which chatstore sends a statement that a shard could not take."""
    watch.broken.clear()
    yield
    assert not watch.broken, "\n".join(watch.broken)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """In CI a skipped test counts as a failure."""
    outcome = yield
    report = outcome.get_result()
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI takes for a failure: {report.longrepr}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """
    Divide or distribute the tables, where that is asked for.

    At the end close connections of killed processes: PostgreSQL drops no database in use.
    """
    if partitions.IS_ON:
        with django_db_blocker.unblock():
            partitions.divide_tables()
    if citus.URL:
        with django_db_blocker.unblock():
            citus.distribute_database()
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    if citus.URL:
        citus.drop_workers_databases()


@pytest.fixture(scope="session")
def browser_executable() -> str:
    """The path of Chromium for the browser tests."""
    executable = chromium()
    assert executable, "No browser: install chromium or set CHATSTORE_BROWSER to its path."
    return executable
