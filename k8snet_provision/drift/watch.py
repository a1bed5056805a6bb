"""Watch: what only a running system shows, looked at beside what a plan rests on, in the same script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from k8snet_provision.capability import Capability, Phase, members, nothing
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.finding import Finding
from k8snet_provision.plan import Incomplete
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster


@dataclass(frozen=True)
class Watch:
    """One line of deploys/watched: what is asked, and what is found in the answers. All of it is pure.

    probes(cluster, host)         what must be looked at on a host
    reads(cluster)                which cluster objects must be read
    questions(cluster, prelude)   what else is asked of the cluster, once
    on_host(world, host)          findings of one host
    in_cluster(world)             findings of the cluster or of several hosts together

    files(world, finding)         the host's files in which that was written, of a finding that on_host told

    on_host and in_cluster may raise Unknown; one that goes on in spite of it yields it among its findings.

    `name` is the capability that looks after it: the word that findings carry. `together` are the groups whose hosts
    `in_cluster` must have seen; None: all of `hosts`. The shard that has the cluster looks at all of them, so name as
    few as do.
    """

    name: str
    hosts: tuple[str, ...] = (CLUSTER,)
    probes: Callable[[Cluster, str], Iterable[Probe]] = nothing
    reads: Callable[[Cluster], Iterable[ObjectRef]] = nothing
    questions: Callable[[Cluster, str], Iterable[Probe]] = nothing
    on_host: Callable[[World, str], Iterable[Finding | Unknown]] = nothing
    in_cluster: Callable[[World], Iterable[Finding | Unknown]] = nothing
    files: Callable[[World, Finding], Iterable[str]] = nothing
    together: tuple[str, ...] | None = None

    @property
    def phase(self) -> Phase:
        """As a line of the site table that is only looked at."""
        looks = Capability(self.name, _never, probes=self.probes, reads=self.reads, questions=self.questions)
        return Phase(looks, hosts=self.hosts)


def _never(*_: Any) -> NoReturn:
    raise AssertionError("a watch changes nothing")


def ask(
    watches: Sequence[Watch], world: World, hosts: Sequence[str], *, whole: bool
) -> tuple[list[Finding], list[Incomplete]]:
    """All findings, and what could not be said. `whole`: the cluster and what its hosts show together count too."""
    findings: list[Finding] = []
    incomplete: dict[Incomplete, None] = {}

    def take(function: Callable[..., Iterable[Finding | Unknown]], *arguments: Any) -> None:
        try:
            for found in function(*arguments):
                if isinstance(found, Unknown):
                    miss(found)
                else:
                    findings.append(found)
        except Unknown as unknown:
            miss(unknown)

    def miss(unknown: Unknown) -> None:
        incomplete[Incomplete(unknown.target, unknown.what, unknown.why)] = None

    for watch in watches:
        if whole:
            take(watch.in_cluster, world)
        for host in members(watch.phase, world.cluster):
            if host in hosts and host in world.observation.hosts:
                take(watch.on_host, world, host)
    return findings, list(incomplete)


def written_in(watches: Sequence[Watch], world: World, findings: Iterable[Finding]) -> dict[Finding, tuple[str, ...]]:
    """The files behind each finding that has any."""
    return {
        finding: paths
        for finding in findings
        if (
            paths := tuple(
                path for one in watches if one.name == finding.capability for path in one.files(world, finding)
            )
        )
    }
