"""
A stand-in of OpenAI's HTTP API: real HTTP over a socket, both of its streaming APIs.

A test says what the model answers, one Reply for each request to come, in the words of no API;
the path of the request decides which of them it is told in.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from agents import Agent, OpenAIProvider, RunConfig
from chatkit.types import (
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from django.test import TestCase
from openai import AsyncOpenAI

from chatstore.models import ChatMessage
from chatstore.server import ChatServer
from tests.endpoint import EndpointMixin
from tests.live import Event, user_input

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TOO_LONG = {
    "message": "Your input exceeds the context window of this model: xyzzy-plugh.",
    "type": "invalid_request_error",
    "param": "input",
    "code": "context_length_exceeded",
}
READ: Event = {}  # no event: what was sent must have come through before more is sent
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}


@dataclass
class Reply:
    """
    What the model answers to one request.

    Args:
        words: the answer's text, a delta each.
        item_id: what the Responses API calls the answer.
        annotations: citations, as the Responses API has them.
        is_refusal: whether the words are a refusal.
        refusal: a refusal that follows the words, in the same answer (Responses only).
        tool: name of a function that is called in place of an answer.
        more_tools: names of functions that are called beside it.
        reasoning: encrypted reasoning that comes before all else (Responses only).
        images: partial images, base64, of an image that is generated before the answer.
        final_image: the image itself; None where generating it never comes to its end.
        is_paced: whether the words come through before anything more is sent.
        end: "done"; "cut" (the connection breaks), "error" (an event says so), "failed" (the
            response's last event says so), "incomplete" (there is no room for more), or "wait"
            (nothing more comes until the client goes).
        error: the error's body; with a status, it is answered in place of a stream.
        status: the status of the HTTP response.
    """

    words: tuple[str, ...] = ("Hello ", "there.")
    item_id: str = "msg_1"
    annotations: tuple[dict[str, Any], ...] = ()
    is_refusal: bool = False
    refusal: str = ""
    tool: str = ""
    more_tools: tuple[str, ...] = ()
    reasoning: str = ""
    images: tuple[str, ...] = ()
    final_image: str | None = None
    is_paced: bool = True
    end: str = "done"
    error: dict[str, Any] = field(default_factory=lambda: {"code": "server_error", "message": "No"})
    status: int = 200

    @property
    def text(self) -> str:
        return "".join(self.words)


class ModelAPI:
    """Answers each request by the next reply; the last one stays."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.is_over = threading.Event()
        self._unread = threading.Semaphore(0)  # deltas that have come through
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def begin(self, request: dict[str, Any]) -> Reply:
        """Take down a request, and return the reply to it."""
        self.requests.append(request)
        self._unread = threading.Semaphore(0)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def tell(self, delta: str) -> None:
        """Say that a delta has come through to the application."""
        if delta:
            self._unread.release()

    def wait(self, deltas: int) -> None:
        """Wait until so many deltas have come through: at a failure the SDK drops what has not."""
        for _ in range(deltas):
            self._unread.acquire(timeout=10)

    def inputs(self, number: int = -1) -> list[dict[str, Any]]:
        """Return what a request gave the model to read, on either API."""
        request = self.requests[number]
        found: list[dict[str, Any]] = (
            request["input"] if "input" in request else request["messages"]
        )
        return found

    def close(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[ModelAPI]
    protocol_version = "HTTP/1.1"  # with chunks, so that a cut can be told from the end

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Authorization"]
        reply = self.api.begin({"path": self.path, "key": key, **body})
        is_stream = reply.status == 200
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if is_stream:
            self._stream(reply)
        else:
            self._write(json.dumps({"error": reply.error}))
        if reply.end != "cut":
            self._write("")

    def _stream(self, reply: Reply) -> None:
        is_chat = self.path.endswith("/chat/completions")
        try:
            for number, event in enumerate(_chat(reply) if is_chat else _responses(reply)):
                if event is READ:
                    self.api.wait(len(reply.words))
                else:
                    self._send(event if is_chat else {"sequence_number": number, **event})
            if is_chat and reply.end == "done":
                self._write("data: [DONE]\n\n")
        except OSError:
            return
        if reply.end == "wait":
            self.api.is_over.wait(10)
        if reply.end == "cut":  # in the middle of an event
            self._write('data: {"type": "respon')
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, event: dict[str, Any]) -> None:
        name = f"event: {event['type']}\n" if "type" in event else ""
        self._write(f"{name}data: {json.dumps(event)}\n\n")

    def _write(self, text: str) -> None:
        chunk = text.encode()
        self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


def _responses(reply: Reply) -> Iterator[Event]:
    def response(status: str, output: list[Any], **more: Any) -> Event:
        details = {
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        about = {"id": "resp_1", "object": "response", "created_at": 0, "model": "m"}
        options = {"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        usage = {"usage": {**USAGE, **details}}
        return {**about, **options, **usage, "status": status, "output": output, **more}

    yield {"type": "response.created", "response": response("in_progress", [])}
    output: list[Any] = []
    if reply.images or reply.final_image:
        yield from _image(reply, output)
    if reply.reasoning:
        thought = {"type": "reasoning", "id": "rs_1", "summary": []}
        yield from _item(thought | {"encrypted_content": reply.reasoning}, output)
    if reply.tool:
        for number, tool in enumerate((reply.tool, *reply.more_tools)):
            item_id = f"{reply.item_id}_{number}" if number else reply.item_id
            call = {"type": "function_call", "id": item_id, "call_id": f"call_{item_id}"}
            call |= {"name": tool, "arguments": "{}", "status": "completed"}
            yield from _item(call, output)
    elif reply.words:
        yield from _message(reply, output)
    match reply.end:
        case "done":
            yield {"type": "response.completed", "response": response("completed", output)}
        case "error":
            yield {"param": None, **reply.error, "type": "error"}
        case "failed":
            failed = response("failed", [], error=reply.error)
            yield {"type": "response.failed", "response": failed}
        case "incomplete":
            why = {"reason": "max_output_tokens"}
            incomplete = response("incomplete", output, incomplete_details=why)
            yield {"type": "response.incomplete", "response": incomplete}


def _item(item: Event, output: list[Any]) -> Iterator[Event]:
    """Tell of an item of the output that comes as a whole."""
    at = {"output_index": len(output), "item": item}
    yield {"type": "response.output_item.added", **at}
    yield {"type": "response.output_item.done", **at}
    output.append(item)


def _message(reply: Reply, output: list[Any]) -> Iterator[Event]:
    def part(text: str, annotations: Any = ()) -> Event:
        if reply.is_refusal:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": list(annotations)}

    def message(status: str, content: list[Any]) -> Event:
        kind = {"type": "message", "role": "assistant"}
        return {"id": reply.item_id, "status": status, "content": content, **kind}

    number = len(output)
    at = {"item_id": reply.item_id, "output_index": number, "content_index": 0}
    start = {"output_index": number, "item": message("in_progress", [])}
    yield {"type": "response.output_item.added", **start}
    yield {"type": "response.content_part.added", "part": part(""), **at}
    kind = "refusal" if reply.is_refusal else "output_text"
    for word in reply.words:
        yield {"type": f"response.{kind}.delta", "delta": word, "logprobs": [], **at}
    if reply.is_paced:
        yield READ
    for index, annotation in enumerate(reply.annotations):
        about = {"annotation": annotation, "annotation_index": index, **at}
        yield {"type": "response.output_text.annotation.added", **about}
    if reply.end not in ("done", "incomplete"):
        return
    whole = "refusal" if reply.is_refusal else "text"
    yield {"type": f"response.{kind}.done", whole: reply.text, "logprobs": [], **at}
    last = part(reply.text, reply.annotations)
    yield {"type": "response.content_part.done", "part": last, **at}
    content = [last]
    if reply.refusal:
        refusal = {"type": "refusal", "refusal": reply.refusal}
        at = {**at, "content_index": 1}
        yield {"type": "response.content_part.added", "part": {**refusal, "refusal": ""}, **at}
        yield {"type": "response.refusal.delta", "delta": reply.refusal, **at}
        yield {"type": "response.refusal.done", "refusal": reply.refusal, **at}
        content.append(refusal)
    done = message("completed" if reply.end == "done" else "incomplete", content)
    output.append(done)
    yield {"type": "response.output_item.done", "output_index": number, "item": done}


def _image(reply: Reply, output: list[Any]) -> Iterator[Event]:
    item = {"type": "image_generation_call", "id": "ig_1", "status": "in_progress", "result": None}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    for number, image in enumerate(reply.images):
        yield {
            "type": "response.image_generation_call.partial_image",
            "item_id": "ig_1",
            "output_index": 0,
            "partial_image_b64": image,
            "partial_image_index": number,
        }
    if reply.final_image:
        item = {**item, "status": "completed", "result": reply.final_image}
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
        output.append(item)


def _chat(reply: Reply) -> Iterator[Event]:
    base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}

    def chunk(delta: Event, finish_reason: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**base, "choices": [choice]}

    if reply.tool:
        for index, tool in enumerate((reply.tool, *reply.more_tools)):
            call = {"index": index, "id": f"call_{reply.item_id}", "type": "function"}
            call |= {"id": f"{call['id']}_{index}"} if index else {}
            call["function"] = {"name": tool, "arguments": "{}"}
            yield chunk({"role": "assistant", "tool_calls": [call]})
    else:
        key = "refusal" if reply.is_refusal else "content"
        for word in reply.words:
            yield chunk({"role": "assistant", key: word})
        if reply.is_paced:
            yield READ
    if reply.end in ("error", "failed"):
        yield {"error": reply.error}
    elif reply.end == "incomplete":
        yield chunk({}, "length")
    elif reply.end == "done":
        yield chunk({}, "tool_calls" if reply.tool else "stop")
        names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
        usage = {name: USAGE[ours] for name, ours in names.items()} | {"total_tokens": 12}
        yield {**base, "choices": [], "usage": usage}


class Modelled(ChatServer[Any]):
    """Asks the stand-in through the Agents SDK; the tests set what a class of it needs."""

    api: ClassVar[ModelAPI]
    is_responses: ClassVar[bool]
    agent_options: ClassVar[dict[str, Any]]
    run_options: ClassVar[dict[str, Any]]
    runs: ClassVar[list[Any]]

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        async with AsyncOpenAI(api_key="sk", base_url=self.api.url, max_retries=0) as client:
            agent: Agent[Any] = Agent(**{"name": "a", "model": "m", **self.agent_options})
            provider = OpenAIProvider(openai_client=client, use_responses=self.is_responses)
            config = RunConfig(tracing_disabled=True, model_provider=provider)
            run = self.run_agent(agent, thread, context, run_config=config, **self.run_options)
            self.runs.append(run)
            async for event in run:
                yield event
                if isinstance(event, ThreadItemUpdatedEvent):
                    self.api.tell(getattr(event.update, "delta", ""))


class ModelMixin(EndpointMixin):
    """The endpoint with a Modelled server behind it, on the API that a subclass names."""

    is_responses = True

    def setUp(self) -> None:
        super().setUp()
        self.api = ModelAPI()
        self.addCleanup(self.api.close)
        Modelled.api, Modelled.is_responses = self.api, self.is_responses
        Modelled.agent_options, Modelled.run_options, Modelled.runs = {}, {}, []
        override = self.settings(CHATSTORE_SERVER="tests.model_api.Modelled")
        override.enable()
        self.addCleanup(override.disable)

    async def ask(
        self, text: str = "Hi", thread_id: str | None = None, **fields: Any
    ) -> list[Event]:
        """Send a message, in a new thread or in one that is there, and read the whole answer."""
        message = user_input(text, **fields)
        if thread_id is None:
            return await self.send("threads.create", input=message)
        return await self.send("threads.add_user_message", thread_id=thread_id, input=message)

    async def create(
        self, *replies: Reply, text: str = "Hi", **fields: Any
    ) -> tuple[str, list[Event]]:
        """Ask in a new thread; return its id and the events."""
        self.api.replies = list(replies) or [Reply()]
        events = await self.ask(text, **fields)
        return events[0]["thread"]["id"], events

    async def items(self, thread_id: str) -> list[Event]:
        found = await self.get("items.list", thread_id=thread_id, order="asc")
        items: list[Event] = found["data"]
        return items

    async def answers(self, thread_id: str) -> list[Event]:
        """Return the answers as the endpoint serves them."""
        items = await self.items(thread_id)
        return [item for item in items if item["type"] == "assistant_message"]

    async def rows(self) -> list[ChatMessage]:
        """Return the rows of the answers, oldest first."""
        found = ChatMessage.objects.filter(item_type="assistant_message").order_by("timestamp")
        return [row async for row in found]


class ResponsesTestCase(ModelMixin, TestCase):
    """Tests of a model behind the Responses API."""


class ChatCompletionsMixin:
    """The same tests once more, behind Chat Completions."""

    is_responses = False


def errors(events: list[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "error"]


def said(events: list[Event]) -> str:
    """Return the text that a client shows of a stream: its deltas, until an item is done."""
    shown: dict[str, str] = {}
    for event in events:
        if event["type"] == "thread.item.done" and event["item"]["type"] == "assistant_message":
            item = event["item"]
            shown[item["id"]] = "".join(part["text"] for part in item["content"])
        elif "update" in event and "delta" in event["update"]:
            key = event["item_id"]
            shown[key] = shown.get(key, "") + event["update"]["delta"]
    return "".join(shown.values())


@contextmanager
def attributes(target: Any, **values: Any) -> Iterator[None]:
    """Set attributes of a class for the length of a block."""
    before = {name: getattr(target, name) for name in values}
    for name, value in values.items():
        setattr(target, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(target, name, value)
