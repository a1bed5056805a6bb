"""Memory: what drift knows from the looks before, so that it can say since when. Pure; memory_file keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.finding import Finding, Severity
from k8snet_provision.drift.report import Report

FORMAT = 1

LOOKS = 100
"""The newest that are kept."""


class Verdict(StrEnum):
    IN_SYNC = "in sync"
    DRIFT = "drift"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


@dataclass(frozen=True)
class Look:
    """One look in a line. `counts`: findings by severity, accepted, incomplete. `part`: what limited it, if anything.

    `why` says of one that failed what was wrong.
    """

    started: str
    seconds: float
    verdict: Verdict
    counts: Mapping[str, int] = field(default_factory=dict)
    part: str = ""
    why: str = ""


@dataclass(frozen=True)
class Sight:
    """When a finding was first seen, and on which host (or CLUSTER): whom to ask whether it is gone."""

    since: str
    target: str


@dataclass(frozen=True)
class Memory:
    """Of one inventory. `seen` by fingerprint; `looks` oldest first; `good`: the newest whole one that was complete."""

    seen: Mapping[str, Sight] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    good: Look | None = None


def told(report: Report, memory: Memory, part: str = "") -> Report:
    """The report, each finding with the time it was first seen. `part`: what limited it, "" for nothing."""

    def dated(finding: Finding) -> Finding:
        sight = memory.seen.get(finding.fingerprint)
        return replace(finding, since=sight.since if sight else report.started)

    good = memory.good.started if memory.good else ""
    return replace(
        report,
        last_complete=report.started if report.complete and not part else good,
        findings=tuple(map(dated, report.findings)),
        accepted=tuple(replace(item, finding=dated(item.finding)) for item in report.accepted),
    )


def after(report: Report, memory: Memory, part: str = "") -> Memory:
    """What is known once this look has been told (`told`)."""
    found = [*report.findings, *(item.finding for item in report.accepted)]
    unsaid = _unsaid(report)
    kept = {mark: sight for mark, sight in memory.seen.items() if unsaid(sight.target)}
    seen = kept | {finding.fingerprint: Sight(finding.since, finding.target) for finding in found}
    look = _look(report, part)
    good = look if report.complete and not part else memory.good
    return Memory(seen, (*memory.looks, look)[-LOOKS:], good)


def after_failure(memory: Memory, started: str, why: str, part: str = "") -> Memory:
    """What is known after a look that could not be had: nothing new but that."""
    look = Look(started, 0.0, Verdict.FAILED, part=part, why=why)
    return replace(memory, looks=(*memory.looks, look)[-LOOKS:])


def _unsaid(report: Report) -> Callable[[str], bool]:
    """Of which targets this look cannot say that something is gone: they were not asked, or not all was seen."""
    unseen = {item.target for item in report.incomplete}
    asked = set(report.hosts)

    def unsaid(target: str) -> bool:
        if CLUSTER in unseen or target in unseen:
            return True
        if target == CLUSTER:  # what hosts show together is the cluster's
            return not report.cluster_looked_at or bool(unseen)
        return target not in asked

    return unsaid


def verdict(report: Report) -> Verdict:
    """As the exit code has it: what could not be seen comes before drift."""
    if not report.complete:
        return Verdict.INCOMPLETE
    return Verdict.IN_SYNC if report.in_sync else Verdict.DRIFT


def _look(report: Report, part: str) -> Look:
    severities = Counter(str(finding.severity) for finding in report.findings)
    counts = {str(severity): severities[str(severity)] for severity in Severity}
    counts |= {"accepted": len(report.accepted), "incomplete": len(report.incomplete)}
    return Look(report.started, report.seconds, verdict(report), counts, part)


def to_json(memory: Memory) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "seen": {mark: asdict(sight) for mark, sight in memory.seen.items()},
        "looks": [look_to_json(look) for look in memory.looks],
        "good": look_to_json(memory.good) if memory.good else None,
    }


def look_to_json(look: Look) -> dict[str, Any]:
    return {**vars(look), "verdict": str(look.verdict), "counts": dict(look.counts)}


def from_json(value: Any) -> Memory:
    """Raises KeyError, TypeError or ValueError for what is no memory of this format."""
    if value["format"] != FORMAT:
        raise ValueError(f"format {value['format']!r}, not {FORMAT}")
    seen = {str(mark): Sight(*_texts(sight["since"], sight["target"])) for mark, sight in value["seen"].items()}
    good = _look_of(value["good"]) if value["good"] else None
    return Memory(seen, tuple(map(_look_of, value["looks"])), good)


def _look_of(value: Mapping[str, Any]) -> Look:
    counts = {str(name): int(count) for name, count in value["counts"].items()}
    started, part, why = _texts(value["started"], value["part"], value["why"])
    return Look(started, float(value["seconds"]), Verdict(value["verdict"]), counts, part, why)


def _texts(*values: Any) -> Iterable[str]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("not text")
    return values
