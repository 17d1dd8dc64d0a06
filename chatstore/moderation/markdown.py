"""
Renders answers, as Markdown without HTML and images, at a bounded cost (M7).

The parser takes time in proportion to the text's length, except for tables: it fills each row with
empty cells up to the width of the first, so 10 kB of text can become 700 kB of HTML. The number of
its tokens is therefore limited.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chatstore.moderation.display import MAX_TEXT_LENGTH, visible

MAX_TOKENS = 10_000  # of a text's blocks; a cell of a table is three
WEB_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


def render(text: str) -> SafeString | None:
    """
    Return Markdown as HTML; None if the text is too long or would have too many parts.

    HTML in the text is escaped, links are http, https or mailto only.
    """
    shown = visible(text[: MAX_TEXT_LENGTH + 1])
    if len(shown) > MAX_TEXT_LENGTH:
        return None
    try:
        return SafeString(_renderer.render(shown))
    except _TooManyTokensError:
        return None


class _TooManyTokensError(Exception):
    pass


class _BoundedTokens(list[Token]):
    def append(self, token: Token) -> None:
        if len(self) == MAX_TOKENS:
            raise _TooManyTokensError
        super().append(token)


def _parse_blocks(state: StateCore) -> None:
    """Replaces the parser's own rule, which does the same with an unlimited list."""
    state.tokens = _BoundedTokens()
    state.md.block.parse(state.src, state.md, state.env, state.tokens)


def _make_renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    renderer.core.ruler.at("block", _parse_blocks)
    # A browser would fetch an image from the address in the message: it is rendered as a link.
    renderer.disable("image")
    renderer.validateLink = lambda url: bool(WEB_LINK.match(url))  # type: ignore[method-assign]

    def link_open(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer nofollow")
        tokens[index].attrSet("target", "_blank")
        return str(self.renderToken(tokens, index, options, env))

    renderer.add_render_rule("link_open", link_open)
    return renderer


_renderer = _make_renderer()
