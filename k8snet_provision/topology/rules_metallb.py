"""K8N17x: MetalLB's pools, who wants addresses of them, and its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.problems import Origin, Problem

from .cluster import Cluster
from .spans import Span, overlapping, spans
from .values import AddressRange, IPAddress

LARGEST_MANIFEST = 16 * 1024 * 1024
SHARED = ("metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip")
REQUESTS = ("metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs")


@dataclass(frozen=True)
class Request:
    """Somebody who wants an address of the pools: a certain one, or any."""

    who: str
    where: Origin
    address: IPAddress | None
    alone: bool = True
    """False for a Service that may share its address with others."""


def requests(cluster: Cluster) -> Iterator[Request]:
    """The controller of the pattern load_balancer first, then Services of the catalogue."""
    ingress, pools = cluster.topology.ingress, cluster.topology.pools
    if ingress is not None and ingress.pattern == "load_balancer":
        address = ingress.load_balancer.address
        where = cluster.origin("ingress", "load_balancer", "address")
        # Without an address of its own it has the first of the first pool.
        yield Request("ingress.load_balancer", where, address or (pools[0].first if pools else None))
    for index, service in enumerate(cluster.topology.services or ()):
        if service.type == "LoadBalancer":
            where = cluster.origin("services", index, *(("address",) if service.address else ()))
            alone = not any(key in service.annotations for key in SHARED)
            yield Request(f"Service {service.namespace}/{service.name}", where, service.address, alone)


def pool_is_also_dhcps(cluster: Cluster) -> Iterator[Problem]:
    """K8N170: a DHCP server would give an address of the pool, or the VIP, to another host."""
    metallb = cluster.topology.metallb
    if metallb is None:
        return
    wanted = [
        _span("pool", pool, cluster.origin("metallb", "pools", number, "addresses", index))
        for number, part in enumerate(metallb.pools)
        for index, pool in enumerate(part.addresses)
    ]
    given = [
        _span("dhcp_range", pool, cluster.origin("metallb", "dhcp_ranges", index))
        for index, pool in enumerate(metallb.dhcp_ranges)
    ]
    vips = [span for span in spans(cluster) if span.kind == "VIP"]
    for one, other in overlapping([*wanted, *vips, *given]):
        if one.kind != other.kind == "dhcp_range":
            text = f"{one} overlaps the DHCP range {other.text}"
            yield Problem("K8N170", text, one.where, one.text, f"no address of {other.text}, written at {other.where}")


def _span(kind: str, pool: AddressRange, where: Origin) -> Span:
    return Span(kind, str(pool), pool.first.version, int(pool.first), int(pool.last), where)


def pools_are_too_small(cluster: Cluster) -> Iterator[Problem]:
    """K8N171: a Service without an address waits for ever."""
    metallb = cluster.topology.metallb
    if metallb is None or not metallb.pools or not cluster.topology.service_cidr:
        return
    version = cluster.topology.service_cidr[0].version
    wanting = [item for item in requests(cluster) if item.alone and _version(item, version) == version]
    fixed = {item.address for item in wanting if item.address is not None}
    free = sum(_size(pool) for part in metallb.pools if part.auto_assign for pool in part.addresses
               if pool.first.version == version)  # fmt: skip
    taken = sum(any(_within(address, pool) for part in metallb.pools if part.auto_assign for pool in part.addresses)
                for address in fixed)  # fmt: skip
    others = [item for item in wanting if item.address is None]
    if len(others) > free - taken:
        names = ", ".join(item.who for item in wanting[:5]) + (" and others" if len(wanting) > 5 else "")
        yield Problem(
            "K8N171",
            "metallb.pools hold fewer addresses than there are Services that want one",
            cluster.origin("metallb", "pools"),
            f"{free} for {len(others) + taken}: {names}",
            f"{len(others) + taken} or more addresses of IPv{version}, with auto_assign",
            f"widen a pool, or let Services share one address with the annotation {SHARED[0]}",
        )


def _version(item: Request, default: int) -> int:
    return item.address.version if item.address else default


def _size(pool: AddressRange) -> int:
    return int(pool.last) - int(pool.first) + 1


def _within(address: IPAddress, pool: AddressRange) -> bool:
    return address.version == pool.first.version and int(pool.first) <= int(address) <= int(pool.last)


def address_is_in_no_pool(cluster: Cluster) -> Iterator[Problem]:
    """K8N172: MetalLB gives no address that is not in a pool."""
    pools = cluster.topology.pools
    for item in requests(cluster) if pools else ():
        if item.address is not None and not any(_within(item.address, pool) for pool in pools):
            text = f"{item.who} asks for an address outside metallb.pools"
            expected = f"an address in {', '.join(map(str, pools[:5]))}"
            yield Problem("K8N172", text, item.where, str(item.address), expected)


def address_is_wanted_twice(cluster: Cluster) -> Iterator[Problem]:
    """K8N173: the second Service gets none, unless both say that they share it."""
    first: dict[IPAddress, Request] = {}
    for item in requests(cluster):
        if item.address is None or first.setdefault(item.address, item) is item:
            continue
        other = first[item.address]
        if item.alone or other.alone:
            text = f"{item.who} asks for the address of {other.who}"
            hint = f"Services with other ports may share it: annotation {SHARED[0]} on both"
            expected = f"another address than at {other.where}"
            yield Problem("K8N173", text, item.where, str(item.address), expected, hint)


def manifest_is_not_the_one(cluster: Cluster) -> Iterator[Problem]:
    """K8N174: a manifest file that cannot be read, or whose content is another. URLs are not asked by lint."""
    metallb = cluster.topology.metallb
    if metallb is None or metallb.manifest.startswith("https://"):
        return
    where = cluster.origin("metallb", "manifest")
    base = cluster.inventory.path
    path = (base if base.is_dir() else base.parent) / metallb.manifest
    try:
        content = _content(path)
    except OSError as error:
        text = f"metallb.manifest cannot be read: {error.strerror or error}"
        yield Problem("K8N174", text, where, metallb.manifest, "the release's metallb-native.yaml")
        return
    found = hashlib.sha256(content).hexdigest()
    if found != metallb.sha256:
        text = "metallb.manifest is not the file that metallb.sha256 belongs to"
        where = cluster.origin("metallb", "sha256")
        yield Problem("K8N174", text, where, found, metallb.sha256, f"sha256sum of {metallb.manifest}")


def _content(path: Path) -> bytes:
    # Opening a pipe or a device might wait for ever.
    if not path.is_file():
        raise OSError(0, "no such file" if not path.exists() else "not a regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST_MANIFEST + 1)
    if len(content) > LARGEST_MANIFEST:
        raise OSError(0, f"larger than {LARGEST_MANIFEST} bytes")
    return content


def strict_arp_is_off(cluster: Cluster) -> Iterator[Problem]:
    """K8N175: in ipvs mode every node has every address of the pools and would answer ARP for it."""
    proxy = cluster.topology.kube_proxy
    if cluster.topology.metallb is None or proxy is None or proxy.mode != "ipvs":
        return
    if proxy.ipvs is None or not proxy.ipvs.strict_arp:
        yield Problem(
            "K8N175",
            "MetalLB with kube-proxy's ipvs mode needs strict ARP",
            cluster.origin("kube_proxy", "ipvs", "strict_arp"),
            "kube_proxy.ipvs.strict_arp is not true",
            "kube_proxy: {mode: ipvs, ipvs: {strict_arp: true}}",
            "or choose the mode nftables, which needs nothing of the kind",
        )


def pool_name_is_taken(cluster: Cluster) -> Iterator[Problem]:
    """K8N176: two IPAddressPools of one name would be one object."""
    first: dict[str, Origin] = {}
    for index, pool in enumerate(cluster.topology.metallb.pools if cluster.topology.metallb else ()):
        where = cluster.origin("metallb", "pools", index, "name")
        if pool.name in first:
            expected = f"another name than at {first[pool.name]}"
            yield Problem("K8N176", "two pools of metallb have one name", where, pool.name, expected)
        first.setdefault(pool.name, where)
