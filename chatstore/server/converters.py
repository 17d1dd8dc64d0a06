"""
Converters between a thread's items and the model: history, attachments and tags to its input,
and generated images from its output.

ChatServer.run_agent uses them; a respond() of one's own can too.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from agents import TResponseInputItem
from asgiref.sync import sync_to_async
from chatkit.agents import ResponseStreamConverter, ThreadItemConverter
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    GeneratedImageItem,
    HiddenContextItem,
    ThreadItem,
    UserMessageTagContent,
)
from openai.types.responses import ResponseInputContentParam

from chatstore import codec
from chatstore.attachments import DjangoAttachmentStore, validation
from chatstore.attachments import text as text_files
from chatstore.conf import settings

# What models read as an image or as a file; any other type they are only told of.
MODEL_IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class HistoryConverter(ThreadItemConverter):
    """
    Converts a thread's items to the model's input, also those that chatkit's own converter refuses:
    tags, attachments, and hidden context that is no text.
    """

    text_left = 0  # how many characters of files the input still has room for
    is_near = True  # whether files are given, since their message is one of the newest

    async def item_to_input(
        self, item: ThreadItem, *, is_last_message: bool
    ) -> list[TResponseInputItem]:
        """Return an item as the model reads it; only of the last one with the quoted text."""
        return await self._thread_item_to_input_item(item, is_last_message)

    async def assistant_message_to_input(
        self, item: AssistantMessageItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """
        The same as the SDK's, as plain text: models behind Chat Completions refuse the SDK's list
        of parts, so that only the first question of a conversation was answered.
        """
        text = "\n".join(part.text for part in item.content if part.text)
        return {"role": "assistant", "content": text} if text else None

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputContentParam:
        """Return a tag's id, name, group and data, as JSON."""
        about = {"id": tag.id, "name": tag.text, "group": tag.group, "data": tag.data}
        return _text(f"<Tag>\n{_json(about)}\n</Tag>")

    async def hidden_context_to_input(
        self, item: HiddenContextItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """The same as the SDK's, and content that is no text as JSON."""
        if not isinstance(item.content, str):
            item = item.model_copy(update={"content": _json(item.content)})
        return await super().hidden_context_to_input(item)

    async def attachment_to_message_content(
        self, attachment: Attachment
    ) -> ResponseInputContentParam:
        """Return a note that there is a file: this converter has no access to its bytes."""
        return _unreadable(attachment)


class FileConverter(HistoryConverter):
    """
    Reads images, PDFs and text files from the storage, as their owner may see them, and gives them
    to the model.

    Args:
        attachment_store: where the bytes are.
        context: the request's, which names the owner.
    """

    max_text_length = 200_000  # characters of one file; the rest of a longer text is left out

    def __init__(self, attachment_store: DjangoAttachmentStore[Any], context: Any) -> None:
        self.attachment_store = attachment_store
        self.context = context
        self.text_left = settings.max_input_length

    async def attachment_to_message_content(
        self, attachment: Attachment
    ) -> ResponseInputContentParam:
        name, mime_type = attachment.name, attachment.mime_type
        if not self.is_near:
            return _text(f"The user sent the file {name} ({mime_type}), which is not given again.")
        if mime_type not in MODEL_IMAGE_TYPES | {"application/pdf"} and not _is_text(mime_type):
            return _unreadable(attachment)
        content = await self._read(attachment.id)
        if content is None:
            return _text(f"The user sent the file {name}, which is not there any more.")
        if mime_type in MODEL_IMAGE_TYPES:
            return _image(content, mime_type)
        if mime_type == "application/pdf":
            return {"type": "input_file", "filename": name, "file_data": _url(content, mime_type)}
        decoded = await sync_to_async(text_files.decode, thread_sensitive=False)(content)
        if decoded is None:
            return _unreadable(attachment)
        text = decoded.content
        if len(text) > (limit := min(self.max_text_length, self.text_left)):
            text = f"{text[:limit]}\n(The rest of the file is left out.)"
        self.text_left = max(self.text_left - len(text), 0)
        kind = mime_type
        if decoded.guessed:
            kind += f", read as {decoded.guessed}, which is a guess"
        return _text(f"The user sent the file {name} ({kind}):\n<File>\n{text}\n</File>")

    async def generated_image_to_input(
        self, item: GeneratedImageItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """The same as the SDK's, with the image itself: nobody else can follow our URLs."""
        attachment_id = codec.attachment_id_from_url(item.image.url) if item.image else None
        if not attachment_id:
            return await super().generated_image_to_input(item)
        text = _text("The following image was generated by the agent.")
        if not self.is_near:
            text = _text("An image was generated by the agent, which is not given again.")
            return {"type": "message", "role": "user", "content": [text]}
        content = await self._read(attachment_id)
        if content is None:
            return None
        mime_type = validation.detect_image_type(content[: validation.HEAD_BYTES])
        return {"type": "message", "role": "user", "content": [text, _image(content, mime_type)]}

    async def _read(self, attachment_id: str) -> bytes | None:
        try:
            return await self.attachment_store.read(attachment_id, self.context)
        except (FileNotFoundError, NotFoundError):
            return None


class ImageConverter(ResponseStreamConverter):
    """
    Puts generated images into the storage, so that rows and streams hold their URLs only.

    Each partial image replaces the one before; remove_unfinished() removes the last one where the
    whole image has not come.
    """

    def __init__(
        self,
        attachment_store: DjangoAttachmentStore[Any],
        thread_id: str,
        context: Any,
        *,
        partial_images: int | None = None,
    ) -> None:
        super().__init__(partial_images=partial_images)
        self.attachment_store = attachment_store
        self.thread_id = thread_id
        self.context = context
        self._last: dict[str, str] = {}
        self._partial: dict[str, str] = {}  # where no whole image has come yet

    async def base64_image_to_url(
        self, image_id: str, base64_image: str, partial_image_index: int | None = None
    ) -> str:
        content = base64.b64decode(base64_image)
        image = await self.attachment_store.add_image(content, self.thread_id, self.context)
        if replaced := self._last.get(image_id):
            await self.attachment_store.remove_image(replaced, self.context)
        self._last[image_id] = image.id
        if partial_image_index is None:
            self._partial.pop(image_id, None)
        else:
            self._partial[image_id] = image.id
        return str(image.preview_url)

    async def remove_unfinished(self) -> None:
        """Delete the partial images whose whole image has not come: no message shows them."""
        while self._partial:
            _image_id, attachment_id = self._partial.popitem()
            await self.attachment_store.remove_image(attachment_id, self.context)


def _unreadable(attachment: Attachment) -> ResponseInputContentParam:
    name, mime_type = attachment.name, attachment.mime_type
    return _text(f"The user sent the file {name} ({mime_type}), which you can't read.")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_text(mime_type: str) -> bool:
    return mime_type.startswith("text/") or mime_type == "application/json"


def _text(text: str) -> ResponseInputContentParam:
    return {"type": "input_text", "text": text}


def _image(content: bytes, mime_type: str) -> ResponseInputContentParam:
    return {"type": "input_image", "detail": "auto", "image_url": _url(content, mime_type)}


def _url(content: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
