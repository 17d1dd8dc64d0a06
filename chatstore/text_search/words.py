"""
The words by which PostgreSQL finds a text, and the query for them.

PostgreSQL takes a run of letters for one word. Chinese, Japanese and Thai are written without
spaces, and Korean joins words, so of these scripts each pair of neighbouring characters is indexed
instead: "abcd" by "ab", "bc" and "cd". A search for it looks for as many as have all characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Func, TextField, Value
from django.db.models.functions import Left

# Characters of a text that are searched, and of these how many of scripts without spaces.
# PostgreSQL refuses a row whose tsvector exceeds 1 MB.
MAX_SEARCHED = 100_000
MAX_PAIRED = 50_000
MAX_PAIRS = 4  # of a run that are looked for; each multiplies the rows that the index may return
MAX_WORD = 500  # characters of a word in a query; PostgreSQL refuses one of more than 2,046 bytes
# Thai, kana, Chinese characters, Korean syllables.
_LETTER = (
    "[\u0e01-\u0e3a\u0e40-\u0e4e\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U000323af]"
)
_RUN = re.compile(f"{_LETTER}+")
_RUN_OR_REST = re.compile(f"{_LETTER}+|[^{_LETTER[1:]}+")
_WORD = re.compile(r"[^\W_]+")


def vector(column: str) -> SearchVector:
    """Return the expression that migration 0011 indexes, for the column title or content."""
    text = Left(column, MAX_SEARCHED)
    spaced = _replace(text, f"{_LETTER}+", " ")
    unspaced = Left(_replace(text, f"[^{_LETTER[1:]}+", " "), MAX_PAIRED)
    # Once from the first character of each run on, and once from its second.
    shifted = _replace(unspaced, f"(^| )({_LETTER})", r"\1\2 ")
    pairs = (_replace(half, f"({_LETTER}{{2}})", r"\1 ") for half in (unspaced, shifted))
    return SearchVector(spaced, *pairs, config="simple")


def split(term: str) -> list[str]:
    """Return the parts of a term that are looked for by themselves: runs of one kind of script."""
    return [part for part in _RUN_OR_REST.findall(term) if _WORD.search(part)]


def is_exact(term: str) -> bool:
    """Tell whether a text that ``query`` finds for this part of a term is sure to contain it."""
    return len(term) <= 2 or not _RUN.match(term)


class _UnknownQuery(SearchQuery):
    """
    A query that PostgreSQL does not know while it plans.

    It takes the words of a text for independent. As the pairs of one word are not, it would expect
    next to no rows for three pairs, and so read all that there are instead of the newest.
    """

    template = "(SELECT %(function)s(%(expressions)s))"


def query(terms: Iterable[str], *, min_beginning: int = 3) -> SearchQuery:
    """
    Return the query for texts with all terms: words, phrases, or parts without spaces.

    Of a part without spaces it looks for pairs of characters, wherever they are: see ``is_exact``.

    Args:
        min_beginning: from how many letters on a word may be the beginning of a longer one; very
            many texts have a word that begins with one or two letters.
    """
    parts = [[*_parts(term, min_beginning)] for term in terms]
    kind = _UnknownQuery if any(len(each) > 2 for each in parts) else SearchQuery
    return kind(" & ".join(chain.from_iterable(parts)), search_type="raw", config="simple")


def _parts(term: str, min_beginning: int) -> Iterator[str]:
    for part in split(term):
        if not _RUN.match(part):
            words = _WORD.findall(part)
            yield _quoted(part, is_beginning=min(map(len, words)) >= min_beginning)
        elif len(part) == 1:
            yield _quoted(part, is_beginning=True)
        else:
            yield from map(_quoted, _pairs(part))


def _pairs(run: str) -> list[str]:
    """Return pairs of neighbouring characters that have all of them, or MAX_PAIRS of these."""
    starts = [*range(0, len(run) - 2, 2), len(run) - 2]
    step = max((len(starts) - 1) / (MAX_PAIRS - 1), 1)
    chosen = {round(number * step) for number in range(MAX_PAIRS) if number * step < len(starts)}
    return [run[start : start + 2] for start in (starts[number] for number in sorted(chosen))]


def _quoted(text: str, *, is_beginning: bool = False) -> str:
    escaped = text[:MAX_WORD].replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}':*" if is_beginning else f"'{escaped}'"


def _replace(text: Func, pattern: str, replacement: str) -> Func:
    return Func(
        text,
        Value(pattern),
        Value(replacement),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
