"""
A conversation as a person reads it: rows -> pages of entries, each with parts to be shown.

What users and models wrote is never interpreted but as Markdown, without HTML and images. Marks
that would hide something from the reader (control characters, turns of the direction of writing)
are shown as such, and very long texts are cut, said to be so, and whole in the item's raw JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from chatkit.types import ThreadItem
from django.template.defaultfilters import truncatechars
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markdown_it import MarkdownIt

from chatstore import codec
from chatstore.codec import plain_text
from chatstore.models import ChatAttachment, ChatMessage, ChatMessageQuerySet, ChatSession

PAGE_SIZE = 50
MAX_TITLE = 80
MAX_SHOWN = 20_000  # characters of one text
MICROSECOND = dt.timedelta(microseconds=1)
_HIDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_KINDS = {
    "client_tool_call": gettext_lazy("Tool call"),
    "widget": gettext_lazy("Widget"),
    "generated_image": gettext_lazy("Generated image"),
    "structured_input": gettext_lazy("Questions"),
    "workflow": gettext_lazy("Workflow"),
    "task": gettext_lazy("Task"),
    "hidden_context_item": gettext_lazy("Hidden context"),
    "sdk_hidden_context": gettext_lazy("Hidden context"),
    "end_of_turn": gettext_lazy("End of turn"),
}


@dataclass(frozen=True)
class Source:
    """What an answer refers to."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Part:
    """A piece of an item: text, html (made here), code, files or sources."""

    kind: Literal["text", "html", "code", "files", "sources"]
    body: Any
    label: str = ""


@dataclass(frozen=True)
class Entry:
    """An item in the transcript."""

    row: ChatMessage
    parts: list[Part] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What it is, where that isn't simply a message."""
        return str(_KINDS.get(self.row.item_type, ""))

    @property
    def is_aside(self) -> bool:
        """Whether it is none of what the user sees."""
        return self.row.item_type in ("hidden_context_item", "sdk_hidden_context", "end_of_turn")


@dataclass(frozen=True)
class Page:
    """Entries in reading order, and the positions from which to read on, if there is more."""

    entries: list[Entry]
    older: dt.datetime | None
    newer: dt.datetime | None


def read(
    thread: ChatSession, *, until: dt.datetime | None = None, since: dt.datetime | None = None
) -> Page:
    """
    Return a page of the conversation, by default the newest.

    Args:
        until: the position of the last entry, or any time after which to read nothing.
        since: instead, the position of the first entry.
    """
    rows: ChatMessageQuerySet = ChatMessage.objects.for_owner(thread.user_id)
    rows = rows.filter(session_id=thread.pk)
    if since is not None:
        since = codec.as_utc(since)
        found = list(rows.filter(timestamp__gte=since).order_by("timestamp")[: PAGE_SIZE + 1])
        has_newer, has_older = len(found) > PAGE_SIZE, True
        found = found[:PAGE_SIZE]
    else:
        has_newer = False
        if until is not None:
            until = codec.as_utc(until)
            # In order, as the pages are: exists() would let PostgreSQL read the table for it.
            has_newer = bool(
                rows.filter(timestamp__gt=until).order_by("timestamp").values("pk")[:1]
            )
            rows = rows.filter(timestamp__lte=until)
        found = list(rows.order_by("-timestamp")[: PAGE_SIZE + 1])
        has_older = len(found) > PAGE_SIZE
        found = found[:PAGE_SIZE][::-1]
    return Page(
        entries=[Entry(row, _parts(row, files)) for row, files in _with_files(thread, found)],
        older=found[0].timestamp - MICROSECOND if found and has_older else None,
        newer=found[-1].timestamp + MICROSECOND if found and has_newer else None,
    )


def visible(text: str) -> str:
    """Show what would hide something: control characters and turns of direction."""
    return _HIDING.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def shown(text: str) -> str:
    """Return a text as it may be shown, cut where it is very long."""
    if len(text) > MAX_SHOWN:
        cut = _("… (%(count)d more characters: see the raw JSON)")
        text = text[:MAX_SHOWN] + cut % {"count": len(text) - MAX_SHOWN}
    return visible(text)


def title(thread: ChatSession) -> str:
    """Return a thread's title as it is shown, or its id."""
    return visible(truncatechars(thread.title or thread.thread_id, MAX_TITLE))


def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # A picture would be fetched from wherever the message says: it stays a link.
    renderer.disable("image")
    renderer.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]

    def link_open(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer nofollow")
        tokens[index].attrSet("target", "_blank")
        return str(self.renderToken(tokens, index, options, env))

    renderer.add_render_rule("link_open", link_open)
    return renderer


_markdown = _renderer()


def markdown(text: str) -> SafeString:
    """Return the HTML of an answer: HTML in it is text, links lead to the web or to mail only."""
    return SafeString(_markdown.render(shown(text)))


def _with_files(
    thread: ChatSession, rows: list[ChatMessage]
) -> Iterator[tuple[ChatMessage, list[ChatAttachment]]]:
    files: dict[Any, list[ChatAttachment]] = {}
    attachments = ChatAttachment.objects.for_owner(thread.user_id)
    for file in attachments.filter(message__in=[row.pk for row in rows]).order_by("created_at"):
        files.setdefault(file.message_id, []).append(file)
    for row in rows:
        row.session = thread
        yield row, files.get(row.pk, [])


def _parts(row: ChatMessage, files: list[ChatAttachment]) -> list[Part]:
    try:
        item = codec.load_item(row.payload)
    except ValueError:
        note = _("This version of openai-chatkit can't read the item: see the raw JSON.")
        return [Part("text", note)]
    parts = list(_TYPES[item.type](item))
    if files:
        parts.append(Part("files", files))
    return parts


def _text(text: str | None, label: str = "") -> Iterator[Part]:
    if text:
        yield Part("text", shown(text), shown(label))


def _code(value: Any, label: str) -> Iterator[Part]:
    if value not in (None, "", {}, []):
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        yield Part("code", shown(text), label)


def _sources(sources: Iterable[Any]) -> Iterator[Part]:
    found = []
    for source in sources:
        url = getattr(source, "url", "")
        found.append(Source(shown(source.title), url if _LINK.match(url) else ""))
    if found:
        yield Part("sources", found, _("Sources"))


def _user_message(item: Any) -> Iterator[Part]:
    yield from _text(item.quoted_text, _("Quoted"))
    yield from _text("".join(part.text for part in item.content))


def _assistant_message(item: Any) -> Iterator[Part]:
    for part in item.content:
        yield Part("html", markdown(part.text))
        yield from _sources(annotation.source for annotation in part.annotations)


def _tool_call(item: Any) -> Iterator[Part]:
    yield from _text(f"{item.name} ({item.status})")
    yield from _code(item.arguments, _("Arguments"))
    yield from _code(item.output, _("Output"))


def _widget(item: Any) -> Iterator[Part]:
    yield from _text(plain_text(item))


def _image(item: Any) -> Iterator[Part]:
    if item.image and codec.attachment_id_from_url(item.image.url) is None:
        yield from _text(item.image.url[:200])


def _structured_input(item: Any) -> Iterator[Part]:
    for question in item.inputs:
        answer = question.answer
        values = ", ".join(answer.values) if answer else ""
        yield Part("text", shown(values) or _("No answer"), shown(question.question))


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


_TYPES: dict[str, Callable[[ThreadItem], Iterator[Part]]] = {
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
