"""K8N12x: the ranges of Services and pods, their sizes, families and neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster
from .model import DNS_HOST_NUMBER
from .spans import network_span, overlapping, spans
from .values import IPNetwork

# kube-apiserver: "the service cluster IP range must be at least 8 IP addresses".
SMALLEST_SERVICE_RANGE = 8
# Up to 1.33 the allocator was a bitmap (kubernetes/kubernetes cmd/kube-apiserver/app/options/validation.go).
MOST_HOST_BITS_OF_A_BITMAP = 20
FIRST_WITHOUT_BITMAP = (1, 34)
# KEP-1880. With a wider IPv6 network apiserver 1.36 starts, says it is ready, and no Service ever gets an
# address; with IPv4 /0 and /1 the size that it computes overflows and it does not start.
MOST_HOST_BITS = {4: 30, 6: 64}

RESERVED = {
    "0.0.0.0/8": "this network (RFC 1122)",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "224.0.0.0/4": "multicast",
    "255.255.255.255/32": "broadcast",
    "::/127": "unspecified and loopback",
    "::ffff:0:0/96": "IPv4-mapped",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
_RESERVED = tuple((ip_network(text), what) for text, what in RESERVED.items())


def families_are_wrong(cluster: Cluster) -> Iterator[Problem]:
    """K8N120: one network, or one of each family."""
    for key, networks in _ranges(cluster):
        versions = [network.version for network in networks]
        if len(versions) > 2 or len(set(versions)) < len(versions):
            yield Problem(
                "K8N120",
                f"{key} has more than one network of a family",
                cluster.origin(key),
                ", ".join(map(str, networks[:4])),
                "one network, or one IPv4 and one IPv6 network",
                "more ranges for Services are added as ServiceCIDR objects" if key == "service_cidr" else "",
            )


def service_range_is_too_wide(cluster: Cluster, kubernetes: tuple[int, int] | None = None) -> Iterator[Problem]:
    """K8N121: wider than the allocator counts. An unknown version is warned about where versions differ."""
    for index, network in enumerate(cluster.topology.service_cidr):
        bits = network.max_prefixlen - network.prefixlen
        old = kubernetes is not None and kubernetes < FIRST_WITHOUT_BITMAP
        if bits > MOST_HOST_BITS[network.version] or (old and bits > MOST_HOST_BITS_OF_A_BITMAP):
            yield _too_wide(cluster, index, MOST_HOST_BITS_OF_A_BITMAP if old else MOST_HOST_BITS[network.version])
        elif kubernetes is None and bits > MOST_HOST_BITS_OF_A_BITMAP:
            yield _too_wide(cluster, index, MOST_HOST_BITS_OF_A_BITMAP, " for Kubernetes before 1.34")


def _too_wide(cluster: Cluster, index: int, bits: int, condition: str = "") -> Problem:
    network = cluster.topology.service_cidr[index]
    return Problem(
        "K8N121",
        f"service_cidr is too wide{condition}",
        cluster.origin("service_cidr", index),
        str(network),
        f"/{network.max_prefixlen - bits} or narrower",
        severity=Severity.WARNING if condition else Severity.ERROR,
    )


def service_range_is_too_small(cluster: Cluster) -> Iterator[Problem]:
    """K8N122: fewer addresses than the apiserver accepts, or than the DNS Service's default address needs."""
    dns = cluster.topology.dns
    for index, network in enumerate(cluster.topology.service_cidr):
        default_dns = index == 0 and (dns is None or dns.address is None)
        needed = 16 if default_dns else SMALLEST_SERVICE_RANGE
        if network.num_addresses < needed:
            yield Problem(
                "K8N122",
                "service_cidr is too small",
                cluster.origin("service_cidr", index),
                f"{network} with {network.num_addresses} addresses",
                f"/{network.max_prefixlen - needed.bit_length() + 1} or wider",
                f"the DNS Service has address number {DNS_HOST_NUMBER}" if default_dns else "",
            )


# Networks of one kind are compared by K8N120, equal addresses of hosts by K8N114.
_COMPARED_ELSEWHERE = {"service_cidr", "pod_cidr", "host"}


def ranges_overlap(cluster: Cluster) -> Iterator[Problem]:
    """K8N123: an address that two things could have."""
    for one, other in overlapping(spans(cluster)):
        if one.kind == other.kind and one.kind in _COMPARED_ELSEWHERE:
            continue
        expected = f"no address of {other}, written at {other.where}"
        yield Problem("K8N123", f"{one} overlaps {other}", one.where, one.text, expected)


def range_is_reserved(cluster: Cluster) -> Iterator[Problem]:
    """K8N124: networks that no host routes like others."""
    for key, networks in _ranges(cluster):
        for index, network in enumerate(networks):
            where = cluster.origin(key, index)
            for reserved, what in _RESERVED:
                if any(overlapping([network_span("", network, where), network_span("", reserved, where)])):
                    expected = "a private network, such as 10.254.0.0/16 or fd00:254::/108"
                    text = f"{key} overlaps {reserved}, which is {what}"
                    yield Problem("K8N124", text, where, str(network), expected)


def family_order_differs(cluster: Cluster) -> Iterator[Problem]:
    """K8N125: the first network is the default family; a Service has endpoints only in families that pods have."""
    services, pods = cluster.topology.service_cidr, cluster.topology.pod_cidr
    if not services or not pods or services[0].version == pods[0].version:
        return
    never = services[0].version not in {network.version for network in pods}
    yield Problem(
        "K8N125",
        f"the default family of Services is IPv{services[0].version}, that of pods is IPv{pods[0].version}",
        cluster.origin("service_cidr"),
        ", ".join(map(str, services)),
        f"the order of pod_cidr at {cluster.origin('pod_cidr')}: {', '.join(map(str, pods))}",
        "" if not never else "no pod has an address of that family, so Services have no endpoints",
        Severity.ERROR if never else Severity.WARNING,
    )


def _ranges(cluster: Cluster) -> Iterator[tuple[str, Sequence[IPNetwork]]]:
    yield "service_cidr", cluster.topology.service_cidr
    yield "pod_cidr", cluster.topology.pod_cidr or ()
