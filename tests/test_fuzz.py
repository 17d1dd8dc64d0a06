"""Requests that failed once under tests.fuzz, on each database; and that the seed says it all."""

from __future__ import annotations

import itertools
import json
import logging
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import TransactionTestCase, override_settings

from tests.fuzz import CASES, Answer, Site, check, faults
from tests.fuzz_requests import CANARY, FuzzedRequest, Requests
from tests.rows import StorageMixin


class CasesTest(StorageMixin, TransactionTestCase):
    # Django leaves the body's file open where it can't make its request.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @override_settings(
        ALLOWED_HOSTS=["testserver"], CHATSTORE_SERVER="tests.assistants.Entities", DEBUG=False
    )
    async def test_V5_what_has_failed_once_fails_no_more(self) -> None:
        logging.disable()
        self.addCleanup(logging.disable, logging.NOTSET)
        site = Site()
        cases = json.loads(CASES.read_text())
        for case in cases:
            await sync_to_async(site.restore)()
            with self.subTest(case["what"]):
                _answer, found = await check(site, FuzzedRequest(**case["request"]))
                self.assertEqual(found, [])


class FuzzTest(StorageMixin, TransactionTestCase):
    """The checks find what they are to find, and a seed always gives the same requests."""

    def test_the_same_seed_gives_the_same_requests(self) -> None:
        first, second, other = (list(self.some(seed)) for seed in (1, 1, 2))
        self.assertEqual(first, second)
        self.assertNotEqual(first, other)
        for prefix in ("/chat/api/", "/chat/files/", "/admin/"):
            self.assertTrue(any(one.path.startswith(prefix) for one in first), prefix)

    def some(self, seed: int) -> Any:
        return itertools.islice(iter(Requests(seed).next, None), 100)

    def test_each_fault_is_found(self) -> None:
        endpoint = FuzzedRequest("alice", "POST", "/chat/api/")
        page = FuzzedRequest("alice", "GET", "/chat/")
        good, json_type, html = b'{"error":"No."}', "application/json", "text/html"
        for request, answer, expected in (
            (endpoint, Answer(400, json_type, good), ""),
            (page, Answer(404, html, b"<p>"), ""),
            (endpoint, Answer(200, "text/event-stream", cpu_seconds=9), ""),
            (endpoint, Answer(0, error="builtins.ValueError"), "left the application"),
            (page, Answer(500, html, b"<p>"), "status is 500"),
            (endpoint, Answer(400, json_type, b"[]"), "not an error as JSON"),
            (endpoint, Answer(400, html, b"<p>"), "HTML"),
            (endpoint, Answer(400, json_type, b'{"error":"%s"}' % CANARY.encode()), "with text"),
            (
                endpoint,
                Answer(
                    200,
                    "text/event-stream",
                    b'data: {"type":"error","message":"%s"}\n\n' % CANARY.encode(),
                ),
                "with text",
            ),
            (page, Answer(200, html, cpu_seconds=2.1), "2.1 s of CPU"),
        ):
            with self.subTest(expected=expected, status=answer.status):
                found = "; ".join(faults(request, answer))
                self.assertIn(expected, found)
                self.assertEqual(bool(found), bool(expected))
