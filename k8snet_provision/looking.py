"""Looking: everything a plan rests on is asked for once, hosts and cluster side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gevent.pool import Pool

from k8snet_provision import cluster_state
from k8snet_provision.capability import Site, members
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.engine.fleet import Output, Script, Unreachable
from k8snet_provision.engine.this_machine import NAME as HERE
from k8snet_provision.engine.this_machine import ThisMachine
from k8snet_provision.observe import Observation, compose, decode, new_boundary
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import HostSeen, Probe, Seen, State
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

CHANNELS = 3
"""Beside the one for the API server's version; sshd takes ten at once (MaxSessions)."""

OBSERVATION_TIMEOUT = 60.0
"""Seconds for one host's script, once connected; the slowest part is kubectl's answer."""

AS_ROOT = Probe(
    "root",
    """[ "$(id -u)" = 0 ] && exit 0
echo "$(id -un) is not root; hint: set ansible_become, or connect as root (ansible_user)"; exit 1""",
)
"""Without root half of the answers would be "not there" where they are "not to be seen"."""


class Asked(Protocol):
    """Who runs scripts by name: a Fleet on its hosts, or this machine."""

    def run(self, scripts: Mapping[str, Script]) -> dict[str, Output | Unreachable]: ...


class Hosts(Asked, Protocol):
    """A Fleet, or what stands for one where hosts run nothing but what is installed there."""

    def connect(self, names: Iterable[str]) -> dict[str, Unreachable | None]: ...


def look(
    site: Site,
    cluster: Cluster,
    hosts: Sequence[str],
    fleet: Hosts,
    also: Sequence[Probe] = (),
    here: ThisMachine | None = None,
) -> World:
    """Observes `hosts` with one script each; the first control plane reached also reads the cluster.

    `also` is asked of every host, whatever the site wants there. `here` reads the cluster instead, with its own kubectl
    and by the means that kubectl finds itself: $KUBECONFIG, or the service account of a pod.
    """
    reached = fleet.connect(hosts)
    readers = [host for host in cluster.control_planes if reached.get(host) is None]
    probes = {host: of_host(site, cluster, host, also) for host in hosts if reached[host] is None}
    with_cluster = Pool(1)
    state = (
        with_cluster.spawn(_read_cluster, site, cluster, (HERE,), here, cluster_state.KUBECTL_HERE)
        if here
        else with_cluster.spawn(_read_cluster, site, cluster, readers, fleet, _prelude(cluster))
    )
    seen, lost = _run(fleet, probes)
    unreached = {host: _why(failure) for host, failure in reached.items() if failure is not None}
    whole = set(cluster.control_planes) <= set(hosts)
    phases = frozenset(phase.name for phase in site if whole)
    return World(cluster, Observation(seen, unreached | lost), state.get(), phases)


def further(site: Site, world: World, hosts: Sequence[str], fleet: Hosts, also: Sequence[Probe] = ()) -> World:
    """The world with more hosts observed."""
    reached = fleet.connect(hosts)
    probes = {host: of_host(site, world.cluster, host, also) for host in hosts if reached[host] is None}
    seen, lost = _run(fleet, probes)
    unreached = {host: _why(failure) for host, failure in reached.items() if failure is not None}
    before = world.observation
    return replace(world, observation=Observation({**before.hosts, **seen}, {**before.unreached, **unreached, **lost}))


def of_host(site: Site, cluster: Cluster, host: str, also: Sequence[Probe] = ()) -> list[Probe]:
    """What `look` asks of a host, in one script."""
    return [AS_ROOT, *also, *_host_probes(site, cluster, host)]


def of_cluster(site: Site, cluster: Cluster, prelude: str | None = None) -> list[list[Probe]]:
    """What `look` asks of the control plane that reads the cluster, the version first, script by script."""
    prelude = _prelude(cluster) if prelude is None else prelude
    own = {probe.key: probe for phase in site for probe in phase.capability.questions(cluster, prelude)}
    probes = [*cluster_state.probes(prelude, _refs(site, cluster)), *own.values()]
    return [probes[:1], *(probes[1 + number :: CHANNELS] for number in range(CHANNELS))]


def _prelude(cluster: Cluster) -> str:
    control_plane = cluster.topology.control_plane
    return cluster_state.kubectl(control_plane.kubectl, control_plane.kubeconfig)


def _refs(site: Site, cluster: Cluster) -> set[ObjectRef]:
    return {ref for phase in site for ref in phase.capability.reads(cluster)}


def _host_probes(site: Site, cluster: Cluster, host: str) -> Iterable[Probe]:
    probes = {
        probe.key: probe
        for phase in site
        if host in members(phase, cluster)
        for probe in phase.capability.probes(cluster, host)
    }
    return probes.values()


def _run(fleet: Asked, probes: dict[str, list[Probe]]) -> tuple[dict[str, HostSeen], dict[str, str]]:
    boundary = new_boundary()
    scripts = {
        host: Script(compose(asked, boundary), timeout=OBSERVATION_TIMEOUT, boundary=boundary)
        for host, asked in probes.items()
    }
    seen, lost = {}, {}
    for host, answer in fleet.run(scripts).items():
        if isinstance(answer, Unreachable):
            lost[host] = _why(answer)
            continue
        found = decode(host, probes[host], boundary, answer.stdout)
        if found.answers.get(AS_ROOT.key, Seen(State.ABSENT)).state is State.UNKNOWN:
            lost[host] = found.answers[AS_ROOT.key].why
        else:
            seen[host] = found
    return seen, lost


def _why(failure: Unreachable) -> str:
    return f"{failure.reason}; hint: {failure.hint}" if failure.hint else failure.reason


def _read_cluster(site: Site, cluster: Cluster, readers: Sequence[str], fleet: Asked, prelude: str) -> ClusterState:
    """The cluster as the first control plane saw whose API server answered; the others are asked in turn."""
    parts = of_cluster(site, cluster, prelude)
    why = "no control-plane host could be reached"
    for reader in readers:
        answers = _ask_at_once(fleet, reader, parts)
        if isinstance(answers, str):
            why = answers
            continue
        version = answers["cluster:version"]
        if version.state is State.PRESENT:
            return ClusterState(HostSeen(reader, answers), reader=reader)
        why = f"{reader}: {version.why}"
    return ClusterState(None, why)


def _ask_at_once(fleet: Asked, reader: str, parts: Sequence[Sequence[Probe]]) -> Mapping[str, Seen] | str:
    """kubectl mostly waits, so several channels of the one connection ask at once; a text is why one got no answer.

    Where the API server gives no version, the others are not waited for: each would try for many seconds. Nor are
    they killed: one that is stopped within a packet would spoil the connection for whatever comes next.
    """
    pool = Pool(1 + CHANNELS)

    def ask(asked: Sequence[Probe]) -> Mapping[str, Seen] | str:
        seen, lost = _run(fleet, {reader: list(asked)})
        return lost[reader] if reader in lost else seen[reader].answers

    version, *others = (pool.spawn(ask, asked) for asked in parts)
    answers: Mapping[str, Seen] | str = version.get()
    if isinstance(answers, str) or any(seen.state is State.UNKNOWN for seen in answers.values()):
        return answers
    found = dict(answers)
    for job in others:
        more: Mapping[str, Seen] | str = job.get()
        if isinstance(more, str):
            return more
        found |= more
    return found
