"""
DjangoAttachmentStore: the async methods that ChatKit, the views and the converters call.

The steps of an upload are in chatstore.attachments.upload_service.
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
    Receives files by ChatKit's direct and two-phase uploads, and returns them to their owner (A1).

    Each method raises UploadRefused, with a sentence for the user and an HTTP status, if a limit
    is exceeded (A3); ChatKit's NotFoundError if an attachment is unknown or another owner's (A2);
    ValueError if the context has no valid user_id (S2).
    """

    def get_user_id(self, context: TContext) -> Any:
        """Return the owner's id; None if the context has none (S2)."""
        return codec.user_id_from_context(context)

    def generate_attachment_id(self, mime_type: str, context: TContext) -> str:
        """Return a new id with 128 random bits (S4)."""
        return codec.new_id("attachment")

    # Uploads

    async def create_attachment(
        self,
        input: AttachmentCreateParams,  # noqa: A002 (chatkit's name)
        context: TContext,
    ) -> Attachment:
        """
        Begin a two-phase upload: check the announced name, size and type.

        The returned attachment's upload_descriptor has the URL, method and headers with which the
        client sends the bytes. The URL expires after CHATSTORE_UPLOAD_URL_TTL seconds.
        """
        validation.check_size(input.size)
        mime_type = validation.type_from_claims(input.mime_type, input.name)
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
        """
        Store a file from a direct upload; return its attachment.

        Args:
            content: the bytes; seekable.
            name: the file's name on the client.
            mime_type: the type that the client claims.
            context: of the owner.

        As after create_attachment, the caller passes the attachment to the store's
        save_attachment.
        """
        size = validation.check_size(content.size)
        mime_type = validation.detect_type(upload_service.read_head(content), mime_type, name)
        attachment = self._build(name, mime_type, context)
        await upload_service.upload(self._user_id(context), content, attachment, size)
        return attachment

    async def receive(
        self, attachment_id: str, token: str, content: File[bytes], context: TContext
    ) -> Attachment:
        """
        Store the bytes of a two-phase upload; return its attachment.

        Raises UploadRefused with status 403 for a token that is wrong or expired, 409 if the bytes
        are there: only one upload to a URL succeeds.
        """
        user_id = self._user_id(context)
        [row] = await upload_service.find(user_id, [attachment_id])
        if signed_urls.owner_from_token(token, "upload", attachment_id) is None:
            raise UploadRefused(_("The link for this upload has expired. Start it again."), 403)
        save = partial(files.save, content)
        return await upload_service.complete(
            row, content.size, upload_service.read_head(content), save
        )

    async def add_image(self, content: bytes, thread_id: str, context: TContext) -> ImageAttachment:
        """Store an image that the model has generated, in its thread."""
        mime_type = validation.detect_image_type(content[: validation.HEAD_BYTES])
        image = self._build_image(f"image.{mime_type.partition('/')[2]}", mime_type, context)
        image.thread_id = thread_id
        await upload_service.upload(
            self._user_id(context), ContentFile(content), image, len(content)
        )
        return image

    async def remove_image(self, attachment_id: str, context: TContext) -> None:
        """Delete a generated image that the model has replaced by a later version."""
        await upload_service.delete(self._user_id(context), attachment_id)

    # Reads and deletions

    async def find(self, attachment_id: str, context: TContext) -> ChatAttachment:
        """Return the row of an attachment whose bytes are stored; NotFoundError for any other."""
        return await upload_service.find_uploaded(self._user_id(context), attachment_id)

    async def find_by_token(self, attachment_id: str, token: str) -> ChatAttachment:
        """Do what find does, for a request with a signed URL (chatstore.files.signed_urls)."""
        user_id = signed_urls.owner_from_token(token, "file", attachment_id)
        if user_id is None:
            raise NotFoundError(f"Attachment {attachment_id} not found")
        return await upload_service.find_uploaded(user_id, attachment_id)

    async def read(self, attachment_id: str, context: TContext) -> bytes:
        """Return a file's bytes, for the model; FileNotFoundError if the storage has lost it."""
        row = await self.find(attachment_id, context)
        return await sync_to_async(upload_service.read)(row.path)

    async def check_sendable(
        self, attachment_ids: Collection[str], thread_id: str | None, context: TContext
    ) -> None:
        """
        Raise UploadRefused if a message with these attachments can't be sent in the thread (A3).

        Args:
            attachment_ids: the attachments of the message.
            thread_id: the thread; None for a new one.
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
        rows = await upload_service.find_and_complete(self._user_id(context), attachment_ids)
        thread = session_key(thread_id) if thread_id else None
        if any(row.session_id not in (None, thread) for row in rows):
            raise UploadRefused(_("An attachment belongs to another conversation."))
        if any(codec.load_attachment(row.payload).upload_descriptor for row in rows):
            raise UploadRefused(_("An attachment has not been uploaded yet."), 409)

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        """Delete an attachment that was not sent; UploadRefused (409) if it was sent (A3)."""
        await upload_service.delete_unsent(self._user_id(context), attachment_id)

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
