"""The demo's assistant: its commands without a model, and a model's answer over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from chatkit.server import StreamingResult
from django.test import TestCase

from project.assistant import Assistant
from project.chat_commands import COMMANDS
from tests.base import ALICE
from tests.browser import running

Event = dict[str, Any]


def user_input(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}}


class CommandsTests(TestCase):
    async def stream(self, kind: str, **params: Any) -> list[Event]:
        request = json.dumps({"type": kind, "params": params})
        result = await Assistant().process(request, ALICE)
        assert isinstance(result, StreamingResult)
        return [json.loads(line[6:]) async for line in result]

    async def ask(self, text: str) -> list[Event]:
        return await self.stream("threads.create", input=user_input(text))

    @staticmethod
    def said(events: list[Event]) -> str:
        """Return the text of the finished answers."""
        items = [event["item"] for event in events if event["type"] == "thread.item.done"]
        parts = [item["content"] for item in items if item["type"] == "assistant_message"]
        return "\n".join(part["text"] for content in parts for part in content)

    async def test_every_command_shows_what_it_says(self) -> None:
        shows = {
            "markdown": "assistant_message",
            "long": "assistant_message",
            "sources": "assistant_message",
            "workflow": "workflow",
            "progress": "assistant_message",
            "widget": "widget",
            "typing": "widget",
            "task": "task",
            "form": "widget",
            "choices": "widget",
            "chart": "widget",
            "tool": "client_tool_call",
            "ask": "structured_input",
            "image": "generated_image",
            "notice": "assistant_message",
            "error": "assistant_message",
            "lock": "assistant_message",
            "close": "assistant_message",
            "slow": "assistant_message",
        }
        self.assertEqual(set(shows), set(COMMANDS))
        for command in sorted(set(shows) - {"slow"}):
            with self.subTest(command):
                events = await self.ask(f"/{command}")
                done = [e["item"]["type"] for e in events if e["type"] == "thread.item.done"]
                self.assertIn(shows[command], done)
                errors = [event for event in events if event["type"] == "error"]
                self.assertEqual(len(errors), command == "error", errors)

    async def test_help_lists_every_command(self) -> None:
        said = self.said(await self.ask("/help"))
        for command in COMMANDS:
            self.assertIn(f"`/{command}`", said)

    async def test_the_streamed_words_are_the_stored_ones(self) -> None:
        for command in ("/markdown", "/long 30"):
            events = await self.ask(command)
            updates = [e["update"] for e in events if e["type"] == "thread.item.updated"]
            streamed = "".join(update.get("delta", "") for update in updates)
            self.assertEqual(streamed, self.said(events))

    async def test_the_first_words_become_the_title(self) -> None:
        events = await self.ask("What about the tyres?\nAnd the chain?")
        titles = [event["thread"].get("title") for event in events if "thread" in event]
        self.assertEqual(titles[-1], "What about the tyres? And the chain?")

    async def test_lock_and_close_lock_and_close(self) -> None:
        for command, status in (("/lock", "locked"), ("/close", "closed")):
            events = await self.ask(command)
            states = [event["thread"]["status"] for event in events if "thread" in event]
            self.assertEqual(states[-1]["type"], status)
            self.assertTrue(states[-1]["reason"])

    async def test_a_tools_output_and_answers_are_taken_up(self) -> None:
        events = await self.ask("/tool")
        thread = events[0]["thread"]["id"]
        events = await self.stream(
            "threads.add_client_tool_output", thread_id=thread, result={"width": 640}
        )
        self.assertIn("640", self.said(events))
        events = await self.ask("/ask")
        item = next(e["item"] for e in events if e.get("item", {}).get("inputs"))
        events = await self.stream(
            "threads.add_structured_input",
            thread_id=item["thread_id"],
            item_id=item["id"],
            input={"answers": {"ground": {"values": ["Gravel"]}}},
        )
        self.assertIn("**Gravel**", self.said(events))


class StandIn(BaseHTTPRequestHandler):
    """The Responses API, as far as one streamed answer needs it."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        item_id = f"msg_{len(self.asked)}"
        for number, event in enumerate(self.events(body["model"], item_id)):
            data = json.dumps({"sequence_number": number, **event})
            self.wfile.write(f"event: {event['type']}\ndata: {data}\n\n".encode())
            self.wfile.flush()

    @staticmethod
    def events(model: str, item_id: str) -> Iterator[dict[str, Any]]:
        def response(status: str, output: list[Any]) -> dict[str, Any]:
            tokens = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
            details = {
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            }
            return {
                "id": "resp_1",
                "object": "response",
                "created_at": 0,
                "model": model,
                "status": status,
                "output": output,
                "parallel_tool_calls": False,
                "tool_choice": "auto",
                "tools": [],
                "usage": {**tokens, **details},
            }

        def message(status: str, content: list[Any]) -> dict[str, Any]:
            kind = {"type": "message", "role": "assistant"}
            return {"id": item_id, "status": status, "content": content, **kind}

        at = {"item_id": item_id, "output_index": 0, "content_index": 0}
        words = ["Forty ", "**millimetres** ", "will do."]
        part = {"type": "output_text", "text": "".join(words), "annotations": []}
        done = message("completed", [part])
        yield {"type": "response.created", "response": response("in_progress", [])}
        yield {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": message("in_progress", []),
        }
        yield {"type": "response.content_part.added", "part": {**part, "text": ""}, **at}
        for word in words:
            yield {"type": "response.output_text.delta", "delta": word, "logprobs": [], **at}
        yield {"type": "response.output_text.done", "text": part["text"], "logprobs": [], **at}
        yield {"type": "response.content_part.done", "part": part, **at}
        yield {"type": "response.output_item.done", "output_index": 0, "item": done}
        yield {"type": "response.completed", "response": response("completed", [done])}

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


@pytest.fixture
def model() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A stand-in of the Responses API: its URL, and what it was asked."""
    asked: list[dict[str, Any]] = []
    handler = type("Handler", (StandIn,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
        server.shutdown()


def test_with_a_key_a_model_answers(
    model: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    url, asked = model
    env = {
        "OPENAI_API_KEY": "sk-stand-in",
        "OPENAI_BASE_URL": url,
        "OPENAI_MODEL": "gpt-stand-in",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
    with running(tmp_path, **env) as site, httpx.Client(base_url=site.url, timeout=30) as client:
        client.cookies.set("sessionid", site.sessions["demo"])
        client.get("/chat/")
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}

        def post(kind: str, **params: Any) -> str:
            request = {"type": kind, "params": params}
            answer = client.post("/chat/api/", json=request, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.text

        lines = post("threads.create", input=user_input("Which tyres?")).splitlines()
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        thread = events[0]["thread"]["id"]
        post("threads.add_user_message", thread_id=thread, input=user_input("And in winter?"))
        stored = json.loads(post("items.list", thread_id=thread, order="asc"))["data"]

    deltas = [event["update"].get("delta", "") for event in events if "update" in event]
    assert "".join(deltas) == "Forty **millimetres** will do."
    types = [item["type"] for item in stored if item["type"] != "end_of_turn"]
    assert types == ["user_message", "assistant_message"] * 2
    assert stored[1]["content"][0]["text"] == "Forty **millimetres** will do."
    assert len({item["id"] for item in stored}) == len(stored)
    assert asked[0]["path"] == "/v1/responses"
    assert asked[0]["key"] == "Bearer sk-stand-in"
    assert asked[0]["model"] == "gpt-stand-in"
    assert "Which tyres?" in json.dumps(asked[1]["input"]), "the model is told what was said before"
    assert "And in winter?" in json.dumps(asked[1]["input"])
