"""
Shows the text of new messages to the flagger that CHATSTORE_FLAGGER names, and reports what it
flags (M5).

That is done when the messages are stored, in threads of its own: a flagger that is slow or fails
neither delays nor breaks an answer. What waits is bounded, and the rest is left out.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, cast

from chatkit.store import NotFoundError
from django.db import close_old_connections
from django.utils.module_loading import import_string

from chatstore.conf import settings
from chatstore.db.connections import release_connections_sync
from chatstore.moderation.reports import flag

logger = logging.getLogger(__name__)
MAX_WAITING = 1000  # messages of this process
_executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="chatstore-flagger")
_waiting = threading.BoundedSemaphore(MAX_WAITING)


class Flag(NamedTuple):
    """
    What a flagger says of a text that moderators should see.

    Args:
        reason: one of CHATSTORE_REPORT_REASONS, or a name of the flagger's own.
        words: more of it for the moderators, such as the categories that a model has named.
    """

    reason: str
    words: str = ""


Flagger = Callable[[str], Flag | None]


def submit(user_id: str, thread_id: str, texts: Iterable[tuple[str, str]]) -> list[Future[None]]:
    """
    Let the flagger look at messages; returns at once, with what may be waited for.

    Args:
        user_id: the thread's owner.
        texts: of each message its item id and its text.
    """
    if not settings.flagger:
        return []
    futures = []
    for item_id, text in texts:
        if not text.strip():
            continue
        if not _waiting.acquire(blocking=False):
            logger.warning("%s was not shown to the flagger: too many messages wait", item_id)
            break
        future = _executor.submit(_look, settings.flagger, user_id, thread_id, item_id, text)
        future.add_done_callback(lambda done: _waiting.release())
        futures.append(future)
    return futures


def _look(path: str, user_id: str, thread_id: str, item_id: str, text: str) -> None:
    try:
        found = _make_flagger(path)(text)
        if found:
            flag(user_id, thread_id, item_id, reason=found.reason, words=found.words)
    except NotFoundError:
        pass  # deleted meanwhile, or replaced by a retry
    except Exception as error:  # noqa: BLE001 (whatever a flagger raises)
        # Its message may quote the text (S18).
        logger.error("The flagger failed for %s: %s", item_id, type(error).__name__)
    finally:
        release_connections_sync()
        close_old_connections()


@functools.cache
def _make_flagger(path: str) -> Flagger:
    flagger: Any = import_string(path)
    if inspect.isclass(flagger):
        flagger = flagger()
    return cast(Flagger, flagger)
