"""The demo's settings, for a worker on the benchmarks' database."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from project.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["BENCH_DATABASE"]
ROOT_URLCONF = "benchmarks.site.urls"
CHATSTORE_SERVER = "benchmarks.site.assistant.Assistant"
# The benchmarks send plain HTTP.
SECURE_SSL_REDIRECT = False
ALLOWED_HOSTS = ["127.0.0.1"]
# One user sends many requests: the limits are counted as always, and never reached.
CHATSTORE_MESSAGES_PER_MINUTE = 50_000
CHATSTORE_CREATIONS_PER_MINUTE = 50_000
CHATSTORE_MAX_STREAMS = 50_000
CHATSTORE_REQUESTS_PER_SECOND = 50_000
