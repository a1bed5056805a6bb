"""What only the hosts know and the topology must not contradict: networks, routes, ports, kernel.

Changes nothing; it refuses. Every other capability may rely on what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_provision.capability import Capability
from k8snet_provision.engine.carry_out import host_changes
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.host_network import SCRIPT, HostNetwork, decode
from k8snet_provision.topology.observed import broken_on_hosts

NAME = "hosts"

PROBE = Probe("host:network", SCRIPT)


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    yield PROBE


def networks(world: World) -> Iterable[HostNetwork]:
    """What each reached host said of itself; raises Unknown where a host could not."""
    for host in world.observation.hosts:
        seen = decode(host, world.host(host).text(PROBE) or "")
        if seen.unknown:
            raise Unknown(host, "network", f"the host could not give: {', '.join(seen.unknown)}")
        yield seen


def refusals(world: World) -> Iterable[Problem]:
    return (problem for problem in _broken(world) if problem.severity is Severity.ERROR)


def notices(world: World) -> Iterable[str]:
    return (str(problem) for problem in _broken(world) if problem.severity is Severity.WARNING)


def _broken(world: World) -> Iterable[Problem]:
    return broken_on_hosts(world.cluster, networks(world))


CAPABILITY = Capability(name=NAME, carry_out=host_changes, probes=probes, refusals=refusals, notices=notices)
