"""
What may be uploaded: a file's name, size and type. Pure: no query, no storage.

The type is told by content, never by claim: what a client says of a file only chooses among the
types that its content may be (a text can be CSV or Markdown). puremagic does the telling: it is
typed, kept up, has no dependency and needs no libmagic on the machine, and it knows SVG and HTML,
which its rivals take for plain text. Nothing is unpacked, decoded or resized here, so neither a
zip bomb nor an image bomb finds anything to do.
"""

from __future__ import annotations

import mimetypes
import re
import unicodedata

import puremagic
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.conf import settings
from chatstore.exceptions import UploadRefused

MAX_NAME_LENGTH = 200
HEAD_BYTES = 8192  # as much of a file as its type is told by
_UNKNOWN = frozenset({"", "application/octet-stream"})
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# Text that a browser would run: never taken for harmless plain text.
_ACTIVE = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "application/xml"})
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# Control, surrogate and private characters, and line ends; of format characters, those that
# turn the direction of what follows: "gpj.exe" read from right to left looks like a picture.
_BAD_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_name(name: str) -> str:
    """
    Return a name that is safe to show and to offer for a download: no path, no control
    characters, nothing that turns the direction of writing, at most MAX_NAME_LENGTH characters.

    It is for people only: names in the storage have nothing to do with it.
    """
    name = re.split(r"[/\\]", codec.replace_unstorable(name))[-1]
    name = "".join(" " if unicodedata.category(c) in _BAD_CATEGORIES else c for c in name)
    name = " ".join(_DIRECTIONS.sub("", name).split()).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > MAX_NAME_LENGTH and stem and len(suffix) <= 16:
        return stem[: MAX_NAME_LENGTH - len(suffix) - 1] + dot + suffix
    return name[:MAX_NAME_LENGTH] or _("file")


def check_size(size: int) -> int:
    """Return the size in bytes; UploadRefused for an empty file or one over the limit."""
    if size < 1:
        raise UploadRefused(_("The file is empty."))
    if size > settings.max_upload_bytes:
        raise too_large()
    return size


def too_large() -> UploadRefused:
    limit = filesizeformat(settings.max_upload_bytes)
    return UploadRefused(_("The file is too large: at most %(limit)s.") % {"limit": limit}, 413)


def announced_type(claim: str, name: str) -> str:
    """
    Return the type that a file will have if its content bears its claim and its name out.

    UploadRefused where no content could make it one that may be uploaded.
    """
    claims = _claims(claim, name)
    for mime_type in claims:
        if mime_type in settings.upload_types:
            return mime_type
    if not claims:
        return "application/octet-stream"
    if "text/plain" in settings.upload_types and any(map(_is_plain, claims)):
        return "text/plain"
    raise _wrong_type()


def type_of(head: bytes, claim: str, name: str) -> str:
    """
    Return the type of a file by its first HEAD_BYTES.

    Among the types that the content may be, those of the claim and of the name come first.
    UploadRefused where none may be uploaded, or where an image was claimed and is none.
    """
    possible = _possible_types(head)
    claims = _claims(claim, name)
    if "text/plain" in possible:
        possible += [mime_type for mime_type in claims if _is_plain(mime_type)]
    allowed = [mime_type for mime_type in possible if mime_type in settings.upload_types]
    if not allowed:
        raise _wrong_type()
    found = next((mime_type for mime_type in claims if mime_type in allowed), allowed[0])
    if claims and is_image(claims[0]) and not is_image(found):
        raise UploadRefused(_("The file's content is not what its name says."))
    return found


def is_image(mime_type: str) -> bool:
    return mime_type.startswith("image/")


def image_type(head: bytes) -> str:
    """Return the type of what is known to be an image: the model has made it."""
    return next(filter(is_image, _possible_types(head)), "image/png")


def _claims(claim: str, name: str) -> list[str]:
    """What a file is said to be, by its sender (whom Windows tells that CSV is Excel) and name."""
    claim = claim.partition(";")[0].strip().lower()
    said = [claim, mimetypes.guess_type(name)[0] or ""]
    return [_ALIASES.get(mime_type, mime_type) for mime_type in said if mime_type not in _UNKNOWN]


def _possible_types(head: bytes) -> list[str]:
    try:
        found = [match.mime_type for match in puremagic.magic_string(head) if match.mime_type]
    except (puremagic.PureError, ValueError):
        found = []
    is_active = not _ACTIVE.isdisjoint(found)
    return found if is_active or _NO_TEXT.search(head) else [*found, "text/plain"]


def _is_plain(mime_type: str) -> bool:
    """Tell whether any text may pass for this type."""
    return mime_type not in _ACTIVE and (
        mime_type.startswith("text/") or mime_type == "application/json"
    )


def _wrong_type() -> UploadRefused:
    types = ", ".join(settings.upload_types)
    return UploadRefused(
        _("Files of this type can't be sent. These can: %(types)s.") % {"types": types}
    )
