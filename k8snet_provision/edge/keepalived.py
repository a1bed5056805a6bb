"""keepalived's configuration, and where on a host the VIP lives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from k8snet_provision.edge.haproxy import STATUS
from k8snet_provision.templates import render
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.host_network import HostNetwork, Interface
from k8snet_provision.topology.rules_hosts import node_address
from k8snet_provision.topology.values import IPAddress

PATH = "/etc/keepalived/keepalived.conf"
UNIT = "keepalived"

VALIDATE = """said=$(keepalived -t -f "$1" 2>&1); code=$?
said=$(printf '%s\n' "$said" | grep -vx Terminated)
[ $code = 143 ] && [ -z "$said" ] && code=0
printf '%s\n' "$said"; exit $code"""
"""sh that checks $1. keepalived 2.2.7 sends SIGTERM to itself at the end of a check where scripts have a user of
their own (its issue 2587); it has said by then what is wrong."""

HIGHEST = 200
"""Priority of the first host; each next one has one less (RFC 5798: 1-254 for who does not own the address)."""


@dataclass(frozen=True)
class Seat:
    """Where one host may hold the VIP. `address` is the host's own, `peers` the other hosts' on that network."""

    device: str
    address: IPAddress
    peers: tuple[IPAddress, ...]
    priority: int


def seat(cluster: Cluster, edge: Edge, networks: Mapping[str, HostNetwork], host: str) -> Seat | None:
    """None where the host has no address of the VIP's family and network.

    `networks` are those of the hosts that were reached. Of another host only its address in the inventory is
    known, which counts where it is on the same network.
    """
    own = interface(cluster, edge, networks[host])
    if own is None:
        return None
    peers = []
    for other in cluster.load_balancers:
        known = interface(cluster, edge, networks[other]) if other in networks else None
        address = known.address if known else node_address(cluster.addresses[other])
        if other != host and address is not None and address.version == own.address.version:
            peers.append(address)
    return Seat(own.device, own.address, tuple(peers), HIGHEST - cluster.load_balancers.index(host))


def interface(cluster: Cluster, edge: Edge, network: HostNetwork) -> Interface | None:
    """The host's own address on the VIP's network: the inventory's where it has several there, else the first."""
    found = [
        item
        for item in network.interfaces
        if item.address.version == edge.vip.version
        and item.address != edge.vip
        and (item.device == edge.interface if edge.interface else edge.vip in item.network)
        and usable(item.address)
    ]
    given = node_address(cluster.addresses[network.host])
    return next((item for item in found if item.address == given), found[0] if found else None)


def usable(address: IPAddress) -> bool:
    """Whether other hosts can reach it."""
    return not (address.is_link_local or address.is_loopback)


def configuration(edge: Edge, host: str, seat: Seat) -> str:
    """The whole file for one host."""
    return render(
        "edge/keepalived.conf.j2",
        router_id=re.sub(r"[^A-Za-z0-9_.-]", "_", host),
        status=STATUS,
        preempt=edge.preempt,
        router=edge.virtual_router_id,
        interval=f"{edge.advertisement_interval:g}",
        vip=edge.vip,
        seat=seat,
    )
