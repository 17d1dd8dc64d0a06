"""V7: how many requests of a session a process serves, through the ASGI wrapper."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
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


@override_settings(CHATSTORE_REQUESTS_PER_SECOND=20)
class RequestRateTest(SimpleTestCase):
    """Through the ASGI wrapper, before Django."""

    def setUp(self) -> None:
        self.time = 1000.0
        clock = patch.object(request_rate, "monotonic", lambda: self.time)
        clock.start()
        self.addCleanup(clock.stop)
        turns = patch.object(request_rate, "TURN_SECONDS", 1000)
        turns.start()
        self.addCleanup(turns.stop)
        self.application = with_lifespan(self.django)
        self.received: list[str] = []  # the paths of requests that Django has received whole
        self.may_answer, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        self.may_end.set()

    async def django(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        self.received.append(scope["path"])
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b""})

    async def request_with(self, pairs: list[tuple[str, str]]) -> int:
        """Send a request with these headers, of which a name may come twice."""
        return await self.served(self.empty_body(), pairs=pairs)

    async def request(self, path: str = API, method: str = "POST", **headers: str) -> int:
        """Send a request, and return the status."""
        return await self.served(self.empty_body(), path, method, **headers)

    @staticmethod
    def empty_body() -> Any:
        body = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

        async def receive() -> Any:
            return next(body, {"type": "http.disconnect"})

        return receive

    async def served(
        self,
        receive: Any,
        path: str = API,
        method: str = "POST",
        pairs: Iterable[tuple[str, str]] = (),
        **headers: str,
    ) -> int:
        """Serve a request whose body comes from ``receive``, and return the status."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        pairs = [*pairs, *headers.items()]
        encoded = [(name.encode(), value.encode()) for name, value in pairs]
        scope = {"type": "http", "path": path, "method": method, "headers": encoded}
        await self.application(scope, receive, send)
        self.sent = sent
        return int(sent[0]["status"])

    async def come_to_rest(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

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

    @override_settings(CHATSTORE_REQUESTS_PER_SECOND=2)
    async def test_V7_refusals_come_as_evenly_as_answers(self) -> None:
        rate = request_rate.RequestRate()
        delays = [rate.refusal_delay(1) for _ in range(100)]
        self.assertEqual(delays[:3], [0.5, 1.0, 1.5])
        longest = request_rate.MAX_DELAY_SECONDS
        self.assertEqual([delay for delay in delays[10:] if not 2.5 <= delay <= longest], [])
        self.assertGreater(len({*delays[10:]}), 50)  # not all at one instant
        self.time += longest
        self.assertEqual(rate.refusal_delay(1), 0.5)

    @override_settings(CHATSTORE_REQUESTS_PER_SECOND=20)
    async def test_V7_a_refusal_waits_until_its_time_or_until_the_client_has_gone(self) -> None:
        with patch.object(request_rate, "BURST_SECONDS", 0):
            is_gone = asyncio.Event()
            body = iter([{"type": "http.request", "body": b"{}"}])

            async def receive() -> Any:
                for message in body:
                    return message
                await is_gone.wait()
                return {"type": "http.disconnect"}

            asking = asyncio.ensure_future(self.served(receive, authorization="alice"))
            await self.come_to_rest()
            self.assertFalse(asking.done())
            self.assertEqual(await asyncio.wait_for(asking, 10), 429)  # after 0.05 s

            for _ in range(200):  # as many as let the next one wait for longer
                await self.request(authorization="alice")
            body = iter([{"type": "http.request", "body": b"{}"}])
            asking = asyncio.ensure_future(self.served(receive, authorization="alice"))
            await self.come_to_rest()
            self.assertFalse(asking.done())
            is_gone.set()
            await self.come_to_rest()
            self.assertTrue(asking.done())

    def ask(self, count: int, path: str = API, **headers: str) -> list[asyncio.Future[int]]:
        """Begin so many requests at once."""
        return [asyncio.ensure_future(self.request(path, **headers)) for _ in range(count)]

    async def test_V7_requests_that_a_session_sends_at_once_begin_one_after_the_other(
        self,
    ) -> None:
        self.may_answer.clear()
        alices = self.ask(5, authorization="alice")
        await self.come_to_rest()
        self.assertEqual(self.received, [API])
        charlies = self.ask(1, "/chat/threads/", authorization="charlie")
        await self.come_to_rest()
        self.assertEqual(self.received, [API, "/chat/threads/"])
        self.may_answer.set()
        self.assertEqual(await asyncio.gather(*alices, *charlies), [200] * 6)

    async def test_V7_whatever_of_chatstores_they_ask_for(self) -> None:
        self.may_answer.clear()
        page, file = reverse("chatstore:page"), reverse("chatstore:file", args=["atc_1"])
        for number, path in enumerate((page, file, reverse("chatstore:shared", args=["x"]))):
            with self.subTest(path):
                asked = [
                    asyncio.ensure_future(self.request(path, "GET", authorization=str(number)))
                    for _ in range(3)
                ]
                await self.come_to_rest()
                self.assertEqual(self.received.count(path), 1)
                self.may_answer.set()
                await asyncio.gather(*asked)
                self.may_answer.clear()

    async def test_V7_a_stream_has_had_its_turn_when_it_begins(self) -> None:
        self.may_end.clear()
        alices = self.ask(6, authorization="alice")
        await self.come_to_rest()
        self.assertEqual(len(self.received), 6)
        self.may_end.set()
        await asyncio.gather(*alices)

    async def test_V7_a_turn_ends_by_itself_after_a_while(self) -> None:
        self.may_answer.clear()
        with patch.object(request_rate, "TURN_SECONDS", 0.01):
            alices = self.ask(6, authorization="alice")
            for _ in range(500):
                await asyncio.sleep(0.01)
                if len(self.received) == 6:
                    break
        self.assertEqual(len(self.received), 6)
        self.may_answer.set()
        await asyncio.gather(*alices)

    async def test_V7_a_turn_that_has_ended_is_not_ended_again(self) -> None:
        rate = request_rate.RequestRate()
        first = rate.turn_of(1)
        await first.wait()
        for _ in range(3):
            first.end()
        others = [rate.turn_of(1) for _ in range(2)]
        waiting = [asyncio.ensure_future(other.wait()) for other in others]
        await self.come_to_rest()
        self.assertEqual([one.done() for one in waiting], [True, False])
        last = rate.turn_of(1)
        others[1].end()  # before its turn
        others[0].end()
        await asyncio.gather(*waiting)
        await asyncio.wait_for(last.wait(), 10)

    async def test_V7_a_turn_ends_with_a_request_that_has_no_answer(self) -> None:
        self.may_answer.clear()
        alices = self.ask(3, authorization="alice")
        await self.come_to_rest()
        self.assertEqual(len(self.received), 1)
        alices[0].cancel()
        await self.come_to_rest()
        self.assertEqual(len(self.received), 2)
        self.may_answer.set()
        await asyncio.gather(*alices[1:])

    async def test_V7_a_body_that_is_still_being_sent_takes_no_turn(self) -> None:
        has_all = asyncio.Event()

        def slowly() -> Any:
            parts = iter([b"{", b"}"])

            async def receive() -> Any:
                if (part := next(parts)) == b"}":
                    await has_all.wait()
                return {"type": "http.request", "body": part, "more_body": part == b"{"}

            return receive

        slow = asyncio.ensure_future(self.served(slowly(), authorization="alice"))
        await self.come_to_rest()
        self.assertEqual(self.received, [])
        request = self.request(authorization="alice")
        self.assertEqual(await asyncio.wait_for(request, 10), 200)
        has_all.set()
        self.assertEqual(await slow, 200)

    async def test_V7_without_a_limit_any_number(self) -> None:
        with override_settings(CHATSTORE_REQUESTS_PER_SECOND=0):
            statuses = {await self.request(cookie="sessionid=alices") for _ in range(500)}
            self.may_answer.clear()
            self.received.clear()
            alices = self.ask(9, cookie="sessionid=alices")
            await self.come_to_rest()
            self.assertEqual(len(self.received), 9)
            self.may_answer.set()
            await asyncio.gather(*alices)
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
        self.assertEqual(await self.request(f"/site{API}", **large), 200)
        with override_settings(FORCE_SCRIPT_NAME="/site"):
            self.assertEqual(await self.request(f"/site{API}", **large), 413)
            self.assertEqual(await self.request(**large), 413)  # Django serves it too
            self.addCleanup(set_script_prefix, "/")
            set_script_prefix("/site/")  # as a management command does
            self.assertEqual(await self.request(f"/site{API}", **large), 413)
            set_script_prefix("/")
        self.assertEqual(await self.request(**large), 413)

    @override_settings(ROOT_URLCONF="tests.urls_by_language")
    async def test_V5_V7_in_each_language_of_i18n_patterns(self) -> None:
        large = {"content-length": str(2**40)}
        for path, status in (("/de", 413), ("/en", 413), ("", 200), ("/xx", 200)):
            self.assertEqual(await self.request(path + API, **large), status, path)

    @override_settings(CHATSTORE_REQUESTS_PER_SECOND=1)
    async def test_V7_a_session_is_known_however_its_cookie_is_written(self) -> None:
        alice = [("cookie", "sessionid=alices")]
        for _ in range(request_rate.BURST_SECONDS):
            self.assertEqual(await self.request_with(alice), 200)
        for pairs in (
            [("cookie", "sessionid=other; sessionid=alices")],
            [("cookie", "sessionid =alices")],
            [("cookie", 'sessionid="alices"')],
            [("cookie", r'sessionid="\141lices"')],
            [("cookie", "a=1"), ("cookie", "; sessionid=alices")],
            [("cookie", "sessionid=alices; b"), ("cookie", "a=1")],
        ):
            with self.subTest(pairs):
                self.assertEqual(await self.request_with(pairs), 429)
        self.assertEqual(await self.request_with([("cookie", "sessionid=charlies")]), 200)
