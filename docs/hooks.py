"""What mkdocs does with each page: a link to a file beside docs/ becomes that file's name."""

from __future__ import annotations

import re
from typing import Any


def on_page_markdown(markdown: str, page: Any, **kwargs: Any) -> str:
    """Name the files that a page links to outside of docs/, which its site does not have."""
    out = "../" * (page.file.src_uri.count("/") + 1)

    def name(match: re.Match[str]) -> str:
        text, path = match.groups()
        return f"`{path}`" if text.strip("`") == path else f"{text} (`{path}`)"

    return re.sub(rf"(?<!!)\[([^\]]+)\]\({re.escape(out)}(?!\.)([^)\s]+)\)", name, markdown)
