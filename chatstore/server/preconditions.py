"""
Checks of a request before it is served, so that it can be refused while nothing is stored (V5).

The SDK checks these things only after the stream has begun, or never.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any, Protocol

from chatkit.server import ChatKitServer
from chatkit.store import AttachmentStore, Store
from chatkit.types import (
    AttachmentsDeleteReq,
    ChatKitReq,
    ClientToolCallItem,
    InferenceOptions,
    InputTranscribeReq,
    ItemsListReq,
    StructuredInputItem,
    ThreadItem,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsDeleteReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    UserMessageItem,
    WidgetItem,
)
from django.utils.translation import gettext as _

from chatstore.attachments import DjangoAttachmentStore
from chatstore.conf import settings
from chatstore.db.connections import release_unneeded_connections
from chatstore.exceptions import RequestRefused
from chatstore.server import titles
from chatstore.server.requests import asks_for_temporary, replaced_message
from chatstore.store import DjangoStore
from chatstore.turns import current_turn

# The method that an application must override before it can serve the request.
_NEEDED_METHODS: dict[type, str] = {
    ThreadsCustomActionReq: "action",
    ThreadsSyncCustomActionReq: "sync_action",
    InputTranscribeReq: "transcribe",
}


class Server(Protocol):
    """What is asked of the ChatServer."""

    store: Store[Any]
    attachment_store: AttachmentStore[Any] | None

    def first_title(self, message: str) -> str: ...

    def refusal(
        self, thread: ThreadMetadata | None, request: ChatKitReq, context: Any
    ) -> str | Awaitable[str | None] | None: ...

    async def check_offered(self, asked: InferenceOptions, context: Any) -> None: ...


class ThreadRefused(RequestRefused):
    """The thread does not take the request; the message is what ``refusal`` has returned (V2)."""

    default_status = 409


async def check(server: Server, request: ChatKitReq, context: Any) -> None:
    """
    Check all that a request names, before anything is stored or streamed (V2, V5).

    Raises:
        NotImplementedError: the application has not written what would serve the request.
        NotFoundError: a thread, an item or an attachment is unknown, or another owner's.
        ThreadRefused: the thread is locked or closed, or the application refuses the request.
        RequestRefused, UploadRefused: an item or an attachment is in the wrong state for it, or
            a tool or a model is not offered (V22).
    """
    _check_support(server, request)
    await _check_thread(server, request, context)
    await _check_state(server, request, context)


def _check_support(server: Server, request: ChatKitReq) -> None:
    """Raise NotImplementedError where the application lacks the method that serves the request."""
    needed = _NEEDED_METHODS.get(type(request))
    if needed and not has_written(server, needed):
        raise NotImplementedError(f"{needed}() is not overridden")
    if asks_for_temporary(request) and not keeps_temporary_threads(server.store):
        raise NotImplementedError("Temporary threads are switched off, or the store has none")
    if replaced_message(request) and not isinstance(server.store, DjangoStore):
        raise NotImplementedError("The store can't replace a message")


def has_written(server: Server, method: str) -> bool:
    """Tell whether the application has overridden a method of ChatKitServer."""
    return getattr(type(server), method) is not getattr(ChatKitServer, method)


def keeps_temporary_threads(store: Store[Any]) -> bool:
    """Tell whether threads may be temporary (R6)."""
    return settings.temporary_hours > 0 and isinstance(store, DjangoStore)


async def _check_thread(server: Server, request: ChatKitReq, context: Any) -> None:
    """Load the thread with its status, in one query, and ask whether the request is taken."""
    thread_id: str | None = getattr(request.params, "thread_id", None)
    if isinstance(request, (ItemsListReq, ThreadsDeleteReq)):
        return
    if thread_id is not None:
        thread = await server.store.load_thread(thread_id, context)
    elif isinstance(request, ThreadsCreateReq):
        thread = None
    else:
        return
    reason = server.refusal(thread, request, *([context] if _takes_context(server) else []))
    if inspect.isawaitable(reason):
        # What the sign-in has taken is not kept while the application decides (S16).
        await release_unneeded_connections()
        reason = await reason
    if reason:
        raise ThreadRefused(reason)


def _takes_context(server: Server) -> bool:
    """Tell whether ``refusal`` has the parameter context; an override may do without it."""
    return len(inspect.signature(server.refusal).parameters) > 2


async def _check_state(server: Server, request: ChatKitReq, context: Any) -> None:
    """Check the items and attachments that the request names, and their state."""

    async def named_item() -> ThreadItem:
        params: Any = request.params
        return await server.store.load_item(params.thread_id, params.item_id, context)

    match request:
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
            await server.check_offered(request.params.input.inference_options, context)
            await _check_replaced(server, request, context)
            await _check_attachments(server, request, context)
        case AttachmentsDeleteReq():
            await server.store.load_attachment(request.params.attachment_id, context)
        case ThreadsRetryAfterItemReq():
            if not isinstance(await named_item(), UserMessageItem):
                raise RequestRefused(_("Only a user's message can be answered again."), 409)
        case ThreadsAddStructuredInputReq():
            item = await named_item()
            if not isinstance(item, StructuredInputItem) or item.status != "pending":
                raise RequestRefused(_("This question has been answered already."), 409)
            # The SDK would ignore the answers to other questions too, and log their ids,
            # which may be any text (S18).
            answers, asked = request.params.input.answers, {one.id for one in item.inputs}
            request.params.input.answers = {key: answers[key] for key in asked & set(answers)}
        case ThreadsCustomActionReq() | ThreadsSyncCustomActionReq():
            if request.params.item_id is not None and not isinstance(
                await named_item(), WidgetItem
            ):
                raise RequestRefused(_("Only a widget can send an action."), 409)
        case ThreadsAddClientToolOutputReq(params=params):
            newest = await server.store.load_thread_items(
                params.thread_id, None, 1, "desc", context
            )
            if not any(
                isinstance(item, ClientToolCallItem) and item.status == "pending"
                for item in newest.data
            ):
                raise RequestRefused(_("No tool call waits for an output."), 409)


async def _check_replaced(
    server: Server, request: ThreadsCreateReq | ThreadsAddUserMessageReq, context: Any
) -> None:
    """Check that the message that is edited can be, and remember the title made of it (V19)."""
    item_id = replaced_message(request)
    if not item_id or isinstance(request, ThreadsCreateReq):
        return
    item = await server.store.load_item(request.params.thread_id, item_id, context)
    if not isinstance(item, UserMessageItem):
        raise RequestRefused(_("Only one's own message can be edited."), 409)
    if turn := current_turn():
        turn.old_title = server.first_title(titles.words_of(item))


async def _check_attachments(
    server: Server, request: ThreadsCreateReq | ThreadsAddUserMessageReq, context: Any
) -> None:
    attachment_ids = request.params.input.attachments
    thread_id = getattr(request.params, "thread_id", None)
    if isinstance(server.attachment_store, DjangoAttachmentStore):
        await server.attachment_store.check_sendable(attachment_ids, thread_id, context)
    else:
        for attachment_id in attachment_ids:
            await server.store.load_attachment(attachment_id, context)
