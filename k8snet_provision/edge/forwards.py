"""What the VIP's ports lead to: one Forward a port, from the topology and the way in that requests are to take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snet_provision.topology import Cluster
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.ingress import Ingress, Pattern

HOST_NETWORK_PORTS = {"http": 80, "https": 443}
HOST_NETWORK_HEALTH = 10254
"""The controller's own /healthz, which it serves on the node itself in that pattern."""

API = "kube-apiserver"

_SERVER = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")  # HAProxy's configuration manual, section 4: names
_ADDRESS = re.compile(r"[A-Za-z0-9_.:-]{1,253}\Z")


@dataclass(frozen=True)
class Server:
    """`name` and `address` have no character that means anything to HAProxy; a `drained` one gets nothing new."""

    name: str
    address: str
    drained: bool

    @property
    def place(self) -> str:
        """The address as it stands before `:port`."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True)
class Forward:
    """One port of the VIP. `way` is what it leads to: a pattern, or API.

    `proxy`: servers are told the client's address by the PROXY protocol. `health` is the servers' port for
    /healthz; where it is None, `tracks` names the Forward whose checks count for this one too, and for API the
    servers' own port is asked for /readyz.
    """

    name: str
    way: str
    port: int
    target: int
    servers: tuple[Server, ...]
    health: int | None = None
    tracks: str = ""

    @property
    def proxy(self) -> bool:
        return self.way != API

    @property
    def backend(self) -> str:
        """Names the way too, so that a configuration tells where it leads to; see `ways_of`."""
        return f"{self.way}-{self.name}"


_BACKEND = re.compile(r"^backend (node_port|host_network)-http$", re.MULTILINE)


def ways_of(configuration: str) -> tuple[Pattern, ...]:
    """The ways in that a configuration of ours leads to."""
    found: list[Pattern] = []
    for match in _BACKEND.finditer(configuration):
        found.append("node_port" if match[1] == "node_port" else "host_network")
    return tuple(found)


def forwards(cluster: Cluster, edge: Edge, way: Pattern | None) -> tuple[Forward, ...]:
    """Everything that the VIP carries while requests take `way`; None: no way in is behind the edge."""
    ingress = cluster.topology.ingress
    requests = _ingress(cluster, edge, ingress, way) if ingress and way else ()
    return (*requests, *_api(cluster, edge))


def _ingress(cluster: Cluster, edge: Edge, ingress: Ingress, way: Pattern) -> Iterator[Forward]:
    if way == "host_network":
        servers, ports, health = _servers(cluster, edge, cluster.ingress), HOST_NETWORK_PORTS, HOST_NETWORK_HEALTH
    else:
        numbers = ingress.node_port
        servers, health = _servers(cluster, edge, cluster.nodes), numbers.health
        ports = {"http": numbers.http, "https": numbers.https}
    yield Forward("http", way, edge.http_port, ports["http"], servers, health)
    yield Forward("https", way, edge.https_port, ports["https"], servers, tracks="http")


def _api(cluster: Cluster, edge: Edge) -> Iterator[Forward]:
    if edge.api:
        servers = _servers(cluster, edge, cluster.control_planes)
        yield Forward("api", API, edge.api.port, edge.api.backend_port, servers)


def _servers(cluster: Cluster, edge: Edge, hosts: Sequence[str]) -> tuple[Server, ...]:
    """An inventory takes names that HAProxy does not; such a server has a number in place of its name."""
    addresses = cluster.addresses
    return tuple(
        Server(host if _SERVER.match(host) else f"server-{number}", _plain(addresses[host]), host in edge.drain)
        for number, host in enumerate(hosts, start=1)
    )


def _plain(address: str) -> str:
    """An IP address or a DNS name, which K8N115 has made sure of; raises ValueError for anything else."""
    if not _ADDRESS.match(address):
        raise ValueError(f"{address!r} is no address")
    return address
