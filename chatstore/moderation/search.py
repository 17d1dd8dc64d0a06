"""
Finds threads by id, owner and title, and messages by their text.

On PostgreSQL texts are found through indexes (migration 0004), by whole words and beginnings of
words. Elsewhere the newest rows are looked through, and the pages say how many. Either way the
cost has a bound whatever is asked for: of very many matches the newest are taken.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Left
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chatstore import codec
from chatstore.models import ChatMessage, ChatMessageQuerySet, ChatSession, session_key
from chatstore.moderation import transcript

TITLED_THREADS = 1_000  # the newest that an index of words gives
NEWEST_THREADS = 5_000  # whose titles are looked at where no index holds them
LOOKED_THROUGH = 5_000  # the newest messages, whose text is read without an index
CANDIDATES = 200  # matches, the newest, that are ranked
MATCHES = 5_000  # that the index of words gives
SHOWN = 50  # the best of them
AROUND = 100  # characters on each side of the first match
# As much of a text as is searched. PostgreSQL refuses a row whose tsvector has more than 1 MB.
SEARCHED = 100_000
MAX_TEXT = 1_000  # characters that threads are looked for by; SQLite refuses very long patterns
LAST = "\U0010ffff"
THREADS_HELP = _("A thread's id, the beginning of its owner's id, or words of its title.")
_PLAN = (
    "SELECT set_config('gin_fuzzy_search_limit', %s, true), set_config('enable_seqscan', %s, true)"
)
_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'"([^"]+)"|(\S+)')


def vector(column: str) -> SearchVector:
    """Return the expression that migration 0004 has an index for: of a title or a content."""
    return SearchVector(Left(column, SEARCHED), config="simple")


def _is_indexed(queryset: QuerySet[Any]) -> bool:
    return connections[queryset.db].vendor == "postgresql"


def threads(queryset: Any, text: str) -> Any:
    """Filter threads by an id, an owner, or words of a title."""
    text = codec.replace_unstorable(text.strip())[:MAX_TEXT]
    if not text:
        return queryset
    found = Q(pk=session_key(text)) | Q(user_id__gte=text, user_id__lt=text + LAST)
    found |= Q(user_id__in=_owners(text))
    with suppress(ValueError):
        found |= Q(pk=uuid.UUID(text))
    if not _is_indexed(queryset):
        is_newest = _newest(ChatSession.objects.all(), "updated_at", NEWEST_THREADS)
        return queryset.filter(found | Q(title__icontains=text) & is_newest)
    if words := _WORD.findall(text):
        prefixes = " & ".join(f"{word}:*" for word in words)
        query = SearchQuery(prefixes, search_type="raw", config="simple")
        titled = ChatSession.objects.using(queryset.db).alias(words=vector("title"))
        keys = titled.filter(words=query).values_list("pk", flat=True)
        found |= Q(pk__in=_through_index(keys, "updated_at", TITLED_THREADS))
    return queryset.filter(found)


def _owners(username: str) -> list[str]:
    """Return the owner's id of the user with this name, where owners are users."""
    model = get_user_model()
    users = model._default_manager.filter(**{model.USERNAME_FIELD: username})
    return [str(pk) for pk in users.values_list("pk", flat=True)[:1]]


def _newest(rows: QuerySet[Any], column: str, count: int) -> Q:
    """Return the condition to be among the newest so many rows; none if there are fewer."""
    times = rows.order_by(f"-{column}").values_list(column, flat=True)
    cutoff = times[count : count + 1].first()
    return Q((f"{column}__gt", cutoff)) if cutoff else Q()


@dataclass(frozen=True)
class Hit:
    """A message that was found, and a piece of its text with the matches marked."""

    message: ChatMessage
    excerpt: SafeString


@dataclass(frozen=True)
class Result:
    """
    What was found, the best first.

    Args:
        is_cut: there were more matches than are shown, which are the best of the newest.
        looked_at: how many of the newest messages were looked through; None for all.
    """

    hits: list[Hit]
    is_cut: bool
    looked_at: int | None

    def by_thread(self) -> Iterator[tuple[ChatSession, list[str]]]:
        """Yield each thread that is shown, with the ids of the items."""
        found: dict[Any, tuple[ChatSession, list[str]]] = {}
        for hit in self.hits:
            session = hit.message.session
            found.setdefault(session.pk, (session, []))[1].append(hit.message.item_id)
        yield from found.values()


def messages(
    text: str,
    *,
    sender: str = "",
    feedback: str = "",
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Result:
    """
    Find messages that hold all words of a text; words in quotes as they follow each other.

    Args:
        sender, feedback: only messages with this value of the column.
        since, until: only messages from this position on, and before that.
    """
    terms = [quoted or word for quoted, word in _TERM.findall(codec.replace_unstorable(text))]
    terms = [term for term in terms if _WORD.search(term)]
    if not terms:
        return Result([], is_cut=False, looked_at=None)
    since, until = (time and codec.as_utc(time) for time in (since, until))
    rows = ChatMessage.objects.filter(**_given(timestamp__gte=since, timestamp__lt=until))
    is_indexed = _is_indexed(rows)
    is_new = _newest(rows, "timestamp", LOOKED_THROUGH)
    rows = rows.filter(**_given(sender_type=sender, feedback=feedback))
    rows = _with_words(rows, terms) if is_indexed else _with_strings(rows, terms)
    rows = (
        rows.annotate(searched=Left("content", SEARCHED))
        .defer("payload", "content", "metadata")
        .order_by("-timestamp")
    )
    # With the annotation, which the model's type does not have.
    found: list[Any] = list(rows.filter(is_new)[: CANDIDATES + 1])
    if is_indexed and is_new and len(found) <= CANDIDATES:  # rare among the newest
        found = _through_index(rows, "timestamp", CANDIDATES + 1)
    pattern = re.compile("|".join(map(_pattern, terms)), re.IGNORECASE)
    ranked = sorted(found[:CANDIDATES], key=lambda row: _rank(row, pattern), reverse=True)
    _add_threads(ranked[:SHOWN])
    return Result(
        hits=[Hit(row, _excerpt(row.searched, pattern)) for row in ranked[:SHOWN]],
        is_cut=len(found) > SHOWN,
        looked_at=LOOKED_THROUGH if is_new and not is_indexed else None,
    )


def _given(**conditions: Any) -> dict[str, Any]:
    return {name: value for name, value in conditions.items() if value}


def _with_words(rows: ChatMessageQuerySet, terms: list[str]) -> ChatMessageQuerySet:
    queries = [SearchQuery(term, search_type="phrase", config="simple") for term in terms]
    return rows.alias(words=vector("content")).filter(words=reduce(and_, queries))


def _with_strings(rows: ChatMessageQuerySet, terms: list[str]) -> ChatMessageQuerySet:
    return rows.filter(*(Q(content__icontains=term) for term in terms))


def _through_index(rows: QuerySet[Any, Any], column: str, count: int) -> list[Any]:
    """
    Find the newest matches by the index of words, and by no other plan.

    Of words that PostgreSQL has no statistics of it expects so many matches that it would read
    the newest rows one by one until it has enough of them: the whole table. Of words that are
    everywhere but among the newest, the index gives about MATCHES at random.
    """
    with transaction.atomic(using=rows.db), connections[rows.db].cursor() as cursor:
        cursor.execute(_PLAN, [str(MATCHES), "off"])
        # No index has this order.
        return list(rows.order_by((F(column) + dt.timedelta()).desc())[:count])


def _add_threads(rows: list[ChatMessage]) -> None:
    """Fetch the threads of a page's messages; a join would fetch those of all matches."""
    threads = ChatSession.objects.defer("payload", "metadata").in_bulk(
        {row.session_id for row in rows}
    )
    for row in rows:
        row.session = threads[row.session_id]


def _pattern(term: str) -> str:
    """The term as it is found: between its words stands whatever is no word."""
    return r"[\W_]+".join(map(re.escape, _WORD.findall(term)))


def _rank(row: Any, pattern: re.Pattern[str]) -> tuple[float, dt.datetime]:
    """Many matches in a short text come first; of equals the newer."""
    count = sum(1 for _match in pattern.finditer(row.searched))
    return count / (1 + math.log2(1 + len(row.searched))), row.timestamp


def _excerpt(text: str, pattern: re.Pattern[str]) -> SafeString:
    text = " ".join(text.split())
    first = pattern.search(text)
    start = max(0, first.start() - AROUND) if first else 0
    end = (first.end() if first else 0) + AROUND
    piece = text[start:end]
    marked, position = [], 0
    for match in pattern.finditer(piece):
        marked += [("", piece[position : match.start()]), ("mark", match[0])]
        position = match.end()
    marked.append(("", piece[position:]))
    return format_html_join(
        "",
        "<{0}>{1}</{0}>",
        ((tag or "span", transcript.visible(words)) for tag, words in marked if words),
    )
