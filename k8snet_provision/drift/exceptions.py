"""Known exceptions: the variable `drift_accepted`, kept in the inventory so that git has them. Read and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Acceptance
from k8snet_provision.inventory import Inventory
from k8snet_provision.inventory.values import Secret, origin_of
from k8snet_provision.problems import Origin, Problem

VARIABLE = "drift_accepted"
NEEDED = ("fingerprint", "until", "reason")
KNOWN = ("fingerprint", "what", "until", "reason", "by", "at")

FINGERPRINT = re.compile(r"[0-9a-f]{16}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Entry:
    """An acceptance and where it is written."""

    acceptance: Acceptance
    where: Origin


def read(inventory: Inventory) -> tuple[tuple[Entry, ...], list[Problem]]:
    """Every exception that is written for any host, and all that is wrong with them."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for value, where in _written(inventory):
        if value is None:
            continue
        if not isinstance(value, list):
            problems.append(_problem(f"{VARIABLE} is no list", where, value, "a list of exceptions"))
            continue
        for number, item in enumerate(value):
            at = origin_of(value, [number], where)
            entry, wrong = _entry(item, at)
            problems += wrong
            entries += [entry] if entry else []
    return tuple(entries), [*problems, *_twice(entries)]


def problems(inventory: Inventory) -> list[Problem]:
    """All that is wrong with the exceptions, for lint."""
    return read(inventory)[1]


def day(text: object) -> date | None:
    """The date of YYYY-MM-DD, None for anything else."""
    if isinstance(text, str) and DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    return None


def _written(inventory: Inventory) -> Iterator[tuple[Any, Origin]]:
    """Each value of the variable once: hosts of a group share it."""
    seen: set[Origin] = set()
    for name, host in inventory.hosts.items():
        if VARIABLE not in host.vars:
            continue
        where = inventory.origin(name, VARIABLE)
        if where not in seen:
            seen.add(where)
            yield host.vars[VARIABLE], where


def _entry(item: Any, where: Origin) -> tuple[Entry | None, list[Problem]]:
    if not isinstance(item, Mapping):
        return None, [_problem("an exception is no mapping", where, item, f"keys {', '.join(NEEDED)}")]
    wrong = [_unknown(key, origin_of(item, [key], where)) for key in item if key not in KNOWN]
    wrong += [_problem(f"an exception has no {key}", where, None, key) for key in NEEDED if key not in item]
    values = {key: _text(item[key]) for key in item if key in KNOWN}
    checks = {key: _CHECKS.get(key, _is_text)(item[key], values[key]) for key in values}
    for key, expected in checks.items():
        if expected:
            hint = "put it in quotes" if key == "fingerprint" and not isinstance(item[key], str) else ""
            text = f"the exception's {key} is not one"
            wrong.append(_problem(text, origin_of(item, [key], where), item[key], expected, hint))
    return (None if wrong else Entry(Acceptance(**{k: v or "" for k, v in values.items()}), where)), wrong


def _is_text(_: Any, text: str | None) -> str:
    return "" if text is not None else "text"


def _is_reason(_: Any, text: str | None) -> str:
    return "" if text and text.strip() else "why it is known and accepted, in a few words"


def _is_date(_: Any, text: str | None) -> str:
    return "" if day(text) else "a date, YYYY-MM-DD"


def _is_fingerprint(value: Any, text: str | None) -> str:
    fits = isinstance(value, str) and FINGERPRINT.fullmatch(text or "")
    return "" if fits else "16 digits 0-9 a-f in quotes, as drift shows them in brackets"


_CHECKS = {"fingerprint": _is_fingerprint, "until": _is_date, "reason": _is_reason}


def _text(value: Any) -> str | None:
    """What was written, as text; of a vaulted file only the fingerprint is shown."""
    if isinstance(value, Secret):
        plain = value.reveal()
        return plain if FINGERPRINT.fullmatch(plain) or day(plain) else str(value)
    if isinstance(value, date):  # YAML's own reading of 2026-12-31
        return value.isoformat()
    return value if isinstance(value, str) else None


def _unknown(key: Any, where: Origin) -> Problem:
    near = get_close_matches(str(key), KNOWN, 1)
    return _problem("an exception has an unknown key", where, key, hint=f"did you mean {near[0]}?" if near else "")


def _twice(entries: list[Entry]) -> Iterator[Problem]:
    first: dict[str, Origin] = {}
    for entry in entries:
        mark = entry.acceptance.fingerprint
        if mark in first:
            text = "an exception is written twice"
            yield _problem(text, entry.where, mark, "each fingerprint once", f"first written at {first[mark]}")
        first.setdefault(mark, entry.where)


def _problem(text: str, where: Origin, found: object, expected: str = "", hint: str = "") -> Problem:
    shown = "" if found is None else repr(found)[:80]
    return Problem(ProblemCode.EXCEPTION, text, where, shown, expected, hint)
