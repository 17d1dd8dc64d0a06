"""What the demo's page offers: prompts, tools and models, and the bicycles that `@` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatkit.types import UserMessageItem, UserMessageTagContent
from chatkit.widgets import DynamicWidgetRoot
from django.utils.translation import gettext as _

BICYCLES = [
    {"id": "terra-2", "title": "Terra 2", "price": "1 490 €", "weight": "9,8 kg"},
    {"id": "city-guard", "title": "City Guard", "price": "890 €", "weight": "14 kg"},
    {"id": "polder", "title": "Polder", "price": "640 €", "weight": "16 kg"},
]


def page_options() -> dict[str, Any]:
    """Return the options of the demo's page, as OpenAI's component has them."""
    return {
        "startScreen": {
            "greeting": _("What can the workshop do for you?"),
            "prompts": [
                {"label": _("What can you show?"), "prompt": "/help", "icon": "circle-question"},
                {"label": _("Is my chain worn?"), "prompt": "/markdown", "icon": "lightbulb"},
                {"label": _("Show me a gravel bicycle"), "prompt": "/widget", "icon": "images"},
                {
                    "label": _("What does the Terra 2 weigh?"),
                    "prompt": [
                        {"type": "input_text", "text": _("What does it weigh: ")},
                        _as_tag(BICYCLES[0]),
                    ],
                    "icon": "compass",
                },
            ],
        },
        "composer": {
            "placeholder": _("Ask the workshop, or type @ or /"),
            "tools": [
                {
                    "id": "catalogue",
                    "label": _("Search the catalogue"),
                    "shortLabel": _("Catalogue"),
                    "icon": "search",
                    "placeholderOverride": _("What are you looking for?"),
                    "pinned": True,
                },
                {
                    "id": "diary",
                    "label": _("Look into the workshop's diary"),
                    "shortLabel": _("Diary"),
                    "icon": "calendar",
                    "persistent": True,
                },
            ],
            "models": [
                {"id": "quick", "label": _("Quick"), "default": True},
                {
                    "id": "thorough",
                    "label": _("Thorough"),
                    "description": _("Thinks longer, for long questions"),
                },
                {
                    "id": "expert",
                    "label": _("Expert"),
                    "description": _("Not part of your plan"),
                    "disabled": True,
                },
            ],
            "dictation": {"enabled": True},
        },
        "entities": {"showComposerMenu": True},
        "commands": {"enabled": True},
        "disclaimer": {"text": _("The workshop can be wrong. **Look before you ride.**")},
    }


def search_bicycles(query: str) -> list[dict[str, Any]]:
    """Return the bicycles whose name has a word that begins so, as entities."""
    return [
        _as_entity(bicycle)
        for bicycle in BICYCLES
        if any(word.lower().startswith(query.lower()) for word in bicycle["title"].split())
    ]


def preview_bicycle(entity: Mapping[str, Any]) -> DynamicWidgetRoot | None:
    """Return a widget about a bicycle."""
    for bicycle in BICYCLES:
        if bicycle["id"] == entity["id"]:
            facts = f"{bicycle['price']} · {bicycle['weight']}"
            texts = [
                {"type": "Title", "value": bicycle["title"]},
                {"type": "Text", "value": facts},
            ]
            return DynamicWidgetRoot.model_validate({"type": "Card", "children": texts})
    return None


def describe_choices(message: UserMessageItem) -> str:
    """Say which model, tool and bicycles a message asks for; empty where it asks for nothing."""
    asked = message.inference_options
    bicycles = [part.text for part in message.content if isinstance(part, UserMessageTagContent)]
    lines = [
        _("Model: **%(id)s**") % {"id": asked.model} if asked.model not in (None, "quick") else "",
        _("Tool: **%(id)s**") % {"id": asked.tool_choice.id} if asked.tool_choice else "",
        _("Bicycles: **%(names)s**") % {"names": ", ".join(bicycles)} if bicycles else "",
    ]
    return "\n".join(f"- {line}" for line in lines if line)


def _as_entity(bicycle: Mapping[str, str]) -> dict[str, Any]:
    about = {"icon": "compass", "group": _("Bicycles"), "interactive": True}
    return {
        "id": bicycle["id"],
        "title": bicycle["title"],
        "data": {"price": bicycle["price"]},
    } | about


def _as_tag(bicycle: Mapping[str, str]) -> dict[str, Any]:
    about = {"type": "input_tag", "text": bicycle["title"], "interactive": True, "data": {}}
    return about | {"id": bicycle["id"], "group": _("Bicycles")}
