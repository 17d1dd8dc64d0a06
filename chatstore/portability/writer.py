"""Writes an archive, in constant memory."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.portability.archive import CHUNK_BYTES, HEADER, LINES_NAME, ArchiveError


class Writer:
    """
    Writes a new archive, which only its owner may read.

    Args:
        target: a path, compressed if it ends in .gz or .zip; "-" for standard output.
        files: the folder for the files; default: ``<target>.files``, or none with standard output.
            A zip holds them itself.
        with_files: whether files can be added at all, but for a zip.

    Raises ArchiveError if the target exists or can't be written.
    """

    def __init__(self, target: str, files: str | None = None, *, with_files: bool = True) -> None:
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
        if not with_files:
            self._folder = None
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
            # A zip is written one entry at a time: the lines are added after the files.
            self._lines = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the writer)
            self._resources.enter_context(self._lines)
            self._folder = None
            return
        self._folder = self._folder or Path(f"{target}.files")
        if target.endswith(".gz"):
            # No name and no time in the header, so that equal data gives an equal file.
            self._lines = cast(
                IO[bytes],
                self._resources.enter_context(
                    gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)
                ),
            )

    @property
    def can_store_files(self) -> bool:
        """Tell whether files can be added: not to standard output without a folder."""
        return self._zip is not None or self._folder is not None

    def write(self, record: dict[str, Any]) -> None:
        """Write a record as one line."""
        line = encode_line(record)
        self._digest.update(line)
        self._lines.write(line)

    def add_file(self, content: IO[bytes]) -> str:
        """Copy a file to the archive, only once if it is added again; return its SHA-256."""
        if self._folder:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
            try:
                while chunk := content.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                self._store_file(copy, digest.hexdigest())
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(copy.name)
        return digest.hexdigest()

    def _store_file(self, copy: Any, name: str) -> None:
        if self._zip is None:
            os.fsync(copy.fileno())
            os.replace(copy.name, cast(Path, self._folder) / name)
        elif f"files/{name}" not in self._zip.NameToInfo:
            copy.seek(0)
            with self._zip.open(zip_entry(f"files/{name}"), "w", force_zip64=True) as entry:
                shutil.copyfileobj(copy, entry, CHUNK_BYTES)

    def flush(self) -> None:
        """Write to the disk what was written so far, except for a zip."""
        self._lines.flush()
        if self._file is not None and self._zip is None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write the last line and close the archive, which is incomplete without it."""
        checksum = self._digest.hexdigest()
        self.write({"type": "end", "sha256": checksum})
        if self._zip is not None:
            self._lines.seek(0)
            with self._zip.open(zip_entry(LINES_NAME), "w", force_zip64=True) as entry:
                shutil.copyfileobj(self._lines, entry, CHUNK_BYTES)
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


def encode_line(record: dict[str, Any]) -> bytes:
    """Return a record as one line of an archive."""
    try:
        return _line(record)
    except UnicodeEncodeError:  # a lone surrogate in the application's metadata (S14)
        return _line(codec.replace_unstorable(record))


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def zip_entry(name: str) -> zipfile.ZipInfo:
    """Return the head of a zip's entry, without the time at which it is made."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # equal data gives an equal file
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
