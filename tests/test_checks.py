"""Each system check, with right and wrong settings; each has an id and a hint."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.http import HttpRequest
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, re_path
from django.views.static import serve

from chatstore.checks import serving
from chatstore.checks.values import (
    DICTS,
    FLAGS,
    INTEGERS_OR_ZERO,
    LISTS,
    POSITIVE_INTEGERS,
    STRINGS,
)
from chatstore.models import ChatMessage, ChatSession
from project.assistant import Assistant
from tests.rows import DAY, add_thread

ROOT = Path(__file__).resolve().parent.parent
CHECKS = ROOT / "chatstore" / "checks"
PAGE = ROOT / "docs" / "reference" / "checks.md"


class ServerForTokens(Assistant):
    csrf_exempt_schemes = ("Bearer",)

    async def get_context(self, request: HttpRequest) -> Any:
        raise NotImplementedError


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

    def test_E020_redis_without_its_package(self) -> None:
        redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}
        with override_settings(CACHES={"default": redis}):
            self.assertEqual(self.found(), [])
            with patch("chatstore.checks.caches.find_spec", return_value=None):
                self.assertEqual(self.found(), [("chatstore.E020", True)])

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
        for value in (
            *("image/png", ["png"], [1], None, 5),
            *(["image/png", "image/jpg"], ["image/*"], ["Image/PNG"]),
        ):
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

    def test_W005_runserver_streams_nothing(self) -> None:
        with patch.object(sys, "argv", ["manage.py", "runserver"]):
            self.assertEqual(self.found(), [("chatstore.W005", False)])
            with patch.object(serving, "get_commands", return_value={"runserver": "channels"}):
                self.assertEqual(self.found(), [])
            with override_settings(CHATSTORE_SERVER="", ROOT_URLCONF="django.contrib.auth.urls"):
                self.assertEqual(self.found(), [])  # the store alone
        with patch.object(sys, "argv", ["manage.py", "check"]):
            self.assertEqual(self.found(), [])

    def test_W006_files_that_a_view_serves_to_all(self) -> None:
        for root, expected in (("/srv/media", [("chatstore.W006", False)]), ("/srv/other", [])):
            urls = ModuleType("urls_with_media")
            urls.urlpatterns = [  # type: ignore[attr-defined]
                path("", include("project.urls")),
                re_path(r"^media/(?P<path>.*)$", serve, {"document_root": root}),
            ]
            storage = {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": "/srv/media/chat", "base_url": "/media/"},
            }
            with (
                self.subTest(root),
                override_settings(
                    ROOT_URLCONF=urls, STORAGES=settings.STORAGES | {"default": storage}
                ),
            ):
                self.assertEqual(self.found(), expected)

    def test_W006_files_where_all_are_public(self) -> None:
        with override_settings(MEDIA_ROOT="/srv/static/media", STATIC_ROOT="/srv/static"):
            self.assertEqual(self.found(), [("chatstore.W006", False)])

    def test_W006_files_below_what_a_web_server_serves(self) -> None:
        for url, expected in (("/media/", ["chatstore.W006"]), ("", [])):
            with override_settings(MEDIA_URL=url, CHATSTORE_MAX_STREAMS=0):
                self.assertEqual(self.found_for_deployment(), expected)
                self.assertEqual(self.found(), [])
        private = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": "/srv/private"},
        }
        with override_settings(
            MEDIA_URL="/media/",
            CHATSTORE_STORAGE="private",
            STORAGES=settings.STORAGES | {"private": private},
        ):
            self.assertEqual(self.found_for_deployment(), [])

    def test_W006_a_public_bucket(self) -> None:
        for options, expected in (
            ({"default_acl": "public-read"}, [("chatstore.W006", False)]),
            ({"querystring_auth": False}, [("chatstore.W006", False)]),
            ({}, []),
        ):
            backend = {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {"bucket_name": "chat", **options},
            }
            with (
                self.subTest(options),
                override_settings(STORAGES=settings.STORAGES | {"default": backend}),
            ):
                self.assertEqual(self.found(), expected)

    def test_E019_a_router_that_parts_the_tables(self) -> None:
        class Router:
            def db_for_write(self, model: Any, **hints: Any) -> str | None:
                return "other" if model is ChatMessage else None

        with override_settings(DATABASE_ROUTERS=[Router()]):
            self.assertEqual(self.found(), [("chatstore.E019", True)])

    def test_W010_a_router_that_does_not_let_the_tables_be_made(self) -> None:
        class Router:
            def allow_migrate(self, using: str, app_label: str, **hints: Any) -> bool | None:
                return False if app_label == "chatstore" else None

        with override_settings(DATABASE_ROUTERS=[Router()]):
            self.assertEqual(self.found(), [("chatstore.W010", False)])

    def test_W007_a_router_with_a_replica(self) -> None:
        class Router:
            def __init__(self, replica: str) -> None:
                self.replica = replica

            def db_for_read(self, model: Any, **hints: Any) -> str:
                return self.replica

        for replica, expected in (("replica", [("chatstore.W007", False)]), ("default", [])):
            with self.subTest(replica), override_settings(DATABASE_ROUTERS=[Router(replica)]):
                self.assertEqual(self.found(), expected)

    def test_W008_a_middleware_that_is_missing(self) -> None:
        for name, is_needed in (
            ("django.contrib.sessions.middleware.SessionMiddleware", True),
            ("django.contrib.auth.middleware.AuthenticationMiddleware", True),
            ("django.middleware.csrf.CsrfViewMiddleware", True),
            ("django.middleware.locale.LocaleMiddleware", False),
            ("django.middleware.common.CommonMiddleware", False),
        ):
            others = [each for each in settings.MIDDLEWARE if each != name]
            with self.subTest(name), override_settings(MIDDLEWARE=others):
                self.assertEqual(self.found(), [("chatstore.W008", False)] if is_needed else [])
                if name.endswith("LocaleMiddleware"):
                    with override_settings(LANGUAGES=[("en", "English"), ("de", "German")]):
                        self.assertEqual(self.found(), [("chatstore.W008", False)])

    def test_W008_what_a_context_of_ones_own_needs_is_not_known(self) -> None:
        with override_settings(MIDDLEWARE=[], CHATSTORE_SERVER="tests.test_checks.ServerForTokens"):
            self.assertEqual(self.found(), [])

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


class PageTest(SimpleTestCase):
    def test_the_page_lists_each_check(self) -> None:
        code = "".join(path.read_text() for path in CHECKS.glob("*.py"))
        listed = re.findall(r"^\| `chatstore\.([EW]\d+)` \|", PAGE.read_text(), re.M)
        self.assertEqual(sorted(set(re.findall(r"[\".]([EW]\d{3})\"", code))), sorted(listed))
        tests = Path(__file__).read_text()
        self.assertEqual([each for each in listed if f"_{each}_" not in tests], [])


class DatabaseChecksTest(TransactionTestCase):
    def found(self) -> list[Any]:
        messages = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
        return [message.id for message in messages if str(message.id).startswith("chatstore.")]

    def test_the_tests_database_can_hold_any_text(self) -> None:
        self.assertEqual(self.found(), [])

    def test_W009_retention_that_nobody_runs(self) -> None:
        add_thread("held", age=400 * DAY, is_on_hold=True)
        add_thread("recent", age=97 * DAY)
        with override_settings(CHATSTORE_RETENTION_DAYS=90):
            self.assertEqual(self.found(), [])
            add_thread("old", age=99 * DAY)
            with CaptureQueriesContext(connection) as sent:
                self.assertEqual(self.found(), ["chatstore.W009"])
            self.assertEqual(sum("chat_sessions" in query["sql"] for query in sent), 1)
            self.assertEqual(checks.run_checks(tags=["chatstore"]), [])
        self.assertEqual(self.found(), [])  # nobody has said that threads are to be deleted
        with override_settings(CHATSTORE_RETENTION_DAYS="90"):
            self.assertEqual(self.found(), [])  # E003

    def test_W009_before_the_tables_are_made(self) -> None:
        table, elsewhere = ChatSession._meta.db_table, "chat_sessions_elsewhere"
        with override_settings(CHATSTORE_RETENTION_DAYS=90), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {elsewhere}")
            try:
                self.assertEqual(self.found(), [])
            finally:
                cursor.execute(f"ALTER TABLE {elsewhere} RENAME TO {table}")

    @pytest.mark.mariadb
    def test_E007_a_database_that_cant_hold_every_message(self) -> None:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"ALTER DATABASE {name} CHARACTER SET latin1")
                self.assertEqual(self.found(), ["chatstore.E007"])
            finally:
                cursor.execute(f"ALTER DATABASE {name} CHARACTER SET utf8mb4")
