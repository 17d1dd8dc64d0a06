"""Shared by the commands: argument types and formatted counts."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from contextlib import suppress

from django.core.management.base import CommandError, CommandParser
from django.db import connections, router
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import codec
from chatstore.models import ChatSession, Counts
from chatstore.portability.archive import ArchiveError

MAX_DAYS = 36_500
MAX_LINE_MIB = 1_000  # SQLite holds no longer value
MAX_BATCH = 10_000  # keys in one statement; SQLite accepts 32,766 parameters
MAX_SHARDS = 64_000  # Citus accepts no more


def positive_integer(text: str, maximum: int = 2**31 - 1) -> int:
    """Parse an integer from 1 to ``maximum``."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= maximum:
        raise argparse.ArgumentTypeError(
            _("it must be a whole number from 1 to %(most)s, not %(text)r")
            % {"most": maximum, "text": text}
        )
    return number


def days(text: str) -> int:
    """Parse a number of days."""
    return positive_integer(text, MAX_DAYS)


def batch_size(text: str) -> int:
    """Parse a number of rows in one transaction."""
    return positive_integer(text, MAX_BATCH)


def shard_count(text: str) -> int:
    """Parse a number of shards."""
    return positive_integer(text, MAX_SHARDS)


def line_mib(text: str) -> int:
    """Parse the length of a line in MiB."""
    return positive_integer(text, MAX_LINE_MIB)


def date_or_time(text: str) -> dt.datetime:
    """Parse an ISO 8601 date or time; without an offset it is in TIME_ZONE. Returns UTC."""
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
    """Parse an owner's id (S2)."""
    try:
        return codec.validate_user_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            _("it must be an owner's id, of 1 to %d characters") % codec.MAX_ID_LENGTH
        ) from error


def add_database(parser: CommandParser) -> None:
    """Add the option --database."""
    parser.add_argument(
        "--database",
        default=router.db_for_write(ChatSession),  # the store's database
        choices=list(connections),
        help=_("The database, by its alias in DATABASES; default: the one that the site uses."),
    )


def format_counts(counts: Counts) -> str:
    """Return counts as text, such as "3 threads, 12 messages and 1 file"."""
    return _("%(threads)s, %(messages)s and %(files)s") % {
        "threads": ngettext("%(count)d thread", "%(count)d threads", counts.threads)
        % {"count": counts.threads},
        "messages": ngettext("%(count)d message", "%(count)d messages", counts.messages)
        % {"count": counts.messages},
        "files": ngettext("%(count)d file", "%(count)d files", counts.files)
        % {"count": counts.files},
    }


def archive_error(error: ArchiveError | OSError) -> CommandError:
    """Return the error of a command whose archive can't be read or written, as a sentence."""
    if isinstance(error, ArchiveError):
        return CommandError(str(error))
    reason = error.strerror or type(error).__name__
    return CommandError(_("The archive can't be read or written: %s.") % reason)


def discard_stdout() -> None:
    """Discard what Python would still write to standard output at its end, and fail again."""
    with suppress(OSError, ValueError):  # in tests it has no file descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
