"""
The thread cache: the row that load_thread reads, in the Django cache that CHATSTORE_CACHE names.

A thread has two keys in the cache. One holds a version, a random text; the other holds a row with
the version that was there before the row was read. A row is used only while its version is the
thread's. Whoever changes a thread replaces the version by _CHANGED, before the change and again
after its commit. Until that has expired no row of the thread is used or stored (S21):

- A row that was read before a commit, but is stored after it, has a version that never comes back.
- From before the commit on, readers ask the database, also if the writer is killed after it.

Errors of the cache are logged, and the database answers. Its methods may wait for the network, so
they are called in the request's thread.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.cache import BaseCache, caches
from django.db import connections, transaction

from chatstore.conf import settings
from chatstore.db.attempts import IN_THREAD, Query, Steps
from chatstore.store.owner import Owner

logger = logging.getLogger(__name__)
# For so many seconds a changed thread is not cached. Longer than any time between a statement and
# its COMMIT: only if that takes longer, a writer killed right after it can leave an old row in use.
CHANGED_SECONDS = 60
_CHANGED = "changed"
_is_allowed: ContextVar[bool] = ContextVar("chatstore_thread_cache", default=True)


def is_on() -> bool:
    """Tell whether there is a thread cache."""
    return bool(settings.cache)


@contextmanager
def allow_cache(is_allowed: bool) -> Iterator[None]:
    """
    Set whether load_thread may use the cache in the block, and in the tasks that it starts.

    Where a thread's state decides what is written it may not: a writer that could not reach the
    cache has left an old row in it.
    """
    token = _is_allowed.set(is_allowed)
    try:
        yield
    finally:
        _is_allowed.reset(token)


def select_thread(owner: Owner, session_id: uuid.UUID, query: Query) -> Steps[list[Any]]:
    """Return what the query of a thread returns: its row from the cache, or else the query's."""
    if not (is_on() and _is_allowed.get()):
        rows: list[Any] = yield query
        return rows
    yield IN_THREAD
    # A transaction may see what is not committed yet, or what is no longer so.
    is_in_transaction = connections[owner.using].in_atomic_block
    entry = None if is_in_transaction else _Entry(owner.using, owner.user_id, session_id)
    if entry and (row := entry.get()):
        return [row]
    rows = yield query
    if entry and rows:
        entry.set(rows[0])
    return rows


@contextmanager
def changing(using: str, *threads: tuple[str, uuid.UUID]) -> Iterator[None]:
    """
    Surround a change of threads, so that no older row of them is used after its commit.

    Args:
        using: alias of the database.
        threads: the owner's id and the session_id of each.
    """
    if not is_on():
        yield
        return
    entries = [_Entry(using, user_id, session_id) for user_id, session_id in threads]
    _mark_changed(entries)
    try:
        yield
    finally:
        if connections[using].in_atomic_block:
            transaction.on_commit(lambda: _mark_changed(entries), using=using, robust=True)
        else:
            _mark_changed(entries)


class _Entry:
    """The keys of a thread in the cache, for one reader or writer."""

    def __init__(self, using: str, user_id: str, session_id: uuid.UUID) -> None:
        self.session_id = session_id
        self.version = _CHANGED  # that a row which is read from now on may be stored with
        # The version is one for all aliases, which may name the same database; rows are not.
        self.version_key = _key("version", session_id.hex, user_id)
        self.row_key = _key("row", using, session_id.hex, user_id)

    def get(self) -> tuple[Any, ...] | None:
        """Return the thread's row; None if there is none that may be used."""
        row: tuple[Any, ...] | None = _call(self._get, [self])
        return row

    def _get(self, cache: BaseCache) -> tuple[Any, ...] | None:
        found = cache.get_many([self.version_key, self.row_key])
        version = found.get(self.version_key)
        if version is None:
            version = uuid.uuid4().hex
            if cache.add(self.version_key, version, settings.cache_ttl):
                self.version = version
            return None
        self.version = version
        row: tuple[Any, ...] | None
        row_version, row = found.get(self.row_key, (None, None))
        return row if row_version == version else None

    def set(self, row: tuple[Any, ...]) -> None:
        """Store a row that was read after get()."""
        if self.version != _CHANGED:
            value = self.version, row
            _call(lambda cache: cache.set(self.row_key, value, settings.cache_ttl), [self])


def _key(*parts: str) -> str:
    return f"chatstore.1.{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _mark_changed(entries: Iterable[_Entry]) -> None:
    # The rows too, so that no text of a deleted thread is left.
    values: dict[str, Any] = {}
    for each in entries:
        values |= {each.version_key: _CHANGED, each.row_key: (_CHANGED, None)}

    def set_many(cache: BaseCache) -> None:
        if failed := cache.set_many(values, CHANGED_SECONDS):
            raise OSError(f"{len(failed)} keys were not set")

    _call(set_many, entries)


def _call(function: Callable[[BaseCache], Any], entries: Iterable[_Entry]) -> Any:
    try:
        return function(caches[settings.cache])
    except Exception as error:  # noqa: BLE001 (each cache has errors of its own)
        ids = ", ".join(str(each.session_id) for each in entries)
        logger.warning("The cache failed for %s: %s", ids, type(error).__name__)
        return None
