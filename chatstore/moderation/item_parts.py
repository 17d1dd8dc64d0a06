"""
Converts the items of a conversation to parts, which the admin's templates display.

Text of users and models is untrusted: only answers are rendered, by chatstore.moderation.markdown.
The parts of one item are limited in number and length, whatever it holds (M7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from chatkit.types import ThreadItem
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.codec import plain_text
from chatstore.moderation import markdown
from chatstore.moderation.display import display_json, display_line, display_text, html_length

MAX_ITEM_LENGTH = 40_000  # bytes of HTML of an item's parts, after which it ends
MAX_PARTS = 50
MAX_SOURCES = 50
MAX_LINE_LENGTH = 200  # characters of a source's title
MAX_URL_LENGTH = 2_000
# Parsing takes longer than displaying: a text that is rendered counts as three times its length.
MARKDOWN_FACTOR = 3
TAGS_LENGTH = 100  # bytes of HTML around a part, about


@dataclass(frozen=True)
class Source:
    """A source that an answer or a task refers to; ``url`` is empty if it is not a web link."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Part:
    """
    A part of an item.

    Args:
        kind: text, html (safe, rendered by chatstore.moderation.markdown), code, note (of this
            module to the reader), files (rows) or sources (Source).
        body: what ``kind`` says.
        label: a heading; may be empty.
        length: in bytes of HTML, about.
    """

    kind: Literal["text", "html", "code", "note", "files", "sources"]
    body: Any
    label: str = ""
    length: int = TAGS_LENGTH


def item_parts(payload: str) -> list[Part]:
    """Return the parts of an item, from its JSON; if they are too many or too long, the first."""
    parts: list[Part] = []
    length = 0
    try:
        item = codec.load_item(payload)
        for part in _PARTS_BY_TYPE[item.type](item):
            if length > MAX_ITEM_LENGTH or len(parts) == MAX_PARTS:
                parts.append(_note(_("The item is long. The raw JSON has the rest of it.")))
                break
            parts.append(part)
            length += part.length
    except (ValueError, RecursionError):
        note = _("This version of openai-chatkit can't read the item: see the raw JSON.")
        return [_note(note)]
    return parts


def long_item_parts(text: str, length: int) -> list[Part]:
    """
    Return the parts of an item whose JSON is too long to be read.

    Args:
        text: the beginning of the item's plain text.
        length: the number of characters of the whole plain text.
    """
    note = _("The item is very long. This is the beginning of its plain text.")
    return [_note(note), *_text(text, length=length)]


def _note(text: str) -> Part:
    return Part("note", text)


def _text(text: str | None, label: str = "", length: int | None = None) -> Iterator[Part]:
    if text:
        yield _part("text", display_text(text, length), display_text(label))


def _part(kind: Literal["text", "code"], body: str, label: str = "") -> Part:
    return Part(kind, body, label, TAGS_LENGTH + html_length(body) + html_length(label))


def _code(value: Any, label: str) -> Iterator[Part]:
    if value not in (None, "", {}, []):
        text = display_text(value) if isinstance(value, str) else display_json(value)
        yield _part("code", text, label)


def _sources(sources: Iterable[Any]) -> Iterator[Part]:
    rest = iter(sources)
    found = [_source(source) for source in islice(rest, MAX_SOURCES)]
    if more := len(list(rest)):
        found.append(Source(_("and %(count)d more") % {"count": more}))
    if found:
        length = sum(TAGS_LENGTH + html_length(each.title + each.url) for each in found)
        yield Part("sources", found, _("Sources"), length)


def _source(source: Any) -> Source:
    url = getattr(source, "url", "")
    is_link = len(url) <= MAX_URL_LENGTH and markdown.WEB_LINK.match(url)
    return Source(display_line(source.title, MAX_LINE_LENGTH), url if is_link else "")


def _user_message(item: Any) -> Iterator[Part]:
    yield from _text(item.quoted_text, _("Quoted"))
    yield from _text("".join(part.text for part in item.content))


def _assistant_message(item: Any) -> Iterator[Part]:
    for part in item.content:
        yield from _answer(part.text)
        yield from _sources(annotation.source for annotation in part.annotations)


def _answer(text: str) -> Iterator[Part]:
    html = markdown.render(text)
    if html is not None:
        length = max(len(html.encode()), MARKDOWN_FACTOR * len(text))
        yield Part("html", html, length=TAGS_LENGTH + length)
        return
    yield _note(_("This text is not formatted, because it is too long or has too many parts."))
    yield from _text(text)


def _tool_call(item: Any) -> Iterator[Part]:
    yield from _text(f"{item.name} ({item.status})")
    yield from _code(item.arguments, _("Arguments"))
    yield from _code(item.output, _("Output"))


def _widget(item: Any) -> Iterator[Part]:
    yield from _text(plain_text(item))


def _image(item: Any) -> Iterator[Part]:
    if item.image and codec.attachment_id_from_url(item.image.url) is None:
        yield from _text(item.image.url[:MAX_LINE_LENGTH])


def _structured_input(item: Any) -> Iterator[Part]:
    for question in item.inputs:
        answer = question.answer
        values = ", ".join(answer.values) if answer else ""
        yield from _text(values or _("No answer"), question.question)


def _workflow(item: Any) -> Iterator[Part]:
    yield from _text(getattr(item.workflow.summary, "title", None))
    for task in item.workflow.tasks:
        yield from _task(task)


def _task(task: Any) -> Iterator[Part]:
    lines = [getattr(task, "content", None), *getattr(task, "queries", ())]
    text = "\n".join(line for line in lines if line)
    yield from _text(text or task.title, task.title if text else "")
    yield from _sources(getattr(task, "sources", ()))


def _context(item: Any) -> Iterator[Part]:
    yield from _code(item.content, _("Seen by the model only"))


_PARTS_BY_TYPE: dict[str, Callable[[ThreadItem], Iterator[Part]]] = {
    "user_message": _user_message,
    "assistant_message": _assistant_message,
    "client_tool_call": _tool_call,
    "widget": _widget,
    "generated_image": _image,
    "structured_input": _structured_input,
    "workflow": _workflow,
    "task": lambda item: _task(item.task),  # type: ignore[union-attr]
    "hidden_context_item": _context,
    "sdk_hidden_context": _context,
    "end_of_turn": lambda item: iter(()),
}
