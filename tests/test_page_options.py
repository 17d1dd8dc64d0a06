"""V22, V23: the options of the chat page, and the entities that a message can name."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import AsyncMock

from chatkit.widgets import Card, Text
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.test import AsyncClient, Client, RequestFactory, SimpleTestCase, TestCase
from django.test.utils import override_settings
from django.urls import reverse
from django.utils.translation import gettext_lazy

from chatstore.models import ChatSession
from chatstore.server.page_options import read_options
from tests.assistants import Scripted
from tests.endpoint import EndpointMixin
from tests.live import user_input

ENTITIES = "/chat/entities/"


class Offering(Scripted):
    """Offers two tools, and a model to whom has a name that begins with a."""

    def page_options(self, context: Any) -> dict[str, Any]:
        name = get_user_model().objects.get(pk=context["user_id"]).username
        models = [{"id": "small", "label": "Small"}, {"id": "gone", "label": "x", "disabled": True}]
        if name.startswith("a"):
            models.append({"id": "large", "label": "Large", "default": True})
        return {
            "startScreen": {"greeting": gettext_lazy("Hello"), "prompts": []},
            "composer": {
                "models": models,
                "tools": [{"id": "search", "label": "Search", "pinned": True}],
            },
        }

    async def search_entities(self, query: str, context: Any) -> list[dict[str, Any]]:
        mine = [{"id": context["user_id"], "title": f"Order of {query}", "group": "Orders"}]
        return mine if query else []

    def preview_entity(self, entity: Any, context: Any) -> Card | None:
        if entity["id"] != context["user_id"]:
            return None
        return Card(children=[Text(value=entity["title"])])


class Wrong(Scripted):
    async def page_options(self, context: Any) -> dict[str, Any]:
        return {"composer": {"models": [{"id": "m", "name": "M"}]}}

    def search_entities(self, query: str, context: Any) -> list[dict[str, Any]]:
        return [{"id": 1, "title": "A number is no id"}]


OFFERING = override_settings(CHATSTORE_SERVER="tests.test_page_options.Offering")


class OfferTests(EndpointMixin, TestCase):
    """V22: what is not offered is refused before anything is stored."""

    async def ask(self, client: AsyncClient | None = None, **options: Any) -> Any:
        message = {**user_input("say fine"), "inference_options": options}
        return await self.post("threads.create", {"input": message}, client)

    @OFFERING
    async def test_V22_a_tool_or_a_model_that_is_not_offered_is_refused(self) -> None:
        stranger = AsyncClient()
        await stranger.aforce_login(self.other)  # charlie, to whom the large one is not offered
        refused = [
            await self.ask(tool_choice={"id": "shell"}),
            await self.ask(model="gone"),
            await self.ask(model="unknown"),
            await self.ask(stranger, model="large"),
        ]
        for response in refused:
            self.assert_refused(response, 400)
            self.assertIn("not offered", response.json()["error"])
        self.assertEqual(await ChatSession.objects.acount(), 0)
        for options in ({}, {"model": "large", "tool_choice": {"id": "search"}}):
            self.assertEqual((await self.ask(**options)).status_code, 200)

    @OFFERING
    async def test_V22_what_is_chosen_is_stored_with_the_message(self) -> None:
        await self.ask(model="large", tool_choice={"id": "search"})
        thread = await ChatSession.objects.aget()
        page = await self.get("items.list", thread_id=thread.thread_id, order="asc")
        asked = {"model": "large", "tool_choice": {"id": "search"}}
        self.assertEqual(page["data"][0]["inference_options"], asked)

    async def test_V22_without_options_any_is_taken(self) -> None:
        self.assertEqual((await self.ask(model="any")).status_code, 200)

    @OFFERING
    async def test_V22_a_message_in_a_thread_too(self) -> None:
        await self.ask()
        thread = await ChatSession.objects.aget()
        message = {**user_input("say fine"), "inference_options": {"model": "unknown"}}
        params = {"thread_id": thread.thread_id, "input": message}
        self.assert_refused(await self.post("threads.add_user_message", params), 400)


class EntityTests(EndpointMixin, TestCase):
    """V23: the application's entities are found and shown as this user's."""

    @OFFERING
    async def test_V23_search_and_preview_ask_the_application_with_the_users_context(self) -> None:
        client = AsyncClient()
        await client.aforce_login(self.other)
        found = (await client.get(ENTITIES, {"q": "mine"})).json()["data"]
        user_id = str(self.other.pk)
        self.assertEqual(found, [{"id": user_id, "title": "Order of mine", "group": "Orders"}])
        for entity_id, expected in ((user_id, "Card"), ("someone else's", None)):
            response = await client.post(
                ENTITIES,
                {"entity": {**found[0], "id": entity_id, "type": "input_tag", "group": None}},
                content_type="application/json",
            )
            preview = response.json()["preview"]
            self.assertEqual(preview and preview["type"], expected)

    @OFFERING
    async def test_V23_wrong_requests_are_refused(self) -> None:
        client = AsyncClient()
        self.assert_refused(await client.get(ENTITIES), 401)
        await client.aforce_login(self.other)
        self.assert_refused(await client.get(ENTITIES, {"q": "x" * 201}), 400)
        for body in ("", "[]", '{"entity": 1}', '{"entity": {"id": "1"}}'):
            response = await client.post(ENTITIES, body, content_type="application/json")
            self.assert_refused(response, 400)

    @override_settings(CHATSTORE_SERVER="tests.assistants.Entities")
    async def test_V23_what_no_database_stores_does_not_reach_the_application(self) -> None:
        client = AsyncClient()
        await client.aforce_login(self.other)
        self.assertEqual((await client.get(ENTITIES, {"q": "a\0"})).json(), {"data": []})
        entity = {"id": "1", "title": "char\0lie", "data": {"\ud83d": "\0"}}
        response = await client.post(ENTITIES, {"entity": entity}, content_type="application/json")
        self.assertEqual(response.json(), {"preview": None})
        deep = '{"entity": {"id": "1", "title": "charlie", "data": {"a": %s}}}'
        deep %= "[" * 500 + "]" * 500
        response = await client.post(ENTITIES, deep, content_type="application/json")
        self.assert_refused(response, 400)

    async def test_V23_without_a_search_there_is_none(self) -> None:
        client = AsyncClient()
        await client.aforce_login(self.other)
        self.assert_refused(await client.get(ENTITIES), 501)


class PageTests(TestCase):
    def open(self) -> str:
        client = Client()
        client.force_login(get_user_model().objects.create_user("alice"))
        return client.get(reverse("chatstore:page")).content.decode()

    @OFFERING
    def test_V22_the_page_has_the_options_as_data(self) -> None:
        html = self.open()
        _, _, rest = html.partition('id="page-options" type="application/json">')
        options = json.loads(rest.partition("</script>")[0])
        self.assertEqual(options["composer"]["models"][-1]["id"], "large")
        self.assertEqual(options["startScreen"]["greeting"], "Hello")
        self.assertIn(f'data-entities-url="{ENTITIES}"', html)

    @override_settings(CHATSTORE_SERVER="tests.test_page_options.Wrong")
    def test_V22_a_wrong_option_is_named(self) -> None:
        with self.assertRaisesMessage(
            ImproperlyConfigured, "Wrong.page_options() returned 'composer.models.0.label'"
        ):
            self.open()

    @OFFERING
    def test_V22_the_component_gets_them_too(self) -> None:
        request = RequestFactory().get("/")
        request.auser = AsyncMock(return_value=get_user_model().objects.create_user("alice"))
        html = Template("{% load chatkit %}{% chatkit %}").render(Context({"request": request}))
        _, _, rest = html.partition('type="application/json">')
        options = json.loads(rest.partition("</script>")[0])
        self.assertEqual(options["startScreen"]["greeting"], "Hello")
        self.assertEqual(options["composer"]["models"][-1]["id"], "large")
        self.assertTrue(options["composer"]["attachments"]["enabled"])

    async def test_V22_a_tag_in_an_async_view_asks_for_no_options(self) -> None:
        request = RequestFactory().get("/")
        html = Template("{% load chatkit %}{% chatkit %}").render(Context({"request": request}))
        self.assertIn("threadItemActions", html)


class OptionTests(SimpleTestCase):
    def test_V22_wrong_options_are_errors_for_the_developer(self) -> None:
        for wrong, words in (
            ({"startscreen": {}}, "startscreen"),
            ({"composer": {"models": [{"id": 1, "label": "One"}]}}, "composer.models.0.id"),
            ({"disclaimer": {"highContrast": True}}, "disclaimer.text"),
            ({"startScreen": {"prompts": [{"label": "x", "prompt": [{"type": "y"}]}]}}, "prompt"),
            (["composer"], "object"),
        ):
            with self.subTest(wrong), self.assertRaisesMessage(ImproperlyConfigured, words):
                read_options(wrong, "page_options()")


class UploadTests(TestCase):
    def test_a_site_that_takes_no_files_offers_no_upload(self) -> None:
        client, url = Client(), reverse("chatstore:upload")
        client.force_login(get_user_model().objects.create_user("alice"))
        self.assertContains(client.get("/chat/"), f'data-upload-url="{url}"')
        with override_settings(CHATSTORE_UPLOAD_TYPES=[]):
            self.assertContains(client.get("/chat/"), 'data-upload-url=""')
