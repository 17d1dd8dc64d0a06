"""
Searches threads by id, owner and title, and messages by their text.

On PostgreSQL both use a full-text index (chatstore.text_search.words): text is found by the
beginnings of its words, and in scripts that have no spaces by any of its characters. On other
databases only the newest rows are scanned, and the pages say how many. The cost of a search is
bounded on every database, whatever is searched for: of very many matches only the newest are
considered.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Left
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chatstore import codec
from chatstore.models import ChatMessage, ChatSession, session_key
from chatstore.moderation.display import title_start, visible
from chatstore.text_search import excerpts, words
from chatstore.text_search.conditions import (
    MAX_TEXT,
    contains,
    is_indexed,
    matching,
    planned,
    terms_of,
)

MAX_TITLE_MATCHES = 1_000  # threads found by the full-text index, the newest
SCANNED_THREADS = 5_000  # newest threads whose titles are compared where there is no index
SCANNED_MESSAGES = 5_000  # newest messages whose text is compared without the index
MAX_RANKED = 200  # newest matches that are ranked
FUZZY_LIMIT = 5_000  # rows that PostgreSQL's index returns, about (gin_fuzzy_search_limit)
MAX_HITS = 50  # matches that are returned, the best of those ranked
HIGHEST_CHARACTER = "\U0010ffff"  # sorts after every other, so that a range can match a prefix
THREADS_HELP = _("A thread's id, the beginning of its owner's id, or words of its title.")
# Compiling the query (jit) takes longer than it can save.
_PLAN = {
    "gin_fuzzy_search_limit": str(FUZZY_LIMIT),
    "enable_seqscan": "off",
    "jit": "off",
}
_WORD = re.compile(r"[^\W_]+")


def threads(queryset: Any, text: str) -> Any:
    """
    Return the threads of a queryset that match an id, an owner or words of a title.

    An empty text returns the queryset as it is.
    """
    text = codec.replace_unstorable(text.strip())[:MAX_TEXT]
    if not text:
        return queryset
    found = Q(pk=session_key(text))
    if len(text) <= codec.MAX_ID_LENGTH:
        found |= Q(user_id__gte=text, user_id__lt=text + HIGHEST_CHARACTER)
        found |= Q(user_id__in=_owners(text))
    with suppress(ValueError):
        found |= Q(pk=uuid.UUID(text))
    if not is_indexed(queryset):
        is_newest = _newest(ChatSession.objects.all(), "updated_at", SCANNED_THREADS)
        return queryset.filter(found | contains(queryset.db, "title", text) & is_newest)
    if terms := _WORD.findall(text):
        titled = ChatSession.objects.using(queryset.db).alias(words=words.vector("title"))
        keys = titled.filter(words=words.query(terms, min_beginning=1)).values_list("pk", flat=True)
        found |= Q(pk__in=_through_index(keys, "updated_at", MAX_TITLE_MATCHES))
    return queryset.filter(found)


def _owners(username: str) -> list[str]:
    """Return the id of the Django user with this name as an owner's id, if there is one."""
    model = get_user_model()
    users = model._default_manager.filter(**{model.USERNAME_FIELD: username})
    return [str(pk) for pk in users.values_list("pk", flat=True)[:1]]


def _newest(rows: QuerySet[Any], column: str, count: int) -> Q:
    """Return the condition that a row is among the newest `count`; an empty Q if all are."""
    times = rows.order_by(f"-{column}").values_list(column, flat=True)
    cutoff = times[count : count + 1].first()
    return Q((f"{column}__gt", cutoff)) if cutoff else Q()


@dataclass(frozen=True)
class Hit:
    """A message that was found, and an excerpt of its text in which the matches are marked."""

    message: ChatMessage
    excerpt: SafeString


@dataclass(frozen=True)
class Result:
    """
    The messages that were found, the best first.

    Args:
        is_cut: whether there are more matches than hits, which are then the best of the newest.
        scanned: how many of the newest messages were compared; None where all were searched.
    """

    hits: list[Hit]
    is_cut: bool
    scanned: int | None

    def ids(self) -> list[tuple[str, str]]:
        """Return the thread's id and the item's id of each hit."""
        return [(hit.message.session.thread_id, hit.message.item_id) for hit in self.hits]


def messages(
    text: str,
    *,
    sender: str = "",
    feedback: str = "",
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Result:
    """
    Search messages that contain every word of a text, and every phrase that it has in quotes.

    A word is found by its beginning too.

    Args:
        sender, feedback: only messages with this value of sender_type or feedback; empty for all.
        since, until: only messages whose timestamp is at or after since, and before until.
    """
    terms = terms_of(text)
    if not terms:
        return Result([], is_cut=False, scanned=None)
    since, until = (time and codec.as_utc(time) for time in (since, until))
    rows = ChatMessage.objects.filter(**_given(timestamp__gte=since, timestamp__lt=until))
    has_index = is_indexed(rows)
    is_new = _newest(rows, "timestamp", SCANNED_MESSAGES)
    rows = rows.filter(**_given(sender_type=sender, feedback=feedback))
    rows = (
        matching(rows, "content", terms)
        .annotate(searched=Left("content", words.MAX_SEARCHED))
        .defer("payload", "content", "metadata")
        .order_by("-timestamp")
    )
    # Any, since the model's type lacks the annotation.
    found: list[Any] = list(rows.filter(is_new)[: MAX_RANKED + 1])
    if has_index and is_new and len(found) <= MAX_RANKED:  # rare among the newest
        found += _through_index(rows.filter(~is_new), "timestamp", MAX_RANKED + 1 - len(found))
    pattern = excerpts.pattern(terms)
    ranked = sorted(found[:MAX_RANKED], key=lambda row: _rank(row, pattern), reverse=True)
    return Result(
        hits=[Hit(row, _excerpt(row, pattern)) for row in _with_threads(ranked[:MAX_HITS])],
        is_cut=len(found) > MAX_HITS,
        scanned=SCANNED_MESSAGES if is_new and not has_index else None,
    )


def _given(**conditions: Any) -> dict[str, Any]:
    return {name: value for name, value in conditions.items() if value}


def _through_index(rows: QuerySet[Any, Any], column: str, count: int) -> list[Any]:
    """
    Return the newest matches, found through the full-text index and by no other plan.

    For a word without statistics PostgreSQL expects many matches, so it would read the newest rows
    one by one until it has enough, which can mean the whole table. For a word that is common, but
    not among the newest rows, the index returns about FUZZY_LIMIT rows, chosen at random.
    """
    with planned(rows.db, **_PLAN):
        # Ordered by an expression, because an index on the column alone would be preferred.
        return list(rows.order_by((F(column) + dt.timedelta()).desc())[:count])


def _with_threads(rows: list[Any]) -> Iterator[Any]:
    """
    Yield the messages whose thread is there, with it, by one query.

    A join would read the thread of every match.
    """
    threads = (
        ChatSession.objects.only("session_id", "thread_id", "user_id")
        .annotate(title_start=title_start())
        # With the owners, by which shards find the rows.
        .filter(
            user_id__in={row.user_id for row in rows},
            session_id__in={row.session_id for row in rows},
        )
    )
    by_key = {(thread.user_id, thread.pk): thread for thread in threads}
    for row in rows:
        if thread := by_key.get((row.user_id, row.session_id)):  # else deleted in between
            row.session = thread
            yield row


def _rank(row: Any, pattern: re.Pattern[str]) -> tuple[float, dt.datetime]:
    """Return the sort key: more matches in a shorter text first, then the newer message."""
    count = sum(1 for _match in pattern.finditer(row.searched))
    return count / (1 + math.log2(1 + len(row.searched))), row.timestamp


def _excerpt(row: Any, pattern: re.Pattern[str]) -> SafeString:
    text = excerpts.shown(row.searched, row.item_type, pattern)
    return format_html_join(
        "",
        "<{0}>{1}</{0}>",
        (
            ("mark" if is_match else "span", visible(words))
            for words, is_match in excerpts.excerpt(text, pattern)
        ),
    )
