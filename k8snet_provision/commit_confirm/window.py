"""How long a run waits to be confirmed, as an operator writes it: 10m, 90s, 1h30m."""

from __future__ import annotations

import re

from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.problems import Problem, ProblemsFound

SHORTEST, LONGEST = 60, 24 * 3600
"""Seconds. In less than a minute nobody has looked; what nobody looked at for a day is nobody's any more."""

_PARTS = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")


def seconds(text: str) -> int:
    """The seconds that a duration such as `10m` or `1h30m` means; raises ProblemsFound."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise _refused(text, "is no duration")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    total = 3600 * hours + 60 * minutes + rest
    if not SHORTEST <= total <= LONGEST:
        raise _refused(text, "is too short" if total < SHORTEST else "is too long")
    return total


def in_words(count: int) -> str:
    """Seconds as they would be written on the command line: 5400 is 1h30m."""
    hours, minutes, rest = count // 3600, count % 3600 // 60, count % 60
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return "".join(parts) or "0s"


def _refused(text: str, why: str) -> ProblemsFound:
    problem = Problem(
        Code.BAD_WINDOW,
        f"--confirm-within {why}",
        "command line",
        found=text[:50],
        expected="from 1m to 24h",
        hint="write hours, minutes and seconds as in 10m, 90s or 1h30m",
    )
    return ProblemsFound([problem])
