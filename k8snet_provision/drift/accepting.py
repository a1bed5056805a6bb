"""--accept: findings become known exceptions in the inventory. What was asked is judged before anything is written."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from k8snet_provision.drift import exceptions, exceptions_file
from k8snet_provision.drift.exceptions import Entry
from k8snet_provision.drift.finding import Finding
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Acceptance, Report
from k8snet_provision.problems import Origin, Problem, ProblemsFound

PREFIX = re.compile(r"[0-9a-f]{6,16}")
WHERE = "command line"


@dataclass(frozen=True)
class Asked:
    """What the command line said: fingerprints or their beginnings, a date, a reason."""

    fingerprints: tuple[str, ...]
    until: str
    reason: str


def asked(fingerprints: Sequence[str], until: str, reason: str, today: date) -> Asked | None:
    """None where nothing is to be accepted; raises ProblemsFound with all that is wrong, before any host is asked."""
    if not (fingerprints or until or reason):
        return None
    problems = []
    if not fingerprints:
        problems.append(_problem("--until and --reason go with --accept", hint="--accept FINGERPRINT"))
    for mark in fingerprints:
        if not PREFIX.fullmatch(mark.lower()):
            problems.append(
                _problem("--accept takes a fingerprint", mark, "6 to 16 digits 0-9 a-f, as drift shows them")
            )
    day = exceptions.day(until)
    if day is None:
        problems.append(_problem("--until takes the last day of the exception", until, "a date, YYYY-MM-DD"))
    elif day < today:
        problems.append(_problem("--until has passed", until, f"{today} (UTC) or later"))
    if not reason.strip():
        problems.append(_problem("--reason takes a few words", reason, "why it is known and accepted"))
    if problems:
        raise ProblemsFound(problems)
    return Asked(tuple(dict.fromkeys(mark.lower() for mark in fingerprints)), until, reason.strip())


def accept(report: Report, asked: Asked, inventory: Path, written: Sequence[Entry]) -> tuple[Entry, ...]:
    """Writes the exceptions, and gives all that hold then. `report` is the look, `written` what held before.

    Raises ProblemsFound, and then nothing is written.
    """
    known = {entry.acceptance.fingerprint: entry for entry in written}
    chosen, problems = [], []
    for mark in asked.fingerprints:
        found = _matching(report, mark)
        if len(found) == 1:
            chosen.append(found[0])
        else:
            problems.append(_not_one(mark, found, known, report))
    if problems:
        raise ProblemsFound(problems)
    acceptances = [_acceptance(found, asked, report) for found in chosen]
    file = exceptions_file.write(inventory, acceptances, written)
    known |= {item.fingerprint: Entry(item, Origin(str(file))) for item in acceptances}
    return tuple(known.values())


def _matching(report: Report, mark: str) -> list[Finding]:
    found = {item.fingerprint: item for item in report.findings if item.fingerprint.startswith(mark)}
    return list(found.values())


def _not_one(mark: str, found: Sequence[Finding], known: dict[str, Entry], report: Report) -> Problem:
    if found:
        names = ", ".join(item.fingerprint for item in found)
        return _problem("--accept begins several fingerprints", mark, hint=f"give more digits: {names}")
    for entry in known.values():
        if entry.acceptance.fingerprint.startswith(mark):
            hint = f"its exception at {entry.where} can be removed" if report.complete else ""
            return _problem("--accept names an exception whose finding is not there", mark, hint=hint)
    hint = f"they stand in brackets behind each finding of k8snet-provision drift {report.inventory}"
    return _problem("--accept names nothing that this look found", mark, hint=hint)


def _acceptance(found: Finding, asked: Asked, report: Report) -> Acceptance:
    what = f"{found.code} {found.target}: {found.what}"
    return Acceptance(found.fingerprint, asked.until, asked.reason, _who(), report.started, what)


def _who() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _problem(text: str, found: str = "", expected: str = "", hint: str = "") -> Problem:
    return Problem(ProblemCode.ACCEPT, text, WHERE, found, expected, hint)
