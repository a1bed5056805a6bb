"""Host patterns of an inventory: `web[01:20:2].lab:2222` to names and a port."""

from __future__ import annotations

import ipaddress
import re
from string import ascii_letters

MAX_HOSTS = 100_000

_BRACKETED_PORT = re.compile(r"\[(.+)\]:([0-9]+)\Z")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)\Z")
_WELL_FORMED_RANGE = re.compile(r"\[(?:[0-9]+:[0-9]+|[a-zA-Z]:[a-zA-Z])(?::[0-9]+)?\]")
_HEXADECIMAL_RANGE = re.compile(r"\[[0-9a-fA-F]+:[0-9a-fA-F]+(?::[0-9]+)?\]")
_LABEL = re.compile(r"\w(?:[\w-]*[^\W_])?\Z")


class BadPattern(ValueError):
    """A pattern that names no hosts; the message says why."""


def expand(pattern: str) -> tuple[list[str], int | None]:
    """The names a pattern stands for, in order, and the port written after it; raises BadPattern."""
    name, port = _split_port(pattern)
    names = _expand_ranges(name)
    if port is None and pattern.endswith(":"):
        raise BadPattern("a colon at the end stands before a port")
    return names, port


def _split_port(pattern: str) -> tuple[str, int | None]:
    match = _BRACKETED_PORT.match(pattern) or _PORT.match(pattern)
    name, port = (match[1], int(match[2])) if match else (pattern, None)
    return (name, port) if _is_address(name) else (pattern, None)


def _is_address(name: str) -> bool:
    """Whether it is an address or host name; one value of each range stands for the whole."""
    try:
        ipaddress.ip_address(_HEXADECIMAL_RANGE.sub("1", name))
    except ValueError:
        return all(map(_LABEL.match, _WELL_FORMED_RANGE.sub("1", name).split(".")))
    return True


def _expand_ranges(name: str) -> list[str]:
    names = [""]
    rest = name
    while "[" in rest:
        head, _, rest = rest.partition("[")
        bounds, closed, rest = rest.partition("]")
        if not closed:
            raise BadPattern("a range is not closed by ]")
        values = _range(bounds)
        if len(names) * len(values) > MAX_HOSTS:
            raise BadPattern(f"it stands for more than {MAX_HOSTS:,} hosts")
        names = [f"{name}{head}{value}" for name in names for value in values]
    return [name + rest for name in names]


def _range(text: str) -> list[str]:
    bounds = text.split(":")
    if len(bounds) not in (2, 3):
        raise BadPattern("a range is written [first:last] or [first:last:step]")
    first, last = bounds[0] or "0", bounds[1]
    step = _number(bounds[2]) if len(bounds) == 3 else 1
    if step < 1:
        raise BadPattern("the step of a range is at least 1")
    if first in ascii_letters and last in ascii_letters and len(first) == len(last) == 1:
        values = list(ascii_letters[ascii_letters.index(first) : ascii_letters.index(last) + 1 : step])
    else:
        values = _numeric(first, last, step)
    if not values:
        raise BadPattern("a range ends before it begins")
    return values


def _numeric(first: str, last: str, step: int) -> list[str]:
    padded = len(first) > 1 and first[0] == "0"
    if padded and len(first) != len(last):
        raise BadPattern("both ends of a range with leading zeros have the same length")
    numbers = range(_number(first), _number(last) + 1, step)
    if len(numbers) > MAX_HOSTS:
        raise BadPattern(f"it stands for more than {MAX_HOSTS:,} hosts")
    return [str(number).zfill(len(first) if padded else 0) for number in numbers]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadPattern("the ends of a range are two numbers or two letters")
    return int(text)
