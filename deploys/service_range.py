"""The service range in the cluster: ServiceCIDR, the Services of the cluster itself, and kubeadm's ConfigMaps.

Since Kubernetes 1.33 the apiserver's flag only says what a new ServiceCIDR `kubernetes` would hold; an existing
one stays (KEP-1880). A temporary ServiceCIDR keeps addresses to be had while the other one is replaced, and
keeps valid those that lie in both ranges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from deploys import service_range_steps as steps
from deploys.kubeadm_config import CONFIG_MAPS
from deploys.service_range_changes import COREDNS, KUBE_DNS, KUBERNETES, NAME, cluster_changes, left_over, wanted_cidrs
from deploys.service_range_refusals import refusals
from k8snet_provision import undoing
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import Action, Change
from k8snet_provision.resources.kube_object import BY_APISERVER, RECREATE, ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (KUBERNETES, KUBE_DNS, COREDNS, *CONFIG_MAPS)


def _moves(change: Change) -> bool:
    return change.details.get("how") in (BY_APISERVER, RECREATE)


def undone(changes: Sequence[Change]) -> Iterator[Change]:
    """By the same steps in the same order: a temporary range holds the old addresses meanwhile.

    What a run that was cut short had left away, or behind, is not brought back into that state.
    """
    for change in changes:
        if _moves(change) and change.before is not None and change.after is not None:
            sides = {"manifest": change.details["before_manifest"], "before_manifest": change.details["manifest"]}
            details = {"how": change.details["how"], **sides}
            yield replace(change.inverted(), details=details, because="as it was before the run")
        elif not _moves(change) and change.details["how"] == "replace" and (back := undoing.turned(change)):
            yield back


def gate(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """By what the changes bring, and by the topology where they do not say: an old range is waited for as well."""
    if all(change.action is Action.DELETE for change in changes):  # what was left over is in nobody's way
        return None
    brought = {change.name: json.loads(change.details["manifest"])["spec"] for change in changes if _moves(change)}
    live = world.live(KUBE_DNS)
    dns = str(world.topology.dns_address) if live or world.live(COREDNS) else ""
    cidrs = brought.get("ServiceCIDR kubernetes", {}).get("cidrs") or wanted_cidrs(world)
    alone = all(
        item["metadata"]["name"] == "kubernetes" or item["spec"]["cidrs"] == cidrs
        for item in world.state.service_cidrs or ()
    )
    return steps.in_use(
        world.prelude,
        cidrs=cidrs,
        first=brought.get(str(KUBERNETES), {}).get("clusterIP") or str(world.topology.first_service_address),
        dns=brought.get(str(KUBE_DNS), {}).get("clusterIP") or dns,
        # A server-side dry run asks one ServiceCIDR at random, so it proves something where there is only one.
        free=[str(ip_network(cidr)[-2]) for cidr in cidrs] if alone else [],
    )


CAPABILITY = Capability(
    name=NAME,
    felt=(
        "Pods cannot resolve names from the moment kube-dns moves until they start anew: add-ons do, a note names "
        "the others"
    ),
    carry_out=steps.apply,
    reads=reads,
    cluster_changes=cluster_changes,
    refusals=refusals,
    gates=(Gate("the service range in use", gate, deadline=60),),
    puts_back=False,
    undone=undone,
    left_over=left_over,
)
