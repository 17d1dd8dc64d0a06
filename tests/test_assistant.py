"""The demo's assistant: its commands without a model, and a model's answer over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
from tests.model_api import ModelAPI, Reply

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
            "notes": "assistant_message",
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
            "table": "widget",
            "tool": "client_tool_call",
            "ask": "structured_input",
            "image": "generated_image",
            "notice": "assistant_message",
            "error": "assistant_message",
            "lock": "assistant_message",
            "close": "assistant_message",
            "slow": "assistant_message",
            "formulas": "assistant_message",
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


@pytest.fixture
def model() -> Iterator[ModelAPI]:
    api = ModelAPI()
    words = ("Forty ", "**millimetres** ", "will do.")
    api.replies = [Reply(words, f"msg_{number}", is_paced=False) for number in (1, 2)]
    yield api
    api.close()


def test_with_a_key_a_model_answers(model: ModelAPI, tmp_path: Path) -> None:
    env = {
        "OPENAI_API_KEY": "sk-stand-in",
        "OPENAI_BASE_URL": model.url,
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
    asked = model.requests
    assert asked[0]["path"] == "/v1/responses"
    assert asked[0]["key"] == "Bearer sk-stand-in"
    assert asked[0]["model"] == "gpt-stand-in"
    assert "Which tyres?" in json.dumps(asked[1]["input"]), "the model is told what was said before"
    assert "And in winter?" in json.dumps(asked[1]["input"])
