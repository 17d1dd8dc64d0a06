"""
Reads exports of ChatGPT and Open WebUI as the records of an archive, and recognises others.

Both keep a conversation as a tree of messages. ChatKit's threads have no branches: the one that the
product showed last is kept. It is found from its newest message by the messages' parents alone,
since some exports have no links to children. Of a message the text is kept, and the model's name.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from chatstore.portability.archive import ArchiveError
from chatstore.portability.import_rows import RECORD_ERRORS
from chatstore.portability.reader import Reader, refusal
from chatstore.portability.records import Record


class _Message(NamedTuple):
    id: str
    parent_id: Any
    sender: Any
    text: str
    time: Any  # in seconds since 1970
    model: Any
    has_files: bool


@dataclass
class _Conversation:
    id: Any
    title: Any
    time: Any  # in seconds since 1970
    newest_id: Any
    messages: dict[str, _Message]

    def branch(self) -> list[_Message]:
        """Return the messages from the first to the newest one, by their parents."""
        key = self.newest_id if self.newest_id in self.messages else next(reversed(self.messages))
        found: dict[str, _Message] = {}
        while key in self.messages and key not in found:
            found[key] = self.messages[key]
            key = found[key].parent_id
        return list(reversed(found.values()))


class Export:
    """
    An export of ChatGPT or Open WebUI.

    Args:
        reader: of the file.
        user_id: who will own the threads; the export's own ids are those of another site.
    """

    def __init__(self, reader: Reader, user_id: str) -> None:
        self._reader = reader
        self._user_id = user_id
        self.with_branches: set[str] = set()  # threads of which another branch is left out
        self.with_files: set[str] = set()  # threads of which files or pictures are left out

    def records(self) -> Iterator[Record]:
        """
        Yield the records of all conversations that have a message.

        Raises ArchiveError, which names the conversation that can't be imported.
        """
        for place, value in _values(self._reader):
            try:
                conversation = _read(value)
                # Without ids, all of them would have the same key, and be taken for one.
                if not conversation.id or not isinstance(conversation.id, str | int):
                    raise refusal(place, "no id")
                yield from self._thread(conversation)
            except RECORD_ERRORS as error:
                raise refusal(place, type(error).__name__) from None

    def _thread(self, conversation: _Conversation) -> Iterator[Record]:
        # The owner is part of the id: two people may import the same conversation.
        thread_id = f"thr_{_key(self._user_id, conversation.id)}"
        branch = conversation.branch() if conversation.messages else []
        shown = [message for message in branch if _is_shown(message)]
        if not shown:
            return
        kept = {message.id for message in branch}
        others = (one for one in conversation.messages.values() if one.id not in kept)
        if any(map(_is_shown, others)):
            self.with_branches.add(thread_id)
        if any(message.has_files for message in branch):
            self.with_files.add(thread_id)
        started_at = _time(conversation.time) or _time(shown[0].time) or _time(0)
        title = conversation.title if isinstance(conversation.title, str) else None
        thread = {"id": thread_id, "title": title, "created_at": started_at}
        yield {
            "type": "thread",
            "user_id": self._user_id,
            "id": thread_id,
            "thread": thread,
            "created_at": started_at,
        }
        for message in shown:
            yield _item(message, thread_id, _time(message.time) or started_at)


def find(reader: Reader, user_id: str | None) -> Export | None:
    """
    Return the export that a file is; None if it is none of another product's.

    Raises ArchiveError if it is one, and can't be imported or no owner is named. All of it is read
    for that, so that nothing is written if the last conversation can't be imported.
    """
    first = next(_values(reader), None)
    if first is None:
        return None
    _place, value = first
    try:
        _read(value)
    except ValueError:
        raise ArchiveError(_describe(value)) from None
    if not user_id:
        raise ArchiveError(_("Name the owner of the imported threads: --user ID."))
    export = Export(reader, user_id)
    for _record in export.records():
        pass
    return export


def _values(reader: Reader) -> Iterator[tuple[str, Any]]:
    """Yield what may be conversations, each with its place in the file."""
    for name, document in reader.documents():
        values = document if isinstance(document, list) else [document]
        for number, value in enumerate(values, 1):
            yield f"{name}, conversation {number}", value


def _is_shown(message: _Message) -> bool:
    return message.sender in ("user", "assistant") and bool(message.text)


def _item(message: _Message, thread_id: str, created_at: str | None) -> Record:
    item: Record = {"id": f"msg_{_key(thread_id, message.id)}", "thread_id": thread_id}
    item["created_at"] = created_at
    if message.sender == "user":
        item["type"] = "user_message"
        item["content"] = [{"type": "input_text", "text": message.text}]
        item |= {"attachments": [], "inference_options": {}}
    else:
        item["type"] = "assistant_message"
        item["content"] = [{"type": "output_text", "text": message.text, "annotations": []}]
    record = {"type": "item", "id": item["id"], "item": item, "timestamp": created_at}
    if message.model and isinstance(message.model, str):
        record["metadata"] = {"model": message.model}
    return record


def _key(owner: str, name: Any) -> str:
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{owner} {name}").hex


def _time(seconds: Any) -> str | None:
    """Return a time in ISO 8601; None if it is none, or out of range."""
    try:
        # Open WebUI has seconds, nanoseconds or milliseconds, by version and by place.
        while 1e11 < seconds < math.inf:
            seconds /= 1000
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _read(value: Any) -> _Conversation:
    """Return a conversation of an export; ValueError if it is none."""
    found: Iterable[tuple[str, Any]]
    match value:
        case {"mapping": dict() as mapping}:
            return _Conversation(
                value.get("conversation_id") or value.get("id"),
                value.get("title"),
                value.get("create_time"),
                value.get("current_node"),
                {key: _chatgpt_message(key, node) for key, node in mapping.items()},
            )
        case {"chat": {"history": {"messages": dict() as messages} as history}}:
            newest_id, found = history.get("currentId"), messages.items()
        case {"chat": {"messages": list() as listed}}:
            newest_id, found = None, _linked(listed)
        case _:
            raise ValueError
    return _Conversation(
        value.get("id"),
        value.get("title") or value["chat"].get("title"),
        value.get("created_at") or value["chat"].get("timestamp"),
        newest_id,
        {key: _open_webui_message(key, message) for key, message in found},
    )


def _chatgpt_message(key: str, node: Any) -> _Message:
    node = _dict(node)
    message = _dict(node.get("message"))
    metadata, content = _dict(message.get("metadata")), _dict(message.get("content"))
    parts = content.get("parts")
    parts = parts if isinstance(parts, list) else []
    is_said = content.get("content_type") in ("text", "multimodal_text")
    if message.get("recipient", "all") != "all":  # a call of a tool
        is_said = False
    if metadata.get("is_visually_hidden_from_conversation"):
        is_said = False
    return _Message(
        key,
        node.get("parent"),
        _dict(message.get("author")).get("role"),
        _join(parts) if is_said else "",
        message.get("create_time"),
        metadata.get("model_slug"),
        has_files=bool(metadata.get("attachments"))
        or any(isinstance(part, dict) for part in parts),
    )


def _open_webui_message(key: str, message: Any) -> _Message:
    message = _dict(message)
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return _Message(
        key,
        message.get("parentId"),
        message.get("role"),
        _join(parts),
        message.get("timestamp"),
        message.get("model"),
        has_files=bool(message.get("files")),
    )


def _linked(messages: list[Any]) -> Iterable[tuple[str, Any]]:
    """Yield messages in order, each with a key and the one before it as its parent."""
    for number, message in enumerate(messages):
        yield str(number), _dict(message) | {"parentId": str(number - 1)}


def _join(parts: list[Any]) -> str:
    """Return the texts of a message's parts, which are strings or objects with a text."""
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _describe(value: Any) -> str:
    """Return a sentence that names what a value is, as far as it can be told."""
    keys = set(_dict(value))
    if keys >= {"conversationId", "messages"}:
        product = "LibreChat"
    elif "chat_messages" in keys:
        product = "Claude"
    else:
        return _("This is not an archive of chatstore, nor an export of ChatGPT or Open WebUI.")
    return (
        _(
            "This is an export of %s, which can't be imported. "
            "docs/reference/export-format.md describes the lines to convert it to."
        )
        % product
    )
