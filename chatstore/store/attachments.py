"""The operations on attachments, one for each method of DjangoStore, which documents them."""

from __future__ import annotations

from functools import partial

from chatkit.store import NotFoundError
from chatkit.types import Attachment
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from chatstore import codec, files
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.models import file_key, session_key
from chatstore.store import queries
from chatstore.store.owner import Owner
from chatstore.store.rows import decode_rows
from chatstore.turns import refuse

ATTACHMENT_COLUMNS = ("attachment_id", "payload")


def save_attachment(
    owner: Owner,
    attempt: Attempt,
    attachment: Attachment,
    *,
    update_only: bool,
    in_turn: bool,
) -> Steps[None]:
    """
    Args:
        update_only: whether the request has loaded it.
        in_turn: whether a message of its thread is being sent with it; StateChangedError if it
            belongs to another thread (S20).
    """
    yield IN_THREAD
    values = codec.attachment_values(attachment)
    row = owner.attachments.attachment(values["attachment_id"])
    new = {"file_id": file_key(values["attachment_id"]), "created_at": timezone.now(), **values}
    if attachment.thread_id is not None:
        session = owner.sessions.thread(attachment.thread_id).values("session_id")
        # An attachment belongs to the first thread that it is sent in (A3).
        values["session_id"] = Coalesce(F("session_id"), Subquery(session))
        new["session_id"] = session_key(attachment.thread_id)
    if in_turn:
        sent_here = Q(session_id=session_key(attachment.thread_id or ""))
        row = row.filter(Q(session_id=None) | sent_here)

    def create() -> None:
        if not ("session_id" in new and owner.execute(queries.insert_thread_attachment, **new)):
            owner.execute(queries.insert_attachment, **new)  # it has no thread, or an unknown one

    update = partial(row.update, **values)
    if not (update() if update_only else attempt.update_or_create(update, create)):
        if in_turn and owner.attachments.attachment(values["attachment_id"]).exists():
            refuse()
        raise NotFoundError(f"Attachment {attachment.id} not found")


def load_attachment(owner: Owner, attachment_id: str) -> Steps[Attachment]:
    yield IN_THREAD
    row = owner.attachments.visible().attachment(attachment_id).values_list(*ATTACHMENT_COLUMNS)
    for attachment in decode_rows(codec.load_attachment, row):
        return attachment
    raise NotFoundError(f"Attachment {attachment_id} not found")


def delete_attachment(owner: Owner, attempt: Attempt, attachment_id: str) -> Steps[None]:
    yield IN_THREAD
    row = owner.attachments.attachment(attachment_id)
    on_hold = Exists(owner.sessions.filter(session_id=OuterRef("session_id"), is_on_hold=True))
    with attempt.transaction():
        if not files.delete_attachments(row.filter(~on_hold)):
            row.visible().filter(on_hold).update(hidden_at=timezone.now())
