"""How many rows of each table an operation has changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """What was deleted, exported or imported: rows that the database says it has changed."""

    threads: int = 0
    messages: int = 0
    files: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.threads + other.threads,
            self.messages + other.messages,
            self.files + other.files,
        )
