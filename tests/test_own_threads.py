"""V9, V20, R5, R6: listed, pinned, archived and temporary threads."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from chatstore.models import ChatSession
from chatstore.moderation import actions
from chatstore.moderation.records import Moderator
from chatstore.server.chat_server import get_server
from chatstore.store import DjangoStore
from chatstore.testing import MemoryStore
from tests.base import ALICE, CHARLIE
from tests.endpoint import EndpointMixin
from tests.live import user_input
from tests.rows import DAY, StorageMixin, add_thread

HOUR = dt.timedelta(hours=1)
store: DjangoStore[Any] = DjangoStore()


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["data"]]


class OwnThreadsMixin(EndpointMixin):
    def setUp(self) -> None:
        super().setUp()
        self.threads = {
            name: add_thread(name, self.alice["user_id"], age=n * HOUR, created_at=self.at(n))
            for n, name in enumerate(("thr_0", "thr_1", "thr_2", "thr_3"))
        }

    @staticmethod
    def at(hours: int) -> dt.datetime:
        return dt.datetime(2026, 1, 2, tzinfo=dt.UTC) - hours * HOUR

    def change(self, thread_id: str, change: Any, client: Client | None = None) -> Any:
        client = client or self.client
        return client.post(f"/chat/threads/{thread_id}/", change, content_type="application/json")

    def listed(self, kind: str = "", **query: Any) -> list[str]:
        if kind:
            response = self.client.get("/chat/threads/", {"list": kind, **query})
            self.assertEqual(response.status_code, 200, response.content)
            return ids(response.json())
        return ids(async_to_sync(self.get)("threads.list", {"order": "desc"}))


class PinAndArchiveTests(OwnThreadsMixin, TestCase):
    def test_V9_pinned_threads_are_listed_by_themselves_and_stay_in_the_list(self) -> None:
        for name in ("thr_3", "thr_1"):
            response = self.change(name, {"pinned": True})
            self.assertEqual(response.status_code, 200, response.content)
            self.assertIsNotNone(response.json()["pinned_at"])
        self.assertEqual(self.listed("pinned"), ["thr_1", "thr_3"])
        self.assertEqual(self.listed(), ["thr_0", "thr_1", "thr_2", "thr_3"])
        self.assertIsNone(self.change("thr_1", {"pinned": False}).json()["pinned_at"])
        self.assertEqual(self.listed("pinned"), ["thr_3"])

    def test_V9_archived_threads_are_in_a_list_of_their_own(self) -> None:
        self.change("thr_1", {"pinned": True})
        for name in ("thr_1", "thr_2"):
            self.assertIsNotNone(self.change(name, {"archived": True}).json()["archived_at"])
        self.assertEqual(self.listed(), ["thr_0", "thr_3"])
        self.assertEqual(self.listed("archived"), ["thr_1", "thr_2"])
        self.assertEqual(self.listed("pinned"), [])
        self.change("thr_1", {"archived": False})
        self.change("thr_2", {"pinned": True})
        self.assertEqual(self.listed(), ["thr_0", "thr_1", "thr_2", "thr_3"])
        self.assertEqual(self.listed("archived"), [])

    def test_V9_an_archived_thread_is_a_cursor_still(self) -> None:
        self.change("thr_1", {"archived": True})
        page = async_to_sync(self.get)("threads.list", {"after": "thr_1", "order": "desc"})
        self.assertEqual(ids(page), ["thr_2", "thr_3"])

    def test_V20_threads_are_listed_by_their_last_activity(self) -> None:
        add = async_to_sync(self.send)
        add("threads.add_user_message", {"thread_id": "thr_2", "input": user_input("say fine")})
        self.assertEqual(self.listed("recent"), ["thr_2", "thr_0", "thr_1", "thr_3"])
        page = self.client.get("/chat/threads/?list=recent").json()
        times = [one["updated_at"] for one in page["data"]]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual((page["has_more"], page["after"]), (False, None))
        self.assertEqual(self.listed("recent", limit=2), ["thr_2", "thr_0"])
        # ChatKit's own list keeps its order.
        self.assertEqual(self.listed(), ["thr_0", "thr_1", "thr_2", "thr_3"])
        self.change("thr_2", {"archived": True})
        self.assertEqual(self.listed("recent"), ["thr_0", "thr_1", "thr_3"])

    def test_V20_pages_repeat_none_while_threads_become_active(self) -> None:
        same = timezone.now() - 9 * HOUR  # several of one instant are told apart by their keys
        for number in range(6):
            add_thread(f"thr_same_{number}", self.alice["user_id"], created_at=same)
        ChatSession.objects.filter(thread_id__startswith="thr_same").update(updated_at=same)
        expected, found, after = self.listed("recent"), [], {}
        with override_settings(CHATSTORE_MAX_PAGE_SIZE=3):
            while True:
                page = self.client.get("/chat/threads/", {"list": "recent", **after}).json()
                found += ids(page)
                if not page["has_more"]:
                    break
                self.assertEqual(len(page["data"]), 3)
                after = {"after": page["after"]}
                # The last one of the page, which is its cursor, is the last active now.
                ChatSession.objects.filter(thread_id=found[-1]).update(updated_at=timezone.now())
        self.assertEqual(found, expected)

    def test_V9_neither_is_activity_nor_changes_what_chatkit_loads(self) -> None:
        before = ChatSession.objects.values("updated_at", "payload").get(thread_id="thr_1")
        self.change("thr_1", {"pinned": True})
        self.change("thr_1", {"archived": True})
        row = ChatSession.objects.values("updated_at", "payload").get(thread_id="thr_1")
        self.assertEqual(row, before)

    def test_V9_a_new_message_ends_the_archiving(self) -> None:
        self.change("thr_1", {"archived": True})
        params = {"thread_id": "thr_1", "input": user_input("say fine")}
        async_to_sync(self.send)("threads.add_user_message", params)
        self.assertEqual(self.listed("archived"), [])
        self.assertIn("thr_1", self.listed())
        self.assertIsNone(self.client.get("/chat/threads/thr_1/").json()["archived_at"])

    def test_V9_renaming_keeps_both(self) -> None:
        self.change("thr_1", {"pinned": True})
        self.change("thr_2", {"archived": True})
        for name in ("thr_1", "thr_2"):
            async_to_sync(self.get)("threads.update", {"thread_id": name, "title": "New"})
        self.assertEqual((self.listed("pinned"), self.listed("archived")), (["thr_1"], ["thr_2"]))

    def test_S3_another_users_thread_is_unknown(self) -> None:
        stranger = Client()
        stranger.force_login(self.other)
        before = list(ChatSession.objects.order_by("pk").values())
        for change in ({"pinned": True}, {"archived": True}, {"shared": True}, {"shared": False}):
            self.assert_refused(self.change("thr_1", change, stranger), 404)
        self.assert_refused(stranger.get("/chat/threads/thr_1/"), 404)
        for kind in ("pinned", "recent", "archived"):
            self.assertEqual(stranger.get(f"/chat/threads/?list={kind}").json()["data"], [])
        self.assertEqual(list(ChatSession.objects.order_by("pk").values()), before)

    def test_V5_other_requests_are_refused(self) -> None:
        for body in ("{", "[]", "{}", '{"pinned": 1}', '{"pinned": true, "archived": true}', "1"):
            with self.subTest(body):
                self.assert_refused(self.change("thr_1", body), 400)
        self.assert_refused(self.client.get("/chat/threads/?list=all"), 400)
        for limit in ("0", "-1", "x", "", "1" * 99):
            query = {"list": "recent", "limit": limit}
            self.assert_refused(self.client.get("/chat/threads/", query), 400)
        for after in ("thr_1", "1_x", "9" * 18 + "_" + "0" * 32, "\0"):
            query = {"list": "recent", "after": after}
            self.assert_refused(self.client.get("/chat/threads/", query), 400)
        self.assert_refused(self.change("thr_0\0", {"pinned": True}), 404)
        self.assert_refused(Client().get("/chat/threads/?list=pinned"), 401)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.user)
        self.assert_refused(self.change("thr_1", {"pinned": True}, strict), 403)

    def test_another_packages_store_has_neither(self) -> None:
        with mock.patch.object(get_server(), "store", MemoryStore()):
            self.assert_refused(self.client.get("/chat/threads/?list=pinned"), 501)


class KeepPinnedTests(StorageMixin, TestCase):
    def cleanup(self, **options: Any) -> str:
        out = StringIO()
        call_command("cleanup_threads", days=90, stdout=out, **options)
        return out.getvalue().strip()

    def setUp(self) -> None:
        super().setUp()
        for name in ("thr_old", "thr_pinned"):
            add_thread(name, age=100 * DAY, messages=1)
        async_to_sync(store.pin_thread)("thr_pinned", True, ALICE)

    def test_R5_a_pin_spares_from_retention_only_where_the_setting_says_so(self) -> None:
        with override_settings(CHATSTORE_KEEP_PINNED=True):
            kept = "1 pinned thread is kept."
            said = f"1 thread, 1 message and 0 files. {kept}"
            self.assertEqual(self.cleanup(dry_run=True), f"Would delete {said}")
            self.assertEqual(self.cleanup(), f"Deleted {said}")
            self.assertEqual(json.loads(self.cleanup(as_json=True))["pinned"], 1)
            self.assertTrue(ChatSession.objects.filter(thread_id="thr_pinned").exists())
        self.assertEqual(self.cleanup(), "Deleted 1 thread, 1 message and 0 files.")

    @override_settings(CHATSTORE_KEEP_PINNED=True)
    def test_R5_erasure_spares_no_pin(self) -> None:
        call_command("erase_user", "alice", stdout=StringIO())
        self.assertFalse(ChatSession.objects.exists())


class TransferTests(StorageMixin, TransactionTestCase):
    def test_V9_pins_and_archives_go_to_the_new_owner_and_links_end(self) -> None:
        for name in ("thr_pinned", "thr_archived"):
            add_thread(name)
        async_to_sync(store.pin_thread)("thr_pinned", True, ALICE)
        async_to_sync(store.share_thread)("thr_pinned", "0" * 64, ALICE)
        async_to_sync(store.archive_thread)("thr_archived", True, ALICE)
        options = {"from_user": "alice", "to_user": "charlie", "stdout": StringIO()}
        call_command("assign_threads", **options)
        [pinned] = async_to_sync(store.load_pinned_threads)(10, CHARLIE).data
        self.assertEqual(pinned.thread.id, "thr_pinned")
        page = async_to_sync(store.load_recent_threads)(10, None, CHARLIE, listing="archived")
        self.assertEqual([each.thread.id for each in page.data], ["thr_archived"])
        state = async_to_sync(store.load_thread_state)("thr_pinned", CHARLIE)
        self.assertIsNone(state.shared_at)

    def test_V9_R3_an_archive_holds_both(self) -> None:
        for name in ("thr_pinned", "thr_archived"):
            add_thread(name)
        async_to_sync(store.pin_thread)("thr_pinned", True, ALICE)
        async_to_sync(store.archive_thread)("thr_archived", True, ALICE)
        columns = ("thread_id", "pinned_at", "archived_at", "listing")
        before = list(ChatSession.objects.order_by("pk").values(*columns))
        with TemporaryDirectory() as folder:
            path = str(Path(folder) / "a.jsonl")
            call_command("export_threads", path, stdout=StringIO())
            call_command("erase_user", "alice", stdout=StringIO())
            call_command("import_threads", path, stdout=StringIO())
        self.assertEqual(list(ChatSession.objects.order_by("pk").values(*columns)), before)


class TemporaryTests(EndpointMixin, TestCase):
    def create(self, **request: Any) -> str:
        body = {"type": "threads.create", "params": {"input": user_input("say fine")}, **request}
        response = async_to_sync(self.post_body)(json.dumps(body))
        self.assertEqual(response.status_code, 200)
        return response.events[0]["thread"]["id"]

    def age(self, thread_id: str, hours: float) -> None:
        rows = ChatSession.objects.filter(thread_id=thread_id)
        rows.update(updated_at=timezone.now() - hours * HOUR)

    def cleanup(self, *args: str, **options: Any) -> str:
        out = StringIO()
        call_command("cleanup_threads", *args, stdout=out, **options)
        return out.getvalue().strip()

    def test_R6_it_is_in_no_list_and_goes_a_day_after_its_last_message(self) -> None:
        kept, ended = self.create(), self.create(metadata={"temporary": True})
        self.assertEqual(ids(async_to_sync(self.get)("threads.list")), [kept])
        self.assertEqual(ids(self.client.get("/chat/threads/?list=recent").json()), [kept])
        for kind in ("pinned", "archived"):
            self.assertEqual(self.client.get(f"/chat/threads/?list={kind}").json()["data"], [])
        self.assertTrue(self.client.get(f"/chat/threads/{ended}/").json()["is_temporary"])
        self.assertFalse(self.client.get(f"/chat/threads/{kept}/").json()["is_temporary"])
        params = {"thread_id": ended, "input": user_input("say fine")}
        self.age(ended, 30)  # and is used again
        async_to_sync(self.send)("threads.add_user_message", params)
        self.assertEqual(ids(async_to_sync(self.get)("threads.list")), [kept])
        self.assertNotIn("temporary", self.cleanup("--days=90"))
        self.age(ended, 25)
        self.age(kept, 25)
        would = "Would delete 0 threads, 0 messages and 0 files. Would delete temporary: "
        self.assertIn(would, self.cleanup("--days=90", "--dry-run"))
        self.assertIn("Deleted temporary: 1 thread, 4 messages", self.cleanup("--temporary"))
        self.assertEqual([row.thread_id for row in ChatSession.objects.all()], [kept])

    def test_R6_the_hours_are_a_setting_and_zero_makes_none(self) -> None:
        ended = self.create(metadata={"temporary": True})
        self.age(ended, 3)
        with override_settings(CHATSTORE_TEMPORARY_HOURS=2):
            self.assertIn("1 thread", self.cleanup("--temporary"))
        with override_settings(CHATSTORE_TEMPORARY_HOURS=0):
            body = {"type": "threads.create", "params": {"input": user_input("say fine")}}
            body["metadata"] = {"temporary": True}
            self.assert_refused(async_to_sync(self.post_body)(json.dumps(body)), 501)
        self.assertFalse(ChatSession.objects.exists())

    def test_M4_R6_a_hold_keeps_it(self) -> None:
        ended = self.create(metadata={"temporary": True})
        self.age(ended, 30)
        actions.hold(ChatSession.objects.get(), Moderator("Mo"))
        said = self.cleanup("--temporary")
        self.assertIn("0 threads", said)
        self.assertIn("1 thread on hold is kept.", said)

    def test_R6_no_export_and_no_archive_holds_it(self) -> None:
        ended = self.create(metadata={"temporary": True})
        self.age(ended, 100 * 24)
        for change in ({"pinned": True}, {"archived": True}, {"shared": True}):
            response = self.client.post(f"/chat/threads/{ended}/", change, "application/json")
            self.assert_refused(response, 409)
        self.assert_refused(self.client.get(f"/chat/threads/{ended}/export/?format=json"), 409)
        everything = b"".join(self.client.get("/chat/export/?format=json"))
        self.assertNotIn(ended.encode(), everything)
        with TemporaryDirectory() as folder:
            for command in ("export_threads", "cleanup_threads"):
                path = Path(folder) / f"{command}.jsonl"
                options = {"days": 90, "archive": str(path)} if command[0] == "c" else {}
                args = [] if options else [str(path)]
                call_command(command, *args, stdout=StringIO(), **options)
                self.assertNotIn(ended, path.read_text())
        self.assertFalse(ChatSession.objects.exists())

    def test_R6_retention_takes_it_earlier_if_its_days_are_fewer(self) -> None:
        self.age(self.create(metadata={"temporary": True}), 100 * 24)
        with override_settings(CHATSTORE_TEMPORARY_HOURS=365 * 24):
            self.assertIn("0 threads", self.cleanup("--temporary"))
            self.assertIn("Deleted temporary: 1 thread", self.cleanup("--days=90"))

    def test_R6_one_beyond_the_limit_of_a_run_is_not_archived(self) -> None:
        for _ in range(2):
            self.age(self.create(metadata={"temporary": True}), 100 * 24)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "a.jsonl"
            self.cleanup(days=90, limit=1, archive=str(path))
            self.assertNotIn("thr_", path.read_text())
        self.assertEqual(ChatSession.objects.count(), 1)

    def test_R2_R6_limit_and_status_of_a_run_hold_for_temporary_threads_too(self) -> None:
        locked = self.create(metadata={"temporary": True})
        for thread in (locked, self.create(metadata={"temporary": True}), self.create()):
            self.age(thread, 100 * 24)
        status = ChatSession.Status.LOCKED
        ChatSession.objects.filter(thread_id=locked).update(status=status)
        for options in ({"days": 90}, {"temporary": True}):
            said = self.cleanup(status=status, dry_run=True, **options)
            self.assertIn("temporary: 1 thread,", said)
        for left in (2, 1, 0):
            self.cleanup(days=90, limit=1)
            self.assertEqual(ChatSession.objects.count(), left)

    def test_R6_a_moderator_reads_it_while_it_is_there(self) -> None:
        self.create(metadata={"temporary": True})
        self.user.is_staff = self.user.is_superuser = True
        self.user.save()
        page = self.client.get("/admin/chatstore/chatsession/?listing=temporary")
        self.assertContains(page, "Temporary")
        self.assertContains(page, "1 thread")
        pinned = add_thread("thr_pinned", self.alice["user_id"], pinned_at=timezone.now())
        page = self.client.get("/admin/chatstore/chatsession/?listing=pinned")
        self.assertContains(page, pinned.title)
        self.assertContains(page, "1 thread")
