"""
Bytes in the storage, the list of files still to remove, and the deletion of what has files.

A database and a storage have no transaction in common. So a file's name is noted before its
bytes are written, and the note goes in the transaction that writes the name to a row; and the
transaction that deletes the row notes the name again, and the file goes after its commit. At
every instant a file has a row or a note, and a crash leaves nothing but notes, which
cleanup_attachments works off (A4).

Deleting wrongly is the worst that this software could do: everything that deletes many threads
comes through delete_sessions.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import IntegrityError, connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatstore import signals
from chatstore.conf import settings
from chatstore.database import give_connections_back
from chatstore.models import (
    ChatAttachment,
    ChatAttachmentQuerySet,
    ChatFileToRemove,
    ChatMessage,
    ChatSession,
    ChatSessionQuerySet,
)

logger = logging.getLogger(__name__)

UPLOAD_TIME = dt.timedelta(days=1)  # after which a file that no row names is nobody's
RETRY_AFTER = dt.timedelta(hours=1)


@dataclass
class Counts:
    """What was deleted, exported or imported: rows that the database says it has changed."""

    threads: int = 0
    messages: int = 0
    files: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.threads + other.threads,
            self.messages + other.messages,
            self.files + other.files,
        )


def storage() -> Storage:
    """Return the storage that CHATSTORE_STORAGE names among STORAGES."""
    return storages[settings.storage]


# From bytes to a row


def save(content: File, using: str) -> str:
    """
    Write bytes under a fresh name and return it; the file stays only if it is kept within a day.

    Call it outside of a transaction: the note must be there whatever happens to the bytes. Then
    write the name to a row and call ``keep`` in one transaction. What the storage raises is
    raised, and leaves nothing behind.
    """
    return write(lambda path: storage().save(path, content, max_length=255), using)


def write(put: Callable[[str], str], using: str) -> str:
    """The same for bytes that come in another way: ``put`` gets a name and returns the real one."""
    # Says nothing of owner or content, and has no suffix that a web server would believe.
    name = secrets.token_hex(16)
    path = storage().get_available_name(f"chatstore/{name[:2]}/{name[2:]}", max_length=255)
    expect(path, using)
    give_connections_back()  # a storage may take its time
    try:
        saved = put(path)
    except BaseException:
        discard(path, using)
        raise
    if saved != path:  # the storage has its own idea of names
        expect(saved, using)
        noted(using).filter(path=path).delete()
    return saved


def expect(path: str, using: str) -> None:
    """Note a file that is about to be written: it goes after a day unless it is kept."""
    _note([path], using, UPLOAD_TIME)


def keep(path: str, using: str) -> None:
    """
    Drop the note of a saved file, in the transaction that writes its name to a row.

    Raises FileNotFoundError where it took about a day. An hour before the file is due it is
    given up: whoever removes what is due can't see what this transaction has not yet committed.
    """
    not_yet = timezone.now() + RETRY_AFTER
    if not noted(using).filter(path=path, due_at__gt=not_yet).delete()[0]:
        raise FileNotFoundError(path)


def discard(path: str, using: str) -> None:
    """Remove a saved file that nobody wants; tried again until it is gone."""
    noted(using).filter(path=path).update(due_at=timezone.now())
    remove([path], using)


# From a row to nothing


def delete_sessions(sessions: ChatSessionQuerySet, limit: int | None = None) -> Counts:
    """
    Delete threads with their messages and files, in one transaction, and return real counts.

    Args:
        sessions: a queryset of plain conditions, in the order in which to lock. The conditions
            are part of the deleting statement too.
        limit: how many at most; without it, all that there are.

    Threads on hold are spared (M4).
    """
    with transaction.atomic(using=sessions.db):
        return delete_locked(sessions, lock(sessions, limit))


def lock(
    sessions: ChatSessionQuerySet, limit: int | None = None, *, skip_locked: bool = False
) -> list[Any]:
    """
    Lock threads that may be deleted until the transaction ends, and return their keys and
    positions, as named tuples: instances of hundreds would cost as much as their deletion.

    Until then nothing is added to them: each write of the store needs the thread's row. With
    ``skip_locked``, those that another transaction is at work on are left out, where the
    database can do so.
    """
    can_skip = connections[sessions.db].features.has_select_for_update_skip_locked
    rows = sessions.deletable().select_for_update(skip_locked=skip_locked and can_skip)
    columns = ("session_id", "thread_id", "user_id", "updated_at")
    return list(rows.values_list(*columns, named=True)[:limit])


def delete_locked(sessions: ChatSessionQuerySet, rows: list[Any]) -> Counts:
    """Delete what ``lock`` has returned for the same conditions."""
    if not rows:
        return Counts()
    using = sessions.db
    keys = [row.session_id for row in rows]
    # Messages before their threads: no cascade to look for them, and a message that came from
    # past the store is found by the foreign key.
    deleted = Counts(
        files=delete_attachments(ChatAttachment.objects.using(using).of_sessions(keys)),
        messages=ChatMessage.objects.using(using).of_sessions(keys).delete_only(),
        threads=sessions.deletable().order_by().of_sessions(keys).delete_only(),
    )
    _insist(deleted.threads, len(rows))
    for row in rows:
        signals.send_after_commit(
            signals.thread_deleted, ChatSession, using, user_id=row.user_id, thread_id=row.thread_id
        )
    return deleted


def delete_attachments(attachments: ChatAttachmentQuerySet) -> int:
    """
    Delete rows, note their files, and remove these after the commit; return how many rows.

    Needs a transaction.
    """
    using = attachments.db
    rows = dict(attachments.order_by().select_for_update().values_list("file_id", "path"))
    if not rows:
        return 0
    paths = [path for path in rows.values() if path]
    _note(paths, using)
    _insist(attachments.order_by().filter(file_id__in=list(rows)).delete_only(), len(rows))
    transaction.on_commit(partial(remove, paths, using), using=using, robust=True)
    return len(rows)


def _insist(deleted: int, expected: int) -> None:
    """Roll back where a row changed between the look and the deletion; it is worth a new try."""
    if deleted != expected:
        raise IntegrityError(f"{expected} rows were to be deleted, {deleted} could be")


# Notes


def remove(paths: Iterable[str], using: str) -> int:
    """
    Remove noted files from the storage, then their notes; return how many have gone.

    What fails is logged and stays noted, to be tried again after an hour.
    """
    gone, failed = [], []
    for path in paths:
        try:
            storage().delete(path)
        except Exception:
            # Whatever it raises, each storage has errors of its own: the note stays.
            logger.warning("File %s could not be removed, and stays noted", path, exc_info=True)
            failed.append(path)
        else:
            gone.append(path)
    if failed:
        due_at = timezone.now() + RETRY_AFTER
        noted(using).filter(path__in=failed).update(due_at=due_at, tries=F("tries") + 1)
    return noted(using).filter(path__in=gone).delete()[0] if gone else 0


def due(using: str, now: dt.datetime, size: int) -> Iterator[list[str]]:
    """Yield the names of the files that are due, in batches; remove each before the next."""
    rows = noted(using).filter(due_at__lte=now).order_by("due_at", "path")
    while paths := list(rows.values_list("path", flat=True)[:size]):
        yield paths


def noted(using: str) -> QuerySet[ChatFileToRemove]:
    """Return the notes: of files that no row names any more, or none yet."""
    return ChatFileToRemove.objects.using(using)


def _note(paths: list[str], using: str, delay: dt.timedelta = dt.timedelta()) -> None:
    now = timezone.now()
    noted(using).bulk_create(
        [ChatFileToRemove(path=path, noted_at=now, due_at=now + delay) for path in paths]
    )
