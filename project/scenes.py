"""
What the demo's assistant can show without a model: one scene for each thing that ChatKit's
protocol can carry. A scene is an async generator of stream events; its docstring is its line in
`/help`.
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
from project.stage import Events, Stage


async def markdown(stage: Stage, words: str) -> Events:
    """headings, lists, a table and code"""
    async for event in stage.say(samples.MARKDOWN):
        yield event


async def long(stage: Stage, words: str) -> Events:
    """a long answer; /long 200 is one of 200 kB"""
    kilobytes = min(int(words), 500) if words.isascii() and words.isdigit() else 20
    text = samples.MARKDOWN * (kilobytes * 1000 // len(samples.MARKDOWN) + 1)
    async for event in stage.say(text[: kilobytes * 1000], pace=0.002):
        yield event


async def slow(stage: Stage, words: str) -> Events:
    """a slow answer, to be stopped"""
    async for event in stage.say(samples.SLOW, pace=0.25):
        yield event


async def sources(stage: Stage, words: str) -> Events:
    """an answer with its sources"""
    first = samples.SOURCED.index(".") + 1
    annotations = [
        Annotation(source=URLSource(**samples.SOURCES[0]), index=first),
        Annotation(source=FileSource(**samples.SOURCES[1]), index=len(samples.SOURCED)),
    ]
    async for event in stage.say(samples.SOURCED, *annotations):
        yield event


async def workflow(stage: Stage, words: str) -> Events:
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
    item = WorkflowItem(**stage.base("workflow"), workflow=Workflow(type="custom", tasks=[]))
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
            await asyncio.sleep(stage.pace * 20)
        item.workflow.tasks.append(state)
    item.workflow.summary = CustomSummary(title=_("Looked into it"), icon="sparkle")
    yield ThreadItemDoneEvent(item=item)
    async for event in stage.say(_("Three steps, and the **City Guard** is the one to take.")):
        yield event


async def widget(stage: Stage, words: str) -> Events:
    """a widget with a button"""
    yield stage.show(samples.BIKE, "Terra 2, 1 490 €")


async def typing(stage: Stage, words: str) -> Events:
    """a widget whose text is still being written"""

    async def states() -> AsyncGenerator[WidgetRoot, None]:
        for end in range(0, len(samples.LETTER) + 1, 8):
            text = {"type": "Markdown", "id": "text", "value": samples.LETTER[:end]}
            root = {"type": "Card", "children": [{"type": "Title", "value": "Letter"}, text]}
            yield DynamicWidgetRoot.model_validate(root)
            await asyncio.sleep(stage.pace * 2)

    def new_id(kind: StoreItemType) -> str:
        return stage.store.generate_item_id(kind, stage.thread, stage.context)

    async for event in stream_widget(stage.thread, states(), samples.LETTER, new_id):
        yield event


async def task(stage: Stage, words: str) -> Events:
    """a single task with its sources"""
    found = SearchTask(
        title=_("Searched the catalogue"),
        queries=["chain 11 speed"],
        sources=[URLSource(**samples.SOURCES[0])],
    )
    yield ThreadItemDoneEvent(item=TaskItem(**stage.base("task"), task=found))


async def form(stage: Stage, words: str) -> Events:
    """a widget that is a form"""
    yield stage.show(samples.FORM, _("A form for an appointment"))


async def choices(stage: Stage, words: str) -> Events:
    """a list to choose from"""
    yield stage.show(samples.LIST, _("A list of bicycles"))


async def chart(stage: Stage, words: str) -> Events:
    """a chart, and a component that no page knows"""
    yield stage.show(samples.CHART, _("Rides a month"))


async def progress(stage: Stage, words: str) -> Events:
    """progress lines before an answer"""
    for icon, text in (("search", _("Looking in the catalogue")), ("chart", _("Comparing"))):
        yield ProgressUpdateEvent(icon=icon, text=text)
        await asyncio.sleep(stage.pace * 60)
    async for event in stage.say(_("Found it: the *Terra 2* is in stock.")):
        yield event


async def notice(stage: Stage, words: str) -> Events:
    """notices beside the conversation"""
    yield NoticeEvent(
        level="info", title=_("Opening hours"), message=_("On **Friday** we close at noon.")
    )
    yield NoticeEvent(level="warning", message=_("Two of your ten free questions are left."))
    async for event in stage.say(_("Two notices stand below.")):
        yield event


async def error(stage: Stage, words: str) -> Events:
    """an answer that fails half-way"""
    async for event in stage.say(_("This begins well.")):
        yield event
    raise CustomStreamError(_("The workshop's computer has hung up."), allow_retry=True)


async def tool(stage: Stage, words: str) -> Events:
    """a call of a tool in your browser"""
    base = stage.base("tool_call")
    yield ThreadItemDoneEvent(
        item=ClientToolCallItem(
            **base, call_id=base["id"], name="screen_size", arguments={"unit": "px"}
        )
    )


async def ask(stage: Stage, words: str) -> Events:
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
    async for event in stage.say(_("Three questions, and I can say more:")):
        yield event
    yield ThreadItemDoneEvent(item=StructuredInputItem(**stage.base(), inputs=inputs))


async def image(stage: Stage, words: str) -> Events:
    """a picture that is drawn for you"""
    item = GeneratedImageItem(**stage.base())
    yield ThreadItemAddedEvent(item=item)
    await asyncio.sleep(stage.pace * 60)
    picture = GeneratedImage(id=item.id, url=static("project/bicycle.svg"))
    yield ThreadItemUpdatedEvent(item_id=item.id, update=GeneratedImageUpdated(image=picture))
    yield ThreadItemDoneEvent(item=item.model_copy(update={"image": picture}))


async def lock(stage: Stage, words: str) -> Events:
    """lock this conversation"""
    async for event in stage.say(_("This conversation is locked now.")):
        yield event
    stage.thread.status = LockedStatus(reason=_("A colleague is looking into it."))


async def close(stage: Stage, words: str) -> Events:
    """close this conversation"""
    async for event in stage.say(_("Goodbye!")):
        yield event
    stage.thread.status = ClosedStatus(reason=_("Your question is answered."))


SCENES: dict[str, Callable[[Stage, str], Events]] = {
    scene.__name__: scene
    for scene in (
        markdown, long, slow, sources, workflow, task, progress, widget, typing, form, choices,
        chart, tool, ask, image, notice, error, lock, close,
    )
}  # fmt: skip


async def help_(stage: Stage) -> Events:
    lines = [f"- `/{name}` {scene.__doc__}" for name, scene in SCENES.items()]
    text = _("No model is connected, but every part of a chat can be seen. Try one of these:")
    async for event in stage.say("\n".join([text, "", *lines])):
        yield event


async def anything_else(stage: Stage, words: str, files: int) -> Events:
    """Answer what is no command."""
    reply = samples.REPLY.format(words=words.replace("\n", " ")[:200])
    if files:
        reply += "\n\n" + _("Files received: %(files)d.") % {"files": files}
    async for event in stage.say(reply):
        yield event
