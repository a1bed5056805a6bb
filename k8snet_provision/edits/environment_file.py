"""The variables of an EnvironmentFile=, read character by character as systemd.exec(5) describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from k8snet_provision.edits.refused import EditRefused, line_of
from k8snet_provision.edits.unit_chars import Char, Layer

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NEWLINE = "\n\r"
_BLANK = " \t\n\r"


def is_name(name: str) -> bool:
    """Whether systemd takes it as the name of an environment variable."""
    return bool(_NAME.match(name))


def variables(file: str, text: str) -> Iterator[tuple[str, tuple[Char, ...]]]:
    """(name, value) in the file's order. Raises EditRefused where versions of systemd read the file differently."""
    at = 0
    while at < len(text):
        if text[at] in _BLANK:
            at += 1
        elif text[at] in "#;":
            at = _behind_comment(file, text, at)
        else:
            end = _line_end(text, at)
            equals = text.find("=", at, end)
            if equals < 0:
                at = end
                continue
            name = text[at:equals].rstrip(_BLANK)
            value, at = _value(file, text, equals + 1)
            if is_name(name):
                yield name, value


def _line_end(text: str, at: int) -> int:
    return next((end for end in range(at, len(text)) if text[end] in _NEWLINE), len(text))


def _behind_comment(file: str, text: str, at: int) -> int:
    end = _line_end(text, at)
    following = text[end + 1 : _line_end(text, end + 1)].strip()
    if text[end - 1] == "\\" and following and following[0] not in "#;":
        raise EditRefused(
            "a comment ends in a backslash: systemd before 254 takes the next line as part of it, later ones do not",
            file,
            line_of(text, at),
            hint="remove the backslash at the end of the comment",
        )
    return end


def _value(file: str, text: str, at: int) -> tuple[tuple[Char, ...], int]:
    """The value that starts behind the `=`: quoted pieces one after the other, then perhaps a bare rest."""
    taken: list[Char] = []
    while at < len(text) and text[at] not in _NEWLINE:
        if text[at] in " \t":
            at += 1
        elif text[at] == "'":
            piece, at = _single(file, text, at + 1)
            taken += piece
        elif text[at] == '"':
            piece, at = _double(file, text, at + 1)
            taken += piece
        else:
            piece, at = _bare(file, text, at)
            return (*taken, *piece), at
    return tuple(taken), at


def _single(file: str, text: str, at: int) -> tuple[list[Char], int]:
    end = text.find("'", at)
    end = len(text) if end < 0 else end
    return [Char(text[here], file, here, here + 1, (Layer.FILE_SINGLE,)) for here in range(at, end)], end + 1


def _double(file: str, text: str, at: int) -> tuple[list[Char], int]:
    taken: list[Char] = []
    layers = (Layer.FILE_DOUBLE,)
    while at < len(text) and text[at] != '"':
        escaped = text[at + 1 : at + 2] if text[at] == "\\" else ""
        if escaped == "\n":
            at += 2
        elif escaped and escaped in '"\\`$':
            taken.append(Char(escaped, file, at, at + 2, layers))
            at += 2
        elif escaped:
            taken += [Char(text[at + i], file, at + i, at + i + 1, layers) for i in (0, 1)]
            at += 2
        else:
            taken.append(Char(text[at], file, at, at + 1, layers))
            at += 1
    return taken, at + 1


def _bare(file: str, text: str, at: int) -> tuple[list[Char], int]:
    taken: list[Char] = []
    kept = 0  # blanks at the end of the line do not belong to the value
    while at < len(text) and text[at] not in _NEWLINE:
        escaped = text[at] == "\\"
        width = 2 if escaped else 1
        value = text[at + width - 1 : at + width]
        if value and not (escaped and value in _NEWLINE):
            taken.append(Char(value, file, at, at + width, (Layer.FILE_BARE,)))
        if escaped or value not in " \t":
            kept = len(taken)
        at += width
    return taken[:kept], at
