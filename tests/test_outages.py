"""S16: the store after an outage of the database, and while packets to it are lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import httpx
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import SimpleTestCase
from psycopg.sql import SQL, Identifier

from chatstore.db.async_pools import make_pool
from project.settings import DATABASE_OPTIONS
from tests.live import LiveTestCase, until
from tests.postgresql import Namespace, PostgreSQL
from tests.proxy import connected, reopen

POOL = DATABASE_OPTIONS["django.db.backends.postgresql"]["pool"]


@pytest.mark.postgresql
class ReconnectTest(SimpleTestCase):
    def test_S16_in_an_hours_outage_the_pools_try_to_connect_every_two_seconds(self) -> None:
        from psycopg_pool.base import AttemptWithBackoff

        for timeout in (POOL["reconnect_timeout"], make_pool({}).reconnect_timeout):
            now, longest = 0.0, 0.0
            while now < 3600:
                attempt = AttemptWithBackoff(timeout=timeout)
                while not attempt.time_to_give_up(now):
                    attempt.update_delay(now)
                    longest = max(longest, attempt.delay)
                    now += attempt.delay
            self.assertLessEqual(longest, 2)


@pytest.mark.postgresql
@pytest.mark.own_postgresql
@pytest.mark.slow
class OwnDatabaseTestCase(LiveTestCase):
    """The tests of a class, and the server, use a PostgreSQL of their own."""

    database: ClassVar[PostgreSQL]

    @classmethod
    def setUpClass(cls) -> None:
        cls.database = cls.enterClassContext(cls.start_database())
        name = connection.settings_dict["NAME"]
        cls.env = {"DATABASE_URL": cls.database.url.removesuffix("postgres") + name}
        with psycopg.connect(cls.database.url, autocommit=True) as own:
            own.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        cls.enterClassContext(connected(host=cls.database.host, port=cls.database.port))
        call_command("migrate", verbosity=0)
        super().setUpClass()

    @classmethod
    def start_database(cls) -> AbstractContextManager[PostgreSQL]:
        return PostgreSQL()

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(reopen)  # the outage has ended the test's own connection too

    def is_answered(self) -> bool:
        try:
            return self.alice.post("threads.list").status_code == 200
        except httpx.TransportError:
            return False


class AwayTest(OwnDatabaseTestCase):
    def test_S16_after_the_database_was_away_the_store_works_again(self) -> None:
        before = self.alice.ask("say before")[0]["thread"]["id"]
        self.database.stop("immediate")
        self.assertEqual(self.alice.post("threads.list").status_code, 500)
        self.database.start()
        until(self.is_answered, 30)
        self.assertEqual(self.alice.answers(before), ["before"])
        self.assertEqual(self.alice.ask("say after", before)[-1]["type"], "thread.item.done")


@pytest.mark.namespace
class LostPacketsTest(OwnDatabaseTestCase):
    """The database is in a network namespace, where what it sends can be dropped."""

    network: ClassVar[Namespace]

    @classmethod
    @contextmanager
    def start_database(cls) -> Iterator[PostgreSQL]:
        with Namespace() as cls.network, cls.network.database() as database:
            yield database

    def test_S16_while_packets_are_lost_requests_end_and_the_server_obeys_sigterm(self) -> None:
        kept = self.alice.ask("say kept")[0]["thread"]["id"]
        with self.alice.elsewhere().asking("slow word") as (_, events):
            with self.network.blackhole():
                self.assertEqual(self.alice.post("threads.list").status_code, 500)
            until(self.is_answered, 60)
            self.assertEqual(self.alice.answers(kept), ["kept"])
            next(events)
            with self.network.blackhole():
                self.assertIn(self.server.stop(seconds=60), (0, -15))
