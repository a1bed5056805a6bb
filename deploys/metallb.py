"""MetalLB: the objects of its release manifest, then the pools of addresses that it announces by ARP and NDP."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from deploys import metallb_gates as gates
from deploys import metallb_refusals as preflight
from deploys.metallb_look import certificate_is_there, excluded_nodes, probes, questions
from k8snet_provision.capability import Capability
from k8snet_provision.engine.carry_out import cluster_changes
from k8snet_provision.metallb import release
from k8snet_provision.metallb.contents import CERTIFICATE, CONTROLLER, MEMBERLIST, NAMESPACE, SPEAKER
from k8snet_provision.resources.kube_object import GENERATED_LABEL, Manifest, ObjectRef, owned_by
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests as render_manifests
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.images import resolve

NAME, POOLS_NAME = "metallb", "metallb-pools"

EVERY_NODE = "--ignore-exclude-lb"
"""Makes speakers announce from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers too."""


SETTINGS_ANNOTATION = "k8snet-provision/memberlist-sha256"


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    """Everything but the Secret, whose key stays in the cluster."""
    yield from (ref for item in release.objects(cluster) if (ref := ObjectRef.of(item)) != CERTIFICATE)
    if managed(cluster):
        yield MEMBERLIST


def managed(cluster: Cluster) -> bool:
    return cluster.topology.metallb is not None


def manifests(world: World) -> Iterable[Manifest]:
    """The release's objects with our images. The Secret is made once, empty; what is in it is the controller's."""
    settings = list(_memberlist(world))
    yield from (owned_by(NAME, item) for item in settings)
    for item in release.objects(world.cluster):
        ref = ObjectRef.of(item)
        if ref == CERTIFICATE:
            yield from () if certificate_is_there(world) else (owned_by(NAME, _generated(item)),)
        else:
            yield owned_by(NAME, _workload(item, world, settings) if ref in (CONTROLLER, SPEAKER) else item)


def _memberlist(world: World) -> Iterable[Manifest]:
    metallb = world.topology.metallb
    if metallb and metallb.fast_failover:
        yield from render_manifests("metallb/memberlist.yaml.j2", name=MEMBERLIST.name, namespace=NAMESPACE)


def _generated(secret: Manifest) -> Manifest:
    meta = secret["metadata"]
    return {**secret, "metadata": {**meta, "labels": {**meta.get("labels", {}), GENERATED_LABEL: "true"}}}


def _workload(item: Manifest, world: World, settings: Sequence[Manifest]) -> Manifest:
    """With the topology's images and options; speakers start anew when their settings change."""
    item = copy.deepcopy(item)
    template, metallb = item["spec"]["template"], world.topology.metallb
    pod = template["spec"]
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        container["image"] = resolve(world.topology.images, container["image"])
    if ObjectRef.of(item) == SPEAKER and metallb:
        if metallb.announce_from_control_planes:
            _say(EVERY_NODE, pod["containers"])
        if settings:
            digest = hashlib.sha256(str(settings).encode()).hexdigest()
            template["metadata"].setdefault("annotations", {})[SETTINGS_ANNOTATION] = digest
    return item


def _say(argument: str, containers: Sequence[dict[str, Any]]) -> None:
    for container in containers:
        if container["name"] == SPEAKER.name and argument not in container.setdefault("args", []):
            container["args"].append(argument)


def notices(world: World) -> Iterable[str]:
    metallb = world.topology.metallb
    if metallb is None or metallb.announce_from_control_planes:
        return
    if excluded := excluded_nodes(world):
        yield (
            f"{', '.join(excluded)} announce no address, for they are labelled "
            "node.kubernetes.io/exclude-from-external-load-balancers; metallb.announce_from_control_planes changes that"
        )


def pool_refs(cluster: Cluster) -> Iterable[ObjectRef]:
    metallb = cluster.topology.metallb
    for pool in metallb.pools if metallb else ():
        yield ObjectRef("metallb.io/v1beta1", "IPAddressPool", pool.name, NAMESPACE)
        yield ObjectRef("metallb.io/v1beta1", "L2Advertisement", pool.name, NAMESPACE)


def pools(world: World) -> Iterable[Manifest]:
    metallb = world.topology.metallb
    for pool in metallb.pools if metallb else ():
        for manifest in render_manifests("metallb/pool.yaml.j2", pool=pool, namespace=NAMESPACE):
            yield owned_by(POOLS_NAME, manifest)


CAPABILITY = Capability(
    name=NAME,
    felt=(
        "nothing the first time; where speakers start anew, an address may be silent as when its node is lost: 5.5 s, "
        "with fast_failover 1.5 s"
    ),
    carry_out=cluster_changes,
    probes=probes,
    questions=questions,
    reads=reads,
    manifests=manifests,
    refusals=preflight.of_release,
    notices=notices,
    gates=(gates.ROLLED_OUT, gates.WEBHOOK),
    managed=managed,
)

POOLS = Capability(
    name=POOLS_NAME,
    felt="nothing at addresses that stay in a pool",
    carry_out=cluster_changes,
    probes=probes,
    questions=questions,
    reads=pool_refs,
    manifests=pools,
    refusals=preflight.of_pools,
    notices=preflight.notices,
    facts=preflight.facts,
    gates=(gates.ACCEPTED,),
    managed=managed,
)
