"""V7: how many requests of a session a process serves, through the ASGI wrapper."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.test import SimpleTestCase, override_settings
from django.urls import reverse
from django.urls.base import set_script_prefix
from django.views import View

from chatstore import urls
from chatstore.http import request_rate
from chatstore.http.lifespan import with_lifespan
from chatstore.http.views import EndpointView
from tests.endpoint import API


class RequestRateTest(SimpleTestCase):
    """Through the ASGI wrapper, before Django."""

    def setUp(self) -> None:
        self.time = 1000.0
        clock = patch.object(request_rate.time, "monotonic", lambda: self.time)
        clock.start()
        self.addCleanup(clock.stop)
        self.application = with_lifespan(self.django)

    async def django(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def request(self, path: str = API, method: str = "POST", **headers: str) -> int:
        """Send a request, and return the status."""
        self.sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: Any) -> None:
            self.sent.append(message)

        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "method": method, "headers": pairs}
        await self.application(scope, receive, send)
        return self.sent[0]["status"]

    @override_settings(CHATSTORE_REQUESTS_PER_SECOND=2)
    async def test_V7_a_session_that_sends_too_many_is_refused_before_it_costs_anything(
        self,
    ) -> None:
        alice = {"cookie": "a=b; sessionid=alices"}
        burst = 2 * request_rate.BURST_SECONDS
        statuses = [await self.request(**alice) for _ in range(burst + 5)]
        self.assertEqual(statuses, [200] * burst + [429] * 5)
        headers = dict(self.sent[0]["headers"])
        self.assertEqual(headers[b"retry-after"], b"1")
        self.assertEqual(headers[b"content-type"], b"application/json")
        self.assertRegex(self.sent[1]["body"], rb'^{"error": "You .*\."}$')

        for other in ({"cookie": "sessionid=charlies"}, {"authorization": "Bearer alices"}, {}):
            self.assertEqual(await self.request(**other), 200)
        self.assertEqual(await self.request("/elsewhere/", **alice), 200)
        self.assertEqual(await self.request("/chat/files/x/", "GET", **alice), 200)
        self.assertEqual(await self.request("/chat/files/", **alice), 429)
        # A further cookie or token makes no other session of it.
        changed = {"cookie": "x=y;sessionid=alices; z=1", "authorization": "Bearer new"}
        self.assertEqual(await self.request(**changed), 429)

        self.time += 1
        self.assertEqual([await self.request(**alice) for _ in range(3)], [200, 200, 429])

    @override_settings(CHATSTORE_REQUESTS_PER_SECOND=1)
    async def test_V7_of_many_sessions_the_oldest_are_forgotten(self) -> None:
        with patch.object(request_rate, "MAX_SESSIONS", 2):
            for _ in range(request_rate.BURST_SECONDS):
                self.assertEqual(await self.request(authorization="first"), 200)
            self.assertEqual(await self.request(authorization="first"), 429)
            for name in ("second", "third"):
                self.assertEqual(await self.request(authorization=name), 200)
            self.assertEqual(await self.request(authorization="first"), 200)

    async def test_V7_without_a_limit_any_number(self) -> None:
        with override_settings(CHATSTORE_REQUESTS_PER_SECOND=0):
            statuses = {await self.request(cookie="sessionid=alices") for _ in range(500)}
        self.assertEqual(statuses, {200})

    async def test_V5_the_body_of_each_url_is_limited(self) -> None:
        for url in urls.urlpatterns:
            if not issubclass(getattr(url.callback, "view_class", View), EndpointView):
                continue
            names = dict.fromkeys(url.pattern.regex.groupindex, "thr_1")
            path = reverse(f"chatstore:{url.name}", kwargs=names)
            with self.subTest(path):
                self.assertEqual(await self.request(path, **{"content-length": "9" * 15}), 413)

    async def test_V5_it_knows_where_the_urls_are_also_after_they_have_changed(self) -> None:
        large = {"content-length": str(2**40)}
        self.assertEqual(await self.request(**large), 413)
        with override_settings(ROOT_URLCONF="chatstore.urls"):  # under no namespace: not included
            self.assertEqual(await self.request(**large), 200)
        self.addCleanup(set_script_prefix, "/")
        set_script_prefix("/site/")
        self.assertEqual(await self.request(**large), 200)
        self.assertEqual(await self.request(f"/site{API}", **large), 413)
        set_script_prefix("/")
        self.assertEqual(await self.request(**large), 413)
