"""Worlds with MetalLB: what nodes and the cluster answered, around a topology that has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from k8snet_provision import assets
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.metallb import network
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Seen
from k8snet_provision.seen import World
from tests.deploys.worlds import ABSENT, a_service, a_state, a_world, present
from tests.metallb.releases import topology

look = assets.deploy_module("metallb_look")

NODE_MAC, OTHER_MAC = "02:00:00:00:00:21", "02:00:00:00:00:99"
OWN = f"mac {NODE_MAC}\naddress eth0 192.0.2.21/24\n"


def hosts(network_said: str = "") -> dict[str, dict[str, Seen]]:
    return {"cp1": {}, "w1": {network.KEY: present(OWN + network_said)}}


def state(certificate: Seen = ABSENT, pools: Seen = ABSENT, **more: Any) -> ClusterState:
    return a_state(said={look.CERTIFICATE_KEY: certificate, look.POOLS_KEY: pools}, **more)


def a_metallb(directory: Path, more: str = "", said: Mapping[str, Any] | None = None, **objects: Any) -> World:
    """`said`: network_said of the node; certificate and pools of the cluster."""
    cluster = dict(said or {})
    seen = hosts(cluster.pop("network_said", ""))
    return a_world(directory, topology(directory, more=more), seen, state(**cluster, **objects))


def live(item: Manifest, **meta: str) -> Manifest:
    return {**item, "metadata": {**item["metadata"], "resourceVersion": "7", **meta}}


def a_node(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "spec": {}}


def a_pool(name: str, *addresses: str, namespace: str = "metallb-system") -> dict[str, Any]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"},
        "spec": {"addresses": list(addresses)},
    }


def balanced(name: str, address: str) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    service = a_service("demo", name, "10.254.0.77")
    return {**service, "spec": {**service["spec"], "type": "LoadBalancer"}, "status": status}


def by_ref(items: Sequence[Manifest]) -> dict[ObjectRef, Manifest]:
    return {ObjectRef.of(item): item for item in items}


def codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]
