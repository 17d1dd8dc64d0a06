"""Template filters of the moderators' pages."""

from __future__ import annotations

from django import template

from chatstore.db.row_keys import row_key
from chatstore.models import ChatSession
from chatstore.moderation.display import display_title, visible

register = template.Library()


@register.filter
def title_of(thread: ChatSession) -> str:
    """Return the thread's title for display, or its id if it has none."""
    return display_title(thread)


# Untrusted text, in which no character can hide others.
register.filter(visible)
# The key of a row in URLs and forms of the admin.
register.filter(row_key)
