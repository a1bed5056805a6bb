"""Problems: what is wrong, where it was written, what was expected and what to do about it.

Every stage collects problems and reports all of them at once; `ProblemsFound` carries them to the
command line, which prints them and chooses the exit code. A problem is never a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`error` stops the command before anything changes; `warning` is printed and the command goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Origin:
    """Where a value was written: a path as the operator would type it, and a 1-based line (0: whole file)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One finding. `where` is an Origin, a host's name, or "cluster"; `text` is one sentence without a full stop."""

    code: str
    text: str
    where: Origin | str
    found: str = ""
    expected: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """`file:line: K8N012 text (found X, expected Y); hint: Z`, one line whatever the values hold."""
        details = ", ".join(
            f"{name} {value}" for name, value in (("found", self.found), ("expected", self.expected)) if value
        )
        warning = "warning: " if self.severity is Severity.WARNING else ""
        line = f"{self.where}: {self.code} {warning}{self.text}"
        line += f" ({details})" if details else ""
        line += f"; hint: {self.hint}" if self.hint else ""
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


class ProblemsFound(Exception):
    """Raised by a stage that cannot go on; holds every problem the stage saw, not the first only."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
