"""
Looks at each statement that the tests send on rows with an owner, on both lanes of the store (S19).

It is compared with the rule (tests/shard_rule.py), and where there are shards, so is its plan.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from django.db.backends.signals import connection_created

from chatstore.conf import settings
from tests.shard_rule import find_faults, is_watched

ROOT = Path(__file__).resolve().parent.parent
# What reads the rows of all owners by nature, by the function that does it, and why. It may only
# read, and lock nothing.
FANS_OUT = {
    "chatstore.moderation.search": "moderators search in all conversations",
    "chatstore.moderation.statistics": "the overview's figures are those of all owners",
    "chatstore.admin.lists": "the moderators' lists show the rows of all owners",
    "chatstore.admin.list_exports": "and as files",
    "chatstore.admin.message_admin": "the same: Django reads a list, or a page by its key",
    "chatstore.admin.thread_admin": "the same: Django reads a list, or a page by its key",
    "chatstore.admin.report_admin": "the list of reports; Django's",
    "chatstore.admin.report_pages.ReportPages.report": "elsewhere a URL names the key only",
    "chatstore.admin.read_only.ReadOnlyAdmin.get_object": "elsewhere a URL names the key only",
    "chatstore.admin.permissions.PageBase.thread": "a page's URL names the thread's key only",
    "chatstore.lifecycle.retention.cleanup": "retention looks for old threads of all owners",
    "chatstore.checks.retention": "and a check asks whether there are any",
    "chatstore.lifecycle.erasure._owners_of_reports_by": "reports that a user has written",
    "chatstore.server.suspensions._find_sentences": "those whom a process streams to",
    "chatstore.server.running_answers._find": "the threads that a process answers in",
    "chatstore.moderation.queue": "the queue holds reports on threads of all owners",
    "chatstore.lifecycle.records": "and for closed reports of all owners",
    "chatstore.lifecycle.unused_files.cleanup_files": "and for unused uploads of all owners",
    "chatstore.lifecycle.decode_check": "check_items reads every row",
    "chatstore.sharding.requirements": "undoing looks for keys that two owners have",
    "chatstore.management.progress": "on a terminal a command counts what it has to do",
    "chatstore.portability.exports": "an export holds all owners, unless one is named",
}
# Where the tables are not sharded, these use one statement for the rows of several owners.
ONE_STATEMENT_FOR_ALL = (
    "chatstore.lifecycle.deletion",
    "chatstore.lifecycle.retention",
    "chatstore.lifecycle.transfer",
    "chatstore.lifecycle.unused_files",
    "chatstore.portability.import_batches",
    "chatstore.portability.imports",
)


def _functions_of_ours(frame: FrameType | None) -> Iterator[str]:
    """Yield the functions that have sent a statement, the innermost first, up to a test's."""
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module.startswith("tests.") and module != __name__:
                return
            # A test may use a model's queryset itself.
            if module.startswith(("chatstore.", "project.")) and ".models." not in module:
                yield f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back


class Sent(NamedTuple):
    """
    A statement that was sent.

    Attributes:
        shards: how many shards it goes to, by its plan; None if no plan was asked for.
    """

    lane: str
    sql: str
    shards: int | None


class Watch:
    """
    Applies the rule to every statement of chatstore on owned rows, and remembers what breaks it.

    Attributes:
        shards_of: returns the shards, or what stands for them, that a statement goes to.
        broken: what broke the rule, in sentences.
    """

    def __init__(self) -> None:
        self.shards_of: Callable[[str, Any], set[str]] | None = None
        self.broken: list[str] = []
        self._counts: dict[str, int] = {}
        self._sent: list[Sent] | None = None

    def install(self) -> None:
        from chatstore.db.async_pools import AsyncDatabase

        connection_created.connect(self._watch_connection)
        run = AsyncDatabase.run

        async def run_watched(database: AsyncDatabase, statement: Any, values: Any) -> Any:
            sql, params = statement.bind(database._wrapper, values)
            self._look_at(sql, params, "the async lane")
            return await run(database, statement, values)

        AsyncDatabase.run = run_watched  # type: ignore[method-assign]

    @contextmanager
    def recorded(self) -> Iterator[list[Sent]]:
        """Yield a list of the statements on owned rows that are sent in the block."""
        self._sent = []
        try:
            yield self._sent
        finally:
            self._sent = None

    def _watch_connection(self, connection: Any, **_kwargs: Any) -> None:
        if connection.vendor == "postgresql" and self._watch not in connection.execute_wrappers:
            # First, since a test that adds its own removes the last one.
            connection.execute_wrappers.insert(0, self._watch)

    def _watch(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self._look_at(sql, params, "")
        return execute(sql, params, many, context)

    def _look_at(self, sql: Any, params: Any, lane: str) -> None:
        if not is_watched(sql):
            return
        shards = None
        if faults := find_faults(sql):
            functions = [] if lane else list(_functions_of_ours(sys._getframe()))
            if lane or (functions and not self._is_allowed(sql, functions)):
                self._add(sql, faults, lane or " < ".join(functions))
        elif self.shards_of:
            if self._sent is not None or sql not in self._counts:
                self._counts[sql] = len(self.shards_of(sql, params))
            shards = self._counts[sql]
            if shards > 1:
                self._add(sql, (f"it goes to {shards} shards",), lane or "anybody")
        if self._sent is not None:
            self._sent.append(Sent(lane or "Django's connection", sql, shards))

    def _is_allowed(self, sql: str, functions: list[str]) -> bool:
        if not settings.sharded and any(f.startswith(ONE_STATEMENT_FOR_ALL) for f in functions):
            return True
        only_reads = sql.startswith("SELECT") and " FOR UPDATE" not in sql
        return only_reads and any(f.startswith(tuple(FANS_OUT)) for f in functions)

    def _add(self, sql: str, faults: tuple[str, ...], sender: str) -> None:
        if faults:
            self.broken.append(f"{'; '.join(faults)}, sent by {sender}: {sql}")


watch = Watch()  # of all tests; tests/conftest.py installs it
