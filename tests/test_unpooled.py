"""S16: without a pool, no open stream holds a connection to the database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from django.db import connection

from tests.live import LiveTestCase, text_of, until


class UnpooledTests(LiveTestCase):
    env = {"LIVE_SETTINGS": "unpooled"}

    def connections(self) -> int:
        """Return how many connections there are, of the server and of what earlier tests left."""
        if connection.vendor == "sqlite":
            name = str(connection.settings_dict["NAME"])
            files = Path(f"/proc/{self.server.process.pid}/fd").iterdir()
            return sum(str(file.resolve()) == name for file in files)
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'live'"
            if connection.vendor == "postgresql"
            else "SELECT count(*) - 1 FROM information_schema.processlist WHERE db = database()"
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchone()[0])

    def test_S16_open_streams_hold_no_connection_without_a_pool(self) -> None:
        before = self.connections()
        with ExitStack() as stack:
            visitors = [self.visitor(f"user{number}") for number in range(20)]
            streams = [
                stack.enter_context(visitor.asking("stages one two")) for visitor in visitors
            ]
            for _, events in streams:
                self.assertEqual(text_of(next(events)), "two")
            until(lambda: self.connections() <= before, 30)
        for visitor, (thread_id, _) in zip(visitors, streams, strict=True):
            self.assertEqual(until(lambda v=visitor, t=thread_id: v.answers(t), 30), ["onetwo"])
