"""
The three tables, and the verbs of their querysets.

Each row keeps the whole ChatKit object as JSON text in ``payload``; the other columns are
derived from it, or belong to the moderators. Three rules hold so that the tables can be
sharded by owner (Citus) without a change of model:

- every row names its owner, ``user_id`` is never null and never changes, and it is part of
  every unique constraint besides the primary key;
- nothing refers to the user table: owners and moderators are kept as text;
- keys are made from the ids (uuid5), so no row needs another one to be found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import In
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def _uuid5(namespace: uuid.UUID, name: str) -> uuid.UUID:
    """uuid.uuid5 for any string: lone surrogates, in an id that is nobody's, are no error."""
    digest = hashlib.sha1(  # noqa: S324 (RFC 4122 wants SHA-1)
        namespace.bytes + name.encode("utf-8", "surrogatepass")
    ).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


def session_key(thread_id: str) -> uuid.UUID:
    """Return the primary key of the thread with this ChatKit id (S5)."""
    return _uuid5(uuid.NAMESPACE_DNS, f"chatkit-{thread_id}")


def message_key(thread_id: str, item_id: str) -> uuid.UUID:
    """Return the primary key of an item: the same item id in two threads is two items (S5)."""
    return _uuid5(session_key(thread_id), item_id)


def file_key(attachment_id: str) -> uuid.UUID:
    """Return the primary key of the attachment with this ChatKit id."""
    return _uuid5(uuid.NAMESPACE_DNS, f"chatkit-attachment-{attachment_id}")


class IdentifierField(models.CharField):
    """
    An id of the outside world: up to 255 characters, compared and sorted byte by byte.

    MariaDB and MySQL would hold "Alice", "alice" and "alice " for the same owner, and
    PostgreSQL sorts by the database's language.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 255)
        super().__init__(*args, **kwargs)

    def db_parameters(self, connection: Any) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            mariadb = connection.mysql_is_mariadb
            parameters["collation"] = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
        elif connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class AnyOf(In):
    """Django's ``in``; on PostgreSQL with one array, not hundreds of parameters to work through."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", [*params, list(self.rhs)]


class OwnedQuerySet(models.QuerySet[Any]):
    def for_owner(self, user_id: str | models.Expression) -> Self:
        """Only the rows of this owner."""
        return self.filter(user_id=user_id)

    def of_sessions(self, keys: Iterable[uuid.UUID]) -> Self:
        """Only these threads, or what belongs to them."""
        return self.filter(AnyOf(F("session_id"), keys))

    def visible(self) -> Self:
        """Only what its owner may see: not what a moderator, or a hold, has hidden."""
        return self.filter(hidden_at__isnull=True)

    def after(self, **position: Any) -> Self:
        """The rows beyond a position, in the order of its columns, which must be unique."""
        beyond = Q()
        for column, value in reversed(position.items()):
            beyond = Q((f"{column}__gt", value)) | (Q((column, value)) & beyond if beyond else Q())
        first, value = next(iter(position.items()))
        # The first column once more, in a form by which an index is entered.
        return self.filter(beyond, (f"{first}__gte", value)).order_by(*position)

    def in_pages(self, *columns: str, size: int = 500) -> Iterator[list[Any]]:
        """
        Yield all rows, ``size`` at a time, in the order of columns that are unique together.

        Unlike iterator() it keeps no cursor and no transaction open, and the memory is that of
        a page on every database.
        """
        page = list(self.order_by(*columns)[:size])
        while page:
            yield page
            if len(page) < size:
                return
            position = {column: getattr(page[-1], column) for column in columns}
            page = list(self.after(**position)[:size])

    def delete_only(self) -> int:
        """
        Delete these rows in one statement, and return how many they were.

        Nothing cascades, and what refers to the rows must be gone: delete() would load them
        all, to look for it, and would name their keys instead of these conditions.
        """
        return self._raw_delete(self.db)


class ChatSessionQuerySet(OwnedQuerySet):
    def thread(self, thread_id: str) -> Self:
        """The thread with this ChatKit id."""
        return self.filter(session_id=session_key(thread_id))

    def inactive_since(self, cutoff: dt.datetime) -> Self:
        """Threads whose last activity is before the cutoff (R1)."""
        return self.filter(updated_at__lt=cutoff)

    def with_status(self, status: str) -> Self:
        """Threads that show this status: the moderators', else the application's own (M1)."""
        return self.filter(Q(moderation=status) | Q(moderation="", status=status))

    def deletable(self) -> Self:
        """Threads that retention, erasure and moderators may delete: none on hold (M4)."""
        return self.filter(is_on_hold=False)


class ChatSession(models.Model):
    """A thread: one conversation of one owner."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        LOCKED = "locked", _("Locked")
        CLOSED = "closed", _("Closed")

    class Moderation(models.TextChoices):
        NONE = "", _("None")
        LOCKED = "locked", _("Locked")
        CLOSED = "closed", _("Closed")

    session_id = models.UUIDField(_("session id"), primary_key=True, editable=False)
    thread_id = IdentifierField(_("thread id"))
    user_id = IdentifierField(_("owner"))
    title = models.TextField(_("title"), blank=True)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=Status.choices,
        default=Status.ACTIVE,
        help_text=_("What the application has set; a moderator's lock is kept apart from it."),
    )
    reason = models.TextField(_("reason"), blank=True)
    payload = models.TextField(_("payload"))
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(
        _("last activity"),
        help_text=_("The position of the newest item; without items, the time of creation."),
    )
    is_started = models.BooleanField(
        _("started"),
        default=False,
        help_text=_("Whether an item was ever stored; until then last activity is no position."),
    )

    # The moderators' own columns: save_thread never writes them (M1, M4).
    moderation = models.CharField(
        _("moderation"), max_length=16, choices=Moderation.choices, default="", blank=True
    )
    moderation_reason = models.TextField(_("moderation reason"), blank=True)
    is_on_hold = models.BooleanField(_("on hold"), default=False)
    hold_reason = models.TextField(_("hold reason"), blank=True)
    hidden_at = models.DateTimeField(
        _("hidden at"),
        null=True,
        blank=True,
        help_text=_("When its owner deleted it while it was on hold."),
    )

    objects = ChatSessionQuerySet.as_manager()

    class Meta:
        db_table = "chat_sessions"
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        # Seeing the list (view) and reading conversations are two things (M3).
        permissions = [
            ("read_transcript", _("Can read conversations")),
            ("moderate", _("Can lock and close threads, and hide messages")),
            ("redact", _("Can redact messages for good")),
            ("hold", _("Can put threads on hold")),
            ("export", _("Can export conversations")),
        ]
        indexes = [
            models.Index(
                fields=["user_id", "created_at", "thread_id"], name="chat_sessions_of_user"
            ),
            models.Index(fields=["updated_at", "session_id"], name="chat_sessions_activity"),
        ]

    def __str__(self) -> str:
        return self.thread_id  # not its title: logs hold ids, never text (S18)


class ChatMessageQuerySet(OwnedQuerySet):
    def thread(self, thread_id: str) -> Self:
        """The items of the thread with this ChatKit id."""
        return self.filter(session_id=session_key(thread_id))

    def item(self, thread_id: str, item_id: str) -> Self:
        """
        The item with these ChatKit ids.

        By its key alone: naming the thread too, PostgreSQL would at times read all of it.
        """
        return self.filter(message_id=message_key(thread_id, item_id))


class ChatMessage(models.Model):
    """An item of a thread, of any of ChatKit's types."""

    class Sender(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")
        TOOL = "tool", _("Tool")
        SYSTEM = "system", _("System")

    class Feedback(models.TextChoices):
        NONE = "", _("None")
        POSITIVE = "positive", _("Thumbs up")
        NEGATIVE = "negative", _("Thumbs down")

    message_id = models.UUIDField(_("message id"), primary_key=True, editable=False)
    session = models.ForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # chat_messages_of_thread
        verbose_name=_("thread"),
    )
    user_id = IdentifierField(_("owner"))
    item_id = IdentifierField(_("item id"))
    item_type = models.CharField(_("type"), max_length=32)
    item_status = models.CharField(
        _("item status"),
        max_length=16,
        blank=True,
        help_text=_("Of a tool call or a structured input: pending, completed, answered, skipped."),
    )
    sender_type = models.CharField(_("sender"), max_length=16, choices=Sender.choices)
    content = models.TextField(_("content"), blank=True, help_text=_("The item's plain text."))
    timestamp = models.DateTimeField(_("position"))
    payload = models.TextField(_("payload"))
    metadata = models.JSONField(
        _("metadata"),
        default=dict,
        blank=True,
        help_text=_("The application's own notes: model, token usage. The store leaves it alone."),
    )
    feedback = models.CharField(
        _("feedback"), max_length=16, choices=Feedback.choices, default="", blank=True
    )
    hidden_at = models.DateTimeField(_("hidden at"), null=True, blank=True)
    hidden_by = models.CharField(_("hidden by"), max_length=255, blank=True)
    redacted_at = models.DateTimeField(_("redacted at"), null=True, blank=True)

    objects = ChatMessageQuerySet.as_manager()

    class Meta:
        db_table = "chat_messages"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            # Also the index that pages of a thread are read from.
            models.UniqueConstraint(
                fields=["user_id", "session", "timestamp"], name="chat_messages_position"
            ),
        ]
        indexes = [
            # The foreign key's. In order, since MariaDB takes it for pages too.
            models.Index(fields=["session", "timestamp"], name="chat_messages_of_thread"),
            # The newest of all, for the moderators; new rows go to its end, which costs little.
            models.Index(fields=["timestamp", "message_id"], name="chat_messages_by_time"),
        ]

    def __str__(self) -> str:
        return self.item_id


class ChatAttachmentQuerySet(OwnedQuerySet):
    def attachment(self, attachment_id: str) -> Self:
        """The attachment with this ChatKit id."""
        return self.filter(file_id=file_key(attachment_id))

    def unused_since(self, cutoff: dt.datetime) -> Self:
        """
        Uploads begun before the cutoff that were never sent (A4).

        What an application has put into a thread without a message goes with the thread.
        """
        return self.filter(message_id__isnull=True, session_id__isnull=True, created_at__lt=cutoff)

    def deletable(self) -> Self:
        """Attachments that retention and erasure may delete: of no thread on hold (M4)."""
        held = ChatSession.objects.filter(session_id=OuterRef("session_id"), is_on_hold=True)
        return self.filter(~Exists(held))


class ChatAttachment(models.Model):
    """What is known of an uploaded file; its bytes are in the storage, under ``path``."""

    file_id = models.UUIDField(_("file id"), primary_key=True, editable=False)
    # Null until the attachment is sent in a thread; it belongs to the first one (A3).
    session = models.ForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        related_name="attachments",
        null=True,
        blank=True,
        verbose_name=_("thread"),
    )
    # Null until a message names it. No constraint: whoever deletes a message asks for its files
    # first (chatstore.files), and a message without any is deleted in one statement.
    message = models.ForeignKey(
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
        _("size"), default=0, help_text=_("In bytes; before the upload, as it was announced.")
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
    A file in the storage that no row names any more, or none yet: it goes when it is due.

    Written in the transaction that deletes the file's row, and before an upload's bytes are
    saved, so that no crash leaves a file that nobody knows of. It says nothing of its owner.
    """

    path = IdentifierField(_("path"), primary_key=True)
    noted_at = models.DateTimeField(_("noted at"))
    due_at = models.DateTimeField(_("due at"))
    tries = models.PositiveIntegerField(_("tries"), default=0)

    class Meta:
        db_table = "chat_files_to_remove"
        verbose_name = _("file to remove")
        verbose_name_plural = _("files to remove")
        indexes = [models.Index(fields=["due_at"], name="chat_files_due")]

    def __str__(self) -> str:
        return self.path


class ModerationRecord(models.Model):
    """
    That a member of staff read or changed something: who, when, why and which ids (M3).

    It holds no text of a conversation, and refers to no other row, so that it outlives the
    account of who acted and the thread that was acted on.
    """

    class Action(models.TextChoices):
        READ = "read", _("Read")
        SEARCH = "search", _("Found by a search")
        EXPORT = "export", _("Exported")
        LOCK = "lock", _("Locked")
        CLOSE = "close", _("Closed")
        REOPEN = "reopen", _("Reopened")
        HOLD = "hold", _("Put on hold")
        RELEASE = "release", _("Released from hold")
        HIDE = "hide", _("Hid a message")
        SHOW = "show", _("Showed a message again")
        REDACT = "redact", _("Redacted a message")
        DELETE = "delete", _("Deleted")

    created_at = models.DateTimeField(_("when"), default=timezone.now)
    staff_id = models.CharField(_("account"), max_length=255)
    staff_name = models.CharField(_("who"), max_length=255)
    action = models.CharField(_("what"), max_length=16, choices=Action.choices)
    reason = models.TextField(_("why"), blank=True)
    thread_id = IdentifierField(_("thread id"))
    user_id = IdentifierField(_("owner"))
    item_ids = models.JSONField(_("item ids"), default=list, blank=True)

    class Meta:
        db_table = "chat_moderation_records"
        verbose_name = _("moderation record")
        verbose_name_plural = _("moderation records")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["created_at", "id"], name="chat_moderation_by_time"),
            models.Index(fields=["thread_id", "created_at"], name="chat_moderation_of_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.thread_id}"
