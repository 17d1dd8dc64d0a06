"""
Sends random requests to the demo site, and checks what must hold for each answer:

- no status 500, and no exception that leaves the application
- no HTML where JSON is promised: the endpoint and the files (V5)
- no text of a request in an answer that refuses it, nor in an error event
- no request that takes more than two seconds of CPU, unless its answer is streamed

It is narrower than that in these places:

- Time is the process's CPU time, the least of three tries: the clock also counts what else the
  machine does. A stream may take longer, since the assistant's answer decides how long it is.
- The limits for users are off: 20,000 requests of three users would be refused after the first
  hundreds, and reach nothing behind the limits. test_user_limits.py tests those.
- The async pool is off, since a pool is of one event loop and the data is made anew in threads.
- The CSRF token is right: without it a request ends before the view. test_views.py has a wrong one.
- The admin answers with HTML, also where it refuses, and may repeat what was searched for: it is
  asked for the status, the exception and the time only.
- A HEAD request has no body that could be JSON.

``python -m tests.fuzz --seed 1 --requests 10000`` makes a test database of its own. A request that
fails is added to tests/fuzz_cases.json; tests/test_fuzz.py sends those on every database.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CASES = Path(__file__).with_name("fuzz_cases.json")
RESTORED_EACH = 100  # requests, after which the data is as it was at the beginning
MAX_CPU_SECONDS = 2.0
CSRF_TOKEN = "a" * 32
STREAM = "text/event-stream"


@dataclass
class Answer:
    """What the application sent."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""
    error: str = ""  # of an exception that left the application
    cpu_seconds: float = 0.0


class Site:
    """The demo site in this process, with users and data in the database that is set up."""

    def __init__(self) -> None:
        from project.asgi import application

        self.application = application
        self.sessions: dict[str, str] = {}

    def restore(self) -> None:
        """Make the data anew, and sign the users in."""
        from django.contrib.auth import get_user_model
        from django.contrib.sessions.models import Session
        from django.test import Client

        from chatstore.db.connections import release_connections_sync
        from chatstore.models import ModerationRecord
        from tests.endpoint import Belongings
        from tests.fuzz_requests import THREAD
        from tests.rows import delete_everything

        delete_everything()
        ModerationRecord.objects.all()._raw_delete("default")
        users = get_user_model().objects
        if not self.sessions:
            users.all().delete()
        for name in ("alice", "charlie", "root"):
            user, is_new = users.get_or_create(
                username=name, defaults={"is_staff": name == "root", "is_superuser": name == "root"}
            )
            if is_new or not Session.objects.filter(pk=self.sessions.get(name)).exists():
                client = Client()
                client.force_login(user)
                self.sessions[name] = client.session.session_key
            if name == "alice":
                Belongings.of(str(user.pk), THREAD)
        release_connections_sync()

    async def send(self, request: Any) -> Answer:
        """Send a request through the ASGI application, as a server would."""
        answer = Answer()
        body = request.body.encode("latin-1")
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            return await asyncio.Event().wait()  # the client stays

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                headers = {name.lower(): value for name, value in message["headers"]}
                answer.content_type = headers.get(b"content-type", b"").decode("latin-1")
            else:
                answer.body += message.get("body", b"")

        began = time.process_time()
        try:
            await self.application(self._scope(request, body), receive, send)
        except Exception as error:  # noqa: BLE001 (it is what this looks for)
            answer.error = f"{type(error).__module__}.{type(error).__qualname__}"
        answer.cpu_seconds = time.process_time() - began
        return answer

    def _scope(self, request: Any, body: bytes) -> dict[str, Any]:
        cookies = f"csrftoken={CSRF_TOKEN}"
        if request.user:
            cookies += f"; sessionid={self.sessions[request.user]}"
        headers = {
            "host": "testserver",
            "x-csrftoken": CSRF_TOKEN,
            "cookie": cookies,
            "content-length": str(len(body)),
            **request.headers,
        }
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": request.method,
            "path": unquote(request.path, errors="surrogateescape")
            .encode("utf-8", "surrogatepass")
            .decode("utf-8", "replace"),
            "raw_path": request.path.encode("utf-8", "surrogatepass"),
            "query_string": request.query.encode("latin-1"),
            "root_path": "",
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in headers.items()
            ],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }


def faults(request: Any, answer: Answer) -> list[str]:
    """Return what is wrong with an answer, as sentences."""
    from tests.endpoint import API
    from tests.fuzz_requests import CANARY, FILES, OWN

    found = []
    if answer.error:
        found.append(f"{answer.error} left the application")
    if answer.status == 500 or (answer.status == 0 and not answer.error):
        found.append(f"the status is {answer.status}")
    is_refusal = answer.status >= 400
    path = unquote(request.path)
    is_of_chat = request.path == API or re.fullmatch(f"{FILES}([^/]+/)?|{OWN}", path)
    if is_of_chat and answer.body and "html" in answer.content_type:
        found.append(f"HTML, with the status {answer.status}")
    if is_of_chat and is_refusal and request.method != "HEAD":
        try:
            if set(json.loads(answer.body)) != {"error"}:
                found.append("a refusal that is not an error as JSON")
        except ValueError:
            found.append(f"the refusal {answer.status} is not JSON")
    errors = answer.body if is_refusal else b""
    if answer.content_type == STREAM:
        errors = b"".join(re.findall(rb'^data: {"type":"error".*', answer.body, re.M))
    if CANARY.encode() in errors:
        found.append("a refusal with text of the request")
    if answer.cpu_seconds > MAX_CPU_SECONDS and answer.content_type != STREAM:
        found.append(f"it took {answer.cpu_seconds:.1f} s of CPU")
    return found


async def check(site: Site, request: Any) -> tuple[Answer, list[str]]:
    """Send a request, and again if it took long: only what is always slow is a fault."""
    answer = await site.send(request)
    for _ in range(2):
        if answer.cpu_seconds <= MAX_CPU_SECONDS or answer.content_type == STREAM:
            break
        again = await site.send(request)
        answer.cpu_seconds = min(answer.cpu_seconds, again.cpu_seconds)
    return answer, faults(request, answer)


async def fuzz(site: Site, seed: int, count: int) -> tuple[Counter[Any], list[Any]]:
    """Send random requests; return how often each status came, and the requests that failed."""
    from asgiref.sync import sync_to_async

    from tests.fuzz_requests import Requests

    requests, statuses, failures = Requests(seed), Counter(), []
    for number in range(count):
        if number % RESTORED_EACH == 0:
            await sync_to_async(site.restore)()
        request = requests.next()
        answer, found = await check(site, request)
        statuses[answer.status] += 1
        if found:
            failures.append({"what": "; ".join(found), "request": request.as_json()})
            print(f"#{number} of seed {seed}: {json.dumps(failures[-1])[:2000]}", flush=True)  # noqa: T201
    return statuses, failures


def settings_of_the_fuzz(media: str) -> dict[str, Any]:
    """Return the settings that differ from the demo's."""
    from django.conf import settings

    from tests.no_limits import NO_LIMITS

    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    return {
        "CHATSTORE_SERVER": "tests.assistants.Entities",
        "CHATSTORE_ASYNC_POOL": {},
        "STORAGES": settings.STORAGES | {"default": backend | {"OPTIONS": {"location": media}}},
        **NO_LIMITS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="by default a random one")
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    logging.disable()  # refusals, by the thousand
    from django.test import override_settings
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment(debug=False)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with (
            tempfile.TemporaryDirectory() as media,
            override_settings(**settings_of_the_fuzz(media)),
        ):
            began = time.monotonic()
            statuses, failures = asyncio.run(fuzz(Site(), seed, options.requests))
    finally:
        teardown_databases(databases, verbosity=0)
    seconds = time.monotonic() - began
    print(  # noqa: T201
        f"seed {seed}: {options.requests} requests in {seconds:.0f} s, {len(failures)} failed,",
        f"statuses {dict(sorted(statuses.items()))}",
    )
    if failures:
        known = json.loads(CASES.read_text())
        new = [one for one in failures if one["request"] not in [case["request"] for case in known]]
        CASES.write_text(json.dumps(known + new, indent=1) + "\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
