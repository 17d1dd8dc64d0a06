"""Fills a new database: each table of chatstore has rows, of every kind that there is."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from chatstore import files
from chatstore.models import ChatMessage, ChatSession
from chatstore.moderation import actions, notes, people, redaction, reports
from chatstore.moderation.records import Moderator
from chatstore.shares.links import share
from chatstore.store import DjangoStore
from chatstore.testing import samples
from tests.rows import add_attachment, add_model_turn

ANN, BOB = {"user_id": "ann"}, {"user_id": "Bøb 🐘"}
CAROL = Moderator("carol", "Rules of the site")
FILES = {"chatstore/sent.txt": b"Sent with a message", "chatstore/kept.txt": b"Not sent yet"}


def write() -> None:
    """Write users, threads and files, and let a moderator act on them."""
    get_user_model().objects.create_superuser("admin")
    call_command("create_moderators", verbosity=0)
    for path, content in FILES.items():
        default_storage.save(path, ContentFile(content))
    add_attachment("atc_bare", "ann", path="chatstore/sent.txt")
    add_attachment("atc_kept", "ann", path="chatstore/kept.txt")
    async_to_sync(_write_threads)()
    for session in ChatSession.objects.filter(thread_id__in=["thr_items", "thr_held"]):
        add_model_turn(session, "msg_user")
    _moderate()
    files.save(ContentFile(b"Never sent"), "default")  # its removal is scheduled
    empty = [
        model._meta.db_table
        for model in apps.get_app_config("chatstore").get_models()
        if not model._default_manager.exists()
    ]
    if empty:
        raise SystemExit(f"Nothing is written into {', '.join(empty)}: add it to {__name__}.")


async def _write_threads() -> None:
    store: DjangoStore[dict[str, str]] = DjangoStore()
    for thread in samples.threads():
        await store.save_thread(thread, ANN)
    sent = next(item for item in samples.items() if item.id == "msg_user")
    sent.attachments = samples.attachments()[:1]
    others = [item for item in samples.items() if item.id not in ("msg_user", "msg_long")]
    for thread_id, items in {
        "thr_items": [sent, *others],
        "thr_pinned": [samples.user_message(), samples.answer()],
        "thr_archived": [samples.user_message()],
        "thr_shared": [samples.user_message(), samples.answer()],
        "thr_closed_by_moderator": [samples.user_message()],
    }.items():
        await store.save_thread(samples.thread(thread_id, title=f"Title of {thread_id}"), ANN)
        for item in items:
            item.thread_id = thread_id
            await store.add_thread_item(thread_id, item, ANN)
    await store.pin_thread("thr_pinned", True, ANN)
    await store.archive_thread("thr_archived", True, ANN)
    await share(store, "thr_shared", ANN)
    await store.save_thread(samples.thread("thr_held", title="On hold"), BOB)
    for item in (samples.user_message(), samples.answer(), samples.answer("msg_3", "Insult")):
        item.thread_id = "thr_held"
        await store.add_thread_item("thr_held", item, BOB)


def _moderate() -> None:
    threads = {row.thread_id: row for row in ChatSession.objects.all()}
    of_ann = ChatMessage.objects.filter(user_id="ann").select_related("session")
    actions.close(threads["thr_closed_by_moderator"], CAROL)
    notes.add_note(threads["thr_items"], CAROL, "Look again")
    notes.set_labels(threads["thr_items"], CAROL, ["spam", "checked"])
    notes.assign(threads["thr_items"], CAROL, "carol")
    actions.hide(of_ann.get(item_id="msg_answer"), CAROL)
    redaction.redact(of_ann.get(item_id="msg_skipped"), CAROL)
    actions.hold(threads["thr_held"], CAROL)
    flagged = {"user_id": BOB["user_id"], "thread_id": "thr_held"}
    reports.flag(**flagged, item_id="msg_3", reason="harmful", words="It is", reporter="ann")
    reports.resolve(reports.flag(**flagged, reason="other"), CAROL)
    people.suspend("Eve", CAROL)
