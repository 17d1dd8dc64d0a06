"""The admin's lists and pages answer any URL and form with a page, a redirect or a 4xx."""

from __future__ import annotations

from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, TestCase

from chatstore.moderation.records import Action, Moderator, record
from tests.moderators import MESSAGES, RECORDS, REPORTS, THREADS, item_url, staff, url
from tests.rows import StorageMixin, add_thread

VALUES = (
    "a\x00b",
    "%ed%a0%80",  # a lone surrogate; already quoted
    "'\"\\%_<\U0010ffff",
    "x" * 256,
    "漢" * 900,
    "-1",
    "9999",
    "٣",
    "9" * 20,
    "1e400",
    "2024-02-30",
    "0001-01-01",
    "9999-12-31T23:59:59+00:00",
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-0000-0000-00000000000g",
)
LIST_PARAMETERS = ("q", "p", "o")
OTHER_PARAMETERS = ("all", "e", "_to_field", "_popup", "_facets", "unknown")
PARAMETERS = {
    THREADS: (
        *LIST_PARAMETERS,
        "state",
        "listing",
        "status",
        "is_on_hold__isnull",
        "label",
        "assignee",
        "active_since",
        "active_until",
        "since",
        "until",
        "activity",
        "thumbs",
        "updated_at__year",
        "updated_at__month",
        "updated_at__day",
        "updated_at__gte",
        "session_id__in",
        "user_id__exact",
    ),
    MESSAGES: (
        *LIST_PARAMETERS,
        "feedback__exact",
        "ending__exact",
        "since",
        "until",
        "timestamp__gte",
    ),
    RECORDS: (
        *LIST_PARAMETERS,
        "action__exact",
        "acts",
        "since",
        "until",
        "user_id__exact",
        "id__in",
    ),
    REPORTS: (*LIST_PARAMETERS, "queue", "reason", "since", "source__exact", "state__exact"),
    f"{THREADS}search/": ("q", "sender", "feedback", "since", "until", "unknown"),
    f"{THREADS}overview/": ("days",),
}
LISTS = (THREADS, MESSAGES, RECORDS, REPORTS)
ACCEPTED = {200, 302, 400, 403, 404}


def quoted(value: str) -> str:
    return value if value.startswith("%ED") else quote(value)


@pytest.mark.slow
class FuzzTest(StorageMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = add_thread("thr_1", files=1)
        self.message = self.thread.messages.latest("timestamp")
        self.user = get_user_model().objects.create_superuser("root")
        record(self.thread, Moderator.from_user(self.user), Action.READ)
        # An error is answered with 500, and does not end the test.
        self.client = Client(raise_request_exception=False)
        self.client.force_login(self.user)

    def check(self, method: str, address: str, data: Any = None) -> None:
        with self.subTest(address[:200], data=str(data)[:200]):
            response = getattr(self.client, method)(address, data)
            for _ in range(5):
                # The list that Django shows in place of a wrong filter is always the same.
                if response.status_code != 302 or response.url.endswith("?e=1"):
                    break
                response = self.client.get(response.url)
            self.assertIn(response.status_code, ACCEPTED)

    def test_M7_any_value_of_any_parameter(self) -> None:
        for address, names in PARAMETERS.items():
            for name in names:
                for value in VALUES:
                    self.check("get", f"{address}?{name}={quoted(value)}")
        for address, name, value in product(LISTS, OTHER_PARAMETERS, VALUES[:3]):
            self.check("get", f"{address}?{name}={quoted(value)}")

    def test_M7_dates_out_of_range(self) -> None:
        for year in (0, 1, 9999, 10**20):
            for month in (0, 1, 12):
                for day in (1, 31, 32):
                    date = f"updated_at__month={month}&updated_at__day={day}"
                    self.check("get", f"{THREADS}?updated_at__year={year}&{date}")
            self.check("get", f"{THREADS}?updated_at__year={year}")
            self.check("get", f"{THREADS}?updated_at__month={year}")

    def test_M7_any_key_in_a_path(self) -> None:
        pages = ("change/", "history/", "transcript/")
        thread = url(self.thread)
        for value in (*VALUES, "..", "a/b"):
            key = quoted(value)
            for address in (
                *(f"{base}{key}/{page}" for base in (THREADS, MESSAGES, RECORDS) for page in pages),
                f"{thread}do/{key}/",
                f"{thread}items/{key}/",
                f"{thread}items/{key}/do/hide/",
                f"{thread}files/{key}/",
                f"{THREADS}reason/{key}/",
                f"{THREADS}people/{key}/",
                f"{THREADS}people/{key}/do/lift/",
                f"{REPORTS}{key}/change/",
                f"{REPORTS}{key}/do/take/",
                f"{thread}annotate/{key}/",
            ):
                self.check("get", address)

    def test_M7_any_value_of_a_pages_parameters(self) -> None:
        for value in VALUES:
            for name in ("until", "since", "next", "unknown"):
                query = f"?{name}={quoted(value)}"
                for address in (
                    url(self.thread, "transcript"),
                    url(self.thread, "change"),
                    item_url(self.message, "do", "hide"),
                    f"{THREADS}reason/search/",
                ):
                    self.check("get", address + query)

    def test_M7_any_value_in_a_form(self) -> None:
        for text in VALUES:
            if text.startswith("%ED"):
                continue  # a form can't hold it: Django reads forms as it reads URLs
            for data in (
                {"action": "lock", "_selected_action": text},
                {"action": "export", "_selected_action": [text, str(self.thread.pk)]},
                {"action": text, "_selected_action": str(self.thread.pk)},
                {"action": "lock", "_selected_action": str(self.thread.pk), "index": text},
                {"action": "lock", "select_across": text, "_selected_action": text},
                {"action": "delete", "_selected_action": text, "apply": text, "typed": text},
            ):
                for address in LISTS if text in VALUES[:3] else (THREADS,):
                    self.check("post", address, data)
            for address, data in (
                (url(self.thread, "do", "lock"), {"reason": text}),
                (item_url(self.message, "do", "redact"), {"reason": text, "typed": text}),
                (item_url(self.message, "do", "hide"), {"reason": text}),
                (url(self.thread, "export"), {"reason": text, "format": text}),
                (f"{THREADS}reason/search/", {"reason": text}),
                (url(self.thread, "acts"), {"action": text, "items": text, "reason": text}),
                (url(self.thread, "acts"), {"action": "flag", "items": text, "preset": text}),
                (url(self.thread, "annotate", "note"), {"note-text": text}),
                (url(self.thread, "annotate", "label"), {"label-labels": text}),
                (url(self.thread, "annotate", "assign"), {"assign-assignee": text}),
                (f"{THREADS}people/616c/do/suspend/", {"reason": text, "hours": text}),
                (f"{THREADS}people/616c/do/suspend/", {"reason": text, "hours": "1"}),
            ):
                self.check("post", address, data)

    def test_M7_a_key_that_is_none_is_a_bad_request(self) -> None:
        data = {"action": "lock", "_selected_action": "no key"}
        self.assertEqual(self.client.post(THREADS, data).status_code, 400)

    def test_M7_a_nul_in_a_filter_and_a_very_long_search_find_nothing(self) -> None:
        for query in ("user_id__exact=%00", f"q={'x' * 256}", f"q={'漢' * 900}"):
            response = self.client.get(f"{THREADS}?{query}")
            self.assertEqual(response.status_code, 200, query[:20])
            self.assertEqual(response.context["cl"].result_count, 0, query[:20])

    def test_M7_with_few_permissions_too(self) -> None:
        self.client.force_login(staff("carol", "view_chatmessage", "view_moderationrecord"))
        for address in (MESSAGES, RECORDS):
            for name, value in product(PARAMETERS[address], VALUES[:5]):
                self.check("get", f"{address}?{name}={quoted(value)}")
