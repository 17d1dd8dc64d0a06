"""The events of a stream that its client has not read yet."""

from __future__ import annotations

import asyncio

# So many events wait as they are. A client that reads on is never that far behind.
MAX_SEPARATE = 64
MAX_JOINED_BYTES = 64 * 1024
_END = b'"}}\n\n'
_DONE = b'data: {"type":"thread.item.done","item":{"id":'
_UPDATE = b'data: {"type":"thread.item.updated",'
_TEXT_DELTA = b'"update":{"type":"assistant_message.content_part.text_delta",'
# Updates that hold the whole value, and the key of it: a newer one replaces the one before.
_WHOLE = {
    b'"update":{"type":"workflow.task.updated",': b'"task":',
    b'"update":{"type":"widget.root.updated",': b'"widget":',
    b'"update":{"type":"generated_image.updated",': b'"image":',
}


class EventQueue:
    """
    A queue without a bound that takes little more memory than an answer's text.

    A word of an answer is an event of two hundred bytes. Behind the first events that wait, such
    events of one item are joined to one, and updates that a later one replaces are dropped. When
    the item is done, all of its updates are dropped, since that event holds the whole item.

    For one reader. A list, since in each open stream a deque takes 0.7 kB more, and asyncio.Queue,
    with four of them, 2.7 kB.
    """

    def __init__(self) -> None:
        self._queue: list[bytes | bytearray | None] = []
        self._reader: asyncio.Future[None] | None = None  # that waits for an event
        self._head = b""  # of the last event, up to its text or value; empty if it takes no other

    def put_nowait(self, item: bytes | None) -> None:
        self._put(item)
        if self._reader and not self._reader.done():
            self._reader.set_result(None)

    async def wait(self) -> None:
        """Return when an item is there."""
        if not self._queue:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader

    async def get(self) -> bytes | None:
        await self.wait()
        return self._get()

    def _put(self, item: bytes | None) -> None:
        if item is None or len(self._queue) < MAX_SEPARATE or not item.startswith(_UPDATE):
            if item and len(self._queue) >= MAX_SEPARATE and item.startswith(_DONE):
                self._drop_updates(item)
            self._queue.append(item)
            self._head = b""
        elif _TEXT_DELTA in item[:500]:
            self._put_delta(item)
        else:
            self._put_whole(item)

    def _drop_updates(self, done: bytes) -> None:
        # Quotes within the id would be escaped.
        item_id = done.removeprefix(_DONE).partition(b',"thread_id":')[0]
        updates = _UPDATE + b'"item_id":' + item_id + b","
        self._queue = [
            event for event in self._queue if event is None or not event.startswith(updates)
        ]

    def _put_delta(self, event: bytes) -> None:
        head, _, text = event.partition(b'"delta":"')
        # In a string of JSON no quotes follow a comma directly: this would be another field.
        if not text.endswith(_END) or b'","' in text:
            self._queue.append(event)
            self._head = b""
            return
        joined = self._queue[-1]
        if head != self._head or not isinstance(joined, bytearray):
            self._head, joined = head, bytearray(head + b'"delta":"')
            self._queue.append(joined)
        joined += text.removesuffix(_END)
        if len(joined) >= MAX_JOINED_BYTES:
            self._queue[-1] = bytes(joined) + _END
            self._head = b""

    def _put_whole(self, event: bytes) -> None:
        head = b""
        for kind, key in _WHOLE.items():
            if kind in event[:500]:
                head = event.partition(key)[0]
        if head and head == self._head:
            self._queue.pop()
        self._queue.append(event)
        self._head = head

    def _get(self) -> bytes | None:
        event = self._queue.pop(0)
        return bytes(event) + _END if isinstance(event, bytearray) else event
