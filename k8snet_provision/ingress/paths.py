"""The ways in: one row a pattern, which of them are live, and where clients reach each.

A way in has names of its own, so that the one that is wanted and the one that is to go serve side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice
from types import MappingProxyType
from typing import Literal

from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owner
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress, Pattern
from k8snet_provision.topology.values import IPAddress

OWNER = "ingress-nginx"
"""The owner (label k8snet-provision/capability) of every object of every way in."""

PATTERN_LABEL = "k8snet-provision/pattern"
"""On every object that belongs to one way in; without it an object is shared by all of them."""

NODE_LABEL = "k8snet-provision/ingress"
"""With the value "true" on nodes that run the controller of host_network."""


@dataclass(frozen=True)
class Row:
    """What sets one pattern apart from the others."""

    pattern: Pattern
    name: str
    """Of its workload, ConfigMap, Service and PodDisruptionBudget."""
    workload: Literal["Deployment", "DaemonSet"]


ROWS: Mapping[Pattern, Row] = MappingProxyType(
    {
        row.pattern: row
        for row in (
            Row("load_balancer", "ingress-nginx-load-balancer", "Deployment"),
            Row("node_port", "ingress-nginx-node-port", "Deployment"),
            Row("host_network", "ingress-nginx-host-network", "DaemonSet"),
        )
    }
)


def live(world: World) -> Mapping[Pattern, Manifest]:
    """The workloads of ours that are there, by pattern. Raises Unknown."""
    found: dict[Pattern, Manifest] = {}
    for item in world.state.owned:
        pattern = (item["metadata"].get("labels") or {}).get(PATTERN_LABEL)
        for row in ROWS.values():
            if owner(item) == OWNER and (row.pattern, row.workload) == (pattern, item["kind"]):
                found[row.pattern] = item
    return found


def old(world: World) -> tuple[Pattern, ...]:
    """Ways in that are there and no longer asked for; none where the topology has no `ingress`. Raises Unknown."""
    ingress = world.topology.ingress
    return beside(world, ingress.pattern) if ingress else ()


def beside(world: World, pattern: Pattern) -> tuple[Pattern, ...]:
    """The other ways in that are there. Raises Unknown."""
    return tuple(other for other in live(world) if other != pattern)


def behind_edge(world: World, pattern: Pattern) -> bool:
    """Whether clients reach that way in through the edge. Raises Unknown."""
    ingress = world.topology.ingress
    if pattern == "node_port":
        return True
    if pattern == "host_network" and ingress is not None:
        return ingress.host_network.behind_edge
    return False


def addresses(world: World, pattern: Pattern) -> tuple[IPAddress, ...]:
    """Where clients reach a way in; empty where that is not known yet. Raises Unknown."""
    topology = world.topology
    if behind_edge(world, pattern):
        return (topology.edge.vip,) if topology.edge else ()
    if pattern == "host_network":
        return tuple(ip_address(world.cluster.addresses[host]) for host in world.cluster.ingress)
    return load_balancer_addresses(world, topology.ingress)


def load_balancer_addresses(world: World, ingress: Ingress | None) -> tuple[IPAddress, ...]:
    """The address that is asked for; that of the Service that is there; else the first free one of the pools."""
    if ingress is None:
        return ()
    if ingress.load_balancer.address is not None:
        return (ingress.load_balancer.address,)
    name = ROWS["load_balancer"].name
    service = world.live(ObjectRef("v1", "Service", name, ingress.namespace))
    given = ((service or {}).get("status", {}).get("loadBalancer", {}).get("ingress")) or ()
    if given:
        return tuple(ip_address(item["ip"]) for item in given if "ip" in item)
    return tuple(islice(_free(world), 1))


def _free(world: World) -> Iterator[IPAddress]:
    """Addresses of the pools that no Service has or asks for."""
    given = (e for s in world.state.services for e in s.get("status", {}).get("loadBalancer", {}).get("ingress") or ())
    taken = {entry["ip"] for entry in given if "ip" in entry}
    taken |= {str(entry.address) for entry in world.topology.services or () if entry.address is not None}
    for pool in world.topology.pools:
        for number in range(int(pool.first), int(pool.last) + 1):
            address = type(pool.first)(number)
            if str(address) not in taken:
                yield address
