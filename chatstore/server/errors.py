"""Exceptions in the log: type and place, without the text of a conversation (S18)."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from chatstore.conf import settings
from chatstore.turns import StateChangedError


def describe(error: BaseException) -> str:
    """
    Return the type of an exception and the places it came through, without its message.

    A message may quote a conversation: pydantic's shows the input, a database's the row. While
    DEBUG is on, or where CHATSTORE_LOG_ERRORS is "full", it is the whole traceback all the same.
    """
    if settings.debug or settings.log_errors == "full":
        return "".join(traceback.format_exception(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{type(error).__module__}.{type(error).__qualname__} at {' > '.join(places)}"


class WithoutMessages(logging.Filter):
    """Takes the messages of exceptions out of what the SDK logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], StateChangedError):
            return False  # no fault: another request was faster (S20)
        if record.exc_info and record.exc_info[1]:
            record.msg = f"A stream failed: {describe(record.exc_info[1])}"
            record.args, record.exc_info = (), None
        return True


logging.getLogger("chatkit").addFilter(WithoutMessages())
