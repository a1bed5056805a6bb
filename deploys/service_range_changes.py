"""What has to change in the cluster for its service range, from whatever state a run may have left it in."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from ipaddress import ip_address

from deploys import coredns
from deploys import service_range_steps as steps
from deploys.kubeadm_config import config_map_changes
from k8snet_provision.change import Change
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology.model import DNS_HOST_NUMBER

NAME = steps.NAME

KUBERNETES = ObjectRef("v1", "Service", "kubernetes", "default")
KUBE_DNS = coredns.SERVICE
COREDNS = coredns.DEPLOYMENT


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
    live = service_cidr(world, "kubernetes")
    wanted: Manifest = copy.deepcopy(live) if live else steps.service_cidr("kubernetes", [])
    wanted["spec"] = {"cidrs": wanted_cidrs(world)}
    meanwhile = steps.holder(wanted_cidrs(world))
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        wanted["metadata"].pop(key, None)
    changes = list(
        kube_object.change(
            NAME,
            live,
            wanted,
            how=kube_object.BY_APISERVER,
            because=f"made anew by the apiserver; ServiceCIDR {meanwhile} holds the range meanwhile",
        )
    )
    yield from changes
    if not changes:
        yield from left_over(world)


def left_over(world: World) -> Iterator[Change]:
    for item in world.state.service_cidrs or ():
        # One that is already going needs nothing more than time.
        if steps.is_holder(item) and "deletionTimestamp" not in item["metadata"]:
            live = service_cidr(world, item["metadata"]["name"])
            yield from kube_object.change(NAME, live, None, because="left by a run that was cut short")


def service_changes(world: World, ref: ObjectRef, addresses: list[str]) -> Iterator[Change]:
    """The Service at its new address; an address is immutable, so it is deleted and made again.

    Where CoreDNS is ours as well, its Service is made at once as that phase wants it (`dry`).
    """
    live = world.live(ref)
    base = world.state.dry.get(ref) or live or (lost_dns(world) if ref == KUBE_DNS else steps.api_service())
    if base is None or (live and live["spec"].get("clusterIP") == addresses[0]):
        return
    how = kube_object.BY_APISERVER if ref == KUBERNETES else kube_object.RECREATE
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
