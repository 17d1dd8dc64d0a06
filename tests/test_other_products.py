"""Exports of other chat products, given to import_threads."""

from __future__ import annotations

import json
import tempfile
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from chatkit.types import AssistantMessageItem, UserMessageItem
from django.core.management import CommandError, call_command
from django.test import TransactionTestCase

from chatstore.models import ChatMessage, ChatSession
from chatstore.store import DjangoStore
from tests.base import ALICE


def chatgpt_node(node_id: str, parent: str | None, role: str, *parts: Any, **more: Any) -> Any:
    message = {
        "id": node_id,
        "author": {"role": role},
        "create_time": 1_700_000_000.5,
        "content": {"content_type": "text", "parts": list(parts)},
    }
    return {"id": node_id, "parent": parent, "message": message | more}


def chatgpt_conversation(**changes: Any) -> Any:
    """A conversation whose second answer was asked for again, so that there are two branches."""
    nodes = [
        {"id": "root", "parent": None, "message": None},
        chatgpt_node("1", "root", "system", "You are a model."),
        chatgpt_node("2", "1", "user", "How many bikes?"),
        chatgpt_node("3", "2", "assistant", "count()", recipient="python"),
        chatgpt_node("4", "3", "tool", "42"),
        chatgpt_node("5", "4", "assistant", "42.", metadata={"model_slug": "gpt-4o"}),
        chatgpt_node("6", "2", "assistant", "None."),
        chatgpt_node("7", "5", "user", {"asset_pointer": "file://1"}, "And these?"),
    ]
    return {
        "conversation_id": "c1",
        "title": "Bikes",
        "create_time": 1_700_000_000,
        "current_node": "7",
        "mapping": {node["id"]: node for node in nodes},
    } | changes


def open_webui_chat(**changes: Any) -> Any:
    messages = {
        "a": {"id": "a", "parentId": None, "role": "user", "content": "Hello", "timestamp": 17e8},
        "b": {"id": "b", "parentId": "a", "role": "assistant", "content": "Hi", "model": "llama"},
        "c": {"id": "c", "parentId": "a", "role": "assistant", "content": "Good day"},
    }
    chat = {"title": "Greeting", "history": {"messages": messages, "currentId": "b"}}
    return {"id": "w1", "user_id": "theirs", "created_at": 17e8, "chat": chat | changes}


class OtherProductsTest(TransactionTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "export"

    def run_import(self, content: Any, **options: Any) -> str:
        self.path.write_text(json.dumps(content))
        return self.run_command(**options)

    def run_command(self, **options: Any) -> str:
        out = StringIO()
        call_command("import_threads", str(self.path), stdout=out, stderr=out, **options)
        return out.getvalue()

    def said(self) -> list[tuple[str | None, str]]:
        """What Alice's threads hold, as the store loads it: who said what."""
        found = []
        for session in ChatSession.objects.order_by("created_at", "session_id"):
            page = async_to_sync(DjangoStore().load_thread_items)(
                session.thread_id, None, 50, "asc", ALICE
            )
            for item in page.data:
                assert isinstance(item, UserMessageItem | AssistantMessageItem)
                found.append((session.title, f"{item.type[0]}: {item.content[0].text}"))
        return found

    def test_R3_chatgpts_export_is_imported_with_the_branch_that_was_shown_last(self) -> None:
        said = self.run_import([chatgpt_conversation()], user="alice")
        self.assertEqual(
            said.strip(),
            "Imported 1 thread, 3 messages and 0 files. Of 1 thread other branches are left out. "
            "Of 1 thread files are left out.",
        )
        expected = [
            ("Bikes", "u: How many bikes?"),
            ("Bikes", "a: 42."),
            ("Bikes", "u: And these?"),
        ]
        self.assertEqual(self.said(), expected)
        answer = ChatMessage.objects.get(content="42.")
        self.assertEqual(answer.metadata, {"model": "gpt-4o"})
        self.assertEqual(int(answer.timestamp.timestamp()), 1_700_000_000)
        self.assertIn("1 thread existed already", self.run_command(user="alice"))
        self.assertEqual(self.said(), expected)

    def test_R3_the_zip_that_chatgpt_sends_is_imported_from_all_its_parts(self) -> None:
        with zipfile.ZipFile(self.path, "w") as archive:
            for number in range(2):
                conversation = chatgpt_conversation(conversation_id=f"c{number}")
                name = f"export/conversations-00{number}.json"
                archive.writestr(name, json.dumps([conversation]))
            archive.writestr("export/user.json", "{}")
        self.assertIn("Imported 2 threads, 6 messages", self.run_command(user="alice"))

    def write_zip(self, *files: bytes) -> list[int]:
        """Write a zip of these files of conversations; return where their bytes begin in it."""
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, content in enumerate(files):
                archive.writestr(f"export/conversations-00{number}.json", content)
            entries = archive.infolist()
        return [entry.header_offset + 30 + len(entry.filename) for entry in entries]

    def assert_refused(self, message: str) -> None:
        """Nothing is imported, also of what comes before the fault; the message has no text."""
        with self.assertRaisesMessage(CommandError, message) as caught:
            self.run_command(user="alice")
        self.assertNotIn("bikes", str(caught.exception))
        self.assertFalse(ChatSession.objects.exists())

    def test_R3_an_export_with_a_file_that_is_no_json_is_refused_by_its_name(self) -> None:
        whole = json.dumps([chatgpt_conversation()]).encode()
        other = json.dumps([chatgpt_conversation(conversation_id="c2")]).encode()
        for broken in (other[:-1], b"", b"\xff" + other, b"[" * 100_000):
            self.write_zip(whole, broken)
            with self.subTest(broken[:10]):
                self.assert_refused(
                    "conversations-001.json can't be imported (no JSON, or cut short)"
                )
        self.path.write_bytes(whole[:-1])
        self.assert_refused("export can't be imported (no JSON, or cut short)")

    def test_R3_a_zip_that_can_not_be_unpacked_is_refused_with_a_sentence(self) -> None:
        whole = json.dumps([chatgpt_conversation()]).encode()
        _first, second = self.write_zip(whole, whole)
        content = self.path.read_bytes()
        entry = content.rindex(b"PK\x01\x02")
        header = content.rindex(b"PK\x03\x04")
        named = "conversations-001.json can't be imported (damaged, or encrypted)"
        unnamed = "The zip file is damaged or incomplete."
        for name, places, message in (
            ("encrypted", {header + 6: 1, entry + 8: 1}, named),
            ("of an unknown method", {header + 8: 99, entry + 10: 99}, named),
            ("not compressed as it says", {second: 0xFF}, named),
            ("of a wrong checksum", {entry + 16: content[entry + 16] ^ 1}, named),
            ("not at its place", {header: 0}, named),
            ("under a name that is no text", {header + 7: 8, header + 30: 0xFF}, named),
            ("listed under such a name", {entry + 9: 8, entry + 46: 0xFF}, unnamed),
            ("of a later format", {entry + 6: 99}, unnamed),
        ):
            with self.subTest(name):
                changed = bytearray(content)
                for place, value in places.items():
                    changed[place] = value
                self.path.write_bytes(changed)
                self.assert_refused(message)

    def test_R3_a_whole_export_is_checked_before_anything_is_written(self) -> None:
        good = [chatgpt_conversation(conversation_id=f"c{number}") for number in range(60)]
        for bad, reason in (
            ({"id": 2}, "ValueError"),
            (None, "ValueError"),
            (chatgpt_conversation(current_node={}), "TypeError"),
            (chatgpt_conversation(conversation_id=None), "no id"),
            (chatgpt_conversation(conversation_id={}), "no id"),
            (open_webui_chat() | {"id": ""}, "no id"),
        ):
            with self.subTest(reason):
                self.path.write_text(json.dumps([*good, bad]))
                self.assert_refused(f"export, conversation 61 can't be imported ({reason})")

    def test_R3_conversations_without_an_id_are_not_taken_for_one(self) -> None:
        chats = [chatgpt_conversation(title=title) for title in ("One", "Two", "Three")]
        for chat in chats:
            del chat["conversation_id"]
        self.path.write_text(json.dumps(chats))
        self.assert_refused("export, conversation 1 can't be imported (no id)")

    def test_R3_what_is_no_time_or_no_model_is_left_out(self) -> None:
        for number, wrong in enumerate((1e999, -1e999, float("nan"), 10**400, "now", {}, [1])):
            chat = chatgpt_conversation(conversation_id=f"c{number}", create_time=wrong)
            chat["mapping"]["5"]["message"].update(
                create_time=wrong, metadata={"model_slug": wrong}
            )
            with self.subTest(str(wrong)[:9]):
                self.assertIn("Imported 1 thread, 3 m", self.run_import([chat], user="alice"))
        for message in ChatMessage.objects.filter(content="42."):
            self.assertEqual(int(message.timestamp.timestamp()), 1_700_000_000)

    def test_R3_what_is_missing_in_an_export_does_not_stop_the_import(self) -> None:
        bare = chatgpt_conversation()
        del bare["current_node"], bare["create_time"], bare["title"]
        bare["mapping"]["7"]["message"].update(create_time=None, metadata=None)
        bare["mapping"]["8"] = {"parent": "7"}
        empty = chatgpt_conversation(conversation_id="c2", mapping={})
        endless = chatgpt_conversation(conversation_id="c3")
        endless["mapping"]["1"]["parent"] = "7"
        self.assertIn(
            "Imported 2 threads, 6 m", self.run_import([bare, empty, endless], user="alice")
        )

    def test_R3_open_webuis_export_is_imported(self) -> None:
        listed = open_webui_chat(
            history={}, messages=[{"role": "user", "content": [{"type": "text", "text": "One"}]}]
        )
        said = self.run_import([open_webui_chat(), listed | {"id": "w2"}], user="alice")
        self.assertIn("Imported 2 threads, 3 messages", said)
        self.assertIn("Of 1 thread other branches", said)
        self.assertEqual(
            sorted(self.said()),
            [("Greeting", "a: Hi"), ("Greeting", "u: Hello"), ("Greeting", "u: One")],
        )

    def test_R3_two_people_import_the_same_conversation_each_for_themselves(self) -> None:
        self.run_import([chatgpt_conversation()], user="alice")
        self.assertIn(
            "Imported 1 thread,", self.run_import([chatgpt_conversation()], user="charlie")
        )
        self.assertEqual(ChatSession.objects.for_owner("alice").count(), 1)

    def test_S14_text_that_no_database_holds_is_imported_as_replacement_characters(self) -> None:
        odd = chatgpt_conversation(title="a\x00b\ud800")
        odd["mapping"]["7"] = chatgpt_node("7", "5", "user", "c\x00d\ud800")
        self.run_import([odd], user="alice")
        self.assertIn(("a\ufffdb\ufffd", "u: c\ufffdd\ufffd"), self.said())

    def test_R3_exports_that_cant_be_imported_are_named(self) -> None:
        for content, message in (
            ({"conversationId": "1", "title": "T", "messages": []}, "an export of LibreChat"),
            ([{"uuid": "1", "name": "T", "chat_messages": []}], "an export of Claude"),
            ([{"id": 1}], "not an archive of chatstore"),
            ({"a": 1, "b": "x" * 2_000}, "not an archive of chatstore"),
            ([7], "not an archive of chatstore"),
        ):
            with self.subTest(message), self.assertRaisesMessage(CommandError, message):
                self.run_import(content, user="alice")

    def test_R3_only_another_products_export_takes_an_owner_and_needs_one(self) -> None:
        with self.assertRaisesMessage(CommandError, "--user ID"):
            self.run_import([chatgpt_conversation()])
        self.path.write_text('{"type": "chatstore", "version": 1}\n')
        with self.assertRaisesMessage(CommandError, "leave --user out"):
            self.run_command(user="alice")
        self.assertFalse(ChatSession.objects.exists())

    def test_R3_an_export_that_is_too_large_for_the_memory_is_refused(self) -> None:
        self.path.write_text(json.dumps([chatgpt_conversation(title="x" * 2**20)]))
        with self.assertRaisesMessage(CommandError, "more than 1 MiB of JSON"):
            self.run_command(user="alice", max_line_mib=1)
