"""
Stops the answers that are streamed to people who are suspended (M6).

In the process that suspends somebody that is done at once. Each other process looks every few
seconds, in one query, whether any of those it streams to is suspended; without streams it does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from chatstore import signals
from chatstore.db.attempts import Attempt
from chatstore.db.connections import begin_stream
from chatstore.db.execution import run, run_sync
from chatstore.exceptions import RequestRefused
from chatstore.models import ChatSuspension
from chatstore.moderation.people import describe_suspension
from chatstore.moderation.records import get_database
from chatstore.server import live_streams
from chatstore.server.errors import describe

logger = logging.getLogger(__name__)
CHECK_SECONDS = 5.0


async def watch() -> None:
    """Look after the streams of the running event loop, until there are none."""
    begin_stream()
    while live_streams.owners():
        await asyncio.sleep(CHECK_SECONDS)
        owners = live_streams.owners()
        if not owners:
            return
        try:
            _stop(await run(get_database(), _find_sentences, owners))
        except Exception as error:  # noqa: BLE001 (it looks again)
            logger.warning("Suspensions were not looked up: %s", describe(error))


def _find_sentences(attempt: Attempt, owners: Collection[str]) -> dict[str, str]:
    """Return the sentence for each of these people who is suspended."""
    found = ChatSuspension.objects.using(attempt.using).filter(user_id__in=owners).in_force()
    return {
        user_id: describe_suspension(reason, ends_at)
        for user_id, reason, ends_at in found.values_list("user_id", "reason", "ends_at")
    }


def _stop(sentences: dict[str, str]) -> None:
    for user_id, sentence in sentences.items():
        live_streams.refuse_all(user_id, RequestRefused(sentence, 403))


@receiver(signals.person_suspended)
def stop_streams_of(user_id: str, using: str, **kwargs: Any) -> None:
    """Stop the streams of a person who was suspended by this process."""
    if user_id in live_streams.owners():
        _stop(run_sync(using, _find_sentences, [user_id]))
