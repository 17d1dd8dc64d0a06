"""
Reads everything in a database through the store, the admin and the export.

Run with -m and the JSON of an earlier version, it migrates the database, and compares: each value
that its store returned is returned now. What is new may have come besides.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import django

# They hold URLs that are made anew (S6).
VOLATILE = {"preview_url", "upload_descriptor"}


def read() -> dict[str, Any]:
    """Return all threads that their owners can read, by owner and id, with their items."""
    from asgiref.sync import async_to_sync

    from chatstore.models import ChatSession

    rows = ChatSession.objects.visible().order_by("user_id", "thread_id")
    return async_to_sync(_read_threads)(list(rows.values_list("user_id", "thread_id")))


async def _read_threads(ids: list[tuple[str, str]]) -> dict[str, Any]:
    from chatstore.store import DjangoStore

    store: DjangoStore[dict[str, str]] = DjangoStore()
    found: dict[str, Any] = {}
    for user_id, thread_id in ids:
        context = {"user_id": user_id}
        thread = await store.load_thread(thread_id, context)
        items = await store.load_thread_items(thread_id, None, 1000, "asc", context)
        found.setdefault(user_id, {})[thread_id] = {
            "thread": _as_json(thread),
            "items": [_as_json(item) for item in items.data],
        }
    return found


def _as_json(value: Any) -> Any:
    return json.loads(value.model_dump_json())


def missing(then: Any, now: Any, path: str = "") -> list[str]:
    """Return where a value of an earlier version is not returned now."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            fault
            for key in then.keys() - VOLATILE
            for fault in missing(then[key], now.get(key), f"{path}/{key}")
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = zip(then, now, strict=True)
        return [
            fault
            for number, (one, other) in enumerate(pairs)
            for fault in missing(one, other, f"{path}/{number}")
        ]
    return [] if then == now else [f"{path}: {then!r} has become {now!r}"]


def open_admin() -> int:
    """Open every list of the admin, and each thread's pages; return the number of pages."""
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    from chatstore.db.row_keys import row_key
    from chatstore.models import ChatSession

    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.get(username="admin"))
    urls = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    for session in ChatSession.objects.all():
        page = f"{reverse('admin:chatstore_chatsession_changelist')}{row_key(session)}/"
        urls += [f"{page}change/", f"{page}transcript/"]
    for url in urls:
        response = client.get(url)
        assert response.status_code == 200, f"{url}: {response.status_code}"
    return len(urls)


def main(expected: Path) -> None:
    from django.core.management import call_command

    from chatstore.models import ChatAttachment, ChatSession

    call_command("migrate")
    call_command("check", databases=["default"], fail_level="WARNING")
    call_command("check_items")
    if faults := missing(json.loads(expected.read_text()), read()):
        sys.exit("\n".join(faults))
    pages = open_admin()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "all.jsonl")
        call_command("export_threads", str(archive))
        lines = [json.loads(line) for line in archive.open()]
    exported = [line["type"] for line in lines]
    assert exported.count("thread") == ChatSession.objects.lasting().count()
    assert exported.count("thread_end") == exported.count("thread")
    with_file = sum("sha256" in line for line in lines if line["type"] != "end")
    assert with_file == ChatAttachment.objects.exclude(path="").count(), with_file
    sys.stdout.write(f"{exported.count('thread')} threads, {pages} pages\n")


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
