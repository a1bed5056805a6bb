"""Everything in the topology that takes addresses, as ranges that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from k8snet_provision.problems import Origin

from .cluster import Cluster
from .rules_hosts import node_address
from .values import IPAddress, IPNetwork


@dataclass(frozen=True)
class Span:
    """Addresses `first` to `last` (as integers) of one family; `kind` and `text` say whose they are."""

    kind: str
    text: str
    version: int
    first: int
    last: int
    where: Origin

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


def network_span(kind: str, network: IPNetwork, where: Origin) -> Span:
    """The addresses of a network."""
    first, last = int(network.network_address), int(network.broadcast_address)
    return Span(kind, str(network), network.version, first, last, where)


def address_span(kind: str, address: IPAddress, where: Origin, text: str = "") -> Span:
    """A single address."""
    return Span(kind, text or str(address), address.version, int(address), int(address), where)


def spans(cluster: Cluster) -> tuple[Span, ...]:
    """service_cidr, pod_cidr, pools, VIPs and the addresses of hosts, in this order."""
    topology, origin = cluster.topology, cluster.origin
    services = (
        network_span("service_cidr", network, origin("service_cidr", index))
        for index, network in enumerate(topology.service_cidr)
    )
    pods = (
        network_span("pod_cidr", network, origin("pod_cidr", index))
        for index, network in enumerate(topology.pod_cidr or ())
    )
    pools = (
        Span("pool", str(pool), pool.first.version, int(pool.first), int(pool.last), where)
        for number, part in enumerate(topology.metallb.pools if topology.metallb else ())
        for index, pool in enumerate(part.addresses)
        for where in [origin("metallb", "pools", number, "addresses", index)]
    )
    vips = [address_span("VIP", vip, origin("vips", index), str(vip)) for index, vip in enumerate(topology.vips)]
    if topology.edge and topology.edge.vip not in topology.vips:
        vips.append(address_span("VIP", topology.edge.vip, origin("edge", "vip"), str(topology.edge.vip)))
    return tuple(chain(services, pods, pools, vips, _hosts(cluster)))


def _hosts(cluster: Cluster) -> Iterator[Span]:
    for member in cluster.members:
        address = node_address(member.address)
        if address is not None:
            yield address_span("host", address, cluster.host_origin(member.name), f"{member.name} ({address})")


def overlapping(items: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Each overlapping pair once, in the items' order within the pair.

    Sorted by their first address, only the ones still open need comparing: 10^5 disjoint pools take a second.
    """
    ranked = sorted(enumerate(items), key=lambda row: (row[1].version, row[1].first, row[1].last))
    open_: list[tuple[int, Span]] = []
    for rank, span in ranked:
        open_ = [row for row in open_ if row[1].version == span.version and row[1].last >= span.first]
        for other_rank, other in open_:
            yield (span, other) if rank < other_rank else (other, span)
        open_.append((rank, span))
