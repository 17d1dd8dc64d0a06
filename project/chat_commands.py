"""
The commands that the demo's assistant answers without a model, such as `/widget`: one for each kind
of item and event of ChatKit's protocol.

A command is an async generator of stream events, called with the Reply and the words after its
name. Its docstring is its line in `/help`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from chatkit.errors import CustomStreamError
from chatkit.server import stream_widget
from chatkit.store import StoreItemType
from chatkit.types import (
    Annotation,
    ClientToolCallItem,
    ClosedStatus,
    CustomSummary,
    CustomTask,
    FileSource,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    LockedStatus,
    NoticeEvent,
    ProgressUpdateEvent,
    SearchTask,
    StructuredInput,
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    TaskItem,
    ThoughtTask,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    URLSource,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetRoot, WidgetRoot
from django.templatetags.static import static
from django.utils.translation import gettext as _

from project import samples
from project.reply import Events, Reply


async def markdown(reply: Reply, words: str) -> Events:
    """headings, lists, a table and code"""
    async for event in reply.text(samples.MARKDOWN):
        yield event


async def notes(reply: Reply, words: str) -> Events:
    """a task list and footnotes"""
    async for event in reply.text(samples.NOTES):
        yield event


async def formulas(reply: Reply, words: str) -> Events:
    """formulas, a diagram and code"""
    async for event in reply.text(samples.FORMULAS):
        yield event


async def long(reply: Reply, words: str) -> Events:
    """a long answer; /long 200 is one of 200 kB"""
    kilobytes = min(int(words), 500) if words.isascii() and words.isdigit() else 20
    text = samples.MARKDOWN * (kilobytes * 1000 // len(samples.MARKDOWN) + 1)
    async for event in reply.text(text[: kilobytes * 1000], seconds_per_word=0.002):
        yield event


async def slow(reply: Reply, words: str) -> Events:
    """a slow answer, to be stopped"""
    times = min(int(words), 50) if words.isascii() and words.isdigit() else 1
    async for event in reply.text(samples.SLOW * times, seconds_per_word=0.25):
        yield event


async def sources(reply: Reply, words: str) -> Events:
    """an answer with its sources"""
    first = samples.SOURCED.index(".") + 1
    annotations = [
        Annotation(source=URLSource(**samples.SOURCES[0]), index=first),
        Annotation(source=FileSource(**samples.SOURCES[1]), index=len(samples.SOURCED)),
    ]
    async for event in reply.text(samples.SOURCED, *annotations):
        yield event


async def workflow(reply: Reply, words: str) -> Events:
    """a workflow, task by task"""
    tasks: list[ThoughtTask | SearchTask | CustomTask] = [
        ThoughtTask(title=_("Understood the question"), content=samples.THOUGHT),
        SearchTask(
            title=_("Searched the catalogue"),
            queries=["gravel tyres 40 mm", "puncture protection"],
            sources=[URLSource(**samples.SOURCES[0])],
        ),
        CustomTask(title=_("Compared prices"), icon="chart"),
    ]
    item = WorkflowItem(**reply.item_fields("workflow"), workflow=Workflow(type="custom", tasks=[]))
    yield ThreadItemAddedEvent(item=item.model_copy(deep=True))
    for index, task in enumerate(tasks):
        for indicator, change in (
            ("loading", WorkflowTaskAdded),
            ("complete", WorkflowTaskUpdated),
        ):
            state = task.model_copy(update={"status_indicator": indicator})
            yield ThreadItemUpdatedEvent(
                item_id=item.id, update=change(task_index=index, task=state)
            )
            await asyncio.sleep(reply.seconds_per_word * 20)
        item.workflow.tasks.append(state)
    item.workflow.summary = CustomSummary(title=_("Looked into it"), icon="sparkle")
    yield ThreadItemDoneEvent(item=item)
    async for event in reply.text(_("Three steps, and the **City Guard** is the one to take.")):
        yield event


async def widget(reply: Reply, words: str) -> Events:
    """a widget with a button"""
    yield reply.widget(samples.BIKE, "Terra 2, 1 490 €")


async def typing(reply: Reply, words: str) -> Events:
    """a widget whose text is streamed"""

    async def states() -> AsyncGenerator[WidgetRoot, None]:
        for end in range(0, len(samples.LETTER) + 1, 8):
            text = {"type": "Markdown", "id": "text", "value": samples.LETTER[:end]}
            root = {"type": "Card", "children": [{"type": "Title", "value": "Letter"}, text]}
            yield DynamicWidgetRoot.model_validate(root)
            await asyncio.sleep(reply.seconds_per_word * 2)

    def new_id(kind: StoreItemType) -> str:
        return reply.store.generate_item_id(kind, reply.thread, reply.context)

    async for event in stream_widget(reply.thread, states(), samples.LETTER, new_id):
        yield event


async def task(reply: Reply, words: str) -> Events:
    """a single task with its sources"""
    found = SearchTask(
        title=_("Searched the catalogue"),
        queries=["chain 11 speed"],
        sources=[URLSource(**samples.SOURCES[0])],
    )
    yield ThreadItemDoneEvent(item=TaskItem(**reply.item_fields("task"), task=found))


async def form(reply: Reply, words: str) -> Events:
    """a widget that is a form"""
    yield reply.widget(samples.FORM, _("A form for an appointment"))


async def choices(reply: Reply, words: str) -> Events:
    """a list to choose from"""
    yield reply.widget(samples.LIST, _("A list of bicycles"))


async def chart(reply: Reply, words: str) -> Events:
    """charts, and a component that no client knows"""
    yield reply.widget(samples.CHART, _("Rides a month"))


async def table(reply: Reply, words: str) -> Events:
    """a table"""
    yield reply.widget(samples.TABLE, _("What is in stock"))


async def progress(reply: Reply, words: str) -> Events:
    """progress lines before an answer"""
    for icon, text in (("search", _("Looking in the catalogue")), ("chart", _("Comparing"))):
        yield ProgressUpdateEvent(icon=icon, text=text)
        await asyncio.sleep(reply.seconds_per_word * 60)
    async for event in reply.text(_("Found it: the *Terra 2* is in stock.")):
        yield event


async def notice(reply: Reply, words: str) -> Events:
    """notices beside the conversation"""
    yield NoticeEvent(
        level="info", title=_("Opening hours"), message=_("On **Friday** we close at noon.")
    )
    yield NoticeEvent(level="warning", message=_("Two of your ten free questions are left."))
    async for event in reply.text(_("Two notices stand below.")):
        yield event


async def error(reply: Reply, words: str) -> Events:
    """an answer that fails half-way"""
    async for event in reply.text(_("This begins well.")):
        yield event
    raise CustomStreamError(_("The workshop's computer has hung up."), allow_retry=True)


async def tool(reply: Reply, words: str) -> Events:
    """a call of a tool in your browser"""
    base = reply.item_fields("tool_call")
    yield ThreadItemDoneEvent(
        item=ClientToolCallItem(
            **base, call_id=base["id"], name="screen_size", arguments={"unit": "px"}
        )
    )


async def ask(reply: Reply, words: str) -> Events:
    """questions with answers to choose from"""
    options = [
        StructuredInputMultipleChoiceOption(value=value)
        for value in (_("Tarmac"), _("Gravel"), _("Mud"))
    ]
    inputs: list[StructuredInput] = [
        StructuredInputMultipleChoice(
            id="ground", question=_("Where do you ride?"), options=options, multiple=True
        ),
        StructuredInputMultipleChoice(
            id="often",
            question=_("How often?"),
            options=[
                StructuredInputMultipleChoiceOption(value=value)
                for value in (_("Every day"), _("At weekends"))
            ],
        ),
        StructuredInputFreeform(
            id="wish", question=_("Anything else?"), description=_("Luggage, a child's seat …")
        ),
    ]
    async for event in reply.text(_("Three questions, and I can say more:")):
        yield event
    yield ThreadItemDoneEvent(item=StructuredInputItem(**reply.item_fields(), inputs=inputs))


async def image(reply: Reply, words: str) -> Events:
    """a generated image"""
    item = GeneratedImageItem(**reply.item_fields())
    yield ThreadItemAddedEvent(item=item)
    await asyncio.sleep(reply.seconds_per_word * 60)
    picture = GeneratedImage(id=item.id, url=static("project/bicycle.svg"))
    yield ThreadItemUpdatedEvent(item_id=item.id, update=GeneratedImageUpdated(image=picture))
    yield ThreadItemDoneEvent(item=item.model_copy(update={"image": picture}))


async def lock(reply: Reply, words: str) -> Events:
    """lock this conversation"""
    async for event in reply.text(_("This conversation is locked now.")):
        yield event
    reply.thread.status = LockedStatus(reason=_("A colleague is looking into it."))


async def close(reply: Reply, words: str) -> Events:
    """close this conversation"""
    async for event in reply.text(_("Goodbye!")):
        yield event
    reply.thread.status = ClosedStatus(reason=_("Your question is answered."))


COMMANDS: dict[str, Callable[[Reply, str], Events]] = {
    command.__name__: command
    for command in (
        markdown, notes, formulas, long, slow, sources, workflow, task, progress, widget, typing,
        form, choices, chart, table, tool, ask, image, notice, error, lock, close,
    )
}  # fmt: skip


async def list_commands(reply: Reply) -> Events:
    """Answer `/help`."""
    lines = [f"- `/{name}` {command.__doc__}" for name, command in COMMANDS.items()]
    text = _("No model is connected, but every part of a chat can be seen. Try one of these:")
    async for event in reply.text("\n".join([text, "", *lines])):
        yield event


async def echo(reply: Reply, words: str, files: int, choices: str = "") -> Events:
    """Answer a message that is not a command."""
    text = samples.REPLY.format(words=words.replace("\n", " ")[:200])
    if files:
        text += "\n\n" + _("Files received: %(files)d.") % {"files": files}
    text += choices and "\n\n" + choices
    async for event in reply.text(text):
        yield event
