"""
The tests of a site with django-allauth, which tests/test_allauth.py makes of the docs.

They are copied into that site as mysite/tests.py, and run by its own ``manage.py test``.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import AsyncClient, Client, TestCase, override_settings

from chatstore.models import ChatSession

API = "/chat/api/"
LOGIN = "/accounts/login/?next=/chat/"
PASSWORD = "eine-lange-Reise"
LIST = {"type": "threads.list", "params": {}}
MESSAGE = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": "Good morning"}],
            "attachments": [],
            "inference_options": {},
        }
    },
}


class Browser:
    """A person's browser: it sends the forms of the pages that it is shown, with their tokens."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True)

    def send(self, url: str, **fields: str) -> Any:
        """Open a page, fill in its form, and send it."""
        page = self.client.get(url)
        assert page.status_code == 200, (url, page.status_code)
        (token, *_same) = re.findall(
            r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode()
        )
        return self.client.post(url, {"csrfmiddlewaretoken": token, **fields})

    def sign_up(self, name: str) -> Any:
        fields = {"username": name, "email": f"{name}@example.com"}
        return self.send(
            "/accounts/signup/?next=/chat/", **fields, password1=PASSWORD, password2=PASSWORD
        )

    def sign_in(self, name: str) -> Any:
        return self.send(LOGIN, login=name, password=PASSWORD)

    def sign_out(self) -> Any:
        return self.send("/accounts/logout/")

    def ask(self, body: dict[str, Any]) -> Any:
        """Send a request to the endpoint, as the chat page does."""
        page = self.client.get("/chat/")
        found = re.search('data-csrf-token="([^"]+)"', page.content.decode())
        headers = {"X-CSRFToken": found[1]} if found else {}
        return self.client.post(API, json.dumps(body), "application/json", headers=headers)

    def say_good_morning(self) -> None:
        response = self.ask(MESSAGE)
        said = response.getvalue().decode()
        assert response.status_code == 200, said
        assert "You said: *Good morning*" in said, said

    def threads(self) -> list[str]:
        response = self.ask(LIST)
        assert response.status_code == 200, response.content
        return [one["id"] for one in response.json()["data"]]


class ProjectTests(TestCase):
    def test_nothing_is_missing_in_what_the_page_shows(self) -> None:
        call_command("check", fail_level="WARNING")
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)


class CountedTestCase(TestCase):
    """allauth counts mails and attempts in the cache, which outlives a test."""

    def setUp(self) -> None:
        super().setUp()
        cache.clear()


class PeopleTests(CountedTestCase):
    """Nobody chats but who has signed in."""

    def test_V12_the_page_sends_to_allauths_sign_in_and_gets_people_back(self) -> None:
        browser = Browser()
        self.assertRedirects(browser.client.get("/chat/"), LOGIN)
        self.assertEqual(browser.client.post(API, LIST, "application/json").status_code, 401)
        self.assertContains(browser.client.get(LOGIN), "/accounts/signup/")
        self.assertRedirects(browser.sign_up("ann"), "/chat/")
        browser.say_good_morning()
        owner = ChatSession.objects.get().user_id
        self.assertEqual(owner, str(User.objects.get(username="ann").pk))

        self.assertRedirects(browser.sign_out(), "/chat/", target_status_code=302)
        self.assertRedirects(browser.client.get("/chat/"), LOGIN)
        self.assertEqual(browser.client.post(API, LIST, "application/json").status_code, 401)
        wrong = browser.send(LOGIN, login="ann", password="guessed")
        self.assertEqual(wrong.status_code, 200)
        self.assertRedirects(browser.client.get("/chat/"), LOGIN)
        self.assertRedirects(browser.sign_in("ann"), "/chat/")
        self.assertEqual(len(browser.threads()), 1)

    def test_V12_nobody_gets_the_threads_of_another(self) -> None:
        ann, bob = Browser(), Browser()
        ann.sign_up("ann")
        ann.say_good_morning()
        bob.sign_up("bob")
        self.assertEqual(bob.threads(), [])
        ann.sign_out()
        ann.sign_in("bob")  # in Ann's own browser
        self.assertEqual(ann.threads(), [])

    async def test_V12_also_under_asgi(self) -> None:
        user = await User.objects.acreate_user("ann", password=PASSWORD)
        client = AsyncClient()
        sent = await client.get("/chat/")
        self.assertEqual((sent.status_code, sent["Location"]), (302, LOGIN))
        fields = {"login": "ann", "password": PASSWORD}
        self.assertEqual((await client.post(LOGIN, fields)).status_code, 302)
        self.assertEqual((await client.get("/chat/")).status_code, 200)
        response = await client.post(API, json.dumps(MESSAGE), "application/json")
        said = b"".join([part async for part in response.streaming_content])
        self.assertIn(b"You said: *Good morning*", said)
        self.assertEqual((await ChatSession.objects.aget()).user_id, str(user.pk))


@override_settings(CHATSTORE_SERVER="mysite.both.Assistant")
class VisitorTests(CountedTestCase):
    """Visitors chat too, and take along what they have written."""

    def visit(self) -> Browser:
        browser = Browser()
        browser.say_good_morning()
        self.assertTrue(ChatSession.objects.latest("created_at").user_id.startswith("visitor_"))
        return browser

    def owners(self) -> set[str]:
        return set(ChatSession.objects.values_list("user_id", flat=True))

    def id_of(self, name: str) -> str:
        return str(User.objects.get(username=name).pk)

    def test_V12_at_sign_up_they_become_the_persons(self) -> None:
        visitor, another = self.visit(), self.visit()
        self.assertRedirects(visitor.sign_up("ann"), "/chat/")
        self.assertEqual(len(visitor.threads()), 1)
        self.assertIn(self.id_of("ann"), self.owners())
        self.assertRedirects(another.sign_up("bob"), "/chat/")
        self.assertEqual(self.owners(), {self.id_of("ann"), self.id_of("bob")})
        self.assertEqual(len(another.threads()), 1)
        self.assertFalse(set(visitor.threads()) & set(another.threads()))

    def test_V12_at_sign_in_they_become_the_persons(self) -> None:
        Browser().sign_up("ann")
        visitor, another = self.visit(), self.visit()
        begun = visitor.threads()
        self.assertRedirects(visitor.sign_in("ann"), "/chat/")
        self.assertEqual(visitor.threads(), begun)
        self.assertEqual(len(another.threads()), 1)
        self.assertNotIn(begun[0], another.threads())

        self.assertRedirects(visitor.sign_out(), "/chat/")
        self.assertEqual(visitor.threads(), [])  # a new visitor
        visitor.sign_up("bob")  # in the same browser
        self.assertEqual(visitor.threads(), [])

    @override_settings(ACCOUNT_EMAIL_VERIFICATION="mandatory")
    def test_V12_with_a_confirmed_address_they_do_at_the_sign_in_after_it(self) -> None:
        visitor = self.visit()
        begun = visitor.threads()
        self.assertRedirects(visitor.sign_up("ann"), "/accounts/confirm-email/")
        self.assertEqual(visitor.threads(), begun)
        self.assertNotIn(self.id_of("ann"), self.owners())
        (link,) = re.findall(r"https?://\S+?(/accounts/confirm-email/\S+)", mail.outbox[0].body)
        Browser().send(link)  # in whatever browser the mail is read
        self.assertNotIn(self.id_of("ann"), self.owners())
        self.assertRedirects(visitor.sign_in("ann"), "/chat/")
        self.assertEqual(visitor.threads(), begun)
        self.assertEqual(self.owners(), {self.id_of("ann")})

    def test_V12_an_account_of_another_site_is_a_sign_in_too(self) -> None:
        """By allauth's stand-in for such a site, which asks nobody on the internet."""
        visitor, another = self.visit(), self.visit()
        begun = visitor.threads()
        sent = visitor.send("/accounts/dummy/login/?next=/chat/")
        self.assertRedirects(visitor.send(sent["Location"], id="7", username="ann"), "/chat/")
        self.assertEqual(visitor.threads(), begun)
        self.assertEqual(len(another.threads()), 1)
        self.assertIn(self.id_of("ann"), self.owners())
