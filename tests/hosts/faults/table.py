"""The table of faults, filled cell by cell and printed at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass
class Row:
    """One cell. `exit` is the struck run's exit code, negative for the signal that ended it."""

    phase: str
    fault: str
    state: str = "?"
    resume: str = "?"
    rollback: str = "?"
    strays: str = "?"
    lock: str = "?"
    exit: int | str = "?"


def lines(rows: Sequence[Row]) -> list[str]:
    """Columns as wide as they have to be."""
    names = [field.name for field in fields(Row)]
    cells = [names, *([str(getattr(row, name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
