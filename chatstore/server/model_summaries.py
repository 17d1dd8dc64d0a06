"""
Summaries of the beginning of a thread that is too long for a model.

A summary is kept as a turn of the kind "summary", tied to each item that it sums up: it is deleted
with any of them. It is given in their place, until it is replaced by one of more items.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from chatkit.types import ThreadItem, UserMessageItem

from chatstore import codec

_HEADING = "Summary of the conversation until here:"


def find_summary(
    items: Sequence[ThreadItem], turns: Sequence[codec.ModelTurn]
) -> codec.ModelTurn | None:
    """Return the newest summary of which no item has been changed; both are newest first."""
    by_id = {item.id: item for item in items}
    for turn in turns:
        if turn.kind == "summary" and all(
            item_id not in by_id or codec.message_digest(by_id[item_id]) == digest
            for item_id, digest in turn.item_ids.items()
        ):
            return turn
    return None


def older_half(items: Sequence[ThreadItem]) -> Sequence[ThreadItem]:
    """Return the items before a user's message in the middle; both are newest first."""
    for number in range(len(items) // 2, len(items) - 1):
        if isinstance(items[number], UserMessageItem):
            return items[number + 1 :]
    return []


def make_summary(
    text: str,
    items: Sequence[ThreadItem],
    model: str,
    before: codec.ModelTurn | None,
    read_at: dt.datetime,
) -> codec.ModelTurn:
    """
    Return the turn that keeps a summary.

    Args:
        text: the summary.
        items: what it sums up, newest first.
        model: that has made it.
        before: the summary that it continues.
        read_at: the time at which the items were read, or an earlier one.
    """
    ids = before.item_ids if before else {}
    return codec.ModelTurn(
        [codec.Step("", model, [{"role": "user", "content": f"{_HEADING}\n{text}"}])],
        ids | {item.id: codec.message_digest(item) for item in reversed(items)},
        kind="summary",
        model=model,
        read_at=read_at,
    )
