"""Runs store operations on the tests' database in another process, for test_processes.py."""

from __future__ import annotations

import asyncio
import os
from multiprocessing.connection import Connection
from typing import Any


async def run(operations: list[list[Any]]) -> list[str | None]:
    from chatstore.store import DjangoStore
    from tests.base import attachment, thread, user_message

    build = {
        "save_thread": lambda id, title="": [thread(id, title=title)],  # noqa: A006
        "add_thread_item": lambda id, item_id, text="": [id, user_message(item_id, text)],  # noqa: A006
        "save_item": lambda id, item_id, text="": [id, user_message(item_id, text)],  # noqa: A006
        "save_attachment": lambda id: [attachment(id)],  # noqa: A006
    }
    store = DjangoStore()
    errors: list[str | None] = []
    for method, user_id, *arguments in operations:
        if method in build:
            arguments = build[method](*arguments)
        try:
            await getattr(store, method)(*arguments, {"user_id": user_id})
        except Exception as error:  # noqa: BLE001 (the test looks at its name)
            errors.append(type(error).__name__)
        else:
            errors.append(None)
    return errors


def work(database: str, operations: list[list[Any]], pipe: Connection) -> None:
    """
    Connect, say so, wait for a word, and answer with the errors' names, None where there was none.

    Args:
        database: the name of the tests' database.
        operations: ``[method, user_id, *arguments]`` of each.
        pipe: to the test.
    """
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = database
    connection.ensure_connection()
    connection.close()
    pipe.send("ready")
    pipe.recv()
    pipe.send(asyncio.run(run(operations)))
