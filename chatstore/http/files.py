"""The views for files: direct and two-phase uploads (A1), and downloads by their owner (A2)."""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import sync_to_async
from chatkit.store import NotFoundError
from chatkit.types import Attachment
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from chatstore import codec, files
from chatstore.attachments import DjangoAttachmentStore
from chatstore.attachments.responses import file_response, safe_type_and_disposition
from chatstore.http import forms
from chatstore.http.access import load_context
from chatstore.http.views import NO_STORE, EndpointView
from chatstore.server import get_server

logger = logging.getLogger(__name__)


class UploadView(EndpointView):
    """
    Direct upload: POST of a multipart form with the field ``file``.

    The answer is the stored attachment as JSON. Refusals are UploadRefused: 400, 409 or 413 (A3).
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        forms.limit_form(request)

    async def post(self, request: HttpRequest) -> HttpResponse:
        await get_server().admit_upload(self.context)
        file = await sync_to_async(forms.file_from_form)(request)
        with file:
            attachment = await _attachment_store().upload(
                file, file.name or "", file.content_type or "", self.context
            )
        await get_server().store.save_attachment(attachment, self.context)
        return _attachment_response(attachment)


class FileView(EndpointView):
    """
    The content of one attachment.

    GET sends it to its owner. PUT and POST receive it, as the second step of a two-phase upload.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        forms.limit_form(request)

    async def check_access(self, request: HttpRequest) -> None:
        """
        Require authentication, except for a GET or HEAD request with a signed URL.

        CSRF is not checked: GET changes nothing, and an upload needs a signed token that another
        site can't know.
        """
        self.token = request.GET.get(codec.FILE_URL_PARAMETER, "")
        if request.method not in ("GET", "HEAD") or not self.token:
            await self.authenticate(request)
        else:
            self.context = await load_context(request)

    async def get(self, request: HttpRequest, attachment_id: str) -> HttpResponseBase:
        store = _attachment_store()
        if self.context is not None:  # a signed-in user must be the owner, even with a signed URL
            await get_server().check_may_read(self.context)
            row = await store.find(attachment_id, self.context)
        else:
            row = await store.find_by_token(attachment_id, self.token)
        if signer := await sync_to_async(files.get_presigner)():
            url = await sync_to_async(signer.download_url)(
                row.path, *safe_type_and_disposition(row)
            )
            return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})
        try:
            file = await sync_to_async(files.get_storage().open)(row.path)
        except FileNotFoundError:
            logger.error("File %s is missing from the storage", row.path)
            raise NotFoundError from None
        return file_response(request, file, *safe_type_and_disposition(row))

    async def put(self, request: HttpRequest, attachment_id: str) -> HttpResponse:
        await get_server().check_may_write(self.context)
        read = forms.file_from_form if forms.is_form(request) else forms.file_from_body
        with await sync_to_async(read)(request) as file:
            attachment = await _attachment_store().receive(
                attachment_id, self.token, file, self.context
            )
        return _attachment_response(attachment)

    post = put


def _attachment_store() -> DjangoAttachmentStore[Any]:
    store = get_server().attachment_store
    if not isinstance(store, DjangoAttachmentStore):
        raise NotImplementedError("The server's attachment store is not a DjangoAttachmentStore")
    return store


def _attachment_response(attachment: Attachment) -> HttpResponse:
    return HttpResponse(
        attachment.model_dump_json(context={"exclude_metadata": True}),
        content_type="application/json",
        headers=NO_STORE,
    )
