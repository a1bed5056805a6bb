"""Why the service range may not be changed: an old Kubernetes, or Services that would lose their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from deploys import service_range_steps as steps
from deploys.kubeadm_config import problems
from deploys.service_range_changes import KUBE_DNS, KUBERNETES, cluster_changes, dns_addresses
from k8snet_provision.change import CLUSTER
from k8snet_provision.problems import Problem
from k8snet_provision.seen import World

TOO_OLD = "K8N310"
SERVICES_IN_THE_WAY = "K8N311"
ADDRESS_TAKEN = "K8N312"

MOVED = (KUBERNETES, KUBE_DNS)

SHOWN = 20
"""Names listed in a problem before the rest is only counted."""


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
        if item["metadata"]["name"] != "kubernetes"
        and not steps.is_holder(item)
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
