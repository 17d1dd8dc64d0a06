"""
Prepares untrusted text for display: its length is limited, and no character can hide others.

Characters that could hide text from the reader (control characters, changes of the writing
direction) are displayed as their code. Very long texts are cut, with a note; the item's raw JSON
has all of them (M7).
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.db.models.functions import Left
from django.template.defaultfilters import truncatechars
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.models import ChatSession

MAX_TITLE_LENGTH = 80
MAX_TEXT_LENGTH = 20_000  # characters of one text that are displayed
MAX_INDENTED_LENGTH = 1_000_000  # characters of an item's raw JSON; a longer one is not indented
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CODE_LENGTH = len("[U+202E]")


def visible(text: str) -> str:
    """Replace control characters and changes of the writing direction by their code, [U+202E]."""
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def display_text(text: str, length: int | None = None) -> str:
    """
    Return an untrusted text for display: cut if it is very long, and made ``visible``.

    Args:
        length: the number of characters of the whole text, if ``text`` is only its beginning.
    """
    length = len(text) if length is None else length
    shown = text[:MAX_TEXT_LENGTH]
    if len(visible(shown)) > MAX_TEXT_LENGTH:
        shown = shown[: MAX_TEXT_LENGTH // _CODE_LENGTH]
    if length > len(shown):
        count = length - len(shown)
        cut = ngettext(
            "… (%(count)d more character: see the raw JSON)",
            "… (%(count)d more characters: see the raw JSON)",
            count,
        )
        return visible(shown) + cut % {"count": count}
    return visible(shown)


def display_line(text: str, length: int) -> str:
    """Return at most ``length`` characters of an untrusted text, made ``visible``."""
    return visible(truncatechars(text[: length + 1], length))


def display_title(thread: ChatSession) -> str:
    """Return a thread's title for display, or its id if it has none."""
    title = getattr(thread, "title_start", None)  # from a list, which reads no more of it
    if title is None:
        title = thread.title
    return display_line(title or thread.thread_id, MAX_TITLE_LENGTH)


def title_start(column: str = "title") -> Left:
    """Return the expression for as much of a thread's title as ``display_title`` needs."""
    return Left(column, MAX_TITLE_LENGTH + 1)


def display_json(value: Any) -> str:
    """Return a JSON value for display, indented; cut if it is very long, and made ``visible``."""
    text, is_cut = _indented(value, MAX_TEXT_LENGTH)
    shown = display_text(text)
    return shown + _("… (cut here)") if is_cut else shown


def raw_json(payload: str) -> str:
    """Return an item's JSON indented; as it is stored if it is very long, or not JSON."""
    try:
        text, is_cut = _indented(json.loads(payload), MAX_INDENTED_LENGTH)
    except (ValueError, RecursionError):
        return payload
    return payload if is_cut else text


def html_length(text: str) -> int:
    """Return the number of bytes of a text in an HTML page."""
    return len(escape(text).encode("utf-8", "replace"))


def _indented(value: Any, length: int) -> tuple[str, bool]:
    """
    Return at most ``length`` characters of a value's indented JSON, and whether it has more.

    The indentation of nested lists can be a thousand times as long as the lists, so no more of it
    is made than is needed.
    """
    pieces, total = [], 0
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        pieces.append(piece)
        total += len(piece)
        if total > length:
            return "".join(pieces)[:length], True
    return "".join(pieces), False
