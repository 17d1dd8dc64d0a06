"""The operation by which a user's message takes the place of an earlier one (V19)."""

from __future__ import annotations

from chatkit.types import ThreadItem
from django.db.models import Exists, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from chatstore import codec, files, signals
from chatstore.db.attempts import IN_THREAD, Attempt, Steps
from chatstore.exceptions import RequestRefused
from chatstore.models import file_key, message_key, session_key
from chatstore.store import queries, thread_cache
from chatstore.store.owner import Owner
from chatstore.turns import Required, refuse


def replace_message(
    owner: Owner,
    attempt: Attempt,
    thread_id: str,
    replaced_id: str,
    item: ThreadItem,
    *,
    retry_id: str,
    required: Required,
) -> Steps[None]:
    """
    Add a message, and delete the one that it replaces and all after that, in one transaction.

    Files that both messages have are kept. The turns that have begun before store nothing more, as
    after a retry (S20).

    Args:
        retry_id: names the edit, as that of delete_items_after names a retry.
        required: as the thread was looked at.

    Raises RequestRefused (409) if the thread is on hold, and StateChangedError where the thread is
    not as it is required, or the message is gone, hidden or redacted.
    """
    yield IN_THREAD
    values = codec.message_values(item)
    keys = {
        "session_id": session_key(thread_id),
        "message_id": message_key(thread_id, values["item_id"]),
    }
    values["now"] = min(values.pop("timestamp"), timezone.now())
    thread = owner.sessions.visible().thread(thread_id)
    as_required = Q(*queries.conditions(required)[1:], retry_id=required.retry_id)
    # Its own id is there if an earlier attempt was committed.
    expected = thread.filter(as_required | Q(retry_id=retry_id))
    replaced = owner.messages.visible().filter(redacted_at__isnull=True)
    replaced = replaced.item(thread_id, replaced_id)
    attachments = owner.attachments.filter(session_id=keys["session_id"])
    columns = (
        *("retry_id", "is_on_hold", Exists(attachments)),
        Subquery(replaced.values("timestamp")[:1]),
    )
    changing = thread_cache.changing(owner.using, (owner.user_id, keys["session_id"]))
    with changing, attempt.transaction():
        for found_id, is_on_hold, has_files, position in expected.select_for_update().values_list(
            *columns
        ):
            if found_id == retry_id:
                return
            if is_on_hold:
                sentence = _("The messages of this conversation can't be edited now.")
                raise RequestRefused(sentence, 409)
            if position is None:
                break
            owner.execute(queries.add_item(), **keys, **values, ending="")
            rows = owner.messages.thread(thread_id).filter(timestamp__gte=position)
            rows = rows.exclude(message_id=keys["message_id"])
            if has_files:
                sent = [file_key(attachment_id) for attachment_id in codec.attachment_ids(item)]
                removed = Q(message_id__in=rows.values("message_id"))
                # The file of a message that stays is that message's.
                moved = attachments.filter(removed | Q(message_id=None), file_id__in=sent)
                moved.update(message_id=keys["message_id"])
                files.delete_attachments(attachments.filter(removed))
            # A turn is stored after its items: its position is after theirs.
            owner.model_turns.thread(thread_id).filter(timestamp__gt=position).raw_delete()
            rows.raw_delete()
            thread.update(retry_id=retry_id, items_deleted_at=timezone.now())
            owner.notify(
                signals.item_added,
                thread_id=thread_id,
                item_id=values["item_id"],
                item_type=values["item_type"],
            )
            return
    refuse()
