"""The base class of the contract's parts: the hooks to override, and helpers for the tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from unittest import SkipTest, TestCase

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import BaseModel, TypeAdapter

from chatstore.testing import samples

THREAD: TypeAdapter[Any] = TypeAdapter(ThreadMetadata)
ITEM: TypeAdapter[Any] = TypeAdapter(ThreadItem)
ATTACHMENT: TypeAdapter[Any] = TypeAdapter(Attachment)

# A store may return other values of these than were saved, since they expire (S6).
REGENERATED_FIELDS = frozenset({"preview_url", "upload_descriptor"})
# Ids that can't exist (S14), and one that doesn't.
UNKNOWN_IDS = ("unknown", "", "nul_\0", "surrogate_\ud800", "long" * 100, "' OR 1=1 --")

if TYPE_CHECKING:
    _Mixin = TestCase
else:  # no TestCase, so that a test runner collects only the subclasses
    _Mixin = object


class ContractBase(_Mixin):
    """
    The hooks and helpers of StoreContract.

    ``alice`` and ``charlie`` are the contexts of two owners; the tests act as alice.
    """

    alice: Any
    charlie: Any
    store: Any  # a chatkit Store; it may have save_feedback and delete_items_after too

    # Hooks: make_store is required

    def make_store(self) -> Store[Any]:
        """Return the store to test, without any object of the contract's users."""
        raise NotImplementedError(f"{type(self).__name__} must implement make_store()")

    def make_context(self, user_id: Any) -> Any:
        """Return the context of a request by this user; some user ids are invalid (S2)."""
        return {"user_id": user_id}

    # Optional hooks, for what the Store interface can't do; without one, its tests are skipped

    async def break_payload(self, thread_id: str, item_id: str) -> None:
        """Change a stored item's data so that openai-chatkit can't decode it (S17)."""
        raise SkipTest("break_payload() is not implemented")

    async def hide_item(self, thread_id: str, item_id: str) -> None:
        """Hide a stored item, as a moderator does (M2)."""
        raise SkipTest("hide_item() is not implemented")

    async def redact_item(self, thread_id: str, item_id: str) -> None:
        """Redact a stored item, as a moderator does (M2); its payload may stay as it is."""
        raise SkipTest("redact_item() is not implemented")

    async def feedback_of(self, thread_id: str, item_id: str) -> str:
        """Return the feedback stored with an item: positive, negative or empty (V1)."""
        raise SkipTest("feedback_of() is not implemented")

    # Helpers

    def setUp(self) -> None:
        super().setUp()
        self.store = self.make_store()
        self.alice = self.make_context("alice")
        self.charlie = self.make_context("charlie")

    async def save_thread(self, thread_id: str = "thr_1", **fields: Any) -> None:
        await self.store.save_thread(samples.thread(thread_id, **fields), self.alice)

    async def add(self, *items: Any, thread_id: str = "thr_1") -> None:
        for item in items:
            await self.store.add_thread_item(thread_id, item, self.alice)

    async def add_messages(self, *item_ids: str, thread_id: str = "thr_1") -> None:
        await self.add(*(samples.user_message(id) for id in item_ids), thread_id=thread_id)  # noqa: A001

    async def load(self, item_id: str, thread_id: str = "thr_1") -> Any:
        return await self.store.load_item(thread_id, item_id, self.alice)

    async def page(
        self,
        after: str | None = None,
        limit: int = 1000,
        order: str = "asc",
        thread_id: str = "thr_1",
    ) -> Page[ThreadItem]:
        page: Page[ThreadItem] = await self.store.load_thread_items(
            thread_id, after, limit, order, self.alice
        )
        return page

    async def item_ids(self, order: str = "asc", thread_id: str = "thr_1") -> list[str]:
        return ids((await self.page(order=order, thread_id=thread_id)).data)

    async def pages(
        self, load: Callable[[str | None], Awaitable[Page[Any]]]
    ) -> AsyncIterator[list[str]]:
        """Yield the ids of each page, and check the cursors; ``load`` takes the cursor."""
        after, has_more = None, True
        seen: set[str | None] = set()
        while has_more:
            self.assertNotIn(after, seen, "a cursor was returned twice")
            seen.add(after)
            page = await load(after)
            self.assertEqual(
                page.after is not None,
                page.has_more,
                "after must be set if has_more is, and only then",
            )
            if page.has_more:
                self.assertEqual(page.after, page.data[-1].id)
            yield ids(page.data)
            after, has_more = page.after, page.has_more

    async def all_pages(self, load: Callable[[str | None], Awaitable[Page[Any]]]) -> list[str]:
        return [id async for page in self.pages(load) for id in page]  # noqa: A001

    @contextlib.contextmanager
    def assert_not_found(self, what: object = None) -> Iterator[None]:
        with self.subTest(what), self.assertRaises(NotFoundError):
            yield

    def assert_same(self, loaded: BaseModel, saved: BaseModel, adapter: TypeAdapter[Any]) -> None:
        """Assert that the loaded object is what pydantic makes of the saved one's JSON (S6)."""
        expected = adapter.validate_json(saved.model_dump_json())
        self.assertIs(type(loaded), type(expected))
        self.assertEqual(_comparable(loaded), _comparable(expected))

    def operations(self, thread_id: str, item_id: str, attachment_id: str) -> Operations:
        """Return each operation of the store with these ids, as a function of the context."""
        store, message = self.store, samples.user_message(item_id)
        operations: Operations = {
            "load_thread": lambda c: store.load_thread(thread_id, c),
            "save_thread": lambda c: store.save_thread(samples.thread(thread_id, title="X"), c),
            "load_threads": lambda c: store.load_threads(10, None, "asc", c),
            "load_threads after": lambda c: store.load_threads(10, thread_id, "asc", c),
            "delete_thread": lambda c: store.delete_thread(thread_id, c),
            "load_thread_items": lambda c: store.load_thread_items(thread_id, None, 10, "asc", c),
            "load_thread_items after": lambda c: store.load_thread_items(
                thread_id, item_id, 10, "desc", c
            ),
            "add_thread_item": lambda c: store.add_thread_item(
                thread_id, samples.user_message("msg_new"), c
            ),
            "add_thread_item again": lambda c: store.add_thread_item(thread_id, message, c),
            "save_item": lambda c: store.save_item(thread_id, message, c),
            "load_item": lambda c: store.load_item(thread_id, item_id, c),
            "delete_thread_item": lambda c: store.delete_thread_item(thread_id, item_id, c),
            "save_attachment": lambda c: store.save_attachment(
                samples.attachment(attachment_id, name="X"), c
            ),
            "load_attachment": lambda c: store.load_attachment(attachment_id, c),
            "delete_attachment": lambda c: store.delete_attachment(attachment_id, c),
        }
        if save_feedback := getattr(store, "save_feedback", None):
            operations["save_feedback"] = lambda c: save_feedback(
                thread_id, [item_id], "negative", c
            )
        if add_unfinished_answer := getattr(store, "add_unfinished_answer", None):
            partial = samples.answer("msg_half")
            operations["add_unfinished_answer"] = lambda c: add_unfinished_answer(
                thread_id, partial, "failed", c
            )
        if has_item := getattr(store, "has_item", None):
            operations["has_item"] = lambda c: has_item(thread_id, item_id, c)
        return operations


Operations = dict[str, Callable[[Any], Awaitable[Any]]]


def ids(objects: Iterable[Any]) -> list[str]:
    return [each.id for each in objects]


def _comparable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        return {k: _comparable(child) for k, child in value.items() if k not in REGENERATED_FIELDS}
    return [_comparable(child) for child in value] if isinstance(value, list) else value
