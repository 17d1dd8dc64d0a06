"""
S20 under uvicorn: requests at the same instant, to one process and to two.

RACE_TRIES says how often each race is run; what must hold does not depend on who is faster.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from chatstore.models import ChatMessage
from chatstore.store import DjangoStore
from chatstore.testing import samples
from tests.live import LiveTestCase, Visitor, decoded, text_of

TRIES = int(os.environ.get("RACE_TRIES", "6"))
ANSWERED = [("user_message", ""), ("assistant_message", "")]

store = DjangoStore()


def send(visitor: Visitor, kind: str, **params: Any) -> tuple[int, list[Any]]:
    """Return the status and the events of a request."""
    request = {"type": kind, "params": params}
    with visitor.http.stream("POST", "/chat/api/", json=request) as response:
        if response.status_code != 200:
            return response.status_code, []
        return 200, list(decoded(response.iter_lines()))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.slow
class OneProcessTests(LiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.other_visitor()

    def other_visitor(self) -> Visitor:
        """Return Alice's second tab."""
        other = self.alice.elsewhere()
        self.addCleanup(other.http.close)
        return other

    def threads(self, scene: str) -> Iterator[tuple[str, str]]:
        """Yield new threads with a message that asks for the scene, and its id."""
        for number in range(TRIES):
            thread_id = f"thr_{scene.partition(' ')[0]}_{number}"
            async_to_sync(store.save_thread)(samples.thread(thread_id), self.alice.context)
            self.add(thread_id, samples.user_message("msg_1", scene))
            yield thread_id, "msg_1"

    def add(self, thread_id: str, item: Any) -> None:
        item.thread_id = thread_id
        async_to_sync(store.add_thread_item)(thread_id, item, self.alice.context)

    def stored(self, thread_id: str) -> list[tuple[str, str]]:
        """Return types and endings of the items, in order."""
        rows = ChatMessage.objects.filter(session__thread_id=thread_id).order_by("timestamp")
        return list(rows.values_list("item_type", "ending"))

    def check(self, wrong: dict[str, Any]) -> None:
        self.assertEqual(wrong, {}, f"{len(wrong)} of {TRIES} are wrong")

    def answers_at_once(self, item: Any, kind: str, params: list[dict[str, Any]]) -> None:
        wrong = {}
        for thread_id, _message_id in self.threads("say asked"):
            self.add(thread_id, item.model_copy())
            (first, _), (second, _) = at_once(
                partial(send, self.alice, kind, thread_id=thread_id, **params[0]),
                partial(send, self.bob, kind, thread_id=thread_id, **params[1]),
            )
            row = ChatMessage.objects.get(session__thread_id=thread_id, item_type=item.type)
            winner = params[0 if first == 200 else 1]
            word = winner.get("result") or winner["input"]["answers"]["why"]["values"][0]
            types = [item_type for item_type, _ending in self.stored(thread_id)]
            if (
                sorted((first, second)) != [200, 409]
                or types != ["user_message", item.type, "assistant_message"]
                or f'"{word}"' not in row.payload
            ):
                wrong[thread_id] = first, second, types, row.payload
        self.check(wrong)

    def test_S20_two_outputs_of_a_tool_call(self) -> None:
        self.answers_at_once(
            samples.tool_call(),
            "threads.add_client_tool_output",
            [{"result": "from one"}, {"result": "from two"}],
        )

    def test_S20_two_answers_to_a_question(self) -> None:
        self.answers_at_once(
            samples.structured_input(),
            "threads.add_structured_input",
            [
                {"item_id": "msg_ask", "input": {"answers": {"why": {"values": [word]}}}}
                for word in ("from one", "from two")
            ],
        )

    def test_S20_two_retries(self) -> None:
        wrong = {}
        kind = "threads.retry_after_item"
        for thread_id, message_id in self.threads("wait words"):
            params = {"thread_id": thread_id, "item_id": message_id}
            results = at_once(
                partial(send, self.alice, kind, **params),
                partial(send, self.bob, kind, **params),
            )
            ends = [events[-1]["type"] for status, events in results if status == 200]
            stored = self.stored(thread_id)
            if (
                stored != ANSWERED
                or ends.count("thread.item.done") != 1
                or {status for status, _ in results} - {200, 409}
            ):
                wrong[thread_id] = [status for status, _ in results], ends, stored
        self.check(wrong)

    def test_S20_a_stop_and_a_retry_at_once(self) -> None:
        asked, wrong = [], {}
        for thread_id, message_id in self.threads("wait words"):
            params = {"thread_id": thread_id, "item_id": message_id}
            request = {"type": "threads.retry_after_item", "params": params}
            with (
                httpx.Client(
                    base_url=self.alice.server_url,
                    cookies=self.alice.cookies,
                    headers=self.alice.http.headers,
                    timeout=40,
                    verify=False,  # noqa: S501 (plain HTTP)
                ) as tab,
                tab.stream("POST", "/chat/api/", json=request) as response,
            ):
                next(filter(text_of, decoded(response.iter_lines())))
            # The connection is closed: the server stops the answer now.
            status, events = send(self.bob, "threads.retry_after_item", **params)
            if status != 200 or events[-1]["type"] != "thread.item.done":
                wrong[thread_id] = status, events[-1:]
            asked.append(thread_id)
        # Only now, since the stopped stream may store something after the retry's has ended.
        for thread_id in asked:
            if (stored := self.stored(thread_id)) != ANSWERED:
                wrong[thread_id] = stored
        self.check(wrong)


class TwoProcessesTests(OneProcessTests):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.second_server = cls.serve()

    def other_visitor(self) -> Visitor:
        other = Visitor(self.second_server, "alice")
        self.addCleanup(other.http.close)
        return other

    def tearDown(self) -> None:
        connection.close()
        super().tearDown()
