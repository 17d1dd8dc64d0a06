"""
A user's export of their own threads (V10): Markdown, and the archive that import_threads reads.

It holds what its user sees on a page, and nothing else: no hidden or redacted message, no hidden
context, nothing that only the model, the application or moderators have. It is made in chunks while
it is sent; memory holds one page of rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from chatkit.types import ThreadItem
from django.db import reset_queries
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.models import (
    ChatAttachment,
    ChatMessage,
    ChatSession,
    ChatSessionQuerySet,
)
from chatstore.portability.archive import CHUNK_BYTES, HEADER
from chatstore.portability.exports import nonempty_columns
from chatstore.portability.records import ROWS_PER_BATCH, THREADS_PER_BATCH, Record
from chatstore.portability.writer import encode_line, zip_entry

logger = logging.getLogger(__name__)
SESSION_COLUMNS = (
    *("created_at", "updated_at", "is_started", "listing", "pinned_at", "archived_at"),
)
MESSAGE_COLUMNS = ("timestamp", "ending", "feedback", "feedback_comment")
ATTACHMENT_COLUMNS = ("size", "created_at", "uploaded_at")
MAX_NAME_LENGTH = 60  # characters of a title in the name of a file


def threads_of(user_id: str, using: str) -> ChatSessionQuerySet:
    """Return the threads that a user may export: those that they see, but temporary ones (R6)."""
    return ChatSession.objects.using(using).for_owner(user_id).visible().lasting()


def as_archive(threads: ChatSessionQuerySet) -> Iterator[bytes]:
    """Yield an archive (docs/reference/export-format.md), without the files' bytes."""
    digest = hashlib.sha256()

    def lines() -> Iterator[bytes]:
        for record in chain([HEADER], *map(_records, _rows(threads))):
            line = encode_line(record)
            digest.update(line)
            yield line
        yield encode_line({"type": "end", "sha256": digest.hexdigest()})

    return _in_chunks(lines())


def as_markdown(thread: ChatSession) -> Iterator[bytes]:
    """Yield a thread as a Markdown document."""
    return _in_chunks(_document(thread))


def as_markdown_zip(threads: ChatSessionQuerySet) -> Iterator[bytes]:
    """Yield a zip with a Markdown document for each thread."""
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for thread in _rows(threads):
            entry = zip_entry(document_name(thread, is_in_folder=True))
            with archive.open(entry, "w", force_zip64=True) as document:
                for part in _document(thread):
                    document.write(part)
                    if len(buffer.content) >= CHUNK_BYTES:
                        yield buffer.take()
    yield buffer.take()


def document_name(thread: ChatSession, *, is_in_folder: bool = False) -> str:
    """Return the name of a thread's document; in a folder, one that no other thread has."""
    title = slugify(thread.title[:MAX_NAME_LENGTH], allow_unicode=True) or "conversation"
    name = f"{timezone.localtime(thread.created_at):%Y-%m-%d}-{title}"
    return f"{name}-{str(thread.session_id)[:13]}.md" if is_in_folder else f"{name}.md"


def _rows(threads: ChatSessionQuerySet) -> Iterator[ChatSession]:
    for page in threads.iter_pages("listing", "created_at", "thread_id", size=THREADS_PER_BATCH):
        yield from page
        reset_queries()  # while DEBUG is on, Django keeps every statement in memory


def _items(thread: ChatSession) -> Iterator[tuple[ChatMessage, ThreadItem]]:
    """Yield what the owner sees of a thread; what can't be decoded is left out (S17)."""
    rows = ChatMessage.objects.using(thread._state.db).for_owner(thread.user_id).for_people()
    for page in rows.filter(session_id=thread.session_id).iter_pages(
        "timestamp", size=ROWS_PER_BATCH
    ):
        for row in page:
            try:
                yield row, codec.load_item(row.payload)
            except ValueError:
                logger.warning("The payload of %r can't be decoded; see check_items", row.item_id)
        reset_queries()


# An archive


def _records(row: ChatSession) -> Iterator[Record]:
    try:
        thread = codec.load_thread(row.payload).model_copy(update={"metadata": {}})
    except ValueError:
        logger.warning("The payload of %r can't be decoded; see check_items", row.thread_id)
        return
    yield (
        {"type": "thread", "user_id": row.user_id, "id": row.thread_id, "thread": _json(thread)}
        | nonempty_columns(row, SESSION_COLUMNS)
    )
    sent_in: dict[str, str] = {}  # the item of each attachment
    for message, item in _items(row):
        sent_in |= dict.fromkeys(codec.attachment_ids(item), message.item_id)
        if item.type == "user_message":
            files = [_without_urls(file) for file in item.attachments]
            item = item.model_copy(update={"attachments": files})
        record: Record = {"type": "item", "id": message.item_id, "item": _json(item)}
        yield record | nonempty_columns(message, MESSAGE_COLUMNS)
    yield from _attachments(row, sent_in)
    yield {"type": "thread_end"}


def _attachments(thread: ChatSession, sent_in: dict[str, str]) -> Iterator[Record]:
    rows = ChatAttachment.objects.using(thread._state.db).for_owner(thread.user_id).visible()
    for page in rows.filter(session_id=thread.session_id).iter_pages(
        "attachment_id", size=ROWS_PER_BATCH
    ):
        for row in page:
            try:
                attachment = codec.load_attachment(row.payload)
            except ValueError:
                continue
            record: Record = {"type": "attachment", "id": row.attachment_id}
            record |= {"attachment": _json(_without_urls(attachment))}
            if item_id := sent_in.get(row.attachment_id):
                record["item_id"] = item_id
            yield record | nonempty_columns(row, ATTACHMENT_COLUMNS)


def _json(value: Any) -> Any:
    return value.model_dump(mode="json", warnings=False, context={"exclude_metadata": True})


def _without_urls(attachment: Any) -> Any:
    urls = {"preview_url", "upload_descriptor"} & type(attachment).model_fields.keys()
    changes: dict[str, Any] = dict.fromkeys(urls)
    if attachment.type == "image":  # ChatKit requires some address
        changes["preview_url"] = "about:blank"
    return attachment.model_copy(update=changes)


# Markdown


def _document(thread: ChatSession) -> Iterator[bytes]:
    title = " ".join(thread.title.split()) or _("Untitled conversation")
    yield f"# {title}\n\n{_time(thread.created_at)}\n\n".encode()
    for row, item in _items(thread):
        speaker = _("You") if item.type == "user_message" else _("Assistant")
        yield f"## {speaker}, {_time(row.timestamp)}\n\n{_body(row, item)}".encode()


def _body(row: ChatMessage, item: ThreadItem) -> str:
    if item.type == "user_message":
        text = "".join(part.text for part in item.content)
        parts = [_quoted(item.quoted_text or ""), _fenced(text)]
        if names := ", ".join(_code(file.name) for file in item.attachments):
            parts.append(_("Files: %s") % names + "\n\n")
    elif item.type == "assistant_message":  # is Markdown
        parts = [row.content + "\n\n"]
    else:
        parts = [_fenced(row.content)]
    if row.ending:
        parts.append(f"*{row.get_ending_display()}*\n\n")
    return "".join(parts)


def _quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.splitlines()) + "\n" if text else ""


def _fenced(text: str) -> str:
    """Return a text that is no Markdown as a block that shows it as it is."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}\n\n" if text else ""


def _code(name: str) -> str:
    return "`" + " ".join(name.replace("`", "'").split()) + "`"


def _time(time: dt.datetime) -> str:
    return timezone.localtime(time).isoformat(sep=" ", timespec="minutes")


# Chunks


class _Buffer:
    """What a ZipFile writes to; without a position, so that it seeks nothing."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> int:
        self.content += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: a ZipFile calls it."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self.content)
        self.content.clear()
        return taken


def _in_chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join parts to chunks of some CHUNK_BYTES: sending each of them has its price."""
    chunk = bytearray()
    for part in parts:
        chunk += part
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
