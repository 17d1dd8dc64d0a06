"""Reads what a link shows (V11): the items that a thread had when it was shared, for strangers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import FileAttachment, ThreadItem
from django.db import router
from django.utils.crypto import constant_time_compare

from chatstore import codec
from chatstore.conf import settings
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run
from chatstore.models import ChatMessage, ChatSession, message_key
from chatstore.shares import links
from chatstore.store.owner import Owner

logger = logging.getLogger(__name__)
PAGE = 50
# Of the types that people see, a tool call says what only the owner's page needs.
SHOWN_TYPES = (
    "user_message",
    "assistant_message",
    "generated_image",
    "structured_input",
    "task",
    "widget",
    "workflow",
)


@dataclass
class Snapshot:
    """
    A page of a shared thread.

    Args:
        items: as JSON objects, in order.
        after: where the next page begins; None if there is none.
    """

    title: str
    items: list[dict[str, Any]]
    after: str | None


async def load_page(text: str, after: str | None = None) -> Snapshot:
    """
    Return a page of what a link shows; NotFoundError if it shows nothing (any more).

    Args:
        text: the link's, by chatstore.shares.links.
        after: the id of the last item of the page before.
    """
    link = links.read(text) if settings.sharing else None
    if link is None:
        raise NotFoundError("No such link")
    return await run(router.db_for_write(ChatSession), _load_page, link, after)


def _load_page(attempt: Attempt, link: links.Link, after: str | None) -> Snapshot:
    owner = Owner(attempt.using, link.user_id)
    # Not while a moderator's lock or closing is there: what it is about may be in it.
    threads = owner.sessions.visible().lasting().filter(session_id=link.session_id, moderation="")
    thread = threads.exclude(share_hash="").defer("payload").first()
    if thread is None or not constant_time_compare(thread.share_hash, link.share_hash):
        raise NotFoundError("No such link")
    rows = owner.messages.for_people().filter(
        session_id=link.session_id, timestamp__lte=thread.shared_until, item_type__in=SHOWN_TYPES
    )
    if after is not None:
        key = message_key(thread.thread_id, after)
        cursor = owner.messages.filter(message_id=key).values_list("timestamp", flat=True).first()
        if cursor is None:
            raise NotFoundError("No such item")
        rows = rows.filter(timestamp__gt=cursor)
    page = list(rows.order_by("timestamp").only("item_id", "payload", "ending")[: PAGE + 1])
    if not page and after is None:  # its title may be made of what was written later (V19)
        raise NotFoundError("Nothing is left of what was shared")
    items = [item for row in page[:PAGE] if (item := _shown(row, link))]
    return Snapshot(thread.title, items, page[PAGE - 1].item_id if len(page) > PAGE else None)


def _shown(row: ChatMessage, link: links.Link) -> dict[str, Any] | None:
    """Return an item as strangers see it; None for one that they don't."""
    try:
        item = codec.load_item(row.payload)
    except ValueError:
        logger.warning("The payload of %r can't be decoded; see check_items", row.item_id)
        return None
    if item.type == "structured_input" and (
        item.status == "pending" or links.short_hash(item.id) in link.open_questions
    ):
        return None
    shown = codec.with_utc_offsets(_without_files(item)).model_dump(
        mode="json", by_alias=True, exclude_none=True, context={"exclude_metadata": True}
    )
    return {**shown, "thread_id": "", **({"ending": row.ending} if row.ending else {})}


def _without_files(item: ThreadItem) -> ThreadItem:
    """Return the item with the names of its files, and nothing by which they could be read."""
    if item.type == "user_message":
        names = [
            FileAttachment(id="", name=file.name, mime_type=file.mime_type)
            for file in item.attachments
        ]
        return item.model_copy(update={"attachments": names})
    if item.type == "generated_image":
        return item.model_copy(update={"image": None})
    return item
