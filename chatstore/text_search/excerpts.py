"""Excerpts of the texts that were found, in which the words are marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

EXCERPT_MARGIN = 100  # characters before and after the first match
MAX_MATCH = 500  # characters of the first match that are displayed
_WORD = re.compile(r"[^\W_]+")
# Marks of Markdown that a reader of an answer does not see: emphasis, code, headings, links. None
# can match in time that is more than in proportion to the text's length.
_MARKS = re.compile(
    r"\*+|~~|`+|(?<!\w)_{1,3}|_{1,3}(?!\w)|(?:^|(?<=\s))\#{1,6}\s"
    r"|\[(?=[^\[\]]{0,500}\]\()|\]\([^()\[\s]{0,500}\)"
)


class Piece(NamedTuple):
    """A piece of an excerpt."""

    text: str
    is_match: bool


def pattern(terms: Iterable[str]) -> re.Pattern[str]:
    """Return the expression of any of the terms."""
    return re.compile("|".join(map(_term_pattern, terms)), re.IGNORECASE)


def _term_pattern(term: str) -> str:
    """Return the regular expression of a term; its words may be divided by any other characters."""
    return r"[\W_]+".join(map(re.escape, _WORD.findall(term)))


def shown(text: str, item_type: str, matches: re.Pattern[str]) -> str:
    """Return a message's text, of an answer without the marks of its Markdown where it can be."""
    if item_type != "assistant_message":
        return text
    without_marks = _MARKS.sub("", text)
    return without_marks if matches.search(without_marks) else text


def excerpt(text: str, matches: re.Pattern[str]) -> list[Piece]:
    """Return the text around the first match, in one line, in pieces."""
    text = " ".join(text.split())
    first = matches.search(text)
    start = max(0, first.start() - EXCERPT_MARGIN) if first else 0
    end = min(first.end(), first.start() + MAX_MATCH) if first else 0
    part = text[start : end + EXCERPT_MARGIN]
    pieces, position = [], 0
    for match in matches.finditer(part):
        pieces += [Piece(part[position : match.start()], False), Piece(match[0], True)]
        position = match.end()
    pieces.append(Piece(part[position:], False))
    return [piece for piece in pieces if piece.text]
