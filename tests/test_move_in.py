"""The scripts of docs/how-to/move-in.md, on data of the Agents SDK and of Chainlit."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from agents import SQLiteSession
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import TransactionTestCase

from chatstore.models import ChatMessage, ChatSession

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "move-in.md"
# As https://docs.chainlit.io/data-layers/sqlalchemy shows them, without PostgreSQL's types.
CHAINLIT = """
CREATE TABLE users (
    "id" UUID PRIMARY KEY, "identifier" TEXT NOT NULL UNIQUE, "metadata" JSONB NOT NULL,
    "createdAt" TEXT
);
CREATE TABLE threads (
    "id" UUID PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" UUID, "userIdentifier" TEXT,
    "tags" TEXT[], "metadata" JSONB,
    FOREIGN KEY ("userId") REFERENCES users("id") ON DELETE CASCADE
);
CREATE TABLE steps (
    "id" UUID PRIMARY KEY, "name" TEXT NOT NULL, "type" TEXT NOT NULL, "threadId" UUID NOT NULL,
    "parentId" UUID, "streaming" BOOLEAN NOT NULL, "waitForAnswer" BOOLEAN, "isError" BOOLEAN,
    "metadata" JSONB, "tags" TEXT[], "input" TEXT, "output" TEXT, "createdAt" TEXT,
    "command" TEXT, "start" TEXT, "end" TEXT, "generation" JSONB, "showInput" TEXT,
    "language" TEXT, "indent" INT, "defaultOpen" BOOLEAN,
    FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE
);
INSERT INTO users VALUES ('u1', 'ann@example.com', '{}', '2025-01-01T10:00:00.000Z');
INSERT INTO threads ("id", "createdAt", "name", "userId", "userIdentifier") VALUES
    ('6f1c0a52-0000-4000-8000-000000000001', '2025-01-01T10:00:00.000Z', 'Bikes', 'u1',
     'ann@example.com'),
    ('6f1c0a52-0000-4000-8000-000000000002', '2025-01-02T10:00:00.000Z', 'Of nobody', NULL, NULL);
INSERT INTO steps ("id", "name", "type", "threadId", "streaming", "output", "createdAt") VALUES
    ('s1', 'ann', 'user_message', '6f1c0a52-0000-4000-8000-000000000001', FALSE, 'Bikes?',
     '2025-01-01T10:00:01.000Z'),
    ('s2', 'search', 'tool', '6f1c0a52-0000-4000-8000-000000000001', FALSE, '[42]',
     '2025-01-01T10:00:02.000Z'),
    ('s3', 'Bot', 'assistant_message', '6f1c0a52-0000-4000-8000-000000000001', FALSE, 'Übrig: 42.',
     '2025-01-01T10:00:03.000Z');
"""


class MoveInTest(TransactionTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, code in re.findall(
            r"```python\n# (move_\w+\.py)\n(.*?)```", PAGE.read_text(), re.S
        ):
            (self.folder / name).write_text(code)

    def move(self, script: str, source: Path) -> str:
        """Run a script as the page says, and import what it prints; return the command's words."""
        archive = self.folder / "archive.jsonl"
        with archive.open("wb") as file:
            subprocess.run(
                [sys.executable, script, source], cwd=self.folder, stdout=file, check=True
            )
        out = StringIO()
        call_command("import_threads", str(archive), stdout=out)
        return out.getvalue()

    def said(self) -> list[tuple[str, str]]:
        rows = ChatMessage.objects.order_by("timestamp")
        return [(row.item_type, row.content) for row in rows]

    def test_sessions_of_the_agents_sdk(self) -> None:
        source = self.folder / "sessions.db"

        async def talk() -> None:
            session = SQLiteSession("42:support", source)
            call = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
            output = {"type": "function_call_output", "call_id": "c", "output": "3"}
            answer = [{"type": "output_text", "text": "Three.", "annotations": []}]
            message = {"type": "message", "role": "assistant", "content": answer, "id": "m"}
            await session.add_items([{"role": "user", "content": "How many?"}, call, output])
            await session.add_items([{**message, "status": "completed"}])
            await SQLiteSession("43:support", source).add_items([{"role": "user", "content": "Hi"}])
            session.close()

        async_to_sync(talk)()
        for _ in range(2):  # again changes nothing
            self.move("move_sessions.py", source)
            owners = ChatSession.objects.order_by("user_id").values_list("user_id", "title")
            self.assertEqual(list(owners), [("42", "How many?"), ("43", "Hi")])
            self.assertEqual(
                sorted(self.said()),
                [
                    ("assistant_message", "Three."),
                    ("user_message", "Hi"),
                    ("user_message", "How many?"),
                ],
            )

    def test_chainlits_tables(self) -> None:
        source = self.folder / "chainlit.db"
        connection = sqlite3.connect(source)
        connection.executescript(CHAINLIT)
        connection.close()
        self.move("move_chainlit.py", source)
        session = ChatSession.objects.get()
        self.assertEqual((session.user_id, session.title), ("ann@example.com", "Bikes"))
        self.assertEqual(session.created_at.isoformat(), "2025-01-01T10:00:00+00:00")
        self.assertEqual(
            self.said(), [("user_message", "Bikes?"), ("assistant_message", "Übrig: 42.")]
        )
