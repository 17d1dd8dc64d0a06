"""Compares, after a soak, what people were told with what is stored."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from pathlib import Path

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from chatstore.models import ChatAttachment, ChatFileToRemove
from tests.soak.faults import Worker
from tests.soak.users import Conversation, Person, text_in


async def check_person(person: Person) -> list[str]:
    """Return what is wrong with a person's conversations and files, as sentences."""
    wrong = list(person.wrong)
    threads = {each["id"]: each for each in await person.get("threads.list")}
    if back := person.deleted & threads.keys():
        wrong.append(f"{person.name}: deleted, but there: {sorted(back)}")
    for conversation in person.conversations:
        thread = threads.get(conversation.thread_id)
        if not thread:
            wrong.append(f"{person.name}: {conversation.thread_id} is lost")
            continue
        if conversation.title and thread["title"] != conversation.title:
            wrong.append(f"{conversation.thread_id} has lost its title")
        wrong += await _check_items(person, conversation)
    return wrong


async def _check_items(person: Person, conversation: Conversation) -> list[str]:
    items = await person.get("items.list", thread_id=conversation.thread_id)
    name, wrong = conversation.thread_id, []
    texts = {item["id"]: text_in(item) for item in items}
    ids = [item["id"] for item in items]
    if ids != list(texts):
        wrong.append(f"{name}: items are there twice")
    told = [each for each in ids if each in conversation.items]
    if told != list(conversation.items):
        wrong.append(f"{name}: {list(conversation.items)} were told, {told} are there")
    wrong += [
        f"{name}: {each} has another text"
        for each in told
        if texts[each] != conversation.items[each]
    ]
    if back := conversation.gone & texts.keys():
        wrong.append(f"{name}: replaced by a retry, but there: {sorted(back)}")
    asked = Counter(text_in(item) for item in items if item["type"] == "user_message")
    wrong += [f"{name}: {text!r} was sent once" for text, count in asked.items() if count > 1]
    answered = Counter(
        re.split("[ _]", text_in(item))[0] for item in items if item["type"] == "assistant_message"
    )
    wrong += [f"{name}: {word} has {n} answers" for word, n in answered.items() if n > 1]
    attached = {each["id"] for item in items for each in item.get("attachments", ())}
    for attachment in attached & person.uploads.keys():
        if await person.download(attachment) != person.uploads[attachment]:
            wrong.append(f"{name}: the file of {attachment} is not what was uploaded")
    return wrong


def check_files(media: Path) -> list[str]:
    """
    Return what is wrong with files and their rows, as sentences.

    Call it when cleanup_attachments has run after the last fault: no removal may be left undone but
    those of uploads that were interrupted, which are due later.
    """
    named = set(ChatAttachment.objects.exclude(path="").values_list("path", flat=True))
    due = Q(due_at__lte=timezone.now()) | Q(tries__gt=0)
    overdue = set(ChatFileToRemove.objects.filter(due).values_list("path", flat=True))
    scheduled = set(ChatFileToRemove.objects.exclude(due).values_list("path", flat=True))
    stored = {str(file.relative_to(media)) for file in media.rglob("*") if file.is_file()}
    connection.close()
    return (
        [f"A row has lost its file: {path}" for path in named - stored]
        + [f"A file was not removed: {path}" for path in overdue]
        + [f"A file has no row: {path}" for path in stored - named - scheduled - overdue]
    )


async def check_leaks(workers: list[Worker], fresh: Worker) -> list[str]:
    """Wait until the workers hold no more than a fresh one; return what is left."""
    for _ in range(120):
        wrong = await asyncio.to_thread(_leaks, workers, fresh)
        if not wrong:
            return []
        await asyncio.sleep(0.5)
    return wrong


def _leaks(workers: list[Worker], fresh: Worker) -> list[str]:
    may_hold = fresh.holds() or {}
    # What runs sync code outside a request is a pool of threads that grows to this.
    may_hold["threads"] += max(8, min(32, (os.cpu_count() or 1) + 4))
    wrong = []
    for worker in workers:
        holds = worker.holds() or {}
        wrong += [
            f"{worker.name} holds {holds.get(what)} {what}, a fresh one {count}"
            for what, count in may_hold.items()
            if holds.get(what, 0) > count
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [worker.name]
            )
            [count] = cursor.fetchone()
        connection.close()
        if count > 20:
            wrong.append(f"{worker.name} holds {count} connections, its two pools 20")
    return wrong
