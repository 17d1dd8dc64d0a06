"""Template filters of the moderators' pages."""

from __future__ import annotations

from typing import Any

from django import template

from chatstore.models import ChatSession
from chatstore.moderation import transcript

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """Replace control characters and changes of the writing direction by their code."""
    return transcript.visible(str(value))


@register.filter
def title_of(thread: ChatSession) -> str:
    """Return the thread's title for display, or its id if it has none."""
    return transcript.display_title(thread)
