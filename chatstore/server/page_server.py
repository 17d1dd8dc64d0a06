"""PageServer: the part of ChatServer that the chat page and OpenAI's component ask for options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from chatkit.types import InferenceOptions
from pydantic import BaseModel

from chatstore.server.moderated_server import ModeratedServer
from chatstore.server.page_options import (
    PageOptions,
    read_entities,
    read_entity,
    read_options,
    to_json,
)

TContext = TypeVar("TContext")


class PageServer(ModeratedServer[TContext], Generic[TContext]):
    """
    What the clients of a user offer. Each method may be a coroutine, or a plain ``def`` that runs
    in a thread, where it may use the ORM.
    """

    def page_options(self, context: TContext) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """
        Return the options of the chat page, which ``{% chatkit %}`` gives to OpenAI's component.

        They are named and nested as the component's are, such as
        ``{"composer": {"models": [{"id": "gpt-5", "label": "GPT-5"}]}}``. A message that asks for a
        tool or a model that is not among them is refused (V22). docs/how-to/page.md lists them.
        """
        return {}

    def search_entities(
        self, query: str, context: TContext
    ) -> Sequence[Mapping[str, Any]] | Awaitable[Sequence[Mapping[str, Any]]]:
        """
        Return what a message can name by ``@``: the entities that match, as the component's are,
        such as ``{"id": "42", "title": "Order 42", "group": "Orders"}``.

        Args:
            query: what has been written after the ``@``; may be empty.
            context: as respond() gets it.
        """
        raise NotImplementedError("search_entities() is not overridden")

    def preview_entity(
        self, entity: Mapping[str, Any], context: TContext
    ) -> BaseModel | Mapping[str, Any] | Awaitable[Any] | None:
        """
        Return a widget that shows an entity, or None.

        Args:
            entity: as the client has sent it: look it up by its id, as this user's.
            context: as respond() gets it.
        """
        return None

    # What the views and the checks of a request ask

    @property
    def has_page_options(self) -> bool:
        """Whether the application has options."""
        return type(self).page_options is not PageServer.page_options

    @property
    def has_entities(self) -> bool:
        """Whether the application searches for entities."""
        return type(self).search_entities is not PageServer.search_entities

    async def load_page_options(self, context: TContext) -> dict[str, Any]:
        """Return page_options() as JSON; ImproperlyConfigured where an option is wrong."""
        return (await self._options(context))[1]

    async def check_offered(self, asked: InferenceOptions, context: TContext) -> None:
        """Raise RequestRefused (400) for a tool or a model that is not offered (V22)."""
        if asked.tool_choice or asked.model:
            options, _json = await self._options(context)
            options.check(asked)

    async def load_entities(self, query: str, context: TContext) -> list[dict[str, Any]]:
        """Return search_entities() as JSON."""
        found = await _call(self.search_entities, query, context)
        return read_entities(found, self._source("search_entities"))

    async def load_preview(self, sent: Any, context: TContext) -> Any:
        """Return preview_entity() as JSON; RequestRefused (400) where no entity was sent."""
        widget = await _call(self.preview_entity, read_entity(sent), context)
        if isinstance(widget, BaseModel):
            return widget.model_dump(mode="json", exclude_none=True)
        return to_json(widget)

    async def _options(self, context: TContext) -> tuple[PageOptions, dict[str, Any]]:
        returned: Mapping[str, Any] = {}
        if self.has_page_options:
            returned = await _call(self.page_options, context)
        return read_options(returned, self._source("page_options"))

    def _source(self, method: str) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}.{method}()"


async def _call(method: Callable[..., Any], *args: Any) -> Any:
    if iscoroutinefunction(method):
        return await method(*args)
    result = await sync_to_async(method)(*args)
    return await result if isawaitable(result) else result
