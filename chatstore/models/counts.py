"""Counts: how many threads, messages and files an operation has changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """How many rows were deleted, exported or imported, as counted by the database."""

    threads: int = 0
    messages: int = 0
    files: int = 0
    model_turns: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.threads + other.threads,
            self.messages + other.messages,
            self.files + other.files,
            self.model_turns + other.model_turns,
        )
