"""
Corrects the events of respond() before the SDK stores and sends them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from chatkit.errors import CustomStreamError, StreamError
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from chatstore.server.errors import describe
from chatstore.server.failures import KEY_HINT, Failure, make_failure
from chatstore.server.item_ids import ItemIds

logger = logging.getLogger(__name__)


class GuardedStream:
    """
    The events of respond(), with ids that are unique in the thread, the title as its user has set
    it meanwhile, and exceptions logged without their messages, which the SDK would log.

    Args:
        stream: what respond() returns.
        thread: as respond() got it.
        store: where the thread is kept.
        context: the request's.
        describe_failure: ChatServer's.
    """

    def __init__(
        self,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
        thread: ThreadMetadata,
        store: Store[Any],
        context: Any,
        describe_failure: Callable[[Failure, Any], Failure],
    ) -> None:
        self._describe_failure = describe_failure
        self._context = context
        self._stream = stream
        self._thread = thread
        self._ids = ItemIds(thread, store, context)
        self._title = _Title(thread, store, context)
        self._last: ThreadStreamEvent | None = None

    def is_from_respond(self, event: ThreadStreamEvent) -> bool:
        """Tell whether respond() has sent the event last; if not, the SDK has made it."""
        return event is self._last

    async def events(self) -> AsyncIterator[ThreadStreamEvent]:
        try:
            async for event in self._stream():
                await self._title.keep()
                if isinstance(event, ThreadItemDoneEvent):
                    join_surrogates(event.item)
                for renamed in await self._ids.rename(event):
                    self._last = renamed
                    yield renamed
        except (CustomStreamError, StreamError):
            raise
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            # Something that respond() has waited for was cancelled, and not this stream.
            raise self._failure(error) from None
        except Exception as error:  # noqa: BLE001 (whatever an application raises)
            raise self._failure(error) from None
        finally:
            await self._title.keep()

    def _failure(self, error: BaseException) -> StreamError | CustomStreamError:
        failure = make_failure(error)
        if failure.kind == "api_key":
            logger.error(KEY_HINT)
        logger.error("respond() failed in %s: %s", self._thread.id, describe(error))
        return self._describe_failure(failure, self._context).as_stream_error()


def join_surrogates(item: ThreadItem) -> None:
    """Join the surrogate pairs in an answer whose halves the model has streamed one by one."""
    if isinstance(item, AssistantMessageItem):
        for part in item.content:
            utf16 = part.text.encode("utf-16-le", "surrogatepass")
            part.text = utf16.decode("utf-16-le", "surrogatepass")


def _is_cancelled() -> bool:
    """Tell whether the running task itself has been told to stop."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class _Title:
    """
    Keeps the title that the user gives the thread while an answer streams.

    The SDK saves the whole thread when respond() has changed something of it, with the title
    that it had when the stream began.
    """

    def __init__(self, thread: ThreadMetadata, store: Store[Any], context: Any) -> None:
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
