"""Builders and settings that many tests share: alice owns, charlie must see nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClientToolCallItem,
    FileAttachment,
    HiddenContextItem,
    InferenceOptions,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)

ALICE = {"user_id": "alice"}
CHARLIE = {"user_id": "charlie"}
NOW = dt.datetime.now().replace(microsecond=0)


def thread(id: str = "thr_1", **fields: Any) -> ThreadMetadata:  # noqa: A002
    return ThreadMetadata(**{"id": id, "created_at": NOW, **fields})


def user_message(id: str = "msg_1", text: str = "Hello", **fields: Any) -> UserMessageItem:  # noqa: A002
    return UserMessageItem(
        **{
            "id": id,
            "thread_id": "thr_1",
            "created_at": NOW,
            "content": [UserMessageTextContent(text=text)],
            "inference_options": InferenceOptions(),
            **fields,
        }
    )


def answer(id: str = "msg_2", text: str = "Hi", **fields: Any) -> AssistantMessageItem:  # noqa: A002
    return AssistantMessageItem(
        **{
            "id": id,
            "thread_id": "thr_1",
            "created_at": NOW,
            "content": [AssistantMessageContent(text=text)],
            **fields,
        }
    )


def tool_call(id: str = "tc_1", **fields: Any) -> ClientToolCallItem:  # noqa: A002
    return ClientToolCallItem(
        **{
            "id": id,
            "thread_id": "thr_1",
            "created_at": NOW,
            "call_id": "call_1",
            "name": "locate",
            "arguments": {},
            **fields,
        }
    )


def workflow(id: str = "wf_1", **fields: Any) -> WorkflowItem:  # noqa: A002
    return WorkflowItem(
        **{
            "id": id,
            "thread_id": "thr_1",
            "created_at": NOW,
            "workflow": Workflow(type="custom", tasks=[]),
            **fields,
        }
    )


def hidden_context(id: str = "hcx_1", content: Any = "x", **fields: Any) -> HiddenContextItem:  # noqa: A002
    return HiddenContextItem(
        **{"id": id, "thread_id": "thr_1", "created_at": NOW, "content": content, **fields}
    )


def attachment(id: str = "atc_1", **fields: Any) -> FileAttachment:  # noqa: A002
    return FileAttachment(**{"id": id, "name": "a.txt", "mime_type": "text/plain", **fields})
