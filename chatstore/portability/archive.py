"""
The file that conversations are exported to: JSON Lines, compressed if its name ends in .gz or .zip.

docs/export-format.md describes the lines; exports and imports know what they mean. Files lie
beside it, in ``<name>.files/``, or inside the zip, named by their SHA-256. The last line holds a
checksum of all lines before it, so that a file that was cut short is recognised.
"""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib

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
