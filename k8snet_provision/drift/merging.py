"""Merging: the reports of shards become one report for each cluster; what is missing or does not belong is named.

What does not belong to the newest run is left out, with what it found: it may not be true any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, groupby

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.drift.report import Report, Shard
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Problem

WITHIN = timedelta(hours=1)
"""Begun further apart, reports are not of one run."""

WHAT = "report"


def merge(looks: Iterable[Looks], within: timedelta = WITHIN) -> Looks:
    """One report for each cluster of an inventory, in the order of their names."""
    given = tuple(looks)
    reports = sorted((report for item in given for report in item.reports), key=_cluster)
    failed = dict.fromkeys(failure for item in given for failure in item.failed)
    problems = dict.fromkeys(problem for item in given for problem in item.problems)
    merged = (_merged(tuple(group), within) for _, group in groupby(reports, key=_cluster))
    return Looks(tuple(merged), tuple(_once(failed)), tuple(problems))


def _cluster(report: Report) -> tuple[str, str]:
    return report.cluster, report.inventory


def _once(failed: Iterable[Failed]) -> list[Failed]:
    """An inventory that is broken is so in every shard."""
    problems: dict[tuple[str, str], dict[Problem, None]] = {}
    for item in failed:
        problems.setdefault((item.inventory, item.cluster), {}).update(dict.fromkeys(item.problems))
    return [Failed(inventory, tuple(found), cluster) for (inventory, cluster), found in problems.items()]


def _merged(reports: Sequence[Report], within: timedelta) -> Report:
    newest_first = sorted(reports, key=began, reverse=True)
    newest = newest_first[0]
    count = newest.shard.count if newest.shard else 1
    latest: dict[int, Report] = {}
    notices, missing = [], []
    for report in newest_first:
        index = report.shard.index if report.shard else 1
        if (report.shard.count if report.shard else 1) != count:
            missing.append(_foreign(report, f"it is of another set: of {count} shards is what began {newest.started}"))
        elif began(newest) - began(report) > within:
            missing.append(
                _foreign(report, f"it is of another run: it began {report.started}, others {newest.started}")
            )
        elif index in latest:
            kept = latest[index].started
            notices.append(f"{_name(report)} reported more than once: that of {kept} counts, not {report.started}")
        else:
            latest[index] = report
    missing += _never_reported(latest, count, missing)
    missing += [_other_tool(report, newest) for report in latest.values() if report.tool != newest.tool]
    return _together([latest[index] for index in sorted(latest)], missing, notices)


def _never_reported(latest: Iterable[int], count: int, missing: Sequence[Incomplete]) -> list[Incomplete]:
    named = {item.target for item in missing}
    shards = (Shard(index, count) for index in range(1, count + 1) if index not in latest)
    absent = [shard for shard in shards if f"shard {shard}" not in named]
    return [Incomplete(f"shard {shard}", WHAT, "it never reported: its hosts were not seen") for shard in absent]


def _foreign(report: Report, why: str) -> Incomplete:
    return Incomplete(_name(report), WHAT, why)


def _other_tool(report: Report, newest: Report) -> Incomplete:
    why = f"another version of the tool made it: {report.tool}, others {newest.tool}"
    return Incomplete(_name(report), WHAT, why)


def _name(report: Report) -> str:
    return f"shard {report.shard}" if report.shard else "the report of all hosts"


def _together(parts: Sequence[Report], missing: Sequence[Incomplete], notices: Sequence[str]) -> Report:
    """The part with the cluster comes first: it knows the cluster's facts."""
    ordered = sorted(parts, key=lambda part: not part.cluster_looked_at)
    first, begin = ordered[0], min(parts, key=began).started
    incomplete = [*missing, *_cluster_unseen(parts), *_unseen(ordered)]
    found = {item.fingerprint: item for part in reversed(ordered) for item in reversed(part.findings)}
    accepted = {item.finding.fingerprint: item for part in reversed(ordered) for item in reversed(part.accepted)}
    return replace(
        first,
        started=begin,
        seconds=_seconds(parts),
        facts=first.facts or next((part.facts for part in ordered if part.facts), {}),
        hosts=tuple(dict.fromkeys(chain.from_iterable(part.hosts for part in parts))),
        cluster_looked_at=any(part.cluster_looked_at for part in parts),
        findings=tuple(found.values())[::-1],
        accepted=tuple(accepted.values())[::-1],
        incomplete=tuple(dict.fromkeys(incomplete)),
        notices=tuple(dict.fromkeys([*notices, *chain.from_iterable(part.notices for part in ordered)])),
        looked_at=_looked_at(ordered),
        last_complete="" if incomplete or not all(part.last_complete for part in parts) else begin,
        shard=None,
    )


def _cluster_unseen(parts: Sequence[Report]) -> Iterator[Incomplete]:
    """Of a set that is whole but for the cluster, which --limit leaves out, nothing is missing."""
    covered = {target for part in parts for targets in part.looked_at.values() for target in targets}
    if any(part.shard for part in parts) and CLUSTER in covered and not any(part.cluster_looked_at for part in parts):
        yield Incomplete(CLUSTER, "objects", "no shard looked at them")


def _unseen(parts: Sequence[Report]) -> Iterator[Incomplete]:
    """What several parts could not see is told as the first of them tells it: they may have waited differently long."""
    told: set[tuple[str, str]] = set()
    for part in parts:
        yield from (item for item in part.incomplete if (item.target, item.what) not in told)
        told |= {(item.target, item.what) for item in part.incomplete}


def _looked_at(parts: Sequence[Report]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for part in parts:
        for capability, targets in part.looked_at.items():
            found.setdefault(capability, {}).update(dict.fromkeys(targets))
    return {capability: tuple(targets) for capability, targets in found.items()}


def _seconds(parts: Sequence[Report]) -> float:
    """From the first look's begin to the last one's end; what is begun in the same second took the longest of them."""
    first = min(map(began, parts))
    return max((began(part) - first).total_seconds() + part.seconds for part in parts)


def began(report: Report) -> datetime:
    return datetime.fromisoformat(report.started)
