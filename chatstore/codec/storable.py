"""Characters that some database can't hold: NUL, and surrogates that stand alone (S14)."""

from __future__ import annotations

import re
from typing import Any, overload

from pydantic import BaseModel

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def is_storable(text: str) -> bool:
    """Tell whether every database can hold the text as it is."""
    return not _UNSTORABLE.search(text)


@overload
def clean(value: str) -> str: ...
@overload
def clean(value: Any) -> Any: ...
def clean(value: Any) -> Any:
    """
    Replace each character that can't be stored by U+FFFD, in all strings of a JSON-like value.

    Keys are cleaned too; of keys that become equal, the last one stays (S14). Of a pydantic model
    it returns a copy.
    """
    if isinstance(value, str):
        return value if is_storable(value) else _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: clean(child) for name, child in value})
    if isinstance(value, dict):
        return {clean(key): clean(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(child) for child in value]
    if isinstance(value, bytes):
        return clean(value.decode())
    return value
