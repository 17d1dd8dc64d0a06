"""Characters that some database can't hold: NUL, and surrogates that stand alone (S14)."""

from __future__ import annotations

import re
from typing import Any, overload

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def is_storable(text: str) -> bool:
    """Tell whether every database can hold the text as it is."""
    return not _UNSTORABLE.search(text)


@overload
def replace_unstorable(value: str) -> str: ...
@overload
def replace_unstorable(value: Any) -> Any: ...
def replace_unstorable(value: Any) -> Any:
    """
    Replace each character that can't be stored by U+FFFD, in all strings of a JSON-like value.

    Keys are cleaned too; of keys that become equal, the last one stays (S14).
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {replace_unstorable(key): replace_unstorable(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [replace_unstorable(child) for child in value]
    if isinstance(value, bytes):
        return replace_unstorable(value.decode())
    return value
