"""Sample objects for the contract's tests: each type of ChatKit's, with all of its fields set."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any

from pydantic import AnyUrl

with warnings.catch_warnings():
    # The SDK's widgets module raises DeprecationWarnings, when imported and when used.
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.types import (
        Annotation,
        AssistantMessageContent,
        AssistantMessageItem,
        Attachment,
        AttachmentUploadDescriptor,
        ClientToolCallItem,
        ClosedStatus,
        CustomSummary,
        CustomTask,
        EndOfTurnItem,
        FileAttachment,
        FileSource,
        FileTask,
        GeneratedImage,
        GeneratedImageItem,
        HiddenContextItem,
        ImageAttachment,
        ImageTask,
        InferenceOptions,
        LockedStatus,
        SDKHiddenContextItem,
        SearchTask,
        StructuredInputAnswer,
        StructuredInputFreeform,
        StructuredInputItem,
        StructuredInputMultipleChoice,
        StructuredInputMultipleChoiceOption,
        TaskItem,
        ThoughtTask,
        ThreadItem,
        ThreadMetadata,
        ToolChoice,
        URLSource,
        UserMessageItem,
        UserMessageTagContent,
        UserMessageTextContent,
        WidgetItem,
        Workflow,
        WorkflowItem,
    )
    from chatkit.widgets import Card, DynamicWidgetRoot, Text

NOW = dt.datetime.now().replace(microsecond=123456)  # noqa: DTZ005 (naive, as the SDK's are)


def thread(id: str = "thr_1", **fields: Any) -> ThreadMetadata:  # noqa: A002
    return ThreadMetadata(**{"id": id, "created_at": NOW, **fields})


def threads() -> list[ThreadMetadata]:
    """Return threads with each status, one of them with every field set."""
    return [
        thread("thr_bare"),
        thread("thr_locked", status=LockedStatus(reason="Over quota"), title="Locked"),
        thread("thr_closed", status=ClosedStatus(), title=""),
        thread(
            "thr_full",
            title="Ünïcode 🐘 'quotes' \"too\" \\ and\nnewlines " * 20,
            allowed_image_domains=["example.com"],
            metadata={"a": {"b": [1, 2.5, None, True, "ü"]}, "": 0, "long": "x" * 5000},
        ),
    ]


def user_message(id: str = "msg_1", text: str = "Hello", **fields: Any) -> UserMessageItem:  # noqa: A002
    content = [UserMessageTextContent(text=text)]
    options = {"content": content, "inference_options": InferenceOptions()}
    return UserMessageItem(**{**_base(id), **options, **fields})


def answer(id: str = "msg_2", text: str = "Hi", **fields: Any) -> AssistantMessageItem:  # noqa: A002
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(**{**_base(id), "content": content, **fields})


def tool_call(id: str = "tc_1", **fields: Any) -> ClientToolCallItem:  # noqa: A002
    call = {"call_id": "call_1", "name": "locate", "arguments": {}}
    return ClientToolCallItem(**{**_base(id), **call, **fields})


def structured_input(id: str = "msg_ask", **fields: Any) -> StructuredInputItem:  # noqa: A002
    inputs = [StructuredInputFreeform(id="why", question="Why?", description="Briefly")]
    return StructuredInputItem(**{**_base(id), "inputs": inputs, **fields})


def workflow(id: str = "wf_1", **fields: Any) -> WorkflowItem:  # noqa: A002
    plan = Workflow(type="custom", tasks=[CustomTask(title="Look")])
    return WorkflowItem(**{**_base(id), "workflow": plan, **fields})


def hidden_context(id: str = "hcx_1", content: Any = "", **fields: Any) -> HiddenContextItem:  # noqa: A002
    return HiddenContextItem(**{**_base(id), "content": content, **fields})


def dynamic_widget(id: str = "msg_widget", **properties: Any) -> WidgetItem:  # noqa: A002
    """Return a widget as WidgetTemplate builds it, with properties that the SDK doesn't know."""
    root = {"type": "Card", "children": [{"type": "Text", "value": "a", "glow": 4}], **properties}
    return WidgetItem(**_base(id), widget=DynamicWidgetRoot.model_validate(root))


def items() -> list[ThreadItem]:
    """Return items of all eleven types, several of some."""
    source = URLSource(title="Site", url="https://example.com/", attribution="Example")
    file_source = FileSource(title="Paper", filename="paper.pdf", description="On elephants")
    tasks: list[Any] = [
        CustomTask(title="Look", icon="search", content="**here**", status_indicator="loading"),
        SearchTask(title="Search", title_query="q", queries=["a", "b"], sources=[source]),
        ThoughtTask(title="Think", content="Hm"),
        FileTask(title="Read", sources=[file_source]),
        ImageTask(title="Draw"),
    ]
    choice = StructuredInputMultipleChoice(
        id="colour",
        question="Which?",
        options=[StructuredInputMultipleChoiceOption(value="red")],
        multiple=True,
        answer=StructuredInputAnswer(values=["red", "own"], skipped=False),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        widget = WidgetItem(
            **_base("msg_card"),
            widget=Card(children=[Text(value="Title", weight="medium"), Text(value="test")]),
            copy_text="Title",
        )
    return [
        user_message(
            "msg_user",
            quoted_text="You said",
            content=[
                UserMessageTextContent(text="Hello 🐘\u2028 <b>&amp;"),
                UserMessageTagContent(id="t", text="@ann", data={"n": 1}, group="people"),
            ],
            attachments=attachments(),
            inference_options=InferenceOptions(tool_choice=ToolChoice(id="web"), model="m"),
        ),
        user_message("msg_empty", content=[]),
        answer(
            "msg_answer",
            content=[
                AssistantMessageContent(
                    text="Hi",
                    annotations=[
                        Annotation(source=source, index=1),
                        Annotation(source=file_source),
                    ],
                ),
                AssistantMessageContent(text=""),
            ],
        ),
        answer("msg_long", "word " * 100_000),
        tool_call("tc_pending", arguments={"deep": [{"er": None}]}),
        tool_call("tc_done", status="completed", output={"result": [1, 2.5, "x", None]}),
        widget,
        GeneratedImageItem(**_base("msg_image"), image=GeneratedImage(id="img", url="data:,")),
        GeneratedImageItem(**_base("msg_no_image")),
        structured_input("msg_asked"),
        structured_input("msg_answered", status="answered", inputs=[choice]),
        structured_input("msg_skipped", status="skipped"),
        WorkflowItem(
            **_base("wf_full"),
            workflow=Workflow(
                type="reasoning", tasks=tasks, summary=CustomSummary(title="Done"), expanded=True
            ),
        ),
        TaskItem(**_base("tsk_1"), task=tasks[1]),
        hidden_context("hcx_any", {"any": ["thing", 1, None]}),
        SDKHiddenContextItem(**_base("shcx_1"), content="for the SDK"),
        EndOfTurnItem(**_base("msg_end")),
    ]


def attachment(id: str = "atc_1", **fields: Any) -> FileAttachment:  # noqa: A002
    return FileAttachment(**{"id": id, "name": "a.txt", "mime_type": "text/plain", **fields})


def attachments() -> list[Attachment]:
    """Return attachments of both types."""
    return [
        attachment("atc_bare"),
        attachment("atc_full", name="Ünï 🐘.txt", metadata={"source": {"of": ["it"]}}),
        ImageAttachment(
            id="atc_image",
            name="test.png",
            mime_type="image/png",
            preview_url=AnyUrl("https://example.com/test.png"),
            upload_descriptor=AttachmentUploadDescriptor(
                url=AnyUrl("https://example.com/up"), method="PUT", headers={"X-Key": "1"}
            ),
        ),
    ]


def _base(id: str) -> dict[str, Any]:  # noqa: A002
    return {"id": id, "thread_id": "thr_1", "created_at": NOW}
