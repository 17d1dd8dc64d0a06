"""What a command has done so far, as a line on a terminal; elsewhere nothing."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.management.base import OutputWrapper
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.management.arguments import format_counts
from chatstore.models import Counts

BAR_WIDTH = 20  # characters
COLUMNS = (80, 24)  # where the terminal doesn't say


class Progress:
    """
    A line that is overwritten as the work goes on, with a bar and an estimate of the time left
    where it is known how much there is.

    Args:
        stream: the command's stderr: its stdout may be a file.
        total: counts what there is to do; called only on a terminal, since it may take a while.
    """

    def __init__(self, stream: OutputWrapper, total: Callable[[], int] | None = None) -> None:
        self.stream = stream
        self.is_shown = stream.isatty()
        self.total = 0
        self._count = total
        self._started = time.monotonic()

    def threads(self, done: Counts) -> None:
        """Show the counts; the total is a number of threads."""
        self.show(format_counts(done), self._share(done.threads))

    def rows(self, done: int) -> None:
        """Show a number of rows; so is the total."""
        self.show(
            ngettext("%(count)d row", "%(count)d rows", done) % {"count": done}, self._share(done)
        )

    def steps(self, done: int) -> None:
        """Show which step is being done; the total is their number. They take different times."""
        if self.total:
            text = _("step %(number)d of %(total)d")
            share = self._share(done)
            self.show(text % {"number": done + 1, "total": self.total}, share)

    def show(self, text: str, share: float | None = None) -> None:
        """Replace the line; ``share`` is how much of the work is done, 0 to 1, None if unknown."""
        if not self.is_shown:
            return
        line = f"{text} …" if share is None else f"{_bar(share)}  {text}{self._time_left(share)}"
        columns = shutil.get_terminal_size(COLUMNS).columns
        # A longer line would be broken into two, of which only one could be cleared. Without a
        # style: Django would write standard error in red.
        self.stream.write(f"\r\x1b[K{line[: columns - 1]}", style_func=str, ending="")
        self.stream.flush()

    def close(self) -> None:
        """Clear the line."""
        if self.is_shown:
            self.stream.write("\r\x1b[K", style_func=str, ending="")
            self.stream.flush()

    def _share(self, done: int) -> float | None:
        # There may be more than were counted: the site goes on meanwhile.
        return min(done / self.total, 1) if self.total else None

    def _time_left(self, share: float) -> str:
        if not share:
            return ""
        seconds = (time.monotonic() - self._started) * (1 - share) / share
        return ", " + _("%s left") % dt.timedelta(seconds=round(seconds))

    def __enter__(self) -> Progress:
        if self.is_shown and self._count:
            self.show(_("Counting"))
            with suppress(DatabaseError):  # such as after the time that a statement may take
                self.total = self._count()
        self._started = time.monotonic()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def _bar(share: float) -> str:
    full = int(share * BAR_WIDTH)
    return f"[{'#' * full}{'-' * (BAR_WIDTH - full)}] {share:4.0%}"
