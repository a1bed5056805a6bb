"""--every: a duration, or a calendar expression of systemd."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime
from itertools import pairwise

from k8snet_provision import duration
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.duration import Bounds
from k8snet_provision.problems import Problem, ProblemsFound

BOUNDS = Bounds("--every", ProblemCode.EVERY, 60, 7 * 24 * 3600)

LOOKED_AHEAD = 30
"""Occurrences of a calendar expression; the longest gap between two of them counts."""


def read(text: str) -> tuple[int, str]:
    """The most seconds between two looks, and the calendar expression, empty for a duration. Raises ProblemsFound."""
    if re.fullmatch(r"\s*(\d+[hms])+\s*", text):
        return duration.seconds(text, BOUNDS), ""
    command = ["systemd-analyze", "calendar", f"--iterations={LOOKED_AHEAD}", "--", text]
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    except OSError:
        raise _refused(text, "cannot be judged here: systemd-analyze is not there") from None
    times = [datetime.fromisoformat(found) for found in re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", ran.stdout)]
    if ran.returncode != 0:
        raise _refused(text, "is neither a duration nor a time of systemd's calendar")
    gaps = [int((later - sooner).total_seconds()) for sooner, later in pairwise(sorted(set(times)))]
    if not gaps:
        raise _refused(text, "comes once at most")
    return max(gaps), text.strip()


def _refused(text: str, why: str) -> ProblemsFound:
    hint = "15m, 1h30m; or as OnCalendar= has it: 02:30, Mon..Fri 06:00, *:0/10"
    return ProblemsFound([Problem(ProblemCode.EVERY, f"--every {why}", "command line", text[:80], hint=hint)])
