"""
What readers and writers of an archive share.

An archive is a file of JSON Lines, compressed if its name ends in .gz or .zip;
docs/reference/export-format.md describes the lines. The attachments' files are in the folder
``<name>.files/`` or inside the zip, named by their SHA-256. The last line holds a checksum of all
lines before it, by which an incomplete archive is recognised.
"""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib

VERSION = 1
HEADER = {"type": "chatstore", "version": VERSION}
LINES_NAME = "threads.jsonl"  # the name of the lines inside a zip
SQLITE_MAGIC = b"SQLite format 3\x00"
CHUNK_BYTES = 64 * 1024
MAX_LINE_MIB = 64  # a longer line is refused by an import, unless its caller raises the bound
# What gzip and zipfile raise for damaged data; RuntimeError for a zip that is encrypted or
# compressed by an unknown method.
DECOMPRESSION_ERRORS = (
    EOFError,
    RuntimeError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArchiveError(Exception):
    """An archive can't be read or written; the message holds no text of a conversation (S18)."""
