"""Each system check, with right and wrong settings; each has an id and a hint."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from chatstore.checks.values import (
    DICTS,
    FLAGS,
    INTEGERS_OR_ZERO,
    LISTS,
    POSITIVE_INTEGERS,
    STRINGS,
)


class SettingsChecksTest(SimpleTestCase):
    databases = {"default"}  # Django 6.1's check queries SQLite for its JSON support

    def found(self) -> list[tuple[str | None, bool]]:
        messages = checks.run_checks(tags=["chatstore"])
        return [(message.id, message.is_serious()) for message in messages]

    def found_for_deployment(self) -> list[str | None]:
        messages = checks.run_checks(tags=["chatstore"], include_deployment_checks=True)
        return [message.id for message in messages]

    def test_the_demo_has_no_errors(self) -> None:
        self.assertEqual(self.found(), [])

    def test_E001_a_server_that_cant_be_imported(self) -> None:
        for name in ("nowhere.Server", "chatstore.server.Missing", "nodots"):
            with self.subTest(name), override_settings(CHATSTORE_SERVER=name):
                self.assertEqual(self.found(), [("chatstore.E001", True)])

    def test_E002_a_server_that_is_no_chat_server(self) -> None:
        for name in ("chatstore.store.DjangoStore", "chatstore.checks.check_settings"):
            with self.subTest(name), override_settings(CHATSTORE_SERVER=name):
                self.assertEqual(self.found(), [("chatstore.E002", True)])

    def test_no_server_is_needed_to_use_the_store_only(self) -> None:
        with override_settings(CHATSTORE_SERVER="", ROOT_URLCONF="django.contrib.auth.urls"):
            self.assertEqual(self.found(), [])
        with override_settings(CHATSTORE_SERVER=""):
            del settings.ROOT_URLCONF  # such as a worker's, which serves no pages
            self.assertEqual(self.found(), [])

    def test_E011_urls_without_a_server(self) -> None:
        with override_settings(CHATSTORE_SERVER=""):
            self.assertEqual(self.found(), [("chatstore.E011", True)])

    def test_E018_a_flagger_that_cant_be_called(self) -> None:
        for name in ("nowhere.flag", "chatstore.moderation.flagging.MAX_WAITING", "nodots"):
            with self.subTest(name), override_settings(CHATSTORE_FLAGGER=name):
                self.assertEqual(self.found(), [("chatstore.E018", True)])
        path = "chatstore.moderation.openai_flagger.OpenAIModeration"
        with override_settings(CHATSTORE_FLAGGER=path):
            self.assertEqual(self.found(), [])

    def test_E003_numbers_below_one_and_other_than_whole_numbers(self) -> None:
        for name in POSITIVE_INTEGERS:
            for value in (0, -1, 1.5, "10", None, True):
                with (
                    self.subTest(f"{name}={value!r}"),
                    override_settings(**{f"CHATSTORE_{name.upper()}": value}),
                ):
                    self.assertEqual(self.found(), [("chatstore.E003", True)])
            with override_settings(**{f"CHATSTORE_{name.upper()}": 1}):
                self.assertEqual(self.found(), [])

    def test_E017_limits_that_are_no_whole_numbers(self) -> None:
        for name in INTEGERS_OR_ZERO:
            for value in (-1, 1.5, "10", None, True):
                with (
                    self.subTest(f"{name}={value!r}"),
                    override_settings(**{f"CHATSTORE_{name.upper()}": value}),
                ):
                    self.assertEqual(self.found(), [("chatstore.E017", True)])
            with override_settings(**{f"CHATSTORE_{name.upper()}": 0}):
                self.assertEqual(self.found(), [])

    def test_E016_an_unknown_cache(self) -> None:
        with override_settings(CHATSTORE_LIMITS_CACHE="attic", CHATSTORE_MAX_STREAMS=5):
            self.assertEqual(self.found(), [("chatstore.E016", True)])
            self.assertEqual(self.found_for_deployment(), ["chatstore.E016"])

    def test_W001_a_cache_that_processes_do_not_share(self) -> None:
        for name in ("max_streams", "messages_per_minute", "creations_per_minute"):
            for backend, expected in (
                ("locmem.LocMemCache", ["chatstore.W001"]),
                ("dummy.DummyCache", ["chatstore.W001"]),
                ("redis.RedisCache", []),
            ):
                cache = {"BACKEND": f"django.core.cache.backends.{backend}"}
                with (
                    self.subTest(f"{name}: {backend}"),
                    override_settings(
                        **{f"CHATSTORE_{name.upper()}": 5}, CACHES={"default": cache}
                    ),
                ):
                    self.assertEqual(self.found_for_deployment(), expected)
                    self.assertEqual(self.found(), [])
        self.assertEqual(self.found_for_deployment(), [])  # without limits none is needed

    def test_E004_upload_types_that_are_no_list_of_types(self) -> None:
        for value in ("image/png", ["png"], [1], None, 5):
            with self.subTest(value), override_settings(CHATSTORE_UPLOAD_TYPES=value):
                self.assertEqual(self.found(), [("chatstore.E004", True)])

    def test_E005_a_base_url_without_a_scheme(self) -> None:
        with override_settings(CHATSTORE_BASE_URL="example.com"):
            self.assertEqual(self.found(), [("chatstore.E005", True)])
        with override_settings(CHATSTORE_BASE_URL="https://example.com"):
            self.assertEqual(self.found(), [])

    def test_E006_an_unknown_storage(self) -> None:
        with override_settings(CHATSTORE_STORAGE="attic"):
            self.assertEqual(self.found(), [("chatstore.E006", True)])

    def test_E008_times_without_a_zone(self) -> None:
        with override_settings(USE_TZ=False):
            self.assertEqual(self.found(), [("chatstore.E008", True)])

    def test_E009_values_of_another_type(self) -> None:
        for names, values in (
            (STRINGS, (None, 5, ["x"], object)),
            (FLAGS, ("False", 1, None)),
            (DICTS, (None, True, 10, "max_size")),
            (LISTS, (None, True, "a@example.com")),
        ):
            for name in names:
                for value in values:
                    with (
                        self.subTest(f"{name}={value!r}"),
                        override_settings(**{f"CHATSTORE_{name.upper()}": value}),
                    ):
                        self.assertEqual(self.found(), [("chatstore.E009", True)])
        for name in FLAGS:
            with override_settings(**{f"CHATSTORE_{name.upper()}": True}):
                self.assertEqual(self.found(), [])

    def test_E010_a_server_without_respond(self) -> None:
        with override_settings(CHATSTORE_SERVER="chatstore.server.ChatServer"):
            [error] = checks.run_checks(tags=["chatstore"])
        self.assertEqual(error.id, "chatstore.E010")
        self.assertIn("lacks respond()", error.msg)

    @pytest.mark.sqlite
    @pytest.mark.mariadb
    def test_E012_an_async_pool_without_postgresql(self) -> None:
        with override_settings(CHATSTORE_ASYNC_POOL={"max_size": 4}):
            self.assertEqual(self.found(), [("chatstore.E012", True)])

    @pytest.mark.postgresql
    def test_E013_an_async_pool_with_wrong_options(self) -> None:
        for options in ({"max_sise": 4}, {"min_size": 9, "max_size": 4}):
            with override_settings(CHATSTORE_ASYNC_POOL=options):
                self.assertEqual(self.found(), [("chatstore.E013", True)])
        with override_settings(CHATSTORE_ASYNC_POOL={"max_size": 4}):
            self.assertEqual(self.found(), [])

    @pytest.mark.postgresql
    def test_E012_an_async_pool_where_django_assumes_a_role(self) -> None:
        options = connection.settings_dict["OPTIONS"]
        with (
            patch.dict(options, assume_role="somebody"),
            override_settings(CHATSTORE_ASYNC_POOL={"max_size": 4}),
        ):
            self.assertEqual(self.found(), [("chatstore.E012", True)])

    @pytest.mark.postgresql
    def test_W002_postgresql_without_a_pool(self) -> None:
        for pool in (None, {}, False):
            with self.subTest(pool), patch.dict(connection.settings_dict["OPTIONS"], pool=pool):
                self.assertEqual(self.found(), [("chatstore.W002", False)])

    @pytest.mark.postgresql
    def test_W003_a_pool_that_is_slow_to_connect_again(self) -> None:
        for pool in (True, {"max_size": 4}, {"reconnect_timeout": 10}):
            with self.subTest(pool), patch.dict(connection.settings_dict["OPTIONS"], pool=pool):
                self.assertEqual(self.found(), [("chatstore.W003", False)])
        with override_settings(CHATSTORE_ASYNC_POOL={"reconnect_timeout": 300}):
            self.assertEqual(self.found(), [("chatstore.W003", False)])
        with override_settings(CHATSTORE_ASYNC_POOL={"reconnect_timeout": 2}):
            self.assertEqual(self.found(), [])

    def test_W004_daphne_loses_unfinished_answers(self) -> None:
        # An empty app of this name takes the place of daphne, which the tests don't install.
        with (
            patch.dict(sys.modules, daphne=ModuleType("daphne")),
            patch.object(sys.modules["daphne"], "__path__", ["/nowhere"], create=True),
            self.modify_settings(INSTALLED_APPS={"append": "daphne"}),
        ):
            self.assertEqual(self.found(), [("chatstore.W004", False)])

    def test_E014_a_cache_that_is_not_there(self) -> None:
        missing = {"BACKEND": "nowhere.Cache"}
        with override_settings(CACHES=settings.CACHES | {"missing": missing}):
            for name in ("elsewhere", "missing"):
                with self.subTest(name), override_settings(CHATSTORE_CACHE=name):
                    self.assertEqual(self.found(), [("chatstore.E014", True)])

    def test_E015_a_cache_that_is_not_one_for_all_processes(self) -> None:
        backends = "django.core.cache.backends."
        server, replica = "redis://127.0.0.1:6379", "redis://127.0.0.2:6379"
        for backend, location, is_fit in (
            ("locmem.LocMemCache", "", False),
            ("dummy.DummyCache", "", False),
            ("filebased.FileBasedCache", "/nowhere", False),
            ("db.DatabaseCache", "table", False),
            ("redis.RedisCache", [server, replica], False),
            ("redis.RedisCache", f"{server},{replica}", False),
            ("redis.RedisCache", [server], True),
            ("redis.RedisCache", server, True),
        ):
            cache = {"BACKEND": backends + backend, "LOCATION": location}
            with (
                self.subTest(f"{backend} {location}"),
                override_settings(CACHES=settings.CACHES | {"threads": cache}),
                override_settings(CHATSTORE_CACHE="threads"),
            ):
                self.assertEqual(self.found(), [] if is_fit else [("chatstore.E015", True)])

    def test_check_prints_what_is_wrong_and_the_hint(self) -> None:
        with (
            override_settings(CHATSTORE_SERVER="nowhere.Server"),
            self.assertRaisesRegex(SystemCheckError, r"chatstore\.E001.*(?s:.)*HINT"),
        ):
            call_command("check")


class DatabaseChecksTest(TransactionTestCase):
    def found(self) -> list[Any]:
        messages = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
        return [message.id for message in messages if str(message.id).startswith("chatstore.")]

    def test_the_tests_database_can_hold_any_text(self) -> None:
        self.assertEqual(self.found(), [])

    @pytest.mark.mariadb
    def test_E007_a_database_that_cant_hold_every_message(self) -> None:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"ALTER DATABASE {name} CHARACTER SET latin1")
                self.assertEqual(self.found(), ["chatstore.E007"])
            finally:
                cursor.execute(f"ALTER DATABASE {name} CHARACTER SET utf8mb4")
