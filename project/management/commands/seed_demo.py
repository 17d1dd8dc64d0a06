"""Creates the demo site's users and conversations."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from chatkit.types import ThreadItem, ThreadMetadata
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from pydantic import TypeAdapter

from chatstore.store import DjangoStore
from project import demo

item_type: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class Command(BaseCommand):
    help = (
        "Creates the users demo/demo and admin/admin, and thirty conversations of several ages. "
        "Only while DEBUG is on. If the users exist, nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="Apply the migrations first.")

    def handle(self, *args: Any, migrate: bool = False, **options: Any) -> None:
        if migrate:
            call_command("migrate", verbosity=0, skip_checks=True)
        self._seed()

    @transaction.atomic
    def _seed(self) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public, so this needs DEBUG to be on.")
        users = get_user_model().objects
        if not users.filter(username="admin").exists():
            users.create_superuser("admin", password="admin")
        media = Path(settings.MEDIA_ROOT)
        if media.is_dir():  # made before its files were private
            media.chmod(0o700)
        if users.filter(username="demo").exists():
            return
        demo_user = users.create_user("demo", password="demo")
        async_to_sync(self._write_conversations)({"user_id": str(demo_user.pk)})
        self.stdout.write(f"Created {len(demo.CONVERSATIONS)} demo conversations.")

    async def _write_conversations(self, context: dict[str, str]) -> None:
        store: DjangoStore[dict[str, str]] = DjangoStore()
        now = timezone.make_naive(timezone.now())  # naive, as in the SDK
        for (title, items), age in zip(demo.CONVERSATIONS, demo.AGES, strict=True):
            started_at = now - dt.timedelta(days=age, minutes=len(items))
            thread = ThreadMetadata.model_validate(
                {
                    "id": store.generate_thread_id(context),
                    "title": title,
                    "created_at": started_at,
                    "status": demo.STATUSES.get(title, {"type": "active"}),
                }
            )
            await store.save_thread(thread, context)
            for minute, item in enumerate(items):
                stamp = {
                    "id": f"demo_{minute}",
                    "thread_id": thread.id,
                    "created_at": started_at + dt.timedelta(minutes=minute),
                }
                await store.add_thread_item(
                    thread.id, item_type.validate_python({**item, **stamp}), context
                )
