"""The assignments of a unit file, with continuation lines joined and comments skipped as systemd does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snet_provision.edits.unit_chars import WHITESPACE, Char

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class Assignment:
    """`key=value` in a section; `value` has no blanks around it."""

    section: str
    key: str
    value: tuple[Char, ...]
    file: str
    start: int


def assignments(file: str, text: str) -> Iterator[Assignment]:
    """Every assignment in order; lines that are neither section, comment nor assignment are left out."""
    section = ""
    for line in _logical_lines(file, text):
        stripped = _stripped(line)
        written = "".join(char.value for char in stripped)
        if written.startswith("[") and written.endswith("]"):
            section = written[1:-1]
        elif "=" in written:
            at = written.index("=")
            value = _stripped(stripped[at + 1 :])
            yield Assignment(section, written[:at].rstrip(WHITESPACE), value, file, stripped[0].start)


def _logical_lines(file: str, text: str) -> Iterator[tuple[Char, ...]]:
    joined: list[Char] = []
    for match in _LINE.finditer(text):
        line, start = match[1], match.start()
        if line.lstrip(WHITESPACE)[:1] in {"#", ";"}:
            continue  # also between continuation lines: systemd.syntax(7)
        joined += [Char(value, file, start + at, start + at + 1) for at, value in enumerate(line)]
        if _continues(joined):
            last = joined.pop()
            joined.append(Char(" ", file, last.start, last.end))
            continue
        yield tuple(joined)
        joined = []
    if joined:
        yield tuple(joined)


def _continues(line: Sequence[Char]) -> bool:
    trailing = 0
    while trailing < len(line) and line[-1 - trailing].value == "\\":
        trailing += 1
    return trailing % 2 == 1


def _stripped(line: Sequence[Char]) -> tuple[Char, ...]:
    start, end = 0, len(line)
    while start < end and line[start].value in WHITESPACE:
        start += 1
    while end > start and line[end - 1].value in WHITESPACE:
        end -= 1
    return tuple(line[start:end])
