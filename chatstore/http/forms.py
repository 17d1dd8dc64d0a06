"""Reads forms and bodies that are files, within the limit of their size, and not into memory."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.utils.translation import gettext as _

from chatstore.attachments.validation import file_too_large
from chatstore.conf import settings
from chatstore.exceptions import Refused, RequestRefused, UploadRefused

CHUNK_BYTES = 64 * 1024


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes a form's file to a temporary file, and stops as soon as it exceeds the limit."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.max_upload_bytes:
            self.upload_interrupted()
            raise file_too_large()
        super().receive_data_chunk(raw_data, start)


def limit_form(request: HttpRequest) -> None:
    """
    Limit the size of the file in a request's form.

    Must be called before anything reads the form; the CSRF check is the first to do so.
    """
    request.upload_handlers = [LimitedUploadHandler(request)]
    if is_form(request) and not request.META.get("CONTENT_LENGTH"):
        # With chunked encoding there is no length, and Django reads no form whose length is 0.
        request.META["CONTENT_LENGTH"] = "1"


def is_form(request: HttpRequest) -> bool:
    """Tell whether the body is a multipart form."""
    return request.method == "POST" and request.content_type == "multipart/form-data"


def read_form(request: HttpRequest) -> None:
    """
    Let Django read the form, if there is one. Blocking: don't call it on the event loop.

    Raises RequestRefused (400) for a form that it can't read, whatever the reason;
    RequestDataTooBig; and what an upload handler raises.
    """
    try:
        request.POST  # noqa: B018 (a property that reads the body)
    except (Refused, RequestDataTooBig, OSError):
        raise
    except Exception:  # noqa: BLE001 (it depends on charset, boundary, encoding, number of fields …)
        raise RequestRefused(_("The request can't be read."), 400) from None


def file_from_form(request: HttpRequest) -> UploadedFile[bytes]:
    """
    Return the field ``file`` of a form. Blocking: don't call it on the event loop.

    Raises UploadRefused: 400 without a file, 413 if it is too large.
    """
    read_form(request)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise UploadRefused(_("There is no file in this upload."))
    return file


def file_from_body(request: HttpRequest) -> UploadedFile[bytes]:
    """
    Return the body as a file, which the caller closes. Blocking: don't call it on the event loop.

    Raises UploadRefused (413) if it is too large.
    """
    file = TemporaryUploadedFile("upload", request.content_type or "", 0, None)
    try:
        while chunk := request.read(CHUNK_BYTES):
            file.write(chunk)
            if file.tell() > settings.max_upload_bytes:
                raise file_too_large()
    except BaseException:
        file.close()
        raise
    file.size = file.tell()
    return file
