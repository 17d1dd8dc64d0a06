"""
Runs store operations on the tests' database in another process, for test_processes.py.

Reads the database's name and a list of operations, ``[method, user_id, *arguments]``, as JSON
from its first line of input, says "ready", waits for the second line, and answers with a list
of the errors' names, or null where there was none.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
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


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.db import connection

    job = json.loads(sys.stdin.readline())
    connection.settings_dict["NAME"] = job["database"]
    connection.ensure_connection()
    connection.close()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(asyncio.run(run(job["operations"]))))


if __name__ == "__main__":
    main()
