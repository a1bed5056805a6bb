"""Characters that know where they were written, and systemd's way of splitting them into words.

A flag's value may pass through several layers of quoting: an environment file's, then the word splitting of
`$NAME`. Every character keeps its place in the file and the layers above it, so that a new value can be
written exactly there, encoded for each layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

WHITESPACE = " \t\n\r"
_ESCAPES = dict(zip("abfnrtv\\\"'s", "\a\b\f\n\r\t\v\\\"' ", strict=True))
_DIGITS = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}


class Layer(Enum):
    """One layer of quoting a character is written in; encodings are in unit_encoding."""

    EXEC = auto()
    ENVIRONMENT = auto()
    FILE_BARE = auto()
    FILE_SINGLE = auto()
    FILE_DOUBLE = auto()
    SPLIT = auto()


class Escapes(Enum):
    """How backslashes are read: in ExecStart= (unknown ones stay), in Environment= (they are an error), in `$NAME`."""

    LENIENT = auto()
    STRICT = auto()
    ONE_CHARACTER = auto()


@dataclass(frozen=True, slots=True)
class Char:
    """One character of a value; text[start:end] of `file` is how it is written; layers from the file inwards."""

    value: str
    file: str
    start: int
    end: int
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its characters, and the first and last character of its written form (quotes included)."""

    chars: tuple[Char, ...]
    first: Char
    last: Char

    @property
    def value(self) -> str:
        return value_of(self.chars)


class BadQuoting(ValueError):
    """Unbalanced quotes, or an escape systemd does not know where it allows known ones only."""


def value_of(chars: Iterable[Char]) -> str:
    """The string; bytes written as `\\xNN` are put together to UTF-8 as systemd does."""
    joined = "".join(char.value for char in chars)
    return joined.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def in_layer(chars: Iterable[Char], layer: Layer) -> tuple[Char, ...]:
    return tuple(replace(char, layers=(*char.layers, layer)) for char in chars)


def spanning(value: str, first: Char, last: Char) -> Char:
    """One character written as everything from `first` to `last`."""
    return replace(first, value=value, end=last.end)


def first_word(chars: Sequence[Char], at: int, escapes: Escapes) -> tuple[Word, int]:
    """The word that starts at `at` and the index behind it; BadQuoting where systemd would ignore the line.

    In `$NAME` a backslash quotes one character and an open quote ends with the text.
    Source: extract_first_word() as systemd.syntax(7) describes it, compared with the running program in tests.
    """
    taken: list[Char] = []
    quote, here = "", at
    while here < len(chars):
        char = chars[here]
        if char.value == "\\":
            unescaped, here = _unescaped(chars, here, escapes)
            taken += unescaped
            continue
        if quote:
            if char.value == quote:
                quote = ""
            else:
                taken.append(char)
        elif char.value in "'\"":
            quote = char.value
        elif char.value in WHITESPACE:
            break
        else:
            taken.append(char)
        here += 1
    if quote and escapes is not Escapes.ONE_CHARACTER:
        raise BadQuoting(f"a {quote} is never closed")
    return Word(tuple(taken), chars[at], chars[here - 1]), here


def skip_blank(chars: Sequence[Char], at: int) -> int:
    while at < len(chars) and chars[at].value in WHITESPACE:
        at += 1
    return at


def words(chars: Sequence[Char], escapes: Escapes) -> list[Word]:
    """All words of the text."""
    found: list[Word] = []
    at = skip_blank(chars, 0)
    while at < len(chars):
        word, at = first_word(chars, at, escapes)
        found.append(word)
        at = skip_blank(chars, at)
    return found


def _unescaped(chars: Sequence[Char], at: int, escapes: Escapes) -> tuple[list[Char], int]:
    """What the backslash at `at` stands for, and the index behind it."""
    if at + 1 == len(chars):
        if escapes is Escapes.STRICT:
            raise BadQuoting("it ends in a backslash")
        return ([chars[at]] if escapes is Escapes.LENIENT else []), at + 1
    if escapes is Escapes.ONE_CHARACTER:
        return [spanning(chars[at + 1].value, chars[at], chars[at + 1])], at + 2
    value, length = _c_escape("".join(char.value for char in chars[at + 1 : at + 10]))
    if length:
        return [spanning(value, chars[at], chars[at + length])], at + length + 1
    if escapes is Escapes.STRICT:
        raise BadQuoting(f"systemd knows no escape \\{chars[at + 1].value}")
    return [chars[at], chars[at + 1]], at + 2


def _c_escape(text: str) -> tuple[str, int]:
    """The character an escape stands for and the length behind the backslash; length 0: systemd knows no such."""
    kind = text[0]
    if kind in _ESCAPES:
        return _ESCAPES[kind], 1
    count, base, skip = (*_DIGITS[kind], 1) if kind in _DIGITS else (3, 8, 0)
    digits = text[skip : skip + count]
    allowed = "0123456789abcdefABCDEF" if base == 16 else "01234567"
    if len(digits) < count or not set(digits) <= set(allowed):
        return "", 0
    number = int(digits, base)
    byte = kind in "x01234567"
    if not 0 < number <= (0xFF if byte else 0x10FFFF) or 0xD800 <= number <= 0xDFFF:
        return "", 0
    return (chr(0xDC00 + number) if byte and number > 0x7F else chr(number)), skip + count
