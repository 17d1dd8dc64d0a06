"""The demo site: its settings, pages and example data."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import threading
from io import StringIO
from pathlib import Path

from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, SimpleTestCase, TestCase, override_settings
from django.utils import timezone

from chatstore.models import ChatMessage, ChatSession
from project.static_files import static_files_middleware

ROOT = Path(__file__).resolve().parent.parent


class SettingsTest(SimpleTestCase):
    """Each case runs in its own process, as in a deployment."""

    def read(self, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
        code = (
            "import json; from django.conf import settings; "
            f"values = {{name: getattr(settings, name, None) for name in {names!r}}}; "
            "print(json.dumps(values, default=str))"
        )
        env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "project.settings"}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=env | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def values(self, *names: str, **environment: str) -> dict:
        done = self.read(*names, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_nothing_set_is_the_demo_on_sqlite(self) -> None:
        values = self.values("DEBUG", "DATABASES")
        self.assertIs(values["DEBUG"], True)
        database = values["DATABASES"]["default"]
        self.assertEqual(database["NAME"], str(ROOT / "db.sqlite3"))
        self.assertEqual(database["OPTIONS"]["transaction_mode"], "IMMEDIATE")
        self.assertIn("journal_mode=WAL", database["OPTIONS"]["init_command"])
        self.assertIn("secure_delete=ON", database["OPTIONS"]["init_command"])

    def test_other_accounts_can_read_neither_database_nor_files(self) -> None:
        """Whatever the umask is, and if the files were readable before."""
        code = (
            "import os, stat; os.umask(0o022); import django; django.setup(); "
            "from django.core.files.base import ContentFile; "
            "from django.core.files.storage import default_storage as storage; "
            "from django.db import connection; "
            "connection.cursor().execute('CREATE TABLE IF NOT EXISTS t (a)'); "
            "storage.save('deep/er/file', ContentFile(b'x')); "
            "name = connection.settings_dict['NAME']; "
            "found = [name, f'{name}-wal', f'{name}-shm', storage.path('deep/er/file')]; "
            "folders = [storage.path(p) for p in ('', 'deep', 'deep/er')]; "
            "modes = [{stat.S_IMODE(os.stat(path).st_mode) for path in paths} "
            "for paths in (found, folders)]; "
            "print(modes == [{0o600}, {0o700}], modes); "
            "connection.close(); os.chmod(name, 0o644)"
        )
        with tempfile.TemporaryDirectory() as folder:
            for _time in range(2):
                done = subprocess.run(
                    [sys.executable, "-c", code],
                    cwd=ROOT,
                    env={
                        "PATH": os.environ["PATH"],
                        "DJANGO_SETTINGS_MODULE": "project.settings",
                        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
                        "MEDIA_ROOT": f"{folder}/media",
                    },
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertTrue(done.stdout.startswith("True"), done.stdout + done.stderr)

    def test_an_empty_database_url_is_none(self) -> None:
        database = self.values("DATABASES", DATABASE_URL="")["DATABASES"]["default"]
        self.assertEqual(database["ENGINE"], "django.db.backends.sqlite3")

    def test_postgresql_has_a_pool_whose_size_the_environment_says(self) -> None:
        url = "postgres://ann:secret@db.example.com/chat?sslmode=require"
        database = self.values("DATABASES", DATABASE_URL=url, DATABASE_POOL_SIZE="3")["DATABASES"][
            "default"
        ]
        self.assertEqual(database["ENGINE"], "django.db.backends.postgresql")
        self.assertEqual(database["OPTIONS"]["pool"]["max_size"], 3)
        self.assertEqual(database["OPTIONS"]["sslmode"], "require")

    def test_a_bad_database_url_is_answered_with_a_sentence_and_without_the_password(self) -> None:
        for url in ("nonsense", "oracle://ann:secret@host/db"):
            with self.subTest(url):
                done = self.read("DATABASES", DATABASE_URL=url)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("ImproperlyConfigured: DATABASE_URL must begin with", done.stderr)
                self.assertNotIn("secret", done.stderr)

    def test_without_debug_a_secret_key_is_asked_for(self) -> None:
        done = self.read("SECRET_KEY", DEBUG="off")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SECRET_KEY", done.stderr)

    def test_without_debug_cookies_want_https_and_static_files_are_hashed(self) -> None:
        names = (
            "SESSION_COOKIE_SECURE",
            "CSRF_COOKIE_SECURE",
            "SECURE_SSL_REDIRECT",
            "SECURE_HSTS_SECONDS",
            "STORAGES",
        )
        values = self.values(*names, DEBUG="off", SECRET_KEY="x" * 50)
        self.assertTrue(all(values[name] for name in names))
        self.assertIn("Manifest", values["STORAGES"]["staticfiles"]["BACKEND"])


class PagesTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice = get_user_model().objects.create_user("alice", password="alice-secret")

    def test_home_links_to_chat_and_admin(self) -> None:
        response = self.client.get("/")
        self.assertContains(response, 'href="/chat/"')
        self.assertContains(response, 'href="/admin/"')

    def test_home_and_sign_in_name_the_demos_users_while_they_exist(self) -> None:
        for page in ("home.html", "registration/login.html"):
            for is_demo in (True, False):
                html = render_to_string(page, {"is_demo": is_demo})
                self.assertIs("<code>demo</code>" in html, is_demo)

    def test_sign_in_continues_to_the_requested_page_and_sign_out_works(self) -> None:
        form = {"username": "alice", "password": "alice-secret"}
        self.assertRedirects(
            self.client.post("/login/?next=/chat/", form | {"next": "/chat/"}),
            "/chat/",
            fetch_redirect_response=False,
        )
        self.assertContains(self.client.get("/"), "alice")
        self.assertRedirects(self.client.post("/logout/"), "/")
        self.assertNotContains(self.client.get("/"), "alice")

    def test_a_wrong_password_is_reported_on_the_form(self) -> None:
        response = self.client.post("/login/", {"username": "alice", "password": "wrong"})
        self.assertContains(response, 'role="alert"')

    def test_forms_need_a_csrf_token(self) -> None:
        response = Client(enforce_csrf_checks=True).post("/login/", {"username": "alice"})
        self.assertEqual(response.status_code, 403)

    def test_pages_are_sent_with_a_strict_policy_and_need_nothing_else(self) -> None:
        for url in ("/", "/login/"):
            response = self.client.get(url)
            policy = response.headers["Content-Security-Policy"]
            self.assertIn("default-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotContains(response, "<style")
            self.assertNotContains(response, "<script")
            self.assertNotContains(response, " style=")


class StaticFilesTest(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        Path(self.folder, "page.css").write_text("a {}")

    async def test_files_are_sent_and_other_requests_stay_in_the_event_loop(self) -> None:
        async def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(str(threading.get_ident()))

        with override_settings(STATIC_ROOT=self.folder, DEBUG=False):
            middleware = static_files_middleware(view)
        self.assertTrue(iscoroutinefunction(middleware))
        file = await middleware(RequestFactory().get("/static/page.css"))
        self.assertEqual(b"".join(file), b"a {}")
        file.close()
        for path in ("/static/other.css", "/chat/"):
            with self.subTest(path):
                response = await middleware(RequestFactory().get(path))
                self.assertEqual(response.content.decode(), str(threading.get_ident()))


class SeedTest(TestCase):
    def seed(self) -> str:
        out = StringIO()
        call_command("seed_demo", stdout=out)
        return out.getvalue()

    def test_it_refuses_unless_debug_is_on(self) -> None:
        with self.assertRaisesMessage(CommandError, "DEBUG"):
            self.seed()
        self.assertFalse(get_user_model().objects.exists())

    @override_settings(DEBUG=True)
    def test_it_makes_two_users_and_thirty_conversations_of_several_ages_once(self) -> None:
        self.assertIn("30 demo conversations", self.seed())
        self.assertTrue(self.client.login(username="demo", password="demo"))
        self.assertFalse(get_user_model().objects.get(username="demo").is_staff)
        self.assertTrue(self.client.login(username="admin", password="admin"))
        self.assertEqual(ChatSession.objects.count(), 30)
        old = timezone.now() - dt.timedelta(days=90)
        self.assertGreaterEqual(ChatSession.objects.inactive_since(old).count(), 5)
        self.assertGreaterEqual(ChatMessage.objects.values("item_type").distinct().count(), 6)

        messages = ChatMessage.objects.count()
        self.assertEqual(self.seed(), "")
        self.assertEqual(ChatSession.objects.count(), 30)
        self.assertEqual(ChatMessage.objects.count(), messages)

    @override_settings(DEBUG=True)
    def test_cleanup_has_something_to_remove_afterwards(self) -> None:
        self.seed()
        out = StringIO()
        call_command("cleanup_threads", "--days", "90", "--dry-run", stdout=out)
        self.assertRegex(out.getvalue(), r"Would delete \d+")
