"""Refusals: expected errors with a sentence for the user and an HTTP status; and ContextError."""

from __future__ import annotations


class ContextError(Exception):
    """
    ChatServer.get_context has failed, or has returned no context.

    ``str(error)`` is a sentence for the developer, with nothing of the request: it is logged.
    """


class Refused(Exception):  # noqa: N818 (an answer to the user, not a fault)
    """
    Base class of refusals; ``str(error)`` is the sentence.

    Args:
        message: a translated sentence for the user; contains nothing of the request (V5).
        status: the HTTP status of the response; by default ``default_status`` of the class.
    """

    default_status = 400

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status or self.default_status


class RequestRefused(Refused):
    """A request is refused before anything is stored or streamed (V5)."""


class UploadRefused(Refused):
    """An upload, or a message with attachments, is refused (A3)."""


class LimitReached(Refused):
    """
    A user has started too much; the answer is 429 (V7).

    Args:
        message: as of Refused.
        retry_after: the seconds to wait, which the header Retry-After says.
    """

    default_status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModerationRefused(Refused):
    """A moderator's action is not possible in the current state of the thread or message."""

    default_status = 409
