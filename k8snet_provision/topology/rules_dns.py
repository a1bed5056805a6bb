"""K8N14x: the DNS Service's address and CoreDNS's configuration."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.problems import Origin, Problem, Severity

from .cluster import Cluster
from .corefile import defines, unbalanced
from .dns import server_address
from .keys import Path
from .model import DNS_HOST_NUMBER
from .shown import shown
from .values import IPAddress, IPNetwork


def static_band(network: IPNetwork) -> int:
    """How many addresses at the bottom of the range are never given out by themselves (KEP-3070)."""
    return min(max(16, network.num_addresses // 16), 256)


def _given(cluster: Cluster) -> tuple[IPAddress, IPNetwork, Origin] | None:
    """The DNS address that was written, the service range of its place, and where it was written."""
    dns = cluster.topology.dns
    if dns is None or dns.address is None or not cluster.topology.service_cidr:
        return None
    return dns.address, cluster.topology.service_cidr[0], cluster.origin("dns", "address")


def address_is_outside(cluster: Cluster) -> Iterator[Problem]:
    """K8N140: the apiserver refuses a ClusterIP outside the range."""
    given = _given(cluster)
    if given and given[0] not in given[1]:
        address, network, where = given
        hint = f"the convention is {network[DNS_HOST_NUMBER]}" if network.num_addresses > DNS_HOST_NUMBER else ""
        expected = f"an address in {network}, written at {cluster.origin('service_cidr', 0)}"
        yield Problem("K8N140", "dns.address is not in service_cidr", where, str(address), expected, hint)


def address_is_taken(cluster: Cluster) -> Iterator[Problem]:
    """K8N141: the first address is default/kubernetes; the ends of an IPv4 range are never allocated."""
    given = _given(cluster)
    if not given or given[0] not in given[1]:
        return
    address, network, where = given
    taken = {network[0]: "the network itself", network[1]: "the Service default/kubernetes"}
    if network.version == 4:
        taken[network[-1]] = "the broadcast address"
    if address in taken:
        expected = f"another address in {network}"
        yield Problem("K8N141", f"dns.address is {taken[address]}", where, str(address), expected)


def address_is_not_static(cluster: Cluster) -> Iterator[Problem]:
    """K8N142: above the static band another Service may be given the address first."""
    given = _given(cluster)
    if given and given[0] in given[1] and int(given[0]) - int(given[1][0]) > static_band(given[1]):
        address, network, where = given
        yield Problem(
            "K8N142",
            "dns.address is outside the band for static ClusterIPs",
            where,
            str(address),
            f"{network[1]} to {network[static_band(network)]}",
            "another Service may be given this address before the DNS Service is",
            Severity.WARNING,
        )


def upstream_is_a_loop(cluster: Cluster) -> Iterator[Problem]:
    """K8N144: in the pod, loopback is CoreDNS itself; its plugin `loop` then ends the process."""
    dns = cluster.topology.dns
    if dns is None:
        return
    places: list[tuple[Path, str]] = [(("dns", "upstreams", i), server) for i, server in enumerate(dns.upstreams)]
    for zone, servers in dns.stub_domains.items():
        places += [(("dns", "stub_domains", zone, i), server) for i, server in enumerate(servers)]
    own = _own_address(cluster)
    for path, server in places:
        address = server_address(server)
        if address is None or not (address.is_loopback or address.is_unspecified or address == own):
            continue
        yield Problem(
            "K8N144",
            "a DNS server is CoreDNS itself, so queries go round in circles",
            cluster.origin(*path),
            shown(server),
            "a server outside the cluster",
            "for the node's own servers write /etc/resolv.conf" if address.is_loopback else "",
        )


def _own_address(cluster: Cluster) -> IPAddress | None:
    try:
        return cluster.topology.dns_address
    except IndexError:  # K8N122 says so
        return None


def stub_domain_hides_the_cluster(cluster: Cluster) -> Iterator[Problem]:
    """K8N145: the longest matching zone answers, so names of the cluster would be asked elsewhere."""
    domain = cluster.topology.cluster_domain
    for zone in cluster.topology.dns.stub_domains if cluster.topology.dns else ():
        if zone == domain or zone.endswith(f".{domain}"):
            yield Problem(
                "K8N145",
                f"the stub domain {zone} hides names of the cluster",
                cluster.origin("dns", "stub_domains", zone),
                zone,
                f"a domain outside {domain}",
            )


def replicas_have_no_place(cluster: Cluster) -> Iterator[Problem]:
    """K8N146: with `spread: required` each pod needs a node of its own."""
    dns, nodes = cluster.topology.dns, len({*cluster.nodes, *cluster.control_planes})
    if dns is not None and dns.spread == "required" and dns.replicas > nodes:
        yield Problem(
            "K8N146",
            "CoreDNS has more replicas than there are nodes to spread them over",
            cluster.origin("dns", "replicas"),
            str(dns.replicas),
            f"at most {nodes}",
            "or write spread: preferred",
        )


def server_blocks_are_broken(cluster: Cluster) -> Iterator[Problem]:
    """K8N147: CoreDNS refuses the whole Corefile for one wrong brace or a zone that is served twice."""
    dns = cluster.topology.dns
    if dns is None:
        return
    where = cluster.origin("dns", "extra_server_blocks")
    wrong = unbalanced(dns.extra_server_blocks)
    if wrong:
        yield Problem("K8N147", f"dns.extra_server_blocks is no Corefile: {wrong}", where)
    served = {".", *dns.stub_domains}
    for zone in defines(dns.extra_server_blocks):
        if zone in served:
            text = f"dns.extra_server_blocks serves the zone {zone}, which has a block already"
            yield Problem("K8N147", text, where, hint="use dns.upstreams and dns.stub_domains for it")
        served.add(zone)
