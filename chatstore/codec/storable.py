"""Replaces characters that not every database can store: NUL and lone surrogates (S14)."""

from __future__ import annotations

import re
from typing import Any, overload

from pydantic import BaseModel

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def is_storable(text: str) -> bool:
    """Tell whether the text contains neither NUL nor a lone surrogate."""
    return not _UNSTORABLE.search(text)


@overload
def replace_unstorable(value: str) -> str: ...
@overload
def replace_unstorable(value: Any) -> Any: ...
def replace_unstorable(value: Any) -> Any:
    """
    Return a JSON-like value in which U+FFFD replaces each NUL and each lone surrogate (S14).

    In keys too; of keys that become equal, the last one stays. A pydantic model is copied. Tuples
    and sets become lists; bytes become text, and raise ValueError if they are not UTF-8.
    """
    if isinstance(value, str):
        return value if is_storable(value) else _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: replace_unstorable(child) for name, child in value})
    if isinstance(value, dict):
        return {replace_unstorable(key): replace_unstorable(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [replace_unstorable(child) for child in value]
    if isinstance(value, bytes):
        return replace_unstorable(value.decode())
    return value
