"""Template filters of the moderators' pages."""

from __future__ import annotations

from typing import Any

from django import template

from chatstore.db.row_keys import person_key, row_key
from chatstore.models import ChatReport, ChatSession
from chatstore.moderation.display import display_line, display_title, visible
from chatstore.moderation.reports import reason_label

register = template.Library()


@register.filter
def title_of(thread: ChatSession) -> str:
    """Return the thread's title for display, or its id if it has none."""
    return display_title(thread)


@register.filter
def reason_of(report: ChatReport) -> str:
    """Return the text of a report's reason."""
    return display_line(reason_label(report), 80)


@register.filter
def account_of(accounts: dict[str, Any], user_id: str) -> str:
    """Return the name of the account that has an owner's id; empty if none has it."""
    return str(accounts.get(user_id) or "")


# What names a person in a URL.
register.filter(person_key)
# Untrusted text, in which no character can hide others.
register.filter(visible)
# The key of a row in URLs and forms of the admin.
register.filter(row_key)
