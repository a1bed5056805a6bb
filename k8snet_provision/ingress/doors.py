"""Doors: where exactly a way in can be asked, from which host, and whether that takes a PROXY protocol header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snet_provision.ingress import foreign, observed
from k8snet_provision.ingress.exposure import HTTP
from k8snet_provision.ingress.paths import addresses, behind_edge, old
from k8snet_provision.kube_proxy.install import node
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress, Pattern


@dataclass(frozen=True)
class Door:
    """An address and port for HTTP. `proxy`: it expects a PROXY protocol header before the request."""

    address: str
    port: int
    proxy: bool = False

    def __str__(self) -> str:
        return f"{self.address} {self.port} {'proxy' if self.proxy else '-'}"


def new_doors(world: World, ingress: Ingress) -> Sequence[Door]:
    """The wanted way in, asked past the edge: that follows only when this here answers. Raises Unknown."""
    return doors(world, ingress.pattern, ingress.node_port.http)


def doors(world: World, pattern: Pattern, node_port: int) -> Sequence[Door]:
    """A way in, asked past the edge; `node_port` is its port for HTTP on every node. Raises Unknown."""
    cluster = world.cluster
    if pattern == "node_port":
        return [Door(cluster.addresses[host], node_port, proxy=True) for host in cluster.nodes]
    if pattern == "host_network":
        through_edge = behind_edge(world, "host_network")
        return [Door(cluster.addresses[host], HTTP, proxy=through_edge) for host in cluster.ingress]
    return [Door(str(address), HTTP) for address in addresses(world, "load_balancer")]


def old_doors(world: World) -> Sequence[Door]:
    """Where clients reach the way in that is to go. Raises Unknown."""
    return reached(world, old(world)) + [Door(address, HTTP) for address in adopted_addresses(world)]


def reached(world: World, patterns: Sequence[Pattern]) -> list[Door]:
    """Where clients reach ways in. Raises Unknown."""
    return [Door(str(address), _port(world, pattern)) for pattern in patterns for address in addresses(world, pattern)]


def _port(world: World, pattern: Pattern) -> int:
    edge = world.topology.edge
    return edge.http_port if edge and behind_edge(world, pattern) else HTTP


def adopted_addresses(world: World) -> Sequence[str]:
    """Where an adopted installation says that it is reached: in the status of its Ingresses. Raises Unknown."""
    if not foreign.adopted(world):
        return ()
    found = {address for item in observed.ingresses(world) for address in observed.status(item) if address}
    return sorted(found - set(status_addresses(world)))


def status_addresses(world: World) -> Sequence[str]:
    """What the wanted way in writes into the status of Ingresses. Raises Unknown."""
    ingress = world.topology.ingress
    return status_of(world, ingress.pattern) if ingress else ()


def status_of(world: World, pattern: Pattern) -> Sequence[str]:
    """What a way in writes into the status of Ingresses. Raises Unknown."""
    if pattern == "host_network" and not behind_edge(world, "host_network"):
        return sorted(internal_address(world, host) for host in world.cluster.ingress)
    return sorted(str(address) for address in addresses(world, pattern))


def internal_address(world: World, host: str) -> str:
    """A node's InternalIP, which may be another one than the inventory has."""
    found = ((node(world, host) or {}).get("status") or {}).get("addresses") or ()
    return next((a["address"] for a in found if a["type"] == "InternalIP"), world.cluster.addresses[host])


def outside(world: World) -> str:
    """A host to ask from: no node where possible; one of the edge where a PROXY header is believed from there only.

    Raises Unknown.
    """
    cluster, ingress = world.cluster, world.topology.ingress
    if ingress is not None and any(door.proxy for door in new_doors(world, ingress)):
        return _first_reached(world, cluster.load_balancers)
    planes = [host for host in cluster.control_planes if host not in cluster.nodes]
    return _first_reached(world, (*planes, *cluster.load_balancers, *cluster.nodes))


def outside_of_any(world: World) -> str:
    """A host from which every way in may be asked, whichever the topology wants. Raises Unknown."""
    cluster = world.cluster
    planes = [host for host in cluster.control_planes if host not in cluster.nodes]
    return _first_reached(world, (*cluster.load_balancers, *planes, *cluster.nodes))


def _first_reached(world: World, hosts: Sequence[str]) -> str:
    found = world.reached(tuple(hosts))
    if not found:
        names = ", ".join(hosts) or "the edge's hosts"
        raise Unknown("cluster", "the new way in", f"none of {names} was reached to ask it from")
    return found[0]
