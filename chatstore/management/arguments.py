"""What the commands have in common: typed arguments, counts in words, progress on a terminal."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

from django.core.management.base import CommandParser, OutputWrapper
from django.db import connections, router
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import codec
from chatstore.models import ChatSession, Counts

MAX_DAYS = 36_500
MAX_BATCH = 10_000  # keys in a statement; SQLite takes 32,766 parameters


def whole_number(text: str, most: int = 2**31 - 1) -> int:
    """A whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(
            _("it must be a whole number from 1 to %(most)s, not %(text)r")
            % {"most": most, "text": text}
        )
    return number


def days(text: str) -> int:
    return whole_number(text, MAX_DAYS)


def batch_size(text: str) -> int:
    return whole_number(text, MAX_BATCH)


def moment(text: str) -> dt.datetime:
    """A date or a time in ISO 8601; without an offset, in the current time zone."""
    try:
        value = parse_datetime(text)
        if value is None and (date := parse_date(text)):
            value = dt.datetime.combine(date, dt.time())
    except ValueError:
        value = None
    if value is None:
        raise argparse.ArgumentTypeError(
            _("it must be a date or a time such as 2026-01-31T12:00, not %r") % text
        )
    return codec.as_utc(value if timezone.is_aware(value) else timezone.make_aware(value))


def user_id(text: str) -> str:
    try:
        return codec.validate_user_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            _("it must be an owner's id, of 1 to %d characters") % codec.MAX_ID_LENGTH
        ) from error


def add_database(parser: CommandParser) -> None:
    parser.add_argument(
        "--database",
        default=router.db_for_write(ChatSession),  # where the store keeps them
        choices=list(connections),
        help=_("The database, by its alias in DATABASES; default: the one that the site uses."),
    )


def in_words(counts: Counts) -> str:
    """Return "3 threads, 12 messages and 1 file"."""
    return _("%(threads)s, %(messages)s and %(files)s") % {
        "threads": ngettext("%d thread", "%d threads", counts.threads) % counts.threads,
        "messages": ngettext("%d message", "%d messages", counts.messages) % counts.messages,
        "files": ngettext("%d file", "%d files", counts.files) % counts.files,
    }


class Progress:
    """A line of counts that is rewritten in place, on a terminal only."""

    def __init__(self, stream: OutputWrapper) -> None:
        self.stream = stream
        self.is_shown = stream.isatty()

    def __call__(self, counts: Counts) -> None:
        self.say(in_words(counts))

    def say(self, text: str) -> None:
        if self.is_shown:
            # As it is: Django would write standard error in red.
            self.stream.write(f"\r\x1b[K{text} …", style_func=str, ending="")
            self.stream.flush()

    def close(self) -> None:
        self.say("")
        if self.is_shown:
            self.stream.write("\r\x1b[K", style_func=str, ending="")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
