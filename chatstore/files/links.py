"""
The URLs of files: absolute, signed, valid for a limited time, and made anew at each load.

A signature names its purpose, the attachment and its owner. With it a file can be read without a
session here, as from the frame of the official component, whose requests carry none of the site's
cookies; whoever is signed in must be the owner besides (chatstore.http.files).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urljoin

from chatkit.types import Attachment, ThreadItem
from django.core import signing
from django.urls import NoReverseMatch, reverse
from pydantic import AnyUrl

from chatstore import codec
from chatstore.conf import settings

Purpose = Literal["upload", "file"]


def make(purpose: Purpose, attachment_id: str, user_id: Any, context: Any) -> str:
    """
    Return the URL at which the owner's file is uploaded, or read.

    It is absolute by CHATSTORE_BASE_URL, else by the request in the context. Raises ValueError
    where there is neither, NoReverseMatch where chatstore.urls are not included.
    """
    path = reverse("chatstore:file", args=[attachment_id])
    token = signing.dumps(str(user_id), salt=_salt(purpose, attachment_id))
    return f"{_absolute(path, context)}?{codec.FILE_URL_PARAMETER}={token}"


def owner_by(token: str, purpose: Purpose, attachment_id: str) -> str | None:
    """Return the owner that a token of this purpose names; None if it is wrong or too old."""
    max_age = settings.upload_url_ttl if purpose == "upload" else settings.file_url_ttl
    try:
        return str(signing.loads(token, salt=_salt(purpose, attachment_id), max_age=max_age))
    except signing.BadSignature:
        return None


def renew_items(items: Iterable[ThreadItem], user_id: Any, context: Any) -> None:
    """Replace the signed URLs in loaded items by fresh ones."""
    for item in items:
        if item.type == "user_message":
            for attachment in item.attachments:
                renew(attachment, user_id, context)
        elif item.type == "generated_image" and item.image:
            item.image.url = _renewed(item.image.url, user_id, context)


def renew(attachment: Attachment, user_id: Any, context: Any) -> None:
    """Replace the preview's URL by a fresh one, if it is a signed URL of this module."""
    if attachment.type == "image":
        url = str(attachment.preview_url)
        if (renewed := _renewed(url, user_id, context)) != url:
            attachment.preview_url = AnyUrl(renewed)


def _renewed(url: str, user_id: Any, context: Any) -> str:
    attachment_id = codec.attachment_id_from_url(url)
    if attachment_id is None:
        return url
    try:
        return make("file", attachment_id, user_id, context)
    except (NoReverseMatch, ValueError):  # outside of a request: nobody is there to follow it
        return url


def _salt(purpose: Purpose, attachment_id: str) -> str:
    return f"chatstore.{purpose}.{attachment_id}"


def _absolute(path: str, context: Any) -> str:
    if settings.base_url:
        return urljoin(settings.base_url, path)
    is_mapping = isinstance(context, Mapping)
    request = context.get("request") if is_mapping else getattr(context, "request", None)
    if request is None:
        raise ValueError("No request in the context: set CHATSTORE_BASE_URL")
    return str(request.build_absolute_uri(path))
