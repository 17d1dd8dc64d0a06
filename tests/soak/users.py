"""People who chat, and remember what the server has told them is stored."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.contrib.auth.models import User
from django.test import Client

from tests.live import CSRF, HEADERS, text_of, user_input

Event = dict[str, Any]
# Another request of this person, which nobody waits for, is still at work, or there were too many.
REFUSED = (409, 429)


class NotDoneError(Exception):
    """The server has not said that it was done: it may be done or not."""


@dataclass
class Conversation:
    """
    What a person was told of one thread.

    It is left alone after a rename or a retry without an answer: that may still be done later.
    """

    thread_id: str
    title: str = ""  # as it was last renamed
    is_left: bool = False
    items: dict[str, str] = field(default_factory=dict)  # texts by id, in order
    gone: set[str] = field(default_factory=set)  # ids of items that a retry has replaced

    def last_message(self) -> tuple[str, str] | None:
        """Return the id and the text of the last message of the person."""
        asked = [each for each in self.items.items() if each[1].startswith(("say ", "slow "))]
        return asked[-1] if asked else None


class Person:
    """
    One user, who does one thing at a time.

    Attributes:
        conversations: those that must be there.
        uncertain: ids of threads whose deletion was not answered.
        deleted: ids of threads that must be gone.
        uploads: what was uploaded, by the attachment's id.
        wrong: what should not have happened, as sentences.
    """

    def __init__(self, name: str, seed: int, urls: list[str]) -> None:
        user = User.objects.create(username=name)
        session = Client()
        session.force_login(user)
        self.name, self.user_id, self.urls = name, str(user.pk), urls
        self.random = random.Random(f"{seed} {name}")
        self.http = httpx.AsyncClient(
            cookies={"csrftoken": CSRF, "sessionid": session.cookies["sessionid"].value},
            headers=HEADERS,
            timeout=60,
            verify=False,  # noqa: S501 (plain HTTP: it saves the loading of certificates)
        )
        self.lock = asyncio.Lock()
        self.conversations: list[Conversation] = []
        self.uncertain: set[str] = set()
        self.deleted: set[str] = set()
        self.uploads: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._words = 0

    async def live(self, is_over: asyncio.Event) -> None:
        actions = (self.begin, self.talk, self.stop, self.retry, self.rename, self.upload)
        while not is_over.is_set():
            action = self.random.choices((*actions, self.delete), (2, 4, 2, 2, 1, 2, 1))[0]
            async with self.lock:
                try:
                    await action()
                    self.counts[action.__name__] += 1
                except (NotDoneError, httpx.TransportError):
                    self.counts["not answered"] += 1
            await asyncio.sleep(self.random.uniform(0.1, 1))

    # What they do

    async def begin(self) -> None:
        await self._ask(None, self._say())

    async def talk(self) -> None:
        await self._ask(self._any(), self._say())

    async def stop(self) -> None:
        await self._ask(self._any(), f"slow {self._word()}_", deltas=self.random.randint(1, 5))

    async def upload(self) -> None:
        content = f"file {self._word()}\n".encode() * self.random.randint(1, 2000)
        files = {"file": ("a.txt", content, "text/plain")}
        response = self._checked(await self.http.post(self._url("files/"), files=files))
        attachment = response.json()["id"]
        self.uploads[attachment] = content
        await self._ask(self._any(), self._say(), attachments=[attachment])

    async def retry(self) -> None:
        conversation = self._any()
        message = conversation and conversation.last_message()
        if not conversation or not message:
            return
        ids = list(conversation.items)
        replaced = ids[ids.index(message[0]) + 1 :]
        for each in replaced:  # whether they are still there is known when the answer is
            del conversation.items[each]
        params = {"thread_id": conversation.thread_id, "item_id": message[0]}
        deltas = 2 if message[1].startswith("slow ") else None
        conversation.is_left = True
        await self._follow("threads.retry_after_item", params, conversation, deltas)
        conversation.is_left = False
        conversation.gone |= set(replaced)

    async def rename(self) -> None:
        if conversation := self._any():
            title = f"Title {self._word()}"
            conversation.title, conversation.is_left = "", True
            await self._post("threads.update", thread_id=conversation.thread_id, title=title)
            conversation.title, conversation.is_left = title, False

    async def delete(self, keep: int = 3) -> None:
        if len(self.conversations) > keep and (conversation := self._any()):
            self.conversations.remove(conversation)
            self.uncertain.add(conversation.thread_id)
            await self._post("threads.delete", thread_id=conversation.thread_id)
            self.uncertain.discard(conversation.thread_id)
            self.deleted.add(conversation.thread_id)

    def forget(self) -> None:
        """Know that all data of this person was erased."""
        self.deleted |= {each.thread_id for each in self.conversations} | self.uncertain
        self.conversations, self.uncertain, self.uploads = [], set(), {}

    # How

    def _word(self) -> str:
        self._words += 1
        return f"{self.name}x{self._words}"

    def _say(self) -> str:
        return f"say {self._word()} is said"

    def _any(self) -> Conversation | None:
        usable = [each for each in self.conversations if not each.is_left]
        return self.random.choice(usable) if usable else None

    def _url(self, path: str = "api/") -> str:
        return f"{self.random.choice(self.urls)}/chat/{path}"

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code != 200:
            self.counts[f"HTTP {response.status_code}"] += 1
            if response.status_code < 500 and response.status_code not in REFUSED:
                self.wrong.append(f"{self.name} got {response.status_code}: {response.text}")
            raise NotDoneError
        return response

    async def _post(self, kind: str, **params: Any) -> Any:
        body = {"type": kind, "params": params}
        return self._checked(await self.http.post(self._url(), json=body)).json()

    async def get(self, kind: str, **params: Any) -> list[Any]:
        """Return all that the pages of a list hold."""
        data: list[Any] = []
        after = None
        while True:
            page = await self._post(kind, limit=100, order="asc", after=after, **params)
            data += page["data"]
            if not page["has_more"]:
                return data
            after = page["after"]

    async def download(self, attachment: str) -> bytes | None:
        response = await self.http.get(self._url(f"files/{attachment}/"))
        return response.content if response.status_code == 200 else None

    async def _ask(
        self,
        conversation: Conversation | None,
        text: str,
        deltas: int | None = None,
        attachments: list[str] | None = None,
    ) -> None:
        params: dict[str, Any] = {"input": user_input(text, attachments=attachments or [])}
        kind = "threads.create"
        if conversation:
            kind, params["thread_id"] = "threads.add_user_message", conversation.thread_id
        await self._follow(kind, params, conversation, deltas)

    async def _follow(
        self,
        kind: str,
        params: dict[str, Any],
        conversation: Conversation | None,
        deltas: int | None,
    ) -> None:
        """Read a stream, to its end or to a number of deltas, and note what it says is stored."""
        is_answered = False
        async with self._stream(kind, params) as events:
            async for event in events:
                if event["type"] == "thread.created":
                    conversation = Conversation(event["thread"]["id"])
                    self.conversations.append(conversation)
                elif event["type"] == "thread.item.done" and conversation:
                    item = event["item"]
                    conversation.items[item["id"]] = text_in(item)
                    is_answered = item["type"] == "assistant_message"
                elif deltas and text_of(event):
                    deltas -= 1
                    if not deltas:
                        return
        if not is_answered:
            raise NotDoneError

    @asynccontextmanager
    async def _stream(
        self, kind: str, params: dict[str, Any]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        body = {"type": kind, "params": params}
        async with self.http.stream("POST", self._url(), json=body) as response:
            if response.status_code != 200:
                await response.aread()
            self._checked(response)

            async def events() -> AsyncIterator[Event]:
                async for line in response.aiter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line[6:])

            yield events()


def text_in(item: dict[str, Any]) -> str:
    return "".join(part["text"] for part in item.get("content", ()))
