"""
What the current request has seen of a conversation, and what its writes require of it.

For a thread that the request has loaded or saved, save_thread only updates: if it was deleted
meanwhile, it stays deleted (S7). A request that is answered by a stream is a turn of a thread: its
first write requires what the request has looked at, and its later ones that no retry has replaced
the turn (S20). ChatServer begins both with each request, and the stores ask them. They are in a
context variable, so that the tasks of a stream inherit them. It needs no Django, for MemoryStore.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from chatkit.errors import CustomStreamError
from chatkit.types import ThreadItem, ThreadMetadata, ThreadStatus


class StateChangedError(CustomStreamError):
    """
    Another request has changed what this one has looked at: nothing is written (S20).

    Before a stream's first event it is answered with 409; after it, the SDK makes an error event
    of it.
    """

    def __init__(self) -> None:
        super().__init__("Another request has changed the conversation meanwhile")


class Required(NamedTuple):
    """
    What a write requires of its thread.

    Args:
        retry_id: the thread's newest retry; empty if there was none.
        status: as it was looked at; None if any will do.
    """

    retry_id: str
    status: ThreadStatus | None


@dataclass
class Turn:
    """
    A request that is answered by a stream.

    Args:
        thread_id: the first thread that the request has loaded or saved; empty until then.
        retry_id: the newest retry of this thread, when the turn began.
        status: of this thread, which the turn's first write requires; None if it is new, and once
            that is written.
        is_action: whether the application writes first, and not the SDK: no status is required.
        is_answer: whether the first item that is saved answers a pending one, a tool call or a
            question, and requires that it is still pending.
        is_temporary: whether a thread that it creates is temporary (R6).
        replaces: the id of the user's message that its message replaces (V19); empty if it
            replaces none, and once it has.
        first_title: of a thread that it creates, or whose title is made of the message that it
            replaces, until there is a better one; None if neither, and empty for no title.
        old_title: the thread's title that the first one may replace.
        is_title_stored: whether the store has created the thread with it.
        is_replaced: whether a write was refused, or a retry has told that it replaces the turn.
        began_at: when it began.
        after_item_id: the item that it answers; empty until it is known.
        stored: the items that it has stored, by their ids, in this order.
        runs: what models have done in it, for chatstore.server.kept_turns.
        session_turns: the ids of the rows that a DjangoSession has written in it.
        replay: returns events that say what there is of its answer, for a client that joins (V17).
    """

    thread_id: str = ""
    retry_id: str = ""
    status: ThreadStatus | None = None
    is_action: bool = False
    is_answer: bool = False
    is_temporary: bool = False
    replaces: str = ""
    first_title: str | None = None
    old_title: str = ""
    is_title_stored: bool = False
    is_replaced: bool = False
    began_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    after_item_id: str = ""
    stored: dict[str, ThreadItem] = field(default_factory=dict)
    runs: list[Any] = field(default_factory=list)
    session_turns: list[str] = field(default_factory=list)
    replay: Callable[[], list[bytes]] | None = None

    def require(self) -> Required:
        """Return what the next write requires; from the second one on, any status will do."""
        required = Required(self.retry_id, self.status)
        self.status = None
        return required

    def release(self) -> None:
        """Let go of what it has stored and of what models have done: it writes no more."""
        self.stored.clear()
        self.runs.clear()
        self.replay = None


@dataclass
class _Request:
    turn: Turn | None
    seen: set[str] = field(default_factory=set)  # ids of threads and attachments


_request: ContextVar[_Request | None] = ContextVar("chatstore_request", default=None)


@contextmanager
def track_request(turn: Turn | None = None) -> Iterator[None]:
    """Collect what is seen in the block, and in the tasks that it starts; these are the turn's."""
    token = _request.set(_Request(turn))
    try:
        yield
    finally:
        _request.reset(token)


def is_seen(object_id: str) -> bool:
    """Tell whether the request has loaded or saved the object; False outside a request."""
    request = _request.get()
    return request is not None and object_id in request.seen


def mark_seen(object_id: str) -> None:
    """Record that the request has loaded or saved the object; no effect outside a request."""
    if request := _request.get():
        request.seen.add(object_id)


def mark_thread_seen(thread: ThreadMetadata, retry_id: str = "", *, is_new: bool = False) -> None:
    """Do what mark_seen does; the turn's own thread is the first one."""
    if request := _request.get():
        request.seen.add(thread.id)
        if (turn := request.turn) and not turn.thread_id:
            turn.thread_id, turn.retry_id = thread.id, retry_id
            turn.status = None if is_new or turn.is_action else thread.status


def with_first_title(thread: ThreadMetadata) -> ThreadMetadata:
    """Return the thread that the current turn is about to create with its first title."""
    turn = current_turn()
    if turn is None or turn.thread_id or not turn.first_title or thread.title:
        return thread
    turn.is_title_stored = True
    return thread.model_copy(update={"title": turn.first_title})


def refuse() -> NoReturn:
    """Raise StateChangedError, and record in the turn that it is replaced."""
    if turn := current_turn():
        turn.is_replaced = True
    raise StateChangedError


def current_turn() -> Turn | None:
    """Return the turn that the running code belongs to."""
    request = _request.get()
    return request.turn if request else None


def mark_stored(thread_id: str, item: ThreadItem) -> None:
    """Record that the current turn, if it is one of this thread, has stored the item."""
    if turn := turn_of(thread_id):
        turn.stored[item.id] = item


def mark_deleted(thread_id: str, item_id: str) -> None:
    """Record that the item is no longer stored."""
    if turn := turn_of(thread_id):
        turn.stored.pop(item_id, None)


def turn_of(thread_id: str) -> Turn | None:
    """Return the current turn if it is one of this thread."""
    turn = current_turn()
    return turn if turn and turn.thread_id == thread_id else None
