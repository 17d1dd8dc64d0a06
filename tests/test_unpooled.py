"""S16: without a pool, no open stream holds a connection to the database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from django.db import connection

from tests.live import LiveTestCase, text_of, until


class UnpooledTests(LiveTestCase):
    env = {"LIVE_SETTINGS": "unpooled"}

    def connections(self) -> set[str]:
        """Return the ids of the connections to the database, without the test's own."""
        if connection.vendor == "sqlite":
            name = str(connection.settings_dict["NAME"])
            files = Path(f"/proc/{self.server.process.pid}/fd").iterdir()
            return {file.name for file in files if str(file.resolve()) == name}
        query = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            if connection.vendor == "postgresql"
            else "SELECT id FROM information_schema.processlist"
            " WHERE db = database() AND id <> connection_id()"
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            return {str(number) for (number,) in cursor.fetchall()}

    def test_S16_open_streams_hold_no_connection_without_a_pool(self) -> None:
        earlier = self.connections()  # what other tests have left may stay or go meanwhile
        with ExitStack() as stack:
            visitors = [self.visitor(f"user{number}") for number in range(20)]
            streams = [
                stack.enter_context(visitor.asking("stages one two")) for visitor in visitors
            ]
            for _, events in streams:
                self.assertEqual(text_of(next(events)), "two")
            until(lambda: self.connections() <= earlier, 30)
        for visitor, (thread_id, _) in zip(visitors, streams, strict=True):
            self.assertEqual(until(lambda v=visitor, t=thread_id: v.answers(t), 30), ["onetwo"])
