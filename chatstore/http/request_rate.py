"""
Limits how many requests of one session a process serves in a second (V7).

A session is told by its cookie or its Authorization header, before Django looks for its user: that
look-up takes most of the time of a short request, so a limit behind it would come too late.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from typing import Any

from chatstore.conf import settings

# How many seconds' requests may come at once. A search on the built-in page asks for some 210 pages
# and previews, and opening it for some 35; with 20 a second, two tabs may do both at once.
BURST_SECONDS = 30
MAX_SESSIONS = 10_000  # of which the time is kept


class RequestRate:
    """
    The requests of each session.

    Of each it keeps one time: when all its requests so far are due, if they come evenly.
    """

    def __init__(self) -> None:
        self._due: OrderedDict[int, float] = OrderedDict()

    def is_exceeded(self, scope: Any) -> bool:
        """Tell whether a request comes too early; a request that does is not counted."""
        rate = settings.requests_per_second
        if not rate or scope["method"] in ("GET", "HEAD"):
            return False
        session = _session(scope)
        if session is None:
            return False
        now = time.monotonic()
        due = max(self._due.get(session, now), now) + 1 / rate
        if due - now > BURST_SECONDS:
            return True
        self._due[session] = due
        self._due.move_to_end(session)
        if len(self._due) > MAX_SESSIONS:
            self._due.popitem(last=False)
        return False


def _session(scope: Any) -> int | None:
    """Return a hash of what signs the request in; None if nothing does."""
    headers = dict(scope["headers"])
    name = re.escape(settings.session_cookie_name.encode())
    found = re.search(rb"(?:^|;)\s*" + name + rb"=([^;]*)", headers.get(b"cookie", b""))
    credentials = found[1] if found else headers.get(b"authorization")
    return None if credentials is None else hash(credentials)
