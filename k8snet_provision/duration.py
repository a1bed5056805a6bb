"""Durations as an operator writes them: 10m, 90s, 1h30m."""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8snet_provision.problems import Problem, ProblemsFound

_PARTS = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")


@dataclass(frozen=True)
class Bounds:
    """What an option takes: from `shortest` to `longest` seconds. `code` is that of the problem with anything else."""

    option: str
    code: str
    shortest: int
    longest: int


def seconds(text: str, bounds: Bounds) -> int:
    """The seconds that a duration such as `10m` or `1h30m` means; raises ProblemsFound."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise _refused(text, "is no duration", bounds)
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    total = 3600 * hours + 60 * minutes + rest
    if not bounds.shortest <= total <= bounds.longest:
        raise _refused(text, "is too short" if total < bounds.shortest else "is too long", bounds)
    return total


def in_words(count: int) -> str:
    """Seconds as they would be written on the command line: 5400 is 1h30m."""
    hours, minutes, rest = count // 3600, count % 3600 // 60, count % 60
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return "".join(parts) or "0s"


def _refused(text: str, why: str, bounds: Bounds) -> ProblemsFound:
    problem = Problem(
        bounds.code,
        f"{bounds.option} {why}",
        "command line",
        found=text[:50],
        expected=f"from {in_words(bounds.shortest)} to {in_words(bounds.longest)}",
        hint="write hours, minutes and seconds as in 10m, 90s or 1h30m",
    )
    return ProblemsFound([problem])
