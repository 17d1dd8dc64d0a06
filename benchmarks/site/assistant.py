"""An assistant that answers with one message, or leaves its stream open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from chatstore.server import ChatServer

HOLD = "hold"  # the message that leaves the stream open


async def respond(
    self: ChatKitServer[Any],
    thread: ThreadMetadata,
    input_user_message: UserMessageItem | None,
    context: Any,
) -> AsyncIterator[ThreadStreamEvent]:
    if input_user_message and input_user_message.content[0].text == HOLD:
        await asyncio.Event().wait()
    yield ThreadItemDoneEvent(
        item=AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),  # noqa: DTZ005 (as the SDK makes it)
            content=[AssistantMessageContent(text="The answer, in a sentence or two.")],
        )
    )


class Assistant(ChatServer[Any]):
    respond = respond
