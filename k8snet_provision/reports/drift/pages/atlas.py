"""Which findings are about which place and which host of a report, and how each of them stands."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Finding, Place, Report
from k8snet_provision.plan import Incomplete
from k8snet_provision.reports.drift.pages.state import Tally

OUTSIDE = ("clients", "edge")
"""Places of which the cluster's objects say nothing."""

API = "control-planes"
"""Where that is shown which is about the cluster, and about no other place."""


class Atlas:
    """Of one report; `number` sets its places apart from those of other reports on the page."""

    def __init__(self, report: Report, number: int = 0) -> None:
        self.report, self.number = report, number
        self.places = report.picture
        self._hosts = {place.name: frozenset(place.hosts) for place in self.places}
        self.by_place = {place.name: Tally(judged=self._is_judged(place)) for place in self.places}
        self.by_host = {host: Tally() for host in report.hosts}
        self._count()

    def key(self, place: Place | str) -> str:
        return f"{self.number}-{place if isinstance(place, str) else place.name}"

    def of(self, found: Finding) -> list[str]:
        """Names of the places that a finding is about."""
        names = [place.name for place in self.places if self._is_about(place, found)]
        return names or ([API] if API in self._hosts and found.target == CLUSTER else [])

    def of_unseen(self, item: Incomplete) -> list[str]:
        if item.target == CLUSTER:
            return list(self._in_cluster())
        return [name for name, hosts in self._hosts.items() if item.target in hosts]

    def _is_about(self, place: Place, found: Finding) -> bool:
        return found.capability in place.capabilities or (place.whole and found.target in self._hosts[place.name])

    def _is_judged(self, place: Place) -> bool:
        """Whether anything was compared there: what the topology does not speak of is not."""
        return (place.whole and bool(place.hosts)) or any(name in self.report.looked_at for name in place.capabilities)

    def _in_cluster(self) -> Iterator[str]:
        """Places about which the cluster's objects say something."""
        yield from (place.name for place in self.places if place.capabilities and place.name not in OUTSIDE)

    def _count(self) -> None:
        for found in self.report.findings:
            for tally in self._tallies(found.target, self.of(found)):
                tally.severities[found.severity] += 1
        for item in self.report.accepted:
            for tally in self._tallies(item.finding.target, self.of(item.finding)):
                tally.accepted += 1
        for missing in self.report.incomplete:
            for tally in self._tallies(missing.target, self.of_unseen(missing)):
                tally.unseen += 1
        looked_at = frozenset(self.report.hosts)
        for name, hosts in self._hosts.items():
            self.by_place[name].unasked = len(hosts - looked_at)
        for name in () if self.report.cluster_looked_at else self._in_cluster():
            self.by_place[name].objects_unasked = True

    def _tallies(self, target: str, names: list[str]) -> Iterator[Tally]:
        yield from (self.by_place[name] for name in names)
        if target in self.by_host:
            yield self.by_host[target]
