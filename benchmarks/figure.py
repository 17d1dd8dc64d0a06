"""One line of the results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """
    A measured value.

    Args:
        at_least, at_most: the target, if there is one.
    """

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """Return the target and whether it is met; empty if there is none."""
        if self.at_least is not None:
            return f"target >= {self.at_least:g}: {_met(self.value >= self.at_least)}"
        if self.at_most is not None:
            return f"target <= {self.at_most:g}: {_met(self.value <= self.at_most)}"
        return ""

    def __str__(self) -> str:
        line = f"{self.name} {self.value:.4g} {self.unit}"
        return f"{line} ({self.target})" if self.target else line


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
