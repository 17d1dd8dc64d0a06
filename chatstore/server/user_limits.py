"""
Bounds what one user starts: answers at once, messages and creations a minute (V7).

The three counts of a user and a minute are one integer in Django's cache, so that a request takes
one ``incr``, and several processes agree. An open stream is counted in the current minute, and from
its 45th second in the next one too. What a killed process has counted is thus gone with the next
minute.

A cache that fails or does not answer is left alone for a while, and the requests are let in.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from chatkit.types import (
    AttachmentsCreateReq,
    ChatKitReq,
    InputTranscribeReq,
    ThreadsCreateReq,
    is_streaming_req,
)
from django.core.cache import caches
from django.db import close_old_connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.conf import settings
from chatstore.db.connections import release_connections_sync
from chatstore.exceptions import LimitReached
from chatstore.server.errors import describe
from chatstore.server.requests import CONTINUES_A_THREAD

logger = logging.getLogger(__name__)
# The three counts in one integer. Each has 20 bits; refused requests are taken back, so none
# grows beyond its limit and the requests of an instant.
MESSAGE, CREATION, STREAM = 1, 1 << 20, 1 << 40
COUNT_MASK = (1 << 20) - 1
RENEWAL_SECOND = 45  # of each minute, when its open streams are counted in the next one too
KEEP_SECONDS = 180
STREAMS_RETRY_SECONDS = 5
CACHE_TIMEOUT_SECONDS = 1.0  # of one call
QUEUE_TIMEOUT_SECONDS = 5.0  # of a request, behind others
CACHE_PAUSE_SECONDS = 10.0

# Its one thread has one connection to the cache, and keeps the order of what is counted. Django's
# own async methods would open a connection in each request, and take three times as long.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chatstore-limits")
_open: set[Admission] = set()  # used in that thread only
# Those whose responses were lost: a garbage collector, which may run at any point, puts them here.
_lost: SimpleQueue[Admission] = SimpleQueue()
_renewer: threading.Thread | None = None
_paused_until = 0.0
_asked_at: float | None = None  # when the call began that the cache has not answered yet


def now() -> float:
    """Return the time, in seconds since 1970."""
    return time.time()


class Admission:
    """A request that was let in, and is counted; ``end`` says that its stream has ended."""

    def __init__(self, user: str = "", cost: int = 0) -> None:
        self.user = user
        self.cost = cost
        self.minute = 0  # in which it is counted; 0 before it is
        self.renewed: set[int] = set()  # minutes in which its stream is counted too

    def end(self) -> None:
        """
        Count its stream no longer. Doesn't block; may be called from any thread, and repeatedly.
        """
        if self.cost >= STREAM:
            _thread.submit(_end, self)

    def end_with(self, response: object) -> None:
        """
        Let it end when this object is collected, too.

        Where a middleware fails, or the client has gone meanwhile, nobody reads or closes a
        response.
        """
        if self.cost >= STREAM:
            weakref.finalize(response, _lost.put, self).atexit = False


def cost_of(request: ChatKitReq) -> int:
    """Return what a request adds to the counts; 0 for reads and other requests without limits."""
    cost = 0
    if isinstance(request, (*CONTINUES_A_THREAD, ThreadsCreateReq, InputTranscribeReq)):
        cost += MESSAGE
    if isinstance(request, (ThreadsCreateReq, AttachmentsCreateReq)):
        cost += CREATION
    if is_streaming_req(request):
        cost += STREAM
    return cost


async def admit(user_id: Any, cost: int) -> Admission:
    """
    Count what a user starts.

    Args:
        user_id: the owner; for None nothing is counted.
        cost: the sum of MESSAGE, CREATION and STREAM that apply. Those whose limit is 0 are left
            out, and where none is left the cache is not asked.

    Raises LimitReached (429), with the seconds to wait; nothing is counted then.
    """
    cost = _without_unlimited(cost)
    if not cost or user_id is None or time.monotonic() < _paused_until:
        return Admission()
    user = hashlib.sha256(str(user_id).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    admission = Admission(user, cost)
    try:
        counts = await _answer_of_cache(admission)
        if counts is not None:
            _check(counts, cost)
    except BaseException:
        _thread.submit(_take_back, admission)
        raise
    return admission


def _count(counts: int, unit: int) -> int:
    """Return one of the three counts."""
    return counts // unit & COUNT_MASK


def _without_unlimited(cost: int) -> int:
    for unit, limit in (
        (MESSAGE, settings.messages_per_minute),
        (CREATION, settings.creations_per_minute),
        (STREAM, settings.max_streams),
    ):
        if not limit and _count(cost, unit):
            cost -= unit
    return cost


async def _answer_of_cache(admission: Admission) -> int | None:
    """Return the user's counts, this request included; None if the cache does not tell."""
    counting = asyncio.get_running_loop().run_in_executor(_thread, _begin, admission)
    give_up_at = time.monotonic() + QUEUE_TIMEOUT_SECONDS
    # Many at once are no fault of the cache: who sends them must not switch the limits off by it.
    while not _is_stalled() and time.monotonic() < give_up_at:
        done, _pending = await asyncio.wait({counting}, timeout=CACHE_TIMEOUT_SECONDS)
        if done:
            return counting.result()
    counting.cancel()
    _pause("it did not answer in time")
    return None


def _is_stalled() -> bool:
    """Tell whether the cache has not answered a call for too long."""
    asked_at = _asked_at
    return asked_at is not None and time.monotonic() - asked_at >= CACHE_TIMEOUT_SECONDS


def _check(counts: int, cost: int) -> None:
    """Raise LimitReached if the counts exceed a limit of something that the request adds to."""
    seconds = 60 - int(now()) % 60
    wait = {"seconds": seconds}
    if _count(cost, MESSAGE) and _count(counts, MESSAGE) > settings.messages_per_minute:
        sentence = ngettext(
            "You are sending messages too quickly. Try again in %(seconds)d second.",
            "You are sending messages too quickly. Try again in %(seconds)d seconds.",
            seconds,
        )
        raise LimitReached(sentence % wait, retry_after=seconds)
    if _count(cost, CREATION) and _count(counts, CREATION) > settings.creations_per_minute:
        sentence = ngettext(
            "You are adding conversations or files too quickly. Try again in %(seconds)d second.",
            "You are adding conversations or files too quickly. Try again in %(seconds)d seconds.",
            seconds,
        )
        raise LimitReached(sentence % wait, retry_after=seconds)
    # Where the cache has dropped the counts, more streams may end than were counted since.
    if _count(cost, STREAM) and counts // STREAM > settings.max_streams:
        raise LimitReached(
            _("Too many answers or files are being sent to you at once. Wait until one has ended."),
            retry_after=STREAMS_RETRY_SECONDS,
        )


# What follows runs in the thread.


def _begin(admission: Admission) -> int | None:
    _end_lost()
    minute, second = divmod(int(now()), 60)
    counts = _add(admission.user, minute, admission.cost)
    if counts is None:
        return None
    admission.minute = minute
    if admission.cost >= STREAM:
        _open.add(admission)
        _start_renewer()
        if second >= RENEWAL_SECOND:
            _renew(minute + 1)
    return counts


def _end(admission: Admission) -> None:
    if admission not in _open:
        return
    _open.remove(admission)
    for minute in {admission.minute, *admission.renewed}:
        if minute >= int(now()) // 60:
            _add(admission.user, minute, -STREAM)


def _end_lost() -> None:
    with suppress(Empty):
        while True:
            _end(_lost.get_nowait())


def _take_back(admission: Admission) -> None:
    if admission.cost >= STREAM:
        _end(admission)
    if admission.minute and (rest := admission.cost % STREAM):
        _add(admission.user, admission.minute, -rest)


def _renew(minute: int) -> None:
    """Count the open streams in a minute, unless they already are."""
    new = [admission for admission in _open if minute not in admission.renewed]
    streams = Counter(admission.user for admission in new)
    # What a failing cache has not counted is not subtracted at a stream's end.
    counted = {user for user in streams if _add(user, minute, streams[user] * STREAM) is not None}
    for admission in new:
        if admission.user in counted:
            admission.renewed = {minute, *admission.renewed & {minute - 1}}


def _renew_next_minute() -> None:
    _end_lost()
    _renew(int(now()) // 60 + 1)


def _add(user: str, minute: int, amount: int) -> int | None:
    """Add to the counts, and return them; None if the cache fails."""
    global _asked_at
    if time.monotonic() < _paused_until:
        return None
    key = f"chatstore:started:{user}:{minute}"
    try:
        cache = caches[settings.limits_cache]
        _asked_at = time.monotonic()
        try:
            return int(cache.incr(key, amount))
        except ValueError:  # the user's first request in this minute
            if amount < 0:
                return 0
            if cache.add(key, amount, KEEP_SECONDS):
                return amount
            return int(cache.incr(key, amount))
    except Exception as error:  # noqa: BLE001 (a chat without limits is better than none)
        _pause(describe(error))
        return None
    finally:
        _asked_at = None
        # The cache may be in the database.
        release_connections_sync()
        close_old_connections()


def _start_renewer() -> None:
    global _renewer
    if _renewer is None or not _renewer.is_alive():
        _renewer = threading.Thread(target=_renew_each_minute, daemon=True)
        _renewer.start()


def _renew_each_minute() -> None:
    while True:
        time.sleep((RENEWAL_SECOND - now()) % 60 or 60)
        _thread.submit(_renew_next_minute)


def _pause(reason: str) -> None:
    global _paused_until
    _paused_until = time.monotonic() + CACHE_PAUSE_SECONDS
    logger.error(
        "Users' limits are off for %d s, the cache failed: %s", CACHE_PAUSE_SECONDS, reason
    )
