"""
The steps of an upload, each in its owner's name.

A row is made first and reserves its announced size against its owner's quota; the bytes follow,
under a name that has nothing to do with the user's; then one statement, which only the first of
two uploads can pass, writes that name to the row. Whatever fails on the way leaves a row without
bytes, or a file whose removal is scheduled; cleanup_attachments deletes both (A4).
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
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec, files
from chatstore.attachments import validation
from chatstore.conf import settings
from chatstore.db.execution import Attempt, run
from chatstore.exceptions import UploadRefused
from chatstore.models import ChatAttachment, ChatFileToRemove, file_key
from chatstore.store.owner import Owner

P = ParamSpec("P")
Result = TypeVar("Result")


class UploadComplete(UploadRefused):
    """An upload in two phases was complete before."""


async def find(user_id: str, attachment_ids: Collection[str]) -> list[ChatAttachment]:
    """Return the rows of these attachments; NotFoundError if one is not its owner's to see."""
    return await _run(_find, user_id, attachment_ids)


async def find_uploaded(user_id: str, attachment_id: str) -> ChatAttachment:
    """Return the row of a file whose bytes are there; NotFoundError for any other."""
    [row] = await find_arrived(user_id, [attachment_id])
    if not row.path:
        raise NotFoundError(f"Attachment {attachment_id} not found")
    return row


async def find_arrived(user_id: str, attachment_ids: Collection[str]) -> list[ChatAttachment]:
    """Find rows, and keep the bytes that clients have meanwhile written past us."""
    rows = await find(user_id, attachment_ids)
    awaited = [row for row in rows if not row.uploaded_at]
    signer = files.get_presigner() if awaited else None
    if signer is None:
        return rows
    for row in awaited:
        path = _incoming_path(row.attachment_id)
        if found := await sync_to_async(signer.read_head)(path, validation.HEAD_BYTES):
            save = partial(files.save_with, partial(signer.copy, path))
            with suppress(UploadComplete):  # by another request, a moment ago
                await complete(row, *found, save)
    return await find(user_id, attachment_ids)


async def reserve(user_id: str, attachment: Attachment, size: int) -> None:
    """Make the row of an upload; UploadRefused where its owner's quota has no room for it."""
    await _run(_reserve, user_id, attachment, size)


async def add(user_id: str, content: File[bytes], attachment: Attachment, size: int) -> None:
    """Reserve, save and keep; if that fails, nothing is left."""
    await reserve(user_id, attachment, size)
    try:
        await _keep(user_id, partial(files.save, content), attachment, size)
    except BaseException:
        await delete(user_id, attachment.id)
        raise


async def complete(
    row: ChatAttachment, size: int, head: bytes, save: Callable[[str], str]
) -> Attachment:
    """Check what has come against what was announced, and keep it."""
    if row.uploaded_at:
        raise _already_uploaded()
    if validation.check_size(size) > row.size:
        raise UploadRefused(_("The file is larger than was announced."), 413)
    if size < row.size:
        raise UploadRefused(_("The upload is incomplete. Start it again."))
    attachment = codec.load_attachment(row.payload)
    attachment.mime_type = validation.type_of(head, attachment.mime_type, attachment.name)
    attachment.upload_descriptor = None
    await _keep(row.user_id, save, attachment, size)
    return attachment


async def _keep(
    user_id: str, save: Callable[[str], str], attachment: Attachment, size: int
) -> None:
    """Save the bytes, then write to the row where they are, unless another has done so."""
    path = await run(_database(), lambda attempt: save(attempt.using))
    is_first = False
    try:
        is_first = await _run(_finish, user_id, attachment, size, path)
    finally:
        if not is_first:
            await run(_database(), lambda attempt: files.remove_file(path, attempt.using))
    if not is_first:
        raise _already_uploaded()


async def delete(user_id: str, attachment_id: str) -> None:
    """Delete a row and its file, if they are there."""
    await _run(_delete, user_id, attachment_id)


async def delete_unsent(user_id: str, attachment_id: str) -> None:
    """The same, but only of what was not sent: 409 for another."""
    await _run(_delete_unsent, user_id, attachment_id)


async def reserve_incoming_path(attachment_id: str) -> str:
    """
    Return the path at which a client may write its bytes straight to the storage.

    What is left there is removed after ChatFileToRemove.UPLOAD_TIMEOUT.
    """
    path = _incoming_path(attachment_id)
    after = ChatFileToRemove.UPLOAD_TIMEOUT
    await run(
        _database(), lambda attempt: files.schedule_removals([path], attempt.using, after=after)
    )
    return path


async def _run(
    body: Callable[Concatenate[Owner, Attempt, P], Result],
    user_id: str,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    owner = Owner(_database(), user_id)
    return await run(owner.using, lambda attempt: body(owner, attempt, *args, **kwargs))


def _database() -> str:
    return router.db_for_write(ChatAttachment)


def read(path: str) -> bytes:
    """Return all of a file's bytes."""
    with files.get_storage().open(path) as file:
        content: bytes = file.read()
    return content


def head_of(content: File[bytes]) -> bytes:
    """Return as many of a file's first bytes as its type is told by."""
    content.seek(0)
    head: bytes = content.read(validation.HEAD_BYTES)
    return head


def _incoming_path(attachment_id: str) -> str:
    """Where clients put their bytes straight into the storage; nothing else is read there."""
    return f"chatstore/incoming/{file_key(attachment_id).hex}"


def _reserve(owner: Owner, attempt: Attempt, attachment: Attachment, size: int) -> None:
    """
    Make the row, then look whether it was too much: of two uploads at once each counts the other.

    What the model makes goes into a thread at once, and is not refused.
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
    # On a repeat the id, which nobody else can have, may be there.
    ChatAttachment.objects.using(owner.using).bulk_create([row], ignore_conflicts=True)
    used = owner.attachments.aggregate(Sum("size"))
    if used["size__sum"] > settings.user_quota_bytes and not attachment.thread_id:
        _delete(owner, attempt, attachment.id)
        limit = filesizeformat(settings.user_quota_bytes)
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


def _finish(owner: Owner, attempt: Attempt, attachment: Attachment, size: int, path: str) -> bool:
    """Write to the row where the bytes are; tell whether this upload was the first."""
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
    return row.filter(path=path).exists()  # a repeat, and the first try had committed after all


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
    return UploadComplete(_("This file has been uploaded already."), 409)
