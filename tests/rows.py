"""Builders of threads of a given age, with messages and files, for tests of the commands."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from chatstore import codec, files
from chatstore.models import (
    ChatAttachment,
    ChatFileToRemove,
    ChatMessage,
    ChatModelTurn,
    ChatSession,
    file_key,
    message_key,
    model_turn_key,
    session_key,
)
from tests import base

DAY = dt.timedelta(days=1)


class StorageMixin:
    """Uses a temporary folder for each test in place of MEDIA_ROOT."""

    def setUp(self) -> None:
        super().setUp()
        self.media = Path(tempfile.mkdtemp(prefix="chatstore-test-"))
        self.addCleanup(shutil.rmtree, self.media)
        backend = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        storages = settings.STORAGES | {
            "default": backend | {"OPTIONS": {"location": str(self.media)}}
        }
        override = override_settings(STORAGES=storages)
        override.enable()
        self.addCleanup(override.disable)

    def stored(self) -> set[str]:
        """Return the names of all files in the storage."""
        return {
            str(path.relative_to(self.media)) for path in self.media.rglob("*") if path.is_file()
        }


def save_file(content: bytes, using: str = "default") -> str:
    """Save a file in the storage that no row names, and cancel its removal."""
    path = files.save(ContentFile(content), using)
    with transaction.atomic(using=using):
        files.cancel_removal(path, using)
    return path


def add_thread(
    thread_id: str = "thr_1",
    user_id: str = "alice",
    *,
    age: dt.timedelta = dt.timedelta(),
    messages: int = 2,
    files: int = 0,
    **columns: Any,
) -> ChatSession:
    """
    Write a thread whose last activity is ``age`` ago; the store can't write in the past.

    Each of its files belongs to its first message.
    """
    updated_at = timezone.now() - age
    created_at = columns.pop("created_at", updated_at - dt.timedelta(seconds=messages))
    status = {"type": columns.pop("status", "active"), "reason": columns.pop("reason", None)}
    thread = base.thread(thread_id, title=f"Title of {thread_id}", status=status)
    values = codec.session_values(thread)
    session = ChatSession.objects.create(
        **values
        | {"session_id": session_key(thread_id), "user_id": user_id, "created_at": created_at}
        | {"updated_at": updated_at, "is_started": bool(messages)}
        | columns
    )
    for number in reversed(range(messages)):
        item_id = f"msg_{number}"
        ChatMessage.objects.create(
            **codec.message_values(base.user_message(item_id, f"Text {number}"))
            | {"message_id": message_key(thread_id, item_id), "session": session}
            | {"user_id": user_id, "timestamp": updated_at - dt.timedelta(seconds=number)}
        )
    for number in range(files):
        message = message_key(thread_id, f"msg_{messages - 1}") if messages else None
        add_attachment(f"atc_{thread_id}_{number}", user_id, session=session, message_id=message)
    return session


def add_attachment(
    attachment_id: str = "atc_1",
    user_id: str = "alice",
    *,
    content: bytes | None = None,
    age: dt.timedelta = dt.timedelta(),
    **columns: Any,
) -> ChatAttachment:
    """Write an attachment and its bytes, without a thread unless one is given."""
    content = content if content is not None else f"Bytes of {attachment_id}".encode()
    return ChatAttachment.objects.create(
        **codec.attachment_values(base.attachment(attachment_id))
        | {"file_id": file_key(attachment_id), "user_id": user_id, "size": len(content)}
        | {"created_at": timezone.now() - age, "uploaded_at": timezone.now() - age}
        | ({} if "path" in columns else {"path": save_file(content)})
        | columns
    )


def add_model_turn(session: ChatSession, item_id: str = "msg_0", **columns: Any) -> ChatModelTurn:
    """Write what a model did in a turn of the thread that answers this item."""
    call = {"type": "function_call", "call_id": "call_1", "name": "count", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "42 bikes"}
    step = codec.Step("Clerk", "gpt-x", [call, output])
    turn = codec.ModelTurn([step], {item_id: "", "msg_answer": ""}, item_id)
    return ChatModelTurn.objects.create(
        **codec.model_turn_values(turn)
        | {"model_turn_id": model_turn_key(session.thread_id, turn.id), "session": session}
        | {"user_id": session.user_id, "timestamp": timezone.now()}
        | columns
    )


def everything() -> list[list[dict[str, Any]]]:
    """Return all rows of all tables, to compare them."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (ChatSession, ChatMessage, ChatAttachment, ChatModelTurn, ChatFileToRemove)
    ]


def delete_everything() -> None:
    """Empty the tables; this is faster than flushing the database."""
    for model in (ChatAttachment, ChatMessage, ChatModelTurn, ChatSession):
        model.objects.all().raw_delete()
    ChatFileToRemove.objects.all().delete()
