"""What only the hosts know and the topology must not contradict: networks, routes, ports, kernel.

Changes nothing; it refuses. Every other capability may rely on what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from k8snet_provision.capability import Capability
from k8snet_provision.engine.carry_out import host_changes
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.host_network import HostNetwork, decode, script
from k8snet_provision.topology.observed import broken_on_hosts
from k8snet_provision.topology.rules_networks import service_range_is_too_wide

NAME = "hosts"

OVERLAP = "K8N123"
"""The topology's own code for ranges that overlap, here against ranges that only the cluster knows."""

KEY = "host:network"


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    proxy = cluster.topology.kube_proxy
    yield Probe(KEY, script(ipvs=bool(proxy and proxy.mode == "ipvs")))


def networks(world: World) -> Iterable[HostNetwork]:
    """What each reached host said of itself; raises Unknown where a host could not."""
    for host in world.observation.hosts:
        seen = decode(host, world.host(host).text(KEY) or "")
        if seen.unknown:
            raise Unknown(host, "network", f"the host could not give: {', '.join(seen.unknown)}")
        yield seen


def refusals(world: World) -> Iterable[Problem]:
    yield from (problem for problem in _broken(world) if problem.severity is Severity.ERROR)
    yield from service_range_is_too_wide(world.cluster, world.state.minor)
    if world.topology.pod_cidr is None:
        yield from _pods_overlap(world)


def notices(world: World) -> Iterable[str]:
    yield from (str(problem) for problem in _broken(world) if problem.severity is Severity.WARNING)
    if world.topology.pod_cidr is None:
        yield f"pod_cidr is not given; taken from the nodes: {', '.join(map(str, pod_ranges(world))) or 'none yet'}"


def pod_ranges(world: World) -> list[IPv4Network | IPv6Network]:
    """Every node's own pod range (node.spec.podCIDRs), neighbours joined."""
    found = [ip_network(cidr) for node in world.state.nodes for cidr in node["spec"].get("podCIDRs", [])]
    v4 = collapse_addresses(network for network in found if isinstance(network, IPv4Network))
    v6 = collapse_addresses(network for network in found if isinstance(network, IPv6Network))
    return [*v4, *v6]


def _pods_overlap(world: World) -> Iterable[Problem]:
    for wanted in world.topology.service_cidr:
        for pods in pod_ranges(world):
            if pods.version == wanted.version and pods.overlaps(wanted):
                origin = world.cluster.origin("service_cidr")
                text = "service_cidr overlaps the pods' addresses"
                yield Problem(OVERLAP, text, origin, found=str(wanted), expected=f"no address of {pods}")


def _broken(world: World) -> Iterable[Problem]:
    return broken_on_hosts(world.cluster, networks(world))


CAPABILITY = Capability(
    name=NAME, felt="nothing", carry_out=host_changes, probes=probes, refusals=refusals, notices=notices
)
