"""MetalLB: the objects of its release manifest, then the pools of addresses that it announces by ARP and NDP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploys import metallb_gates as gates
from deploys import metallb_refusals as preflight
from deploys.metallb_look import certificate_is_there, excluded_nodes, probes
from k8snet_provision.capability import Capability
from k8snet_provision.engine.carry_out import cluster_changes
from k8snet_provision.metallb import release
from k8snet_provision.metallb.contents import CERTIFICATE, CONTROLLER, NAMESPACE, SPEAKER
from k8snet_provision.resources.kube_object import GENERATED_LABEL, Manifest, ObjectRef, owned_by
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests as render_manifests
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.images import Images, resolve

NAME, POOLS_NAME = "metallb", "metallb-pools"

EVERY_NODE = "--ignore-exclude-lb"
"""Makes speakers announce from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers too."""


def reads(cluster: Cluster) -> Iterable[ObjectRef]:
    """Everything but the Secret, whose key stays in the cluster."""
    return (ref for item in release.objects(cluster) if (ref := ObjectRef.of(item)) != CERTIFICATE)


def managed(cluster: Cluster) -> bool:
    return cluster.topology.metallb is not None


def manifests(world: World) -> Iterable[Manifest]:
    """The release's objects with our images. The Secret is made once, empty; what is in it is the controller's."""
    for item in release.objects(world.cluster):
        if ObjectRef.of(item) != CERTIFICATE:
            yield owned_by(NAME, _fitted(item, world))
        elif not certificate_is_there(world):
            yield owned_by(NAME, _generated(item))


def _generated(secret: Manifest) -> Manifest:
    meta = secret["metadata"]
    return {**secret, "metadata": {**meta, "labels": {**meta.get("labels", {}), GENERATED_LABEL: "true"}}}


def _fitted(item: Manifest, world: World) -> Manifest:
    metallb, ref = world.topology.metallb, ObjectRef.of(item)
    if ref not in (CONTROLLER, SPEAKER) or metallb is None:
        return item
    template = item["spec"]["template"]
    every_node = ref == SPEAKER and metallb.announce_from_control_planes
    pod = {
        **template["spec"],
        **{
            key: [_container(container, world.topology.images, every_node) for container in template["spec"][key]]
            for key in ("containers", "initContainers")
            if key in template["spec"]
        },
    }
    return {**item, "spec": {**item["spec"], "template": {**template, "spec": pod}}}


def _container(container: dict[str, Any], images: Images, every_node: bool) -> dict[str, Any]:
    arguments = container.get("args", [])
    if every_node and container["name"] == "speaker" and EVERY_NODE not in arguments:
        arguments = [*arguments, EVERY_NODE]
    return {**container, "image": resolve(images, container["image"]), "args": arguments}


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
    carry_out=cluster_changes,
    probes=probes,
    reads=reads,
    manifests=manifests,
    refusals=preflight.of_release,
    notices=notices,
    gates=(gates.ROLLED_OUT, gates.WEBHOOK),
    managed=managed,
)

POOLS = Capability(
    name=POOLS_NAME,
    carry_out=cluster_changes,
    probes=probes,
    reads=pool_refs,
    manifests=pools,
    refusals=preflight.of_pools,
    notices=preflight.notices,
    facts=preflight.facts,
    gates=(gates.ACCEPTED,),
    managed=managed,
)
