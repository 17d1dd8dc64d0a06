"""Reads an archive, in constant memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, Self, cast

from django.utils.translation import gettext as _

from chatstore.portability.archive import (
    CHUNK_BYTES,
    DECOMPRESSION_ERRORS,
    HEADER,
    LINES_NAME,
    MAX_LINE_MIB,
    SQLITE_MAGIC,
    VERSION,
    ArchiveError,
)

_CONVERSATIONS = re.compile(r"(^|/)conversations(-\d+)?\.json$")  # in exports of ChatGPT
_DAMAGE = (*DECOMPRESSION_ERRORS, UnicodeDecodeError)  # the last for a name inside a zip
_MAX_HEADER_BYTES = 1_000
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"


class Reader:
    """
    Reads an archive of lines, gzip or zip; its content tells which, not its name.

    Args:
        source: a path; "-" for standard input. A pipe is copied to a temporary file first, because
            an archive is read twice: by ``check``, then by ``records``.
        files: the folder of the files; default: ``<source>.files``.
        max_line_mib: the length of the longest line that is read, in MiB; a line is held in
            memory, and a small compressed file can hold one of gigabytes.

    Raises ArchiveError if the file can't be read.
    """

    def __init__(
        self, source: str, files: str | None = None, *, max_line_mib: int = MAX_LINE_MIB
    ) -> None:
        self.max_line_bytes = max_line_mib * 2**20
        self._resources = ExitStack()
        self._zip: zipfile.ZipFile | None = None
        try:
            self._open(source, files)
        except BaseException:
            self._resources.close()
            raise

    def _open(self, source: str, files: str | None) -> None:
        self._folder = Path(files or f"{source}.files")
        self._name = "stdin" if source == "-" else Path(source).name
        self.file: Any
        try:
            if source == "-":
                self.file = sys.stdin.buffer
            else:
                self.file = Path(source).open("rb")  # noqa: SIM115 (closed with the reader)
                self._resources.enter_context(self.file)
            if source == "-" or not self.file.seekable():
                copy = tempfile.NamedTemporaryFile()  # noqa: SIM115 (closed with the reader)
                self._resources.enter_context(copy)
                shutil.copyfileobj(self.file, copy, CHUNK_BYTES)
                copy.flush()
                self.file = copy
            self.path: str = self.file.name
            self.file.seek(0)
            self._magic = self.file.read(16)
        except OSError as error:
            raise ArchiveError(
                _("Can't read %(path)s: %(error)s.") % {"path": source, "error": error.strerror}
            ) from error
        if self._magic.startswith(b"PK"):
            try:
                self._zip = self._resources.enter_context(zipfile.ZipFile(self.file))
            except _DAMAGE as error:
                raise ArchiveError(_("The zip file is damaged or incomplete.")) from error

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the file is a SQLite database, such as that of ChatKit's sample store."""
        return bool(self._magic == SQLITE_MAGIC)

    def documents(self) -> Iterator[tuple[str, Any]]:
        """
        Yield the JSON documents of a file that is no archive but may be another product's export,
        each with the name of its file.

        These are the conversations of a zip, or a file that is one list or object of JSON. Yields
        nothing for any other file. Raises ArchiveError for a document that can't be read, and
        LineTooLongError for one that is longer than a line may be, since it is held in memory.
        """
        start = self._magic.lstrip(_BEFORE_JSON)[:1]
        if self._zip is not None:
            if LINES_NAME in self._zip.namelist():
                return
            for path in sorted(filter(_CONVERSATIONS.search, self._zip.namelist())):
                name = Path(path).name
                try:
                    with self._zip.open(path) as content:
                        text = self._read_document(content)
                except _DAMAGE:
                    raise refusal(name, "damaged, or encrypted") from None
                yield name, _parse_document(text, name)
        elif start in (b"[", b"{"):
            self.file.seek(0)
            if _is_object(self.file.readline(_MAX_HEADER_BYTES)):  # a file of lines
                return
            self.file.seek(0)
            text = self._read_document(self.file)
            # Lines begin with an object, too: if it is one of them, check says what is wrong.
            with suppress(ArchiveError) if start == b"{" else nullcontext():
                yield self._name, _parse_document(text, self._name)

    def _read_document(self, content: IO[bytes]) -> bytes:
        text = content.read(self.max_line_bytes + 1)
        if len(text) > self.max_line_bytes:
            raise LineTooLongError(
                _("The file holds more than %d MiB of JSON. --max-line-mib raises this.")
                % (self.max_line_bytes // 2**20)
            )
        return text

    def check(self, *, partial: bool = False) -> int:
        """
        Verify the archive, and return the number of lines that ``records`` may read.

        Raises ArchiveError if the archive is incomplete or damaged. With ``partial``, an incomplete
        archive is accepted up to its last complete thread.
        """
        digest = hashlib.sha256()
        checksum = None
        count = complete = 0
        try:
            for line in self._raw_lines():
                record = _parse(line, count + 1)
                if count == 0:
                    _check_header(record)
                if record.get("type") == "end":
                    checksum = record.get("sha256")
                    break
                digest.update(line)
                count += 1
                if record.get("type") in ("thread_end", "upload"):
                    complete = count
        except LineTooLongError:
            raise
        except (*_DAMAGE, ArchiveError) as error:
            if count == 0 and isinstance(error, ArchiveError):
                raise
        if checksum is not None and checksum != digest.hexdigest():
            raise ArchiveError(_("The checksum is wrong: the archive has been changed."))
        if checksum is None and not partial:
            raise ArchiveError(
                _(
                    "The archive is damaged or incomplete after line %s. "
                    "--partial imports what is before it."
                )
                % count
            )
        return complete if checksum is None else count

    def records(self, count: int) -> Iterator[dict[str, Any]]:
        """
        Yield the records of the first ``count`` lines but the header, each with its ``line`` and
        that line's ``length`` in bytes.
        """
        for number, line in enumerate(islice(self._raw_lines(), count), 1):
            if number > 1:
                yield _parse(line, number) | {"line": number, "length": len(line)}

    def open_file(self, sha256: str) -> IO[bytes] | None:
        """Open an attachment's file; None if it is missing or does not match its SHA-256."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            return None
        try:
            with self._open_file(sha256) as content:
                if hashlib.file_digest(cast(Any, content), "sha256").hexdigest() != sha256:
                    return None
            return self._open_file(sha256)
        except (OSError, KeyError, *_DAMAGE):
            return None

    def _open_file(self, sha256: str) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(f"files/{sha256}")
        return open(self._folder / sha256, "rb")

    def _raw_lines(self) -> Iterator[bytes]:
        with ExitStack() as stack:
            if self._zip is not None:
                try:
                    entry = stack.enter_context(self._zip.open(LINES_NAME))
                    lines = cast(IO[bytes], io.BufferedReader(cast(Any, entry), CHUNK_BYTES))
                except KeyError as error:
                    raise ArchiveError(
                        _("The zip file does not contain %s.") % LINES_NAME
                    ) from error
            else:
                self.file.seek(0)
                lines = cast(IO[bytes], self.file)
                if self._magic.startswith(b"\x1f\x8b"):
                    lines = cast(IO[bytes], gzip.GzipFile(fileobj=self.file))
                    stack.enter_context(lines)
            number = 0
            while line := lines.readline(self.max_line_bytes + 1):
                number += 1
                if len(line) > self.max_line_bytes:
                    raise LineTooLongError(
                        _("Line %(line)d is longer than %(most)d MiB. --max-line-mib raises this.")
                        % {"line": number, "most": self.max_line_bytes // 2**20}
                    )
                yield line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._resources.close()


class LineTooLongError(ArchiveError):
    """A line is longer than a reader accepts."""


def _is_object(line: bytes) -> bool:
    with suppress(ArchiveError):
        return bool(_parse(line, 1))
    return False


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise ArchiveError(_("Line %s is not a JSON object, or is incomplete.") % number)
    return record


def _parse_document(text: bytes, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise refusal(name, "no JSON, or cut short") from None


def refusal(place: str, reason: str) -> ArchiveError:
    """
    Return the error that something can't be imported.

    Args:
        place: where it is in the file.
        reason: in English, and often an error's type. No error's message: it could quote the
            conversation (S18).
    """
    return ArchiveError(
        _("%(place)s can't be imported (%(error)s). Correct it, and run the import again.")
        % {"place": place, "error": reason}
    )


def _check_header(record: dict[str, Any]) -> None:
    if record.get("type") != HEADER["type"]:
        raise ArchiveError(
            _("This is not an archive of chatstore: its first line is not the header.")
        )
    if record.get("version") != VERSION:
        raise ArchiveError(
            _("The archive has version %(theirs)s; this chatstore reads version %(ours)s.")
            % {"theirs": repr(record.get("version"))[:20], "ours": VERSION}
        )
