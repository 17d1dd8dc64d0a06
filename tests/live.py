"""
Runs uvicorn in another process, on the database of the tests, and sends requests to it.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, TransactionTestCase

from tests.browser import ROOT, free_port
from tests.live_process import FORKS, serve

Event = dict[str, Any]
CSRF = "a" * 32
HEADERS = {"X-CSRFToken": CSRF}


def database_url() -> str:
    """Return the URL of the tests' database, for another process."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}")
    if connection.vendor == "postgresql":  # to find its connections in pg_stat_activity
        url = url._replace(query="application_name=live")
    return urlunsplit(url)


def user_input(text: str, **fields: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}, **fields}


def decoded(lines: Iterator[str]) -> Iterator[Event]:
    """Yield the events of a stream."""
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line[6:])


def text_of(event: Event) -> str:
    """Return the text of a delta, or nothing."""
    return event.get("update", {}).get("delta", "")


def until(is_so: Callable[[], Any], seconds: float = 5) -> Any:
    """Wait until a condition returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.02)
    return found


class Server:
    """A running uvicorn."""

    def __init__(self, assistant: str, **env: str) -> None:
        self.port = free_port()
        self.log = Path(tempfile.mkstemp(prefix="chatstore-live-", suffix=".log")[1])
        env = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.live_settings",
            "LIVE_ASSISTANT": f"tests.assistants.{assistant}",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            **env,
        }
        self.process = FORKS.Process(target=serve, args=(self.port, env, str(self.log), str(ROOT)))
        self.process.start()
        self.url = f"http://127.0.0.1:{self.port}"
        until(self._is_up, 60)

    def _is_up(self) -> bool:
        assert self.process.is_alive(), self.log.read_text()
        try:
            return httpx.get(f"{self.url}/login/").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10) -> int | None:
        """Send a signal, and return the exit code: negative if a signal has ended the process."""
        assert self.process.pid
        os.kill(self.process.pid, number)
        self.process.join(seconds)
        try:
            return self.process.exitcode
        finally:
            self.end()

    def end(self) -> None:
        self.process.kill()
        self.process.join()


class Visitor:
    """A signed-in user who sends requests to a server."""

    def __init__(self, server: Server, name: str) -> None:
        self.user, _ = get_user_model().objects.get_or_create(username=name)
        session = Client()
        session.force_login(self.user)
        self.cookies = {"csrftoken": CSRF, "sessionid": session.cookies["sessionid"].value}
        self.server_url = server.url
        self.http = self._client()
        self.context = {"user_id": str(self.user.pk)}

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.server_url,
            cookies=self.cookies,
            headers=HEADERS,
            timeout=40,
            verify=False,  # noqa: S501 (plain HTTP: it saves the loading of certificates)
        )

    def elsewhere(self) -> Visitor:
        """Return the same user with a client of its own, since many threads can't share one."""
        other = copy.copy(self)
        other.http = self._client()
        return other

    def post(self, kind: str, **params: Any) -> httpx.Response:
        return self.http.post("/chat/api/", json={"type": kind, "params": params})

    def get(self, kind: str, **params: Any) -> Any:
        """Send a request that is answered by JSON."""
        response = self.post(kind, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def send(self, kind: str, **params: Any) -> list[Event]:
        """Send a request that is answered by a stream, and read all events."""
        with self.stream(kind, **params) as events:
            return list(events)

    @contextmanager
    def stream(self, kind: str, **params: Any) -> Iterator[Iterator[Event]]:
        """Read a stream; leaving the block earlier closes the connection."""
        request = {"type": kind, "params": params}
        with self.http.stream("POST", "/chat/api/", json=request) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream"
            yield decoded(response.iter_lines())

    def ask(self, text: str, thread_id: str | None = None) -> list[Event]:
        kind, params = _asking(text, thread_id)
        return self.send(kind, **params)

    @contextmanager
    def asking(self, text: str, thread_id: str | None = None) -> Iterator[tuple[str, Any]]:
        """Send a message; yield the thread's id and the events from the first delta on."""
        kind, params = _asking(text, thread_id)
        with self.stream(kind, **params) as events:
            for event in events:
                if event["type"] == "thread.created":
                    thread_id = event["thread"]["id"]
                if text_of(event):
                    break
            assert thread_id
            yield thread_id, events

    def items(self, thread_id: str) -> list[Event]:
        return self.get("items.list", thread_id=thread_id, order="asc")["data"]

    def answers(self, thread_id: str) -> list[str]:
        """Return the texts of the stored answers."""
        items = [item for item in self.items(thread_id) if item["type"] == "assistant_message"]
        return ["".join(part["text"] for part in item["content"]) for item in items]


def _asking(text: str, thread_id: str | None) -> tuple[str, dict[str, Any]]:
    if thread_id is None:
        return "threads.create", {"input": user_input(text)}
    return "threads.add_user_message", {"input": user_input(text), "thread_id": thread_id}


class LiveTestCase(TransactionTestCase):
    """Serves `assistant` for the tests of the class."""

    assistant = "Scripted"
    env: dict[str, str] = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.serve()

    @classmethod
    def serve(cls) -> Server:
        server = Server(cls.assistant, **cls.env)
        cls.addClassCleanup(server.log.unlink, missing_ok=True)
        cls.addClassCleanup(server.end)
        return server

    def setUp(self) -> None:
        self.alice = self.visitor("alice")

    def visitor(self, name: str, server: Server | None = None) -> Visitor:
        visitor = Visitor(server or self.server, name)
        self.addCleanup(visitor.http.close)
        return visitor
