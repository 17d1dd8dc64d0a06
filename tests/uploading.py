"""Files to upload, and a storage that fails, for the tests of attachments and uploads."""

from __future__ import annotations

import base64
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SCRIPT = b"#!/bin/sh\necho hello\n"
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + b"\x00" * 40


def uploaded(content: bytes = b"some text\n", name: str = "a.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


class FailingStorage(FileSystemStorage):
    """A real storage that can't save or can't delete files while a test says so."""

    fails_to_save = False
    fails_to_delete = False

    def _save(self, name: str, content: Any) -> str:
        if not FailingStorage.fails_to_save:
            return super()._save(name, content)
        super()._save(name, uploaded(content.read()[: content.size // 2]))
        raise OSError("No space left on device")

    def delete(self, name: str) -> None:
        if FailingStorage.fails_to_delete:
            raise OSError("Input/output error")
        super().delete(name)
