"""
Signed URLs of files on this site: absolute, valid for a limited time, renewed at each load.

The signature covers the purpose, the attachment and its owner. With it a file can be read without a
session, which ChatKit's official component needs: it runs in a frame of another site, whose
requests have no cookies of this one. chatstore.http.files refuses a signed-in user who is not the
owner.
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


def create(purpose: Purpose, attachment_id: str, user_id: Any, context: Any) -> str:
    """
    Return the absolute URL to upload or read an owner's file.

    Args:
        purpose: a token for "upload" can't be used to read, nor the other way round.
        attachment_id: the file.
        user_id: its owner, who is stored in the token.
        context: has the ``request`` that gives the host, unless CHATSTORE_BASE_URL is set.

    Raises ValueError if there is neither a request nor CHATSTORE_BASE_URL, NoReverseMatch if the
    project does not include chatstore.urls.
    """
    path = reverse("chatstore:file", args=[attachment_id])
    token = signing.dumps(str(user_id), salt=_salt(purpose, attachment_id))
    return f"{_absolute(path, context)}?{codec.FILE_URL_PARAMETER}={token}"


def owner_from_token(token: str, purpose: Purpose, attachment_id: str) -> str | None:
    """
    Return the owner in the token of a URL.

    None if the signature is wrong, for another purpose or attachment, or older than
    CHATSTORE_UPLOAD_URL_TTL or CHATSTORE_FILE_URL_TTL seconds.
    """
    max_age = settings.upload_url_ttl if purpose == "upload" else settings.file_url_ttl
    try:
        return str(signing.loads(token, salt=_salt(purpose, attachment_id), max_age=max_age))
    except signing.BadSignature:
        return None


def renew_item_urls(items: Iterable[ThreadItem], user_id: Any, context: Any) -> None:
    """Replace expiring URLs of this module in loaded items by new ones (S6)."""
    for item in items:
        if item.type == "user_message":
            for attachment in item.attachments:
                renew_preview_url(attachment, user_id, context)
        elif item.type == "generated_image" and item.image:
            item.image.url = _renewed(item.image.url, user_id, context)


def renew_preview_url(attachment: Attachment, user_id: Any, context: Any) -> None:
    """Replace an image's preview URL by a new one, if it is a URL of this module (S6)."""
    if attachment.type == "image":
        url = str(attachment.preview_url)
        if (renewed := _renewed(url, user_id, context)) != url:
            attachment.preview_url = AnyUrl(renewed)


def _renewed(url: str, user_id: Any, context: Any) -> str:
    attachment_id = codec.attachment_id_from_url(url)
    if attachment_id is None:
        return url
    try:
        return create("file", attachment_id, user_id, context)
    except (
        NoReverseMatch,
        ValueError,
    ):  # without a request, as in a command, no client uses the URL
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
