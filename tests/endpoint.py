"""For tests of the ChatKit endpoint: two users, data of one, a request of each type."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, get_args

from asgiref.sync import async_to_sync
from chatkit.types import NonStreamingReq, StreamingReq
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client, override_settings

from chatstore.store import DjangoStore
from chatstore.testing import samples
from tests.live import Event, decoded, user_input
from tests.rows import StorageMixin, add_attachment

API = "/chat/api/"
ACTION = {"type": "press", "payload": {}}
REQUEST_TYPES = {
    one.model_fields["type"].default
    for one in (*get_args(StreamingReq), *get_args(NonStreamingReq))
}
STREAMING_TYPES = {one.model_fields["type"].default for one in get_args(StreamingReq)}


@dataclass
class Belongings:
    """The data of one user: a thread with an item of each kind that a request can name."""

    context: dict[str, Any]
    thread_id: str
    message: str = "msg_user"
    answer: str = "msg_answer"
    question: str = "msg_ask"
    widget: str = "msg_widget"
    upload: str = ""
    others: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, user_id: str, thread_id: str, text: str = "Hello") -> Belongings:
        has = cls({"user_id": user_id}, thread_id, upload=f"atc_{thread_id}")
        add_attachment(has.upload, user_id)
        store: DjangoStore[Any] = DjangoStore()

        async def save() -> None:
            thread = samples.thread(thread_id, title=f"Title of {thread_id}")
            await store.save_thread(thread, has.context)
            for item in (
                samples.user_message(has.message, text),
                samples.answer(has.answer, f"{text} yourself"),
                samples.structured_input(has.question),
                samples.dynamic_widget(has.widget),
                samples.tool_call("tc_1"),
            ):
                item.thread_id = thread_id
                await store.add_thread_item(thread_id, item, has.context)

        async_to_sync(save)()
        return has

    def requests(self) -> dict[str, dict[str, Any]]:
        """Return the params of a request of each type, with the ids of this user's data."""
        thread = {"thread_id": self.thread_id}
        message = user_input("say fine")
        with_file = user_input("say fine", attachments=[self.upload])
        action = {**thread, "item_id": self.widget, "action": ACTION}
        answers = {"answers": {"why": {"values": ["Because"]}}}
        return {
            "threads.create": {"input": with_file},
            "threads.get_by_id": thread,
            "threads.list": {"after": self.thread_id},
            "threads.add_user_message": {**thread, "input": message},
            "threads.add_client_tool_output": {**thread, "result": {"n": 1}},
            "threads.add_structured_input": {**thread, "item_id": self.question, "input": answers},
            "threads.retry_after_item": {**thread, "item_id": self.message},
            "threads.custom_action": action,
            "threads.sync_custom_action": action,
            "threads.update": {**thread, "title": "New title"},
            "threads.delete": thread,
            "items.list": thread,
            "items.feedback": {**thread, "item_ids": [self.answer], "kind": "positive"},
            "attachments.create": {"name": "a.txt", "size": 3, "mime_type": "text/plain"},
            "attachments.delete": {"attachment_id": self.upload},
            "input.transcribe": {"audio_base64": "AAAA", "mime_type": "audio/webm"},
        }


class EndpointMixin(StorageMixin):
    """The users Alice and Charlie, each with a client, and the assistant of the tests."""

    assistant = "Scripted"

    def setUp(self) -> None:
        super().setUp()
        override = override_settings(CHATSTORE_SERVER=f"tests.assistants.{self.assistant}")
        override.enable()
        self.addCleanup(override.disable)
        users = get_user_model().objects
        self.user, self.other = users.create_user("alice"), users.create_user("charlie")
        self.alice = {"user_id": str(self.user.pk)}
        self.charlie = {"user_id": str(self.other.pk)}
        self.client, self.async_client = Client(), AsyncClient()
        self.client.force_login(self.user)
        self.async_client.force_login(self.user)

    async def post(self, kind: str, params: Any = None, client: Any = None, **more: Any) -> Any:
        """Send a request, and return the response; a stream's events are in `events`."""
        return await self.post_body(json.dumps({"type": kind, "params": params or more}), client)

    async def post_body(self, body: str | bytes, client: Any = None, **headers: Any) -> Any:
        headers.setdefault("content_type", "application/json")
        response = await (client or self.async_client).post(API, data=body, **headers)
        if response.streaming:
            content = b"".join([part async for part in response.streaming_content])
            response.events = list(decoded(iter(content.decode().splitlines())))
        return response

    async def send(self, kind: str, params: Any = None, **more: Any) -> list[Event]:
        """Send a request that is answered by a stream."""
        response = await self.post(kind, params, **more)
        self.assertEqual(response.status_code, 200, getattr(response, "content", b""))
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")
        return response.events

    async def get(self, kind: str, params: Any = None, **more: Any) -> Any:
        """Send a request that is answered by JSON."""
        response = await self.post(kind, params, **more)
        self.assertEqual(response.status_code, 200, response.content)
        return response.json()

    def assert_refused(self, response: Any, status: int) -> str:
        """Check that the response is JSON with a sentence, and nothing else; return it."""
        self.assertEqual(response.status_code, status, getattr(response, "content", response))
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(set(response.json()), {"error"})
        sentence = response.json()["error"]
        self.assertRegex(sentence, r"^[A-Z].*\.$")
        return sentence
