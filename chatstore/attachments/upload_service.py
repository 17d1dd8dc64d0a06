"""
The steps of an upload, and the other operations on one owner's attachments.

1. A row reserves the announced size in the owner's quota (A3).
2. The bytes are saved in the storage under a random name (chatstore.files).
3. One UPDATE writes that name to the row; of two concurrent uploads only the first succeeds.

A failure leaves a row without bytes, or a file whose removal is scheduled; cleanup_attachments
deletes both (A4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from chatkit.store import NotFoundError
from chatkit.types import Attachment
from django.core.files import File
from django.db import router
from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec, files
from chatstore.attachments import validation
from chatstore.attachments.words import size_in_words
from chatstore.conf import settings
from chatstore.db.attempts import Attempt
from chatstore.db.execution import run
from chatstore.exceptions import UploadRefused
from chatstore.models import ChatAttachment, ChatFileToRemove, file_key
from chatstore.store.owner import Owner

P = ParamSpec("P")
Result = TypeVar("Result")


class AlreadyUploaded(UploadRefused):
    """The bytes of a two-phase upload are already stored."""


async def find(user_id: str, attachment_ids: Collection[str]) -> list[ChatAttachment]:
    """Return the rows of attachments; NotFoundError if one is unknown or hidden (A2)."""
    return await _run(_find, user_id, attachment_ids)


async def find_uploaded(user_id: str, attachment_id: str) -> ChatAttachment:
    """Return the row of an attachment whose bytes are stored; NotFoundError for any other."""
    [row] = await find_and_complete(user_id, [attachment_id])
    if not row.path:
        raise NotFoundError(f"Attachment {attachment_id} not found")
    return row


async def find_and_complete(user_id: str, attachment_ids: Collection[str]) -> list[ChatAttachment]:
    """
    Return the rows of attachments, and first complete the uploads that went straight to S3.

    S3 does not notify Django of an upload, so this looks for the bytes.
    """
    rows = await find(user_id, attachment_ids)
    incomplete = [row for row in rows if not row.uploaded_at]
    signer = files.get_presigner() if incomplete else None
    if signer is None:
        return rows
    for row in incomplete:
        path = _incoming_path(row.attachment_id)
        if found := await sync_to_async(signer.read_head)(path, validation.HEAD_BYTES):
            save = partial(files.save_with, partial(signer.copy, path))
            with suppress(AlreadyUploaded):  # by a concurrent request
                await complete(row, *found, save)
    return await find(user_id, attachment_ids)


async def reserve(user_id: str, attachment: Attachment, size: int) -> None:
    """Create the row of an upload of ``size`` bytes; UploadRefused (413) over the quota (A3)."""
    await _run(_reserve, user_id, attachment, size)


async def upload(user_id: str, content: File[bytes], attachment: Attachment, size: int) -> None:
    """Do all steps of a direct upload; after a failure the row is deleted."""
    await reserve(user_id, attachment, size)
    try:
        await _save_bytes(user_id, partial(files.save, content), attachment, size)
    except BaseException:
        await delete(user_id, attachment.id)
        raise


async def complete(
    row: ChatAttachment, size: int, head: bytes, save: Callable[[str], str]
) -> Attachment:
    """
    Do steps 2 and 3 of a two-phase upload, if the bytes are those that were announced.

    Args:
        row: the attachment.
        size: of the bytes that have arrived.
        head: the first validation.HEAD_BYTES of them.
        save: saves them; takes the alias of the database, and returns the path in the storage.

    Raises UploadRefused if the size or type differs, or the bytes are already stored.
    """
    if row.uploaded_at:
        raise _already_uploaded()
    if validation.check_size(size) > row.size:
        raise UploadRefused(_("The file is larger than was announced."), 413)
    if size < row.size:
        raise UploadRefused(_("The upload is incomplete. Start it again."))
    attachment = codec.load_attachment(row.payload)
    attachment.mime_type = validation.detect_type(head, attachment.mime_type, attachment.name)
    attachment.upload_descriptor = None
    await _save_bytes(row.user_id, save, attachment, size)
    return attachment


async def _save_bytes(
    user_id: str, save: Callable[[str], str], attachment: Attachment, size: int
) -> None:
    """Save the bytes, then write their path to the row; remove them if it has a path already."""
    path = await run(_database(), lambda attempt: save(attempt.using))
    # After a cancellation it stays False, though the path may have been written (S16).
    is_first = False
    try:
        is_first = await _run(_record_upload, user_id, attachment, size, path)
    finally:
        if not is_first:
            await run(_database(), lambda attempt: files.remove_file(path, attempt.using))
    if not is_first:
        raise _already_uploaded()


async def delete(user_id: str, attachment_id: str) -> None:
    """Delete an attachment and its file, if there is one."""
    await _run(_delete, user_id, attachment_id)


async def delete_unsent(user_id: str, attachment_id: str) -> None:
    """Delete an attachment that was not sent; NotFoundError, or UploadRefused (409) if it was."""
    await _run(_delete_unsent, user_id, attachment_id)


async def reserve_incoming_path(attachment_id: str) -> str:
    """
    Return the path in the storage to which a client may upload without Django.

    What is there after ChatFileToRemove.UPLOAD_TIMEOUT is removed.
    """
    path = _incoming_path(attachment_id)
    after = ChatFileToRemove.UPLOAD_TIMEOUT
    await run(
        _database(), lambda attempt: files.schedule_removals([path], attempt.using, after=after)
    )
    return path


async def _run(
    operation: Callable[Concatenate[Owner, Attempt, P], Result],
    user_id: str,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    owner = Owner(_database(), user_id)
    return await run(owner.using, lambda attempt: operation(owner, attempt, *args, **kwargs))


def _database() -> str:
    return router.db_for_write(ChatAttachment)


def read(path: str) -> bytes:
    """Return all bytes of a file in the storage; FileNotFoundError if there is none."""
    with files.get_storage().open(path) as file:
        content: bytes = file.read()
    return content


def read_head(content: File[bytes]) -> bytes:
    """Return the first validation.HEAD_BYTES of a file."""
    content.seek(0)
    head: bytes = content.read(validation.HEAD_BYTES)
    return head


def _incoming_path(attachment_id: str) -> str:
    """Return the temporary path of an upload that goes straight to the storage."""
    return f"chatstore/incoming/{file_key(attachment_id).hex}"


def _reserve(owner: Owner, attempt: Attempt, attachment: Attachment, size: int) -> None:
    """
    Insert the row, then compare the owner's total with the quota, so that concurrent uploads count.

    A generated image, which has a thread from the start, is stored even over the quota.
    """
    row = ChatAttachment(
        **codec.attachment_values(attachment),
        file_id=file_key(attachment.id),
        user_id=owner.user_id,
        size=size,
        created_at=timezone.now(),
    )
    if attachment.thread_id:
        row.session = owner.sessions.thread(attachment.thread_id).only("session_id").first()
        if row.session is None:
            raise NotFoundError(f"Thread {attachment.thread_id} not found")
    # In a repeated attempt the row may exist; the random id can't be another upload's.
    ChatAttachment.objects.using(owner.using).bulk_create([row], ignore_conflicts=True)
    used = owner.attachments.aggregate(size=Sum("size", default=0))
    if used["size"] > settings.user_quota_bytes and not attachment.thread_id:
        _delete(owner, attempt, attachment.id)
        limit = size_in_words(settings.user_quota_bytes)
        raise UploadRefused(
            _("Your files would take more than %(limit)s. Delete some conversations first.")
            % {"limit": limit},
            413,
        )


def _find(owner: Owner, attempt: Attempt, attachment_ids: Collection[str]) -> list[ChatAttachment]:
    hidden = owner.messages.filter(message_id=OuterRef("message_id"), hidden_at__isnull=False)
    found = (
        owner.attachments.visible().filter(~Exists(hidden)).in_bulk(map(file_key, attachment_ids))
    )
    for attachment_id in attachment_ids:
        if file_key(attachment_id) not in found:
            raise NotFoundError(f"Attachment {attachment_id} not found")
    return list(found.values())


def _record_upload(
    owner: Owner, attempt: Attempt, attachment: Attachment, size: int, path: str
) -> bool:
    """Write the path of the bytes to the row; return False if it has another path already."""
    row = owner.attachments.visible().attachment(attachment.id)
    with attempt.transaction():
        if row.filter(uploaded_at=None).update(
            **codec.attachment_values(attachment),
            size=size,
            path=path,
            uploaded_at=timezone.now(),
        ):
            files.cancel_removal(path, owner.using)
            return True
    return row.filter(path=path).exists()  # True if an earlier attempt was committed


def _delete(owner: Owner, attempt: Attempt, attachment_id: str) -> None:
    with attempt.transaction():
        files.delete_attachments(owner.attachments.visible().attachment(attachment_id))


def _delete_unsent(owner: Owner, attempt: Attempt, attachment_id: str) -> None:
    row = owner.attachments.visible().attachment(attachment_id)
    with attempt.transaction():
        if files.delete_attachments(row.filter(session=None)):
            return
        if not row.exists():
            raise NotFoundError(f"Attachment {attachment_id} not found")
    raise UploadRefused(_("This file has been sent: it stays with its message."), 409)


def _already_uploaded() -> UploadRefused:
    return AlreadyUploaded(_("This file has been uploaded already."), 409)
