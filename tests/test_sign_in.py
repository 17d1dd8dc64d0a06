"""Who asks: get_context and CSRF at each door, and the recipes of docs/how-to/sign-in.md."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.util
import json
import re
import sys
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from asgiref.sync import ThreadSensitiveContext
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.core.signing import TimestampSigner
from django.db import connection
from django.http import Http404, HttpRequest
from django.test import (
    AsyncClient,
    Client,
    RequestFactory,
    TestCase,
    TransactionTestCase,
    modify_settings,
    override_settings,
)
from django.utils import timezone

from chatstore.exceptions import RequestRefused
from chatstore.http.access import load_context
from chatstore.models import ChatSession
from chatstore.server import chat_server, get_server
from tests.assistants import SECRET, Scripted
from tests.endpoint import API, EndpointMixin
from tests.live import user_input
from tests.proxy import connected

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "sign-in.md"
DOORS = {
    API: ("post", {"type": "threads.list", "params": {}}),
    "/chat/files/": ("post", None),
    "/chat/files/atc_1/": ("get", None),
    "/chat/reports/": ("post", {}),
    "/chat/threads/": ("get", None),
    "/chat/threads/thr_1/": ("post", {"pinned": True}),
    "/chat/threads/thr_1/export/": ("get", None),
    "/chat/export/?format=json": ("get", None),
}
SAFE = {door for door, (method, _body) in DOORS.items() if method == "get"}


def recipe(name: str, package: str = "recipes") -> ModuleType:
    """Return the module that the page shows as mysite/NAME.py."""
    (code,) = re.findall(rf"```python\n# mysite/{name}\.py\n(.*?)```", PAGE.read_text(), re.S)
    module = ModuleType(f"{package}.{name}")
    exec(compile(code, f"{PAGE.name}:{name}", "exec"), module.__dict__)  # noqa: S102
    return module


class DoorsMixin(EndpointMixin):
    """Serves a class as CHATSTORE_SERVER, and knocks at the doors."""

    @contextmanager
    def served(self, server: type) -> Iterator[None]:
        made = type("Served", (server, Scripted), {})
        module = ModuleType("served_server")
        module.Served = made  # type: ignore[attr-defined]
        chat_server._make_server.cache_clear()
        with (
            patch.dict(sys.modules, {"served_server": module}),
            override_settings(CHATSTORE_SERVER="served_server.Served"),
        ):
            yield
        chat_server._make_server.cache_clear()

    def knock(self, door: str, client: Client, **headers: str) -> Any:
        method, body = DOORS[door]
        if method == "get":
            return client.get(door, headers=headers)
        if body is None:
            return client.post(door, {"file": ""}, headers=headers)
        return client.post(door, json.dumps(body), "application/json", headers=headers)

    def list_threads(self, client: Client, **headers: str) -> Any:
        return self.knock(API, client, **headers)

    def create(self, client: Client, **headers: str) -> str:
        body = {"type": "threads.create", "params": {"input": user_input("say hello")}}
        response = client.post(API, json.dumps(body), "application/json", headers=headers)
        self.assertEqual(response.status_code, 200, response.content)
        return ChatSession.objects.latest("created_at").user_id


def asked(answer: Any, *, is_async: bool = False) -> type:
    """Return a class whose get_context gives the result of a function."""

    class Asked:
        csrf_exempt_schemes = ("Bearer", "Basic")

        def get_context(self, request: HttpRequest) -> Any:
            return answer(request)

    class AsyncAsked(Asked):
        async def get_context(self, request: HttpRequest) -> Any:
            return answer(request)

    return AsyncAsked if is_async else Asked


def fail(error: BaseException) -> Any:
    raise error


class ContextTests(DoorsMixin, TestCase):
    def of_orm(self, request: HttpRequest) -> Any:
        user = get_user_model().objects.get(username="alice")
        return {"user_id": str(user.pk), "request": request}

    def test_V12_a_plain_def_may_use_the_orm(self) -> None:
        with self.served(asked(self.of_orm)):
            self.assertEqual(self.list_threads(Client()).status_code, 200)
            self.assertEqual(self.create(Client()), self.alice["user_id"])
            self.assertEqual(Client().get("/chat/").status_code, 200)

    async def test_V12_a_plain_def_may_use_the_orm_under_asgi(self) -> None:
        with self.served(asked(self.of_orm)):
            response = await self.post("threads.list", {}, AsyncClient())
            self.assertEqual(response.status_code, 200)
            events = await self.send(
                "threads.create", {"input": user_input("say hi")}, client=AsyncClient()
            )
            self.assertEqual(events[-1]["type"], "thread.item.done")
            self.assertEqual((await AsyncClient().get("/chat/")).status_code, 200)

    def test_V12_what_is_wrong_is_named_to_the_developer_only(self) -> None:
        wrong = {
            "returned a str": asked(lambda request: SECRET),
            "returned a dict": asked(lambda request: {"user": SECRET}),
            "a dict in which": asked(lambda request: {"user_id": AnonymousUser()}),
            "a dict in which the store finds": asked(lambda request: {"user_id": self.user}),
            "returned a User": asked(lambda request: self.user),
            "raised builtins.ValueError": asked(lambda request: fail(ValueError(SECRET))),
            "without await": asked(self.of_orm, is_async=True),
        }
        for words, server in wrong.items():
            with self.subTest(words), self.served(server):
                with self.assertLogs("chatstore", "ERROR") as logs:
                    sentence = self.assert_refused(self.list_threads(self.client), 500)
                self.assertEqual(sentence, "Something went wrong. Try again.")
                self.assertIn(words, logs.output[0])
                self.assertIn("Served.get_context() ", logs.output[0])
                self.assertNotIn(SECRET, logs.output[0])
                with self.settings(DEBUG=True), self.assertLogs("chatstore", "ERROR"):
                    response = self.list_threads(self.client)
                    self.assertIn(words, response.json()["error"])

    def test_V12_refusals_of_other_packages_have_their_status_at_each_door(self) -> None:
        failed = type("AuthenticationFailed", (Exception,), {"status_code": 401})
        for error, status in (
            (PermissionDenied(SECRET), 403),
            (failed(SECRET), 401),
            (RequestRefused("Not from here.", 403), 403),
        ):
            with self.served(asked(lambda request, error=error: fail(error))):
                for door in DOORS:
                    with self.subTest(door), self.assertNoLogs("chatstore", "ERROR"):
                        sentence = self.assert_refused(self.knock(door, self.client), status)
                        self.assertNotIn(SECRET, sentence)
                page = self.client.get("/chat/")
                self.assertEqual(page.status_code, 302 if status == 401 else 403)
        self.assertEqual(sentence, "Not from here.")

    @modify_settings(
        MIDDLEWARE={"append": "django.contrib.auth.middleware.LoginRequiredMiddleware"}
    )
    def test_V12_get_context_alone_decides_who_must_sign_in(self) -> None:
        for door in DOORS:
            self.assert_refused(self.knock(door, Client()), 401)
        page = Client().get("/chat/")
        self.assertRedirects(page, "/login/?next=/chat/", fetch_redirect_response=False)
        with self.served(asked(self.of_orm)):
            self.assertEqual(Client().get("/chat/").status_code, 200)
            self.assertEqual(self.list_threads(Client()).status_code, 200)


class ConnectionTests(DoorsMixin, TransactionTestCase):
    @pytest.mark.postgresql
    def test_V12_S16_a_stream_gives_back_what_a_plain_def_has_taken(self) -> None:
        def in_use() -> int:
            stats = connection.pool.get_stats()
            return stats["pool_size"] - stats["pool_available"]

        async def run() -> None:
            async with ThreadSensitiveContext():
                context = await load_context(RequestFactory().get("/chat/"))
                self.assertEqual(in_use(), 1)
                body = {"type": "threads.create", "params": {"input": user_input("sleep one")}}
                result: Any = await get_server().process(json.dumps(body), context)
                events = result.json_events.__aiter__()
                async for event in events:
                    if b"text_delta" in event:
                        break
                self.assertEqual(in_use(), 0)
                await events.aclose()

        def by_orm(request: HttpRequest) -> Any:
            return {"user_id": str(get_user_model().objects.get(username="alice").pk)}

        connection.close()
        # One only: a second would be counted as in use while the pool opens it.
        with self.served(asked(by_orm)), connected(pool={"min_size": 1, "max_size": 1}):
            asyncio.run(run())


class CsrfTests(DoorsMixin, TestCase):
    """The attack: another site's page, in the browser of somebody who has signed in here."""

    def setUp(self) -> None:
        super().setUp()
        self.app = Client(enforce_csrf_checks=True)

    def by_token(self, request: HttpRequest) -> Any:
        if request.headers.get("Authorization", "").endswith(" alices"):
            return self.alice
        return {"user_id": str(request.user.pk)} if request.user.is_authenticated else None

    def test_V13_a_credential_of_its_own_needs_no_csrf_token(self) -> None:
        with self.served(asked(self.by_token)):
            for door in DOORS:
                response = self.knock(door, self.app, Authorization="Bearer alices")
                self.assertNotIn(response.status_code, (401, 403), door)

    def test_V13_with_cookies_the_check_stays_whatever_the_header_says(self) -> None:
        victim = Client(enforce_csrf_checks=True)
        victim.force_login(self.user)
        other = Client(enforce_csrf_checks=True)
        other.cookies["theme"] = "dark"
        with self.served(asked(self.by_token)):
            for door in set(DOORS) - SAFE:
                for header in ("", "Bearer forged", "Bearer alices", "bearer alices"):
                    with self.subTest(f"{door} {header}"):
                        headers = {"Authorization": header} if header else {}
                        self.assert_refused(self.knock(door, victim, **headers), 403)
                self.assert_refused(self.knock(door, other, Authorization="Bearer alices"), 403)
        body = {"type": "threads.create", "params": {"input": user_input("say hello")}}
        form = victim.post(API, {"text": json.dumps(body)}, headers={"Authorization": "Bearer x"})
        self.assert_refused(form, 403)
        self.assertFalse(ChatSession.objects.exists())

    def test_V13_what_browsers_send_by_themselves_is_no_such_credential(self) -> None:
        with self.served(asked(self.by_token)):
            for header in (
                "Basic alices",
                "basic alices",
                "Digest alices",
                "Bearer",
                "Token alices",
            ):
                for door in set(DOORS) - SAFE:
                    response = self.knock(door, self.app, Authorization=header)
                    self.assertIn(response.status_code, (401, 403), header)

    def test_V13_by_default_every_request_is_checked(self) -> None:
        class Default:
            get_context = asked(self.by_token).get_context

        with self.served(Default):
            for door in set(DOORS) - SAFE:
                self.assert_refused(self.knock(door, self.app, Authorization="Bearer alices"), 403)

    def test_V13_without_cookies_a_forged_credential_is_nobody(self) -> None:
        with self.served(asked(self.by_token)):
            for door in DOORS:
                self.assert_refused(self.knock(door, self.app, Authorization="Bearer forged"), 401)


class VisitorTests(DoorsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.visitors = recipe("visitors")
        receiver = self.visitors.keep_the_conversations
        self.addCleanup(user_logged_in.disconnect, receiver)
        serving = self.served(self.visitors.Assistant)
        serving.__enter__()
        self.addCleanup(serving.__exit__, None, None, None)

    def open(self, client: Client) -> Any:
        """Open the page, and send its CSRF token from then on."""
        page = client.get("/chat/")
        self.assertEqual(page.status_code, 200)
        client.defaults.pop("HTTP_X_CSRFTOKEN", None)
        self.assert_refused(self.list_threads(client), 403)
        (token,) = re.findall('data-csrf-token="([^"]+)"', page.content.decode())
        client.defaults["HTTP_X_CSRFTOKEN"] = token
        return page

    def test_V12_a_visitor_chats_in_the_page_and_takes_it_along(self) -> None:
        visitor = Client(enforce_csrf_checks=True)
        page = self.open(visitor)
        owner = self.create(visitor)
        self.assertContains(page, f'data-user="{owner}"')
        self.assertNotEqual(owner, visitor.session.session_key)
        self.assertEqual(len(self.list_threads(visitor).json()["data"]), 1)
        self.assertEqual(self.list_threads(Client()).json()["data"], [])
        self.other.set_password("secret")
        self.other.save()
        visitor.post("/login/", {"username": "charlie", "password": "secret"})
        self.open(visitor)
        self.assertEqual(len(self.list_threads(visitor).json()["data"]), 1)
        self.assertEqual(ChatSession.objects.get().user_id, self.charlie["user_id"])
        visitor.logout()
        self.open(visitor)
        self.assertEqual(self.list_threads(visitor).json()["data"], [])

    async def test_V12_also_under_asgi(self) -> None:
        visitor = AsyncClient()
        self.assertEqual((await visitor.get("/chat/")).status_code, 200)
        params = {"input": user_input("say hello")}
        await self.send("threads.create", params, client=visitor)
        listed = await self.post("threads.list", {}, visitor)
        self.assertEqual(len(listed.json()["data"]), 1)

    async def test_a_session_without_a_visitor_gives_nothing(self) -> None:
        client = AsyncClient()
        await client.aforce_login(self.other)
        listed = await self.post("threads.list", {}, client)
        self.assertEqual(listed.json()["data"], [])


class TokenModelTests(DoorsMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        models = recipe("models", "project")
        self.AppToken = models.AppToken
        self.addCleanup(apps.clear_cache)
        self.addCleanup(apps.all_models["project"].pop, "apptoken")
        with connection.schema_editor() as editor:
            editor.create_model(self.AppToken)
        self.addCleanup(self.drop)
        with patch.dict(sys.modules, {"mysite": ModuleType("mysite"), "mysite.models": models}):
            self.assistant_class = recipe("with_model").Assistant
            self.with_visitors = recipe("with_visitors").Assistant

    def drop(self) -> None:
        with connection.schema_editor() as editor:
            editor.delete_model(self.AppToken)

    def test_V13_tokens_of_a_model(self) -> None:
        now, app = timezone.now(), Client(enforce_csrf_checks=True)
        token = self.AppToken.make(self.other, now + dt.timedelta(hours=1))
        old = self.AppToken.make(self.other, now - dt.timedelta(hours=1))
        with self.served(self.assistant_class):
            user_id = self.create(app, Authorization=f"Bearer {token}")
            self.assertEqual(user_id, self.charlie["user_id"])
            for wrong in (old, "", "x", token.upper()):
                response = self.list_threads(app, Authorization=f"Bearer {wrong}")
                self.assert_refused(response, 401)
            self.assert_refused(self.list_threads(app), 401)
            self.assertEqual(self.list_threads(self.client).json()["data"], [])

    def test_V13_tokens_beside_visitors(self) -> None:
        token = self.AppToken.make(self.other, timezone.now() + dt.timedelta(hours=1))
        with self.served(self.with_visitors):
            user_id = self.create(Client(), Authorization=f"Bearer {token}")
            self.assertEqual(user_id, self.charlie["user_id"])
            refused = self.list_threads(Client(), Authorization="Bearer wrong")
            self.assert_refused(refused, 401)
            self.assertEqual(self.create(self.client), self.alice["user_id"])
            self.assertTrue(self.create(Client()).startswith("visitor_"))


@override_settings(JWT_KEY="k" * 32)
class TokenTests(DoorsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.app = Client(enforce_csrf_checks=True)

    def test_V13_json_web_tokens(self) -> None:
        claims = {"sub": "charlie", "aud": "chat", "exp": timezone.now() + dt.timedelta(minutes=5)}
        past = timezone.now() - dt.timedelta(minutes=5)
        with self.served(recipe("with_jwt").Assistant):
            token = jwt.encode(claims, "k" * 32, "HS256")
            self.assertEqual(self.create(self.app, Authorization=f"Bearer {token}"), "charlie")
            for wrong in (
                jwt.encode(claims, "w" * 32, "HS256"),
                jwt.encode(claims, None, "none"),
                jwt.encode({**claims, "aud": "mail"}, "k" * 32, "HS256"),
                jwt.encode({**claims, "exp": past}, "k" * 32, "HS256"),
                jwt.encode({"sub": "charlie", "aud": "chat"}, "k" * 32, "HS256"),
                "x",
            ):
                self.assert_refused(
                    self.list_threads(self.app, Authorization=f"Bearer {wrong}"), 401
                )
            self.assertEqual(self.list_threads(self.client).json()["data"], [])

    @unittest.skipUnless(importlib.util.find_spec("rest_framework"), "needs djangorestframework")
    def test_V13_beside_the_rest_framework(self) -> None:
        from rest_framework.authentication import TokenAuthentication
        from rest_framework.exceptions import AuthenticationFailed

        def look_up(self: Any, key: str) -> Any:  # its model is not among the installed apps
            if key != "good":
                raise AuthenticationFailed(SECRET)
            return get_user_model().objects.get(username="charlie"), None

        with (
            patch.object(TokenAuthentication, "authenticate_credentials", look_up),
            self.served(recipe("with_drf").Assistant),
        ):
            user_id = self.create(self.app, Authorization="Token good")
            self.assertEqual(user_id, self.charlie["user_id"])
            for header in ("Token bad", "Token", "Token a b"):
                response = self.list_threads(self.app, Authorization=header)
                self.assert_refused(response, 401)
            self.assert_refused(self.list_threads(self.app), 401)

    @unittest.skipUnless(importlib.util.find_spec("ninja"), "needs django-ninja")
    def test_V13_beside_django_ninja(self) -> None:
        good = TimestampSigner(salt="api").sign("charlie")
        with self.served(recipe("with_ninja").Assistant):
            self.assertEqual(self.create(self.app, Authorization=f"Bearer {good}"), "charlie")
            for header in (f"Bearer {good}x", "Bearer", "Basic x"):
                response = self.list_threads(self.app, Authorization=header)
                self.assert_refused(response, 401)


class OrganisationTests(DoorsMixin, TestCase):
    def test_V12_members_share_the_conversations_of_their_organisation_only(self) -> None:
        ours, theirs = Group.objects.create(name="ours"), Group.objects.create(name="theirs")
        self.user.groups.add(ours)
        self.other.groups.add(ours, theirs)
        colleague = Client()
        colleague.force_login(self.other)

        organisations = recipe("organisations")

        def choose(user: Any, client: Client, group: Group) -> Any:
            request = RequestFactory().post("/")
            request.user, request.session = user, client.session
            response = organisations.choose(request, group.pk)
            request.session.save()
            return response

        with self.served(organisations.Assistant):
            self.assert_refused(self.list_threads(Client()), 401)
            self.assert_refused(self.list_threads(self.client), 403)
            self.assertEqual(choose(self.user, self.client, ours).url, "/chat/")
            choose(self.other, colleague, ours)
            self.assertEqual(self.create(self.client), f"organisation-{ours.pk}")
            self.assertEqual(len(self.list_threads(colleague).json()["data"]), 1)
            choose(self.other, colleague, theirs)
            self.assertEqual(self.list_threads(colleague).json()["data"], [])
            with self.assertRaises(Http404):  # of which she is no member
                choose(self.user, self.client, theirs)
            self.user.groups.clear()
            self.assert_refused(self.list_threads(self.client), 403)
