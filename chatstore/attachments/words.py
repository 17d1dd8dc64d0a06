"""What is allowed, in a person's words: “20 MB”, and “PDF” instead of “application/pdf”."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import pgettext


def size_in_words(size: int) -> str:
    """Return a size in the largest fitting unit, without a zero after the point."""
    zero = number_format(0, decimal_pos=1)[1:]
    return filesizeformat(size).replace(f"{zero}\xa0", "\xa0")


def types_in_words(mime_types: Iterable[str]) -> str:
    """Return the names by which people know these content types, separated by commas."""
    return ", ".join(dict.fromkeys(map(_name, mime_types)))


def _name(mime_type: str) -> str:
    if mime_type == "text/plain":
        return pgettext("a kind of file", "text")
    suffix = mimetypes.guess_extension(mime_type) or mime_type.partition("/")[2]
    return suffix.lstrip(".").upper()
