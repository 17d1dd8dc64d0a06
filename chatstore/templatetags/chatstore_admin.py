"""Filters of the moderators' pages."""

from __future__ import annotations

from typing import Any

from django import template

from chatstore.models import ChatSession
from chatstore.moderation import transcript

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """Show control characters and turns of direction as such."""
    return transcript.visible(str(value))


@register.filter
def title_of(thread: ChatSession) -> str:
    """The thread's title, or its id."""
    return transcript.title(thread)
