"""The service range in the cluster: ServiceCIDR, the Services of the cluster itself, and kubeadm's ConfigMaps.

Since Kubernetes 1.33 the apiserver's flag only says what a new ServiceCIDR `kubernetes` would hold; an existing
one stays (KEP-1880). A temporary ServiceCIDR keeps addresses to be had while the other one is replaced, and
keeps valid those that lie in both ranges.
"""

from __future__ import annotations

from collections.abc import Iterable

from deploys import service_range_steps as steps
from deploys.kubeadm_config import CONFIG_MAPS
from deploys.service_range_changes import COREDNS, KUBE_DNS, KUBERNETES, NAME, cluster_changes, wanted_cidrs
from deploys.service_range_refusals import refusals
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    return (KUBERNETES, KUBE_DNS, COREDNS, *CONFIG_MAPS)


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
    felt=(
        "Pods cannot resolve names from the moment kube-dns moves until they start anew: add-ons do, a note names "
        "the others"
    ),
    carry_out=steps.apply,
    reads=reads,
    cluster_changes=cluster_changes,
    refusals=refusals,
    gates=(Gate("the new range in use", gate, deadline=60),),
    puts_back=False,
)
