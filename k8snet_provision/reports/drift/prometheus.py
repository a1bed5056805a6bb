"""Drift as metrics, in the text exposition format that node_exporter's textfile collector reads.

monitoring/ has the alert rules and the dashboard that go by these names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Finding, Report, Severity
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.drift.of_plan import REFUSAL
from k8snet_provision.exits import Exit, of_reports
from k8snet_provision.text import printable

PREFIX = "k8snet_drift"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sample:
    metric: str
    labels: Labels
    value: float


HELP: Mapping[str, str] = {
    "info": "The newest look: what it was made with and of.",
    "findings": "Findings that no exception excuses. 0 only where all was seen and nothing found.",
    "accepted_findings": "Findings that a known exception excuses.",
    "exception_end_timestamp_seconds": "When a known exception that excuses a finding ends.",
    "hosts": "Hosts that were looked at, reached or not.",
    "unobserved_hosts": "Hosts of which not all could be observed.",
    "unobserved": "Things that could not be observed, on hosts or in the cluster.",
    "exit_code": "The look's exit code: 0 in sync, 1 failed, 2 drift, 3 incomplete.",
    "duration_seconds": "How long the look took.",
    "last_look_timestamp_seconds": "When the newest look was begun.",
    "last_complete_look_timestamp_seconds": "When the newest look that saw everything was begun.",
}
"""Every metric, all of them gauges; the text is the same in every file, or node_exporter would refuse them."""


def text(looks: Looks) -> str:
    """All clusters in one file: a metric's samples stand together, as the format wants it."""
    names = Counter((report.cluster, report.shard) for report in looks.reports)
    found: dict[str, dict[Labels, float]] = {metric: {} for metric in HELP}
    for report in looks.reports:
        common = _common(report, names[report.cluster, report.shard] > 1)
        for sample in _samples(report):
            found[sample.metric][common + sample.labels] = sample.value
    for failed in looks.failed:
        found["exit_code"].update(dict.fromkeys([_named(failed)], Exit.FAILED))
    return "".join(line + "\n" for metric in HELP for line in _lines(metric, found[metric]))


def _common(report: Report, namesake: bool) -> Labels:
    """Shards and clusters of the same name are told apart, so that no sample stands twice."""
    labels = [("cluster", report.cluster)]
    labels += [("shard", str(report.shard))] if report.shard else []
    labels += [("inventory", report.inventory)] if namesake else []
    return tuple(labels)


def _named(failed: Failed) -> Labels:
    return (("cluster", failed.cluster or failed.inventory),)


def _samples(report: Report) -> Iterator[Sample]:
    unseen = {item.target for item in report.incomplete}
    yield Sample("info", _labels(version=report.tool, kubernetes=report.facts.get("kubernetes", "unknown")), 1)
    yield from _counted("findings", report.findings, _known_well(report, unseen))
    yield from _counted("accepted_findings", [item.finding for item in report.accepted], report.looked_at)
    for item in report.accepted:
        if (end := _seconds(item.acceptance.until)) is not None:
            mark = item.acceptance.fingerprint
            labels = _labels(host=item.finding.target, capability=item.finding.capability, fingerprint=mark)
            yield Sample("exception_end_timestamp_seconds", labels, end + timedelta(days=1).total_seconds())
    yield Sample("hosts", (), len(report.hosts))
    yield Sample("unobserved_hosts", (), len(unseen.intersection(report.hosts)))
    yield Sample("unobserved", (), len(report.incomplete))
    yield Sample("exit_code", (), of_reports([report]))
    yield Sample("duration_seconds", (), report.seconds)
    for metric, when in (("last_look", report.started), ("last_complete_look", report.last_complete)):
        if (at := _seconds(when)) is not None:
            yield Sample(f"{metric}_timestamp_seconds", (), at)


def _known_well(report: Report, unseen: set[str]) -> Iterable[str]:
    """Capabilities of which everything was seen: where nothing was found, nothing is wrong. A refusal needs it all."""
    if unseen <= {CLUSTER, *report.hosts}:  # of a shard that is missing nobody knows what it would have seen
        for capability, targets in report.looked_at.items():
            if not unseen if capability == REFUSAL else not unseen.intersection(targets):
                yield capability


def _counted(metric: str, findings: Iterable[Finding], zeros: Iterable[str]) -> Iterator[Sample]:
    """For each capability a sample of every severity, so that an alert ends once its cause is gone."""
    counts = Counter((found.capability, found.severity) for found in findings)
    for capability in dict.fromkeys([*zeros, *(name for name, _ in counts)]):
        for severity in Severity:
            yield Sample(metric, _labels(capability=capability, severity=severity), counts[capability, severity])


def _labels(**values: str) -> Labels:
    return tuple(values.items())


def _seconds(when: str) -> float | None:
    """Since 1970, of a date (its first moment, UTC) or of a time; None where it is neither."""
    try:
        at = datetime.fromisoformat(when)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _lines(metric: str, samples: Mapping[Labels, float]) -> Iterator[str]:
    if samples:
        name = f"{PREFIX}_{metric}"
        yield from (f"# HELP {name} {HELP[metric]}", f"# TYPE {name} gauge")
        for labels, value in samples.items():
            told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
            yield f"{name}{{{told}}} {value:.15g}"


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
