"""
The file that conversations are exported to: JSON Lines, gzip by name, a zip by name.

What the lines are is docs/export-format.md; what they mean is the business of portability.
Files lie beside it, in ``<name>.files/``, or inside the zip, named by their SHA-256. The last
line holds a checksum of all before it, so that a file cut short is known as such. Writing and
reading take the memory of a line.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from django.utils.translation import gettext as _

from chatstore import codec

VERSION = 1
HEADER = {"type": "chatstore", "version": VERSION}
LINES_NAME = "threads.jsonl"  # in a zip
SQLITE_MAGIC = b"SQLite format 3\x00"
CHUNK = 64 * 1024
# What gzip and zip raise for bytes that are not what they should be; of a zip that is encrypted,
# or packed in a way unknown here, it is a RuntimeError.
DAMAGED = (EOFError, RuntimeError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


class ArchiveError(Exception):
    """What is wrong with an archive, in a sentence that holds no text of a conversation."""


class Writer:
    """
    Writes an archive that must not be there yet; only its owner may read it.

    Args:
        target: a path, ending in .gz or .zip for these; "-" for standard output.
        files: a folder for the files, where the target has no place of its own for them.
    """

    def __init__(self, target: str, files: str | None = None) -> None:
        self._resources = ExitStack()
        self._digest = hashlib.sha256()
        self._zip: zipfile.ZipFile | None = None
        self._lines: IO[bytes]
        self._file: IO[bytes] | None = None
        self._folder = Path(files) if files else None
        if target == "-":
            self._lines = sys.stdout.buffer
        else:
            self._open(target)
        self.write(HEADER)

    def _open(self, target: str) -> None:
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ArchiveError(
                _("Can't write %(path)s: %(error)s.") % {"path": target, "error": error.strerror}
            ) from error
        self._file = self._lines = self._resources.enter_context(os.fdopen(descriptor, "wb"))
        if target.endswith(".zip"):
            self._zip = self._resources.enter_context(
                zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
            )
            # A zip is written one entry at a time: the lines wait until the files are in.
            self._lines = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the writer)
            self._resources.enter_context(self._lines)
            self._folder = None
            return
        self._folder = self._folder or Path(f"{target}.files")
        if target.endswith(".gz"):
            # Neither name nor time in its header: equal contents are equal bytes.
            self._lines = cast(
                IO[bytes],
                self._resources.enter_context(
                    gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)
                ),
            )

    @property
    def takes_files(self) -> bool:
        """Whether there is a place for files: not on standard output."""
        return self._zip is not None or self._folder is not None

    def write(self, record: dict[str, Any]) -> None:
        """Write one line."""
        try:
            line = _line(record)
        except UnicodeEncodeError:  # a lone surrogate, in the application's own notes
            line = _line(codec.clean(record))
        self._digest.update(line)
        self._lines.write(line)

    def add_file(self, content: IO[bytes]) -> str:
        """Copy a file in, once however often it is added; return its SHA-256."""
        if self._folder:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
            try:
                while chunk := content.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                self._place(copy, digest.hexdigest())
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(copy.name)
        return digest.hexdigest()

    def _place(self, copy: Any, name: str) -> None:
        if self._zip is None:
            os.fsync(copy.fileno())
            os.replace(copy.name, cast(Path, self._folder) / name)
        elif f"files/{name}" not in self._zip.NameToInfo:
            copy.seek(0)
            with self._zip.open(_zip_entry(f"files/{name}"), "w", force_zip64=True) as entry:
                shutil.copyfileobj(copy, entry, CHUNK)

    def flush(self) -> None:
        """Make sure that what was written survives a crash of the machine (zip excepted)."""
        self._lines.flush()
        if self._file is not None and self._zip is None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write the last line, and close the archive: without it, it counts as cut short."""
        checksum = self._digest.hexdigest()
        self.write({"type": "end", "sha256": checksum})
        if self._zip is not None:
            self._lines.seek(0)
            with self._zip.open(_zip_entry(LINES_NAME), "w", force_zip64=True) as entry:
                shutil.copyfileobj(self._lines, entry, CHUNK)
        self.flush()
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._resources.close()


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _zip_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # equal contents are equal bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


class Reader:
    """
    Reads an archive, whatever its name says: lines, gzip or zip.

    Args:
        source: a path; "-" for standard input. A pipe is copied to a temporary file first, since
            an archive is read twice: to be checked, and to be used.
        files: the folder of the files, where it isn't beside the archive.
    """

    def __init__(self, source: str, files: str | None = None) -> None:
        self._resources = ExitStack()
        self._zip: zipfile.ZipFile | None = None
        try:
            self._open(source, files)
        except BaseException:
            self._resources.close()
            raise

    def _open(self, source: str, files: str | None) -> None:
        self._folder = Path(files or f"{source}.files")
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
                shutil.copyfileobj(self.file, copy, CHUNK)
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
            except zipfile.BadZipFile as error:
                raise ArchiveError(_("The zip is damaged or was cut short.")) from error

    @property
    def is_sqlite(self) -> bool:
        """Whether the file is a SQLite database: that of ChatKit's sample store, perhaps."""
        return self._magic == SQLITE_MAGIC

    def check(self, *, partial: bool = False) -> int:
        """
        Read it once, and return the number of lines to use; ArchiveError where it isn't whole.

        With ``partial`` an archive that was cut short is used up to its last whole thread.
        """
        digest = hashlib.sha256()
        checksum = None
        count = whole = 0
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
                    whole = count
        except (*DAMAGED, ArchiveError) as error:
            if count == 0 and isinstance(error, ArchiveError):
                raise
        if checksum is not None and checksum != digest.hexdigest():
            raise ArchiveError(_("The checksum is wrong: the archive was changed."))
        if checksum is None and not partial:
            raise ArchiveError(
                _(
                    "The archive is damaged or cut short after line %s. "
                    "--partial uses what stands before."
                )
                % count
            )
        return whole if checksum is None else count

    def records(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield as many records as ``check`` has found, the header apart."""
        for number, line in enumerate(islice(self._raw_lines(), count), 1):
            if number > 1:
                yield _parse(line, number) | {"line": number}

    def open_file(self, sha256: str) -> IO[bytes] | None:
        """Open a file of the archive; None where it isn't there, or isn't what it was."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            return None
        try:
            with self._open_file(sha256) as content:
                if hashlib.file_digest(cast(Any, content), "sha256").hexdigest() != sha256:
                    return None
            return self._open_file(sha256)
        except (OSError, KeyError, *DAMAGED):
            return None

    def _open_file(self, sha256: str) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(f"files/{sha256}")
        return open(self._folder / sha256, "rb")

    def _raw_lines(self) -> Iterator[bytes]:
        with ExitStack() as stack:
            if self._zip is not None:
                try:
                    lines = stack.enter_context(self._zip.open(LINES_NAME))
                except KeyError as error:
                    raise ArchiveError(_("The zip holds no %s.") % LINES_NAME) from error
            else:
                self.file.seek(0)
                lines = cast(IO[bytes], self.file)
                if self._magic.startswith(b"\x1f\x8b"):
                    lines = cast(IO[bytes], gzip.GzipFile(fileobj=self.file))
                    stack.enter_context(lines)
            for line in lines:  # noqa: UP028 (yield from would close the file)
                yield line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._resources.close()


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise ArchiveError(_("Line %s is no JSON object, or was cut short.") % number)
    return record


def _check_header(record: dict[str, Any]) -> None:
    if record.get("type") != HEADER["type"]:
        raise ArchiveError(_("This is no archive of chatstore: its first line doesn't say so."))
    if record.get("version") != VERSION:
        raise ArchiveError(
            _("The archive has version %(theirs)s; this chatstore reads version %(ours)s.")
            % {"theirs": record.get("version"), "ours": VERSION}
        )
