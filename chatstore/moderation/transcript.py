"""
Converts the rows of a conversation to pages of entries, which the admin's templates display.

Text of users and models is untrusted: only answers are rendered, as Markdown without HTML and
images. Characters that could hide text from the reader (control characters, changes of the writing
direction) are displayed as their code. Very long texts are cut, with a note; the item's raw JSON
has all of them.
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
MAX_TITLE_LENGTH = 80
MAX_TEXT_LENGTH = 20_000  # characters of one text that are displayed
MICROSECOND = dt.timedelta(microseconds=1)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_TYPE_LABELS = {
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
    """A source that an answer or a task refers to; ``url`` is empty if it is not a web link."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Part:
    """
    A part of an item.

    Args:
        kind: text, html (safe, rendered by this module), code, files (rows) or sources (Source).
        body: what ``kind`` says.
        label: a heading; may be empty.
    """

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
        """Return the name of the item's type; empty for messages."""
        return str(_TYPE_LABELS.get(self.row.item_type, ""))

    @property
    def is_internal(self) -> bool:
        """Tell whether the user does not see the item."""
        return self.row.item_type in ("hidden_context_item", "sdk_hidden_context", "end_of_turn")


@dataclass(frozen=True)
class Page:
    """
    Entries in order of arrival.

    ``older`` is the ``until`` of the page before, ``newer`` the ``since`` of the page after; None
    if there is none.
    """

    entries: list[Entry]
    older: dt.datetime | None
    newer: dt.datetime | None


def read_page(
    thread: ChatSession, *, until: dt.datetime | None = None, since: dt.datetime | None = None
) -> Page:
    """
    Return a page of the conversation, by default the newest.

    Args:
        until: the page ends with the last entry at or before this time.
        since: instead, the page begins with the first entry at or after this time.
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
            # With an order, so that PostgreSQL uses the index; for exists() it may read the table.
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
    """Replace control characters and changes of the writing direction by their code, [U+202E]."""
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def display_text(text: str) -> str:
    """Return an untrusted text for display: cut if it is very long, and made ``visible``."""
    if len(text) > MAX_TEXT_LENGTH:
        cut = _("… (%(count)d more characters: see the raw JSON)")
        text = text[:MAX_TEXT_LENGTH] + cut % {"count": len(text) - MAX_TEXT_LENGTH}
    return visible(text)


def display_title(thread: ChatSession) -> str:
    """Return a thread's title for display, or its id if it has none."""
    return visible(truncatechars(thread.title or thread.thread_id, MAX_TITLE_LENGTH))


def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # A browser would fetch an image from the address in the message: it is rendered as a link.
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
    """Return Markdown as HTML; HTML in it is escaped, links are http, https or mailto only."""
    return SafeString(_markdown.render(display_text(text)))


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
    parts = list(_PARTS_BY_TYPE[item.type](item))
    if files:
        parts.append(Part("files", files))
    return parts


def _text(text: str | None, label: str = "") -> Iterator[Part]:
    if text:
        yield Part("text", display_text(text), display_text(label))


def _code(value: Any, label: str) -> Iterator[Part]:
    if value not in (None, "", {}, []):
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        yield Part("code", display_text(text), label)


def _sources(sources: Iterable[Any]) -> Iterator[Part]:
    found = []
    for source in sources:
        url = getattr(source, "url", "")
        found.append(Source(display_text(source.title), url if _LINK.match(url) else ""))
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
        yield Part("text", display_text(values) or _("No answer"), display_text(question.question))


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
