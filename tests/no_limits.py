"""The settings with which users may start any number of things."""

from __future__ import annotations

NO_LIMITS = {
    "CHATSTORE_MAX_STREAMS": 0,
    "CHATSTORE_MESSAGES_PER_MINUTE": 0,
    "CHATSTORE_CREATIONS_PER_MINUTE": 0,
    "CHATSTORE_REQUESTS_PER_SECOND": 0,
}
