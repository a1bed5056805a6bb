"""The K8N1xx that only hosts can know: pure functions over what was seen of one host's network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster
from .host_network import HostNetwork
from .observed_ways_in import (
    device_is_missing,
    pool_has_no_device,
    pool_has_the_ends_of_a_network,
    pool_is_in_no_network,
    vip_is_elsewhere,
)
from .rules_hosts import node_address
from .values import IPNetwork

FIRST_KERNEL_WITH_NFTABLES_MODE = (5, 13)  # KEP-3866
# kube-proxy's own device in ipvs mode holds every ClusterIP; the range must not clash with itself.
_OWN_DEVICES = frozenset({"kube-ipvs0", "nodelocaldns"})


def service_range_is_reachable_elsewhere(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N126: a connected network inside or around service_cidr; a mere route there is hidden by the Services."""
    for index, wanted in enumerate(cluster.topology.service_cidr):
        yield from _clashes(cluster, seen, ("service_cidr", index), wanted, _OWN_DEVICES)


def pod_range_is_reachable_elsewhere(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N127: as K8N126 for pod_cidr, but routes into it are the pod network's own."""
    for index, wanted in enumerate(cluster.topology.pod_cidr or ()):
        yield from _clashes(cluster, seen, ("pod_cidr", index), wanted, _pod_devices(cluster, seen, wanted))


def _pod_devices(cluster: Cluster, seen: HostNetwork, pods: IPNetwork) -> frozenset[str]:
    """Devices whose networks lie in the pod range, other than the node's own and docker's."""
    address = node_address(cluster.addresses.get(seen.host, ""))
    node = {item.device for item in seen.interfaces if item.address == address}
    inside = {item.device for item in seen.interfaces if item.address in pods}
    inside |= {route.device for route in seen.routes if _within(route.network, pods)}
    return frozenset(inside - node - {"docker0"})


def _clashes(
    cluster: Cluster, seen: HostNetwork, path: tuple[str, int], wanted: IPNetwork, ignored: frozenset[str]
) -> Iterator[Problem]:
    where = f"{path[0]}, written at {cluster.origin(*path)}"
    connected = {(item.network, item.device) for item in seen.interfaces}
    connected |= {(route.network, route.device) for route in seen.routes if route.connected}
    code = "K8N126" if path[0] == "service_cidr" else "K8N127"
    for network, device in sorted(connected, key=str):
        if device not in ignored and _overlap(network, wanted):
            text = f"{path[0]} overlaps the network {network} of {device}"
            yield Problem(code, text, seen.host, str(wanted), f"no address of {network}", where)
    for route in seen.routes:
        if route.connected or route.device in ignored or not _overlap(route.network, wanted):
            continue
        if path[0] == "pod_cidr" and _within(route.network, wanted):
            continue
        text = f"{path[0]} hides a part of {route.network}, which is routed through {route.device}"
        yield Problem(code, text, seen.host, str(wanted), f"no address of {route.network}", where, Severity.WARNING)


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def _within(one: IPNetwork, other: IPNetwork) -> bool:
    return _overlap(one, other) and one.prefixlen >= other.prefixlen


def local_ports_clash(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N131: an outgoing connection may take a NodePort's number and get the Service's traffic."""
    wanted, local = cluster.topology.node_port_range, seen.local_ports
    if local is None or not wanted.overlaps(local):
        return
    shared = range(max(wanted.first, local.first), min(wanted.last, local.last) + 1)
    if all(any(port in reserved for reserved in seen.reserved_ports) for port in shared):
        return
    yield Problem(
        "K8N131",
        "node_port_range overlaps net.ipv4.ip_local_port_range",
        seen.host,
        f"{wanted} and {local}",
        "no port in both",
        f"node_port_range is written at {cluster.origin('node_port_range')}; "
        "or list its ports in net.ipv4.ip_local_reserved_ports",
    )


def kernel_is_too_old(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N152: kube-proxy exits when its mode cannot work."""
    proxy = cluster.topology.kube_proxy
    if proxy is None or proxy.mode != "nftables" or seen.host not in cluster.nodes or seen.kernel is None:
        return
    if seen.kernel < FIRST_KERNEL_WITH_NFTABLES_MODE:
        yield Problem(
            "K8N152",
            "the kernel is too old for kube-proxy's nftables mode",
            seen.host,
            ".".join(map(str, seen.kernel)),
            "5.13 or newer",
            f"kube_proxy.mode is written at {cluster.origin('kube_proxy', 'mode')}",
        )


def modules_are_missing(cluster: Cluster, seen: HostNetwork) -> Iterator[Problem]:
    """K8N153: what ipvs needs of the kernel, with the scheduler that was chosen (rr otherwise)."""
    proxy = cluster.topology.kube_proxy
    if proxy is None or proxy.mode != "ipvs" or seen.host not in cluster.nodes or seen.modules is None:
        return
    scheduler = (proxy.ipvs and proxy.ipvs.scheduler) or "rr"
    missing = [name for name in ("ip_vs", f"ip_vs_{scheduler}", "nf_conntrack") if name not in seen.modules]
    if missing:
        yield Problem(
            "K8N153",
            f"the kernel lacks what kube-proxy's ipvs mode needs: {', '.join(missing)}",
            seen.host,
            expected="these modules loaded, loadable or built in",
            hint=f"choose another mode; kube_proxy.mode is written at {cluster.origin('kube_proxy', 'mode')}",
        )


HostRule = Callable[[Cluster, HostNetwork], Iterable[Problem]]

HOST_RULES: dict[str, HostRule] = {
    "K8N126": service_range_is_reachable_elsewhere,
    "K8N127": pod_range_is_reachable_elsewhere,
    "K8N131": local_ports_clash,
    "K8N152": kernel_is_too_old,
    "K8N153": modules_are_missing,
    "K8N177": pool_has_the_ends_of_a_network,
}
# Of the hosts in load_balancer.
EDGE_RULES: dict[str, HostRule] = {"K8N188": vip_is_elsewhere, "K8N189": device_is_missing}
# Of all hosts together.
FLEET_RULES: dict[str, Callable[[Cluster, Sequence[HostNetwork]], Iterable[Problem]]] = {
    "K8N178": pool_is_in_no_network,
    "K8N179": pool_has_no_device,
}


def broken_on_hosts(cluster: Cluster, seen: Iterable[HostNetwork]) -> Iterator[Problem]:
    """Every problem of every host: of those that run kube-apiserver or kube-proxy, of the edge's, and of all."""
    everyone = tuple(seen)
    concerned = {*cluster.control_planes, *cluster.nodes}
    for host in everyone:
        rules = [*(HOST_RULES.values() if host.host in concerned else ())]
        rules += EDGE_RULES.values() if host.host in cluster.load_balancers else ()
        for rule in rules:
            yield from rule(cluster, host)
    for together in FLEET_RULES.values():
        yield from together(cluster, everyone)
