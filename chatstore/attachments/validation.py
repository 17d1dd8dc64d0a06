"""
Validates the name, size and type of a file to upload (A3). Uses neither queries nor the storage.

The type is detected from the content. The client's claim only chooses between types that the
content allows: a text can be CSV or Markdown. The detection is puremagic's, because it is typed and
maintained, and needs neither dependencies nor libmagic. Nothing is unpacked, decoded or resized, so
zip bombs and image bombs have no effect.

Content can't tell markup from text about markup: notes may begin with a tag, and a script may
begin with notes. So what calls itself HTML or SVG is refused, unless CHATSTORE_UPLOAD_TYPES allows
it; any other text is taken as text, and downloaded under a name with which no system runs it.
"""

from __future__ import annotations

import codecs
import mimetypes
import re
import unicodedata

import puremagic
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.attachments.words import size_in_words, types_in_words
from chatstore.conf import settings
from chatstore.exceptions import UploadRefused

MAX_NAME_LENGTH = 200
HEAD_BYTES = 8192  # how much of a file is read to detect its type
_UNKNOWN = frozenset({"", "application/octet-stream"})
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# Text that a browser can execute. What claims to be such is not accepted as plain text.
_MARKUP = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})
# Beginnings of subtypes of application that no text has: archives, programs, office documents.
_BINARY_SUBTYPES = (
    *("vnd.", "zip", "x-zip", "gzip", "x-7z", "x-rar", "x-tar", "x-bzip", "java-archive"),
    *("pdf", "msword", "x-msdos", "x-msdownload", "wasm"),
)
# By type, the suffixes under which files are downloaded; the first is added to other names. With
# these, systems open a file to show or edit it, and don't run it.
# fmt: off
_TEXT_SUFFIXES = (
    ".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".log", ".srt", ".diff", ".patch",
    ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".sql",
    ".c", ".cpp", ".h", ".css", ".go", ".java", ".rs", ".tsx",
)
# fmt: on
_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    "application/json": _TEXT_SUFFIXES,
    "text/plain": _TEXT_SUFFIXES,
    "text/csv": _TEXT_SUFFIXES,
    "text/markdown": _TEXT_SUFFIXES,
}
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_TEXT_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # the mark of UTF-32 begins with one
# Unicode categories that are replaced by spaces in names: control characters, surrogates, private
# use, line and paragraph separators.
_BAD_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
# Marks of writing direction: "photo\u202egpj.exe" would be shown as "photoexe.jpg".
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_name(name: str) -> str:
    """
    Return a file name that is safe to show and to download under (A2).

    It has no path, no control characters, no change of writing direction, and at most
    MAX_NAME_LENGTH characters; never empty. Files in the storage have other, random names.
    """
    name = re.split(r"[/\\]", codec.replace_unstorable(name))[-1]
    name = "".join(" " if unicodedata.category(c) in _BAD_CATEGORIES else c for c in name)
    name = " ".join(_DIRECTION_MARKS.sub("", name).split()).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > MAX_NAME_LENGTH and stem and len(suffix) <= 16:
        return stem[: MAX_NAME_LENGTH - len(suffix) - 1] + dot + suffix
    return name[:MAX_NAME_LENGTH] or _("file")


def download_name(name: str, mime_type: str) -> str:
    """
    Return the name under which a file is downloaded (A2).

    A file of a default type gets a suffix of its type, unless it has one: a text that is called
    ``a.hta`` becomes ``a.hta.txt``. Other types are the site's choice, and keep their names.
    """
    name = clean_name(name)
    suffixes = _SUFFIXES.get(mime_type)
    if suffixes is None or name.lower().endswith(suffixes):
        return name
    return clean_name(name + suffixes[0])


def check_size(size: int) -> int:
    """Return the size, in bytes; UploadRefused if it is 0 or over CHATSTORE_MAX_UPLOAD_BYTES."""
    if size < 1:
        raise UploadRefused(_("The file is empty."))
    if size > settings.max_upload_bytes:
        raise file_too_large()
    return size


def file_too_large() -> UploadRefused:
    """Return the refusal (413) of a file over CHATSTORE_MAX_UPLOAD_BYTES."""
    limit = size_in_words(settings.max_upload_bytes)
    return UploadRefused(_("The file is too large: at most %(limit)s.") % {"limit": limit}, 413)


def type_from_claims(claim: str, name: str) -> str:
    """
    Return the type that an announced file will have, if its content agrees with the claims.

    Args:
        claim: the type that the client claims.
        name: the file's name, whose suffix is a claim too.

    Raises UploadRefused if no content could make it a type of CHATSTORE_UPLOAD_TYPES.
    """
    claims = _claims(claim, name)
    _check_markup(claims)
    for mime_type in claims:
        if mime_type in settings.upload_types:
            return mime_type
    if not claims:
        return "application/octet-stream"
    if "text/plain" in settings.upload_types and any(map(_may_be_text, claims)):
        return "text/plain"
    raise _type_not_allowed()


def detect_type(head: bytes, claim: str, name: str) -> str:
    """
    Return the type of a file.

    Args:
        head: its first HEAD_BYTES.
        claim: the type that the client claims.
        name: the file's name, whose suffix is a claim too.

    If the content allows several types, a claimed one is chosen. Raises UploadRefused if none is in
    CHATSTORE_UPLOAD_TYPES, or if an image is claimed and the content is no image, or HTML or SVG is
    claimed and not in CHATSTORE_UPLOAD_TYPES.
    """
    possible = _possible_types(head)
    claims = _claims(claim, name)
    _check_markup(claims)
    if "text/plain" in possible:
        possible += [mime_type for mime_type in claims if _is_plain_text(mime_type)]
    allowed = [mime_type for mime_type in possible if mime_type in settings.upload_types]
    if not allowed:
        raise _type_not_allowed()
    found = next((mime_type for mime_type in claims if mime_type in allowed), allowed[0])
    if claims and is_image(claims[0]) and not is_image(found):
        raise UploadRefused(_("The file's content is not what its name says."))
    return found


def is_image(mime_type: str) -> bool:
    """Tell whether a type is an image's."""
    return mime_type.startswith("image/")


def detect_image_type(head: bytes) -> str:
    """Return the type of an image that the model has generated; image/png if it is unknown."""
    return next(filter(is_image, _possible_types(head)), "image/png")


def _claims(claim: str, name: str) -> list[str]:
    """Return the types claimed by the client and by the name; Windows claims that CSV is Excel."""
    claim = claim.partition(";")[0].strip().lower()
    claimed = [claim, mimetypes.guess_type(name)[0] or ""]
    return [ALIASES.get(mime_type, mime_type) for mime_type in claimed if mime_type not in _UNKNOWN]


def _possible_types(head: bytes) -> list[str]:
    """Return the types that the content allows; the most probable one first."""
    try:
        found = [match.mime_type for match in puremagic.magic_string(head) if match.mime_type]
    except (puremagic.PureError, ValueError):
        found = []
    if head[8:12] != b"WEBP":
        # puremagic gives this type, among others, to all that begins with RIFF, such as sounds.
        found = [mime_type for mime_type in found if mime_type != "image/webp"]
    is_text = head.startswith(_TEXT_MARKS) or not _BINARY.search(head)
    return [*found, "text/plain"] if is_text else found


def _check_markup(claims: list[str]) -> None:
    """Raise UploadRefused if HTML or SVG is claimed and not in CHATSTORE_UPLOAD_TYPES."""
    if not _MARKUP.intersection(claims) <= set(settings.upload_types):
        raise _type_not_allowed()


def _is_plain_text(mime_type: str) -> bool:
    """Tell whether any text is valid content of this type."""
    return mime_type.startswith("text/") or mime_type in ("application/json", "application/xml")


def _may_be_text(mime_type: str) -> bool:
    """
    Tell whether a text may claim this type: source code and configuration have many.

    TypeScript shares its suffix with a kind of video.
    """
    main_type, _slash, subtype = mime_type.partition("/")
    if main_type == "application":
        return subtype.endswith(("+json", "+xml")) or not subtype.startswith(_BINARY_SUBTYPES)
    return main_type in ("text", "message") or mime_type == "video/mp2t"


def _type_not_allowed() -> UploadRefused:
    types = types_in_words(settings.upload_types)
    return UploadRefused(
        _("Files of this type can't be sent. These can: %(types)s.") % {"types": types}
    )
