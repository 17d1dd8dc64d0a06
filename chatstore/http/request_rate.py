"""
Limits how many requests of one session a process serves in a second, and lets them begin one after
the other (V7).

A session is told by its cookie or its Authorization header, before Django looks for its user: that
look-up takes most of the time of a short request, so a limit behind it would come too late.
"""

from __future__ import annotations

import asyncio
import random
import re
import weakref
from collections import OrderedDict
from time import monotonic
from typing import Any

from chatstore.conf import settings

# How many seconds' requests may come at once. A search on the built-in page asks for some 210 pages
# and previews, and opening it for some 35; with 20 a second, a tab may do both at once.
BURST_SECONDS = 15
MAX_SESSIONS = 10_000  # of which the time is kept
MAX_DELAY_SECONDS = 5.0  # of a refusal; a server that stops waits for it
# What has not begun to answer by then mostly waits for something else than this process.
TURN_SECONDS = 0.1


class Turn:
    """
    A request's turn among those of its session, which begin one after the other.

    Others then share the process with one of them, and not with all that a user has sent at once.
    """

    def __init__(self, turns: asyncio.Lock | None) -> None:
        self._turns = turns
        self._timer: asyncio.TimerHandle | None = None  # while it is this request's turn

    async def wait(self) -> None:
        """Wait for the turn; it lasts until ``end``, or TURN_SECONDS."""
        turns = self._turns
        if not turns or self._timer:
            return
        await turns.acquire()
        if self._turns:
            self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)
        else:  # it was answered meanwhile
            turns.release()

    def end(self) -> None:
        """Let the next request have its turn. May be called more than once."""
        if self._turns and self._timer:
            self._timer.cancel()
            self._turns.release()
        self._turns = None


class RequestRate:
    """The requests of each session."""

    def __init__(self) -> None:
        # Of each session, when all its requests so far are due if they come evenly; and when the
        # last of its refusals is.
        self._due, self._refused = _Times(), _Times()
        # Each is there as long as a request of its session is.
        self._turns: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()

    def is_exceeded(self, scope: Any) -> bool:
        """Tell whether a request comes too early; a request that does is not counted."""
        if not settings.requests_per_second or scope["method"] in ("GET", "HEAD"):
            return False
        session = _session(scope)
        return session is not None and self._due.add(session, BURST_SECONDS) is None

    def refusal_delay(self, scope: Any) -> float:
        """
        Return after how many seconds a request that comes too early is answered.

        Refusals come as evenly as answers, so that a client that does not heed Retry-After can't
        send at once again: to refuse a thousand a second takes most of a process.
        """
        session = _session(scope)
        delay = None if session is None else self._refused.add(session, MAX_DELAY_SECONDS)
        if delay is None:
            # At any time, since many refusals at one instant would keep others waiting.
            return random.uniform(MAX_DELAY_SECONDS / 2, MAX_DELAY_SECONDS)  # noqa: S311 (no secret)
        return delay

    def turn_of(self, scope: Any) -> Turn:
        """Return a request's turn; it need not wait where requests are not limited."""
        session = _session(scope) if settings.requests_per_second else None
        if session is None:
            return Turn(None)
        turns = self._turns.get(session)
        if turns is None:
            turns = self._turns[session] = asyncio.Lock()
        return Turn(turns)


class _Times:
    """One time for each of the sessions that were last active, in seconds of the clock."""

    def __init__(self) -> None:
        self._times: OrderedDict[int, float] = OrderedDict()

    def add(self, session: int, max_seconds: float) -> float | None:
        """
        Advance a session's time by one request.

        Returns how many seconds it then is ahead; None, and leaves it, if these were too many.
        """
        now = monotonic()
        due = max(self._times.get(session, now), now) + 1 / settings.requests_per_second
        if due - now > max_seconds:
            return None
        self._times[session] = due
        self._times.move_to_end(session)
        if len(self._times) > MAX_SESSIONS:
            self._times.popitem(last=False)
        return due - now


def _session(scope: Any) -> int | None:
    """Return a hash of what signs the request in; None if nothing does."""
    headers = dict(scope["headers"])
    name = re.escape(settings.session_cookie_name.encode())
    found = re.search(rb"(?:^|;)\s*" + name + rb"=([^;]*)", headers.get(b"cookie", b""))
    credentials = found[1] if found else headers.get(b"authorization")
    return None if credentials is None else hash(credentials)
