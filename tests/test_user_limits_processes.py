"""V7: processes that share a cache count what a user starts together."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import caches
from django.test import SimpleTestCase, override_settings

from chatstore.exceptions import LimitReached
from chatstore.server import user_limits
from chatstore.server.user_limits import CREATION, MESSAGE, STREAM
from tests.caches import PREFIX, redis
from tests.test_user_limits import BACKENDS, MINUTE, CountedMixin

ROOT = Path(__file__).resolve().parent.parent
LIMIT, AT_ONCE = 10, 100
SETTINGS = (
    "CACHES",
    "CHATSTORE_MAX_STREAMS",
    "CHATSTORE_MESSAGES_PER_MINUTE",
    "CHATSTORE_CREATIONS_PER_MINUTE",
)
# For each line of its input, starts as many as it says at once, and prints how many were let in.
PROCESS = """
import asyncio, json, sys, django
from unittest.mock import patch
from django.conf import settings
settings.configure(INSTALLED_APPS=["chatstore"], **json.loads(sys.argv[1]))
django.setup()
from chatstore.exceptions import LimitReached
from chatstore.server import user_limits

async def start(cost, count):
    starting = (user_limits.admit("alice", cost) for _ in range(count))
    answers = await asyncio.gather(*starting, return_exceptions=True)
    if any(isinstance(one, Exception) and not isinstance(one, LimitReached) for one in answers):
        sys.exit("Something else than LimitReached")
    return sum(not isinstance(one, Exception) for one in answers)

# What a busy machine may take for a hundred at once.
user_limits.CACHE_TIMEOUT_SECONDS = user_limits.QUEUE_TIMEOUT_SECONDS = 30
with patch.object(user_limits, "now", lambda: json.loads(sys.argv[2])):
    print("ready", flush=True)
    for line in sys.stdin:
        print(asyncio.run(start(*json.loads(line))), flush=True)
    user_limits._thread.submit(int).result()  # what was refused is taken back
"""


class ProcessesMixin(CountedMixin):
    """Other processes, which have the test's cache, clock and limits."""

    def start_process(self) -> subprocess.Popen[str]:
        values = {name: getattr(settings, name) for name in SETTINGS}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROCESS, json.dumps(values), f"{MINUTE * 60}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def begin(self, process: subprocess.Popen[str], cost: int, count: int) -> None:
        process.stdin.write(json.dumps([cost, count]) + "\n")
        process.stdin.flush()


@override_settings(
    CHATSTORE_MAX_STREAMS=3, CHATSTORE_MESSAGES_PER_MINUTE=9, CHATSTORE_CREATIONS_PER_MINUTE=9
)
class ProcessesTest(ProcessesMixin, SimpleTestCase):
    cache = f"{BACKENDS}.filebased.FileBasedCache"

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.location = folder.name
        super().setUp()

    def test_V7_processes_count_together_and_a_killed_one_leaves_nothing(self) -> None:
        admit = async_to_sync(user_limits.admit)
        other = self.start_process()
        self.assertEqual(other.stdout.readline(), "ready\n")
        self.begin(other, STREAM, 2)
        self.assertEqual(other.stdout.readline(), "2\n")
        admit("alice", STREAM)
        with self.assertRaises(LimitReached):
            admit("alice", STREAM)
        other.kill()
        other.wait()
        self.renew()  # of this process's own stream
        self.set_clock(0, MINUTE + 1)
        for _ in range(2):
            admit("alice", STREAM)
        with self.assertRaises(LimitReached):
            admit("alice", STREAM)


@pytest.mark.redis
@override_settings(
    CHATSTORE_MAX_STREAMS=LIMIT,
    CHATSTORE_MESSAGES_PER_MINUTE=LIMIT,
    CHATSTORE_CREATIONS_PER_MINUTE=LIMIT,
)
class RedisTest(ProcessesMixin, SimpleTestCase):
    def cache_config(self) -> dict[str, Any]:
        return redis()

    def test_V7_of_many_at_once_in_two_processes_exactly_the_limit_is_let_in(self) -> None:
        processes = [self.start_process(), self.start_process()]
        self.assertEqual([process.stdout.readline() for process in processes], ["ready\n"] * 2)
        for cost in (MESSAGE, CREATION, STREAM):
            for process in processes:
                self.begin(process, cost, AT_ONCE)
            admitted = [int(process.stdout.readline()) for process in processes]
            self.assertEqual(sum(admitted), LIMIT, admitted)
        for process in processes:
            process.communicate()
        client = caches["default"]._cache.get_client()
        [key] = client.scan_iter(f"{PREFIX}:*")
        self.assertEqual(int(client.get(key)), LIMIT * (MESSAGE + CREATION + STREAM))
        self.assertGreater(client.ttl(key), 60)  # also one that is begun a minute early
