"""The plain text of an item, for the moderators' search and lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatkit.types import ThreadItem

_WIDGET_TEXT_KEYS = frozenset({"value", "label", "title", "text", "placeholder", "alt", "caption"})


def plain_text(item: ThreadItem) -> str:
    """Return the text of an item that is meant for people, one line for each part."""
    return "\n".join(text for text in _texts(item) if text)


def _texts(item: ThreadItem) -> Iterator[str | None]:
    match item.type:
        case "user_message":
            yield item.quoted_text
            yield from (part.text for part in item.content)
            yield from (attachment.name for attachment in item.attachments)
        case "assistant_message":
            yield from (part.text for part in item.content)
        case "client_tool_call":
            yield item.name
            yield from _strings(item.arguments)
            yield from _strings(item.output)
        case "widget":
            if item.copy_text:
                yield item.copy_text
            else:
                yield from _strings(item.widget.model_dump(mode="json"), _WIDGET_TEXT_KEYS)
        case "structured_input":
            for question in item.inputs:
                yield question.question
                yield from question.answer.values if question.answer else ()
        case "workflow":
            yield getattr(item.workflow.summary, "title", None)
            for task in item.workflow.tasks:
                yield from _task_texts(task)
        case "task":
            yield from _task_texts(item.task)
        case "hidden_context_item" | "sdk_hidden_context":
            yield from _strings(item.content)


def _task_texts(task: Any) -> Iterator[str | None]:
    yield getattr(task, "title", None)
    yield getattr(task, "content", None)
    yield from getattr(task, "queries", ())
    yield from (source.title for source in getattr(task, "sources", ()))


def _strings(value: Any, keys: frozenset[str] | None = None) -> Iterator[str]:
    """Yield the strings in a JSON-like value; with ``keys``, only the values of these keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            if keys is None or key in keys or isinstance(child, (dict, list)):
                yield from _strings(child, keys)
    elif isinstance(value, list):
        for child in value:
            if not isinstance(child, str) or keys is None:
                yield from _strings(child, keys)
