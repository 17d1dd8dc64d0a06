"""
The options of the chat page and of OpenAI's component, as ChatServer.page_options returns them, and
the entities that its search finds. Their names are the component's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from chatkit.types import InferenceOptions, UserMessageContent
from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from chatstore.exceptions import RequestRefused


class _Option(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, protected_namespaces=()
    )


class Prompt(_Option):
    label: str
    prompt: str | list[UserMessageContent]
    icon: str = ""


class StartScreen(_Option):
    greeting: str = ""
    prompts: list[Prompt] = []


class Tool(_Option):
    id: str
    label: str
    icon: str = ""
    short_label: str = ""
    placeholder_override: str = ""
    pinned: bool = False
    persistent: bool = False


class Model(_Option):
    id: str
    label: str
    description: str = ""
    disabled: bool = False
    default: bool = False


class Switch(_Option):
    enabled: bool


class Composer(_Option):
    placeholder: str = ""
    tools: list[Tool] | None = None
    models: list[Model] | None = None
    dictation: Switch = Switch(enabled=False)


class Disclaimer(_Option):
    text: str
    high_contrast: bool = False


class EntitiesOption(_Option):
    show_composer_menu: bool = False


class PageOptions(_Option):
    """What page_options may return; the names are written as the component writes them."""

    start_screen: StartScreen = StartScreen()
    composer: Composer = Composer()
    disclaimer: Disclaimer | None = None
    entities: EntitiesOption = EntitiesOption()
    commands: Switch = Switch(enabled=False)

    def check(self, asked: InferenceOptions) -> None:
        """Raise RequestRefused (400) for a tool or a model that is not offered (V22)."""
        tools, models = self.composer.tools, self.composer.models
        tool = asked.tool_choice
        if tool and tools is not None and tool.id not in {one.id for one in tools}:
            raise RequestRefused(_("This tool is not offered here. Choose another one."), 400)
        if models is None or not asked.model:
            return
        if asked.model not in {one.id for one in models if not one.disabled}:
            raise RequestRefused(_("This model is not offered here. Choose another one."), 400)


class Entity(_Option):
    """Something that a message can name by ``@``."""

    id: str
    title: str
    icon: str | None = None
    interactive: bool = False
    group: str | None = None
    data: dict[str, Any] | None = None


Read = TypeVar("Read", bound=BaseModel)


def read_options(returned: Mapping[str, Any], source: str) -> tuple[PageOptions, dict[str, Any]]:
    """
    Return the options, and the same as JSON for a client, lazy texts as text.

    Raises ImproperlyConfigured, which names ``source`` and the option, for what no client knows.
    """
    as_json = to_json(returned)
    return _read(PageOptions, as_json, source), as_json


def read_entities(found: Sequence[Mapping[str, Any]], source: str) -> list[dict[str, Any]]:
    """Return entities as JSON; ImproperlyConfigured for what is none."""
    as_json: list[dict[str, Any]] = to_json(list(found))
    for one in as_json:
        _read(Entity, one, source)
    return as_json


def read_entity(sent: Any) -> dict[str, Any]:
    """Return the entity that a client has sent; RequestRefused (400) for anything else."""
    try:  # a tag of a message has other fields too
        known = {name: sent[name] for name in Entity.model_fields if name in sent}
        return Entity.model_validate(known).model_dump(by_alias=True)
    except (ValidationError, TypeError):
        raise RequestRefused(_("The request can't be read."), 400) from None


def _read(kind: type[Read], as_json: Any, source: str) -> Read:
    try:
        return kind.model_validate_json(json.dumps(as_json))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise ImproperlyConfigured(f"{source} returned {path!r}: {first['msg']}.") from error


def to_json(value: Any) -> Any:
    """Return a value as it is after a journey as JSON."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
