"""
What the examples of the docs take for granted: imports that they leave out, and their reader's own.

Bill, Order, Product and so on stand for models of the reader's project.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import django
from agents import Agent, OpenAIResponsesModel, Runner
from asgiref.sync import async_to_sync
from chatkit.agents import AgentContext, stream_agent_response
from django.core.asgi import get_asgi_application
from django.test import RequestFactory
from openai import AsyncOpenAI

from chatstore import conf
from chatstore.attachments import DjangoAttachmentStore
from chatstore.converters import FileConverter
from chatstore.server import ChatServer
from chatstore.store import DjangoStore
from chatstore.streams import with_lifespan
from chatstore.testing import MemoryStore, samples

USER, THREAD, ITEM = "1", "thr_1", "msg_1"
# What a part of respond() has from the lines above it, which the page does not show.
FIRST = {
    "text": 'text = "Hello"',
    "agent_context": "agent_context = AgentContext("
    "thread=thread, store=self.store, request_context=context)",
    "result": 'result = Runner.run_streamed(agent, "Hello", context=agent_context)',
    "page": 'page = await self.store.load_thread_items(thread.id, None, 20, "asc", context)',
}
# Settings that would change the tests' own process, or need another project around them.
UNTRIED = {"ALLOWED_HOSTS", "INSTALLED_APPS", "MIDDLEWARE", "STATIC_ROOT", "STATICFILES_DIRS"}
# What no project has by `startproject`: a cache, as in docs/how-to/deploy.md.
HAS_CACHE = {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}


class Table:
    """A model of the reader's own, without a table."""

    def __init__(self) -> None:
        self.objects = self

    def using(self, alias: str) -> Table:
        return self

    def filter(self, **conditions: Any) -> Table:
        return self

    def delete(self) -> None: ...

    async def acreate(self, **values: Any) -> None: ...

    async def aget(self, **conditions: Any) -> SimpleNamespace:
        return SimpleNamespace(name="City bike", price=300)

    async def __aiter__(self) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(number=1)


async def has_used_up_the_day(user_id: str) -> bool:
    return False


async def respond(self: Any, thread: Any, input_user_message: Any, context: Any) -> Any:
    """Answer for a class that shows other methods only."""
    async for event in self.run_agent(Agent(name="Shop"), thread, context):
        yield event


def names() -> dict[str, Any]:
    """Return the names that a page begins with."""
    return {
        "__name__": "docs",
        "Agent": Agent,
        "AgentContext": AgentContext,
        "AsyncOpenAI": AsyncOpenAI,
        "ChatServer": ChatServer,
        "DjangoAttachmentStore": DjangoAttachmentStore,
        "DjangoStore": DjangoStore,
        "FileConverter": FileConverter,
        "MyStore": lambda *args: MemoryStore(),
        "OpenAIResponsesModel": OpenAIResponsesModel,
        "Runner": Runner,
        "agent": Agent(name="Shop"),
        "get_asgi_application": get_asgi_application,
        "has_used_up_the_day": has_used_up_the_day,
        "stream_agent_response": stream_agent_response,
        "with_lifespan": with_lifespan,
        "user_id": USER,
        "thread_id": THREAD,
        "item_id": ITEM,
        **dict.fromkeys(("Bill", "Order", "Product", "Profile"), Table()),
    }


def context() -> Any:
    """Return the context of a person who has signed in."""
    request = RequestFactory().get("/")
    return _Context(user_id=USER, request=request)


class _Context(dict[str, Any]):
    account = SimpleNamespace(number=USER)


def make_rows() -> None:
    """Make the conversation whose ids the examples name."""

    async def make() -> None:
        store, owner = DjangoStore(), {"user_id": USER}
        await store.save_thread(samples.thread(THREAD), owner)
        answer = samples.answer(ITEM, "Hello")
        answer.thread_id = THREAD
        await store.add_thread_item(THREAD, answer, owner)

    async_to_sync(make)()


def settings_names() -> set[str]:
    """Return the names of chatstore's settings, without their prefix."""
    return set(re.findall(r'_get\(\s*"(\w+)"', Path(conf.__file__).read_text()))


def started(name: str) -> CodeType:
    """Return the code of a file that `django-admin startproject` writes."""
    folder = Path(django.__file__).parent / "conf" / "project_template" / "project_name"
    text = re.sub(r"\{\{ \w+ \}\}", "mysite", (folder / f"{name}-tpl").read_text())
    return compile(text, name, "exec")


def project_settings() -> dict[str, Any]:
    """Return the settings that `django-admin startproject` writes."""
    found: dict[str, Any] = {"__file__": str(Path(sys.prefix) / "mysite" / "settings.py")}
    exec(started("settings.py"), found)  # noqa: S102
    return HAS_CACHE | found
