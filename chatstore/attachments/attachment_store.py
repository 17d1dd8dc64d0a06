"""
DjangoAttachmentStore: what ChatKit, the views and the converters call.

The steps that an upload takes are in chatstore.attachments.upload_service.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from chatkit.store import AttachmentStore, NotFoundError
from chatkit.types import (
    Attachment,
    AttachmentCreateParams,
    AttachmentUploadDescriptor,
    FileAttachment,
    ImageAttachment,
)
from django.core.files import File
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import AnyUrl

from chatstore import codec, files
from chatstore.attachments import upload_service, validation
from chatstore.conf import settings
from chatstore.exceptions import UploadRefused
from chatstore.files import signed_urls
from chatstore.models import ChatAttachment, session_key

TContext = TypeVar("TContext")


class DjangoAttachmentStore(AttachmentStore[TContext], Generic[TContext]):
    """
    Takes uploads in both of ChatKit's ways, and hands the bytes out to their owner.

    Raises UploadRefused, a sentence and an HTTP status, for what breaks a bound (A3), and
    ChatKit's NotFoundError for what isn't there or isn't the caller's (A2).
    """

    def get_user_id(self, context: TContext) -> Any:
        """Return the owner's id, or None (S2)."""
        return codec.user_id_from_context(context)

    def generate_attachment_id(self, mime_type: str, context: TContext) -> str:
        return codec.new_id("attachment")

    # Uploads

    async def create_attachment(
        self,
        input: AttachmentCreateParams,  # noqa: A002 (chatkit's name)
        context: TContext,
    ) -> Attachment:
        """Begin an upload in two phases: check what is announced, and say where the bytes go."""
        validation.check_size(input.size)
        mime_type = validation.announced_type(input.mime_type, input.name)
        attachment = self._build(input.name, mime_type, context)
        user_id = self._user_id(context)
        if signer := files.get_presigner():
            path = await upload_service.reserve_incoming_path(attachment.id)
            url, headers = signer.upload_url(path, input.size, mime_type)
        else:
            url, headers = signed_urls.create("upload", attachment.id, user_id, context), {}
        attachment.upload_descriptor = AttachmentUploadDescriptor(
            url=AnyUrl(url), method="PUT", headers=headers
        )
        await upload_service.reserve(user_id, attachment, input.size)
        return attachment

    async def upload(
        self, content: File[bytes], name: str, mime_type: str, context: TContext
    ) -> Attachment:
        """Take a file in one go; save_attachment follows, as after create_attachment."""
        size = validation.check_size(content.size)
        mime_type = validation.type_of(upload_service.head_of(content), mime_type, name)
        attachment = self._build(name, mime_type, context)
        await upload_service.add(self._user_id(context), content, attachment, size)
        return attachment

    async def receive(
        self, attachment_id: str, token: str, content: File[bytes], context: TContext
    ) -> Attachment:
        """Take the bytes of an upload in two phases; the first to be complete uses its URL up."""
        user_id = self._user_id(context)
        [row] = await upload_service.find(user_id, [attachment_id])
        if signed_urls.owner_from_token(token, "upload", attachment_id) is None:
            raise UploadRefused(_("The link for this upload has expired. Start it again."), 403)
        save = partial(files.save, content)
        return await upload_service.complete(
            row, content.size, upload_service.head_of(content), save
        )

    async def add_image(self, content: bytes, thread_id: str, context: TContext) -> ImageAttachment:
        """Keep an image that the model has made, in the thread that it is for."""
        mime_type = validation.image_type(content[: validation.HEAD_BYTES])
        image = self._build_image(f"image.{mime_type.partition('/')[2]}", mime_type, context)
        image.thread_id = thread_id
        await upload_service.add(self._user_id(context), ContentFile(content), image, len(content))
        return image

    async def remove_image(self, attachment_id: str, context: TContext) -> None:
        """Delete an image that the model has replaced by a better one."""
        await upload_service.delete(self._user_id(context), attachment_id)

    # What is there

    async def find(self, attachment_id: str, context: TContext) -> ChatAttachment:
        """Return the row of a file whose bytes are there; NotFoundError for any other."""
        return await upload_service.find_uploaded(self._user_id(context), attachment_id)

    async def find_by_token(self, attachment_id: str, token: str) -> ChatAttachment:
        """The same for whoever has a signed URL, and no session here."""
        user_id = signed_urls.owner_from_token(token, "file", attachment_id)
        if user_id is None:
            raise NotFoundError(f"Attachment {attachment_id} not found")
        return await upload_service.find_uploaded(user_id, attachment_id)

    async def read(self, attachment_id: str, context: TContext) -> bytes:
        """Return all of a file, for the model; FileNotFoundError where the storage has lost it."""
        row = await self.find(attachment_id, context)
        return await sync_to_async(upload_service.read)(row.path)

    async def check_sendable(
        self, attachment_ids: Collection[str], thread_id: str | None, context: TContext
    ) -> None:
        """
        Refuse a message with attachments that can't be sent in this thread (A3).

        Args:
            attachment_ids: those that the message names.
            thread_id: where it is to be sent; None for a new thread.
        """
        if not attachment_ids:
            return
        if len(attachment_ids) > (limit := settings.max_attachments):
            sentence = ngettext(
                "A message can have at most %(limit)d attachment.",
                "A message can have at most %(limit)d attachments.",
                limit,
            )
            raise UploadRefused(sentence % {"limit": limit})
        rows = await upload_service.find_arrived(self._user_id(context), attachment_ids)
        thread = session_key(thread_id) if thread_id else None
        if any(row.session_id not in (None, thread) for row in rows):
            raise UploadRefused(_("An attachment belongs to another conversation."))
        if any(codec.load_attachment(row.payload).upload_descriptor for row in rows):
            raise UploadRefused(_("An attachment has not been uploaded yet."), 409)

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        """Delete an upload that was not sent; UploadRefused (409) for one that was (A3)."""
        await upload_service.delete_unsent(self._user_id(context), attachment_id)

    # What builds on them

    def _user_id(self, context: TContext) -> str:
        return codec.validate_user_id(self.get_user_id(context))

    def _build(self, name: str, mime_type: str, context: TContext) -> Attachment:
        if validation.is_image(mime_type):
            return self._build_image(name, mime_type, context)
        attachment_id = self.generate_attachment_id(mime_type, context)
        return FileAttachment(
            id=attachment_id, name=validation.clean_name(name), mime_type=mime_type
        )

    def _build_image(self, name: str, mime_type: str, context: TContext) -> ImageAttachment:
        attachment_id = self.generate_attachment_id(mime_type, context)
        url = signed_urls.create("file", attachment_id, self._user_id(context), context)
        return ImageAttachment(
            id=attachment_id,
            name=validation.clean_name(name),
            mime_type=mime_type,
            preview_url=AnyUrl(url),
        )
