"""The demo's files: only the account that runs it may read the database."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProjectConfig(AppConfig):
    name = "project"

    def ready(self) -> None:
        connection_created.connect(_make_database_private)


def _make_database_private(connection: Any, **kwargs: Any) -> None:
    """Take the file of an SQLite database, and the files beside it, from other accounts."""
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):  # there is none, or it belongs to another account
                os.chmod(f"{connection.settings_dict['NAME']}{suffix}", 0o600)
