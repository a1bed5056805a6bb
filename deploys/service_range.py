"""The service range in the cluster: ServiceCIDR, the Services of the cluster itself, and kubeadm's ConfigMaps.

Since Kubernetes 1.33 the apiserver's flag only says what a new ServiceCIDR `kubernetes` would hold; an existing
one stays (KEP-1880). A temporary ServiceCIDR keeps addresses to be had while the other one is replaced, and
keeps valid those that lie in both ranges.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from deploys import coredns
from deploys import service_range_steps as steps
from deploys.kubeadm_config import CONFIG_MAPS, config_map_changes, problems
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.model import DNS_HOST_NUMBER

NAME = steps.NAME

TOO_OLD = "K8N310"
SERVICES_IN_THE_WAY = "K8N311"
ADDRESS_TAKEN = "K8N312"

KUBERNETES = ObjectRef("v1", "Service", "kubernetes", "default")
KUBE_DNS = ObjectRef("v1", "Service", "kube-dns", "kube-system")
COREDNS = coredns.DEPLOYMENT
MOVED = (KUBERNETES, KUBE_DNS)

SHOWN = 20
"""Names listed in a problem before the rest is only counted."""


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (KUBERNETES, KUBE_DNS, COREDNS, *CONFIG_MAPS)


def wanted_cidrs(world: World) -> list[str]:
    return [str(network) for network in world.topology.service_cidr]


def cluster_changes(world: World) -> Iterator[Change]:
    """In the order in which they are made."""
    if world.state.service_cidrs is None:
        return
    yield from service_cidr_changes(world)
    yield from service_changes(world, KUBE_DNS, dns_addresses(world))
    yield from service_changes(world, KUBERNETES, [str(world.topology.first_service_address)])
    yield from config_map_changes(world, NAME)


def service_cidr(world: World, name: str) -> Manifest | None:
    """The live ServiceCIDR, complete; None when there is none. Raises Unknown."""
    for item in world.state.service_cidrs or ():
        if item["metadata"]["name"] == name:
            return {"apiVersion": steps.SERVICE_CIDRS, "kind": "ServiceCIDR", **item}
    return None


def service_cidr_changes(world: World) -> Iterator[Change]:
    live, left_over = service_cidr(world, "kubernetes"), service_cidr(world, steps.TEMPORARY)
    wanted: Manifest = copy.deepcopy(live) if live else steps.service_cidr("kubernetes", [])
    wanted["spec"] = {"cidrs": wanted_cidrs(world)}
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        wanted["metadata"].pop(key, None)
    changes = list(
        kube_object.change(
            NAME,
            live,
            wanted,
            how=steps.BY_APISERVER,
            because=f"made anew by the apiserver; ServiceCIDR {steps.TEMPORARY} holds the range meanwhile",
        )
    )
    yield from changes
    # One that is already going needs nothing more than time.
    if left_over and not changes and "deletionTimestamp" not in left_over["metadata"]:
        yield from kube_object.change(NAME, left_over, None, because="left by a run that was cut short")


def service_changes(world: World, ref: ObjectRef, addresses: list[str]) -> Iterator[Change]:
    """The Service at its new address; an address is immutable, so it is deleted and made again.

    Where CoreDNS is ours as well, its Service is made at once as that phase wants it (`dry`).
    """
    live = world.live(ref)
    base = world.state.dry.get(ref) or live or (lost_dns(world) if ref == KUBE_DNS else steps.api_service())
    if base is None or (live and live["spec"].get("clusterIP") == addresses[0]):
        return
    how = steps.BY_APISERVER if ref == KUBERNETES else kube_object.RECREATE
    because = "made anew: the address of a Service cannot be changed" if live else "lost by a run that was cut short"
    wanted = moved(base, addresses)
    yield from kube_object.change(NAME, live, wanted, send=kube_object.without_noise(wanted), how=how, because=because)


def lost_dns(world: World) -> Manifest | None:
    """kube-dns where it is not there; None where nobody needs it, or CoreDNS's own phase can make it."""
    if world.topology.dns is None:
        return steps.dns_service() if world.live(COREDNS) else None
    if not coredns.waits_for_range(world):
        return None
    return next(m for m in coredns.objects(world) if ObjectRef.of(m) == KUBE_DNS)


def moved(service: Manifest, addresses: list[str]) -> Manifest:
    """The Service with other addresses and all its other fields; its families follow the addresses."""
    changed: Manifest = copy.deepcopy(service)
    spec = changed["spec"]
    families = spec.get("ipFamilies") or []
    kept = addresses[: max(1, len(families))]
    spec |= {
        "clusterIP": kept[0],
        "clusterIPs": kept,
        "ipFamilies": [f"IPv{ip_address(address).version}" for address in kept],
    }
    if len(kept) < len(families):
        spec["ipFamilyPolicy"] = "SingleStack"
    return changed


def dns_addresses(world: World) -> list[str]:
    """kube-dns's address of each family: the topology's own, and the same number in the other range."""
    first = world.topology.dns_address
    others = [n[DNS_HOST_NUMBER] for n in world.topology.service_cidr if n.version != first.version]
    return [str(first), *map(str, others)]


def refusals(world: World) -> Iterator[Problem]:
    if not _moves(world):
        return
    if world.state.service_cidrs is None:
        yield Problem(
            TOO_OLD,
            "the service range can be changed from Kubernetes 1.33 on, where ServiceCIDR objects say what it is",
            CLUSTER,
            found=world.state.version,
            expected="v1.33 or later",
            hint="upgrade first, or leave topology.service_cidr at the cluster's range",
        )
        return
    yield from _in_the_way(world)
    yield from _taken(world)
    yield from problems(world)


def _moves(world: World) -> bool:
    live = world.live(KUBERNETES)
    first = str(world.topology.first_service_address)
    if world.state.service_cidrs is None:
        return live is None or live["spec"].get("clusterIP") != first
    return any(True for _ in cluster_changes(world))


def others(world: World) -> Iterator[tuple[str, str]]:
    """(namespace/name, address) of each ClusterIP of the Services that are not the cluster's own."""
    own = {(ref.namespace, ref.name) for ref in MOVED}
    for service in world.state.services:
        meta = service["metadata"]
        if (meta["namespace"], meta["name"]) in own:
            continue
        spec = service["spec"]
        for address in spec.get("clusterIPs") or [spec.get("clusterIP")]:
            if address and address != "None":
                yield f"{meta['namespace']}/{meta['name']}", address


def _in_the_way(world: World) -> Iterator[Problem]:
    """Services that would be left without a ServiceCIDR that holds their address."""
    staying = [
        ip_network(cidr)
        for item in world.state.service_cidrs or ()
        if item["metadata"]["name"] not in ("kubernetes", steps.TEMPORARY)
        and "deletionTimestamp" not in item["metadata"]
        for cidr in item["spec"]["cidrs"]
    ]
    networks = [*world.topology.service_cidr, *staying]
    found = [
        f"{name} ({address})" for name, address in others(world) if not any(ip_address(address) in n for n in networks)
    ]
    if found:
        rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield Problem(
            SERVICES_IN_THE_WAY,
            "these Services have addresses outside the new range",
            CLUSTER,
            found=", ".join(found[:SHOWN]) + rest,
            expected="addresses in " + ", ".join(map(str, networks)),
            hint="delete them, or give them a ServiceCIDR of their own that holds their addresses",
        )


def _taken(world: World) -> Iterator[Problem]:
    wanted = {str(world.topology.first_service_address), *dns_addresses(world)}
    for name, address in others(world):
        if address in wanted:
            yield Problem(
                ADDRESS_TAKEN,
                "a Service has an address that the cluster's own Services need",
                CLUSTER,
                found=f"{name} ({address})",
                hint="delete that Service and let it have another address",
            )


def gate(world: World, host: str, changes: object) -> str:
    live = world.live(KUBE_DNS)
    dns = str(world.topology.dns_address) if live or world.live(COREDNS) else ""
    alone = not any(
        item["metadata"]["name"] not in ("kubernetes", steps.TEMPORARY) for item in world.state.service_cidrs or ()
    )
    return steps.in_use(
        world.prelude,
        cidrs=wanted_cidrs(world),
        first=str(world.topology.first_service_address),
        dns=dns,
        # A server-side dry run asks one ServiceCIDR at random, so it proves something where there is only one.
        free=[str(network[-2]) for network in world.topology.service_cidr] if alone else [],
    )


CAPABILITY = Capability(
    name=NAME,
    carry_out=steps.apply,
    reads=reads,
    cluster_changes=cluster_changes,
    refusals=refusals,
    gates=(Gate("the new range in use", gate, deadline=60),),
)
