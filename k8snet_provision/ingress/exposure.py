"""The table of patterns in full: what sets the objects of each way in apart from the others'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any

from k8snet_provision.ingress import paths
from k8snet_provision.ingress.paths import ROWS, behind_edge
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress, Pattern

HTTP, HTTPS, WEBHOOK_PORT, HEALTH = 80, 443, 8443, 10254


@dataclass(frozen=True)
class Exposure:
    """What the template needs to know of one pattern.

    `seen_within`: seconds in which whoever sends requests notices a pod; `grace`: seconds a pod goes on serving
    after it was told to end; `open_requests`: seconds that requests may then still take.
    """

    flags: tuple[str, ...]
    service: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Mapping[str, Any], ...] = ()
    host_network: bool = False
    trusts: tuple[str, ...] = ()
    """Networks whose PROXY protocol header is believed; with none, no such header is expected."""
    seen_within: int = 6
    grace: int = 10
    open_requests: int = 240


def _load_balancer(world: World, ingress: Ingress) -> Exposure:
    wanted = paths.load_balancer_addresses(world, ingress)
    return Exposure(
        flags=(f"--publish-service=$(POD_NAMESPACE)/{ROWS['load_balancer'].name}",),
        service="LoadBalancer",
        annotations={"metallb.io/loadBalancerIPs": ",".join(map(str, wanted))} if wanted else {},
        ports=(_port("http", HTTP), _port("https", HTTPS)),
    )


def _node_port(world: World, ingress: Ingress) -> Exposure:
    ports = ingress.node_port
    return Exposure(
        flags=_vip(world),
        service="NodePort",
        ports=(
            _port("http", HTTP, ports.http),
            _port("https", HTTPS, ports.https),
            _port("healthz", HEALTH, ports.health),
        ),
        trusts=edge_networks(world.cluster),
    )


def _host_network(world: World, ingress: Ingress) -> Exposure:
    """While open requests keep an old pod, its successor cannot have the node's ports: they get 10 s."""
    through_edge = behind_edge(world, "host_network")
    return Exposure(
        flags=_vip(world) if through_edge else ("--report-node-internal-ip-address=true",),
        host_network=True,
        trusts=edge_networks(world.cluster) if through_edge else (),
        grace=10 if through_edge else 0,
        open_requests=10,
    )


EXPOSURES: Mapping[Pattern, Callable[[World, Ingress], Exposure]] = MappingProxyType(
    {"load_balancer": _load_balancer, "node_port": _node_port, "host_network": _host_network}
)


def _vip(world: World) -> tuple[str, ...]:
    return (f"--publish-status-address={world.topology.edge.vip}",) if world.topology.edge else ()


def _port(name: str, port: int, node_port: int | None = None) -> Mapping[str, Any]:
    wanted = {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
    return wanted if node_port is None else {**wanted, "nodePort": node_port}


def edge_networks(cluster: Cluster) -> tuple[str, ...]:
    """The load_balancer hosts' own addresses, each as a network of one."""
    return host_networks(cluster, cluster.load_balancers)


def host_networks(cluster: Cluster, names: Iterable[str]) -> tuple[str, ...]:
    found = []
    for name in names:
        try:
            found.append(str(ip_network(ip_address(cluster.addresses[name]))))
        except ValueError:  # a name; who needs an address refuses it
            continue
    return tuple(found)
