"""What can't be done for a person who asks: one base class, with a sentence and a status."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 (an answer to the person, not a fault)
    """
    Why something is not done.

    Args:
        message: a sentence for the person; it quotes nothing of the request.
        status: the HTTP status of the answer.
    """

    default_status = 400

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status or self.default_status


class RequestRefused(Refused):
    """Why a request is not served; nothing is stored or streamed then (V5)."""


class UploadRefused(Refused):
    """Why a file, or the message that it is sent in, is not taken (A3)."""


class ModerationRefused(Refused):
    """Why a moderator's action can't be done as things are."""

    default_status = 409
