"""What changed between two looks: what appeared, what went, what can no longer be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snet_provision.drift.finding import Finding
from k8snet_provision.drift.report import Report
from k8snet_provision.plan import Incomplete


@dataclass(frozen=True)
class News:
    """`gone` are findings whose place was looked at and is well; what was not seen is not gone."""

    appeared: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    lost: tuple[Incomplete, ...] = ()
    """What can no longer be observed."""
    back: tuple[Incomplete, ...] = ()
    """What can be observed again."""

    def __bool__(self) -> bool:
        return any((self.appeared, self.gone, self.lost, self.back))


def since(before: Report, now: Report) -> News:
    """Raises nothing; two reports of one inventory."""
    was, found = _by_fingerprint(before), _by_fingerprint(now)
    missing = [(item.target, item.what) for item in now.incomplete]
    was_missing = [(item.target, item.what) for item in before.incomplete]
    return News(
        appeared=tuple(found[key] for key in found if key not in was),
        gone=tuple(was[key] for key in was if key not in found and was[key].target not in dict(missing)),
        lost=tuple(item for item in now.incomplete if (item.target, item.what) not in was_missing),
        back=tuple(item for item in before.incomplete if (item.target, item.what) not in missing),
    )


def carried(before: Report, now: Report) -> Report:
    """`now`, with the findings of `before` whose place could not be seen: so that they are told once, when they go."""
    missing = {item.target for item in now.incomplete}
    found = _by_fingerprint(now)
    kept = [item for item in before.findings if item.fingerprint not in found and item.target in missing]
    return Report(**{**vars(now), "findings": (*now.findings, *kept)}) if kept else now


def _by_fingerprint(report: Report) -> Mapping[str, Finding]:
    return {finding.fingerprint: finding for finding in report.findings}
