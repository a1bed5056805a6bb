"""What a look covers: each capability with the hosts, or the cluster, that it was compared on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from k8snet_provision.capability import Phase, Site, members, nothing
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.of_plan import REFUSAL
from k8snet_provision.drift.watch import Watch
from k8snet_provision.topology import Cluster

LookedAt = Mapping[str, tuple[str, ...]]
"""By capability, in the order of the site table; what could not be observed is part of it."""


def looked_at(site: Site, watches: Iterable[Watch], cluster: Cluster, hosts: Sequence[str], whole: bool) -> LookedAt:
    """What the topology does not have is not looked at. `whole`: the cluster's own objects were part of it."""
    found: dict[str, dict[str, None]] = {}
    asked = frozenset(hosts)
    for phase in site:
        found.setdefault(phase.name, {}).update(dict.fromkeys(_of_phase(phase, cluster, asked, whole)))
    for watch in watches:
        found.setdefault(watch.name, {}).update(dict.fromkeys(_of_watch(watch, cluster, asked, whole)))
    found[REFUSAL] = dict.fromkeys((CLUSTER, *hosts) if whole else hosts)
    return {capability: tuple(targets) for capability, targets in found.items() if targets}


def _of_phase(phase: Phase, cluster: Cluster, asked: frozenset[str], whole: bool) -> Iterator[str]:
    capability = phase.capability
    if capability.managed and not capability.managed(cluster):
        return
    if whole and (capability.manifests is not nothing or capability.cluster_changes is not nothing):
        yield CLUSTER
    if capability.host_changes is not nothing and (whole or not capability.from_control_plane):
        yield from (host for host in members(phase, cluster) if host in asked)


def _of_watch(watch: Watch, cluster: Cluster, asked: frozenset[str], whole: bool) -> Iterator[str]:
    if whole and watch.in_cluster is not nothing:
        yield CLUSTER
    if watch.on_host is not nothing:
        yield from (host for host in members(watch.phase, cluster) if host in asked)
