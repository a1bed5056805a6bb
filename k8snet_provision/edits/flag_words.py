"""Long flags on a command line, read as pflag reads them: `--flag=value`, `--flag value`, `_` equal to `-`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Flags = Mapping[str, tuple[str, ...]]
"""The values of each flag by its name, in order: some may be given several times, as --service-account-issuer."""

_OPEN = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_.-]*\)|%[A-Za-z]")
"""What only the host knows: a variable of a container, a specifier of systemd."""


@dataclass(frozen=True)
class FlagUse:
    """One use of a flag: its value ("true" for a bare switch) and the place where it is written (1-based line)."""

    value: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class FlagWord:
    """A flag by word index: `name_at` holds the name; the value starts at character `offset` of word `value_at`.

    `offset` is -1 for a bare switch such as `--allow-privileged`.
    """

    name: str
    value: str
    name_at: int
    value_at: int
    offset: int


def normalized(name: str) -> str:
    """The name as the Kubernetes programs compare it: component-base's WordSepNormalizeFunc maps `_` to `-`."""
    return name.removeprefix("--").replace("_", "-")


def flag_words(argv: Sequence[str]) -> Iterator[FlagWord]:
    """Every long flag of `argv` (program included). A word behind `--flag` is its value unless it begins with `-`."""
    at = 1
    while at < len(argv):
        word = argv[at]
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            at += 1
        elif equals:
            yield FlagWord(normalized(name), value, at, at, len(name) + 1)
            at += 1
        elif at + 1 < len(argv) and not argv[at + 1].startswith("-"):
            yield FlagWord(normalized(name), argv[at + 1], at, at + 1, 0)
            at += 2
        else:
            yield FlagWord(normalized(name), "true", at, at, -1)
            at += 1


def effective(argv: Sequence[str], name: str) -> str | None:
    """The value the program obeys: that of the last use; None where the flag is not there."""
    return next((flag.value for flag in reversed(list(flag_words(argv))) if flag.name == normalized(name)), None)


def all_values(argv: Sequence[str]) -> Flags:
    """Every long flag with all its values."""
    found: dict[str, list[str]] = {}
    for flag in flag_words(argv):
        found.setdefault(flag.name, []).append(flag.value)
    return {name: tuple(values) for name, values in found.items()}


def differing(running: Flags, written: Flags) -> list[str]:
    """The names of flags whose values are not as they are written; what only the host knows may be anything."""
    return sorted(n for n in {*running, *written} if not _same(running.get(n, ()), written.get(n, ())))


def _same(running: Sequence[str], written: Sequence[str]) -> bool:
    return len(running) == len(written) and all(map(_stands_for, written, running))


def _stands_for(written: str, value: str) -> bool:
    pattern = ".*".join(map(re.escape, _OPEN.split(written)))
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def argv_with(argv: Sequence[str], name: str, value: str) -> list[str]:
    """`argv` as it should be once the flag has the value: changed where it stands, else added as the last word."""
    changed = list(argv)
    found = [flag for flag in flag_words(argv) if flag.name == normalized(name)]
    if not found:
        return [*changed, f"--{name}={value}"]
    flag = found[-1]
    if flag.offset < 0:
        changed[flag.value_at] += f"={value}"
    else:
        changed[flag.value_at] = changed[flag.value_at][: flag.offset] + value
    return changed
