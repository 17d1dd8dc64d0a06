"""
What is asked before a request is served, so that it is refused while nothing is stored yet (V5).

The SDK would find these things out only after the stream has begun, or never.
"""

from __future__ import annotations

from typing import Any

from chatkit.server import ChatKitServer
from chatkit.types import (
    AttachmentsDeleteReq,
    ChatKitReq,
    ClientToolCallItem,
    InputTranscribeReq,
    StructuredInputItem,
    ThreadItem,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    UserMessageItem,
    WidgetItem,
)
from django.utils.translation import gettext as _

from chatstore.attachments import DjangoAttachmentStore
from chatstore.requests import RequestRefused

# The method that an application must override before it can serve the request.
_NEEDED_METHODS: dict[type, str] = {
    ThreadsCustomActionReq: "action",
    ThreadsSyncCustomActionReq: "sync_action",
    InputTranscribeReq: "transcribe",
}


def check_support(server: ChatKitServer[Any], request: ChatKitReq) -> None:
    """Raise NotImplementedError where the application has not written what would serve it."""
    needed = _NEEDED_METHODS.get(type(request))
    if needed and getattr(type(server), needed) is getattr(ChatKitServer, needed):
        raise NotImplementedError(f"{needed}() is not overridden")


async def check_state(server: ChatKitServer[Any], request: ChatKitReq, context: Any) -> None:
    """
    Look at the items and attachments that the request names.

    Raises NotFoundError, and RequestRefused or UploadRefused where their state is not such that
    the request can be served.
    """

    async def named_item() -> ThreadItem:
        params: Any = request.params
        return await server.store.load_item(params.thread_id, params.item_id, context)

    match request:
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
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


async def _check_attachments(
    server: ChatKitServer[Any], request: ThreadsCreateReq | ThreadsAddUserMessageReq, context: Any
) -> None:
    attachment_ids = request.params.input.attachments
    thread_id = getattr(request.params, "thread_id", None)
    if isinstance(server.attachment_store, DjangoAttachmentStore):
        await server.attachment_store.check_sendable(attachment_ids, thread_id, context)
    else:
        for attachment_id in attachment_ids:
            await server.store.load_attachment(attachment_id, context)
