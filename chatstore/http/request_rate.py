"""
Limits how many requests of one session a process serves in a second, and lets them begin one after
the other (V7).

A session is told by its cookie or its Authorization header, before Django looks for its user: that
look-up takes most of the time of a short request, so a limit behind it would come too late.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from collections import OrderedDict
from io import BytesIO
from time import monotonic
from typing import Any

from django.core.handlers.asgi import ASGIRequest

from chatstore.conf import settings

# How many seconds' requests may come at once. A search on the built-in page asks for some 210 pages
# and previews, and opening it for some 35; with 20 a second, a tab may do both at once.
BURST_SECONDS = 15
MAX_SESSIONS = 10_000  # of which the time is kept
MAX_DELAY_SECONDS = 5.0  # of a refusal; a server that stops waits for it
# What has not begun to answer by then mostly waits for something else than this process.
TURN_SECONDS = 0.1


class SessionTurn:
    """
    A request's turn among those of its session, which begin one after the other.

    Others then share the process with one of them, and not with all that a user has sent at once.

    Args:
        lock: of the session; None for a request that need not wait.
    """

    def __init__(self, lock: asyncio.Lock | None) -> None:
        self._lock = lock  # None too when the turn has ended
        self._timer: asyncio.TimerHandle | None = None  # while it is this request's turn

    async def wait(self) -> None:
        """Wait for the turn; it lasts until ``end``, or TURN_SECONDS."""
        lock = self._lock
        if lock is None or self._timer:
            return
        await lock.acquire()
        if self._lock:
            self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)
        else:  # the request was answered while it waited
            lock.release()

    def end(self) -> None:
        """Let the next request have its turn. May be called more than once."""
        if self._lock and self._timer:
            self._timer.cancel()
            self._lock.release()
        self._lock = None


class RequestRate:
    """The requests of each session, which ``session_of`` tells apart; None is of nobody."""

    def __init__(self) -> None:
        # Of each session, when all its requests so far are due if they come evenly; and when the
        # last of its refusals is.
        self._due, self._refused = _Times(), _Times()
        # Each is there as long as a request of its session is.
        self._locks: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()

    def is_exceeded(self, session: int | None) -> bool:
        """Tell whether a request comes too early; a request that does is not counted."""
        if session is None or not settings.requests_per_second:
            return False
        return self._due.add(session, BURST_SECONDS) is None

    def refusal_delay(self, session: int | None) -> float:
        """
        Return after how many seconds a request that comes too early is answered.

        Refusals come as evenly as answers, so that a client that does not heed Retry-After can't
        send at once again: to refuse a thousand a second takes most of a process.
        """
        delay = None if session is None else self._refused.add(session, MAX_DELAY_SECONDS)
        if delay is None:
            # At any time, since many refusals at one instant would keep others waiting.
            return random.uniform(MAX_DELAY_SECONDS / 2, MAX_DELAY_SECONDS)  # noqa: S311 (no secret)
        return delay

    def turn_of(self, session: int | None) -> SessionTurn:
        """Return a request's turn; it need not wait where requests are not limited."""
        if session is None or not settings.requests_per_second:
            return SessionTurn(None)
        lock = self._locks.get(session)
        if lock is None:
            lock = self._locks[session] = asyncio.Lock()
        return SessionTurn(lock)


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


def session_of(scope: Any) -> int | None:
    """Return a hash of what signs the request in, read as Django reads it; None if nothing does."""
    headers = [pair for pair in scope["headers"] if pair[0] in (b"cookie", b"authorization")]
    if not headers:
        return None
    # Django's versions differ in how they join several headers of one name.
    request = ASGIRequest({**scope, "query_string": b"", "headers": headers}, BytesIO())
    cookie = request.COOKIES.get(settings.session_cookie_name)
    credentials = cookie or request.META.get("HTTP_AUTHORIZATION")
    return hash(credentials) if credentials else None
