"""What moderators do beside a conversation: several messages at once, notes, labels, assignee."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from asgiref.sync import async_to_sync
from django.test import TestCase, override_settings

from chatstore.exceptions import ModerationRefused
from chatstore.models import ChatMessage, ChatReport, ChatSession, ModerationRecord
from chatstore.moderation import notes
from chatstore.moderation.actions import hold, lock
from chatstore.moderation.records import Moderator
from chatstore.store import DjangoStore
from tests import base
from tests.moderators import THREADS, client_of, item_url, staff, url
from tests.rows import add_thread

READER = ("view_chatsession", "read_transcript")
BY = Moderator("carol", staff_id="1")


class ActsTestCase(TestCase):
    def setUp(self) -> None:
        self.thread = add_thread("thr_1", messages=4)
        self.messages = list(self.thread.messages.order_by("timestamp"))

    def acts(self, client: Any, action: str, *messages: ChatMessage, **data: Any) -> Any:
        values = {"action": action, "items": [str(each.pk) for each in messages], **data}
        return client.post(url(self.thread, "acts"), values)

    def hidden(self) -> list[str]:
        rows = ChatMessage.objects.exclude(hidden_at=None).order_by("timestamp")
        return list(rows.values_list("item_id", flat=True))


class BarTest(ActsTestCase):
    def test_several_messages_are_hidden_and_the_same_place_is_shown(self) -> None:
        client = client_of(staff("carol", *READER, "moderate"))
        back = f"{url(self.thread, 'transcript')}?until=2026-01-01T00:00:00Z"
        answer = client.post(
            f"{url(self.thread, 'acts')}?next={back}",
            {
                "action": "hide",
                "items": [self.messages[0].pk, self.messages[2].pk],
                "preset": "Insults or hatred",
            },
        )
        self.assertRedirects(answer, back, fetch_redirect_response=False)
        self.assertEqual(self.hidden(), ["msg_3", "msg_1"])
        records = ModerationRecord.objects.filter(action="hide").order_by("pk")
        self.assertEqual(
            list(records.values_list("item_ids", "reason")),
            [(["msg_3"], "Insults or hatred"), (["msg_1"], "Insults or hatred")],
        )
        self.acts(client, "show", self.messages[0], reason="x")
        self.assertEqual(self.hidden(), ["msg_1"])

    def test_what_is_not_possible_is_said_and_the_rest_is_done(self) -> None:
        client = client_of(staff("carol", *READER, "moderate"))
        self.acts(client, "hide", self.messages[0], reason="x")
        self.acts(client, "hide", *self.messages[:2], reason="x")
        page = client.get(url(self.thread, "transcript"))
        self.assertContains(page, "hidden already")
        self.assertEqual(self.hidden(), ["msg_3", "msg_2"])

    def test_without_a_reason_or_a_message_nothing_is_done(self) -> None:
        client = client_of(staff("carol", *READER, "moderate"))
        self.acts(client, "hide", self.messages[0])
        self.acts(client, "hide", reason="x")
        self.acts(client, "lock")
        page = client.get(url(self.thread, "transcript"))
        self.assertContains(page, "Give a reason. Nothing was done.")
        self.assertContains(page, "Select messages first. Nothing was done.")
        self.assertFalse(ModerationRecord.objects.exclude(action="read").exists())

    def test_the_thread_is_locked_from_the_same_bar(self) -> None:
        client = client_of(staff("carol", *READER, "moderate"))
        self.acts(client, "lock", reason="Be kind")
        self.assertEqual(ChatSession.objects.get().moderation, "locked")
        page = client.get(url(self.thread, "transcript"))
        self.assertContains(page, "Locked by a moderator")
        self.assertContains(page, 'name="action" value="reopen"')

    def test_M5_messages_are_reported_from_the_same_bar(self) -> None:
        client = client_of(staff("carol", *READER, "handle_reports"))
        self.acts(client, "flag", *self.messages[:2], reason="Look at this")
        made = ChatReport.objects.order_by("item_id")
        self.assertEqual([row.item_id for row in made], ["msg_2", "msg_3"])
        self.assertEqual((made[0].source, made[0].reporter), ("moderator", "carol"))
        self.assertEqual(ModerationRecord.objects.filter(action="flag").count(), 2)

    def test_M3_each_act_needs_its_permission(self) -> None:
        for action, permission in (
            ("hide", "moderate"),
            ("show", "moderate"),
            ("flag", "handle_reports"),
            ("lock", "moderate"),
            ("reopen", "moderate"),
            ("hold", "hold"),
        ):
            every = {*READER, "moderate", "handle_reports", "hold"}
            for missing in (permission, "read_transcript", "view_chatsession"):
                with self.subTest(action, missing=missing):
                    client = client_of(staff(f"{action} {missing}", *(every - {missing})))
                    with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                        answer = self.acts(client, action, self.messages[0], reason="x")
                    self.assertEqual(answer.status_code, 403)
            client = client_of(staff(f"{action} only", *READER, permission))
            self.assertEqual(
                self.acts(client, action, self.messages[0], reason="x").status_code, 302
            )
        self.assertNotContains(
            client_of(staff("reader", *READER)).get(url(self.thread, "transcript")), "/acts/"
        )

    def test_what_is_final_or_unknown_is_not_done_here(self) -> None:
        client = client_of(staff("carol", *READER, "moderate", "redact", "delete_chatsession"))
        for action in ("redact", "delete", "burn", ""):
            answer = self.acts(client, action, self.messages[0], reason="x")
            self.assertEqual(answer.status_code, 404)
        values = {"action": "hide", "items": ["no key"], "reason": "x"}
        self.assertEqual(client.post(url(self.thread, "acts"), values).status_code, 404)
        self.assertEqual(client.get(url(self.thread, "acts")).status_code, 302)

    def test_another_threads_messages_are_not_touched(self) -> None:
        other = add_thread("thr_2", "charlie").messages.first()
        client = client_of(staff("carol", *READER, "moderate"))
        self.acts(client, "hide", other, reason="x")
        self.assertEqual(self.hidden(), [])


class ShownTest(ActsTestCase):
    """The header, and the message that an action's page is about."""

    def test_the_header_names_owner_state_and_hold(self) -> None:
        lock(self.thread, Moderator("carol", "x"))
        hold(self.thread, Moderator("carol", "x"))
        page = client_of(staff("carol", *READER)).get(url(self.thread, "transcript"))
        for text in ("Locked by a moderator", "On hold", f"{THREADS}people/{b'alice'.hex()}/"):
            self.assertContains(page, text)

    def test_M3_the_page_of_an_action_shows_its_message_and_that_is_on_record(self) -> None:
        client = client_of(staff("carol", *READER, "moderate", "redact"))
        for action in ("hide", "redact"):
            page = client.get(item_url(self.messages[1], "do", action))
            self.assertContains(page, "Text 2")
            self.assertContains(page, self.messages[1].timestamp.isoformat())
            self.assertContains(page, "alice")
            self.assertNotContains(page, "Text 1")
        record = ModerationRecord.objects.latest("pk")
        self.assertEqual((record.action, record.item_ids), ("read", ["msg_2"]))

    @override_settings(CHATSTORE_REASON_TO_READ=True)
    def test_M3_not_before_a_reason_was_given(self) -> None:
        client = client_of(staff("carol", *READER, "moderate"))
        page = client.get(item_url(self.messages[1], "do", "hide"))
        self.assertNotContains(page, "Text 2")
        self.assertContains(page, "Give a reason to read the message")
        self.assertFalse(ModerationRecord.objects.exists())


class AnnotationsTest(ActsTestCase):
    def annotate(self, client: Any, name: str, **data: str) -> Any:
        values = {f"{name}-{key}": value for key, value in data.items()}
        return client.post(url(self.thread, "annotate", name), values)

    def test_notes_labels_and_assignee_are_shown_on_the_threads_page(self) -> None:
        staff("dora")
        client = client_of(staff("carol", "view_chatsession", "note", "label", "assign"))
        self.annotate(client, "note", text="Called <them>")
        self.annotate(client, "label", labels="spam, legal,, spam")
        self.annotate(client, "assign", assignee="dora")
        page = client.get(url(self.thread, "change"))
        for text in ("Called &lt;them&gt;", "spam, legal", "dora"):
            self.assertContains(page, text)
        thread = ChatSession.objects.get()
        self.assertEqual((thread.labels, thread.assignee), ("spam, legal", "dora"))
        self.assertEqual([note["who"] for note in thread.notes or []], ["carol"])
        reader = client_of(staff("eve", *READER))
        self.assertNotContains(reader.get(url(self.thread, "change")), "Called")
        self.assertContains(reader.get(url(self.thread, "transcript")), "Assigned to dora")

    def test_M3_each_is_on_record_without_the_words_of_a_note(self) -> None:
        notes.add_note(self.thread, BY, "secret words")
        notes.set_labels(self.thread, BY, ["spam"])
        notes.assign(self.thread, BY, "dora")
        records = ModerationRecord.objects.order_by("pk")
        self.assertEqual(
            list(records.values_list("action", "reason", "thread_id")),
            [("note", "", "thr_1"), ("label", "spam", "thr_1"), ("assign", "dora", "thr_1")],
        )

    def test_M3_each_needs_its_permission(self) -> None:
        for name in ("note", "label", "assign"):
            every = {"view_chatsession", "read_transcript", "note", "label", "assign", "moderate"}
            for missing in (name, "view_chatsession"):
                client = client_of(staff(f"{name} {missing}", *(every - {missing})))
                with self.assertLogs("chatstore.admin.permissions", "WARNING"):
                    answer = self.annotate(client, name, text="x", labels="x", assignee="")
                self.assertEqual(answer.status_code, 403)
            client = client_of(staff(f"{name} only", "view_chatsession", name))
            page = client.get(url(self.thread, "change")).content.decode()
            self.assertEqual(page.count("/annotate/"), 1)
            self.annotate(client, name, text="x", labels="x", assignee="")
        actions = ModerationRecord.objects.order_by("pk").values_list("action", flat=True)
        self.assertEqual(list(actions), ["note", "label", "assign"])

    def test_what_is_too_much_is_refused(self) -> None:
        client = client_of(staff("carol", "view_chatsession", "note", "label", "assign"))
        self.annotate(client, "note", text="x" * 2001)
        self.annotate(client, "label", labels=", ".join(str(n) for n in range(200)))
        self.annotate(client, "assign", assignee="nobody")
        thread = ChatSession.objects.get()
        self.assertEqual((thread.notes, thread.labels, thread.assignee), (None, "", ""))
        with self.assertRaises(ModerationRefused):
            notes.set_labels(self.thread, BY, ["a" * 200, "b" * 200])
        with patch.object(notes, "MAX_NOTES", 1):
            notes.add_note(self.thread, BY, "one")
            with self.assertRaises(ModerationRefused):
                notes.add_note(self.thread, BY, "two")
        self.assertEqual(client.post(url(self.thread, "annotate", "burn")).status_code, 404)
        self.assertEqual(client.get(url(self.thread, "annotate", "note")).status_code, 302)

    def test_neither_user_nor_model_sees_them_and_the_store_leaves_them(self) -> None:
        notes.add_note(self.thread, BY, "secret words")
        notes.set_labels(self.thread, BY, ["secret label"])
        notes.assign(self.thread, BY, "secret name")
        store: DjangoStore[Any] = DjangoStore()
        loaded = async_to_sync(store.load_thread)("thr_1", base.ALICE)
        page = async_to_sync(store.load_threads)(10, None, "desc", base.ALICE)
        turns = async_to_sync(store.load_model_turns)("thr_1", 10, base.ALICE)
        self.assertNotIn("secret", f"{loaded}{page}{turns}")
        async_to_sync(store.save_thread)(loaded, base.ALICE)
        thread = ChatSession.objects.get()
        self.assertEqual((thread.labels, thread.assignee), ("secret label", "secret name"))
        self.assertEqual(len(thread.notes or []), 1)
