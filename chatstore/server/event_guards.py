"""
What ChatServer does to the events of respond() before the SDK stores and sends them.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.store import NotFoundError, Store
from chatkit.types import ThreadMetadata, ThreadStreamEvent

from chatstore.server.errors import describe
from chatstore.server.item_ids import ItemIds

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


async def guard_events(
    stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
    thread: ThreadMetadata,
    store: Store[TContext],
    context: TContext,
) -> AsyncIterator[ThreadStreamEvent]:
    """
    Pass events on: with fresh ids for fake ones, the thread's title as its user has set it
    meanwhile, and an exception logged without its message, which the SDK would log.
    """
    ids = ItemIds(lambda kind: store.generate_item_id(kind, thread, context))
    title = _Title(thread, store, context)
    try:
        async for event in stream():
            await title.keep()
            for renamed in ids.rename(event):
                yield renamed
    except (CustomStreamError, StreamError):
        raise
    except Exception as error:  # noqa: BLE001 (whatever an application raises)
        logger.error("respond() failed in %s: %s", thread.id, describe(error))
        raise StreamError(ErrorCode.STREAM_ERROR, allow_retry=True) from None
    finally:
        await title.keep()


class _Title:
    """
    Keeps the title that the user gives the thread while an answer streams.

    The SDK saves the whole thread when respond() has changed something of it, with the title
    that it had when the stream began.
    """

    def __init__(self, thread: ThreadMetadata, store: Store[TContext], context: TContext) -> None:
        self._thread = thread
        self._load = partial(store.load_thread, thread.id, context)
        self._before = thread.model_copy(deep=True)

    async def keep(self) -> None:
        """Take the stored title over, if the SDK is about to save the thread with an older one."""
        if self._thread == self._before:
            return
        if self._thread.title == self._before.title:  # respond() has set no other
            with suppress(NotFoundError):
                self._thread.title = (await self._load()).title
        self._before = self._thread.model_copy(deep=True)
