"""What a check that fails says: one line with what was found and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gevent.pool import Pool

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 24
SHOWN = 4


class NotAsWanted(AssertionError):
    """The text is the whole message."""


def demand(found: object, expected: object, what: str = "") -> None:
    """Raises NotAsWanted unless both are equal."""
    if found != expected:
        raise NotAsWanted(difference(found, expected, what))


def difference(found: object, expected: object, what: str = "") -> str:
    """How every check words it."""
    return f"{f'{what}: ' if what else ''}found {_text(found)}, expected {_text(expected)}"


def nothing_wrong(faults: Iterable[str]) -> None:
    """Raises NotAsWanted with the first few; empty texts are no faults."""
    said = list(dict.fromkeys(fault for fault in faults if fault))
    if said:
        more = f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
        raise NotAsWanted("; ".join(said[:SHOWN]) + more)


def at_once(ask: Callable[[T], R], questions: Sequence[T]) -> list[R]:
    """Every answer, in the order of the questions; the first exception is raised."""
    return list(Pool(AT_ONCE).imap(ask, questions))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or "nothing"
    if isinstance(value, Iterable):
        return ", ".join(sorted(map(str, value))) or "nothing"
    return str(value)
