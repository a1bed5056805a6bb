"""K8N17x and K8N18x that only hosts can know: where pools and the VIP lie in the nodes' networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import summarize_address_range

from k8snet_provision.problems import Problem

from .cluster import Cluster
from .host_network import HostNetwork
from .keys import Path
from .rules_hosts import node_address
from .values import AddressRange, IPNetwork


def vip_is_elsewhere(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N188: an address that is announced by ARP has to lie in a network that the host is connected to."""
    edge = cluster.topology.edge
    if edge is None or seen.host not in cluster.load_balancers or not seen.interfaces:
        return
    device = edge.interface or _own_device(cluster, seen)
    networks = sorted({item.network for item in seen.interfaces if not device or item.device == device}, key=str)
    networks = [network for network in networks if network.prefixlen < network.max_prefixlen]
    missing = edge.interface is not None and all(item.device != edge.interface for item in seen.interfaces)
    if not missing and not any(edge.vip in network for network in networks):
        text = "edge.vip is outside the network of the load_balancer host" + (f" ({device})" if device else "")
        hint = f"edge.vip is written at {cluster.origin('edge', 'vip')}"
        expected = f"an address in {', '.join(map(str, networks[:5])) or 'a connected network'}"
        yield Problem("K8N188", text, seen.host, str(edge.vip), expected, hint)


def _own_device(cluster: Cluster, seen: HostNetwork) -> str:
    address = node_address(cluster.addresses.get(seen.host, ""))
    return next((item.device for item in seen.interfaces if item.address == address), "")


def device_is_missing(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N189: keepalived announces nothing on a device that is not there or has no address."""
    edge, devices = cluster.topology.edge, {item.device for item in seen.interfaces}
    wanted = edge.interface if edge is not None and seen.host in cluster.load_balancers else None
    if wanted is not None and devices and wanted not in devices:
        text = "edge.interface names a network device without an address on this host"
        hint = f"written at {cluster.origin('edge', 'interface')}"
        yield Problem("K8N189", text, seen.host, wanted, f"one of {', '.join(sorted(devices)[:8])}", hint)


def pool_has_the_ends_of_a_network(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N177: the first and the last address of an IPv4 network are no host's (RFC 919)."""
    if seen.host not in cluster.nodes:
        return
    for path, pool in _pools(cluster):
        for network in sorted({item.network for item in seen.interfaces}, key=str):
            if network.version != 4 or pool.first.version != 4 or network.prefixlen > 30:
                continue
            for address in (network.network_address, network.broadcast_address):
                if int(pool.first) <= int(address) <= int(pool.last):
                    text = f"a pool of metallb holds {address}, an end of the node's network {network}"
                    hint = f"the pool is written at {cluster.origin(*path)}"
                    yield Problem("K8N177", text, seen.host, str(pool), "a pool without that address", hint)


def pool_is_in_no_network(cluster: Cluster, seen: Sequence[HostNetwork]) -> Iterator[Problem]:
    """K8N178: only a node in the same network can answer ARP for an address. Silent until every node was seen."""
    nodes = [host for host in seen if host.host in cluster.nodes]
    if {host.host for host in nodes} != set(cluster.nodes) or not all(host.interfaces for host in nodes):
        return
    networks = {item.network for host in nodes for item in host.interfaces if _is_a_link(item.network, item.device)}
    for path, pool in _pools(cluster):
        for part in summarize_address_range(pool.first, pool.last):
            if not any(network.version == part.version and _covers(network, part) for network in networks):
                shown = ", ".join(sorted(str(network) for network in networks if network.version == part.version)[:5])
                text = "a pool of metallb has addresses in no node's network, where nobody can announce them (layer 2)"
                hint = f"the pool is written at {cluster.origin(*path)}"
                yield Problem("K8N178", text, "cluster", str(pool), f"addresses in {shown or 'a network'}", hint)
                break


def pool_has_no_device(cluster: Cluster, seen: Sequence[HostNetwork]) -> Iterator[Problem]:
    """K8N179: MetalLB announces a pool on its interfaces only. Silent until every node was seen."""
    nodes = [host for host in seen if host.host in cluster.nodes]
    if {host.host for host in nodes} != set(cluster.nodes) or not all(host.interfaces for host in nodes):
        return
    devices = {item.device for host in nodes for item in host.interfaces}
    for number, pool in enumerate(cluster.topology.metallb.pools if cluster.topology.metallb else ()):
        if pool.interfaces and not devices & set(pool.interfaces):
            text = "no node has a network device that a pool of metallb is announced on"
            hint = f"written at {cluster.origin('metallb', 'pools', number, 'interfaces')}"
            found, expected = ", ".join(pool.interfaces[:5]), f"one of {', '.join(sorted(devices)[:8])}"
            yield Problem("K8N179", text, "cluster", found, expected, hint)


def _is_a_link(network: IPNetwork, device: str) -> bool:
    return device != "lo" and network.prefixlen < network.max_prefixlen


def _covers(network: IPNetwork, part: IPNetwork) -> bool:
    return network.version == part.version and network.prefixlen <= part.prefixlen and part.network_address in network


def _pools(cluster: Cluster) -> Iterator[tuple[Path, AddressRange]]:
    for number, part in enumerate(cluster.topology.metallb.pools if cluster.topology.metallb else ()):
        for index, pool in enumerate(part.addresses):
            yield ("metallb", "pools", number, "addresses", index), pool
