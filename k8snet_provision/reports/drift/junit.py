"""Drift as JUnit XML: a testsuite for each cluster, a testcase for each capability on each host it was compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from k8snet_provision.drift import Accepted, Finding, Report
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Problem
from k8snet_provision.reports import junit
from k8snet_provision.reports.drift.console import diff_lines
from k8snet_provision.reports.junit import ERROR, FAILURE, SKIPPED, Case, Suite

UNSEEN = "observation"
"""The testcase of what could not be observed on a host that was reached, or of the cluster."""

ALL = ("host", "objects")
"""What an Incomplete calls a host, or a cluster, of which nothing was seen."""


@dataclass
class _Looked:
    """What came of one capability on one host."""

    findings: list[Finding] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    unseen: list[Incomplete] = field(default_factory=list)
    perhaps: list[Incomplete] = field(default_factory=list)
    """What is missing on this host, and may be something that this capability rests on."""


def text(looks: Looks) -> str:
    suites = [*map(suite, looks.reports), *map(_failed, looks.failed)]
    suites += [_refused("drift", looks.problems)] if looks.problems else []
    return junit.document(junit.elements("drift", suites))


def suite(report: Report) -> Suite:
    """A finding fails its testcase, what could not be observed is an error, a known exception is skipped."""
    name = report.cluster if not report.shard else f"{report.cluster} (shard {report.shard})"
    cases = [_case(target, capability, looked) for (target, capability), looked in _looked(report).items()]
    about = {"inventory": report.inventory, "k8snet-provision": report.tool, **report.facts}
    return Suite(name, cases, report.seconds, report.started.removesuffix("Z"), about)


def _failed(failed: Failed) -> Suite:
    return _refused(failed.inventory, failed.problems)


def _refused(name: str, problems: Sequence[Problem]) -> Suite:
    """Nothing was looked at: one testcase, an error that says why."""
    lines = list(map(str, problems))
    return Suite(name, [Case(name, "look", None, ERROR, lines[0] if lines else "failed", "\n".join(lines))], 0)


def _looked(report: Report) -> dict[tuple[str, str], _Looked]:
    found = {(target, name): _Looked() for name, targets in report.looked_at.items() for target in targets}
    for finding in report.findings:
        found.setdefault((finding.target, finding.capability), _Looked()).findings.append(finding)
    for item in report.accepted:
        place = (item.finding.target, item.finding.capability)
        found.setdefault(place, _Looked()).accepted.append(item)
    for missing in report.incomplete:
        for place in [place for place in found if place[0] == missing.target and place[1] != UNSEEN]:
            (found[place].unseen if missing.what in ALL else found[place].perhaps).append(missing)
        found.setdefault((missing.target, UNSEEN), _Looked()).unseen.append(missing)
    return found


def _case(target: str, capability: str, looked: _Looked) -> Case:
    """One end for each testcase, as most readers of the format show no more: what is wrong before what is unknown.

    What may be unknown is never told as passed.
    """
    excused = [f"accepted until {item.acceptance.until}: {item.acceptance.reason}" for item in looked.accepted]
    details = [*map(_details, looked.findings), *(f"{item.what}: {item.why}" for item in looked.unseen)]
    beside = "\n\n".join(
        f"{line}\n{_details(item.finding)}" for line, item in zip(excused, looked.accepted, strict=True)
    )
    if looked.findings:
        first, more = looked.findings[0], len(looked.findings) - 1
        why = f"{first.code} {first.severity}: {first.what} {first.text}" + (f" (and {more} more)" if more else "")
        return Case(target, capability, None, FAILURE, why, "\n\n".join(details), beside)
    if looked.unseen:
        return Case(target, capability, None, ERROR, _unobserved(looked.unseen), "\n".join(details), beside)
    if excused or looked.perhaps:
        unsure = [f"not all was observed: {_unobserved(looked.perhaps)}"] if looked.perhaps else []
        return Case(target, capability, None, SKIPPED, "; ".join([*excused, *unsure]), "", beside)
    return Case(target, capability)


def _unobserved(missing: Sequence[Incomplete]) -> str:
    return "; ".join(f"{item.what} could not be observed: {item.why}" for item in missing)


def _details(found: Finding) -> str:
    """All of a finding, as the console tells it."""
    about = {"since": found.since, "who": found.who, "mend": found.mend}
    return "\n".join(
        [
            f"{found.code} {found.severity}: {found.what} {found.text} [{found.fingerprint}]",
            *diff_lines(found),
            *(f"{name}: {said}" for name, said in about.items() if said),
        ]
    )
