"""Decodes the text files that people send: by their byte order mark, as UTF-8, or by a guess."""

from __future__ import annotations

import codecs
from typing import NamedTuple

import charset_normalizer

GUESSED_BYTES = 65_536  # from which the encoding is guessed

# UTF-32 before UTF-16, whose mark is the beginning of UTF-32's.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# In which editors and spreadsheets save text, the most common first: of equally good guesses the
# first is taken. Others, such as those of DOS, would be guessed for short texts only.
_ENCODINGS = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp932", "gb18030", "big5", "cp949", "euc_jp", "koi8_r", "cp874"),
]


class Text(NamedTuple):
    """
    A decoded file.

    Args:
        content: its text.
        guessed: the encoding that it was decoded by, if that is a guess; else empty.
    """

    content: str
    guessed: str = ""


def decode(content: bytes) -> Text | None:
    """Return the text of a file; None if its encoding can't be told."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return Text(content.decode(encoding, "replace"))
    try:
        return Text(content.decode())
    except UnicodeDecodeError:
        pass
    # A part that ends with a line doesn't end within a character.
    part = content[:GUESSED_BYTES]
    if len(content) > len(part):
        part = part[: part.rfind(b"\n") + 1] or part
    matches = charset_normalizer.from_bytes(part, cp_isolation=_ENCODINGS)
    if not matches:
        return None
    best = min(
        matches,
        key=lambda match: (match.chaos, -match.coherence, _ENCODINGS.index(match.encoding)),
    )
    return Text(content.decode(best.encoding, "replace"), best.encoding)
