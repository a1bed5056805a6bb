"""Command-line flags of a systemd service: read, and set where they are written, every other byte kept.

A flag may be written in the unit's fragment, in a drop-in, in Environment= or in an EnvironmentFile=. Each
edit is proved before it is returned: the files are read again, and exactly the wanted word of argv differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from k8snet_provision.edits.flag_words import FlagUse, FlagWord, argv_with, effective, flag_words, normalized
from k8snet_provision.edits.refused import EditRefused, FlagGivenTwice, line_of
from k8snet_provision.edits.unit_chars import Layer, Word
from k8snet_provision.edits.unit_command import UnitFiles, argv, environment_files
from k8snet_provision.edits.unit_encoding import encode

__all__ = ["UnitFiles", "command_line", "environment_files", "flags", "with_flags"]


def command_line(files: UnitFiles) -> list[str]:
    """argv as systemd starts the program; specifiers that depend on the host stay as written."""
    return [word.value for word in argv(files)]


def flags(files: UnitFiles) -> dict[str, list[FlagUse]]:
    """Every long flag by name (with `-`), each use in order; the last use is the one the program obeys."""
    found: dict[str, list[FlagUse]] = {}
    line = argv(files)
    for flag in flag_words([word.value for word in line]):
        first = (line[flag.name_at].chars or (line[flag.name_at].first,))[0]
        use = FlagUse(flag.value, first.file, line_of(files.text(first.file), first.start))
        found.setdefault(flag.name, []).append(use)
    return found


def with_flags(files: UnitFiles, wanted: Mapping[str, str]) -> dict[str, str]:
    """The new texts, by path, of the files that change so that every wanted flag has its value.

    Raises EditRefused (FlagGivenTwice where the flag stands twice and would have to change).
    """
    edited = files
    for name, value in wanted.items():
        edited = _with_flag(edited, normalized(name), value)
    before = dict((*files.units, *files.environment))
    after = dict((*edited.units, *edited.environment))
    return {path: text for path, text in after.items() if text != before[path]}


def _with_flag(files: UnitFiles, name: str, value: str) -> UnitFiles:
    line = argv(files)
    before = [word.value for word in line]
    uses = [flag for flag in flag_words(before) if flag.name == name]
    if uses and uses[-1].value == value:
        return files
    if len(uses) > 1:
        raise FlagGivenTwice(name, tuple((use.file, use.line) for use in flags(files)[name]))
    try:
        edits = list(_replacements(line, uses[0], value) if uses else _additions(files, line, f"--{name}={value}"))
    except EditRefused as refusal:
        raise _refused(files, line, uses, refusal.text, refusal.hint) from None
    expected = argv_with(before, name, value)
    if effective(expected, name) != value:
        raise _not_possible(files, line, uses, name)
    for file, start, end, written in edits:
        text = files.text(file)
        candidate = files.replaced(file, text[:start] + written + text[end:])
        if command_line(candidate) == expected:
            return candidate
    raise _not_possible(files, line, uses, name)


def _not_possible(files: UnitFiles, line: list[Word], uses: list[FlagWord], name: str) -> EditRefused:
    text = f"--{name} cannot be set here without changing other words of the command line"
    return _refused(files, line, uses, text, f"write --{name}=... as a word of its own in ExecStart=")


def _refused(files: UnitFiles, line: list[Word], uses: list[FlagWord], text: str, hint: str) -> EditRefused:
    """The refusal at the place of the flag, or of the last word where the flag is missing."""
    place = line[uses[0].name_at if uses else -1]
    at = (place.chars or (place.first,))[0]
    return EditRefused(text, at.file, line_of(files.text(at.file), at.start), hint)


def _replacements(line: list[Word], flag: FlagWord, value: str) -> Iterator[tuple[str, int, int, str]]:
    """(file, start, end, text) of the ways to write the new value over the old one."""
    word = line[flag.value_at]
    if flag.offset < 0:
        yield _behind(word, encode(f"={value}", _layers(word)))
        return
    old = word.chars[flag.offset :]
    if old and all(char.file == old[0].file and char.layers == old[0].layers for char in old):
        yield old[0].file, old[0].start, old[-1].end, encode(value, old[0].layers)
    elif not old and word.chars:
        last = word.chars[-1]
        yield last.file, last.end, last.end, encode(value, last.layers)


def _additions(files: UnitFiles, line: list[Word], flag: str) -> Iterator[tuple[str, int, int, str]]:
    """The ways to add a last word: spaced as the last two words are, by one blank, by an encoded blank."""
    last = line[-1]
    written = encode(flag, _layers(last))
    yield _behind(last, _spacing(files, line) + written)
    yield _behind(last, " " + written)
    yield _behind(last, encode(" ", last.last.layers[:1]) + written)


def _spacing(files: UnitFiles, line: list[Word]) -> str:
    """What stands between the last two words written in the same way: one blank, or a continuation and indent."""
    for before, last in reversed(list(pairwise(line))):
        if last.first.file == before.last.file and before.last.end < last.first.start:
            between = files.text(last.first.file)[before.last.end : last.first.start]
            if not between.strip(" \t\r\n\\") and last.last.layers == line[-1].last.layers:
                return between
    return " "


def _behind(word: Word, written: str) -> tuple[str, int, int, str]:
    return word.last.file, word.last.end, word.last.end, written


def _layers(word: Word) -> tuple[Layer, ...]:
    return word.last.layers
