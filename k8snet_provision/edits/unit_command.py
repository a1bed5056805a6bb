"""The command line a unit starts: from its fragment, drop-ins and environment files to the words of argv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

from k8snet_provision.edits.environment_file import is_name, variables
from k8snet_provision.edits.refused import EditRefused, line_of
from k8snet_provision.edits.unit_chars import (
    BadQuoting,
    Char,
    Escapes,
    Layer,
    Word,
    first_word,
    in_layer,
    skip_blank,
    value_of,
    words,
)
from k8snet_provision.edits.unit_expansion import Environment, expanded, with_specifiers
from k8snet_provision.edits.unit_lines import Assignment, assignments

_PREFIXES = "-@:+!"
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox", "env"})


@dataclass(frozen=True)
class UnitFiles:
    """A service's files as (path, text): fragment first, then drop-ins in systemd's order; environment files apart."""

    unit: str
    units: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...] = ()

    def text(self, path: str) -> str:
        return dict((*self.units, *self.environment))[path]

    def replaced(self, path: str, text: str) -> UnitFiles:
        """The same files with another text at `path`."""
        changed = tuple((file, text if file == path else old) for file, old in self.units)
        environment = tuple((file, text if file == path else old) for file, old in self.environment)
        return UnitFiles(self.unit, changed, environment)


def environment_files(files: UnitFiles) -> tuple[str, ...]:
    """The paths (or glob patterns) of the unit's EnvironmentFile= lines: what must be read besides the unit's files."""
    return tuple(path for _, path, _ in _environment_files(files))


def argv(files: UnitFiles) -> list[Word]:
    """The words the program is started with, as systemd makes them.

    Raises EditRefused where there is no single command, where a shell makes the words, or where the files
    are not what systemd takes.
    """
    return list(_argv(files))


@lru_cache(maxsize=1024)
def _argv(files: UnitFiles) -> tuple[Word, ...]:
    """Remembered, because every question about a unit begins with its words."""
    start = _exec_start(files)
    prefixes, command = _command(files, start)
    name = PurePosixPath(command[0].value).name
    if name in _SHELLS:
        raise _refused(
            files, start, f"the command line is made by {name}", "start the program itself, without a shell around it"
        )
    if "@" in prefixes:
        command = command[1:] or command
    if ":" in prefixes:
        return tuple(command)
    environment = _environment(files)
    return (command[0], *(word for written in command[1:] for word in expanded(written, environment)))


def _settings(files: UnitFiles, key: str) -> list[Assignment]:
    """The assignments of a list setting that count: an empty one takes back those before it."""
    kept: list[Assignment] = []
    for path, text in files.units:
        for found in assignments(path, text):
            if (found.section, found.key) == ("Service", key):
                kept = [*kept, found] if found.value else []
    return kept


def _exec_start(files: UnitFiles) -> Assignment:
    found = _settings(files, "ExecStart")
    if not found:
        raise EditRefused(f"{files.unit} has no ExecStart=", files.units[0][0] if files.units else "")
    if len(found) > 1:
        raise _refused(files, found[-1], f"{files.unit} starts more than one command", "leave one ExecStart=")
    return found[0]


def _command(files: UnitFiles, start: Assignment) -> tuple[str, list[Word]]:
    """The prefix characters of the program and all words, unexpanded."""
    found: list[Word] = []
    chars, at = in_layer(start.value, Layer.EXEC), 0
    while at < len(chars):
        ahead = value_of(chars[at : at + 3])
        if found and ahead[:1] == ";" and ahead[1:2].strip() == "":
            raise _refused(files, start, f"{files.unit} starts more than one command", "leave one ExecStart=")
        if found and ahead[:2] == "\\;" and ahead[2:3].strip() == "":
            found.append(Word((chars[at + 1],), chars[at], chars[at + 1]))
            at += 2
        else:
            try:
                word, at = first_word(chars, at, Escapes.LENIENT)
            except BadQuoting as error:
                raise _refused(files, start, f"ExecStart= cannot be read: {error}") from None
            found.append(Word(with_specifiers(word.chars, files.unit) if found else word.chars, word.first, word.last))
        at = skip_blank(chars, at)
    program = found[0].value.lstrip(_PREFIXES)
    prefixes = found[0].value[: len(found[0].value) - len(program)]
    stripped = with_specifiers(found[0].chars[len(prefixes) :], files.unit)
    return prefixes, [Word(stripped, found[0].first, found[0].last), *found[1:]]


def _environment(files: UnitFiles) -> Environment:
    """Environment= first, then the environment files in order; the later assignment wins."""
    made: dict[str, tuple[Char, ...]] = {}
    for assignment in _settings(files, "Environment"):
        made |= dict(_environment_words(files, assignment))
    for assignment, pattern, optional in _environment_files(files):
        matching = [found for found in files.environment if fnmatchcase(found[0], pattern)]
        if not matching and not optional:
            raise _refused(files, assignment, f"the environment file {pattern} is not there")
        for path, text in sorted(matching):
            made |= dict(variables(path, text))
    return made


def _environment_words(files: UnitFiles, assignment: Assignment) -> Iterator[tuple[str, tuple[Char, ...]]]:
    try:
        written = words(in_layer(assignment.value, Layer.ENVIRONMENT), Escapes.STRICT)
    except BadQuoting as error:
        raise _refused(files, assignment, f"Environment= cannot be read: {error}") from None
    for word in written:
        chars = with_specifiers(word.chars, files.unit)
        values = [char.value for char in chars]
        at = values.index("=") if "=" in values else 0
        if is_name("".join(values[:at])):
            yield "".join(values[:at]), chars[at + 1 :]


def _environment_files(files: UnitFiles) -> Iterator[tuple[Assignment, str, bool]]:
    """(line, path or pattern, whether it may be missing) of each EnvironmentFile=."""
    for assignment in _settings(files, "EnvironmentFile"):
        path = value_of(with_specifiers(assignment.value, files.unit))
        yield assignment, path.removeprefix("-"), path.startswith("-")


def _refused(files: UnitFiles, at: Assignment, text: str, hint: str = "") -> EditRefused:
    return EditRefused(text, at.file, line_of(files.text(at.file), at.start), hint)
