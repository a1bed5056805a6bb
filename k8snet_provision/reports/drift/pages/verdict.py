"""What a look says in a word, and in a sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from k8snet_provision.drift.looks import Looks
from k8snet_provision.reports.drift.pages.state import State, Tally, numbered


@dataclass(frozen=True)
class Verdict:
    """`state` gives the colour and the sign; `hosts` were looked at, `unseen` of them were not observed."""

    word: str
    state: State
    sentence: str
    hosts: int
    unseen: int


def of_all(looks: Looks) -> Verdict:
    """What was not seen, or went wrong, is said beside what was found, and is never in sync."""
    reports, wrong = looks.reports, len(looks.failed) or len(looks.problems)
    found = [finding for report in reports for finding in report.findings]
    missing = {(report.cluster, item.target) for report in reports for item in report.incomplete}
    hosts = {(report.cluster, host) for report in reports for host in report.hosts}
    accepted = sum(len(report.accepted) for report in reports)
    tally = Tally(severities=Counter(each.severity for each in found), unseen=len(missing))
    limited = not all(report.cluster_looked_at for report in reports)
    told = _told(len(found), len({(each.cluster, each.target) for each in found} & hosts), accepted, limited)
    told += _missing(len(missing & hosts), len(hosts), bool(missing - hosts)) if missing else ""
    told = f"{told if reports else ''}{_wrong(len(looks.failed), len(looks.problems))}".lstrip()
    words = {"failed": wrong, "drift": found, "incomplete": missing}
    word = ", ".join(word for word, there in words.items() if there) or "in sync"
    return Verdict(word, State.CRITICAL if wrong else tally.state, told, len(hosts), len(missing & hosts))


def _told(found: int, hosts: int, accepted: int, limited: bool) -> str:
    known = numbered(accepted, "known exception") if accepted else ""
    of = "of what was looked at, " if limited else ""
    if not found:
        told = f"{of}nothing differs {f'but {known}' if known else 'from what the topology wants'}."
        return told[0].upper() + told[1:]
    on = f" on {numbered(hosts, 'host')}" if hosts else ""
    return f"{numbered(found, 'finding')}{on}{f', and {known}' if known else ''}."


def _missing(hosts: int, of: int, others: bool) -> str:
    """`others`: something that is no host was not observed, as the cluster's objects."""
    parts = [f"{hosts} of {numbered(of, 'host')}"] if hosts else []
    parts += ["the cluster's own objects"] if others else []
    return f" {' and '.join(parts)} could not be observed in full, so there may be more."


def _wrong(failed: int, problems: int) -> str:
    inventories = "1 inventory" if failed == 1 else f"{failed} inventories"
    told = f" {inventories} could not be looked at." if failed else ""
    return f"{told} {numbered(problems, 'problem')} of the run itself." if problems else told
