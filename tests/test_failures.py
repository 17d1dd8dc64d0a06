"""What people, developers and logs are told about what fails."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import openai
from agents import (
    GuardrailFunctionOutput,
    MaxTurnsExceeded,
    UserError,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from django.test import SimpleTestCase, TestCase

from chatstore.server import ChatServer, failures
from chatstore.server.failures import make_failure
from chatstore.server.model_runs import InputTooLongError
from tests.assistants import SECRET
from tests.endpoint import API, EndpointMixin
from tests.live import user_input
from tests.model_api import TOO_LONG, Modelled, Reply, ResponsesTestCase, errors

REQUEST = httpx.Request("POST", "http://localhost/")
SERVER_PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "server.md"


def status_error(of: type, status: int, code: str = "") -> Any:
    return of(SECRET, response=httpx.Response(status, request=REQUEST), body={"code": code})


def of_a_tool() -> UserError:
    error = UserError(f"Error running tool pay: {SECRET}")
    error.__cause__ = ValueError(SECRET)
    return error


class KindTests(SimpleTestCase):
    def test_V14_each_kind_has_its_sentence_and_retry_where_it_helps(self) -> None:
        given: list[tuple[BaseException, str, bool]] = [
            (MaxTurnsExceeded(SECRET), "too_many_turns", True),
            (of_a_tool(), "tool", True),
            (UserError(SECRET), "other", True),
            (status_error(openai.RateLimitError, 429), "rate_limit", True),
            (status_error(openai.RateLimitError, 429, "insufficient_quota"), "quota", False),
            (InputTooLongError(), "too_long", False),
            (
                status_error(openai.BadRequestError, 400, "context_length_exceeded"),
                "too_long",
                False,
            ),
            (status_error(openai.AuthenticationError, 401), "api_key", False),
            (status_error(openai.InternalServerError, 503), "unreachable", True),
            (status_error(openai.BadRequestError, 400), "other", True),
            (openai.APIConnectionError(request=REQUEST), "unreachable", True),
            (openai.APITimeoutError(request=REQUEST), "unreachable", True),
            (ValueError(SECRET), "other", True),
        ]
        for error, kind, may_retry in given:
            with self.subTest(f"{type(error).__name__} {kind}"):
                failure = make_failure(error)
                self.assertEqual((failure.kind, failure.allow_retry), (kind, may_retry))
                self.assertEqual(failure.message != "", kind != "other")
                self.assertNotIn(SECRET, failure.message)

    def test_V14_a_client_without_a_key_is_known(self) -> None:
        with patch.dict("os.environ"), self.assertRaises(openai.OpenAIError) as raised:
            for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
                os.environ.pop(name, None)
            openai.AsyncOpenAI()
        self.assertEqual(make_failure(raised.exception).kind, "api_key")

    def test_each_kind_is_in_the_docs(self) -> None:
        for kind in failures.Kind.__args__:  # type: ignore[attr-defined]
            self.assertIn(f"`{kind}`", SERVER_PAGE.read_text())


@input_guardrail
async def refuse_input(context: Any, agent: Any, asked: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(SECRET, tripwire_triggered=True)


@output_guardrail
async def refuse_output(context: Any, agent: Any, said: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(SECRET, tripwire_triggered=True)


@function_tool(failure_error_function=None)
def pay() -> str:
    raise ValueError(SECRET)


@function_tool
def look() -> str:
    return "seen"


class RunTests(ResponsesTestCase):
    async def fail(self, *replies: Reply, **options: Any) -> dict[str, Any]:
        Modelled.agent_options = options
        with self.assertLogs("chatstore", "ERROR") as logs:
            _thread, events = await self.create(*replies)
        self.assertNotIn(SECRET, "".join(logs.output) + json.dumps(events))
        (error,) = errors(events)
        return error

    async def test_V14_what_a_run_of_the_agents_sdk_raises(self) -> None:
        limited = Reply(status=429, error={"message": SECRET})
        Modelled.run_options = {"max_turns": 2}
        for replies, options, words, may_retry in (
            (
                [Reply(is_paced=False)],
                {"input_guardrails": [refuse_input]},
                "not answer this message",
                False,
            ),
            ([Reply(is_paced=False)], {"output_guardrails": [refuse_output]}, "withheld", True),
            ([Reply(tool="pay", item_id="fc_1")], {"tools": [pay]}, "needs", True),
            ([Reply(tool="look", item_id="fc_1")], {"tools": [look]}, "steps", True),
            ([limited], {}, "too much to do", True),
            ([Reply(status=400, error=TOO_LONG)], {}, "too long", False),
            ([Reply(status=401, error={"message": SECRET})], {}, "set up", False),
            ([Reply(status=500, error={"message": SECRET})], {}, "reached", True),
        ):
            with self.subTest(words):
                error = await self.fail(*replies, **options)
                self.assertIn(words, error["message"])
                self.assertEqual(error["allow_retry"], may_retry)

    async def test_V14_an_application_words_it_in_one_place(self) -> None:
        (code,) = re.findall(
            r"```python\n(from dataclasses import replace\n.*?)```", SERVER_PAGE.read_text(), re.S
        )
        names: dict[str, Any] = {"ChatServer": ChatServer}
        exec(code, names)  # noqa: S102
        Modelled.run_options = {"max_turns": 1}
        method = names["Assistant"].describe_failure
        with patch.object(Modelled, "describe_failure", method):
            error = await self.fail(Reply(tool="look", item_id="fc_1"), tools=[look])
            self.assertEqual(error["message"], "That was too much at once. Ask for a part of it.")
            Modelled.run_options = {}
            error = await self.fail(Reply(status=401, error={"message": SECRET}))
            self.assertIn("set up", error["message"])

    async def test_V14_the_log_names_a_key_that_is_missing(self) -> None:
        self.api.replies = [Reply(status=401, error={"message": SECRET})]
        with self.assertLogs("chatstore", "ERROR") as logs:
            await self.ask()
        self.assertIn("OPENAI_API_KEY", logs.output[0])


class DebugTests(EndpointMixin, TestCase):
    """While DEBUG is on developers see all; otherwise the log does only if it is told to."""

    async def test_S18_words_of_exceptions_are_for_developers_only(self) -> None:
        for options, in_log, in_event in (
            ({}, False, False),
            ({"CHATSTORE_LOG_ERRORS": "places"}, False, False),
            ({"CHATSTORE_LOG_ERRORS": "full"}, True, False),
            ({"DEBUG": True}, True, True),
        ):
            with self.subTest(options), self.settings(**options):
                with self.assertLogs("chatstore", "ERROR") as logs:
                    events = await self.send("threads.create", input=user_input("fail words"))
                said = "".join(logs.output)
                self.assertEqual(SECRET in said, in_log)
                self.assertEqual("Traceback" in said, in_log)
                self.assertEqual(SECRET in json.dumps(events[-1]), in_event)
                self.assertTrue(events[-1]["allow_retry"])
                with (
                    self.settings(CHATSTORE_SERVER="tests.assistants.Broken"),
                    self.assertLogs("chatstore", "ERROR") as logs,
                ):
                    response = await self.post("threads.list", {})
                self.assertEqual(SECRET in "".join(logs.output), in_log)
                self.assertEqual(SECRET in response.json()["error"], in_event)
                self.assertEqual(response.status_code, 500)


class RequestTests(EndpointMixin, TestCase):
    def test_V5_what_is_no_request_is_named_by_its_field_and_type(self) -> None:
        answers = {"thread_id": "thr_1", "item_id": "msg_1", "input": {"answers": {SECRET: SECRET}}}
        for body, words in (
            ({"type": SECRET, "params": {}}, "type (union_tag_invalid)"),
            ({"params": {}}, "type (union_tag_not_found)"),
            ({"type": "threads.list"}, "params (missing)"),
            ({"type": "threads.list", "params": {"order": SECRET}}, "params.order (literal_error)"),
            ({"type": "threads.list", "params": {"limit": SECRET}}, "params.limit (int_parsing)"),
            (
                {"type": "threads.add_structured_input", "params": answers},
                "params.input.answers (model",
            ),
        ):
            with self.subTest(words):
                response = self.client.post(API, json.dumps(body), "application/json")
                sentence = self.assert_refused(response, 400)
                self.assertIn(f"The request is not one of ChatKit's: {words}", sentence)
                self.assertNotIn(SECRET, sentence)

    def test_V5_unknown_urls_are_404_as_json(self) -> None:
        for url in (
            "/chat/api/threads/",
            "/chat/api/x",
            "/chat/files/a/b/",
            "/chat/threads/thr_1/x/",
            "/chat/reports/x/",
            "/chat/export/x/",
            "/chat/entities/x/",
            "/chat/changes/x/",
            "/chat/search/x",
            "/chat/feedback/x/",
        ):
            for client in (self.client, self.client_class(enforce_csrf_checks=True)):
                for method in ("get", "post"):
                    with self.subTest(f"{method} {url}"):
                        self.assert_refused(getattr(client, method)(url), 404)
