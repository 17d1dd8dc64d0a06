"""Any sequence of operations of two users gives equal results on both stores."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections import defaultdict
from contextlib import ExitStack
from typing import Any

from asgiref.sync import async_to_sync
from chatkit.store import NotFoundError
from chatkit.types import ActiveStatus, ClosedStatus, LockedStatus, Page
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pydantic import BaseModel

from chatstore import codec, conf
from chatstore.store import DjangoStore
from chatstore.testing import MemoryStore, samples
from chatstore.turns import track_request

# In CI the same sequences each time, so that a failure is caused by the change.
SEQUENCES = settings(
    max_examples=60, deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True
)

THREADS = ("thr_1", "thr_2", "thr_\ufffd", "unknown")
FILES = ("file_1", "file_2", "file_\ufffd")

users = st.sampled_from(["alice", "charlie", ""])
# More ids that exist than ids that don't.
thread_ids = st.sampled_from(["thr_1", "thr_1", "thr_2", "thr_2", "thr_\0", "unknown"])
item_ids = st.sampled_from(["a", "a", "b", "b", "c", "d", codec.FAKE_ID, "e\ud800", "x" * 256])
file_ids = st.sampled_from(["file_1", "file_1", "file_2", "file_\0"])
texts = st.text(max_size=5) | st.sampled_from(["\0", "\ud800", "\ufffd", "🐘", "\\u0000", ""])
values = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)
times = st.datetimes() | st.datetimes(timezones=st.just(dt.UTC)) | st.just(samples.NOW)
orders = st.sampled_from(["asc", "desc", "asc", "desc", "neither"])
limits = st.integers(0, 4)
afters = st.none() | item_ids
statuses = st.sampled_from([ActiveStatus(), LockedStatus(reason="\0"), ClosedStatus()])
threads = st.builds(
    samples.thread,
    id=thread_ids,
    title=st.none() | texts,
    created_at=times,
    status=statuses,
    metadata=st.dictionaries(texts, values, max_size=2),
)
files = st.builds(samples.attachment, id=file_ids, name=texts, thread_id=st.none() | thread_ids)
items = st.one_of(
    st.builds(
        samples.user_message,
        id=item_ids,
        text=texts,
        created_at=times,
        attachments=st.lists(files, max_size=1),
    ),
    st.builds(samples.answer, id=item_ids, text=texts, created_at=times),
    st.builds(
        samples.tool_call,
        id=item_ids,
        status=st.sampled_from(["pending", "completed"]),
        output=values,
    ),
    st.builds(
        samples.structured_input,
        id=item_ids,
        status=st.sampled_from(["pending", "answered", "skipped"]),
    ),
    st.builds(samples.workflow, id=item_ids, created_at=times),
    st.builds(samples.hidden_context, id=item_ids, content=values),
)
kinds = st.sampled_from(["positive", "negative"])
operations = st.one_of(
    *(
        st.tuples(st.just(name), users, *arguments)
        for name, *arguments in (
            ("save_thread", threads),
            ("load_thread", thread_ids),
            ("load_threads", limits, st.none() | thread_ids, orders),
            ("delete_thread", thread_ids),
            ("add_thread_item", thread_ids, items),
            ("add_thread_item", thread_ids, items),
            ("save_item", thread_ids, items),
            ("load_item", thread_ids, item_ids),
            ("load_thread_items", thread_ids, afters, limits, orders),
            ("delete_thread_item", thread_ids, item_ids),
            ("save_feedback", thread_ids, st.lists(item_ids, max_size=2), kinds),
            ("save_attachment", files),
            ("load_attachment", file_ids),
            ("delete_attachment", file_ids),
        )
    ),
    st.just(("begin stream",)),
    st.just(("end stream",)),
)


class CountedIds:
    """Makes the ids of a store the same from run to run."""

    def generate_item_id(self, item_type: str, thread: Any, context: Any) -> str:
        self.counters = getattr(self, "counters", defaultdict[str, Any](itertools.count))
        return f"{item_type}_{next(self.counters[context['user_id']])}"


class CountedDjangoStore(CountedIds, DjangoStore):
    pass


class CountedMemoryStore(CountedIds, MemoryStore):
    pass


class MemoryShards:
    """A store in memory for each owner: where tables are sharded, two may have one id (S3)."""

    def __init__(self) -> None:
        self.stores: dict[str, CountedMemoryStore] = defaultdict(CountedMemoryStore)

    def __getattr__(self, name: str) -> Any:
        return lambda *args: getattr(self.stores[args[-1]["user_id"]], name)(*args)


async def answers_of(store: Any, sequence: list[tuple[Any, ...]]) -> list[Any]:
    """Run the operations, then load everything, and return all results."""
    answers = []
    with ExitStack() as stream:
        for name, *rest in sequence:
            if name in ("begin stream", "end stream"):
                stream.close()
                if name == "begin stream":
                    stream.enter_context(track_request())
            else:
                user_id, *arguments = rest
                answers.append(await answer_of(store, name, *arguments, {"user_id": user_id}))
    for user_id in ("alice", "charlie"):
        context = {"user_id": user_id}
        looks = [
            ("load_threads", 99, None, "asc"),
            *(("load_thread_items", thread_id, None, 99, "asc") for thread_id in THREADS),
            *(("load_thread_items", thread_id, None, 99, "desc") for thread_id in THREADS),
            *(("load_attachment", file_id) for file_id in FILES),
        ]
        answers += [await answer_of(store, *look, context) for look in looks]
    return answers


async def answer_of(store: Any, name: str, *arguments: Any) -> Any:
    try:
        answer = await getattr(store, name)(*arguments)
    except (NotFoundError, ValueError) as error:
        return type(error).__name__, str(error)
    return answer.model_dump_json() if isinstance(answer, (BaseModel, Page)) else answer


class EqualAnswersTest(TestCase):
    @SEQUENCES
    @given(st.lists(operations, max_size=40))
    def test_any_sequence_of_operations_is_answered_as_by_memory(
        self, sequence: list[tuple[Any, ...]]
    ) -> None:
        in_memory = MemoryShards() if conf.settings.sharded else CountedMemoryStore()
        expected = async_to_sync(answers_of)(in_memory, sequence)
        self.assertEqual(async_to_sync(answers_of)(CountedDjangoStore(), sequence), expected)
