"""ChatAttachment: an uploaded file. ChatFileToRemove: a file that will be removed."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from chatstore.models.base import IdentifierField, OwnedForeignKey, OwnedModel, OwnedQuerySet
from chatstore.models.keys import file_key
from chatstore.models.messages import ChatMessage
from chatstore.models.sessions import ChatSession


class ChatAttachmentQuerySet(OwnedQuerySet["ChatAttachment"]):
    def attachment(self, attachment_id: str) -> Self:
        """Filter the attachment with this ChatKit id."""
        return self.filter(file_id=file_key(attachment_id))

    def unused_since(self, cutoff: dt.datetime) -> Self:
        """
        Filter uploads that were begun before the cutoff and never sent (A4).

        An attachment with a thread but no message, such as a generated image, is not unused: it is
        deleted with the thread.
        """
        return self.filter(message_id__isnull=True, session_id__isnull=True, created_at__lt=cutoff)

    def deletable(self) -> Self:
        """Filter what retention and erasure may delete: attachments of no thread on hold (M4)."""
        held = ChatSession.objects.filter(
            user_id=OuterRef("user_id"), session_id=OuterRef("session_id"), is_on_hold=True
        )
        return self.filter(~Exists(held))


class ChatAttachment(OwnedModel):
    """An uploaded file's metadata; its bytes are in the storage, under ``path``."""

    file_id = models.UUIDField(_("file id"), primary_key=True, editable=False)
    # Null until the attachment is sent in a thread; it belongs to the first one (A3).
    session = OwnedForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        related_name="attachments",
        null=True,
        blank=True,
        verbose_name=_("thread"),
    )
    # Null until it is sent in a message. Without a constraint, a message that has no files is
    # deleted in one statement; of others, the attachments are deleted first (chatstore.files).
    message = OwnedForeignKey(
        ChatMessage,
        on_delete=models.DO_NOTHING,
        related_name="attachments",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("message"),
    )
    user_id = IdentifierField(_("owner"))
    attachment_id = IdentifierField(_("attachment id"))
    name = models.TextField(_("name"), blank=True)
    mime_type = models.TextField(_("type"), blank=True)
    size = models.PositiveBigIntegerField(
        _("size"),
        default=0,
        help_text=_("In bytes; before the upload, the size that the client announced."),
    )
    path = IdentifierField(
        _("path"), blank=True, help_text=_("The name in the storage; empty before the upload.")
    )
    payload = models.TextField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    uploaded_at = models.DateTimeField(_("uploaded at"), null=True, blank=True)
    hidden_at = models.DateTimeField(_("hidden at"), null=True, blank=True)

    objects = ChatAttachmentQuerySet.as_manager()

    class Meta:
        db_table = "chat_attachments"
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            models.Index(fields=["user_id", "created_at"], name="chat_attachments_of_user"),
            models.Index(fields=["message", "created_at"], name="chat_attachments_unused"),
        ]

    def __str__(self) -> str:
        return self.name or self.attachment_id


class ChatFileToRemove(models.Model):
    """
    The scheduled removal of a file in the storage that no attachment's row refers to.

    Stored in the transaction that deletes the attachment, and before an upload's bytes are saved.
    So a crash can't leave a file that has neither a row nor a scheduled removal (A4). It contains
    nothing about the file's owner.
    """

    # An upload that is not complete and sent after this time is removed (A4).
    UPLOAD_TIMEOUT = dt.timedelta(days=1)

    path = IdentifierField(_("path"), primary_key=True)
    scheduled_at = models.DateTimeField(_("scheduled at"))
    due_at = models.DateTimeField(_("due at"))
    tries = models.PositiveIntegerField(_("tries"), default=0)

    class Meta:
        db_table = "chat_files_to_remove"
        verbose_name = _("file to remove")
        verbose_name_plural = _("files to remove")
        indexes = [models.Index(fields=["due_at"], name="chat_files_due")]

    def __str__(self) -> str:
        return self.path
