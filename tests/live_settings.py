"""The demo's settings for a server in a process of its own, with an assistant of the tests."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from project.settings import DATABASES, MIDDLEWARE
from tests.no_limits import NO_LIMITS

CHATSTORE_SERVER = os.environ["LIVE_ASSISTANT"]
MIDDLEWARE = [*MIDDLEWARE, *os.environ.get("LIVE_MIDDLEWARE", "").split()]
globals().update(NO_LIMITS)
if os.environ.get("LIVE_SETTINGS") == "unpooled":
    DATABASES["default"]["OPTIONS"].pop("pool", None)
    CHATSTORE_ASYNC_POOL: dict[str, object] = {}
