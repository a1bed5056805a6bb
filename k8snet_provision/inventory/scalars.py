"""Plain scalars by the rules of YAML 1.1, the version Ansible reads (https://yaml.org/type/).

`yes` is true, `0777` is octal, `1:30` is ninety, `2024-01-31` is a date; `1e3` and `0o17` are strings,
because YAML 1.1 asks for a dot in a float and has no `0o`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

_TRUE = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS: dict[str, bool | None] = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False) | dict.fromkeys(_NULL)

_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*(?::[0-5]?[0-9])*)\Z")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|\.(?:inf|Inf|INF))\Z"
    r"|\.(?:[0-9][0-9_]*(?:[eE][-+][0-9]+)?|nan|NaN|NAN)\Z"
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z")
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?"
    r"(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?\Z"
)
_STARTS_LIKE_A_NUMBER = frozenset("-+0123456789.")


def plain(text: str) -> Any:
    """The value of an unquoted, untagged scalar.

    Raises ValueError for what looks like a date or number and is none, as 2024-02-31.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS_LIKE_A_NUMBER:
        return text
    for pattern, construct in _NUMBERS:
        if pattern.match(text):
            return construct(text)
    return text


def boolean(text: str) -> bool:
    """The value of `!!bool text`; raises ValueError when it is none."""
    value = _WORDS.get(text)
    if value is None:
        raise ValueError(f"{text!r} is not a boolean")
    return value


def integer(text: str) -> int:
    """0b and 0x, a leading 0 for octal, a:b:c in base 60, `_` anywhere."""
    sign, digits = _sign(text.replace("_", ""))
    if digits == "0" or not digits:
        return int(digits)
    if digits.startswith(("0b", "0x")):
        return sign * int(digits, 0)
    if ":" in digits:
        return sign * int(_base_60(digits))
    return sign * int(digits, 8 if digits[0] == "0" else 10)


def floating(text: str) -> float:
    """Decimal, .inf, .nan and base 60."""
    sign, digits = _sign(text.replace("_", "").lower())
    if digits in (".inf", ".nan"):
        return sign * float(digits[1:])
    return sign * (_base_60(digits) if ":" in digits else float(digits))


def timestamp(text: str) -> date | datetime:
    """A date, or a date and time; with an offset it is an aware datetime."""
    if day := _DATE.match(text):
        return date(*map(int, day.groups()))
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a date")
    *numbers, fraction, zone, sign, hours, minutes = match.groups()
    offset = None
    if sign:
        shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
        offset = timezone(-shift if sign == "-" else shift)
    elif zone:
        offset = UTC
    year, month, day_, hour, minute, second = map(int, numbers)
    return datetime(year, month, day_, hour, minute, second, int((fraction or "")[:6].ljust(6, "0")), offset)


def _sign(text: str) -> tuple[int, str]:
    return (-1 if text[:1] == "-" else 1), text.lstrip("+-")


def _base_60(digits: str) -> float:
    total = 0.0
    for part in digits.split(":"):
        total = total * 60 + float(part)
    return total


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_INT, integer),
    (_FLOAT, floating),
    (_DATE, timestamp),
    (_TIME, timestamp),
)
